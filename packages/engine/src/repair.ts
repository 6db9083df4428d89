/**
 * A server that has lost something, was put back, emptied or replaced, or whose log went another way: what happened is
 * named in one sentence, and the log gets back what this device has of it [LOG-4] [LOG-9].
 *
 *     409 chain-mismatch ── the server's log is the beginning of ours ── what is missing goes up verbatim, in order
 *             │
 *             ├── the server has nothing that is not here ── the cursor jumps to its head
 *             └── it has ── back to the last common sequence number, and on from there
 *                     then, by coverage: what it lacks goes up verbatim, or as seeds where it is too old to be at hand
 *
 * Merging commutes, so nothing here has to be right for nothing to be lost: a repair that is cut short is done again.
 */
import { equalBytes, fromHex, toHex } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import { MAX_PUSH_SEGMENTS } from '@lockstep/protocol/limits'
import { isCounted, type PushAnswer, type SegmentRecord } from '@lockstep/protocol/records'
import { advance } from '#advance'
import { seedRecords } from '#compaction/seeds'
import { StateMovedError } from '#compaction/state-parts'
import { heldOf, holdsMore, isForked, type Missing, missingOf } from '#coverage'
import { firstDoubts } from '#doubts'
import { EngineError } from '#errors'
import type { DeviceLog } from '#log'
import type { LogMismatch, LogState } from '#log-mismatch'
import { tellServerProblem } from '#notices'
import type { Remote } from '#remote'
import type { Sealer } from '#sealing'
import { ServerProblem } from '#server-problem'
import type { Store } from '#store'
import type { SyncCounts } from '#sync'
import { type KeptSegment, keepSegment, keptBytes, keptOf, keptSegments } from '#tail'

const PUSH_BYTES = 2 * 1024 * 1024
const REREAD_MILLIS = 60 * 60 * 1000

export interface RepairOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly sha256: Sha256
  readonly remote: Remote
  readonly token: string
  readonly log: DeviceLog
  readonly signal: AbortSignal | undefined
}

/** The log's end on its way back. */
interface PushedEnd {
  /** Segments. */
  readonly pushed: number
  /** The server's log is this device's again, by the answer's own chain. */
  readonly inStep: boolean
}

/** How a repair goes on: nothing is to be fetched any more; the log has to be followed; another device is at it. */
export type RepairStep = 'in-step' | 'follow' | 'busy'

const NOT_PUSHED: PushedEnd = { pushed: 0, inStep: false }

export class Repair {
  readonly #options: RepairOptions
  /** Sent so far. */
  #segments = 0
  #bytes = 0

  constructor(options: RepairOptions) {
    this.#options = options
  }

  get sent(): SyncCounts {
    return { segments: this.#segments, bytes: this.#bytes }
  }

  /**
   * Finds out where the logs part and moves the cursor there; what the server lacks goes up at once where it is the log's end.
   * Afterwards this device follows the server's log again: a download is due, and then {@link giveBack}; unless the server's answer
   * to what went up proved that neither is, or another device is giving it back.
   */
  async begin(mismatch: LogMismatch): Promise<RepairStep> {
    const { log, store, remote } = this.#options
    const asked = mismatch.state === undefined ? await this.#common() : undefined
    const state = mismatch.state ?? (asked as { readonly state: LogState }).state
    const { cursor } = log.position()
    const known = log.known()
    const missing = missingOf(known, state)
    const ours = state.head <= cursor ? log.chainAt(state.head) : undefined
    const isPrefix = ours !== undefined && equalBytes(ours, state.chain)
    tellServerProblem(store, { server: remote.server, head: state.head, isPrefix, cursor, lacks: missing.length > 0 || isPrefix })
    if (missing.length > 0 && !(await this.#mayFill(state, cursor))) return 'busy'
    const { pushed, inStep } = isPrefix && cursor > state.head ? await this.#pushEnd(state, cursor) : NOT_PUSHED
    const counted = missing.reduce((sum, { first, last }) => sum + last - first + 1, 0)
    if (pushed > 0 && pushed === counted) return inStep && store.meta.get('repairing') === undefined ? 'in-step' : 'follow'
    store.write('remote', () => store.meta.set('repairing', 1))
    // What this device had sent from beyond its cursor is still missing.
    if (pushed > 0) return 'follow'
    if (!holdsMore(known, state)) {
      // Everything that the server has is here: there is nothing to be fetched.
      store.write('remote', () => {
        log.jump({ cursor: state.head, chain: state.chain })
        const held = heldOf(state, store.replica)
        if (held !== undefined) log.placeOwn(held, state.head)
      })
      if (missing.length === 0) this.#done()
      return 'follow'
    }
    const back = isPrefix ? state.head : (asked ?? (await this.#common())).sequence
    const chain = log.chainAt(back)
    store.write('remote', () => {
      if (chain === undefined) log.rewind({ cursor: 0, chain: new Uint8Array(32) })
      else log.rewind({ cursor: back, chain })
    })
    return 'follow'
  }

  /**
   * A server that is empty, or lacks more than one push, is filled by one device: the others would send it the same. The
   * reservation lapses by itself.
   */
  async #mayFill({ head, chain }: LogState, cursor: number): Promise<boolean> {
    const { remote, token, store } = this.#options
    if (head > 0 && keptBytes(store, head + 1, cursor) <= PUSH_BYTES) return true
    try {
      await remote.openMerge(token, { type: 'seed', head, chain })
      return true
    } catch (error) {
      if (error instanceof ServerProblem && (error.problem === 'merge-busy' || error.problem === 'run-changed')) return false
      throw error
    }
  }

  /**
   * Gives back what the server lacks of what is here, if a repair is under way: verbatim, or all there is as seeds. This
   * device is in step with the server's log when it is called. Returns false where another device is doing it.
   */
  async giveBack(): Promise<boolean> {
    const { log, store } = this.#options
    if (store.meta.get('repairing') === undefined) return true
    const { state, epoch } = await this.#common()
    const missing = missingOf(log.known(), state)
    // A replica that was put back wrote one counter twice, and the server has the other one: no sealed bytes bring ours there.
    const forked = isForked(log.known(), state) || store.problems().some(({ code }) => code === 'forked')
    if (missing.length > 0 || forked) {
      const records = forked ? undefined : this.#atHand(missing)
      // What was sealed with a key that has been taken back since is taken by no server.
      const verbatim = records?.every((record) => record.epoch >= epoch) === true && (await this.#push(records))
      if (!verbatim && !(await this.#seed(state))) return false
      if (forked) store.write('remote', () => store.settle('forked'))
    }
    this.#done()
    return true
  }

  /**
   * Something of the log is missing here or could not be read, and the server says that it has it: all of the log is read again.
   * False where that was done within the hour: a server that only says so must not keep this device busy.
   */
  async reread(): Promise<boolean> {
    const { log, store } = this.#options
    const now = store.runtime.now()
    if (firstDoubts(store).size === 0 || Math.abs(now - (store.meta.get('rereadAt') ?? 0)) < REREAD_MILLIS) return false
    const { state } = await this.#common()
    if (!holdsMore(log.known(), state)) return false
    store.write('remote', () => {
      store.meta.set('rereadAt', Math.floor(now))
      log.rewind({ cursor: 0, chain: new Uint8Array(32) })
    })
    return true
  }

  #done(): void {
    const { store } = this.#options
    store.write('remote', () => store.meta.delete('repairing'))
  }

  async #common(): Promise<{ readonly sequence: number; readonly epoch: number; readonly state: LogState }> {
    const { remote, token, log, signal } = this.#options
    const { sequence, epoch, head, chain, generation, coverage } = await remote.common(token, log.marks(), signal)
    return { sequence, epoch, state: { head, chain, generation, coverage } }
  }

  /** The server's log is the beginning of ours: its missing end goes up as it was, unless not all of it is at hand. */
  async #pushEnd({ head }: LogState, cursor: number): Promise<PushedEnd> {
    const records: SegmentRecord[] = []
    for (const { record } of keptSegments(this.#options.store, head + 1, cursor)) {
      // Seeds are written anew: a server takes them only at the place they were made for, in a merge of their own.
      if (!isCounted(record.kind)) return NOT_PUSHED
      records.push(record)
    }
    if (records.length !== cursor - head) return NOT_PUSHED
    const { log } = this.#options
    for (const batch of batches(records)) {
      const answer = await this.#send(batch)
      if (answer === undefined) return NOT_PUSHED
      const { position } = answer
      if (position.head === cursor && equalBytes(position.chain, log.position().chain))
        return { pushed: records.length, inStep: true }
    }
    // Somebody else wrote in between: the next pull finds the common point.
    return { pushed: records.length, inStep: false }
  }

  /** Undefined where another device has sent some of it, or its author something else. */
  async #send(records: readonly SegmentRecord[]): Promise<PushAnswer | undefined> {
    const { remote, token, signal } = this.#options
    try {
      const { answer, bytes } = await remote.push(token, records, signal)
      this.#segments += records.length
      this.#bytes += bytes
      return answer
    } catch (error) {
      if (error instanceof ServerProblem && (error.problem === 'replica-conflict' || error.problem === 'epoch-closed'))
        return undefined
      throw error
    }
  }

  /** The sealed bytes of all that is missing, in the order in which they were in the log; undefined where some are gone. */
  #atHand(missing: readonly Missing[]): SegmentRecord[] | undefined {
    const found: KeptSegment[] = []
    for (const { replica, first, last } of missing) {
      for (let counter = first; counter <= last; counter++) {
        const kept = keptOf(this.#options.store, replica, counter)
        if (kept === undefined) return undefined
        found.push(kept)
      }
    }
    return found.sort((a, b) => Math.abs(a.sequence) - Math.abs(b.sequence)).map(({ record }) => record)
  }

  /** False where the server took only some of it. */
  async #push(records: readonly SegmentRecord[]): Promise<boolean> {
    for (const batch of batches(records)) {
      const answer = await this.#send(batch)
      if (answer === undefined) return false
      this.#follow(batch, answer)
    }
    return true
  }

  /** What was appended right after the cursor need not come down again. */
  #follow(records: readonly SegmentRecord[], { position, sequences }: PushAnswer): void {
    const { store, sha256, log } = this.#options
    const before = log.position()
    const { cursor, chain } = advance(sha256, before, records, sequences)
    if (cursor !== before.cursor + records.length) return
    if (position.head < cursor || (position.head === cursor && !equalBytes(position.chain, chain))) return
    store.write('remote', () => {
      records.forEach((record, i) => {
        const sequence = sequences[i] as number
        keepSegment(store, { ...record, first: sequence, last: sequence }, position.head)
        if (toHex(record.replica) === store.replica)
          store.driver.prepare('UPDATE _segments SET seq = ? WHERE counter = ?').run(sequence, record.counter)
      })
      log.moveTo({ cursor, chain })
    })
  }

  /** This device's whole state, at the head of the log as this device knows it. False where another one is at it, or was quicker. */
  async #seed({ head, chain }: LogState): Promise<boolean> {
    const { remote, token, store, sealer, sha256, log, signal } = this.#options
    const at = log.position()
    if (at.cursor !== head || !equalBytes(at.chain, chain)) return false
    const covers = log.covers()
    try {
      const { merge } = await remote.openMerge(token, { type: 'seed', head, chain })
      let parts = 0
      let value = chain
      for await (const record of seedRecords({ store, sealer, sha256, head, chain, covers })) {
        if (signal?.aborted === true) throw new EngineError('cancelled', 'cancelled', { cause: signal.reason })
        this.#bytes += await remote.putPart(token, merge, parts, record, signal)
        value = extendChain(sha256, value, identifySegment(sha256, record))
        parts++
      }
      const position = await remote.commitMerge(token, merge, {
        parts,
        covers: covers.map(({ replica, last, digest }) => ({ replica: fromHex(replica), counter: last, digest })),
      })
      this.#segments += parts
      if (position.head !== head + parts || !equalBytes(position.chain, value)) return true
      store.write('remote', () => {
        log.moveTo({ cursor: position.head, chain: value })
        const own = covers.find(({ replica }) => replica === store.replica)
        if (own !== undefined) log.placeOwn({ counter: own.last, digest: own.digest }, position.head)
      })
      return true
    } catch (error) {
      const taken = error instanceof ServerProblem && ['run-changed', 'merge-busy', 'not-found'].includes(error.problem)
      if (taken || error instanceof StateMovedError) return false
      throw error
    }
  }
}

function* batches(records: readonly SegmentRecord[]): Generator<readonly SegmentRecord[]> {
  let batch: SegmentRecord[] = []
  let bytes = 0
  for (const record of records) {
    if (batch.length > 0 && (batch.length === MAX_PUSH_SEGMENTS || bytes + record.sealed.length > PUSH_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(record)
    bytes += record.sealed.length
  }
  if (batch.length > 0) yield batch
}
