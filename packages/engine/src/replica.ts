/**
 * A new replica id for a database that turned out to be a copy: a restored backup, a cloned disk [LOG-3]. What the
 * server does not have goes back to pending and is sent under the new id; nothing else changes.
 *
 * Stamps stay as they are: an edit that waited in an old copy must not become newer than what was written since, and
 * equal stamps of two copies are decided by value, on every device alike. So stamps of a former id are this database's own.
 */
import type { ReplicaId } from '#hlc'
import type { Sealer } from '#sealing'
import type { Store } from '#store'
import { returnToPending } from '#unseal'

/**
 * Leaves `old`, the replica that the server refused; does nothing where another process has left it already.
 * @throws CryptoError, FormatError when the outbox cannot be opened: the database is damaged.
 */
export async function moveToNewReplica(store: Store, sealer: Sealer, old: ReplicaId): Promise<void> {
  while (store.meta.get('replica') === old) {
    await returnToPending(store, sealer, () => {
      // From now on the old replica is somebody else, known up to what the server has confirmed.
      store.driver.exec(`INSERT INTO _replicas (replica, counter, digest)
        SELECT '${old}', counter, digest FROM _segments WHERE seq IS NOT NULL ORDER BY counter DESC LIMIT 1
        ON CONFLICT (replica) DO UPDATE SET counter = excluded.counter, digest = excluded.digest WHERE excluded.counter > counter`)
      // What it wrote may be what a server asks for one day.
      store.driver.exec(`INSERT OR IGNORE INTO _tail (seq, kind, epoch, replica, counter, previous, sealed)
        SELECT seq, 0, epoch, '${old}', counter, previous, sealed FROM _segments WHERE seq IS NOT NULL AND seq <> 0 AND sealed IS NOT NULL`)
      store.driver.exec('DELETE FROM _segments; UPDATE _replicas SET told = 0, seen_of_us = 0')
      store.meta.set('copied', 1)
      store.changeReplica()
    })
  }
}
