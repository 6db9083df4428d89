/** The merge state of everything that a device holds, in a form in which equal states are equal values. */
import { toHex } from '@lockstep/protocol/bytes'
import type { Cell, Cells } from '#cell'
import { KIND } from '#schema'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { materialize } from '#text'

function plainly(cell: Cell): unknown {
  if (cell.kind === KIND.lww) return [cell.stamp, cell.value instanceof Uint8Array ? toHex(cell.value) : cell.value]
  if (cell.kind === KIND.set) return [...cell.value].sort(([a], [b]) => (a < b ? -1 : 1))
  // The same edits may stand in other updates: what counts are the bases and what comes of them.
  const bases = [...cell.value].map(([key, { base }]) => [key, base?.stamp, base?.tag, base?.text])
  return [bases.sort((a, b) => Number(a[0]) - Number(b[0])), materialize(cell.value)]
}

function rowPlainly(cells: Cells): unknown {
  return Object.fromEntries([...cells].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, cell]) => [name, plainly(cell)]))
}

/** Table and id → cells. */
export function rowStates(store: Store): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const table of Object.keys(store.schema.tables)) {
    for (const { id } of store.driver.prepare(`SELECT id FROM ${rowsTable(table)} ORDER BY id`).all()) {
      out[`${table}/${id}`] = rowPlainly(store.rows.load(table, String(id))?.cells ?? new Map())
    }
  }
  for (const { tbl, id } of store.driver.prepare('SELECT DISTINCT tbl, id FROM _foreign ORDER BY tbl, id').all()) {
    if (store.rows.knows(String(tbl))) continue
    out[`${tbl}/${id}`] = rowPlainly(store.rows.foreignCells(String(tbl), String(id)))
  }
  return out
}
