/** Requests and answers as the hostile server sees them; the client's side fits any `fetch`-like function. */
import { encodeUtf8 } from '@lockstep/protocol/bytes'
import { PROBLEMS, type ProblemCode } from '@lockstep/protocol/http'

export interface ClientRequest {
  readonly method: string
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal
}

export interface ClientResponse {
  readonly status: number
  /** Lower-case name. */
  readonly header: (name: string) => string | undefined
  readonly body: AsyncIterable<Uint8Array>
}

/** A request of one client, taken apart. */
export interface Exchange {
  /** Who asks, by the name that the test gave it. A real server knows by the token. */
  readonly client: string
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly request: ClientRequest
}

export interface Reply {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Chunks are sent one by one and only as fast as they are read. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** The connection breaks after the body, as no orderly end of an answer does. */
  readonly broken?: boolean
}

export function exchangeOf(client: string, request: ClientRequest): Exchange {
  const { pathname, searchParams } = new URL(request.url)
  return { client, method: request.method, path: pathname, query: searchParams, request }
}

export async function wholeBody({ body }: Reply): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

export function reply(status: number, contentType: string, body: Uint8Array | string): Reply {
  return { status, headers: { 'content-type': contentType }, body: typeof body === 'string' ? encodeUtf8(body) : body }
}

export function json(value: unknown, status = 200): Reply {
  return reply(status, 'application/json', JSON.stringify(value))
}

export function problem(code: ProblemCode, members: object = {}, headers: Readonly<Record<string, string>> = {}): Reply {
  const status = PROBLEMS[code]
  const body = { type: 'about:blank', title: code, status, code, detail: `the server says ${code}`, ...members }
  const answer = reply(status, 'application/problem+json', JSON.stringify(body))
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
