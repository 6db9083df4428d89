/**
 * Rows in SQLite: loads the merge state of a row and stores it back. The only writer of `rows_T`, `_cells`, `_foreign`
 * and `_shapes`; every caller is inside a transaction.
 *
 * Each row is stored with its digest and loaded only if it still has it: what a failing disk has changed is neither merged,
 * nor edited, nor sent, and so cannot spread before the doctor heals it.
 */
import { type Cell, type Cells, DELETED } from '#cell'
import { decodeCell, encodeCell } from '#cell-codec'
import type { ContentRow, Shape } from '#content'
import { digestRow, type StoredCell } from '#digest'
import { type Driver, DriverError, type Row, type SqlValue, type Statement } from '#driver'
import { layOut, mergeState, type RowParts, type StoredShape, storedDigest } from '#row-state'
import { type Column, KIND, type Schema, type Table } from '#schema'
import { ROW_STATE, rowsTable } from '#tables'

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
  /** The least and the greatest rowid, known while a transaction runs: nobody else can add rows then. */
  ends: { first: number; last: number } | undefined
}

/** How a fresh row of one shape is inserted without a merge. */
interface InsertPlan {
  readonly info: TableInfo
  readonly insert: Statement
  readonly shapeId: number
  readonly shape: StoredShape
  /** Where the values of the shape's columns are in the content row. */
  readonly positions: readonly number[]
  readonly types: readonly Column['type'][]
  readonly deletedAt: number
}

const BOOKKEEPING = ['_deleted', '_edited', '_shape', '_stamp', '_own', '_state', '_digest']

/** True if SQLite keeps `value` in a column of this type as it is; what it converts has another digest afterwards. */
function fits(type: Column['type'], value: unknown): boolean {
  if (value === null) return true
  if (type === 'text') return typeof value === 'string'
  return type === 'blob' ? value instanceof Uint8Array : typeof value === 'number'
}

export class RowStore {
  readonly #driver: Driver
  readonly #tables = new Map<string, TableInfo>()
  readonly #shapeIds = new Map<string, number>()
  readonly #shapes = new Map<number, StoredShape>()
  /** Shapes are objects of one segment or of one local writer: their plans go with them. */
  #plans = new WeakMap<Shape, InsertPlan | null>()
  #downwards = false
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
    return { name, physical: rowsTable(name), columns, byName: new Map(columns), searchable, ends: undefined }
  }

  knows(table: string): boolean {
    return this.#tables.has(table)
  }

  column(table: string, name: string): Column | undefined {
    return this.#tables.get(table)?.byName.get(name)
  }

  #rememberShape(id: number, table: string, columns: string): void {
    this.#shapeIds.set(`${table}\u0000${columns}`, id)
    this.#shapes.set(id, { text: columns, columns: JSON.parse(columns) as string[] })
  }

  #shapeId(table: string, { text }: StoredShape): number {
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
    const columns = this.storedShape(shapeId).columns.map((name) => ({ name, kind: this.column(table, name)?.kind ?? KIND.lww }))
    return { table, columns: [...columns, { name: DELETED, kind: KIND.lww }] }
  }

  /** @throws DriverError `corrupt` */
  storedShape(shapeId: number): StoredShape {
    const known = this.#shapes.get(shapeId)
    if (known !== undefined) return known
    // Added by another process on the same home.
    const row = this.#driver.prepare('SELECT tbl, columns FROM _shapes WHERE id = ?').get(shapeId)
    if (row === undefined) throw new DriverError('corrupt', `the database has lost the column list ${shapeId}`)
    this.#rememberShape(shapeId, String(row['tbl']), String(row['columns']))
    return this.#shapes.get(shapeId) as StoredShape
  }

  /** A rolled back transaction takes back what it added to `_shapes` and the rowids it used. */
  forgetUncommitted(): void {
    this.#shapeIds.clear()
    this.#shapes.clear()
    this.#plans = new WeakMap()
    this.#range = undefined
    for (const row of this.#driver.prepare('SELECT id, tbl, columns FROM _shapes').all()) {
      this.#rememberShape(Number(row['id']), String(row['tbl']), String(row['columns']))
    }
  }

  /**
   * The merge state of a row by id, undefined where there is none or the table is unknown.
   * @throws DriverError `corrupt` for a row that is not what was stored.
   */
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
    const parts = this.parts(info.name, row)
    if (!this.#hasDigest(row, parts)) {
      throw new DriverError('corrupt', `the row "${row['id']}" of "${info.name}" is not what was stored`)
    }
    const shape = this.storedShape(Number(row['_shape']))
    return { n: Number(row['_n']), cells: mergeState(info.byName, row, shape, parts), shown: row }
  }

  /** True if a row, as `SELECT *` gives it, still has the digest that it was stored with. */
  isIntact(table: string, row: Row): boolean {
    return this.#hasDigest(row, this.parts(table, row))
  }

  #hasDigest(row: Row, parts: RowParts): boolean {
    try {
      return storedDigest(row, this.storedShape(Number(row['_shape'])), parts) === row['_digest']
    } catch (error) {
      // Stamps that are no JSON, a column list that is gone, a number where text should be. That the disk did not answer says nothing.
      const gone = error instanceof DriverError && error.code === 'corrupt'
      if (error instanceof SyntaxError || error instanceof TypeError || gone) return false
      throw error
    }
  }

  /** What is kept of a row, as `SELECT *` gives it, outside of its table. */
  parts(table: string, row: Row): RowParts {
    if ((Number(row['_state']) & ROW_STATE.cells) === 0) return { cells: [], foreign: [] }
    const read = (sql: string, key: SqlValue) => this.#driver.prepare(sql).all(table, key) as unknown as StoredCell[]
    return {
      cells: read('SELECT col, cell FROM _cells WHERE tbl = ? AND n = ?', row['_n'] as number),
      foreign: read('SELECT col, cell FROM _foreign WHERE tbl = ? AND id = ?', row['id'] as string),
    }
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
    for (const info of this.#tables.values()) info.ends = undefined
    this.#downwards = false
  }

  /** Where the log comes from its end: new rows get rowids below all others, so that search has the newest first all the same. */
  growDownwards(downwards: boolean): void {
    this.#downwards = downwards
  }

  /** The rowid of a new row; {@link #used} once it is taken. */
  #nextRowid(info: TableInfo): number {
    if (info.ends === undefined) {
      // Each asked for itself: SQLite looks at the end of the table for one of them, and at every row for both.
      const end = (which: 'min' | 'max') => `(SELECT ${which}(_n) FROM ${info.physical})`
      const row = this.#driver.prepare(`SELECT coalesce(${end('min')}, 1) AS first, coalesce(${end('max')}, 0) AS last`).get()
      info.ends = { first: Number(row?.['first']), last: Number(row?.['last']) }
    }
    return this.#downwards ? info.ends.first - 1 : info.ends.last + 1
  }

  #used({ ends }: TableInfo, n: number): void {
    if (ends === undefined) return
    if (n < ends.first) ends.first = n
    if (n > ends.last) ends.last = n
  }

  /**
   * Stores a row's merge state. `n` is its rowid, undefined for a new row. Returns the rowid and what is shown now.
   * Cells of unknown columns go to `_foreign`.
   */
  save(table: string, id: string, n: number | undefined, cells: Cells): { readonly n: number; readonly shown: Row } {
    const info = this.#tables.get(table) as TableInfo
    const layout = layOut(id, info.byName, cells)
    const { shown, deleted, edited, stamp, own, state, shape } = layout
    const rowid = n ?? this.#nextRowid(info)
    const digest = digestRow({ ...layout, n: rowid, id, shape: shape.text, values: layout.covered })
    const values = info.columns.map(([name]) => shown[name] as SqlValue)
    const bookkeeping = [deleted, edited, this.#shapeId(table, shape), stamp, own, state, digest]
    if (n === undefined) {
      this.#insertStatement(info).run(rowid, id, ...values, ...bookkeeping)
      this.#used(info, rowid)
    } else {
      this.#updateStatement(info).run(...values, ...bookkeeping, n)
      this.#driver.prepare('DELETE FROM _cells WHERE tbl = ? AND n = ?').run(table, rowid)
      this.#driver.prepare('DELETE FROM _foreign WHERE tbl = ? AND id = ?').run(table, id)
    }
    for (const { col, cell } of layout.cells) {
      this.#driver.prepare('INSERT INTO _cells (tbl, n, col, cell) VALUES (?, ?, ?, ?)').run(table, rowid, col, cell)
    }
    for (const { col, cell } of layout.foreign) {
      this.#driver.prepare('INSERT INTO _foreign (tbl, id, col, cell) VALUES (?, ?, ?, ?)').run(table, id, col, cell)
    }
    if (info.columns.some(([name, { type }]) => !fits(type, shown[name]))) this.#digestAsStored(info, rowid)
    this.#logChange(info, rowid)
    return { n: rowid, shown }
  }

  /** Another app with a column of this name and another type has written it: SQLite may have converted the value. */
  #digestAsStored(info: TableInfo, n: number): void {
    const row = this.#driver.prepare(`SELECT * FROM ${info.physical} WHERE _n = ?`).get(n) as Row
    const digest = storedDigest(row, this.storedShape(Number(row['_shape'])), this.parts(info.name, row))
    this.#driver.prepare(`UPDATE ${info.physical} SET _digest = ? WHERE _n = ?`).run(digest, n)
  }

  #insertStatement(info: TableInfo): Statement {
    const names = info.columns.map(([name]) => `"${name}"`)
    return this.#driver.prepare(
      `INSERT INTO ${info.physical} (${['_n', 'id', ...names, ...BOOKKEEPING].join(', ')})
       VALUES (${Array.from({ length: names.length + 2 + BOOKKEEPING.length }, () => '?').join(', ')})`,
    )
  }

  #updateStatement(info: TableInfo): Statement {
    const names = [...info.columns.map(([name]) => `"${name}"`), ...BOOKKEEPING]
    return this.#driver.prepare(`UPDATE ${info.physical} SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE _n = ?`)
  }

  #plan(shape: Shape): InsertPlan | null {
    const info = this.#tables.get(shape.table)
    if (info === undefined) return null
    const positions = new Map<string, number>()
    for (const [i, { name, kind }] of shape.columns.entries()) {
      positions.set(name, i)
      if (name === DELETED) continue
      const column = info.byName.get(name)
      if (column === undefined || column.kind !== kind || kind === KIND.set) return null
    }
    const deletedAt = positions.get(DELETED)
    if (deletedAt === undefined) return null
    positions.delete(DELETED)
    const columns = [...positions.keys()].sort()
    const stored: StoredShape = { text: JSON.stringify(columns), columns }
    const names = ['_n', 'id', ...columns.map((name) => `"${name}"`), '_deleted', '_edited', '_shape', '_digest']
    const insert = this.#driver.prepare(
      `INSERT INTO ${info.physical} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
    )
    return {
      info,
      insert,
      shapeId: this.#shapeId(info.name, stored),
      shape: stored,
      positions: columns.map((name) => positions.get(name) as number),
      types: columns.map((name) => (info.byName.get(name) as Column).type),
      deletedAt,
    }
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
    const { info, positions, types, shape } = plan
    const n = this.#nextRowid(info)
    const values: SqlValue[] = new Array(positions.length)
    for (let i = 0; i < positions.length; i++) {
      const value = row.values[positions[i] as number] as SqlValue
      // A text in parts is a Map, which fits nothing either.
      if (!fits(types[i] as Column['type'], value)) return undefined
      values[i] = value
    }
    const deleted = row.values[plan.deletedAt] === 0 ? 0 : 1
    const { id, stamp: edited } = row
    const digest = digestRow({ n, id, deleted, edited, stamp: null, own: null, state: 0, shape: shape.text, values })
    plan.insert.run(n, id, ...values, deleted, edited, plan.shapeId, digest)
    if (this.#driver.changes() === 0) return undefined
    this.#used(info, n)
    if (info.searchable) this.#logRange(info, n)
    return n
  }

  #logRange(info: TableInfo, n: number): void {
    const range = this.#range
    if (range !== undefined && range.table === info.physical && (range.last + 1 === n || range.first - 1 === n)) {
      if (n > range.last) range.last = n
      else range.first = n
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
