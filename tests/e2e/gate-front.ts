/**
 * What Cloudflare Access is to a browser, on this machine: pages without its cookie are sent to a log-in page at another address,
 * which sends them back with the cookie; other requests without it are refused in its place. The token in the cookie is an issuer's,
 * and the server behind looks at it itself.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Issuer } from '../support/issuer.ts'

export interface GateFront {
  readonly url: string
  /** From now on everybody has to log in again. */
  forget(): void
}

const COOKIE = 'CF_Authorization'

async function listen(answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** @param target base URL of the server behind it */
export async function startGateFront(target: string, issuer: Issuer): Promise<GateFront> {
  const upstream = new URL(target)
  let known = new Set<string>()
  const passes = ({ headers }: IncomingMessage) => {
    const token = headers.cookie?.split('; ').find((cookie) => cookie.startsWith(`${COOKIE}=`))
    return token !== undefined && known.has(token.slice(COOKIE.length + 1))
  }

  const logIn = await listen(({ url = '' }, outgoing) => {
    const back = new URL(url, 'http://gate').searchParams.get('back') ?? ''
    const page = `<!doctype html><title>Gate</title><h1>Who are you?</h1><a href="${back.replaceAll('"', '%22')}">It is me</a>`
    outgoing.writeHead(200, { 'content-type': 'text/html' }).end(page)
  })
  const front = await listen((incoming, outgoing) => {
    const { method, url: path = '/', headers } = incoming
    const asked = new URL(path, front.url)
    if (asked.pathname === '/cdn-cgi/access/authorized') {
      const token = issuer.accessToken({ nonce: known.size })
      known.add(token)
      const cookie = `${COOKIE}=${token}; Path=/; HttpOnly; SameSite=Lax`
      outgoing.writeHead(302, { location: asked.searchParams.get('to') ?? '/', 'set-cookie': cookie }).end()
    } else if (passes(incoming)) {
      const onward = request({ host: upstream.hostname, port: upstream.port, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      })
      onward.on('error', () => outgoing.destroy())
      incoming.pipe(onward)
    } else if (headers['sec-fetch-mode'] === 'navigate') {
      const back = `${front.url}/cdn-cgi/access/authorized?to=${encodeURIComponent(path)}`
      outgoing.writeHead(302, { location: `${logIn.url}/?back=${encodeURIComponent(back)}` }).end()
    } else outgoing.writeHead(401, { 'www-authenticate': 'Cloudflare-Access' }).end()
  })
  front.server.on('upgrade', (incoming, socket, head) => {
    if (!passes(incoming)) return void socket.end('HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Cloudflare-Access\r\n\r\n')
    const lines = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${String(value)}`)
    const onward = connect(Number(upstream.port), upstream.hostname, () => {
      onward.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      onward.write(head)
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return {
    url: front.url,
    forget() {
      known = new Set()
    },
  }
}
