/**
 * Public diffs. The link names nothing but the diff's id, which two profiles may both have: see `DifflogStore.publicDiff` for whose is
 * shown. A cache may keep the answer but has to ask each time, so a diff that is private again is gone at once.
 */
import { hash } from 'node:crypto'
import { Refusal } from '#dialects/difflog/refusal'
import { pathPart } from '#dialects/difflog/request'
import type { Tools } from '#dialects/difflog/tools'
import { jsonResponse } from '#problems'

const diffNotFound = (): Refusal => new Refusal(404, 'Diff not found')

/** @throws Refusal 404 for what begins like JSON and is none */
function parseDiff(data: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(data)
  } catch {
    throw diffNotFound()
  }
}

/** Ids are whatever a client says; a header takes less. Commas would part tags. */
function cacheTag(id: string): string {
  return `diff-${/^[\w.:-]+$/.test(id) ? id : encodeURIComponent(id)}`
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')))
}

export function addPublicRoutes({ services, route }: Tools): void {
  route('GET', '/api/diff/:id/public', async (context) => {
    const id = pathPart(context, 'id')
    const data = await services.storage.difflog.publicDiff(id)
    if (data === undefined) throw diffNotFound()
    const { content, title, generated_at, profile_name, window_days } = parseDiff(data)
    const body = {
      id,
      content: content ?? null,
      title: title ?? null,
      generated_at: generated_at ?? null,
      profile_name: profile_name || 'Anonymous',
      ...(window_days !== undefined && window_days !== null && { window_days }),
    }
    const response = jsonResponse(body)
    const etag = `"${hash('sha256', JSON.stringify(body), 'base64url').slice(0, 22)}"`
    const answer = matches(context.req.header('if-none-match'), etag) ? new Response(null, { status: 304 }) : response
    answer.headers.set('cache-control', 'no-cache')
    answer.headers.set('etag', etag)
    answer.headers.set('cache-tag', cacheTag(id))
    return answer
  })
}
