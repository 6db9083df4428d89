/**
 * The app on Node's HTTP server. Push and pull go from the socket to their handlers directly; every other route
 * becomes a Web `Request` for the router.
 *
 * A body has a deadline from the moment its headers are there: the server's own would cut off a large upload on a slow line. An
 * upload's deadline is renewed for as long as the upload gets on.
 *
 * Answers are kept small [SYNC-1]: no `Date` (but for push and pull) and no `Connection`
 * (HTTP/1.1 keeps connections open without being told).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { ServerApp } from '#app'
import { type Answer, BodyCollector, brokenBody, type Exchange, isStreamed } from '#exchange'
import { refuseSocket } from '#live-socket'
import { ProblemError, problemAnswer } from '#problems'
import type { RequestTerms } from '#terms'

/** An upload that brings less than this in the time that any other body has to be there in is not getting on. Bytes. */
const PROGRESS = 64 * 1024
/** How long a sender that was refused may go on sending, so that it gets to read why. Milliseconds. */
const LINGER = 500

/** @throws ProblemError `too-large`, `busy`, `bad-request` */
async function readBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const refuse = (error: unknown) => {
    incoming.removeAllListeners('data')
    incoming.pause()
    reject(error)
  }
  const collector = new BodyCollector(limit, incoming.headers['content-length'], refuse)
  incoming.on('data', (chunk: Buffer) => {
    try {
      collector.add(chunk)
    } catch (error) {
      refuse(error)
    }
  })
  incoming.on('end', () => resolve(collector.finish()))
  // `close` also comes after `end`; making an error for each good request would cost more than reading it.
  incoming.on('close', () => {
    if (!incoming.complete) reject(brokenBody())
  })
  incoming.on('error', () => reject(brokenBody()))
  try {
    return await promise
  } finally {
    collector.end()
  }
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
    body: (limit) => readBody(incoming, limit),
  }
}

/**
 * Sends a stream no faster than it is taken; gives it up when the other side goes.
 *
 * @param length that was announced. A stream of another length is never taken for the whole: the connection is dropped.
 * @throws what reading the stream throws, RangeError for another length.
 */
async function sendStream(stream: ReadableStream<Uint8Array>, length: number | undefined, outgoing: ServerResponse): Promise<void> {
  const reader = stream.getReader()
  let sent = 0
  let wake: (() => void) | undefined
  outgoing.on('drain', () => wake?.())
  outgoing.on('close', () => wake?.())
  for (;;) {
    const { done, value } = await reader.read()
    if (outgoing.destroyed) return reader.cancel()
    if (done) break
    sent += value.length
    if (sent > (length ?? sent)) break
    if (outgoing.write(value)) continue
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
  if (sent !== (length ?? sent)) throw new RangeError('a streamed answer is not as long as was announced')
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

async function send(answer: Answer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { status, headers, body } = answer
  // The request was given up: it took too long, or who sent it has gone.
  if (outgoing.headersSent || outgoing.destroyed) {
    if (body instanceof ReadableStream) await body.cancel()
    return
  }
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body instanceof Uint8Array ? body.length : undefined
  outgoing.writeHead(status, length === undefined ? headers : { ...headers, 'content-length': length })
  if (body instanceof ReadableStream) {
    const announced = headers['content-length']
    return sendStream(body, announced === undefined ? undefined : Number(announced), outgoing)
  }
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

function splitTarget(url: string): { readonly path: string; readonly search: string } {
  const query = url.indexOf('?')
  return query === -1 ? { path: url, search: '' } : { path: url.slice(0, query), search: url.slice(query + 1) }
}

async function toAnswer(response: Response): Promise<Answer> {
  const headers = Object.fromEntries(response.headers)
  const { status, body } = response
  if (body === null || isStreamed(response)) return { status, headers, body }
  return { status, headers, body: new Uint8Array(await response.arrayBuffer()) }
}

async function answerRequest(app: ServerApp, incoming: IncomingMessage): Promise<Answer> {
  const { method = 'GET', url = '/' } = incoming
  const { path, search } = splitTarget(url)
  const short = app.answer(method, path, nodeExchange(incoming, search))
  if (short !== undefined) return short
  let request: Request
  try {
    if (!url.startsWith('/')) throw new TypeError('a target that is not a path')
    request = toRequest(incoming, method, url)
  } catch {
    return problemAnswer(new ProblemError('bad-request', 'the method or the target is not one this server understands'))
  }
  return toAnswer(await app.fetch(request, { peer: incoming.socket.remoteAddress ?? '' }))
}

function tookTooLong(): ProblemError {
  return new ProblemError('request-timeout', 'the request took too long')
}

/** What holds for a request that brings a body. */
function bodyTerms(app: ServerApp, { headers, method = 'GET', url = '/' }: IncomingMessage): RequestTerms | undefined {
  const brings = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return brings ? app.terms(method, splitTarget(url).path) : undefined
}

interface Arrival {
  readonly upload: boolean
  /** Milliseconds. */
  readonly allowed: number
  readonly late: () => void
}

/** Calls `late` unless the body is there in time. */
function limitArrival(incoming: IncomingMessage, { upload, allowed, late }: Arrival): void {
  const { socket } = incoming
  let seen = socket.bytesRead
  let timer: NodeJS.Timeout
  const wait = () => {
    timer = setTimeout(() => {
      if (upload && socket.bytesRead - seen >= PROGRESS) {
        seen = socket.bytesRead
        return wait()
      }
      late()
    }, allowed)
  }
  wait()
  const settled = () => clearTimeout(timer)
  incoming.once('end', settled)
  incoming.once('close', settled)
}

/** Gives up a request whose body did not come: with 408, where nothing has been answered yet. */
async function refuseLate(app: ServerApp, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { status, headers, body } = await toAnswer(app.refuse(splitTarget(incoming.url ?? '/').path, tookTooLong()))
  if (outgoing.headersSent) {
    incoming.destroy()
    return
  }
  // Node forgets a request that was answered: nobody else would tell its reader that there is no more.
  incoming.socket.once('close', () => incoming.destroy())
  outgoing.writeHead(status, { ...headers, connection: 'close' })
  outgoing.end(body)
}

/** Requests that never became one: cut off, too slow, or not HTTP. */
function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuseSocket(socket, tookTooLong())
  else refuseSocket(socket, new ProblemError('bad-request', 'this is not a well-formed HTTP request'))
}

function closing(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, connection: 'close' } }
}

export interface ServeAppOptions {
  readonly server: Server
  readonly app: ServerApp
  /** Milliseconds that a body may take to arrive; for an upload, to get on. */
  readonly bodyTimeout: number
  /** Hears of failures while an answer is sent; the connection is dropped then. */
  readonly onError: (error: unknown) => void
}

/** The server must have no `requestTimeout` of its own. */
export function serveApp({ server, app, bodyTimeout, onError }: ServeAppOptions): void {
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    if (incoming.httpVersion === '1.1') outgoing.removeHeader('connection')
    outgoing.sendDate = false
    incoming.on('error', () => {})
    const terms = bodyTerms(app, incoming)
    const upload = terms?.upload === true
    if (terms) limitArrival(incoming, { upload, allowed: bodyTimeout, late: () => void refuseLate(app, incoming, outgoing) })
    try {
      const answer = await answerRequest(app, incoming)
      // What is left of a refused upload may be gigabytes: it is not read to keep the connection.
      await send(upload && !incoming.complete ? closing(answer) : answer, incoming, outgoing)
    } catch (error) {
      onError(error)
      outgoing.destroy()
    }
  }
  server.on('request', (incoming, outgoing) => void handle(incoming, outgoing))
  server.on('checkContinue', (incoming, outgoing) => {
    // Who asks before sending is not invited to send what will be refused.
    const { bodyBytes } = app.terms(incoming.method ?? 'GET', splitTarget(incoming.url ?? '/').path)
    if (!(Number(incoming.headers['content-length'] ?? 0) > bodyBytes)) outgoing.writeContinue()
    void handle(incoming, outgoing)
  })
  server.on('clientError', refuseBrokenRequest)
}
