/** The hostile server on a real port: one listener a client, so that it needs no token to know who asks. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Reply } from './exchange.ts'
import type { HostileServer } from './hostile-server.ts'

export interface Listener {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  close(): Promise<void>
}

async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return new Uint8Array(Buffer.concat(chunks))
}

async function send(answer: Reply, outgoing: ServerResponse): Promise<void> {
  if (answer.status === 0) {
    outgoing.destroy()
    return
  }
  const whole = answer.body instanceof Uint8Array && answer.broken !== true
  outgoing.writeHead(
    answer.status,
    whole ? { ...answer.headers, 'content-length': String((answer.body as Uint8Array).length) } : answer.headers,
  )
  const chunks = answer.body instanceof Uint8Array ? [answer.body] : answer.body
  for await (const chunk of chunks) {
    if (outgoing.destroyed) return
    if (!outgoing.write(chunk)) await new Promise((resolve) => outgoing.once('drain', resolve).once('close', resolve))
  }
  if (answer.broken === true) outgoing.destroy()
  else outgoing.end()
}

function listen(handle: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>): Promise<Listener> {
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy())
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      resolve({
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed())
            server.closeAllConnections()
          }),
      })
    })
  })
}

/** What the client of this name reaches at the listener's address is `hostile`. */
export function listenFor(hostile: HostileServer, client: string): Promise<Listener> {
  return listen(async (incoming, outgoing) => {
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
    )
    const { method = 'GET', url = '/' } = incoming
    const body = await bodyOf(incoming)
    const request = { method, url: `http://server${url}`, headers, ...(body.length > 0 && { body }) }
    await send(await hostile.handle(client, request), outgoing)
  })
}

/** A server of the attacker's that keeps what it is sent, and says yes to all of it. */
export async function listenForTokens(): Promise<Listener & { readonly caught: readonly string[] }> {
  const caught: string[] = []
  const listener = await listen(async (incoming, outgoing) => {
    const body = await bodyOf(incoming)
    caught.push(`${incoming.method} ${incoming.url} ${JSON.stringify(incoming.headers)} ${Buffer.from(body).toString('latin1')}`)
    await send({ status: 200, headers: {}, body: new Uint8Array(0) }, outgoing)
  })
  return { ...listener, caught }
}
