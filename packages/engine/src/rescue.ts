/**
 * What a device does when somebody's purge took part of a row that it has written to since [CELL-8].
 */
import { type Cell, type Cells, DELETED, lwwCell, PURGED } from '#cell'
import { type Stamp, stampReplica } from '#hlc'
import { editedAt, joinCell, purgedAt } from '#merge'
import { KIND } from '#schema'
import type { Store } from '#store'
import { materialize, shownBase, textOf } from '#text'

/** A row that was just merged: its state before and after. */
export interface MergedRow {
  readonly table: string
  readonly id: string
  readonly n: number
  readonly before: Cells
  readonly after: Cells
}

/**
 * A purge that arrives after an own, later edit took the cells that the edit did not touch: this device, the author of
 * the row's last write, writes them again. What the purge left is on every device and stays as it is.
 */
export function rescue(store: Store, { table, id, n, before, after }: MergedRow): void {
  const edited = editedAt(after)
  const purge = purgedAt(after)
  if (edited === undefined || purge === undefined || edited <= purge || !store.ownReplicas().has(stampReplica(edited))) return
  const lost = [...before].filter(([name, cell]) => name !== PURGED && name !== DELETED && isLost(cell, after.get(name), purge))
  if (lost.length === 0) return
  const stamp = store.clock.tick(store.runtime.now())
  const cells = new Map<string, Cell>(after)
  const forgetEdits = store.driver.prepare('DELETE FROM _pending_text WHERE tbl = ? AND n = ? AND col = ?')
  for (const [name, cell] of lost) {
    cells.set(name, besides(restamp(cell, stamp, purge), after.get(name)))
    forgetEdits.run(table, n, name)
  }
  cells.set(DELETED, lwwCell(stamp, deletedValue(before)))
  store.saveRow(table, id, store.rows.load(table, id), cells, true)
  store.markPending(table, n, stamp)
}

/** `again` with what a purge left of the same cell; elements that are left stay as old as they are. */
function besides(again: Cell, left: Cell | undefined): Cell {
  if (left === undefined) return again
  if (again.kind === KIND.set && left.kind === KIND.set) return { kind: KIND.set, value: new Map([...again.value, ...left.value]) }
  return joinCell(again, left)
}

/** True if a purge took what people see of `cell`; `left` is what there is after it. */
function isLost(cell: Cell, left: Cell | undefined, purge: Stamp): boolean {
  if (left === undefined) return true
  if (cell.kind === KIND.text && left.kind === KIND.text) {
    const shown = shownBase(cell.value)
    if (shown === undefined) return false
    const edits = cell.value.get(shown)?.updates ?? []
    return left.value.get(shown)?.base === undefined || edits.some(({ base }) => base <= purge)
  }
  if (cell.kind === KIND.set && left.kind === KIND.set) return [...cell.value.keys()].some((element) => !left.value.has(element))
  return false
}

function deletedValue(cells: Cells): number {
  const cell = cells.get(DELETED)
  return cell?.kind === KIND.lww ? Number(cell.value) : 0
}

/** The cell as if written now, as one whole value; a text gets another base, whose edits are none of those that the purge took. */
function restamp(cell: Cell, stamp: Stamp, purge: Stamp): Cell {
  if (cell.kind === KIND.lww) return { ...cell, stamp }
  if (cell.kind === KIND.set) {
    return { kind: KIND.set, value: new Map([...cell.value].map(([element, { present }]) => [element, { stamp, present }])) }
  }
  return { kind: KIND.text, value: textOf(stamp, materialize(cell.value).text, purge) }
}
