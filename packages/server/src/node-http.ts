/**
 * The app on Node's HTTP server. Push and pull go from the socket to their handlers directly; every other route
 * becomes a Web `Request` for the router.
 *
 * Answers are kept small [SYNC-1]: no `Date` (but for push and pull) and no `Connection`
 * (HTTP/1.1 keeps connections open without being told).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { MAX_PUSH_BYTES } from '@lockstep/protocol/limits'
import type { ServerApp } from '#app'
import { type Answer, BodyCollector, brokenBody, type Exchange } from '#exchange'
import { refuseSocket } from '#live-socket'
import { ProblemError, problemAnswer } from '#problems'

/** How long a sender that was refused may go on sending, so that it gets to read why. Milliseconds. */
const LINGER = 500

/** @throws ProblemError `too-large`, `bad-request` */
function readBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  const collector = new BodyCollector(limit, incoming.headers['content-length'])
  return new Promise((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      try {
        collector.add(chunk)
      } catch (error) {
        incoming.removeAllListeners('data')
        incoming.pause()
        reject(error)
      }
    })
    incoming.on('end', () => resolve(collector.finish()))
    // `close` also comes after `end`; making an error for each good request would cost more than reading it.
    incoming.on('close', () => {
      if (!incoming.complete) reject(brokenBody())
    })
    incoming.on('error', () => reject(brokenBody()))
  })
}

function nodeExchange(incoming: IncomingMessage, search: string): Exchange {
  let query: URLSearchParams | undefined
  return {
    header(name) {
      const value = incoming.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    query(name) {
      query ??= new URLSearchParams(search)
      return query.get(name) ?? undefined
    },
    body: async (limit) => readBody(incoming, limit),
  }
}

/** Sends a stream no faster than it is taken; gives it up when the other side goes. */
async function sendStream(stream: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = stream.getReader()
  let wake: (() => void) | undefined
  outgoing.on('drain', () => wake?.())
  outgoing.on('close', () => wake?.())
  for (;;) {
    const { done, value } = await reader.read()
    if (outgoing.destroyed) return reader.cancel()
    if (done) break
    if (outgoing.write(value)) continue
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
  outgoing.end()
}

/** Ends an answer only when the rest of the request has been thrown away, or it took too long: else it might not be read. */
function endLingering(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const end = () => outgoing.end()
  const timer = setTimeout(end, LINGER)
  incoming.once('end', end)
  incoming.once('close', () => clearTimeout(timer))
  incoming.resume()
}

async function send({ status, headers, body }: Answer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body instanceof Uint8Array ? body.length : undefined
  outgoing.writeHead(status, length === undefined ? headers : { ...headers, 'content-length': length })
  if (body instanceof ReadableStream) return sendStream(body, outgoing)
  if (headers['connection'] === 'close' && !incoming.complete) {
    outgoing.write(body ?? '')
    return endLingering(incoming, outgoing)
  }
  outgoing.end(body)
}

function toRequest(incoming: IncomingMessage, method: string, url: string): Request {
  const headers: [string, string][] = []
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.push([name, Array.isArray(value) ? value.join(', ') : value])
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  // The host is not used by any route; a fixed one cannot be malformed.
  return new Request(`http://lockstep${url}`, {
    method,
    headers,
    ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: 'half' as const } : {}),
  })
}

async function answerRequest(app: ServerApp, incoming: IncomingMessage): Promise<Answer> {
  const { method = 'GET', url = '/' } = incoming
  const query = url.indexOf('?')
  const path = query === -1 ? url : url.slice(0, query)
  const short = app.answer(method, path, nodeExchange(incoming, query === -1 ? '' : url.slice(query + 1)))
  if (short !== undefined) return short
  let request: Request
  try {
    if (!url.startsWith('/')) throw new TypeError('a target that is not a path')
    request = toRequest(incoming, method, url)
  } catch {
    return problemAnswer(new ProblemError('bad-request', 'the method or the target is not one this server understands'))
  }
  const response = await app.fetch(request, { peer: incoming.socket.remoteAddress ?? '' })
  const headers = Object.fromEntries(response.headers)
  // Every answer by this way is small; only pulls are streamed.
  const body = response.body === null ? null : new Uint8Array(await response.arrayBuffer())
  return { status: response.status, headers, body }
}

/** Requests that never became one: cut off, too slow, or not HTTP. */
function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuseSocket(socket, 'request-timeout', 'the request took too long')
  else refuseSocket(socket, 'bad-request', 'this is not a well-formed HTTP request')
}

/** @param onError hears of failures while an answer is sent; the connection is dropped then. */
export function serveApp(server: Server, app: ServerApp, onError: (error: unknown) => void): void {
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    if (incoming.httpVersion === '1.1') outgoing.removeHeader('connection')
    outgoing.sendDate = false
    incoming.on('error', () => {})
    try {
      await send(await answerRequest(app, incoming), incoming, outgoing)
    } catch (error) {
      onError(error)
      outgoing.destroy()
    }
  }
  server.on('request', (incoming, outgoing) => void handle(incoming, outgoing))
  server.on('checkContinue', (incoming, outgoing) => {
    // Who asks before sending is not invited to send what will be refused.
    if (!(Number(incoming.headers['content-length'] ?? 0) > MAX_PUSH_BYTES)) outgoing.writeContinue()
    void handle(incoming, outgoing)
  })
  server.on('clientError', refuseBrokenRequest)
}
