/**
 * Rows in SQLite: loads the merge state of a row and stores it back. The only writer of `rows_T`, `_cells`, `_foreign`
 * and `_shapes`; every caller is inside a transaction.
 */
import { type Cell, type Cells, DELETED, lwwCell, PURGED, type Scalar, type SetState, type TextCell } from '#cell'
import { decodeCell, encodeCell } from '#cell-codec'
import type { ContentRow, Shape } from '#content'
import { type Driver, DriverError, type Row, type SqlValue, type Statement } from '#driver'
import type { Stamp } from '#hlc'
import { editedAt, purgedAt } from '#merge'
import { type Column, KIND, type Schema, type Table } from '#schema'
import { ROW_STATE, rowsTable } from '#tables'
import { compactText, materialize, textOf } from '#text'

/** Updates of one text kept side by side before they are merged into one. */
const COMPACT_AT = 8

export interface StoredRow {
  readonly n: number
  readonly cells: Cells
  /** What the table shows, for comparing before and after. */
  readonly shown: Row
}

/** A known table with its prepared shapes. */
interface TableInfo {
  readonly name: string
  readonly physical: string
  readonly columns: readonly (readonly [string, Column])[]
  readonly byName: ReadonlyMap<string, Column>
  readonly searchable: boolean
  /** The greatest rowid, known while a transaction runs: nobody else can add rows then. */
  lastN: number | undefined
}

/** How a fresh row of one shape is inserted without a merge. */
interface InsertPlan {
  readonly info: TableInfo
  readonly insert: Statement
  readonly shapeId: number
  /** Positions of the user columns' values in the content row. */
  readonly positions: readonly number[]
  readonly deletedAt: number
}

function showSet(state: SetState): string {
  return JSON.stringify([...state].flatMap(([element, { present }]) => (present ? [element] : [])).sort())
}

export class RowStore {
  readonly #driver: Driver
  readonly #tables = new Map<string, TableInfo>()
  readonly #shapeIds = new Map<string, number>()
  readonly #shapeColumns = new Map<number, readonly string[]>()
  /** Shapes are objects of one segment or of one local writer: their plans go with them. */
  #plans = new WeakMap<Shape, InsertPlan | null>()
  /** Consecutive fresh rows are logged as one range. */
  #range: { table: string; first: number; last: number } | undefined

  constructor(driver: Driver, schema: Schema) {
    this.#driver = driver
    for (const [name, spec] of Object.entries(schema.tables)) this.#tables.set(name, this.#describe(name, spec))
    for (const row of driver.prepare('SELECT id, tbl, columns FROM _shapes').all()) {
      this.#rememberShape(Number(row['id']), String(row['tbl']), String(row['columns']))
    }
  }

  #describe(name: string, spec: Table): TableInfo {
    const columns = Object.entries(spec.columns)
    const searchable = (spec.options.search ?? []).length > 0
    return { name, physical: rowsTable(name), columns, byName: new Map(columns), searchable, lastN: undefined }
  }

  knows(table: string): boolean {
    return this.#tables.has(table)
  }

  column(table: string, name: string): Column | undefined {
    return this.#tables.get(table)?.byName.get(name)
  }

  #rememberShape(id: number, table: string, columns: string): void {
    this.#shapeIds.set(`${table}\u0000${columns}`, id)
    this.#shapeColumns.set(id, JSON.parse(columns) as string[])
  }

  #shapeId(table: string, columns: readonly string[]): number {
    const text = JSON.stringify([...columns].sort())
    const known = this.#shapeIds.get(`${table}\u0000${text}`)
    if (known !== undefined) return known
    const id = Number(
      this.#driver
        .prepare('INSERT INTO _shapes (tbl, columns) VALUES (?, ?) ON CONFLICT DO UPDATE SET tbl = excluded.tbl RETURNING id')
        .get(table, text)?.['id'] ?? 0,
    )
    this.#rememberShape(id, table, text)
    return id
  }

  /** The shape of a plainly stored row: its columns and `_deleted`. */
  shape(table: string, shapeId: number): Shape {
    const columns = this.#columnsOf(shapeId).map((name) => ({ name, kind: this.column(table, name)?.kind ?? KIND.lww }))
    return { table, columns: [...columns, { name: DELETED, kind: KIND.lww }] }
  }

  #columnsOf(shapeId: number): readonly string[] {
    const known = this.#shapeColumns.get(shapeId)
    if (known !== undefined) return known
    // Added by another process on the same home.
    const row = this.#driver.prepare('SELECT tbl, columns FROM _shapes WHERE id = ?').get(shapeId)
    if (row === undefined) throw new DriverError('corrupt', `the database has lost the column list ${shapeId}`)
    this.#rememberShape(shapeId, String(row['tbl']), String(row['columns']))
    return this.#shapeColumns.get(shapeId) as readonly string[]
  }

  /** A rolled back transaction takes back what it added to `_shapes` and the rowids it used. */
  forgetUncommitted(): void {
    this.#shapeIds.clear()
    this.#shapeColumns.clear()
    this.#plans = new WeakMap()
    this.#range = undefined
    for (const row of this.#driver.prepare('SELECT id, tbl, columns FROM _shapes').all()) {
      this.#rememberShape(Number(row['id']), String(row['tbl']), String(row['columns']))
    }
  }

  /** The merge state of a row by id; of a table that this version does not know only what `_foreign` holds. */
  load(table: string, id: string): StoredRow | undefined {
    const info = this.#tables.get(table)
    if (info === undefined) return undefined
    const row = this.#driver.prepare(`SELECT * FROM ${info.physical} WHERE id = ?`).get(id)
    return row === undefined ? undefined : this.#state(info, row)
  }

  loadByRowid(table: string, n: number): (StoredRow & { readonly id: string }) | undefined {
    const info = this.#tables.get(table)
    if (info === undefined) return undefined
    const row = this.#driver.prepare(`SELECT * FROM ${info.physical} WHERE _n = ?`).get(n)
    return row === undefined ? undefined : { ...this.#state(info, row), id: String(row['id']) }
  }

  #state(info: TableInfo, row: Row): StoredRow {
    const n = Number(row['_n'])
    const id = String(row['id'])
    const state = Number(row['_state'])
    const edited = String(row['_edited']) as Stamp
    const cells = new Map<string, Cell>()
    const own = row['_own'] === null ? {} : (JSON.parse(String(row['_own'])) as Record<string, Stamp>)
    if ((state & ROW_STATE.purged) === 0) cells.set(DELETED, lwwCell(edited, Number(row['_deleted'])))
    const put = (name: string, stamp: Stamp) => {
      if (name === PURGED) {
        cells.set(PURGED, lwwCell(stamp, 1))
        return
      }
      const column = info.byName.get(name)
      if (column === undefined) return
      const value = row[name] as Scalar
      if (column.kind === KIND.text) cells.set(name, { kind: KIND.text, value: textOf(stamp, String(value)) })
      else cells.set(name, lwwCell(stamp, value))
    }
    const common = (row['_stamp'] ?? edited) as Stamp
    for (const name of this.#columnsOf(Number(row['_shape']))) put(name, common)
    for (const [name, stamp] of Object.entries(own)) put(name, stamp)
    if ((state & ROW_STATE.cells) !== 0) {
      for (const { col, cell } of this.#driver.prepare('SELECT col, cell FROM _cells WHERE tbl = ? AND n = ?').all(info.name, n)) {
        cells.set(String(col), decodeCell(cell as Uint8Array))
      }
      for (const [name, cell] of this.foreignCells(info.name, id)) cells.set(name, cell)
    }
    return { n, cells, shown: row }
  }

  /** Cells of columns, or of whole tables, that this version does not know [CELL-2]. */
  foreignCells(table: string, id: string): Map<string, Cell> {
    const rows = this.#driver.prepare('SELECT col, cell FROM _foreign WHERE tbl = ? AND id = ?').all(table, id)
    return new Map(rows.map((row) => [String(row['col']), decodeCell(row['cell'] as Uint8Array)]))
  }

  saveForeign(table: string, id: string, cells: Cells): void {
    this.#driver.prepare('DELETE FROM _foreign WHERE tbl = ? AND id = ?').run(table, id)
    const insert = this.#driver.prepare('INSERT INTO _foreign (tbl, id, col, cell) VALUES (?, ?, ?, ?)')
    for (const [name, cell] of cells) insert.run(table, id, name, encodeCell(cell))
  }

  /** Called when a transaction begins: another process may have added rows since the last one. */
  begin(): void {
    for (const info of this.#tables.values()) info.lastN = undefined
  }

  #nextRowid(info: TableInfo): number {
    info.lastN ??= Number(this.#driver.prepare(`SELECT coalesce(max(_n), 0) AS n FROM ${info.physical}`).get()?.['n'] ?? 0)
    return info.lastN + 1
  }

  /**
   * Stores a row's merge state. `n` is its rowid, undefined for a new row. Returns the rowid and what is shown now.
   * Cells of unknown columns go to `_foreign`.
   */
  save(table: string, id: string, n: number | undefined, cells: Cells): { readonly n: number; readonly shown: Row } {
    const info = this.#tables.get(table) as TableInfo
    const purge = purgedAt(cells)
    const edited = editedAt(cells) ?? (purge as Stamp)
    let state = editedAt(cells) === undefined ? ROW_STATE.purged : 0
    const shown: Row = { id }
    const stamps = new Map<string, Stamp>()
    const apart = new Map<string, Cell>()
    const foreign = new Map<string, Cell>()
    if (purge !== undefined) stamps.set(PURGED, purge)
    for (const [name, column] of info.columns) shown[name] = column.default
    for (const [name, cell] of cells) {
      if (name === DELETED || name === PURGED) continue
      const column = info.byName.get(name)
      if (column === undefined || column.kind !== cell.kind) {
        foreign.set(name, cell)
      } else if (cell.kind === KIND.lww) {
        shown[name] = cell.value
        stamps.set(name, cell.stamp)
      } else if (cell.kind === KIND.set) {
        shown[name] = showSet(cell.value)
        apart.set(name, cell)
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
          apart.set(name, compactCell(cell))
        }
      }
    }
    if (apart.size + foreign.size > 0) state |= ROW_STATE.cells
    const { common, shape, own } = splitStamps(stamps, edited)
    const deleted = cells.get(DELETED)
    const dead = deleted?.kind === KIND.lww && deleted.value === 0 ? 0 : 1
    const bookkeeping: SqlValue[] = [
      dead,
      edited,
      this.#shapeId(table, shape),
      common === edited ? null : common,
      own.size === 0 ? null : JSON.stringify(Object.fromEntries(own)),
      state,
    ]
    const values = info.columns.map(([name]) => shown[name] as SqlValue)
    let rowid: number
    if (n === undefined) {
      rowid = this.#nextRowid(info)
      this.#insertStatement(info).run(rowid, id, ...values, ...bookkeeping)
      info.lastN = rowid
    } else {
      this.#updateStatement(info).run(...values, ...bookkeeping, n)
      rowid = n
    }
    shown['_deleted'] = dead
    shown['_edited'] = edited
    shown['_state'] = state
    if (n !== undefined) this.#driver.prepare('DELETE FROM _cells WHERE tbl = ? AND n = ?').run(table, rowid)
    for (const [name, cell] of apart) {
      this.#driver.prepare('INSERT INTO _cells (tbl, n, col, cell) VALUES (?, ?, ?, ?)').run(table, rowid, name, encodeCell(cell))
    }
    if (n !== undefined || foreign.size > 0) this.saveForeign(table, id, foreign)
    this.#logChange(info, rowid)
    return { n: rowid, shown }
  }

  #insertStatement(info: TableInfo): Statement {
    const names = info.columns.map(([name]) => `"${name}"`)
    return this.#driver.prepare(
      `INSERT INTO ${info.physical} (${['_n', 'id', ...names, '_deleted', '_edited', '_shape', '_stamp', '_own', '_state'].join(', ')})
       VALUES (${Array.from({ length: names.length + 8 }, () => '?').join(', ')})`,
    )
  }

  #updateStatement(info: TableInfo): Statement {
    const names = [...info.columns.map(([name]) => `"${name}"`), '_deleted', '_edited', '_shape', '_stamp', '_own', '_state']
    return this.#driver.prepare(`UPDATE ${info.physical} SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE _n = ?`)
  }

  #plan(shape: Shape): InsertPlan | null {
    const info = this.#tables.get(shape.table)
    if (info === undefined) return null
    const positions: number[] = []
    const columns: string[] = []
    let deletedAt = -1
    for (const [i, { name, kind }] of shape.columns.entries()) {
      if (name === DELETED) {
        deletedAt = i
        continue
      }
      const column = info.byName.get(name)
      if (column === undefined || column.kind !== kind || kind === KIND.set) return null
      positions.push(i)
      columns.push(name)
    }
    if (deletedAt < 0) return null
    const names = ['_n', 'id', ...columns.map((name) => `"${name}"`), '_deleted', '_edited', '_shape']
    const insert = this.#driver.prepare(
      `INSERT INTO ${info.physical} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
    )
    return { info, insert, shapeId: this.#shapeId(info.name, columns), positions, deletedAt }
  }

  /**
   * The quick way for rows that this device has never seen: one insert, no merge. Returns the rowid, or undefined,
   * having changed nothing, where the row exists or is not of the simple form (one stamp, known columns, no parts, no sets).
   */
  insertFresh(row: ContentRow): number | undefined {
    if (row.stamps !== undefined) return undefined
    const planKey = row.shape
    let plan = this.#plans.get(planKey)
    if (plan === undefined) {
      plan = this.#plan(row.shape)
      this.#plans.set(planKey, plan)
    }
    if (plan === null) return undefined
    const { info } = plan
    const n = this.#nextRowid(info)
    const params: SqlValue[] = new Array(plan.positions.length + 5)
    params[0] = n
    params[1] = row.id
    let at = 2
    for (const position of plan.positions) {
      const value = row.values[position] as SqlValue | object
      if (value instanceof Map) return undefined
      params[at++] = value as SqlValue
    }
    params[at++] = row.values[plan.deletedAt] === 0 ? 0 : 1
    params[at++] = row.stamp
    params[at] = plan.shapeId
    plan.insert.run(...params)
    if (this.#driver.changes() === 0) return undefined
    info.lastN = n
    if (info.searchable) this.#logRange(info, n)
    return n
  }

  #logRange(info: TableInfo, n: number): void {
    if (this.#range !== undefined && this.#range.table === info.physical && this.#range.last + 1 === n) {
      this.#range.last = n
      return
    }
    this.flushChanges()
    this.#range = { table: info.physical, first: n, last: n }
  }

  #logChange(info: TableInfo, n: number): void {
    if (!info.searchable) return
    this.#driver.prepare('INSERT INTO _changes (tbl, n) VALUES (?, ?)').run(info.physical, n)
  }

  /** Writes what {@link insertFresh} gathered for the search index; called before the transaction ends. */
  flushChanges(): void {
    if (this.#range === undefined) return
    const { table, first, last } = this.#range
    this.#driver.prepare('INSERT INTO _changes (tbl, n, n_last) VALUES (?, ?, ?)').run(table, first, last)
    this.#range = undefined
  }
}

/** Many small updates are kept as one: each would have to be applied again on every read of the state. */
function compactCell(cell: TextCell): TextCell {
  for (const { updates } of cell.value.values()) {
    if (updates.length >= COMPACT_AT) return { kind: KIND.text, value: compactText(cell.value) }
  }
  return cell
}

/** Splits stamps into the most frequent one with the list of its columns, and the others [CELL-1]. */
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
  return { common, shape, own }
}
