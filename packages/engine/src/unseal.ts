/**
 * Back from sealed to pending: what waits in the outbox under a key that has been taken back, or under the name of a replica
 * that this database is no longer, is written down as pending again and sealed anew, with the same stamps [KEY-4] [LOG-3].
 */
import { equalBytes, fromHex } from '@lockstep/protocol/bytes'
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import type { RowDelta } from '#cell'
import { toDelta } from '#content'
import { decodeContent } from '#content-decoder'
import type { SqlValue } from '#driver'
import { type Stamp, stampReplica } from '#hlc'
import { editedAt } from '#merge'
import { KIND } from '#schema'
import type { Sealer } from '#sealing'
import type { Store } from '#store'
import { pendWhole } from '#whole-rows'

/**
 * `also` runs in the same transaction, after all is pending.
 * @throws CryptoError, FormatError when the outbox cannot be opened: the database is damaged.
 */
export async function returnToPending(store: Store, sealer: Sealer, also: () => void = () => {}): Promise<void> {
  const { replica } = store
  const deltas: RowDelta[] = []
  /** Of the last one, which names all before it. */
  let last: SqlValue | undefined
  for (const row of store.driver.prepare('SELECT * FROM _segments WHERE seq IS NULL ORDER BY counter').all()) {
    last = row['digest']
    const place = {
      kind: SEGMENT_KIND.delta,
      epoch: Number(row['epoch']),
      replica: fromHex(replica),
      counter: Number(row['counter']),
    }
    deltas.push(...decodeContent(await sealer.open(place, row['sealed'] as Uint8Array)).rows.map(toDelta))
  }
  store.write('remote', () => {
    // Another process on this home may have done it, or gone on, meanwhile: then the next push says what is to be done.
    const now = store.driver.prepare('SELECT digest FROM _segments WHERE seq IS NULL ORDER BY counter DESC LIMIT 1').get()
    if (store.replica !== replica || !sameDigest(now?.['digest'], last)) return
    const own = store.ownReplicas()
    for (const delta of deltas) pendAgain(store, own, delta)
    store.driver.exec('DELETE FROM _segments WHERE seq IS NULL; UPDATE _replicas SET told = 0')
    also()
  })
}

function sameDigest(a: SqlValue | undefined, b: SqlValue | undefined): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b
}

function pendAgain(store: Store, own: ReadonlySet<string>, { table, id, cells }: RowDelta): void {
  const stored = store.rows.load(table, id)
  if (stored === undefined) return
  if (store.meta.get('leftServer') !== undefined) {
    // The segment may have held what others wrote.
    pendWhole(store, table, stored.n)
    return
  }
  let since: Stamp | undefined
  let edits = 0
  const note = (stamp: Stamp) => {
    if (own.has(stampReplica(stamp)) && (since === undefined || stamp < since)) since = stamp
  }
  const insertEdit = store.driver.prepare(
    'INSERT INTO _pending_text (tbl, n, col, base, base_stamp, edit) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const [name, cell] of cells) {
    if (cell.kind === KIND.lww) note(cell.stamp)
    else if (cell.kind === KIND.set) for (const { stamp } of cell.value.values()) note(stamp)
    else {
      for (const [key, { base, updates }] of cell.value) {
        if (base !== undefined) note(base.stamp)
        for (const update of updates) insertEdit.run(table, stored.n, name, key, update.base, update.bytes)
        edits += updates.length
      }
    }
  }
  // A text may have been edited before somebody else's last write of the row, which came first: then no stamp is ours.
  if (since === undefined && edits > 0) since = editedAt(cells)
  if (since === undefined) return
  store.markPending(table, stored.n, since)
  store.driver.prepare('UPDATE _pending SET since = min(since, ?) WHERE tbl = ? AND n = ?').run(since, table, stored.n)
}
