/** What can still be read of a row that is not as it was stored. */
import { type Cell, type Cells, DELETED, lwwCell, PURGED, type Scalar } from '#cell'
import { decodeCell } from '#cell-codec'
import type { Row } from '#driver'
import { isStamp, type Stamp } from '#hlc'
import type { RowStore } from '#rows'
import { type Column, KIND } from '#schema'
import { ROW_STATE } from '#tables'
import { textOf } from '#text'

/** Runs `read`, and takes a failure for "there is nothing to read": the row is damaged, and anything may be wrong with it. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function stampIn(value: unknown): Stamp | undefined {
  return typeof value === 'string' && isStamp(value) ? value : undefined
}

/** The cells of a damaged row, without those that cannot be read. May be empty. */
export function salvage(rows: RowStore, table: string, columns: Readonly<Record<string, Column>>, row: Row): Cells {
  const cells = new Map<string, Cell>()
  const edited = stampIn(row['_edited'])
  const isPurged = (Number(row['_state']) & ROW_STATE.purged) !== 0
  if (edited !== undefined && !isPurged) cells.set(DELETED, lwwCell(edited, row['_deleted'] === 1 ? 1 : 0))
  const put = (name: string, stamp: Stamp | undefined) => {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined
    const value = row[name] as Scalar | undefined
    if (stamp === undefined) return
    if (name === PURGED) cells.set(PURGED, lwwCell(stamp, 1))
    else if (column === undefined || value === undefined) return
    else if (column.kind === KIND.lww) cells.set(name, lwwCell(stamp, value))
    else if (column.kind === KIND.text) cells.set(name, { kind: KIND.text, value: textOf(stamp, String(value)) })
  }
  const common = row['_stamp'] === null ? edited : stampIn(row['_stamp'])
  for (const name of attempt(() => rows.storedShape(Number(row['_shape'])).columns) ?? []) put(name, common)
  const own = attempt(() => JSON.parse(String(row['_own'])) as unknown)
  if (typeof own === 'object' && own !== null) for (const [name, stamp] of Object.entries(own)) put(name, stampIn(stamp))
  const parts = attempt(() => {
    const { cells: apart, foreign } = rows.parts(table, row)
    return [...apart, ...foreign]
  })
  for (const { col, cell } of parts ?? []) {
    const read = attempt(() => decodeCell(cell))
    if (read !== undefined) cells.set(col, read)
  }
  return cells
}
