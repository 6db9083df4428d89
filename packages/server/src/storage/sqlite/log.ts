/**
 * The segment log on SQLite: append in groups, read in pages.
 *
 * A group is one transaction and one fsync; each push is a savepoint in it, so that a refused one leaves nothing
 * behind and the others stand. If the transaction as a whole fails (a full disk), each push gets one of its own: the
 * small ones may still fit.
 */
import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { equalBytes } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain } from '@lockstep/protocol/chain'
import type { Coverage } from '@lockstep/protocol/http'
import { type DeliveredSegment, DIGEST_BYTES, type Position, type SegmentKind } from '@lockstep/protocol/records'
import type { Connection } from '#storage/sqlite/connection'
import { type Append, type AppendOutcome, StorageFullError, type VaultKey, type VaultSizes } from '#storage/storage'

const NO_DIGEST = new Uint8Array(DIGEST_BYTES)

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

interface LogState {
  head: number
  chain: Uint8Array
  segments: number
  bytes: number
}

interface ReplicaState {
  /** The row's number; undefined for a replica that has no row yet. */
  number: number | undefined
  counter: number
  digest: Uint8Array
}

/** A segment that does not continue what is stored of its replica [LOG-3]. */
interface Conflict {
  readonly outcome: 'conflict'
  readonly replica: Uint8Array
}

export interface SegmentLog {
  append(pushes: readonly Append[]): readonly AppendOutcome[]
  position(vault: VaultKey): Position
  sizes(vault: VaultKey): Omit<VaultSizes, 'bundleVersion'>
  chainAt(vault: VaultKey, sequence: number): Uint8Array | undefined
  read(
    vault: VaultKey,
    after: number,
    through: number,
    maxBytes: number,
  ): { segments: DeliveredSegment[]; chain: Uint8Array | undefined }
  coverage(vault: VaultKey): Coverage
}

function prepare(db: DatabaseSync) {
  return {
    savepoint: db.prepare('SAVEPOINT push'),
    release: db.prepare('RELEASE push'),
    rollback: db.prepare('ROLLBACK TO push'),
    log: db.prepare('SELECT head, chain, segments, bytes FROM logs WHERE vault = ?'),
    updateLog: db.prepare('UPDATE logs SET head = ?, chain = ?, segments = ?, bytes = ? WHERE vault = ?'),
    replica: db.prepare('SELECT number, counter, digest FROM replicas WHERE vault = ? AND id = ?'),
    insertReplica: db.prepare('INSERT INTO replicas (vault, id, counter, digest) VALUES (?, ?, ?, ?)'),
    updateReplica: db.prepare('UPDATE replicas SET counter = ?, digest = ? WHERE number = ?'),
    known: db.prepare('SELECT last, id FROM segments WHERE replica = ? AND counter = ?'),
    insert: db.prepare(
      `INSERT INTO segments (vault, last, first, kind, epoch, replica, counter, previous, id, digest, chain, sealed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    chain: db.prepare('SELECT chain FROM segments WHERE vault = ? AND last = ?'),
    read: db.prepare(
      `SELECT s.first, s.last, s.kind, s.epoch, r.id AS replica, s.counter, s.previous, s.sealed, s.chain
       FROM segments s JOIN replicas r ON r.number = s.replica
       WHERE s.vault = ? AND s.last > ? AND s.first <= ? AND s.sealed IS NOT NULL ORDER BY s.last`,
    ),
    replicas: db.prepare('SELECT id, counter FROM replicas WHERE vault = ? ORDER BY number'),
  }
}

export function createSegmentLog(connection: Connection, generation: Uint8Array, crashPoint: (name: string) => void): SegmentLog {
  const sql = prepare(connection.db)

  function logState(vault: VaultKey): LogState {
    const row = sql.log.get(vault)
    if (row === undefined) throw new Error('a vault has no log: it was not made by createVault')
    return row as unknown as LogState
  }

  function replicaState(vault: VaultKey, id: Uint8Array): ReplicaState {
    const row = sql.replica.get(vault, id) as ReplicaState | undefined
    return row ?? { number: undefined, counter: 0, digest: NO_DIGEST }
  }

  /** Runs inside the push's savepoint; what it has written before it refuses is rolled back by the caller. */
  function appendPush(push: Append): Exclude<AppendOutcome, { outcome: 'replica-conflict' }> | Conflict {
    const { vault } = push
    const log = logState(vault)
    const sequences: number[] = []
    const added: DeliveredSegment[] = []
    for (const { record, id, digest } of push.segments) {
      const replica = replicaState(vault, record.replica)
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
      const sequence = log.head + 1
      log.head = sequence
      log.chain = extendChain(sha256, log.chain, { id, digest })
      log.segments += 1
      log.bytes += record.sealed.length
      if (push.quota > 0 && log.bytes > push.quota) return { outcome: 'quota-exceeded', bytes: log.bytes }
      let number = replica.number
      if (number === undefined) {
        number = Number(sql.insertReplica.run(vault, record.replica, record.counter, digest).lastInsertRowid)
      } else {
        sql.updateReplica.run(record.counter, digest, number)
      }
      const { kind, epoch, counter, previous, sealed } = record
      sql.insert.run(vault, sequence, sequence, kind, epoch, number, counter, previous, id, digest, log.chain, sealed)
      sequences.push(sequence)
      added.push({ ...record, first: sequence, last: sequence })
    }
    if (added.length > 0) sql.updateLog.run(log.head, log.chain, log.segments, log.bytes, vault)
    return { outcome: 'appended', position: { head: log.head, chain: log.chain, generation }, sequences, added }
  }

  function appendGroup(pushes: readonly Append[]): AppendOutcome[] {
    return connection.transact(() => {
      const outcomes = pushes.map((push): AppendOutcome => {
        sql.savepoint.run()
        const outcome = appendPush(push)
        if (outcome.outcome !== 'appended') sql.rollback.run()
        sql.release.run()
        if (outcome.outcome !== 'conflict') return outcome
        // Read after the rollback: earlier segments of the same push may have moved the replica on, and the client is
        // told what is stored.
        const stored = replicaState(push.vault, outcome.replica)
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
      const { head, chain } = logState(vault)
      return { head, chain, generation }
    },
    sizes(vault) {
      const { segments, bytes } = logState(vault)
      return { segments, bytes }
    },
    chainAt(vault, sequence) {
      if (sequence === 0) return CHAIN_START
      return sql.chain.get(vault, sequence)?.['chain'] as Uint8Array | undefined
    },
    read(vault, after, through, maxBytes) {
      const segments: DeliveredSegment[] = []
      let chain: Uint8Array | undefined
      let bytes = 0
      for (const row of sql.read.iterate(vault, after, through)) {
        const sealed = row['sealed'] as Uint8Array
        segments.push({
          first: row['first'] as number,
          last: row['last'] as number,
          kind: row['kind'] as SegmentKind,
          epoch: row['epoch'] as number,
          replica: row['replica'] as Uint8Array,
          counter: row['counter'] as number,
          previous: row['previous'] as Uint8Array,
          sealed,
        })
        chain = row['chain'] as Uint8Array
        bytes += sealed.length
        if (bytes >= maxBytes) break
      }
      return { segments, chain }
    },
    coverage(vault) {
      return sql.replicas
        .all(vault)
        .map((row) => ({ replica: row['id'] as Uint8Array, ranges: [[1, row['counter'] as number] as [number, number]] }))
    },
  }
}
