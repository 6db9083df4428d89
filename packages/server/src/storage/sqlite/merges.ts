/**
 * Merges on SQLite [LOG-10]: one reservation for each vault, the parts uploaded for it, and the one transaction that puts
 * them in place.
 *
 * A reservation is bound to the session that made it and ends with it; until it expires nobody else gets one. It survives
 * a restart. What was uploaded for a merge that nobody finished is dropped when the next one begins. A committed one stays
 * as a note, so that its commit may be repeated.
 */
import type { DatabaseSync } from 'node:sqlite'
import { equalBytes } from '@lockstep/protocol/bytes'
import { extendChain } from '@lockstep/protocol/chain'
import { MAX_EPOCH_JUMP } from '@lockstep/protocol/limits'
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import type { Connection } from '#storage/sqlite/connection'
import { type LogRows, type LogState, sha256 } from '#storage/sqlite/log-rows'
import type { LogReader } from '#storage/sqlite/reading'
import { KEPT_IDENTITIES } from '#storage/sqlite/schema'
import type {
  EpochClosed,
  MergeCommit,
  MergeOutcome,
  MergePart,
  MergePartOutcome,
  MergeTarget,
  NewMerge,
  VaultKey,
} from '#storage/storage'

/** A merge of a run may have this much more than the run: other padding, newer values of the same cells. */
const ROOM_FACTOR = 1.25
const ROOM_BYTES = 1024 * 1024

interface Reservation {
  /** Null for seeds. */
  readonly first: number | null
  readonly last: number | null
  readonly run: Uint8Array | null
  readonly head: number
  readonly chain: Uint8Array
  readonly room: number
  readonly staged: number
  readonly committed: number
}

interface StagedPart {
  readonly part: number
  readonly epoch: number
  readonly replica: Uint8Array
  readonly previous: Uint8Array
  readonly id: Uint8Array
  readonly digest: Uint8Array
  readonly bytes: number
}

export interface MergesOptions {
  readonly connection: Connection
  readonly rows: LogRows
  readonly reader: LogReader
  readonly generation: Uint8Array
  readonly crashPoint: (name: string) => void
}

function prepare(db: DatabaseSync) {
  return {
    other: db.prepare(
      `SELECT 1 FROM merges m JOIN sessions s ON s.token_hash = m.session
       WHERE m.vault = ? AND m.session <> ? AND m.expires_at > ? AND m.committed = 0`,
    ),
    open: db.prepare(
      `INSERT OR REPLACE INTO merges (vault, name, session, first, last, run, head, chain, room, staged, expires_at, committed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0)`,
    ),
    dropParts: db.prepare('DELETE FROM merge_parts WHERE vault = ?'),
    reservation: db.prepare(
      'SELECT first, last, run, head, chain, room, staged, committed FROM merges WHERE vault = ? AND name = ? AND session = ?',
    ),
    partBytes: db.prepare('SELECT bytes FROM merge_parts WHERE vault = ? AND part = ?'),
    putPart: db.prepare(
      `INSERT OR REPLACE INTO merge_parts (vault, part, epoch, replica, previous, id, digest, bytes, sealed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    renew: db.prepare('UPDATE merges SET staged = ?, expires_at = ? WHERE vault = ?'),
    parts: db.prepare('SELECT part, epoch, replica, previous, id, digest, bytes FROM merge_parts WHERE vault = ? ORDER BY part'),
    forgetOld: db.prepare('DELETE FROM segments WHERE vault = ? AND last <= ? AND part = -1'),
    // New rows, side by side behind all others: in their old places they would keep the pages from becoming free.
    keepIdentities: db.prepare(
      `INSERT OR REPLACE INTO segments (vault, last, part, first, kind, epoch, replica, counter, previous, id, digest, chain, sealed)
       SELECT vault, last, -1, first, kind, epoch, replica, counter, previous, id, digest, chain, NULL FROM segments
       WHERE vault = ? AND last BETWEEN ? AND ? AND part = 0 AND kind <> ? ORDER BY last`,
    ),
    dropMerged: db.prepare('DELETE FROM segments WHERE vault = ? AND last BETWEEN ? AND ? AND part >= 0'),
    place: db.prepare(
      `INSERT INTO segments (vault, last, part, first, kind, epoch, replica, counter, previous, id, digest, chain, sealed)
       SELECT vault, ?, ?, ?, ?, epoch, ?, ?, previous, id, digest, ?, sealed FROM merge_parts WHERE vault = ? AND part = ?`,
    ),
    finish: db.prepare('UPDATE merges SET committed = 1 WHERE vault = ?'),
  }
}

export function createMerges({ connection, rows, reader, generation, crashPoint }: MergesOptions) {
  const sql = prepare(connection.db)

  /** What a merge of this target may have and what it goes behind. Undefined when the log is not the one it was made for. */
  function survey(vault: VaultKey, target: MergeTarget): { chain: Uint8Array; room: number } | undefined {
    if (target.type === 'seed') {
      const { head, chain } = rows.log(vault)
      return head === target.head && equalBytes(chain, target.chain) ? { chain, room: 0 } : undefined
    }
    const run = reader.run(vault, target.first, target.last)
    if (run === undefined || !equalBytes(run.digest, target.run)) return undefined
    const chain = reader.chainAt(vault, target.first - 1)
    if (chain === undefined) throw new Error('the end of an entry has no chain value')
    return { chain, room: Math.floor(run.bytes * ROOM_FACTOR) + ROOM_BYTES }
  }

  function reservation(vault: VaultKey, name: string, session: Uint8Array): Reservation | undefined {
    return sql.reservation.get(vault, name, session) as Reservation | undefined
  }

  /** Takes the run's rows away; the youngest keep identity and chain value. */
  function removeRun(vault: VaultKey, first: number, last: number, head: number): void {
    const old = head - KEPT_IDENTITIES
    sql.keepIdentities.run(vault, Math.max(first, old + 1), last, SEGMENT_KIND.merged)
    sql.dropMerged.run(vault, first, last)
    sql.forgetOld.run(vault, old)
  }

  function commitRun(
    { vault }: MergeCommit,
    parts: readonly StagedPart[],
    run: Reservation & { first: number; last: number; run: Uint8Array },
    log: LogState,
  ): MergeOutcome | undefined {
    const { first, last } = run
    const replaced = reader.run(vault, first, last)
    if (replaced === undefined || !equalBytes(replaced.digest, run.run)) return { outcome: 'run-changed' }
    const chain = reader.chainAt(vault, last)
    if (chain === undefined) throw new Error('the end of an entry has no chain value')
    removeRun(vault, first, last, log.head)
    for (const { part, replica } of parts) {
      const number = rows.replicaNumber(vault, replica)
      sql.place.run(last, part, first, SEGMENT_KIND.merged, number, last, chain, vault, part)
    }
    log.segments -= replaced.segments
    log.bytes -= replaced.bytes
    return undefined
  }

  function commitSeeds(
    commit: MergeCommit,
    parts: readonly StagedPart[],
    seeds: Reservation,
    log: LogState,
  ): MergeOutcome | undefined {
    const { vault, covers, quota } = commit
    if (log.head !== seeds.head || !equalBytes(log.chain, seeds.chain)) return { outcome: 'run-changed' }
    const bytes = log.bytes + log.shareBytes + seeds.staged
    if (quota > 0 && bytes > quota) return { outcome: 'quota-exceeded', bytes }
    const chains = [log.chain]
    for (const { previous, id, digest } of parts) {
      const before = chains.at(-1) as Uint8Array
      if (!equalBytes(previous, before)) return { outcome: 'misplaced' }
      chains.push(extendChain(sha256, before, { id, digest }))
    }
    for (const { part, replica } of parts) {
      const sequence = seeds.head + 1 + part
      const chain = chains[part + 1] as Uint8Array
      sql.place.run(sequence, 0, sequence, SEGMENT_KIND.seed, rows.replicaNumber(vault, replica), sequence, chain, vault, part)
    }
    for (const { replica, counter, digest } of covers) {
      const state = rows.replica(vault, replica)
      if (counter > state.counter) rows.putReplica(vault, replica, { number: state.number, counter, digest })
    }
    log.head += parts.length
    log.chain = chains.at(-1) as Uint8Array
    return undefined
  }

  function merged(vault: VaultKey, grown: boolean): MergeOutcome {
    const { head, chain } = rows.log(vault)
    return { outcome: 'merged', position: { head, chain, generation }, grown }
  }

  function commitInTransaction(commit: MergeCommit): MergeOutcome {
    const { vault } = commit
    const merge = reservation(vault, commit.name, commit.session)
    if (merge === undefined) return { outcome: 'unknown-merge' }
    const { first, last, run } = merge
    if (merge.committed === 1) return merged(vault, false)
    const parts = sql.parts.all(vault) as unknown as StagedPart[]
    if (parts.length !== commit.parts || parts.some(({ part }, i) => part !== i)) return { outcome: 'incomplete' }
    const log = rows.log(vault)
    const closed = parts.find(({ epoch }) => epoch < log.epoch)
    if (closed !== undefined) return rows.epochClosed(vault, closed.replica)
    const isRun = first !== null && last !== null && run !== null
    const refused = isRun ? commitRun(commit, parts, { ...merge, first, last, run }, log) : commitSeeds(commit, parts, merge, log)
    if (refused !== undefined) return refused
    log.segments += parts.length
    log.bytes += merge.staged
    log.epoch = Math.max(log.epoch, ...parts.map(({ epoch }) => epoch))
    rows.putLog(vault, log)
    sql.dropParts.run(vault)
    sql.finish.run(vault)
    return merged(vault, !isRun)
  }

  return {
    open({ vault, name, session, target, now, expiresAt }: NewMerge): 'opened' | 'run-changed' | 'merge-busy' {
      return connection.transact(() => {
        if (sql.other.get(vault, session, now) !== undefined) return 'merge-busy'
        const surveyed = survey(vault, target)
        if (surveyed === undefined) return 'run-changed'
        const { chain, room } = surveyed
        const [first, last, run] = target.type === 'run' ? [target.first, target.last, target.run] : [null, null, null]
        sql.dropParts.run(vault)
        sql.open.run(vault, name, session, first, last, run, rows.log(vault).head, chain, room, expiresAt)
        return 'opened'
      })
    },

    putPart({ vault, name, session, part, segment, expiresAt, quota }: MergePart): MergePartOutcome {
      const { record, id, digest } = segment
      return connection.transact((): MergePartOutcome => {
        const merge = reservation(vault, name, session)
        if (merge === undefined || merge.committed === 1) return { outcome: 'unknown-merge' }
        const log = rows.log(vault)
        if (record.epoch < log.epoch) return rows.epochClosed(vault, record.replica) satisfies EpochClosed
        if (record.epoch > log.epoch + MAX_EPOCH_JUMP) return { outcome: 'epoch-ahead', epoch: log.epoch }
        const { last, chain } = merge
        const isPlaced =
          last !== null
            ? record.kind === SEGMENT_KIND.merged && record.counter === last && equalBytes(record.previous, chain)
            : record.kind === SEGMENT_KIND.seed && record.counter === merge.head + 1 + part
        if (!isPlaced) return { outcome: 'misplaced' }
        const { length } = record.sealed
        const before = (sql.partBytes.get(vault, part)?.['bytes'] as number | undefined) ?? 0
        const staged = merge.staged - before + length
        if (last !== null && staged > merge.room) return { outcome: 'too-large', room: merge.room }
        const bytes = log.bytes + log.shareBytes + staged
        if (last === null && quota > 0 && bytes > quota) return { outcome: 'quota-exceeded', bytes }
        sql.putPart.run(vault, part, record.epoch, record.replica, record.previous, id, digest, length, record.sealed)
        sql.renew.run(staged, expiresAt, vault)
        return { outcome: 'stored' }
      })
    },

    commit(commit: MergeCommit): MergeOutcome {
      const outcome = connection.transactAlone(() => {
        const result = commitInTransaction(commit)
        crashPoint('before-merge-commit')
        return result
      })
      crashPoint('after-merge-commit')
      return outcome
    },
  }
}
