/**
 * Appending to the segment log on SQLite, in groups.
 *
 * A group is one transaction and one fsync; each push is a savepoint in it, so that a refused one leaves nothing
 * behind and the others stand. If the transaction as a whole fails (a full disk), each push gets one of its own: the
 * small ones may still fit.
 */
import type { DatabaseSync } from 'node:sqlite'
import { equalBytes } from '@lockstep/protocol/bytes'
import { extendChain } from '@lockstep/protocol/chain'
import { MAX_EPOCH_JUMP } from '@lockstep/protocol/limits'
import type { DeliveredSegment, Position } from '@lockstep/protocol/records'
import type { Connection } from '#storage/sqlite/connection'
import { type LogRows, sha256 } from '#storage/sqlite/log-rows'
import {
  type Append,
  type AppendOutcome,
  StorageFullError,
  type VaultKey,
  VaultRemovedError,
  type VaultSizes,
} from '#storage/storage'

/** Why a push is refused and of which replica; what is stored of it is read after the rollback. */
type Refusal =
  | { readonly outcome: 'conflict'; readonly replica: Uint8Array }
  | { readonly outcome: 'closed'; readonly replica: Uint8Array }

export interface SegmentLog {
  append(pushes: readonly Append[]): readonly AppendOutcome[]
  position(vault: VaultKey): Position
  sizes(vault: VaultKey): Omit<VaultSizes, 'bundleVersion'>
}

export interface SegmentLogOptions {
  readonly connection: Connection
  readonly rows: LogRows
  readonly generation: Uint8Array
  readonly crashPoint: (name: string) => void
}

function prepare(db: DatabaseSync) {
  return {
    savepoint: db.prepare('SAVEPOINT push'),
    release: db.prepare('RELEASE push'),
    rollback: db.prepare('ROLLBACK TO push'),
    // In the words of the partial index.
    known: db.prepare('SELECT last, id FROM segments WHERE replica = ? AND counter = ? AND kind < 2'),
    insert: db.prepare(
      `INSERT INTO segments (vault, last, part, first, kind, epoch, replica, counter, previous, id, digest, chain, sealed)
       VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
  }
}

export function createSegmentLog({ connection, rows, generation, crashPoint }: SegmentLogOptions): SegmentLog {
  const sql = prepare(connection.db)

  /** Runs inside the push's savepoint; what it has written before it refuses is rolled back by the caller. */
  function appendPush(push: Append): Exclude<AppendOutcome, { outcome: 'replica-conflict' | 'epoch-closed' }> | Refusal {
    const { vault } = push
    const log = rows.log(vault)
    const sequences: number[] = []
    const added: DeliveredSegment[] = []
    for (const { record, id, digest } of push.segments) {
      const replica = rows.replica(vault, record.replica)
      if (record.counter <= replica.counter && replica.number !== undefined) {
        const known = sql.known.get(replica.number, record.counter)
        if (known !== undefined && equalBytes(known['id'] as Uint8Array, id)) {
          sequences.push(known['last'] as number)
          continue
        }
      }
      if (record.counter !== replica.counter + 1 || !equalBytes(record.previous, replica.digest)) {
        return { outcome: 'conflict', replica: record.replica }
      }
      if (record.epoch < log.epoch) return { outcome: 'closed', replica: record.replica }
      if (record.epoch > log.epoch + MAX_EPOCH_JUMP) return { outcome: 'epoch-ahead', epoch: log.epoch }
      const sequence = log.head + 1
      log.head = sequence
      log.chain = extendChain(sha256, log.chain, { id, digest })
      log.segments += 1
      log.bytes += record.sealed.length
      log.epoch = record.epoch
      const bytes = log.bytes + log.shareBytes
      if (push.quota > 0 && bytes > push.quota) return { outcome: 'quota-exceeded', bytes }
      const number = rows.putReplica(vault, record.replica, { number: replica.number, counter: record.counter, digest })
      const { kind, epoch, counter, previous, sealed } = record
      sql.insert.run(vault, sequence, sequence, kind, epoch, number, counter, previous, id, digest, log.chain, sealed)
      sequences.push(sequence)
      added.push({ ...record, first: sequence, last: sequence })
    }
    if (added.length > 0) rows.putLog(vault, log)
    return { outcome: 'appended', position: { head: log.head, chain: log.chain, generation }, sequences, added }
  }

  /** A removed vault's pushes stand alone: the others of the group are stored. */
  function tryPush(push: Append): ReturnType<typeof appendPush> {
    try {
      return appendPush(push)
    } catch (error) {
      if (error instanceof VaultRemovedError) return { outcome: 'vault-removed' }
      throw error
    }
  }

  function appendGroup(pushes: readonly Append[]): AppendOutcome[] {
    return connection.transact(() => {
      const outcomes = pushes.map((push): AppendOutcome => {
        sql.savepoint.run()
        const outcome = tryPush(push)
        if (outcome.outcome !== 'appended') sql.rollback.run()
        sql.release.run()
        // Read after the rollback: earlier segments of the same push may have moved the replica on, and the client is
        // told what is stored.
        if (outcome.outcome === 'closed') return rows.epochClosed(push.vault, outcome.replica)
        if (outcome.outcome !== 'conflict') return outcome
        const stored = rows.replica(push.vault, outcome.replica)
        return { outcome: 'replica-conflict', counter: stored.counter, previous: stored.digest }
      })
      crashPoint('before-commit')
      return outcomes
    })
  }

  return {
    append(pushes) {
      let outcomes: readonly AppendOutcome[]
      try {
        outcomes = appendGroup(pushes)
      } catch (error) {
        if (!(error instanceof StorageFullError)) throw error
        outcomes = pushes.map((push) => {
          try {
            return appendGroup([push])[0] as AppendOutcome
          } catch (single) {
            if (single instanceof StorageFullError) return { outcome: 'storage-full' as const }
            throw single
          }
        })
      }
      crashPoint('after-commit')
      return outcomes
    },
    position(vault) {
      const { head, chain } = rows.log(vault)
      return { head, chain, generation }
    },
    sizes(vault) {
      const { segments, bytes, shareBytes, epoch } = rows.log(vault)
      return { segments, bytes: bytes + shareBytes, epoch }
    },
  }
}
