/**
 * Reading what somebody has published [SHR-1], with nothing but its link: no account, no vault, no database. The page that is shown to
 * strangers has this and the little that it imports.
 */
import { CryptoError } from '@lockstep/crypto/errors'
import { openShare } from '@lockstep/crypto/share'
import { FormatError, fromBase64Url } from '@lockstep/protocol/bytes'
import { decodeSharedDiff, parseShareLink, type SharedDiff, type ShareLink } from '@lockstep/protocol/share'
import { drain, readAll } from '#answers'
import { EngineError } from '#errors'
import type { HttpClient } from '#http'

/** What a server may hand out under a link; the protocol's limit is checked where something is published. */
const MAX_ANSWER = 2 * 1024 * 1024

/** @throws EngineError `bad-link` */
export function readLink(text: string): ShareLink {
  try {
    return parseShareLink(text)
  } catch (error) {
    if (error instanceof FormatError) throw new EngineError('bad-link', error.message, { cause: error })
    throw error
  }
}

/**
 * @throws EngineError `share-gone` where nothing is published there (any more), `share-unreadable` where it does not open with this link
 *   or is not a diff, `server-refused`, `offline`
 */
export async function readPublished(http: HttpClient, link: ShareLink): Promise<SharedDiff> {
  const sealed = await fetchSealed(http, link)
  if (sealed === undefined) throw new EngineError('share-gone', 'nothing is published under this link, or no longer')
  try {
    const keys = { id: fromBase64Url(link.id), key: fromBase64Url(link.key) }
    return decodeSharedDiff(await openShare({ ...keys, sealed }))
  } catch (error) {
    if (!(error instanceof CryptoError || error instanceof FormatError)) throw error
    throw new EngineError('share-unreadable', error.message, { cause: error })
  }
}

/** The sealed bytes; undefined where there are none. Only the id travels. */
export async function fetchSealed(
  http: HttpClient,
  { server, id }: Pick<ShareLink, 'server' | 'id'>,
): Promise<Uint8Array | undefined> {
  const response = await http({ method: 'GET', url: `${server}/v1/shares/${id}`, headers: {} })
  const { status, header } = response
  const isHtml = header('content-type')?.startsWith('text/html') === true
  if (status === 200 && !isHtml) return readAll(response, MAX_ANSWER)
  await drain(response)
  // A server that never heard of shares, or what stands in its place, says the same with a page.
  if ((status === 404 || status === 410) && !isHtml) return undefined
  throw new EngineError(
    status >= 500 ? 'offline' : 'server-refused',
    `${server} answered ${status} and not as a Lockstep server does: try again later, or ask for the link again`,
  )
}
