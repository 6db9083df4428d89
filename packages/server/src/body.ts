/**
 * Request bodies, never more than their limit in memory [HTTP-3]: a declared length over it is refused before a byte
 * is read, an undeclared one as soon as it passes.
 */
import { decodeUtf8 } from '@lockstep/protocol/bytes'
import type { z } from 'zod'
import { ProblemError } from '#problems'

function tooLarge(limit: number): ProblemError {
  // The rest of the body would have to be read to use the connection again.
  return new ProblemError('too-large', `the body is over the limit of ${limit} bytes`, { headers: { connection: 'close' } })
}

function declaredLength(request: Request): number | undefined {
  const text = request.headers.get('content-length')
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

async function readStream(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > limit) {
      // Not awaited: the sender may never let go.
      void reader.cancel().catch(() => {})
      throw tooLarge(limit)
    }
    chunks.push(value)
  }
  const out = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

/** @throws ProblemError `unsupported-media-type`, `too-large`, or `bad-request` when the body breaks off. */
export async function readBytes(request: Request, mediaType: string, limit: number): Promise<Uint8Array> {
  const type = request.headers.get('content-type')
  if (type !== mediaType && type?.split(';')[0]?.trim().toLowerCase() !== mediaType) {
    throw new ProblemError('unsupported-media-type', `the body must be ${mediaType}`)
  }
  const declared = declaredLength(request)
  if (declared !== undefined && declared > limit) throw tooLarge(limit)
  try {
    // The HTTP parser holds a sender to the length it declared.
    if (declared !== undefined) return new Uint8Array(await request.arrayBuffer())
    return request.body === null ? new Uint8Array(0) : await readStream(request.body, limit)
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw new ProblemError('bad-request', 'the body broke off')
  }
}

/** The first thing wrong, by the field's name; the value is not repeated, it may be a secret. */
export function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  const field = issue?.path.map(String).join('.')
  return `${field ? `${field}: ` : ''}${issue?.message ?? 'not as expected'}`
}

/** @throws ProblemError as `readBytes`, `bad-json` and `bad-request`. */
export async function readJson<T>(request: Request, schema: z.ZodType<T>, limit: number): Promise<T> {
  const bytes = await readBytes(request, 'application/json', limit)
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(bytes))
  } catch {
    throw new ProblemError('bad-json', 'the body is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new ProblemError('bad-request', describeIssue(parsed.error))
  return parsed.data
}
