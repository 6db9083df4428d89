/**
 * Merges a part of the log, if there is one that is worth it: reads the server's index, picks a run (policy.ts), makes
 * the merged segment of what is left of it, reserves the run and puts the parts in its place [LOG-6] [LOG-10].
 *
 * Two ways to what a merged segment holds:
 * - *whole*: the run begins the log and little comes after it. Then it is this device's whole state, and none of the run has
 *   to be read. What it covers is what this device has, less what stands after the run.
 * - *touched*: else the run's segments are read, from what is at hand or from the server, and of each cell that they wrote
 *   goes in what is left of it (touched.ts).
 *
 * Only a device that is in step and has nothing to send merges, and only what it has read: then its state is what the log
 * says. It may be stopped anywhere. A reservation lapses by itself; the server changes nothing before all parts are there.
 */
import { concatBytes, equalBytes, FormatError, toHex } from '@lockstep/protocol/bytes'
import type { Sha256 } from '@lockstep/protocol/chain'
import { type IndexEntry, isCounted, type Position, SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { isTooLarge, isTruncated, pickRun, type Run, rewritable } from '#compaction/policy'
import { RunChangedError, readRun, UnreadableRunError } from '#compaction/read-run'
import { StateMovedError, type StateParts, TouchedState, WholeState } from '#compaction/state-parts'
import { sealState } from '#compaction/state-segment'
import { estimateSealedState } from '#compaction/state-size'
import { NotHeldError } from '#compaction/touched'
import type { Cover } from '#content'
import { DriverError } from '#driver'
import { EngineError } from '#errors'
import { makeStamp, type ReplicaId, stampTime } from '#hlc'
import { DeviceLog, type Known } from '#log'
import { relaxed } from '#relaxed'
import type { Remote } from '#remote'
import type { Sealer } from '#sealing'
import { ServerProblem } from '#server-problem'
import type { Store } from '#store'
import { keptSegments } from '#tail'

/** A server takes parts of at most this many times the run's bytes, and {@link SLACK_BYTES} more. */
const MOST_GROWTH = 1.25
const SLACK_BYTES = 1024 * 1024
/** The whole state holds what comes after the run as well: that may be this much of the run, and half the slack. */
const MOST_AFTER = 0.25

export interface MergerOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly sha256: Sha256
  readonly remote: Remote
  readonly token: string
  /** Sends what was written while a merged segment was made; without it such a merge is given up. */
  readonly flush?: (() => Promise<void>) | undefined
  /** What is merged, of an index and the log's head; the policy decides where it is not given. */
  readonly pick?: ((entries: readonly IndexEntry[], head: number) => Run | undefined) | undefined
}

/**
 * Why nothing was merged: the device is not in step; another one is at it, or has done it; the device cannot read a part of
 * the run; its database lacks what the run says, or is damaged; the merged segment would be larger than the run.
 */
export type MergeObstacle = 'behind' | 'taken' | 'unreadable' | 'not-held' | 'damaged' | 'too-large'

export type MergeResult =
  | { readonly merged: false; readonly obstacle: MergeObstacle; readonly detail: string }
  | {
      readonly merged: true
      readonly first: number
      readonly last: number
      /** Made of the device's whole state, without reading the run. */
      readonly whole: boolean
      /** Entries of the index that became one. */
      readonly entries: number
      readonly parts: number
      /** Sealed bytes, before and after. */
      readonly before: number
      readonly after: number
      /** Bytes of bodies. */
      readonly uploaded: number
      readonly downloaded: number
      /** The index did not reach the log's end: there is more to be merged. */
      readonly more: boolean
    }

/** What takes the place of a run. */
interface Replacement {
  readonly whole: boolean
  readonly state: StateParts
  readonly covers: readonly Cover[]
  readonly previous: Uint8Array
  readonly chain: Uint8Array
  readonly downloaded: number
}

function obstacle(kind: MergeObstacle, detail: string): MergeResult {
  return { merged: false, obstacle: kind, detail }
}

/** Expected ends of a try, which the next one may not meet. */
/** Refusals that say that something else came first; after the last of them this device takes up the new key with its next sync. */
const OTHERS_FIRST: readonly string[] = ['run-changed', 'merge-busy', 'not-found', 'chain-mismatch', 'epoch-closed']

function obstacleOf(error: unknown): MergeResult | undefined {
  if (error instanceof UnreadableRunError) return obstacle('unreadable', error.message)
  if (error instanceof NotHeldError) return obstacle('not-held', error.message)
  if (error instanceof FormatError || (error instanceof DriverError && error.code === 'corrupt')) {
    return obstacle('damaged', error.message)
  }
  if (error instanceof RunChangedError || error instanceof StateMovedError) return obstacle('taken', error.message)
  if (error instanceof ServerProblem && OTHERS_FIRST.includes(error.problem)) {
    return obstacle('taken', error.message)
  }
  return undefined
}

export class Merger {
  readonly #options: MergerOptions
  readonly #log: DeviceLog

  constructor(options: MergerOptions) {
    this.#options = options
    this.#log = new DeviceLog(options.store, options.sha256)
  }

  /** Merges at most one run; undefined where none is worth it. @throws EngineError */
  async run(signal?: AbortSignal): Promise<MergeResult | undefined> {
    try {
      return await this.#run(signal)
    } catch (error) {
      const expected = obstacleOf(error)
      if (expected === undefined) throw error
      return expected
    }
  }

  async #run(signal: AbortSignal | undefined): Promise<MergeResult | undefined> {
    const { store, sealer, sha256, remote, token } = this.#options
    const { position, entries } = await remote.index(token, 1)
    if (!this.#isInStep(position)) return obstacle('behind', 'this device and the log are not in step')
    const limit = this.#now()
    const run = await this.#pick(entries, position.head)
    if (run === undefined) return undefined
    if (this.#hasSetAside(run)) return obstacle('unreadable', 'a segment of the run was set aside')
    const read = { store, sealer, sha256, remote, token, log: this.#log, signal }
    let made = await this.#whole(run, entries, position, signal)
    if (made === undefined) {
      const { touched, covers, before, after, downloaded } = await readRun(read, run)
      made = {
        whole: false,
        state: new TouchedState({ store, touched, limit }),
        covers,
        previous: before,
        chain: after,
        downloaded,
      }
    }
    return this.#replace(run, made, isTruncated(entries, position.head), signal)
  }

  /** Time part of the last stamp given out or seen; another process on this home may have moved it. */
  #now(): string {
    const { meta, replica } = this.#options.store
    return stampTime(makeStamp(meta.get('clockMillis') ?? 0, meta.get('clockCounter') ?? 0, replica))
  }

  #hasSentAll(): boolean {
    const unsent = 'SELECT 1 FROM _pending UNION ALL SELECT 1 FROM _segments WHERE seq IS NULL LIMIT 1'
    return this.#options.store.driver.prepare(unsent).get() === undefined
  }

  /** Everything that is in the log is in the database, and the other way round. */
  #isInStep({ head, chain }: Position): boolean {
    const at = this.#log.position()
    if (at.cursor !== head || !equalBytes(at.chain, chain) || this.#log.end.held() !== undefined) return false
    return this.#hasSentAll()
  }

  async #pick(entries: readonly IndexEntry[], head: number): Promise<Run | undefined> {
    const { pick } = this.#options
    if (pick !== undefined) return pick(entries, head)
    const all = rewritable(entries, head)
    if (all !== undefined) {
      const { store, sealer } = this.#options
      if (isTooLarge(all, await estimateSealedState(store, sealer))) return all
    }
    return pickRun(entries, head)
  }

  #hasSetAside({ first, last }: Run): boolean {
    return (
      this.#options.store.driver.prepare('SELECT 1 FROM _quarantine WHERE seq BETWEEN ? AND ? LIMIT 1').get(first, last) !==
      undefined
    )
  }

  /** Undefined where the run is not all but the end of the log, or it is not known to the last counter what it covers. */
  async #whole(
    run: Run,
    entries: readonly IndexEntry[],
    { head, chain }: Position,
    signal: AbortSignal | undefined,
  ): Promise<Replacement | undefined> {
    const after = entries.filter(({ first }) => first > run.last)
    const bytesAfter = after.reduce((sum, { bytes }) => sum + bytes, 0)
    const small = bytesAfter <= MOST_AFTER * run.bytes + SLACK_BYTES / 2
    if (run.first !== 1 || isTruncated(entries, head) || !small) return undefined
    const end = this.#log.chainAt(run.last)
    if (end === undefined) return undefined
    const known = new Map<string, Known>(this.#log.known())
    const { remote, token, store } = this.#options
    // This device's word and the server's have to be the same: a copy that took another replica id may not know all it wrote.
    const { coverage, sequence } = await remote.common(token, [{ sequence: head, chain }], signal)
    const agrees =
      sequence === head &&
      coverage.length === known.size &&
      coverage.every(({ replica, ranges, digest }) => {
        const ours = known.get(toHex(replica))
        return (
          ours !== undefined &&
          ranges.length === 1 &&
          ranges[0]?.[0] === 1 &&
          ranges[0][1] === ours.counter &&
          ours.digest !== undefined &&
          equalBytes(digest, ours.digest)
        )
      })
    if (!agrees) return undefined
    // Less what stands after the run, whose first segment of each replica names the one before it.
    let expected = run.last
    const seen = new Set<string>()
    for (const { sequence: at, record } of keptSegments(store, run.last + 1, head)) {
      if (at !== ++expected || !isCounted(record.kind)) return undefined
      const replica = toHex(record.replica)
      if (seen.has(replica)) continue
      seen.add(replica)
      if (record.counter === 1) known.delete(replica)
      else known.set(replica, { counter: record.counter - 1, digest: record.previous })
    }
    if (expected !== head) return undefined
    const covers = [...known]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([replica, { counter, digest }]) => ({
        replica: replica as ReplicaId,
        first: 1,
        last: counter,
        digest: digest as Uint8Array,
      }))
    const previous = this.#log.chainAt(0) as Uint8Array
    return { whole: true, state: new WholeState(store), covers, previous, chain: end, downloaded: 0 }
  }

  async #replace(run: Run, made: Replacement, more: boolean, signal: AbortSignal | undefined): Promise<MergeResult> {
    const { sha256, remote, token, store } = this.#options
    const { first, last, entries } = run
    const tags = sha256(concatBytes(...entries.map(({ tag }) => tag)))
    const { merge } = await remote.openMerge(token, { type: 'run', first, last, run: tags })
    let after = 0
    let uploaded = 0
    for (let part = 0; part < made.state.count; part++) {
      if (signal?.aborted === true) throw new EngineError('cancelled', 'cancelled', { cause: signal.reason })
      const record = await this.#seal(run, made, part)
      after += record.sealed.length
      if (after > MOST_GROWTH * run.bytes + SLACK_BYTES) return obstacle('too-large', 'the run would grow by being merged')
      uploaded += await remote.putPart(token, merge, part, record, signal)
    }
    // What was written while the parts were made may be in them: it has to be in the log as well, or it would be only where the run is
    // still to be fetched.
    if (!this.#hasSentAll()) await this.#options.flush?.()
    if (!this.#hasSentAll()) throw new StateMovedError()
    await remote.commitMerge(token, merge, { parts: made.state.count })
    relaxed(store.driver, () =>
      store.write('remote', () => {
        // Another process on this home may have gone back meanwhile, to another log.
        const { cursor } = this.#log.position()
        if (cursor < last) return
        if (first > 1) this.#log.mark(first - 1, made.previous)
        this.#log.mark(last, made.chain)
      }),
    )
    const { downloaded, state } = made
    const sizes = { before: run.bytes, after, uploaded, downloaded }
    return { merged: true, first, last, whole: made.whole, entries: entries.length, parts: state.count, ...sizes, more }
  }

  #seal({ first, last }: Run, { state, covers, previous, chain }: Replacement, part: number): Promise<SegmentRecord> {
    return sealState(this.#options, {
      kind: SEGMENT_KIND.merged,
      counter: last,
      previous,
      covers: part === state.count - 1 ? covers : [],
      run: { first, part, parts: state.count, chain },
      fill: (encoder) => state.fill(part, encoder),
    })
  }
}
