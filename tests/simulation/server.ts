/**
 * The real server in memory, answering one request at a time. It can be killed at its named points and started again, be
 * put back to an earlier state, lose everything, and be copied, so that there are two that grow apart.
 */
import { createHash } from 'node:crypto'
import type { HttpRequest } from '@lockstep/engine/http'
import type { DeliveredSegment, Position } from '@lockstep/protocol/records'
import { createApp, type ServerApp } from '@lockstep/server/app'
import { limitsWith } from '@lockstep/server/limits'
import { parseTrustedProxies } from '@lockstep/server/network'
import type { Policy } from '@lockstep/server/services'
import { openSqliteStorage, type SqliteStorage } from '@lockstep/server/storage/sqlite/sqlite'
import type { VaultKey } from '@lockstep/server/storage/storage'
import type { Random } from '../support/random.ts'
import type { Fault } from './faults.ts'
import type { Holder, Write } from './ledger.ts'

export const SERVER_URL = 'http://server'
export const VAULT_NAME = 'main'

const POLICY: Policy = {
  version: 'simulation',
  signUp: 'single',
  setupToken: undefined,
  metricsToken: undefined,
  trustedProxies: parseTrustedProxies([]),
  limits: limitsWith(0),
  insecure: false,
}

/** An answer as it leaves the server. */
export interface Answered {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

const KILL_POINTS = {
  'before-commit': 'serverKilledBeforeCommit',
  'after-commit': 'serverKilledAfterCommit',
  'before-answer': 'serverKilledBeforeAnswer',
} as const satisfies Record<string, Fault>
export type KillPoint = keyof typeof KILL_POINTS

/** A backup: the database as it was, and which acknowledged writes are in it. */
export interface ServerImage {
  readonly bytes: Uint8Array
  readonly holds: ReadonlySet<Write>
}

export interface ServerOptions {
  readonly random: Random
  readonly clock: () => number
  readonly fault: (fault: Fault) => void
}

export class SimulatedServer implements Holder {
  readonly holds = new Set<Write>()
  /** Times that it was put back or emptied. */
  incarnation = 0
  storage: SqliteStorage
  readonly #options: ServerOptions
  readonly #random: Random
  readonly #clock: () => number
  readonly #fault: (fault: Fault) => void
  #app: ServerApp
  #killed = false
  /** Dies when it next passes this point. */
  killAt: KillPoint | undefined

  constructor(options: ServerOptions, image?: ServerImage) {
    this.#options = options
    this.#random = options.random
    this.#clock = options.clock
    this.#fault = options.fault
    this.storage = this.#open(image)
    this.#app = this.#start()
  }

  #open(image: ServerImage | undefined): SqliteStorage {
    this.holds.clear()
    for (const write of image?.holds ?? []) this.holds.add(write)
    const crashPoint = (name: string) => this.#pass(name)
    return openSqliteStorage({ image: image?.bytes, random: (length) => this.#random.bytes(length), crashPoint })
  }

  image(): ServerImage {
    return { bytes: this.storage.image(), holds: new Set(this.holds) }
  }

  /** Stops, has its database replaced, by an empty one without `image`, and starts. */
  async putBack(image: ServerImage | undefined): Promise<void> {
    await this.storage.close()
    this.incarnation++
    this.killAt = undefined
    this.storage = this.#open(image)
    this.#app = this.#start()
  }

  /** Another server with the same database, as of now. */
  copy(): SimulatedServer {
    return new SimulatedServer({ ...this.#options, random: this.#random.fork() }, this.image())
  }

  #start(): ServerApp {
    return createApp({
      storage: this.storage,
      policy: POLICY,
      clock: this.#clock,
      random: (length) => this.#random.bytes(length),
      schedule: (run) => queueMicrotask(run),
      crashPoint: (name) => this.#pass(name),
    })
  }

  #pass(name: string): void {
    if (this.#killed) throw new Error('the server is dead')
    if (name !== this.killAt) return
    this.#fault(KILL_POINTS[this.killAt])
    this.killAt = undefined
    this.#killed = true
    throw new Error('the server was killed by the simulation')
  }

  /** Undefined where the server died over it. Everything it knew by heart is gone then; its database stays. */
  async handle(request: HttpRequest): Promise<Answered | undefined> {
    const answered = await this.#handle(request)
    if (!this.#killed) return answered
    this.#killed = false
    this.#app = this.#start()
    return undefined
  }

  async #handle({ method, url, headers, body }: HttpRequest): Promise<Answered> {
    const { pathname, searchParams } = new URL(url)
    const short = this.#app.answer(method, pathname, {
      header: (name) => headers[name],
      query: (name) => searchParams.get(name) ?? undefined,
      body: async () => body ?? new Uint8Array(0),
    })
    if (short !== undefined) {
      const answer = await short
      const whole = new Uint8Array(await new Response(answer.body).arrayBuffer())
      return { status: answer.status, headers: this.#withDate(Object.entries(answer.headers)), body: whole }
    }
    const request = new Request(url, { method, headers, ...(body !== undefined && { body: body.slice() }) })
    const response = await this.#app.fetch(request, { peer: '127.0.0.1' })
    return {
      status: response.status,
      headers: this.#withDate(response.headers.entries()),
      body: new Uint8Array(await response.arrayBuffer()),
    }
  }

  /** As the HTTP server adds it. */
  #withDate(headers: Iterable<[string, string]>): Map<string, string> {
    return new Map([...headers, ['date', new Date(this.#clock()).toUTCString()]])
  }

  async #vault(): Promise<VaultKey | undefined> {
    return (await this.storage.vaultByName(VAULT_NAME))?.key
  }

  /** Ids of the devices that were revoked. */
  async revoked(): Promise<Uint8Array[]> {
    const vault = await this.#vault()
    if (vault === undefined) return []
    return (await this.storage.devices(vault)).filter(({ revoked }) => revoked).map(({ id }) => id)
  }

  async head(): Promise<number> {
    const vault = await this.#vault()
    return vault === undefined ? 0 : (await this.storage.position(vault)).head
  }

  /** What a live connection pushes for (after, through], with the position there. */
  async live(after: number, through: number): Promise<{ segments: readonly DeliveredSegment[]; position: Position } | undefined> {
    const vault = await this.#vault()
    const chain = vault === undefined ? undefined : await this.storage.chainAt(vault, through)
    if (vault === undefined || chain === undefined) return undefined
    const { segments } = await this.storage.read(vault, { after, through, newest: false }, Number.MAX_SAFE_INTEGER)
    return { segments, position: { head: through, chain, generation: this.storage.generation } }
  }
}

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
