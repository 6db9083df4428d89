/**
 * A new replica id for a database that turned out to be a copy: a restored backup, a cloned disk [LOG-3]. What the
 * server does not have is stamped again under the new id and goes back to pending; nothing else changes.
 */

import { fromHex } from '@lockstep/protocol/bytes'
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import { type Cell, DELETED, type RowDelta } from '#cell'
import { toDelta } from '#content'
import { decodeContent } from '#content-decoder'
import type { Row } from '#driver'
import { type ReplicaId, type Stamp, stampReplica } from '#hlc'
import { KIND } from '#schema'
import type { Sealer } from '#sealing'
import type { Store } from '#store'

/**
 * Leaves `old`, the replica that the server refused; does nothing where another process has left it already.
 * @throws CryptoError, FormatError when the outbox cannot be opened: the database is damaged.
 */
export async function moveToNewReplica(store: Store, sealer: Sealer, old: ReplicaId): Promise<void> {
  while (store.meta.get('replica') === old) if (await tryToMove(store, sealer, old)) return
}

/** False where a segment was sealed while the outbox was being opened: it has to be read again. */
async function tryToMove(store: Store, sealer: Sealer, old: ReplicaId): Promise<boolean> {
  const deltas: RowDelta[] = []
  let last = 0
  for (const row of store.driver.prepare('SELECT * FROM _segments WHERE seq IS NULL ORDER BY counter').all()) {
    last = Number(row['counter'])
    const place = { kind: SEGMENT_KIND.delta, epoch: Number(row['epoch']), replica: fromHex(old), counter: last }
    deltas.push(...decodeContent(await sealer.open(place, row['sealed'] as Uint8Array)).rows.map(toDelta))
  }
  return store.write('remote', () => {
    if (store.replica !== old) return true
    const unsent = store.driver.prepare('SELECT max(counter) AS last FROM _segments WHERE seq IS NULL').get()
    if (Number(unsent?.['last'] ?? 0) !== last) return false
    const pending = store.driver.prepare('SELECT tbl, n, since FROM _pending').all()
    // From now on the old replica is somebody else, known up to what the server has confirmed.
    store.driver.exec(`INSERT OR REPLACE INTO _replicas (replica, counter, digest)
      SELECT '${old}', counter, digest FROM _segments WHERE seq IS NOT NULL ORDER BY counter DESC LIMIT 1`)
    store.driver.exec('DELETE FROM _segments; UPDATE _replicas SET told = 0, seen_of_us = 0')
    store.changeReplica()
    const stamp = store.clock.tick(store.runtime.now())
    for (const delta of deltas) restampDelta(store, delta, old, stamp)
    for (const row of pending) restampPending(store, row, old, stamp)
    return true
  })
}

/** Cells of `cells` that `old` wrote and `unsent` picks, as if written now. */
function restampCells(
  cells: Iterable<readonly [string, Cell]>,
  stamp: Stamp,
  unsent: (stamp: Stamp) => boolean,
): Map<string, Cell> {
  const out = new Map<string, Cell>()
  for (const [name, cell] of cells) {
    if (cell.kind === KIND.lww) {
      if (unsent(cell.stamp)) out.set(name, { ...cell, stamp })
    } else if (cell.kind === KIND.set) {
      const value = new Map([...cell.value].map(([element, entry]) => [element, unsent(entry.stamp) ? { ...entry, stamp } : entry]))
      out.set(name, { kind: KIND.set, value })
    } else {
      const value = new Map(
        [...cell.value].map(([key, { base, updates }]) => [
          key,
          {
            base: base !== undefined && unsent(base.stamp) ? { ...base, stamp } : base,
            updates: updates.map((update) => (unsent(update.base) ? { ...update, base: stamp } : update)),
          },
        ]),
      )
      out.set(name, { kind: KIND.text, value })
    }
  }
  return out
}

function saveRestamped(store: Store, table: string, id: string, changed: Map<string, Cell>, stamp: Stamp): void {
  const stored = store.rows.load(table, id)
  if (stored === undefined || changed.size === 0) return
  const deleted = stored.cells.get(DELETED)
  const cells = new Map([...stored.cells, ...changed])
  // A row's last write is never older than its cells; but a delete that another device wrote stays as old as it is, or it
  // would take edits that came after it.
  if (deleted?.kind === KIND.lww && (deleted.value === 0 || changed.has(DELETED))) cells.set(DELETED, { ...deleted, stamp })
  store.markPending(table, store.saveRow(table, id, stored, cells, true), stamp)
}

/** A row of a sealed but unsent segment: only what is still as that segment wrote it. */
function restampDelta(store: Store, delta: RowDelta, old: ReplicaId, stamp: Stamp): void {
  const stored = store.rows.load(delta.table, delta.id)
  if (stored === undefined) return
  const written = new Set<Stamp>()
  const insertEdit = store.driver.prepare(
    'INSERT INTO _pending_text (tbl, n, col, base, base_stamp, edit) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const [name, cell] of delta.cells) {
    if (cell.kind === KIND.lww) written.add(cell.stamp)
    else if (cell.kind === KIND.set) for (const { stamp: own } of cell.value.values()) written.add(own)
    else {
      for (const [key, { base, updates }] of cell.value) {
        if (base !== undefined) written.add(base.stamp)
        for (const { base: stamped, bytes } of updates) insertEdit.run(delta.table, stored.n, name, key, stamped, bytes)
      }
    }
  }
  const unsent = (candidate: Stamp) => stampReplica(candidate) === old && written.has(candidate)
  saveRestamped(store, delta.table, delta.id, restampCells(stored.cells, stamp, unsent), stamp)
}

/** A row that was pending: what the old replica wrote since then. */
function restampPending(store: Store, row: Row, old: ReplicaId, stamp: Stamp): void {
  const table = String(row['tbl'])
  const since = String(row['since'])
  const stored = store.rows.loadByRowid(table, Number(row['n']))
  if (stored === undefined) return
  const unsent = (candidate: Stamp) => stampReplica(candidate) === old && candidate >= since
  saveRestamped(store, table, stored.id, restampCells(stored.cells, stamp, unsent), stamp)
  store.driver.prepare('UPDATE _pending SET since = ? WHERE tbl = ? AND n = ? AND since < ?').run(stamp, table, stored.n, stamp)
}
