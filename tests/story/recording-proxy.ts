/**
 * Stands between CLI and server and keeps what passes: request lines, headers and bodies of both directions, bodies as they
 * are after every transfer and content coding is undone. What an eavesdropper behind the TLS would see.
 */
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'

export interface RecordingProxy {
  readonly url: string
  /** Decoded bodies, both directions. */
  bodies(): Uint8Array[]
  /** Requests so far, as "METHOD path". */
  requests(): string[]
  close(): Promise<void>
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

function decode(bytes: Buffer, coding: string | undefined): Buffer {
  if (coding === undefined || coding === 'identity' || bytes.length === 0) return bytes
  const decoder = DECODERS[coding]
  if (decoder === undefined) throw new Error(`the recording proxy cannot undo content-encoding ${coding}`)
  return decoder(bytes)
}

export async function recordingProxy(target: string): Promise<RecordingProxy> {
  const bodies: Uint8Array[] = []
  const requests: string[] = []
  const failures: unknown[] = []
  const server = createServer(async (incoming, outgoing) => {
    try {
      const sent = await buffer(incoming)
      requests.push(`${incoming.method} ${incoming.url}`)
      bodies.push(decode(sent, incoming.headers['content-encoding']))
      const { host: _host, connection: _connection, 'transfer-encoding': _coding, ...headers } = incoming.headers
      const forward = httpRequest(new URL(incoming.url ?? '/', target), {
        method: incoming.method ?? 'GET',
        headers: { ...headers, 'content-length': sent.length },
        agent: false,
      })
      forward.on('error', () => outgoing.destroy())
      forward.on('response', async (answer) => {
        try {
          const received = await buffer(answer)
          bodies.push(decode(received, answer.headers['content-encoding']))
          const { connection: _, 'transfer-encoding': __, ...rest } = answer.headers
          outgoing.writeHead(answer.statusCode ?? 502, {
            ...rest,
            ...(received.length > 0 && { 'content-length': received.length }),
          })
          outgoing.end(received)
        } catch (error) {
          failures.push(error)
          outgoing.destroy()
        }
      })
      forward.end(sent)
    } catch (error) {
      failures.push(error)
      outgoing.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies() {
      // A body that could not be decoded was not looked at: the scan would prove nothing.
      if (failures.length > 0) throw failures[0]
      return bodies
    },
    requests: () => requests,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
