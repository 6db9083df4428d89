/**
 * The WebSocket under the live hub: takes over upgrades of `/v1/live`, checks `Origin`, waits 5 s for the hello, and
 * pings every 30 s; a socket that has not answered the last ping is dropped.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Admission } from '#auth/gate-keeper'
import { LIVE_CLOSE, type LiveHub, type LiveSocket } from '#live'
import { ProblemError, problemAnswer } from '#problems'

const LIVE_PATH = '/v1/live'
const HELLO_MILLISECONDS = 5_000
const PING_MILLISECONDS = 30_000
/** The longest that a timer takes, 24 days: who passes for longer connects anew once. */
const MAX_TIMER = 2 ** 31 - 1
/** A hello is a token, a number and a hash. */
const MAX_HELLO_BYTES = 4096

export interface LiveServerOptions {
  readonly server: Server
  readonly hub: LiveHub
  /** Whether the gate lets a request pass, and until when. */
  readonly admit: (header: (name: string) => string | undefined) => Promise<Admission>
  /** Unix milliseconds, as the gate counts them. */
  readonly clock: () => number
  /** Origins whose pages may connect, besides the one the request was made to. */
  readonly allowedOrigins: readonly string[]
  readonly maxSockets: number
  readonly secure: boolean
  readonly helloMilliseconds?: number
}

/** Ends a connection that was not upgraded with a problem, by hand: there is no response object on an upgrade. */
export function refuseSocket(socket: Duplex, problem: ProblemError): void {
  const { status, headers, body } = problemAnswer(problem)
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': Buffer.byteLength(body) })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`)
}

function toLiveSocket(socket: WebSocket): LiveSocket {
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        socket.send(message, { binary: true }, (error) => (error ? reject(error) : resolve()))
      }),
    close: (code, reason) => socket.close(code, reason),
    get buffered() {
      return socket.bufferedAmount
    },
  }
}

export interface LiveServer {
  /** Tells every socket that the server goes away. */
  close(): void
  /** Drops the sockets that have not closed by then. */
  terminate(): void
}

export function serveLive(options: LiveServerOptions): LiveServer {
  const { server, hub, admit, clock, allowedOrigins, maxSockets, secure, helloMilliseconds = HELLO_MILLISECONDS } = options
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_HELLO_BYTES, perMessageDeflate: false })
  const awaitingPong = new WeakSet<WebSocket>()

  const originAllowed = (request: IncomingMessage): boolean => {
    const { origin, host } = request.headers
    if (origin === undefined) return true
    return origin === `${secure ? 'https' : 'http'}://${host}` || allowedOrigins.includes(origin)
  }

  function accept(socket: WebSocket, until: number | undefined): void {
    const connection = hub.open(toLiveSocket(socket))
    const hello = setTimeout(() => {
      if (!connection.greeted) socket.close(LIVE_CLOSE.helloTimeout, 'no hello')
    }, helloMilliseconds)
    const pass =
      until !== undefined &&
      setTimeout(() => socket.close(LIVE_CLOSE.gateExpired, 'the access token has expired'), Math.min(until - clock(), MAX_TIMER))
    socket.on('message', (data, isBinary) => {
      clearTimeout(hello)
      void connection.receive(isBinary ? undefined : data.toString())
    })
    socket.on('pong', () => awaitingPong.delete(socket))
    // A broken frame, an oversized message, a reset: the socket closes, and that is all there is to do.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(hello)
      if (pass) clearTimeout(pass)
      connection.closed()
    })
  }

  /** Why a request that passed the gate is not upgraded all the same. */
  function refusal(request: IncomingMessage): ProblemError | undefined {
    if (request.url?.split('?')[0] !== LIVE_PATH) return new ProblemError('not-found', 'there is no WebSocket here')
    if (!originAllowed(request)) return new ProblemError('forbidden', 'pages of this origin may not connect')
    if (sockets.clients.size >= maxSockets) return new ProblemError('shutting-down', 'too many live connections')
    return undefined
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const header = (name: string) => {
      const value = request.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    }
    // What the socket sends meanwhile waits in it.
    void admit(header).then(({ refused = refusal(request), until }) => {
      if (refused) refuseSocket(socket, refused)
      else sockets.handleUpgrade(request, socket, head, (opened) => accept(opened, until))
    })
  })

  const ping = setInterval(() => {
    for (const socket of sockets.clients) {
      if (awaitingPong.has(socket)) {
        socket.terminate()
        continue
      }
      awaitingPong.add(socket)
      socket.ping()
    }
  }, PING_MILLISECONDS)
  ping.unref()

  return {
    close() {
      clearInterval(ping)
      for (const socket of sockets.clients) socket.close(1001, 'the server is going away')
    },
    terminate() {
      for (const socket of sockets.clients) socket.terminate()
    },
  }
}
