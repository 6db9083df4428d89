/**
 * What this device wrote goes up: pending rows are sealed, pushed, and acknowledged. The answer's chain proves whether
 * anybody else wrote in between [SYNC-1].
 */
import { equalBytes, toHex } from '@lockstep/protocol/bytes'
import type { Sha256 } from '@lockstep/protocol/chain'
import { MAX_PUSH_SEGMENTS } from '@lockstep/protocol/limits'
import type { PushAnswer } from '@lockstep/protocol/records'
import { advance } from '#advance'
import { EngineError } from '#errors'
import type { ReplicaId } from '#hlc'
import type { DeviceLog } from '#log'
import { digestIn, LogMismatch } from '#log-mismatch'
import type { Outbox, OutboxSegment } from '#outbox'
import { relaxed } from '#relaxed'
import type { Remote } from '#remote'
import { moveToNewReplica } from '#replica'
import type { Sealer } from '#sealing'
import { ServerProblem } from '#server-problem'
import type { Store } from '#store'
import type { SyncOptions } from '#sync'
import { PRUNE_EVERY, pruneTail } from '#tail'
import { returnToPending } from '#unseal'

const PUSH_BYTES = 2 * 1024 * 1024
/** Three are needed: an answer was lost, the database is a copy, an epoch was closed. */
const MAX_CONFLICTS = 5

export interface UploaderOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly sha256: Sha256
  readonly remote: Remote
  readonly token: string
  readonly log: DeviceLog
  readonly outbox: Outbox
  /** Fetches keys of epochs that this device does not have yet; false where there are none [KEY-4]. */
  readonly renewKeys: () => Promise<boolean>
  /** The server's clock as each answer tells it. */
  readonly onDate: (date: string | undefined) => void
}

export interface Uploaded {
  readonly segments: number
  readonly bytes: number
  /** The answers proved that this device has all there is. */
  readonly complete: boolean
  /** Of what was pushed, in order. */
  readonly sequences: readonly number[]
}

export class Uploader {
  readonly #options: UploaderOptions
  #sealing: Promise<void> | undefined

  constructor(options: UploaderOptions) {
    this.#options = options
  }

  /** @throws LogMismatch where the server has lost what it had confirmed; EngineError */
  async run({ onProgress, signal }: SyncOptions): Promise<Uploaded> {
    const { outbox } = this.#options
    const sequences: number[] = []
    let bytes = 0
    let rows = 0
    let conflicts = 0
    let complete = false
    const total = outbox.pendingRows()
    for (;;) {
      if (signal?.aborted === true) throw new EngineError('cancelled', 'cancelled', { cause: signal.reason })
      await this.#sealAhead()
      const batch = outbox.unsent(PUSH_BYTES).slice(0, MAX_PUSH_SEGMENTS)
      if (batch.length === 0) return { segments: sequences.length, bytes, complete, sequences }
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
      sequences.push(...sent.sequences)
      bytes += sent.bytes
      for (const segment of batch) rows += segment.rows
      complete = sent.complete
      onProgress?.({ phase: 'upload', done: Math.min(rows, total), total })
    }
  }

  /** Seals until about two pushes' worth of bytes waits, or nothing is pending. Calls that overlap share one run. */
  #sealAhead(): Promise<void> {
    // `finally` runs later even when there was nothing to wait for: a run that is over is never the shared one.
    this.#sealing ??= this.#sealUntilEnough().finally(() => {
      this.#sealing = undefined
    })
    return this.#sealing
  }

  async #sealUntilEnough(): Promise<void> {
    const { outbox } = this.#options
    let waiting = outbox.unsentCount().bytes
    while (waiting < 2 * PUSH_BYTES && outbox.hasPending()) {
      if ((await outbox.sealNext()) === 0) return
      waiting = outbox.unsentCount().bytes
    }
  }

  /** Undefined where the server refused and what it said has been dealt with: the rest has to be asked again. */
  async #push(
    batch: readonly OutboxSegment[],
    signal?: AbortSignal,
  ): Promise<{ bytes: number; complete: boolean; sequences: readonly number[] } | undefined> {
    const { remote, token, onDate } = this.#options
    try {
      const { answer, bytes, date } = await remote.push(
        token,
        batch.map(({ record }) => record),
        signal,
      )
      return { bytes, complete: this.#acknowledge(batch, answer, () => onDate(date)), sequences: answer.sequences }
    } catch (error) {
      if (!(error instanceof ServerProblem)) throw error
      if (error.problem === 'replica-conflict') await this.#resolveConflict(error, batch)
      else if (error.problem === 'epoch-closed') await this.#sealAgain(error, batch)
      else throw error
      return undefined
    }
  }

  /** True if the log holds nothing between the cursor and these segments, and nothing after them. */
  #acknowledge(batch: readonly OutboxSegment[], { position, sequences }: PushAnswer, also: () => void): boolean {
    const { store, sha256, log, outbox } = this.#options
    const acknowledge = () => {
      batch.forEach(({ counter }, i) => {
        const sequence = sequences[i] as number
        outbox.acknowledge(counter, sequence)
        if (sequence % PRUNE_EVERY === 0) pruneTail(store, sequence, { keepLeft: true })
      })
      const records = batch.map(({ record }) => record)
      const { cursor, chain } = advance(sha256, log.position(), records, sequences)
      also()
      // A chain that does not match is looked into by the pull, which the server must answer for.
      if (cursor !== position.head || !equalBytes(chain, position.chain)) return false
      log.moveTo({ cursor, chain })
      store.meta.set('generation', position.generation.slice())
      return true
    }
    return relaxed(store.driver, () => store.write('remote', acknowledge))
  }

  /** The server's last segment of this replica is not the predecessor of what was sent [LOG-3]. */
  async #resolveConflict(problem: ServerProblem, batch: readonly OutboxSegment[]): Promise<void> {
    const { store, sealer, outbox } = this.#options
    const { counter, previous: theirs } = lastOf(problem)
    const first = (batch[0] as OutboxSegment).counter
    const ours = counter === 0 ? new Uint8Array(32) : outbox.digestOf(counter)
    const lost = counter < first - 1 && (ours === undefined ? counter < outbox.firstCounter() : equalBytes(ours, theirs))
    if (lost) {
      throw new LogMismatch(`the server has lost ${first - 1 - counter} of the segments that it had confirmed to this device`)
    }
    if (ours !== undefined && equalBytes(ours, theirs)) {
      // An answer was lost on the way: these are there already. Their numbers come with the next pull.
      store.write('remote', () => {
        for (const segment of batch) if (segment.counter <= counter) outbox.acknowledge(segment.counter, 0)
      })
      return
    }
    await moveToNewReplica(store, sealer, toHex((batch[0] as OutboxSegment).record.replica) as ReplicaId)
  }

  /** What waits was sealed with a key that has been taken back: it is sealed anew, under the counters that are free [KEY-4]. */
  async #sealAgain(problem: ServerProblem, batch: readonly OutboxSegment[]): Promise<void> {
    const { store, sealer, renewKeys } = this.#options
    const before = sealer.epoch
    await renewKeys()
    const epoch = Number(problem.members['epoch'])
    if (sealer.epoch <= before && (batch[0] as OutboxSegment).record.epoch >= sealer.epoch) {
      throw new EngineError(
        'server-misbehaved',
        `the server says that epoch ${epoch} of the vault's keys has begun, and has nothing that opens it`,
      )
    }
    // What the server has of this replica already is acknowledged first: only the others' counters are free.
    const { counter } = lastOf(problem)
    if (counter >= (batch[0] as OutboxSegment).counter) await this.#resolveConflict(problem, batch)
    else await returnToPending(store, sealer)
  }
}

/** The server's last segment of our replica, as a refusal tells it. @throws EngineError `server-misbehaved` */
function lastOf(problem: ServerProblem): { readonly counter: number; readonly previous: Uint8Array } {
  const counter = Number(problem.members['counter'])
  const previous = digestIn(problem.members['previous'])
  if (!Number.isSafeInteger(counter) || counter < 0 || previous === undefined) {
    throw new EngineError('server-misbehaved', 'the server refused a segment without saying what it has', { cause: problem })
  }
  return { counter, previous }
}
