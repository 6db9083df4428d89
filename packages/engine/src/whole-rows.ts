/**
 * Rows that are to be sent whole, whoever wrote what is in them: where a vault is no longer on a server, its next one has nothing
 * of it, and any device may be the one that brings it there [VAULT-2].
 */
import { equalBytes } from '@lockstep/protocol/bytes'
import type { Cells } from '#cell'
import { encodeCell } from '#cell-codec'
import type { Store } from '#store'

/** Stands where the first stamp that is to be sent does: before any. */
export const WHOLE = ''

/** Inside a transaction: nothing of the row is known to be on the server. */
export function pendWhole(store: Store, table: string, n: number): void {
  store.driver.prepare('INSERT OR REPLACE INTO _pending (tbl, n, since) VALUES (?, ?, ?)').run(table, n, WHOLE)
}

/** Inside a transaction: the server has `theirs` of a row that is `cells` here. What it has all of need not be sent to it. */
export function settleWhole(
  store: Store,
  { table, n }: { readonly table: string; readonly n: number },
  cells: Cells,
  theirs: Cells,
): void {
  const { driver } = store
  const waits = driver.prepare('SELECT 1 FROM _pending WHERE tbl = ? AND n = ? AND since = ?').get(table, n, WHOLE)
  if (waits === undefined || !hasAll(cells, theirs)) return
  driver.prepare('DELETE FROM _pending WHERE tbl = ? AND n = ?').run(table, n)
  driver.prepare('DELETE FROM _pending_text WHERE tbl = ? AND n = ?').run(table, n)
}

function hasAll(cells: Cells, theirs: Cells): boolean {
  return [...cells].every(([name, cell]) => {
    const other = theirs.get(name)
    return other !== undefined && equalBytes(encodeCell(cell), encodeCell(other))
  })
}
