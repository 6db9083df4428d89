/**
 * The honest server, in memory, whose past can be played again: every request is kept with its time, and randomness is a
 * function of the request's number. So a copy that has seen only some of the requests is, byte for byte, what this server
 * was or could have been: yesterday's backup, a clone, a new disk with the old accounts.
 */
import { createHash } from 'node:crypto'
import { toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, type Sha256 } from '@lockstep/protocol/chain'
import { type DeliveredSegment, DeliveryDecoder, type Position } from '@lockstep/protocol/records'
import { createApp, type ServerApp } from '@lockstep/server/app'
import { limitsWith } from '@lockstep/server/limits'
import type { LiveSocket } from '@lockstep/server/live'
import { parseTrustedProxies } from '@lockstep/server/network'
import { openSqliteStorage } from '@lockstep/server/storage/sqlite/sqlite'
import type { Storage } from '@lockstep/server/storage/storage'
import { type ClientRequest, type Exchange, exchangeOf, type Reply, wholeBody } from './exchange.ts'

export const sha256: Sha256 = (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest())

export interface JournalEntry {
  /** From 0. */
  readonly index: number
  /** Unix milliseconds. */
  readonly time: number
  readonly exchange: Exchange
}

export interface Log {
  readonly position: Position
  readonly segments: readonly DeliveredSegment[]
}

export class HonestServer {
  readonly storage: Storage
  readonly #app: ServerApp
  readonly #seed: string
  readonly #journal: JournalEntry[] = []
  /** Number of the request that is being answered, and how often it has asked for randomness. */
  #current = -1
  #draws = 0
  #time = 0
  #queue: Promise<unknown> = Promise.resolve()
  /** Unix milliseconds; a test moves it. */
  now: number

  constructor(options: { readonly seed: string; readonly now: number }) {
    this.#seed = options.seed
    this.now = options.now
    this.#time = options.now
    const random = (length: number) => this.#random(length)
    this.storage = openSqliteStorage({ random })
    this.#app = createApp({
      storage: this.storage,
      policy: {
        version: 'hostile',
        signUp: 'open',
        setupToken: undefined,
        metricsToken: undefined,
        trustedProxies: parseTrustedProxies([]),
        limits: limitsWith(0),
        insecure: false,
      },
      clock: () => this.#time,
      random,
      schedule: (run) => queueMicrotask(run),
    })
  }

  #random(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) {
      const block = createHash('sha256')
        .update(`${this.#seed} ${this.#current} ${this.#draws++}`)
        .digest()
      out.set(block.subarray(0, length - at), at)
    }
    return out
  }

  /** One request after another, so that each has its own randomness. */
  handle(client: string, request: ClientRequest): Promise<Reply> {
    return this.#take({ index: (this.#journal.at(-1)?.index ?? -1) + 1, time: this.now, exchange: exchangeOf(client, request) })
  }

  #take(entry: JournalEntry): Promise<Reply> {
    const answered = this.#queue.then(() => {
      this.#journal.push(entry)
      this.#current = entry.index
      this.#draws = 0
      this.#time = entry.time
      return this.#answer(entry.exchange)
    })
    this.#queue = answered.catch(() => {})
    return answered
  }

  async #answer({ method, path, query, request }: Exchange): Promise<Reply> {
    const { url, headers, body } = request
    const short = this.#app.answer(method, path, {
      header: (name) => headers[name],
      query: (name) => query.get(name) ?? undefined,
      body: async () => body ?? new Uint8Array(0),
    })
    const answer = await short
    const response =
      answer === undefined
        ? await this.#app.fetch(new Request(url, { method, headers, ...(body !== undefined && { body: body.slice() }) }), {
            peer: '127.0.0.1',
          })
        : new Response(answer.body, { status: answer.status, headers: answer.headers })
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: new Uint8Array(await response.arrayBuffer()),
    }
  }

  get journal(): readonly JournalEntry[] {
    return this.#journal
  }

  /** Another server that has seen those requests of this one that `keep` picks. */
  async replay(keep: (entry: JournalEntry) => boolean): Promise<HonestServer> {
    const copy = new HonestServer({ seed: this.#seed, now: this.now })
    for (const entry of this.#journal) if (keep(entry)) await copy.#take(entry)
    return copy
  }

  /** The log of the vault whose devices have asked last: a server can read what it keeps. */
  async log(): Promise<Log> {
    const tokens = new Set(this.#journal.map(({ exchange }) => exchange.request.headers['authorization']).reverse())
    const url = `http://server/v1/segments?after=0&chain=${toHex(CHAIN_START)}`
    for (const authorization of tokens) {
      if (authorization === undefined) continue
      const answer = await this.#answer(exchangeOf('server', { method: 'GET', url, headers: { authorization } }))
      if (answer.status === 200) return decodePull(await wholeBody(answer))
    }
    throw new Error('nobody is signed in')
  }

  live(socket: LiveSocket): ReturnType<ServerApp['live']['open']> {
    return this.#app.live.open(socket)
  }

  async close(): Promise<void> {
    await this.#queue
    await this.storage.close()
  }
}

export function decodePull(body: Uint8Array): Log {
  const decoder = new DeliveryDecoder()
  const segments = decoder.push(body)
  decoder.end()
  return { position: decoder.position as Position, segments }
}
