/**
 * Between the merge state of a row and what SQLite keeps of it (tables.ts): how cells are laid out over columns, stamps
 * and blobs, and how they are read back. Pure; rows.ts does the reading and writing.
 */
import { type Cell, type Cells, DELETED, lwwCell, PURGED, type Scalar, type SetState, type TextCell } from '#cell'
import { decodeCell, encodeCell } from '#cell-codec'
import { digestRow, type StoredCell } from '#digest'
import type { Row, SqlValue } from '#driver'
import type { Stamp } from '#hlc'
import { editedAt, purgedAt } from '#merge'
import { type Column, KIND } from '#schema'
import { ROW_STATE } from '#tables'
import { compactText, materialize, textOf } from '#text'

/** Updates of one text kept side by side before they are merged into one. */
const COMPACT_AT = 8

/** A list of columns as `_shapes` has it: sorted, and as JSON. */
export interface StoredShape {
  readonly text: string
  readonly columns: readonly string[]
}

/** What is kept of a row outside of its table: rows of `_cells` and of `_foreign`. */
export interface RowParts {
  readonly cells: readonly StoredCell[]
  readonly foreign: readonly StoredCell[]
}

/** A row as it is to be stored. */
export interface RowLayout extends RowParts {
  /** Columns as people see them, `_deleted`, `_edited` and `_state` among them. */
  readonly shown: Row
  readonly deleted: 0 | 1
  readonly edited: Stamp
  /** Null where it is `edited`. */
  readonly stamp: Stamp | null
  readonly own: string | null
  readonly state: number
  readonly shape: StoredShape
  /** Shown values that the digest covers, in its order. */
  readonly covered: readonly SqlValue[]
}

/** Lays out the state of row `id`. A state has an edit or a purge. */
export function layOut(id: string, columns: ReadonlyMap<string, Column>, cells: Cells): RowLayout {
  const purge = purgedAt(cells)
  const edited = editedAt(cells) ?? (purge as Stamp)
  let state = editedAt(cells) === undefined ? ROW_STATE.purged : 0
  const shown: Row = { id }
  const stamps = new Map<string, Stamp>()
  const apart: StoredCell[] = []
  const foreign: StoredCell[] = []
  if (purge !== undefined) stamps.set(PURGED, purge)
  for (const [name, column] of columns) shown[name] = column.default
  for (const [name, cell] of cells) {
    if (name === DELETED || name === PURGED) continue
    const column = columns.get(name)
    if (column === undefined || column.kind !== cell.kind) {
      foreign.push({ col: name, cell: encodeCell(cell) })
    } else if (cell.kind === KIND.lww) {
      shown[name] = cell.value
      stamps.set(name, cell.stamp)
    } else if (cell.kind === KIND.set) {
      shown[name] = showSet(cell.value)
      apart.push({ col: name, cell: encodeCell(cell) })
    } else {
      const [only] = cell.value.size === 1 ? cell.value.values() : []
      if (only?.base !== undefined && only.updates.length === 0 && only.base.tag === '') {
        shown[name] = only.base.text
        stamps.set(name, only.base.stamp)
      } else {
        const { text, loading, conflicts } = materialize(cell.value)
        shown[name] = text
        if (loading) state |= ROW_STATE.loading
        if (conflicts.length > 0) state |= ROW_STATE.conflict
        apart.push({ col: name, cell: encodeCell(compactCell(cell)) })
      }
    }
  }
  if (apart.length + foreign.length > 0) state |= ROW_STATE.cells
  const { common, shape, own } = splitStamps(stamps, edited)
  const flag = cells.get(DELETED)
  const deleted = flag?.kind === KIND.lww && flag.value === 0 ? 0 : 1
  shown['_deleted'] = deleted
  shown['_edited'] = edited
  shown['_state'] = state
  apart.sort(byName)
  foreign.sort(byName)
  return {
    shown,
    deleted,
    edited,
    stamp: common === edited ? null : common,
    own: own.size === 0 ? null : JSON.stringify(Object.fromEntries(own)),
    state,
    shape: { text: JSON.stringify(shape), columns: shape },
    covered: coveredColumns(shape, own.keys(), apart).map((name) => shown[name] as SqlValue),
    cells: apart,
    foreign,
  }
}

const byName = (a: StoredCell, b: StoredCell): number => (a.col < b.col ? -1 : a.col > b.col ? 1 : 0)

/** The columns that somebody has written: others hold a default. */
function coveredColumns(shape: readonly string[], own: Iterable<string>, cells: readonly StoredCell[]): string[] {
  return [...shape, ...[...own].filter((name) => name !== PURGED), ...cells.map(({ col }) => col)]
}

/**
 * The digest of a row as `SELECT *` gives it.
 * @throws SyntaxError, TypeError where it is too damaged to have one.
 */
export function storedDigest(row: Row, shape: StoredShape, parts: RowParts): number {
  const cells = [...parts.cells].sort(byName)
  const own = row['_own'] as string | null
  const ownNames = own === null ? [] : Object.keys(JSON.parse(own) as Record<string, Stamp>)
  return digestRow({
    n: row['_n'] as number,
    id: row['id'] as string,
    deleted: row['_deleted'] as number,
    edited: row['_edited'] as string,
    stamp: row['_stamp'] as string | null,
    own,
    state: row['_state'] as number,
    shape: shape.text,
    values: coveredColumns(shape.columns, ownNames, cells).map((name) => row[name] as SqlValue),
    cells,
    foreign: [...parts.foreign].sort(byName),
  })
}

/** The merge state of an intact row. */
export function mergeState(columns: ReadonlyMap<string, Column>, row: Row, shape: StoredShape, parts: RowParts): Cells {
  const edited = row['_edited'] as Stamp
  const cells = new Map<string, Cell>()
  const own = row['_own'] === null ? {} : (JSON.parse(String(row['_own'])) as Record<string, Stamp>)
  if ((Number(row['_state']) & ROW_STATE.purged) === 0) cells.set(DELETED, lwwCell(edited, Number(row['_deleted'])))
  const put = (name: string, stamp: Stamp) => {
    if (name === PURGED) {
      cells.set(PURGED, lwwCell(stamp, 1))
      return
    }
    const column = columns.get(name)
    if (column === undefined) return
    const value = row[name] as Scalar
    if (column.kind === KIND.text) cells.set(name, { kind: KIND.text, value: textOf(stamp, String(value)) })
    else cells.set(name, lwwCell(stamp, value))
  }
  const common = (row['_stamp'] ?? edited) as Stamp
  for (const name of shape.columns) put(name, common)
  for (const [name, stamp] of Object.entries(own)) put(name, stamp)
  for (const { col, cell } of parts.cells) cells.set(col, decodeCell(cell))
  for (const { col, cell } of parts.foreign) cells.set(col, decodeCell(cell))
  return cells
}

function showSet(state: SetState): string {
  return JSON.stringify([...state].flatMap(([element, { present }]) => (present ? [element] : [])).sort())
}

/** Many small updates are kept as one: each would have to be applied again on every read of the state. */
function compactCell(cell: TextCell): TextCell {
  for (const { updates } of cell.value.values()) {
    if (updates.length >= COMPACT_AT) return { kind: KIND.text, value: compactText(cell.value) }
  }
  return cell
}

/** Splits stamps into the most frequent one with the sorted list of its columns, and the others [CELL-1]. */
function splitStamps(
  stamps: ReadonlyMap<string, Stamp>,
  edited: Stamp,
): { common: Stamp; shape: string[]; own: Map<string, Stamp> } {
  const counts = new Map<Stamp, number>()
  for (const [name, stamp] of stamps) if (name !== PURGED) counts.set(stamp, (counts.get(stamp) ?? 0) + 1)
  let common = edited
  let most = 0
  for (const [stamp, count] of counts) {
    if (count > most || (count === most && stamp === edited)) {
      common = stamp
      most = count
    }
  }
  const shape: string[] = []
  const own = new Map<string, Stamp>()
  for (const [name, stamp] of stamps) {
    if (stamp === common && name !== PURGED) shape.push(name)
    else own.set(name, stamp)
  }
  return { common, shape: shape.sort(), own }
}
