/**
 * The small rows of a log: where it stands, and the last counter of each replica. Everything that appends reads them at the
 * start of its transaction and writes them at its end.
 */
import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { DIGEST_BYTES } from '@lockstep/protocol/records'
import { type EpochClosed, type VaultKey, VaultRemovedError } from '#storage/storage'

const NO_DIGEST = new Uint8Array(DIGEST_BYTES)

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

export interface LogState {
  head: number
  chain: Uint8Array
  /** Stored segments; each part of a merged one counts. */
  segments: number
  /** Their sealed bytes. */
  bytes: number
  /** Sealed bytes of the vault's shares, which have the quota together with the log. Written by `addShareBytes` alone. */
  readonly shareBytes: number
  /** The key epoch that is open. */
  epoch: number
}

export interface ReplicaState {
  /** The row's number; undefined for a replica that has no row yet. */
  readonly number: number | undefined
  /** 0 for a replica that has only merged or seeded. */
  readonly counter: number
  readonly digest: Uint8Array
}

export interface LogRows {
  /** @throws VaultRemovedError */
  log(vault: VaultKey): LogState
  putLog(vault: VaultKey, state: LogState): void
  addShareBytes(vault: VaultKey, bytes: number): void
  replica(vault: VaultKey, id: Uint8Array): ReplicaState
  /** Answers the row's number. */
  putReplica(vault: VaultKey, id: Uint8Array, state: ReplicaState): number
  /** The number of a replica's row, made where there is none. */
  replicaNumber(vault: VaultKey, id: Uint8Array): number
  epochClosed(vault: VaultKey, replica: Uint8Array): EpochClosed
}

export function createLogRows(db: DatabaseSync): LogRows {
  const sql = {
    log: db.prepare('SELECT head, chain, segments, bytes, share_bytes AS shareBytes, epoch FROM logs WHERE vault = ?'),
    updateLog: db.prepare('UPDATE logs SET head = ?, chain = ?, segments = ?, bytes = ?, epoch = ? WHERE vault = ?'),
    addShareBytes: db.prepare('UPDATE logs SET share_bytes = share_bytes + ? WHERE vault = ?'),
    replica: db.prepare('SELECT number, counter, digest FROM replicas WHERE vault = ? AND id = ?'),
    insertReplica: db.prepare('INSERT INTO replicas (vault, id, counter, digest) VALUES (?, ?, ?, ?)'),
    updateReplica: db.prepare('UPDATE replicas SET counter = ?, digest = ? WHERE number = ?'),
  }

  const rows: LogRows = {
    log(vault) {
      const row = sql.log.get(vault)
      if (row === undefined) throw new VaultRemovedError()
      return row as unknown as LogState
    },
    putLog(vault, { head, chain, segments, bytes, epoch }) {
      sql.updateLog.run(head, chain, segments, bytes, epoch, vault)
    },
    addShareBytes(vault, bytes) {
      sql.addShareBytes.run(bytes, vault)
    },
    replica(vault, id) {
      const row = sql.replica.get(vault, id) as ReplicaState | undefined
      return row ?? { number: undefined, counter: 0, digest: NO_DIGEST }
    },
    putReplica(vault, id, { number, counter, digest }) {
      if (number === undefined) return Number(sql.insertReplica.run(vault, id, counter, digest).lastInsertRowid)
      sql.updateReplica.run(counter, digest, number)
      return number
    },
    replicaNumber(vault, id) {
      const state = rows.replica(vault, id)
      return state.number ?? rows.putReplica(vault, id, state)
    },
    epochClosed(vault, replica) {
      const { counter, digest } = rows.replica(vault, replica)
      return { outcome: 'epoch-closed', epoch: rows.log(vault).epoch, counter, previous: digest }
    },
  }
  return rows
}
