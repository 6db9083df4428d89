/**
 * A server in memory: the log of one vault behind an {@link HttpClient}, with hooks that let a test make it dishonest or
 * unreliable. It counts requests and bytes of bodies.
 */
import { createHash } from 'node:crypto'
import { concatBytes, encodeUtf8, equalBytes, toBase64Url, toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import {
  type DeliveredSegment,
  decodeMarks,
  decodePush,
  encodeDelivery,
  encodePosition,
  encodePushAnswer,
} from '@lockstep/protocol/records'
import { EngineError } from '#errors'
import type { HttpClient, HttpRequest, HttpResponse } from '#http'

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

export interface Exchange {
  readonly method: string
  readonly path: string
  readonly sent: number
  readonly received: number
}

export class LogServer {
  readonly log: DeliveredSegment[] = []
  readonly chains: Uint8Array[] = [CHAIN_START]
  generation: Uint8Array = new Uint8Array(16).fill(7)
  readonly exchanges: Exchange[] = []
  /** Date header of answers. */
  date: (() => string) | undefined
  /** Changes what a pull hands out. */
  deliver: (segments: readonly DeliveredSegment[]) => readonly DeliveredSegment[] = (segments) => segments
  /** Turns what a pull hands out round for a device that wants the end first. */
  newest: (segments: readonly DeliveredSegment[]) => readonly DeliveredSegment[] = (segments) => segments.toReversed()
  /** Changes the bytes of any answer's body. */
  tamper: (request: HttpRequest, body: Uint8Array) => Uint8Array = (_request, body) => body
  /** An answer instead of the server's own; called before anything happens. */
  instead: (request: HttpRequest) => HttpResponse | undefined = () => undefined
  /** Called after a push is stored and before it is answered: throw to lose the answer. */
  afterPush: () => void = () => {}
  /** Bytes of each piece of an answer. */
  chunk = 1 << 20

  get head(): number {
    return this.log.length
  }

  /** Keeps the first `count` segments only, as a server does that was restored from a backup. */
  rollBackTo(count: number): void {
    this.log.length = count
    this.chains.length = count + 1
  }

  /** Puts a segment at the end, unchecked. */
  append(segment: DeliveredSegment): void {
    this.chains.push(extendChain(sha256, this.chains[this.head] as Uint8Array, identifySegment(sha256, segment)))
    this.log.push(segment)
  }

  readonly #continued = new Map<string, { readonly counter: number; readonly digest: Uint8Array }>()

  /** A seed stands for a replica's segments up to this one. */
  continues(replica: string, counter: number, digest: Uint8Array | undefined): void {
    if (digest !== undefined) this.#continued.set(replica, { counter, digest })
  }

  position() {
    return { head: this.head, chain: this.chains[this.head] as Uint8Array, generation: this.generation }
  }

  http: HttpClient = async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    const response = this.instead(request) ?? this.#answer(request, pathname, searchParams)
    const parts: Uint8Array[] = []
    for await (const part of response.body) parts.push(part)
    const body = this.tamper(request, concatBytes(...parts))
    this.exchanges.push({ method: request.method, path: pathname, sent: request.body?.length ?? 0, received: body.length })
    return { ...response, body: pieces(body, this.chunk) }
  }

  #answer(request: HttpRequest, path: string, query: URLSearchParams): HttpResponse {
    if (request.headers['authorization'] !== 'Bearer good') return problem(401, 'unauthorized')
    if (path === '/v1/rotations') return json({ rotations: [] })
    if (path === '/v1/segments/common')
      return json({ sequence: this.#common(request.body as Uint8Array), ...this.#state(), epoch: 1, bundleVersion: 1 })
    // One client at a time: whoever asks may fill it.
    if (path === '/v1/segments/merged') return json({ merge: 'merge', seconds: 120 })
    if (path !== '/v1/segments') return problem(404, 'not-found')
    return request.method === 'POST' ? this.#push(request.body as Uint8Array) : this.#pull(query)
  }

  #push(body: Uint8Array): HttpResponse {
    const sequences: number[] = []
    const records = decodePush(body)
    for (const record of records) {
      const { id } = identifySegment(sha256, record)
      const stored = this.log.find((known) => equalBytes(identifySegment(sha256, known).id, id))
      if (stored !== undefined) {
        sequences.push(stored.last)
        continue
      }
      const last = this.log.filter(({ replica, kind }) => kind === 0 && equalBytes(replica, record.replica)).at(-1)
      const seeded = this.#continued.get(toHex(record.replica))
      const previous = last === undefined ? (seeded?.digest ?? new Uint8Array(32)) : sha256(last.sealed)
      const counter = last?.counter ?? seeded?.counter ?? 0
      if (record.counter !== counter + 1 || !equalBytes(record.previous, previous)) {
        return problem(409, 'replica-conflict', { counter, previous: toBase64Url(previous) })
      }
      const sequence = this.head + 1
      this.chains.push(extendChain(sha256, this.chains[this.head] as Uint8Array, identifySegment(sha256, record)))
      this.log.push({ ...record, sealed: record.sealed.slice(), first: sequence, last: sequence })
      sequences.push(sequence)
    }
    this.afterPush()
    const date = this.date?.()
    return answer(200, encodePushAnswer({ position: this.position(), sequences }), date === undefined ? {} : { date })
  }

  #state() {
    const { head, chain, generation } = this.position()
    const last = new Map(this.log.map((segment) => [toHex(segment.replica), segment]))
    const coverage = [...last.values()].map(({ replica, counter, sealed }) => ({
      replica: toBase64Url(replica),
      ranges: [[1, counter]],
      digest: toBase64Url(sha256(sealed)),
    }))
    return { head, chain: toBase64Url(chain), generation: toBase64Url(generation), coverage }
  }

  #common(body: Uint8Array): number {
    const shared = decodeMarks(body).filter(({ sequence, chain }) => equalBytes(this.chains[sequence] ?? new Uint8Array(0), chain))
    return Math.max(0, ...shared.map(({ sequence }) => sequence))
  }

  #pull(query: URLSearchParams): HttpResponse {
    const after = Number(query.get('after'))
    const chain = this.chains[after]
    if (chain === undefined || toHex(chain) !== query.get('chain')) {
      return problem(409, 'chain-mismatch', this.#state())
    }
    const through = Number(query.get('through') ?? this.head)
    const delivered = this.deliver(this.log.slice(after, through))
    const segments = query.get('order') === 'newest' ? this.newest(delivered) : delivered
    return answer(200, concatBytes(encodePosition(this.position()), ...segments.map(encodeDelivery)))
  }
}

async function* pieces(body: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

export function answer(status: number, body: Uint8Array, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, header: (name) => headers[name], body: pieces(body, 1 << 20) }
}

function json(value: unknown): HttpResponse {
  return answer(200, encodeUtf8(JSON.stringify(value)), { 'content-type': 'application/json' })
}

export function problem(status: number, code: string, members: object = {}): HttpResponse {
  const json = { type: 'about:blank', title: code, status, code, detail: `the server said ${code}`, ...members }
  return answer(status, encodeUtf8(JSON.stringify(json)), { 'content-type': 'application/problem+json' })
}

export const lostAnswer = (): never => {
  throw new EngineError('offline', 'the answer was lost')
}
