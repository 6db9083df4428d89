/**
 * One sync: seal and push what is pending, then pull what is new. Safe to stop anywhere and to run again; two runs at
 * once on one database do no harm, only double work.
 *
 * The common cases cost one round trip: nothing new is one small pull; one edit is one push, whose answer proves with
 * the chain that nobody else wrote in between [SYNC-1].
 */
import { equalBytes, FormatError, fromBase64Url, toHex } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import { MAX_PUSH_SEGMENTS } from '@lockstep/protocol/limits'
import { type DeliveredSegment, DIGEST_BYTES, type Position, type PushAnswer } from '@lockstep/protocol/records'
import { EngineError } from '#errors'
import type { ReplicaId } from '#hlc'
import { Inbox, type OpenedSegment } from '#inbox'
import { Outbox, type OutboxSegment } from '#outbox'
import { relaxed } from '#relaxed'
import { type Remote, ServerProblem } from '#remote'
import { moveToNewReplica } from '#replica'
import type { Sealer } from '#sealing'
import type { Store } from '#store'

const PUSH_BYTES = 2 * 1024 * 1024
/** Segments being decrypted ahead of the one being applied; each holds at most a few hundred KB. */
const OPEN_AHEAD = 6
/**
 * Sealed bytes applied in one transaction: the first rows are to be seen soon; later on larger transactions write the
 * pages of an index, which random ids hit all over, fewer times.
 */
const FIRST_APPLY_BYTES = 256 * 1024
const APPLY_BYTES = 2 * 1024 * 1024
/** Two are needed: an answer was lost, and the database is a copy. */
const MAX_CONFLICTS = 4
/** Larger differences between this device's clock and the server's are told. */
const CLOCK_WARNING_MILLIS = 10 * 60 * 1000

export interface SyncProgress {
  readonly phase: 'upload' | 'download'
  /** Upload: rows. Download: sequence numbers. */
  readonly done: number
  readonly total: number
}

export interface SyncCounts {
  readonly segments: number
  readonly bytes: number
}

export interface SyncResult {
  readonly uploaded: SyncCounts
  readonly downloaded: SyncCounts
}

export interface SyncOptions {
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface SyncerOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly sha256: Sha256
  readonly remote: Remote
  readonly token: string
}

export class Syncer {
  readonly #store: Store
  readonly #sha256: Sha256
  readonly #remote: Remote
  readonly #token: string
  readonly #sealer: Sealer
  readonly inbox: Inbox
  readonly outbox: Outbox

  constructor({ store, sealer, sha256, remote, token }: SyncerOptions) {
    this.#store = store
    this.#sha256 = sha256
    this.#remote = remote
    this.#token = token
    this.#sealer = sealer
    this.inbox = new Inbox(store, sealer, sha256)
    this.outbox = new Outbox(store, sealer, sha256)
  }

  /** @throws EngineError; what was done until then is kept. */
  async run({ onProgress, signal }: SyncOptions = {}): Promise<SyncResult> {
    try {
      await this.inbox.reopen()
      const uploaded = await this.#upload(onProgress, signal)
      const nothing = { segments: 0, bytes: 0 }
      const downloaded = uploaded.complete ? nothing : await this.#download(onProgress, signal)
      // What came down can make this device write: a row of its own that somebody's purge would have taken [CELL-8].
      const answered = this.outbox.hasPending() ? await this.#upload(onProgress, signal) : nothing
      this.#finish()
      const segments = uploaded.segments + answered.segments
      return { uploaded: { segments, bytes: uploaded.bytes + answered.bytes }, downloaded }
    } catch (error) {
      if (error instanceof EngineError && error.code === 'server-diverged') this.#reportDivergence(error)
      throw error
    }
  }

  #finish(): void {
    const note = () => {
      this.#store.meta.set(
        'lastSyncedAt',
        Math.max(this.#store.meta.get('lastSyncedAt') ?? 0, Math.floor(this.#store.runtime.now())),
      )
      if (this.#store.problems().some(({ code }) => code === 'server-diverged')) this.#store.settle('server-diverged')
    }
    relaxed(this.#store.driver, () => this.#store.write('remote', note))
  }

  #reportDivergence(error: EngineError): void {
    this.#store.write('remote', () => this.#store.report('server-diverged', this.#remote.server, error.message))
  }

  /** `complete`: the answers proved that this device has all there is. */
  async #upload(onProgress: SyncOptions['onProgress'], signal?: AbortSignal): Promise<SyncCounts & { readonly complete: boolean }> {
    let segments = 0
    let bytes = 0
    let rows = 0
    let conflicts = 0
    let complete = false
    const total = this.outbox.pendingRows()
    for (;;) {
      if (signal?.aborted === true) throw new EngineError('cancelled', 'cancelled', { cause: signal.reason })
      await this.#sealAhead()
      const batch = this.outbox.unsent(PUSH_BYTES).slice(0, MAX_PUSH_SEGMENTS)
      if (batch.length === 0) return { segments, bytes, complete }
      // The next segments are encrypted while these travel.
      const [pushed, sealing] = await Promise.allSettled([this.#push(batch, signal), this.#sealAhead()])
      if (pushed.status === 'rejected') throw pushed.reason
      if (sealing.status === 'rejected') throw sealing.reason
      const sent = pushed.value
      if (sent === undefined) {
        if (++conflicts > MAX_CONFLICTS) {
          throw new EngineError('server-misbehaved', 'the server refuses what it says it is waiting for')
        }
        continue
      }
      segments += batch.length
      bytes += sent.bytes
      for (const segment of batch) rows += segment.rows
      complete = sent.complete
      onProgress?.({ phase: 'upload', done: Math.min(rows, total), total })
    }
  }

  #sealing: Promise<void> | undefined

  /** Seals until about two pushes' worth of bytes waits, or nothing is pending. Calls that overlap share one run. */
  #sealAhead(): Promise<void> {
    // `finally` runs later even when there was nothing to wait for: a run that is over is never the shared one.
    this.#sealing ??= this.#sealUntilEnough().finally(() => {
      this.#sealing = undefined
    })
    return this.#sealing
  }

  async #sealUntilEnough(): Promise<void> {
    let waiting = this.outbox.unsentCount().bytes
    while (waiting < 2 * PUSH_BYTES && this.outbox.hasPending()) {
      if ((await this.outbox.sealNext()) === 0) return
      waiting = this.outbox.unsentCount().bytes
    }
  }

  /** Undefined where the server knew some of them already and the rest has to be asked again. */
  async #push(batch: readonly OutboxSegment[], signal?: AbortSignal): Promise<{ bytes: number; complete: boolean } | undefined> {
    const records = batch.map(({ record }) => record)
    try {
      const { answer, bytes, date } = await this.#remote.push(this.#token, records, signal)
      return { bytes, complete: this.#acknowledge(batch, answer, date) }
    } catch (error) {
      if (error instanceof ServerProblem && error.problem === 'replica-conflict') {
        await this.#resolveConflict(error, batch)
        return undefined
      }
      throw error
    }
  }

  /** True if the log holds nothing between the cursor and these segments, and nothing after them. */
  #acknowledge(batch: readonly OutboxSegment[], { position, sequences }: PushAnswer, date: string | undefined): boolean {
    const acknowledge = () => {
      let { cursor, chain } = this.inbox.position()
      batch.forEach(({ counter, record }, i) => {
        const sequence = sequences[i] as number
        this.outbox.acknowledge(counter, sequence)
        if (sequence !== cursor + 1) return
        cursor = sequence
        chain = extendChain(this.#sha256, chain, identifySegment(this.#sha256, record))
      })
      this.#checkOwnClock(date)
      // A chain that does not match is looked into by the pull, which the server must answer for.
      if (cursor !== position.head || !equalBytes(chain, position.chain)) return false
      this.#store.meta.set('cursor', cursor)
      this.#store.meta.set('chain', chain)
      this.#store.meta.set('generation', position.generation.slice())
      return true
    }
    return relaxed(this.#store.driver, () => this.#store.write('remote', acknowledge))
  }

  #checkOwnClock(date: string | undefined): void {
    const theirs = Date.parse(date ?? '')
    if (Number.isNaN(theirs)) return
    const difference = this.#store.runtime.now() - theirs
    this.#store.settle('own-clock')
    if (Math.abs(difference) > CLOCK_WARNING_MILLIS) {
      const hours = Math.max(1, Math.round(Math.abs(difference) / 3_600_000))
      const side = difference > 0 ? 'ahead of' : 'behind'
      this.#store.report(
        'own-clock',
        this.#remote.server,
        `This device's clock is about ${hours} hour${hours === 1 ? '' : 's'} ${side} the server's.`,
      )
    }
  }

  /** The server's last segment of this replica is not the predecessor of what was sent [LOG-3]. */
  async #resolveConflict(problem: ServerProblem, batch: readonly OutboxSegment[]): Promise<void> {
    const counter = Number(problem.members['counter'])
    const theirs = digestIn(problem.members['previous'])
    if (!Number.isSafeInteger(counter) || counter < 0 || theirs === undefined) {
      throw new EngineError('server-misbehaved', 'the server refused a segment without saying what it has', { cause: problem })
    }
    const first = (batch[0] as OutboxSegment).counter
    const ours = counter === 0 ? new Uint8Array(32) : this.outbox.digestOf(counter)
    if (ours !== undefined && equalBytes(ours, theirs)) {
      if (counter < first - 1) {
        throw new EngineError(
          'server-diverged',
          `The server has lost ${first - 1 - counter} of the segments it had confirmed to this device. Nothing is lost here; it needs its data back from a backup, or to be set up anew.`,
        )
      }
      // An answer was lost on the way: these are there already. Their numbers come with the next pull.
      this.#store.write('remote', () => {
        for (const segment of batch) if (segment.counter <= counter) this.outbox.acknowledge(segment.counter, 0)
      })
      return
    }
    await moveToNewReplica(this.#store, this.#sealer, toHex((batch[0] as OutboxSegment).record.replica) as ReplicaId)
  }

  async #download(onProgress: SyncOptions['onProgress'], signal?: AbortSignal): Promise<SyncCounts> {
    const start = this.inbox.position()
    let segments = 0
    let bytes = 0
    let position: Position | undefined
    const opening: Promise<OpenedSegment>[] = []
    let ready: OpenedSegment[] = []
    let readyBytes = 0
    let enough = FIRST_APPLY_BYTES
    /** True while one is on its way into the database: where that fails, those behind it must not follow. */
    let stuck = false
    const apply = () => {
      if (ready.length === 0) return
      const { cursor } = this.inbox.apply(ready)
      ready = []
      readyBytes = 0
      if (position !== undefined)
        onProgress?.({ phase: 'download', done: cursor - start.cursor, total: position.head - start.cursor })
    }
    const take = async () => {
      stuck = true
      const opened = await (opening.shift() as Promise<OpenedSegment>)
      ready.push(opened)
      readyBytes += opened.delivery.sealed.length
      if (readyBytes >= enough) {
        apply()
        enough = Math.min(2 * enough, APPLY_BYTES)
      }
      stuck = false
    }
    try {
      for await (const chunk of this.#remote.pull(this.#token, { after: start.cursor, chain: start.chain, signal })) {
        position = chunk.position
        bytes += chunk.bytes
        for (const delivery of chunk.segments) {
          segments++
          const opened = this.inbox.open(delivery)
          // One that fails while another is waited for has a reader already, or it would end the process as unhandled.
          opened.catch(() => {})
          opening.push(opened)
          if (opening.length >= OPEN_AHEAD) await take()
        }
      }
    } finally {
      // What arrived before a broken connection is whole segments in order: kept.
      while (!stuck && opening.length > 0) await take()
      if (!stuck) apply()
    }
    if ((position as Position).head < start.cursor) {
      throw new EngineError(
        'server-diverged',
        `The server has ${(position as Position).head} segments, but this device has received ${start.cursor} from it: it was restored from an old backup, or lies. Nothing is lost here.`,
      )
    }
    this.#checkPosition(position as Position, segments > 0)
    return { segments, bytes }
  }

  /** The log that was received must be the one that the server says it has. */
  #checkPosition(position: Position, progressed: boolean): void {
    const { cursor, chain } = this.inbox.position()
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
    if (cursor === position.head && !equalBytes(chain, position.chain)) {
      this.#store.write('remote', () =>
        this.#store.report('forked', this.#remote.server, 'The server handed out other segments than those it vouches for.'),
      )
      throw new EngineError('server-misbehaved', 'The server handed out other segments than those it vouches for.')
    }
    if (
      this.#store.meta.get('generation') === undefined ||
      !equalBytes(this.#store.meta.get('generation') as Uint8Array, position.generation)
    ) {
      this.#store.write('remote', () => this.#store.meta.set('generation', position.generation.slice()))
    }
  }

  /**
   * Applies segments that a live connection pushed. Returns false where they do not continue the cursor: then a pull is
   * due [LOG-7].
   */
  async applyLive(segments: readonly DeliveredSegment[], position: Position): Promise<boolean> {
    const { cursor } = this.inbox.position()
    const fresh = segments.filter(({ last }) => last > cursor)
    if (fresh.length > 0) {
      if ((fresh[0] as DeliveredSegment).first !== cursor + 1) return false
      const opened = await Promise.all(fresh.map((segment) => this.inbox.open(segment)))
      const before = this.inbox.position()
      if (before.cursor !== cursor) return false
      const chain = opened.reduce((value, { identity }) => extendChain(this.#sha256, value, identity), before.chain)
      const { last } = fresh.at(-1) as DeliveredSegment
      // Not vouched for by the position that came with it: the pull finds out.
      if (last > position.head || (last === position.head && !equalBytes(chain, position.chain))) return false
      this.inbox.apply(opened)
    }
    const now = this.inbox.position()
    return now.cursor > position.head || (now.cursor === position.head && equalBytes(now.chain, position.chain))
  }
}

/** The digest in a problem's member, undefined where there is none. */
function digestIn(member: unknown): Uint8Array | undefined {
  if (typeof member !== 'string') return undefined
  try {
    const digest = fromBase64Url(member)
    return digest.length === DIGEST_BYTES ? digest : undefined
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}
