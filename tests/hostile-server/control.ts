/** What an attack has in its hands: every request of its victim, every answer, the whole log, and what the server once was. */
import { decodeUtf8, equalBytes } from '@lockstep/protocol/bytes'
import { CHAIN_START } from '@lockstep/protocol/chain'
import { type DeliveredSegment, decodePush, decodePushAnswer, encodePushAnswer, type PushAnswer } from '@lockstep/protocol/records'
import type { Exchange, Reply } from './exchange.ts'
import { json, wholeBody } from './exchange.ts'
import { decodePull, type HonestServer, type JournalEntry, type Log } from './honest-server.ts'
import { type Anchor, ShownLog, segmentsReply } from './shown-log.ts'

/** Answers in place of the server, or asks it with `next` and changes what it says. */
export type Intercept = (exchange: Exchange, next: () => Promise<Reply>) => Reply | Promise<Reply>

/** A live connection as its victim sees it. */
export interface LiveVictim {
  send(message: Uint8Array): void
  close(code: number): void
}

/** Takes a live connection over as soon as the victim has said hello. */
export type LiveIntercept = (victim: LiveVictim, hello: string) => void

/** What the hostile server lets an attack do to it. */
export interface ControlTarget {
  readonly victim: string
  /** The copy of the server that the victim talks to. */
  readonly server: () => HonestServer
  readonly serveFrom: (server: HonestServer) => void
  readonly moveEverybody: (server: HonestServer) => void
  readonly intercept: (intercept: Intercept) => void
  readonly interceptLive: (intercept: LiveIntercept) => void
  readonly onNews: (listener: () => void) => void
  /** Where the victim stood when the attack began. */
  readonly anchor: Anchor
  /** What a device that was revoked has written since: genuine but for that. */
  readonly accomplice: readonly DeliveredSegment[]
  /** Base URL of a server of the attacker's that keeps whatever is sent to it. */
  readonly elsewhere: string
}

export const PULL = ['GET', '/v1/segments'] as const
export const PUSH = ['POST', '/v1/segments'] as const

/** Longer paths than this are no use to match a prefix by. */
const matches = (exchange: Exchange, method: string, path: string | RegExp): boolean =>
  exchange.method === method && (typeof path === 'string' ? exchange.path === path : path.test(exchange.path))

export class Control {
  readonly #target: ControlTarget

  constructor(target: ControlTarget) {
    this.#target = target
  }

  get server(): HonestServer {
    return this.#target.server()
  }

  get victim(): string {
    return this.#target.victim
  }

  get anchor(): Anchor {
    return this.#target.anchor
  }

  get accomplice(): readonly DeliveredSegment[] {
    return this.#target.accomplice
  }

  get elsewhere(): string {
    return this.#target.elsewhere
  }

  log(): Promise<Log> {
    return this.server.log()
  }

  intercept(intercept: Intercept): void {
    this.#target.intercept(intercept)
  }

  live(intercept: LiveIntercept): void {
    this.#target.interceptLive(intercept)
  }

  /** `listener` gets the log whenever somebody else has written. */
  onNews(listener: (log: Log) => void): void {
    this.#target.onNews(() => void this.log().then(listener))
  }

  /** Every request of this method and path is answered by `answer`. */
  answer(method: string, path: string | RegExp, answer: (exchange: Exchange) => Reply | Promise<Reply>): void {
    this.intercept((exchange, next) => (matches(exchange, method, path) ? answer(exchange) : next()))
  }

  /** Good answers to this method and path are changed. */
  change(method: string, path: string | RegExp, change: (answer: Reply, exchange: Exchange) => Reply | Promise<Reply>): void {
    this.intercept(async (exchange, next) => {
      const answer = await next()
      return matches(exchange, method, path) && answer.status < 300 ? change(answer, exchange) : answer
    })
  }

  /** The bytes of good answers. */
  changeBytes(method: string, path: string | RegExp, change: (bytes: Uint8Array) => Uint8Array): void {
    this.change(method, path, async (answer) => ({ ...answer, body: change(await wholeBody(answer)) }))
  }

  /** The JSON of good answers; `change` gets its own copy, to change or to replace. */
  changeJson(method: string, path: string | RegExp, change: (value: Record<string, unknown>) => object): void {
    this.change(method, path, async (answer) => {
      const value = JSON.parse(decodeUtf8(await wholeBody(answer))) as Record<string, unknown>
      return { ...json(change(value), answer.status), headers: answer.headers }
    })
  }

  /** What good pulls deliver, numbers and position as the attack says. */
  changePull(change: (log: Log) => Log): void {
    this.change(...PULL, async (answer) => {
      const { position, segments } = change(decodePull(await wholeBody(answer)))
      return segmentsReply(position, segments)
    })
  }

  changePushAnswer(change: (answer: PushAnswer) => PushAnswer): void {
    this.changeBytes(...PUSH, (bytes) => encodePushAnswer(change(decodePushAnswer(bytes))))
  }

  /**
   * The victim sees another log than there is: `change` gets what is new since the attack began, and says what is shown.
   * Numbers, chain and positions fit the lie, in pulls and in the answers to pushes.
   */
  show(change: (news: readonly DeliveredSegment[]) => readonly DeliveredSegment[]): void {
    const shown = () => this.shownLog(change)
    this.intercept(async (exchange, next) => {
      if (matches(exchange, ...PULL)) return (await shown()).pull(exchange.query) ?? next()
      const answer = await next()
      if (!matches(exchange, ...PUSH) || answer.status !== 200) return answer
      const log = await shown()
      const honest = decodePushAnswer(await wholeBody(answer))
      const records = decodePush(exchange.request.body ?? new Uint8Array(0))
      const sequences = records.map((record, i) => log.numberOf(record) ?? (honest.sequences[i] as number))
      return { ...answer, body: encodePushAnswer({ position: log.position, sequences }) }
    })
  }

  /** The log as it is up to where the attack began, and what `change` makes of the news. */
  async shownLog(change: (news: readonly DeliveredSegment[]) => readonly DeliveredSegment[]): Promise<ShownLog> {
    const { position, segments } = await this.log()
    const { sequence } = this.anchor
    const before = segments.filter(({ last }) => last <= sequence)
    const news = segments.filter(({ last }) => last > sequence)
    return new ShownLog(this.anchor, position.generation, before, change(news))
  }

  /** The victim talks to a copy of this server that has seen only those requests. */
  async turnBack(keep: (entry: JournalEntry) => boolean): Promise<HonestServer> {
    const copy = await this.server.replay(keep)
    this.#target.serveFrom(copy)
    return copy
  }

  /** Everybody talks to an exact copy from now on: what a move to another machine is. */
  async moveEverybody(): Promise<void> {
    this.#target.moveEverybody(await this.server.replay(() => true))
  }

  /** True for segments by the author of `of`. */
  static byAuthorOf(of: DeliveredSegment): (segment: DeliveredSegment) => boolean {
    return ({ replica }) => equalBytes(replica, of.replica)
  }
}

export const LOG_START: Anchor = { sequence: 0, chain: CHAIN_START }
