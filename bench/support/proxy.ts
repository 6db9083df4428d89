/** A TCP proxy on loopback that counts what devices and server say to each other, headers included. */
import { type AddressInfo, connect, createServer } from 'node:net'

export interface Traffic {
  readonly up: number
  readonly down: number
  /** How often a device said something after the server had the last word. */
  readonly roundTrips: number
  /** Bytes of HTTP bodies, by their Content-Length. */
  readonly bodyUp: number
  readonly bodyDown: number
}

export interface Proxy {
  readonly url: string
  /** What passed since the last call. */
  take(): Traffic
  close(): void
}

const NOTHING = { up: 0, down: 0, roundTrips: 0, bodyUp: 0, bodyDown: 0 }

/** Sum of the lengths that the heads in `chunk` announce; small exchanges have each head in one piece. */
function announced(chunk: Buffer): number {
  const text = chunk.toString('latin1')
  if (!/^(?:HTTP\/1\.1 \d|[A-Z]+ \/)/.test(text)) return 0
  const head = text.slice(0, text.indexOf('\r\n\r\n'))
  return Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
}

export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  let traffic = { ...NOTHING }
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((device) => {
    const upstream = connect(Number(port), hostname).setNoDelay()
    device.setNoDelay()
    sockets.add(device).add(upstream)
    let lastFromServer = true
    device.on('data', (chunk: Buffer) => {
      if (lastFromServer) traffic.roundTrips++
      lastFromServer = false
      traffic.up += chunk.length
      traffic.bodyUp += announced(chunk)
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      lastFromServer = true
      traffic.down += chunk.length
      traffic.bodyDown += announced(chunk)
      device.write(chunk)
    })
    device.on('close', () => upstream.destroy()).on('error', () => {})
    // What the device has not read yet still reaches it.
    upstream.on('close', () => device.end()).on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = traffic
      traffic = { ...NOTHING }
      return taken
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
