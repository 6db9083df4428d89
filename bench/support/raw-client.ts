/**
 * A client that speaks to the server on bare sockets with segments of random bytes: it costs so little that the server is
 * what is measured. The server cannot tell them from sealed ones.
 */
import { hash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { toBase64Url } from '@lockstep/protocol/bytes'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { encodePush, SEGMENT_KIND } from '@lockstep/protocol/records'

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))

/** Makes a vault; returns a session's token. */
export async function signUp(url: string, name: string): Promise<string> {
  const body = {
    name,
    vaultId: toBase64Url(random(16)),
    suite: 'pbkdf2-sha256-1200000',
    salt: toBase64Url(new Uint8Array(16)),
    authKey: toBase64Url(random(32)),
    bundle: { version: 1, sealed: toBase64Url(random(160)) },
    device: { id: toBase64Url(random(16)), name: 'bench' },
  }
  const response = await fetch(`${url}/v1/vaults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`sign-up: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { token: string }).token
}

/** One replica on one kept-alive connection, one push at a time. */
export class RawDevice {
  readonly #socket: Socket
  readonly #token: string
  readonly #replica = random(16)
  #counter = 0
  #previous = new Uint8Array(32)
  #buffered = Buffer.alloc(0)
  #resolve: (() => void) | undefined
  #reject: ((error: Error) => void) | undefined

  constructor(url: string, token: string) {
    this.#token = token
    this.#socket = connect(Number(new URL(url).port), '127.0.0.1').setNoDelay()
    this.#socket.on('error', (error) => this.#reject?.(error))
    this.#socket.on('data', (chunk) => this.#read(chunk as Buffer))
  }

  #read(chunk: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, chunk])
    const end = this.#buffered.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#buffered.toString('latin1', 0, end)
    if (this.#buffered.length < end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)) return
    const text = this.#buffered.toString('latin1')
    this.#buffered = Buffer.alloc(0)
    if (head.startsWith('HTTP/1.1 200')) this.#resolve?.()
    else this.#reject?.(new Error(text))
  }

  /** Resolves when the server has the segment on its disk. */
  push(bytes: number): Promise<void> {
    const sealed = random(bytes)
    this.#counter++
    const record = {
      kind: SEGMENT_KIND.delta,
      epoch: 1,
      replica: this.#replica,
      counter: this.#counter,
      previous: this.#previous,
      sealed,
    }
    const body = encodePush([record])
    this.#previous = new Uint8Array(hash('sha256', sealed, 'buffer'))
    const head = [
      'POST /v1/segments HTTP/1.1',
      'host: localhost',
      `authorization: Bearer ${this.#token}`,
      `content-type: ${SEGMENTS_MEDIA_TYPE}`,
      `content-length: ${body.length}`,
    ]
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#socket.write(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]))
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
