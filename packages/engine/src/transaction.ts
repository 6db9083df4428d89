/**
 * What an app may do inside `vault.transact`: the only way to write a synced table. All writes of one transaction share
 * one stamp. A write that would change nothing writes nothing, so importing the same again is free.
 */
import {
  type Cell,
  DELETED,
  isRowId,
  lwwCell,
  PURGED,
  type Scalar,
  type SetState,
  type TextCell,
  type TextUpdate,
  toRowId,
} from '#cell'
import type { ContentRow, Payload, Shape } from '#content'
import { EngineError } from '#errors'
import type { Stamp } from '#hlc'
import { joinRow, purgedAt } from '#merge'
import type { StoredRow } from '#rows'
import { type Column, KIND, type RowOf, type Schema, type Table, type ValuesOf } from '#schema'
import type { Store } from '#store'
import { ROW_STATE } from '#tables'
import { editText, shownBase, textOf } from '#text'
import { addEdit, type TextPlace } from '#text-editing'

/** Bytes of one text or blob. A segment must be able to hold any one value. */
export const MAX_VALUE_BYTES = 4 * 1024 * 1024
/** UTF-16 units of one element of a set. */
export const MAX_ELEMENT_LENGTH = 64 * 1024
/** A later transaction sorts after every stamp that starts with the one before it. */
const AFTER = 'z'

const INSERT_EDIT = 'INSERT INTO _pending_text (tbl, n, col, base, base_stamp, edit) VALUES (?, ?, ?, ?, ?, ?)'

type Values = Readonly<Record<string, unknown>>

export class Transaction<T extends Record<string, Table> = Record<string, Table>> {
  readonly #store: Store
  #stamp: Stamp | undefined
  /** One shape object for each list of columns that this transaction inserts. */
  readonly #shapes = new Map<string, Shape>()
  #open = true

  constructor(store: Store) {
    this.#store = store
  }

  /** Ends the transaction's life: later calls throw instead of writing outside of it. */
  close(): void {
    this.#open = false
  }

  get #now(): Stamp {
    if (!this.#open)
      throw new EngineError('async-transaction', 'this transaction has ended: do not keep it, and do not await inside it')
    this.#stamp ??= this.#store.clock.tick(this.#store.runtime.now())
    return this.#stamp
  }

  #columns(table: string): Readonly<Record<string, Column>> {
    const { tables } = this.#store.schema as Schema
    const found = Object.hasOwn(tables, table) ? tables[table] : undefined
    if (found === undefined) throw new EngineError('unknown-table', `there is no table "${table}"`)
    return found.columns
  }

  #column(table: string, name: string): Column {
    const columns = this.#columns(table)
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined
    if (column === undefined) throw new EngineError('unknown-column', `"${table}" has no column "${name}"`)
    return column
  }

  /** A row as it is now, dead or alive; undefined where there is none. */
  get<N extends keyof T & string>(table: N, id: string): (RowOf<T[N]> & { readonly _deleted: boolean }) | undefined {
    this.#columns(table)
    const stored = this.#store.rows.load(table, id)
    if (stored === undefined || isPurged(stored)) return undefined
    return { ...stored.shown, _deleted: stored.shown['_deleted'] === 1 } as unknown as RowOf<T[N]> & { readonly _deleted: boolean }
  }

  /** Adds a row; without an id a random one. @throws EngineError `row-exists`, `bad-id`, `bad-value` */
  insert<N extends keyof T & string>(
    table: N,
    values: ValuesOf<T[N]>,
    id: string = toRowId(this.#store.runtime.random(16)),
  ): string {
    if (!isRowId(id)) throw new EngineError('bad-id', `"${id}" is not a row id: use 1 to 64 letters, digits and . _ : -`)
    this.#columns(table)
    const fresh = this.#freshRow(table, id, values as Values)
    const n = fresh === undefined ? undefined : this.#store.rows.insertFresh(fresh)
    if (n === undefined) {
      const stored = this.#store.rows.load(table, id)
      if (stored !== undefined && stored.shown['_deleted'] === 0)
        throw new EngineError('row-exists', `"${table}" has a row "${id}" already`)
      this.#write(table, id, stored, values as Values)
      return id
    }
    this.#store.markPending(table, n, this.#now)
    this.#store.touch(table)
    return id
  }

  #freshRow(table: string, id: string, values: Values): ContentRow | undefined {
    const names: string[] = []
    const payloads: Payload[] = []
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) continue
      const column = this.#column(table, name)
      if (column.kind === KIND.set) return undefined
      names.push(name)
      payloads.push(checkValue(table, name, column, value))
    }
    const key = `${table}\u0000${names.join('\u0000')}`
    let shape = this.#shapes.get(key)
    if (shape === undefined) {
      const columns = names.map((name) => ({ name, kind: this.#column(table, name).kind }))
      shape = { table, columns: [...columns, { name: DELETED, kind: KIND.lww }] }
      this.#shapes.set(key, shape)
    }
    return { shape, id, stamp: this.#now, stamps: undefined, values: [...payloads, 0] }
  }

  /**
   * Writes columns of a row, alive or deleted (a write brings a deleted row back). A collaborative text is given as the
   * whole new text and applied as a diff. @throws EngineError `no-such-row`, `bad-value`
   */
  update<N extends keyof T & string>(table: N, id: string, values: ValuesOf<T[N]>): void {
    this.#columns(table)
    const stored = this.#store.rows.load(table, id)
    if (stored === undefined || isPurged(stored)) {
      throw new EngineError('no-such-row', `"${table}" has no row "${id}"`)
    }
    this.#write(table, id, stored, values as Values)
  }

  /** Inserts or updates: what an importer does with ids that follow from its source. */
  put<N extends keyof T & string>(table: N, id: string, values: ValuesOf<T[N]>): 'inserted' | 'updated' | 'unchanged' {
    this.#columns(table)
    const stored = this.#store.rows.load(table, id)
    if (stored === undefined) {
      this.insert(table, values, id)
      return 'inserted'
    }
    return this.#write(table, id, stored, values as Values) ? 'updated' : 'unchanged'
  }

  /** Moves a row to the trash, writing `values` with it. Absent and dead rows stay as they are. */
  delete<N extends keyof T & string>(table: N, id: string, values: ValuesOf<T[N]> = {}): boolean {
    this.#columns(table)
    const stored = this.#store.rows.load(table, id)
    if (stored === undefined || stored.shown['_deleted'] === 1) return false
    this.#write(table, id, stored, values as Values, 1)
    return true
  }

  /** Takes a row back out of the trash. @throws EngineError `no-such-row` */
  restore<N extends keyof T & string>(table: N, id: string, values: ValuesOf<T[N]> = {}): void {
    this.update(table, id, values)
  }

  /** Drops all of a deleted row but its tombstone [CELL-8]. This cannot be undone. */
  purge<N extends keyof T & string>(table: N, id: string): boolean {
    this.#columns(table)
    const stored = this.#store.rows.load(table, id)
    if (stored === undefined || stored.shown['_deleted'] === 0 || stored.cells.get(DELETED) === undefined) return false
    const stamp = this.#now
    const cells = joinRow(stored.cells, new Map([[PURGED, lwwCell(stamp, 1)]]))
    this.#store.driver.prepare('DELETE FROM _pending_text WHERE tbl = ? AND n = ?').run(table, stored.n)
    this.#store.markPending(table, this.#store.saveRow(table, id, stored, cells, false), stamp)
    // A purge takes what has its own stamp: what this transaction still writes comes after it.
    this.#stamp = undefined
    return true
  }

  /** Puts an element into a set or takes it out. @throws EngineError `no-such-row` */
  setMember<N extends keyof T & string>(
    table: N,
    id: string,
    column: keyof T[N]['columns'] & string,
    member: string,
    present: boolean,
  ): void {
    if (this.#column(table, column).kind !== KIND.set) throw new EngineError('bad-value', `"${table}.${column}" is not a set`)
    if (typeof member !== 'string') throw new EngineError('bad-value', `"${table}.${column}" takes text, not ${typeof member}`)
    const element = member.toWellFormed()
    if (element.length > MAX_ELEMENT_LENGTH) throw tooLarge(`"${table}.${column}"`, MAX_ELEMENT_LENGTH)
    const stored = this.#store.rows.load(table, id)
    if (stored === undefined || isPurged(stored)) throw new EngineError('no-such-row', `"${table}" has no row "${id}"`)
    const cell = stored.cells.get(column)
    const state: SetState = cell?.kind === KIND.set ? cell.value : new Map()
    if (stored.shown['_deleted'] === 0 && (state.get(element)?.present ?? false) === present) return
    const stamp = this.#now
    const cells = new Map(stored.cells)
    cells.set(column, { kind: KIND.set, value: new Map([...state, [element, { stamp, present }]]) })
    cells.set(DELETED, lwwCell(stamp, 0))
    this.#store.markPending(table, this.#store.saveRow(table, id, stored, cells, false), stamp)
  }

  /**
   * Adds what somebody typed in an editor (`text-editing.ts`), and writes `values` with it. False where it was here already.
   * @throws EngineError `no-such-row`, `bad-value`, `value-too-large`
   */
  mergeText<N extends keyof T & string>(
    table: N,
    id: string,
    column: keyof T[N]['columns'] & string,
    edit: TextPlace & { readonly update: Uint8Array },
    values: ValuesOf<T[N]> = {},
  ): boolean {
    if (this.#column(table, column).kind !== KIND.text)
      throw new EngineError('bad-value', `"${table}.${column}" is not a collaborative text`)
    const stored = this.#store.rows.load(table, id)
    if (stored === undefined || isPurged(stored)) throw new EngineError('no-such-row', `"${table}" has no row "${id}"`)
    const { driver } = this.#store
    const where = 'FROM _pending_text WHERE tbl = ? AND n = ? AND col = ? AND base = ? AND base_stamp = ?'
    const place = [table, stored.n, column, edit.key, edit.base] as const
    const waiting = driver.prepare(`SELECT edit ${where} ORDER BY seq`).values(...place)
    const cell = stored.cells.get(column)
    const state = cell?.kind === KIND.text ? cell.value : new Map()
    const added = addEdit(
      state,
      edit,
      edit.update,
      waiting.map(([bytes]) => bytes as Uint8Array),
    )
    if (added === undefined) return false
    checkValue(table, column, this.#column(table, column), added.text)
    const cells = new Map(stored.cells)
    cells.set(column, { kind: KIND.text, value: added.state })
    cells.set(DELETED, lwwCell(this.#now, 0))
    const n = this.#store.saveRow(table, id, stored, cells, true)
    this.#store.markPending(table, n, this.#now)
    driver.prepare(`DELETE ${where}`).run(...place)
    driver.prepare(INSERT_EDIT).run(...place, added.unsent.bytes)
    if (Object.keys(values).length > 0) this.#write(table, id, this.#store.rows.load(table, id), values as Values)
    return true
  }

  /** Returns false where nothing changes. */
  #write(table: string, id: string, stored: StoredRow | undefined, values: Values, deleted: 0 | 1 = 0): boolean {
    const cells = new Map<string, Cell>(stored?.cells ?? [])
    const edits: { readonly column: string; readonly key: number; readonly update: TextUpdate }[] = []
    let changed = stored === undefined || stored.shown['_deleted'] !== deleted
    for (const [name, raw] of Object.entries(values)) {
      if (raw === undefined) continue
      const column = this.#column(table, name)
      const known = cells.get(name)
      if (column.kind === KIND.text) {
        const edit = this.#textWrite(
          `${table} ${id} ${name}`,
          known,
          checkValue(table, name, column, raw) as string,
          purgedAt(cells),
        )
        if (edit === undefined) continue
        cells.set(name, edit.cell)
        if (edit.update !== undefined) edits.push({ column: name, key: edit.key, update: edit.update })
      } else if (column.kind === KIND.set) {
        throw new EngineError('bad-value', `"${table}.${name}" is a set: use setMember`)
      } else {
        const value = checkValue(table, name, column, raw)
        if (known?.kind === KIND.lww && sameScalar(known.value, value)) continue
        cells.set(name, lwwCell(this.#now, value))
      }
      changed = true
    }
    if (!changed) return false
    cells.set(DELETED, lwwCell(this.#now, deleted))
    const n = this.#store.saveRow(table, id, stored, cells, false)
    this.#store.markPending(table, n, this.#now)
    const insert = this.#store.driver.prepare(INSERT_EDIT)
    for (const { column, key, update } of edits) insert.run(table, n, column, key, update.base, update.bytes)
    return true
  }

  #textWrite(
    cell: string,
    known: Cell | undefined,
    after: string,
    purge: Stamp | undefined,
  ): { cell: TextCell; key: number; update?: TextUpdate } | undefined {
    if (known?.kind !== KIND.text || shownBase(known.value) === undefined) {
      // Another base than before the purge, even of the same text: edits of that one may still be on their way.
      const state = textOf(this.#now, after, purge)
      // Updates that wait for their base stay beside the new text.
      const value = known?.kind === KIND.text ? new Map([...known.value, ...state]) : state
      return { cell: { kind: KIND.text, value }, key: 0 }
    }
    const authors = this.#store.textAuthors
    let client = 0
    const edit = editText(known.value, after, (key, clockOf) => {
      client = authors.clientFor(`${cell} ${key}`, clockOf)
      return client
    })
    if (edit === undefined) return undefined
    authors.wrote(`${cell} ${edit.key}`, { client, clock: edit.clock })
    const entry = known.value.get(edit.key)
    const value = new Map(known.value)
    value.set(edit.key, { base: entry?.base, updates: [...(entry?.updates ?? []), edit.update] })
    return { cell: { kind: KIND.text, value }, key: edit.key, update: edit.update }
  }
}

function isPurged({ shown }: StoredRow): boolean {
  return (Number(shown['_state']) & ROW_STATE.purged) !== 0
}

/** The `since` of a row whose cells up to `edited` are sealed: only later stamps are still to be sent. */
export function sinceAfter(edited: Stamp): string {
  return edited + AFTER
}

function sameScalar(a: Scalar, b: Scalar): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((byte, i) => byte === b[i])
  return Object.is(a, b)
}

function checkValue(table: string, name: string, column: Column, value: unknown): Scalar {
  const where = `"${table}.${name}"`
  if (value === null) {
    if (column.default !== null) throw new EngineError('bad-value', `${where} cannot be null`)
    return null
  }
  if (column.type === 'text') {
    if (typeof value !== 'string') throw new EngineError('bad-value', `${where} takes text, not ${typeof value}`)
    // UTF-8 has no unpaired surrogates: what is stored must be what is read back.
    const text = value.toWellFormed()
    if (text.length > MAX_VALUE_BYTES / 3 && new TextEncoder().encode(text).length > MAX_VALUE_BYTES) throw tooLarge(where)
    return text
  }
  if (column.type === 'blob') {
    if (!(value instanceof Uint8Array)) throw new EngineError('bad-value', `${where} takes bytes, not ${typeof value}`)
    if (value.length > MAX_VALUE_BYTES) throw tooLarge(where)
    return value.slice()
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new EngineError('bad-value', `${where} takes a number`)
  if (column.type === 'integer' && !Number.isSafeInteger(value)) throw new EngineError('bad-value', `${where} takes an integer`)
  return Object.is(value, -0) ? 0 : value
}

function tooLarge(where: string, limit = MAX_VALUE_BYTES): EngineError {
  return new EngineError('value-too-large', `${where} is over the limit of ${limit / 1024} KiB for one value`)
}
