/** A device on a live connection. */
import { toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import { type DeliveredSegment, DeliveryDecoder } from '@lockstep/protocol/records'
import { expect, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { b64, sha256 } from './client.ts'

/** What a live device has received: fails when a message does not continue it. */
export class LiveLog {
  readonly segments: DeliveredSegment[] = []
  chain: Uint8Array = CHAIN_START
  cursor = 0
  messages = 0

  receive(message: Uint8Array): void {
    const decoder = new DeliveryDecoder()
    for (const segment of decoder.push(message)) {
      if (segment.first !== this.cursor + 1) throw new Error(`segment ${segment.first} after ${this.cursor}`)
      this.chain = extendChain(sha256, this.chain, identifySegment(sha256, segment))
      this.cursor = segment.last
      this.segments.push(segment)
    }
    decoder.end()
    this.messages += 1
    expect([decoder.position?.head, toHex(decoder.position?.chain as Uint8Array)]).toEqual([this.cursor, toHex(this.chain)])
  }
}

export class LiveDevice extends LiveLog {
  readonly socket: WebSocket
  readonly closed: Promise<number>
  #wake: (() => void)[] = []

  constructor(url: string, hello: unknown, headers: Record<string, string> = {}, at = { cursor: 0, chain: CHAIN_START }) {
    super()
    this.cursor = at.cursor
    this.chain = at.chain
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/live`, { headers })
    onTestFinished(() => this.socket.terminate())
    this.socket.on('error', () => {})
    if (hello !== undefined)
      this.socket.on('open', () => this.socket.send(typeof hello === 'string' ? hello : JSON.stringify(hello)))
    this.closed = new Promise((resolve) => this.socket.on('close', resolve))
    this.socket.on('message', (data) => {
      this.receive(new Uint8Array(data as Buffer))
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }
}

export const hello = (token: string, after = 0, chain = CHAIN_START) => ({ token, after, chain: b64(chain) })
