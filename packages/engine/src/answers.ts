/** Reading what a server answers, however long or malformed it is, and writing what it is asked. */
import { decodeUtf8, encodeUtf8, FormatError, toBase64Url } from '@lockstep/protocol/bytes'
import { EngineError } from '#errors'
import type { HttpResponse } from '#http'

/** An answer of this many bytes that should be JSON is not one. */
const MAX_JSON_ANSWER = 4 * 1024 * 1024

/** What `decode` makes of an answer. @throws EngineError `server-misbehaved` where it is not in the format */
export function misbehavedUnlessDecoded<T>(server: string, bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof FormatError)
      throw new EngineError('server-misbehaved', `${server} sent what is not in the protocol: ${error.message}`, { cause: error })
    throw error
  }
}

/** All of an answer of at most `limit` bytes. @throws EngineError `server-misbehaved` for a longer one */
export async function readAll(response: HttpResponse, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body) {
    length += chunk.length
    if (length > limit) throw new EngineError('server-misbehaved', 'an answer of the server is far larger than it can be')
    chunks.push(chunk)
  }
  const out = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

/** @throws EngineError `server-misbehaved` */
export async function readJson(response: HttpResponse): Promise<unknown> {
  const bytes = await readAll(response, MAX_JSON_ANSWER)
  try {
    return JSON.parse(decodeUtf8(bytes))
  } catch (error) {
    throw new EngineError('server-misbehaved', 'the server sent what is not JSON: is it a Lockstep server?', { cause: error })
  }
}

/** Reads and forgets an answer, so that its connection can be used again. */
export async function drain(response: HttpResponse): Promise<void> {
  let length = 0
  for await (const chunk of response.body) {
    length += chunk.length
    if (length > MAX_JSON_ANSWER) return
  }
}

/** What a request that carries JSON has of its own. */
export function jsonBody(json: unknown): { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array } {
  return { headers: { 'content-type': 'application/json' }, body: encodeUtf8(JSON.stringify(json)) }
}

/** Bytes become base64url, undefined members go. */
export function toWire(value: unknown): unknown {
  if (value instanceof Uint8Array) return toBase64Url(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(toWire)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toWire(member)]))
}
