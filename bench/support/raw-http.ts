/** HTTP on a bare kept-alive socket, one request at a time: it costs so little that the server is what is measured. */
import { connect, type Socket } from 'node:net'

export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly body?: string
}

export class RawConnection {
  readonly #socket: Socket
  #chunks: Buffer[] = []
  #received = 0
  /** Bytes until the answer is whole; unknown before its head is. */
  #expected = Number.POSITIVE_INFINITY
  #resolve: ((body: string) => void) | undefined
  #reject: ((error: Error) => void) | undefined

  constructor(url: string) {
    this.#socket = connect(Number(new URL(url).port), '127.0.0.1').setNoDelay()
    this.#socket.on('error', (error) => this.#reject?.(error))
    this.#socket.on('data', (chunk) => this.#read(chunk as Buffer))
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#received += chunk.length
    if (this.#expected === Number.POSITIVE_INFINITY) {
      const text = Buffer.concat(this.#chunks)
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      this.#expected = end + 4 + Number(/content-length: (\d+)/i.exec(text.toString('latin1', 0, end))?.[1] ?? 0)
    }
    if (this.#received < this.#expected) return
    const text = Buffer.concat(this.#chunks).toString()
    this.#chunks = []
    this.#received = 0
    this.#expected = Number.POSITIVE_INFINITY
    if (/^HTTP\/1\.1 20[01] /.test(text)) this.#resolve?.(text.slice(text.indexOf('\r\n\r\n') + 4))
    else this.#reject?.(new Error(text.slice(0, 1000)))
  }

  /** The body of a 200 or 201; anything else rejects. */
  send({ method, path, body = '' }: RawRequest): Promise<string> {
    const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#socket.write(`${head}\r\n\r\n${body}`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
