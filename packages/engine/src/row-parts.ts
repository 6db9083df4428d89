/**
 * Rows that do not fit into one segment travel as several deltas of the same row. What of a cell can travel alone follows
 * from its kind: an lww cell as a whole; of a set some elements; of a text a base or an update. Merging puts them together
 * again, in whatever order they come.
 */
import { type Cell, type Cells, DELETED, PURGED, type TextBase } from '#cell'
import { joinCell } from '#merge'
import { KIND } from '#schema'

/** A row that may pass this is cut into parts, a segment for each: the body's hard limit is twice this. */
export const MAX_ROW_BYTES = 4 * 1024 * 1024

/** At most this many bytes in a body, but for stamps and names. */
function sizeOf(cell: Cell): number {
  if (cell.kind === KIND.lww) {
    return typeof cell.value === 'string' ? cell.value.length * 3 : cell.value instanceof Uint8Array ? cell.value.length : 16
  }
  if (cell.kind === KIND.set) return [...cell.value.keys()].reduce((sum, element) => sum + element.length * 3 + 64, 0)
  let size = 0
  for (const { base, updates } of cell.value.values()) {
    size += (base?.text.length ?? 0) * 3 + updates.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }
  return size
}

/** At most this many bytes in a body, but for stamps and names. */
export function sizeOfCells(cells: Cells): number {
  let size = 0
  for (const cell of cells.values()) size += sizeOf(cell)
  return size
}

/** Elements of a set that travel together: at their largest (64 K UTF-16 units) still within {@link MAX_ROW_BYTES}. */
const ATOM_ELEMENTS = 16

/** What of a cell can travel alone: a base, an update, some elements; their join is the cell. */
function atoms(cell: Cell): Cell[] {
  if (cell.kind === KIND.lww) return [cell]
  if (cell.kind === KIND.set) {
    const entries = [...cell.value]
    const groups = Array.from({ length: Math.ceil(entries.length / ATOM_ELEMENTS) }, (_, i) => i * ATOM_ELEMENTS)
    return groups.map((from) => ({ kind: KIND.set, value: new Map(entries.slice(from, from + ATOM_ELEMENTS)) }))
  }
  const one = (key: number, text: TextBase): Cell => ({ kind: KIND.text, value: new Map([[key, text]]) })
  return [...cell.value].flatMap(([key, { base, updates }]) => [
    ...(base === undefined ? [] : [one(key, { base, updates: [] })]),
    ...updates.map((update) => one(key, { base: undefined, updates: [update] })),
  ])
}

/** A row as one delta, or as several that fit into a segment each; their join is the row. */
export function splitLargeRow(cells: Cells): Cells[] {
  if (sizeOfCells(cells) <= MAX_ROW_BYTES) return [cells]
  const life = [...cells].filter(([name]) => name === DELETED || name === PURGED)
  const parts: Map<string, Cell>[] = []
  let left = 0
  for (const [name, cell] of cells) {
    if (name === DELETED || name === PURGED) continue
    for (const atom of atoms(cell)) {
      const bytes = sizeOf(atom)
      if (parts.length === 0 || bytes > left) {
        parts.push(new Map(life))
        left = MAX_ROW_BYTES
      }
      const part = parts.at(-1) as Map<string, Cell>
      const there = part.get(name)
      part.set(name, there === undefined ? atom : joinCell(there, atom))
      left -= bytes
    }
  }
  return parts
}
