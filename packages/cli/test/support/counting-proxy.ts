/** Stands between homes and a server: sees each request, and can cut everybody off. */
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Exchange {
  readonly method: string
  readonly path: string
  /** 0 until there is an answer. */
  status: number
  sent: Buffer
  /** Body bytes of the answer. */
  received: number
}

export interface CountingProxy {
  readonly url: string
  /** What has been asked since the last call. */
  readonly take: () => Exchange[]
  /** Cuts connections while false. */
  online: boolean
}

/** @param target base URL, asked for at each request: a server that starts again has another port. */
export async function countingProxy(target: () => string): Promise<CountingProxy> {
  let exchanges: Exchange[] = []
  const server = createServer((incoming, outgoing) => {
    if (!proxy.online) {
      incoming.socket.destroy()
      return
    }
    const { method = '', url: path = '', headers } = incoming
    const exchange: Exchange = { method, path, status: 0, sent: Buffer.alloc(0), received: 0 }
    exchanges.push(exchange)
    const onward = forward(new URL(path, target()), { method, headers, agent: false }, (answer) => {
      exchange.status = answer.statusCode ?? 0
      outgoing.writeHead(exchange.status, answer.headers)
      answer.on('data', (chunk: Buffer) => {
        exchange.received += chunk.length
      })
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.on('data', (chunk: Buffer) => {
      exchange.sent = Buffer.concat([exchange.sent, chunk])
    })
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const proxy: CountingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => {
      const taken = exchanges
      exchanges = []
      return taken
    },
    online: true,
  }
  return proxy
}
