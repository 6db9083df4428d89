/**
 * One sync: seal and push what is pending, then pull what is new. Safe to stop anywhere and to run again; two runs at
 * once on one database do no harm, only double work.
 *
 * The common cases cost one round trip: nothing new is one small pull; one edit is one push, whose answer proves with
 * the chain that nobody else wrote in between [SYNC-1]. A server whose log is not the one that this device has followed is
 * repaired on the way (`repair.ts`), and what has become too long is merged afterwards (`compaction/`).
 */
import { equalBytes } from '@lockstep/protocol/bytes'
import { extendChain, type Sha256 } from '@lockstep/protocol/chain'
import { type DeliveredSegment, isCounted, type Position } from '@lockstep/protocol/records'
import { Merger } from '#compaction/merger'
import { isMergersTurn } from '#compaction/policy'
import { Downloader } from '#download'
import { EngineError } from '#errors'
import { purgeExpired } from '#expire'
import { Inbox } from '#inbox'
import { LogMismatch } from '#log-mismatch'
import { settleServerProblems, tellDeletes, tellOwnClock } from '#notices'
import { Outbox } from '#outbox'
import { relaxed } from '#relaxed'
import type { Remote } from '#remote'
import { Repair } from '#repair'
import { moveToNewReplica } from '#replica'
import type { Sealer } from '#sealing'
import type { Store } from '#store'
import { pruneTail } from '#tail'
import { Uploader } from '#upload'

/** A server may lose something again while it is being repaired. */
const MAX_REPAIRS = 3

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
  /** What was given back to a server that had lost it; none for an intact one. */
  readonly repaired: SyncCounts
}

export interface SyncOptions {
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface SyncTools {
  readonly store: Store
  readonly sealer: Sealer
  readonly sha256: Sha256
  readonly remote: Remote
  readonly token: string
}

export interface SyncerOptions extends SyncTools {
  /** Fetches the keys of epochs that this device does not have yet [KEY-4]; false where there are none. */
  readonly renewKeys?: (() => Promise<boolean>) | undefined
}

const NOTHING: SyncCounts = { segments: 0, bytes: 0 }

function sum(a: SyncCounts, b: SyncCounts): SyncCounts {
  return { segments: a.segments + b.segments, bytes: a.bytes + b.bytes }
}

export class Syncer {
  /** What every part of a sync works with. */
  readonly #tools: SyncTools
  readonly #renewKeys: () => Promise<boolean>
  readonly inbox: Inbox
  readonly outbox: Outbox
  readonly #uploader: Uploader
  /** The server's clock as the last answer told it, Unix milliseconds. */
  #serverTime: number | undefined

  constructor({ renewKeys = async () => false, ...tools }: SyncerOptions) {
    this.#tools = tools
    this.#renewKeys = renewKeys
    this.inbox = new Inbox(tools.store, tools.sealer, tools.sha256)
    this.outbox = new Outbox(tools.store, tools.sealer, tools.sha256)
    const onDate = (date: string | undefined) => this.#noteTime(date)
    this.#uploader = new Uploader({ ...tools, log: this.inbox.log, outbox: this.outbox, renewKeys, onDate })
  }

  /** @throws EngineError; what was done until then is kept. */
  async run(options: SyncOptions = {}): Promise<SyncResult> {
    const { store } = this.#tools
    let uploaded = NOTHING
    let downloaded = NOTHING
    const sequences: number[] = []
    const upload = async () => {
      const up = await this.#uploader.run(options)
      uploaded = sum(uploaded, up)
      sequences.push(...up.sequences)
      return up.complete || (up.segments === 0 && inStep)
    }
    /** A repair's last answer proved that there is nothing to be fetched. */
    let inStep = false
    let repair: Repair | undefined
    for (let repairs = 0; ; repairs++) {
      try {
        await this.inbox.reopen()
        if (store.meta.get('repairing') !== undefined) {
          // Before anything else: what this device has to send goes on where the server had stopped.
          repair ??= this.#repair(options)
          downloaded = sum(downloaded, await this.#download(options))
          await this.#giveBack(repair)
        } else if (this.inbox.position().cursor === 0 && store.meta.get('leftServer') !== undefined) {
          // Everything waits to be sent: another device may have brought it here already [VAULT-2].
          downloaded = sum(downloaded, await this.#download(options))
        }
        if (!(await upload())) downloaded = sum(downloaded, await this.#download(options))
        if (await this.#repair(options).reread()) downloaded = sum(downloaded, await this.#download(options))
        await this.#leaveCopy()
        purgeExpired(store, { now: store.runtime.now(), serverNow: this.#serverTime })
        // What came down can make this device write: a row of its own that somebody's purge would have taken [CELL-8].
        if (this.outbox.hasPending()) await upload()
        break
      } catch (error) {
        if (!(error instanceof LogMismatch) || repairs === MAX_REPAIRS) throw error
        repair ??= this.#repair(options)
        const step = await repair.begin(error)
        if (step === 'busy') {
          this.#waitForOther()
          break
        }
        inStep = step === 'in-step'
      }
    }
    this.#finish(repair === undefined)
    const { deaths } = this.inbox
    this.inbox.deaths = 0
    tellDeletes(store, deaths)
    await this.#merge(sequences, options)
    return { uploaded, downloaded, repaired: repair?.sent ?? NOTHING }
  }

  /** Segments under this replica's name came that were not made here: it is a copy, and takes a name of its own [LOG-3]. */
  async #leaveCopy(): Promise<void> {
    const { store, sealer } = this.#tools
    if (this.inbox.log.isCopy()) await moveToNewReplica(store, sealer, store.replica)
  }

  async #giveBack(repair: Repair): Promise<void> {
    if (!(await repair.giveBack())) this.#waitForOther()
  }

  /** @throws EngineError `conflict` where this device has something to send, which has to wait */
  #waitForOther(): void {
    if (!(this.outbox.hasPending() || this.outbox.unsentCount().segments > 0)) return
    throw new EngineError('conflict', 'another device is giving the server back what it had lost: sync again in a moment', {
      retryAfter: 10,
    })
  }

  #repair({ signal }: SyncOptions): Repair {
    return new Repair({ ...this.#tools, log: this.inbox.log, signal })
  }

  async #download(options: SyncOptions): Promise<SyncCounts> {
    const { log } = this.inbox
    const onDate = (date: string | undefined) => this.#noteTime(date)
    const confirmed = log.confirmedCounter()
    const counts = await new Downloader({ ...this.#tools, inbox: this.inbox, renewKeys: this.#renewKeys, onDate }).run(options)
    const repairing = this.#tools.store.meta.get('repairing') !== undefined
    if (!repairing && log.lacksOwn(confirmed)) {
      if (log.isCopy()) this.#tools.store.write('remote', () => log.takeBackOwn())
      else throw new LogMismatch('the server has lost segments that it had confirmed to this device')
    }
    return counts
  }

  #finish(intact: boolean): void {
    const { store, remote } = this.#tools
    const note = () => {
      store.meta.set('lastSyncedAt', Math.max(store.meta.get('lastSyncedAt') ?? 0, Math.floor(store.runtime.now())))
      if (this.#serverTime !== undefined) tellOwnClock(store, { server: remote.server, serverNow: this.#serverTime })
      if (!intact || store.meta.get('repairing') !== undefined) return
      if (!settleServerProblems(store)) return
      pruneTail(store, this.inbox.position().cursor, { keepLeft: false })
    }
    relaxed(store.driver, () => store.write('remote', note))
  }

  /** What is merged is never what somebody waits for: where it does not work, the next device does it. */
  async #merge(sequences: readonly number[], { signal }: SyncOptions): Promise<void> {
    const inStep = !this.outbox.hasPending() && this.outbox.unsentCount().segments === 0
    if (!isMergersTurn(sequences) || !inStep || this.#tools.store.meta.get('repairing') !== undefined) return
    const flush = async () => void (await this.#uploader.run({ signal }))
    const merger = new Merger({ ...this.#tools, flush })
    try {
      // A log that was never merged is longer than one index.
      for (let more = true; more; ) {
        const result = await merger.run(signal)
        more = result?.merged === true && result.more
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
    }
  }

  #noteTime(date: string | undefined): void {
    const time = Date.parse(date ?? '')
    if (!Number.isNaN(time)) this.#serverTime = time
  }

  /**
   * Applies segments that a live connection pushed. Returns false where they do not continue the cursor: then a pull is
   * due [LOG-7].
   */
  async applyLive(segments: readonly DeliveredSegment[], position: Position): Promise<boolean> {
    const { cursor } = this.inbox.position()
    // While the log comes from its end, what is between has to come first.
    if (this.inbox.log.end.held() !== undefined) return false
    const fresh = segments.filter(({ last }) => last > cursor)
    if (fresh.length > 0) {
      if ((fresh[0] as DeliveredSegment).first !== cursor + 1 || fresh.some(({ kind }) => !isCounted(kind))) return false
      if (fresh.some(({ epoch }) => epoch > this.#tools.sealer.epoch)) return false
      const opened = await Promise.all(fresh.map((segment) => this.inbox.open(segment)))
      const before = this.inbox.position()
      if (before.cursor !== cursor) return false
      const chain = opened.reduce((value, { identity }) => extendChain(this.#tools.sha256, value, identity), before.chain)
      const { last } = fresh.at(-1) as DeliveredSegment
      // Not vouched for by the position that came with it: the pull finds out.
      if (last > position.head || (last === position.head && !equalBytes(chain, position.chain))) return false
      this.inbox.begin()
      this.inbox.apply(opened, position.head)
    }
    const now = this.inbox.position()
    return now.cursor > position.head || (now.cursor === position.head && equalBytes(now.chain, position.chain))
  }
}
