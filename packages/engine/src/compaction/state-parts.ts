/**
 * Rows on their way from the database into the parts of a merged segment or of seeds. Each part's header says how many parts
 * there are, so what goes into which is decided before the first is written: by rowids and sizes, never with all rows in
 * memory. Between that and the writing, rows may be written; then a part holds what they are now.
 *
 * The whole state comes newest first, so that a new device shows the latest rows before the others have arrived: the
 * {@link RECENT} last written rows of all tables, then every table by descending rowid, which is about the order in which its
 * rows came, then what this version does not know. Dead and purged rows are part of the state.
 */

import { MAX_SEGMENT_CONTENT } from '@lockstep/protocol/limits'
import type { Cell, Cells } from '#cell'
import { survivors, type Touched, type TouchedRow } from '#compaction/touched'
import type { ContentEncoder } from '#content-encoder'
import type { SqlValue } from '#driver'
import { EngineError } from '#errors'
import { AT, PlainRows } from '#plain-rows'
import { MAX_ROW_BYTES, sizeOfCells, splitLargeRow } from '#row-parts'
import { KIND } from '#schema'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { compactText } from '#text'

/** Bodies: the first part is small and each next one twice as large, so that the latest rows are on a new device's screen at once. */
const FIRST_BODY_BYTES = 64 * 1024
const BODY_BYTES = 1024 * 1024
/** Rows that come in the exact order of their last write. */
const RECENT = 2048
const PAGE = 1024
const ROW_OVERHEAD = 40
/** Rows of a run that stay in memory from when they are measured until they are written: all of most runs. */
const KEPT_BYTES = 8 * 1024 * 1024

/** What was written while the parts were made does not fit them, or was not sent. Merging can be tried again. */
export class StateMovedError extends EngineError {
  constructor() {
    super('conflict', 'the vault was written to while its state was being read: the next sync tries it again')
    this.name = 'StateMovedError'
  }
}

/** What the parts of a merged segment hold. */
export interface StateParts {
  readonly count: number
  /** Adds the rows of a part, from 0. @throws StateMovedError, NotHeldError */
  fill(part: number, encoder: ContentEncoder): void
}

/** A row's name: its id, or in a table that this version knows its rowid. */
type RowKey = string | number

type Slice =
  | { readonly kind: 'rows'; readonly table: string; readonly keys: readonly RowKey[] }
  /** Rowids from `high` down to `low`, but the recent ones. */
  | { readonly kind: 'range'; readonly table: string; readonly high: number; low: number }
  /** One of the deltas that a large row is cut into: a part of its own. */
  | { readonly kind: 'piece'; readonly table: string; readonly key: RowKey; readonly piece: number; readonly pieces: number }

/** Puts slices into parts by size. */
class Cutter {
  readonly parts: Slice[][] = [[]]
  #bytes = 0

  get #limit(): number {
    return Math.min(FIRST_BODY_BYTES * 2 ** (this.parts.length - 1), BODY_BYTES)
  }

  /** The slices of the part that takes `bytes` more. */
  room(bytes: number): Slice[] {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limit) {
      this.parts.push([])
      this.#bytes = 0
    }
    this.#bytes += bytes
    return this.parts.at(-1) as Slice[]
  }

  row(table: string, key: RowKey, bytes: number): void {
    const slices = this.room(bytes)
    const last = slices.at(-1)
    if (last?.kind === 'rows' && last.table === table) (last.keys as RowKey[]).push(key)
    else slices.push({ kind: 'rows', table, keys: [key] })
  }

  rowid(table: string, n: number, bytes: number): void {
    const slices = this.room(bytes)
    const last = slices.at(-1)
    if (last?.kind === 'range' && last.table === table) last.low = n
    else slices.push({ kind: 'range', table, high: n, low: n })
  }

  pieces(table: string, key: RowKey, pieces: number): void {
    for (let piece = 0; piece < pieces; piece++) {
      this.room(Number.POSITIVE_INFINITY).push({ kind: 'piece', table, key, piece, pieces })
    }
  }
}

/** SQL of about the bytes that a row of the table takes in a body; `r` is its alias. */
function sizeSql(store: Store, table: string): string {
  const columns = Object.keys(store.schema.tables[table]?.columns ?? {}).map((name) => ` + coalesce(octet_length(r."${name}"), 0)`)
  const apart = `(SELECT coalesce(sum(octet_length(cell)), 0) FROM _cells WHERE tbl = '${table}' AND n = r._n)
    + (SELECT coalesce(sum(octet_length(cell)), 0) FROM _foreign WHERE tbl = '${table}' AND id = r.id)`
  return `${ROW_OVERHEAD}${columns.join('')} + CASE WHEN r._state & 1 THEN ${apart} ELSE 0 END`
}

/** A row's whole state, its texts compacted: one delta, or the parts of a large row. */
function deltasOf(cells: Cells): Cells[] {
  const compact = new Map<string, Cell>()
  for (const [name, cell] of cells) {
    compact.set(name, cell.kind === KIND.text ? { kind: KIND.text, value: compactText(cell.value) } : cell)
  }
  return splitLargeRow(compact)
}

interface RowDeltas {
  readonly id: string
  /** One, or the parts of a large row. */
  readonly deltas: readonly Cells[]
}

abstract class Parts implements StateParts {
  protected readonly store: Store
  protected readonly cutter = new Cutter()

  constructor(store: Store) {
    this.store = store
  }

  get count(): number {
    return this.cutter.parts.length
  }

  fill(part: number, encoder: ContentEncoder): void {
    for (const slice of this.cutter.parts[part] as readonly Slice[]) this.#fillSlice(slice, encoder)
    if (encoder.size > MAX_SEGMENT_CONTENT) throw new StateMovedError()
  }

  #fillSlice(slice: Slice, encoder: ContentEncoder): void {
    const { kind, table } = slice
    if (kind === 'range') {
      this.fillRange(table, slice.high, slice.low, encoder)
    } else if (kind === 'rows') {
      for (const key of slice.keys) this.add(table, this.deltas(table, key), encoder)
    } else {
      const row = this.deltas(table, slice.key)
      if (row?.deltas.length !== slice.pieces) throw new StateMovedError()
      encoder.add({ table, id: row.id, cells: row.deltas[slice.piece] as Cells })
    }
  }

  protected add(table: string, row: RowDeltas | undefined, encoder: ContentEncoder): void {
    if (row === undefined) return
    // Grown since the parts were cut: too large to stand beside others.
    if (row.deltas.length > 1) throw new StateMovedError()
    encoder.add({ table, id: row.id, cells: row.deltas[0] as Cells })
  }

  /** A row as it goes out; undefined where nothing of it does. */
  protected abstract deltas(table: string, key: RowKey): RowDeltas | undefined
  protected abstract fillRange(table: string, high: number, low: number, encoder: ContentEncoder): void
}

/** Everything that the database holds. */
export class WholeState extends Parts {
  readonly #plain: PlainRows
  /** Rowids that the first parts have. */
  readonly #recent = new Map<string, Set<number>>()

  constructor(store: Store) {
    super(store)
    this.#plain = new PlainRows(store)
    this.#cutRecent()
    for (const table of Object.keys(store.schema.tables)) this.#cutTable(table)
    this.#cutForeign()
  }

  #cut(table: string, n: number, bytes: number, plainly: () => void): void {
    const pieces = bytes <= MAX_ROW_BYTES / 3 ? 1 : (this.deltas(table, n)?.deltas.length ?? 1)
    if (pieces > 1) this.cutter.pieces(table, n, pieces)
    else plainly()
  }

  #cutRecent(): void {
    const tables = Object.keys(this.store.schema.tables)
    if (tables.length === 0) return
    const all = tables
      .map((table, i) => `SELECT ${i} AS t, r._n AS n, r._edited AS e FROM ${rowsTable(table)} r`)
      .join(' UNION ALL ')
    const newest = this.store.driver.prepare(`SELECT t, n FROM (${all}) ORDER BY e DESC, t, n DESC LIMIT ${RECENT}`).values()
    const sizes = tables.map((table) => `SELECT ${sizeSql(this.store, table)} AS size FROM ${rowsTable(table)} r WHERE r._n = ?`)
    for (const [t, n] of newest as [number, number][]) {
      const table = tables[t] as string
      const bytes = Number(this.store.driver.prepare(sizes[t] as string).get(n)?.['size'])
      const known = this.#recent.get(table)
      if (known === undefined) this.#recent.set(table, new Set([n]))
      else known.add(n)
      this.#cut(table, n, bytes, () => this.cutter.row(table, n, bytes))
    }
  }

  #cutTable(table: string): void {
    const recent = this.#recent.get(table)
    const page = this.store.driver.prepare(
      `SELECT r._n, ${sizeSql(this.store, table)} FROM ${rowsTable(table)} r WHERE r._n < ? ORDER BY r._n DESC LIMIT ${PAGE}`,
    )
    for (let below = Number.MAX_SAFE_INTEGER; ; ) {
      const rows = page.values(below) as [number, number][]
      for (const [n, bytes] of rows) {
        if (recent?.has(n) !== true) this.#cut(table, n, bytes, () => this.cutter.rowid(table, n, bytes))
      }
      if (rows.length < PAGE) return
      below = (rows.at(-1) as [number, number])[0]
    }
  }

  #cutForeign(): void {
    const page = this.store.driver.prepare(
      `SELECT tbl, id, sum(octet_length(cell)) + ${ROW_OVERHEAD} FROM _foreign WHERE (tbl, id) > (?, ?) GROUP BY tbl, id ORDER BY tbl, id LIMIT ${PAGE}`,
    )
    for (let after: readonly [string, string] = ['', '']; ; ) {
      const rows = page.values(...after) as [string, string, number][]
      for (const [table, id, bytes] of rows) {
        // Unknown columns of known tables go with their rows.
        if (this.store.rows.knows(table)) continue
        const pieces = bytes <= MAX_ROW_BYTES / 3 ? 1 : (this.deltas(table, id)?.deltas.length ?? 1)
        if (pieces > 1) this.cutter.pieces(table, id, pieces)
        else this.cutter.row(table, id, bytes)
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return
      after = [last[0], last[1]]
    }
  }

  protected deltas(table: string, key: RowKey): RowDeltas | undefined {
    if (typeof key === 'string') return { id: key, deltas: deltasOf(this.store.rows.foreignCells(table, key)) }
    const row = this.store.rows.loadByRowid(table, key)
    return row && { id: row.id, deltas: deltasOf(row.cells) }
  }

  protected fillRange(table: string, high: number, low: number, encoder: ContentEncoder): void {
    const recent = this.#recent.get(table)
    const page = this.store.driver.prepare(
      `SELECT ${this.#plain.list(table)} FROM ${rowsTable(table)} r WHERE r._n <= ? AND r._n >= ? ORDER BY r._n DESC LIMIT ${PAGE}`,
    )
    for (let from = high; from >= low; ) {
      const rows = page.values(from, low)
      for (const row of rows) {
        const n = row[AT.n] as number
        if (recent?.has(n) !== true) this.#addRow(table, n, row, encoder)
      }
      if (rows.length < PAGE) return
      from = ((rows.at(-1) as SqlValue[])[AT.n] as number) - 1
    }
  }

  #addRow(table: string, n: number, row: readonly SqlValue[], encoder: ContentEncoder): void {
    const plain = this.#plain.read(table, row)
    if (plain !== undefined) {
      encoder.addRow(plain)
      return
    }
    this.add(table, this.deltas(table, n), encoder)
  }
}

export interface TouchedStateOptions {
  readonly store: Store
  readonly touched: Touched
  /** Time part of the last stamp of what the server has [see touched.ts]. */
  readonly limit: string
}

/** What is left of what a run wrote. */
export class TouchedState extends Parts {
  readonly #touched: Touched
  readonly #limit: string
  /** Rows as they were when they were measured, by table and id: what was written since is not of the run. */
  readonly #kept = new Map<string, RowDeltas>()
  #room = KEPT_BYTES

  /** @throws NotHeldError */
  constructor({ store, touched, limit }: TouchedStateOptions) {
    super(store)
    this.#touched = touched
    this.#limit = limit
    for (const { table, id } of touched.newestFirst()) {
      const row = this.#read(table, id)
      if (row === undefined) continue
      const [only] = row.deltas
      if (row.deltas.length > 1) {
        this.cutter.pieces(table, id, row.deltas.length)
        continue
      }
      const bytes = sizeOfCells(only as Cells) + ROW_OVERHEAD
      this.cutter.row(table, id, bytes)
      if (bytes > this.#room) continue
      this.#room -= bytes
      this.#kept.set(`${table}/${id}`, row)
    }
  }

  protected deltas(table: string, key: RowKey): RowDeltas | undefined {
    const id = String(key)
    return this.#kept.get(`${table}/${id}`) ?? this.#read(table, id)
  }

  #read(table: string, id: string): RowDeltas | undefined {
    const { rows } = this.store
    const current = rows.knows(table) ? rows.load(table, id)?.cells : rows.foreignCells(table, id)
    const cells = survivors(this.#touched.row({ table, id }) as TouchedRow, {
      current: current ?? new Map(),
      key: { table, id },
      limit: this.#limit,
    })
    return cells && { id, deltas: splitLargeRow(cells) }
  }

  protected fillRange(): void {
    throw new RangeError('what a run touched is cut by rows, not by ranges')
  }
}
