/**
 * What has been read: a mark for each diff, on whichever device it was read. A mark's id is its diff's, so a diff read on two devices has
 * one; it goes with its diff and comes back with it.
 */
import type { LockstepVault } from '#schema'

/** Marks diffs as read. One that is read already keeps the time of that; one that is not shown gets no mark. */
export function markRead(vault: LockstepVault, ids: readonly string[], now: number): void {
  const unread = ids.filter(
    (id) =>
      vault.query('SELECT 1 FROM diffs WHERE id = ?', id).length > 0 &&
      vault.query('SELECT 1 FROM reading WHERE id = ? AND readAt > 0', id).length === 0,
  )
  if (unread.length === 0) return
  vault.transact((tx) => {
    for (const id of unread) tx.put('reading', id, { diff: id, readAt: now })
  })
}

/** Makes these unread again. */
export function markUnread(vault: LockstepVault, ids: readonly string[]): void {
  const read = ids.filter((id) => vault.query('SELECT 1 FROM reading WHERE id = ? AND readAt > 0', id).length > 0)
  if (read.length === 0) return
  vault.transact((tx) => {
    for (const id of read) tx.update('reading', id, { readAt: 0 })
  })
}
