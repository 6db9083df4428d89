/**
 * Stands where Cloudflare's edge stands: lets requests with a cookie or a service token that it knows on to the server, with a
 * token of the issuer in the header that it sets, and answers the others as the edge does.
 */
import { createServer, request as forward, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Issuer } from '../../../../tests/support/issuer.ts'

export type RefusalStyle = 'login' | 'challenge' | 'forbidden'

export interface AccessEdge {
  readonly url: string
  /** How many requests came. */
  asked: number
  /** How it refuses. */
  style: RefusalStyle
  /** Requests that it lets nobody through with. */
  refuses: (method: string, path: string) => boolean
  /** Ends all connections, live ones too. */
  cut(): void
}

export const SERVICE = {
  id: '88bf3b6d86161464f6509f7219099e57.access',
  secret: 'bdd31cbc4dec990953e39163fbbb194c93313ca9f0a6e420346af9d326b1d2a5',
}

/** @param target base URL of the server behind it */
export async function accessEdge(target: string, issuer: Issuer): Promise<AccessEdge> {
  const known = issuer.accessToken({ nonce: 'edge' })
  const sockets = new Set<Socket>()

  function passes({ headers, method = '', url = '' }: IncomingMessage): boolean {
    if (edge.refuses(method, url)) return false
    if (headers['cf-access-client-id'] === SERVICE.id && headers['cf-access-client-secret'] === SERVICE.secret) return true
    return headers.cookie?.startsWith('CF_Authorization=') === true
  }

  /** What comes from outside under the names that the edge sets never reaches the server. */
  function onward({ headers }: IncomingMessage): IncomingHttpHeaders {
    const { cookie: _cookie, 'cf-access-client-secret': _secret, ...rest } = headers
    return { ...rest, 'cf-access-jwt-assertion': known }
  }

  const server = createServer((incoming, outgoing) => {
    edge.asked += 1
    if (!passes(incoming)) return refuse(edge.style, incoming, outgoing)
    const { method = '', url: path = '' } = incoming
    const request = forward(new URL(path, target), { method, headers: onward(incoming), agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(outgoing)
    })
    request.on('error', () => outgoing.destroy())
    incoming.pipe(request)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (incoming, socket, head) => {
    edge.asked += 1
    if (!passes(incoming)) {
      socket.end('HTTP/1.1 302 Found\r\nlocation: https://example.cloudflareaccess.com/cdn-cgi/access/login/x\r\n\r\n')
      return
    }
    const { hostname, port } = new URL(target)
    const upstream = connect(Number(port), hostname, () => {
      const lines = Object.entries(onward(incoming)).map(([name, value]) => `${name}: ${String(value)}`)
      upstream.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    for (const [one, other] of [
      [upstream, socket],
      [socket, upstream],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    edge.cut()
    server.close()
  })
  const edge: AccessEdge = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: 0,
    style: 'login',
    refuses: () => false,
    cut() {
      for (const socket of sockets) socket.destroy()
    },
  }
  return edge
}

function refuse(style: RefusalStyle, { headers, url = '/' }: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.setHeader('cf-ray', '8f0c1d2e3f4a5b6c-AMS')
  outgoing.setHeader('content-type', 'text/html')
  if (style === 'login') {
    const page = `https://example.cloudflareaccess.com/cdn-cgi/access/login/${headers.host}?redirect_url=${encodeURIComponent(url)}`
    outgoing.writeHead(302, { location: page, 'cf-access-domain': String(headers.host) })
  } else if (style === 'challenge') outgoing.writeHead(401, { 'www-authenticate': 'Cloudflare-Access' })
  else outgoing.writeHead(403, { 'cf-access-domain': String(headers.host) })
  outgoing.end('<!doctype html><title>Forbidden</title>')
}
