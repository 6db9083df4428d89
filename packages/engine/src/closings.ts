/** What the database knows of ended epochs: where each replica stood then, and which devices were revoked [KEY-4]. */
import type { Closing, Rotation } from '@lockstep/crypto/rotation'
import { fromHex, toHex } from '@lockstep/protocol/bytes'
import { type DeliveredSegment, isCounted } from '@lockstep/protocol/records'
import { fromRowId, toRowId } from '#cell'
import type { Identity } from '#identity'
import type { Store } from '#store'

/** In `_closed`, in place of a replica: the log's head, which bounds merged segments and seeds. */
const HEAD_OF_EPOCH = '0'.repeat(32)

/** Epochs of `identity` that have ended, as far as their records are known here. */
export function closedEpochs({ driver }: Store): Set<number> {
  return new Set(
    driver
      .prepare('SELECT DISTINCT epoch FROM _closed')
      .all()
      .map(({ epoch }) => Number(epoch)),
  )
}

/**
 * The last counters of the replicas that have written since the last epoch ended, as far as the server has confirmed them: what a
 * device that is in step closes the epoch with.
 */
export function closingsNow({ driver, replica }: Store): Closing[] {
  const rows = driver
    .prepare(
      `SELECT replica, max(counter) AS counter FROM (
         SELECT replica, counter FROM _replicas WHERE counter > 0
         UNION ALL SELECT ? AS replica, counter FROM _segments WHERE seq IS NOT NULL
       ) AS known GROUP BY replica
       HAVING max(counter) > coalesce((SELECT max(counter) FROM _closed WHERE _closed.replica = known.replica), 0)`,
    )
    .all(replica)
  return rows.map((row) => ({ replica: fromHex(String(row['replica'])), counter: Number(row['counter']) }))
}

/** 16 bytes each. */
export function revokedDevices({ meta }: Store): Uint8Array[] {
  return (JSON.parse(meta.get('revokedDevices') ?? '[]') as string[]).map(fromRowId)
}

/** Stores what a confirmed record says of the epoch that it ended. */
export function storeClosing({ store }: Pick<Identity, 'store'>, epoch: number, rotation: Rotation): void {
  store.write('remote', () => {
    const insert = store.driver.prepare('INSERT OR REPLACE INTO _closed (epoch, replica, counter) VALUES (?, ?, ?)')
    insert.run(epoch, HEAD_OF_EPOCH, rotation.head)
    for (const { replica, counter } of rotation.closes) insert.run(epoch, toHex(replica), counter)
    const revoked = new Set([...revokedDevices(store), ...rotation.revoked].map(toRowId))
    store.meta.set('revokedDevices', JSON.stringify([...revoked].sort()))
    store.meta.set('bundleVersionSeen', Math.max(rotation.bundleVersion, store.meta.get('bundleVersionSeen') ?? 0))
  })
}

/** True for a segment of an epoch that had been closed before it was written [KEY-4]. */
export function isClosed(store: Store, { kind, epoch, replica, counter, last }: DeliveredSegment): boolean {
  const { driver } = store
  if (driver.prepare('SELECT 1 FROM _closed WHERE epoch = ? LIMIT 1').get(epoch) === undefined) return false
  const author = isCounted(kind) ? toHex(replica) : HEAD_OF_EPOCH
  const row = driver.prepare('SELECT counter FROM _closed WHERE epoch = ? AND replica = ?').get(epoch, author)
  return (isCounted(kind) ? counter : last) > Number(row?.['counter'] ?? 0)
}
