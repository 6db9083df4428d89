/**
 * What others wrote comes down. A device that follows the log gets what is after its cursor; a new one gets the log from
 * its end, so that the latest notes are there at once, and goes on from where an answer broke off [LOG-6].
 */
import { equalBytes } from '@lockstep/protocol/bytes'
import { MAX_MERGE_PARTS } from '@lockstep/protocol/limits'
import { type DeliveredSegment, type Position, SEGMENT_KIND } from '@lockstep/protocol/records'
import { EngineError } from '#errors'
import type { Inbox, NewestStream, OpenedSegment } from '#inbox'
import { LogMismatch, mismatchOf } from '#log-mismatch'
import { Portions } from '#portions'
import type { PullRequest, Remote } from '#remote'
import type { Sealer } from '#sealing'
import { ServerProblem } from '#server-problem'
import type { Store } from '#store'
import type { SyncCounts, SyncOptions } from '#sync'
import { PRUNE_EVERY, pruneTail } from '#tail'

/** Segments being decrypted ahead of the one being applied; each holds at most a few hundred KB. */
const OPEN_AHEAD = 6

export interface DownloaderOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly remote: Remote
  readonly token: string
  readonly inbox: Inbox
  readonly renewKeys: () => Promise<boolean>
  readonly onDate: (date: string | undefined) => void
}

interface Pulled extends SyncCounts {
  readonly position: Position
}

export class Downloader {
  readonly #options: DownloaderOptions

  constructor(options: DownloaderOptions) {
    this.#options = options
  }

  /** @throws LogMismatch, EngineError; what arrived until then is kept. */
  async run(options: SyncOptions): Promise<SyncCounts> {
    const { log } = this.#options.inbox
    let segments = 0
    let bytes = 0
    if (log.hasPassed()) this.#options.store.write('remote', () => log.end.letGo())
    if (log.position().cursor === 0 || log.end.held() !== undefined) {
      const newest = await this.#newestOfOneLog(options)
      segments += newest.segments
      bytes += newest.bytes
      const { cursor, chain } = log.position()
      // Nothing was written meanwhile: the position vouched for what came.
      if (cursor === newest.position.head) {
        this.#checkVouched(newest.position, chain)
        this.#finish(0, newest.position)
        return { segments, bytes }
      }
    }
    const rest = await this.#forward(options)
    return { segments: segments + rest.segments, bytes: bytes + rest.bytes }
  }

  /**
   * What is held may be of a log that the server no longer has: at its cursor, the beginning, all logs are alike. Where it does not fit
   * what comes, the log is got anew from its end, once.
   */
  async #newestOfOneLog(options: SyncOptions): Promise<Pulled> {
    const { inbox, store } = this.#options
    const { log } = inbox
    const start = log.position()
    const resumed = log.end.held() !== undefined || log.end.partial() !== undefined
    try {
      const newest = await this.#newest(options)
      const { cursor, chain } = log.position()
      if (!resumed || cursor !== newest.position.head || equalBytes(chain, newest.position.chain)) return newest
    } catch (error) {
      if (!resumed || !(error instanceof EngineError) || error.code !== 'server-misbehaved') throw error
    }
    store.write('remote', () => log.rewind(start))
    return this.#newest(options)
  }

  async #newest(options: SyncOptions): Promise<Pulled> {
    const { inbox } = this.#options
    const { cursor, chain } = inbox.position()
    const held = inbox.log.end.held()
    const partial = inbox.log.end.partial()
    inbox.begin(partial)
    const through = held === undefined ? partial?.last : held.first - 1
    let stream: NewestStream | undefined
    const pulled = await this.#pull(
      { after: cursor, chain, order: 'newest', through, resume: partial?.identity.id },
      options,
      (ready, position) => {
        const head = held?.last ?? partial?.last ?? position.head
        stream ??= { cursor, head, below: (through ?? position.head) + 1 }
        inbox.applyNewest(ready, stream)
        const now = inbox.log.end.held()
        const total = position.head - cursor
        return { done: now === undefined ? total : Math.min(total, now.last - now.first + 1), total }
      },
    )
    if (inbox.log.end.held() !== undefined && inbox.position().cursor === cursor) {
      // Something between that ends answers early looks the same as one that ends at once.
      const code = pulled.segments > 0 ? 'offline' : 'server-misbehaved'
      throw new EngineError(code, 'the answer ended before the beginning of the log; what arrived is kept')
    }
    return pulled
  }

  async #forward(options: SyncOptions): Promise<SyncCounts> {
    const { inbox } = this.#options
    const start = inbox.position()
    inbox.begin()
    const pulled = await this.#pull({ after: start.cursor, chain: start.chain }, options, (ready, position) => {
      const { cursor } = inbox.apply(ready, position.head)
      return { done: cursor - start.cursor, total: position.head - start.cursor }
    })
    if (pulled.position.head < start.cursor) {
      throw new LogMismatch(`the server has ${pulled.position.head} segments, but this device has received ${start.cursor} from it`)
    }
    this.#checkForward(pulled.position, pulled.segments > 0)
    this.#finish(start.cursor, pulled.position)
    return pulled
  }

  async #pull(
    request: PullRequest,
    { onProgress, signal }: SyncOptions,
    apply: (ready: readonly OpenedSegment[], position: Position) => { readonly done: number; readonly total: number },
  ): Promise<Pulled> {
    const { remote, token, inbox, onDate } = this.#options
    let segments = 0
    let bytes = 0
    let position: Position | undefined
    const opening: Promise<OpenedSegment>[] = []
    let openingBytes = 0
    let ready: OpenedSegment[] = []
    let readyBytes = 0
    let readyRows = 0
    const portions = new Portions(this.#options.store.runtime)
    /** True while one is on its way into the database: where that fails, those behind it must not follow. */
    let stuck = false
    const applyReady = () => {
      if (ready.length === 0) return
      const batch = ready
      const rows = readyRows
      ready = []
      readyBytes = 0
      readyRows = 0
      portions.apply(rows, () => {
        // Not inside of the call: without a listener nothing of it would be evaluated.
        const progress = apply(batch, position as Position)
        onProgress?.({ phase: 'download', ...progress })
      })
    }
    const take = async () => {
      stuck = true
      const opened = await (opening.shift() as Promise<OpenedSegment>)
      openingBytes -= opened.delivery.sealed.length
      ready.push(opened)
      readyBytes += opened.delivery.sealed.length
      readyRows += opened.content?.rows.length ?? 0
      const enough = portions.isEnough(readyBytes, readyRows)
      if (enough) applyReady()
      stuck = false
      if (enough) await portions.letOthers()
    }
    const follow = orderOf(request)
    try {
      for await (const chunk of remote.pull(token, { ...request, signal })) {
        position ??= { ...chunk.position, chain: chunk.position.chain.slice(), generation: chunk.position.generation.slice() }
        bytes += chunk.bytes
        onDate(chunk.date)
        for (const delivery of chunk.segments) {
          segments++
          follow(delivery)
          await this.#fetchKeys(delivery)
          const opened = inbox.open(delivery)
          // One that fails while another is waited for has a reader already, or it would end the process as unhandled.
          opened.catch(() => {})
          opening.push(opened)
          openingBytes += delivery.sealed.length
          // The first rows do not wait for what comes behind them.
          const enoughComes = () => opening.length > 0 && readyBytes + openingBytes >= (portions.first ?? Number.POSITIVE_INFINITY)
          while (opening.length >= OPEN_AHEAD || enoughComes()) await take()
        }
      }
    } catch (error) {
      throw error instanceof ServerProblem && error.problem === 'chain-mismatch' ? mismatchOf(error) : error
    } finally {
      // What arrived before a broken connection is whole segments in order: kept.
      while (!stuck && opening.length > 0) await take()
      if (!stuck) applyReady()
    }
    return { segments, bytes, position: position as Position }
  }

  /** A key of a later epoch than this device has is asked for once; without it the segment is set aside. */
  #asked = 0

  async #fetchKeys({ epoch }: DeliveredSegment): Promise<void> {
    const { sealer, renewKeys } = this.#options
    if (epoch <= sealer.epoch || epoch <= this.#asked) return
    this.#asked = epoch
    await renewKeys()
  }

  /** The log that was received must be the one that the server says it has. */
  #checkForward(position: Position, progressed: boolean): void {
    const { cursor, chain } = this.#options.inbox.position()
    if (cursor < position.head && progressed) {
      // Something between that ends answers early looks the same; a server that keeps them back makes no progress next time.
      throw new EngineError('offline', `The answer ended at segment ${cursor} of ${position.head}; what arrived is kept.`)
    }
    if (cursor < position.head) {
      throw new EngineError(
        'server-misbehaved',
        `The server has ${position.head} segments by its own word but handed out only ${cursor}.`,
      )
    }
    if (cursor === position.head) this.#checkVouched(position, chain)
  }

  #checkVouched(position: Position, chain: Uint8Array): void {
    const { store, remote } = this.#options
    if (equalBytes(chain, position.chain)) return
    const detail = 'The server handed out other segments than those it vouches for.'
    store.write('remote', () => store.report('forked', remote.server, detail))
    throw new EngineError('server-misbehaved', detail)
  }

  #finish(from: number, { head, generation }: Position): void {
    const { store, inbox } = this.#options
    const known = store.meta.get('generation')
    const same = known !== undefined && equalBytes(known, generation)
    // Old ends of the log are forgotten once in so many sequence numbers.
    if (same && Math.floor(from / PRUNE_EVERY) === Math.floor(head / PRUNE_EVERY)) return
    store.write('remote', () => {
      store.meta.set('generation', generation)
      pruneTail(store, head, { keepLeft: true })
      inbox.log.pruneMarks(head)
    })
  }
}

/**
 * Looks at each delivery of an answer: they ascend, or descend where the newest come first; only the parts of one run share their
 * place. So an answer cannot go on for ever. @throws EngineError `server-misbehaved`
 */
function orderOf({ order }: PullRequest): (delivery: DeliveredSegment) => void {
  let before: DeliveredSegment | undefined
  let parts = 0
  return (delivery) => {
    const { kind, first, last } = delivery
    const same = before !== undefined && kind === SEGMENT_KIND.merged && first === before.first && last === before.last
    parts = same ? parts + 1 : 1
    const follows = before === undefined || (order === 'newest' ? last < before.first : first > before.last)
    if (same ? parts > MAX_MERGE_PARTS : !follows) {
      throw new EngineError('server-misbehaved', 'the server hands out its log in an order that it cannot have')
    }
    before = delivery
  }
}
