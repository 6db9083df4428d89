/**
 * A vault open on this device: what apps hold. Everything works with no server at all; `sync.ts` carries what
 * `transact` wrote to other devices and brings theirs.
 */

import { type Cell, DELETED, type TextState } from '#cell'
import { systemTables } from '#devices'
import type { Driver, Row, SqlValue } from '#driver'
import { EngineError } from '#errors'
import { purgeTime } from '#expire'
import { listVersions, type Version } from '#history'
import { type Stamp, stampMillis, stampReplica, stampTime } from '#hlc'
import { LiveQueries, type RowsListener, type Subscription } from '#live'
import { assertReads } from '#read-only'
import { KIND, type Schema, type Table } from '#schema'
import type { ColumnValue } from '#search/search-index'
import type { OpenSearch, SearchService } from '#search/service'
import { searchSource } from '#search/service'
import { type ChangeOrigin, type Runtime, Store, type StoredProblem } from '#store'
import { ROW_STATE, rowsTable } from '#tables'
import { materialize } from '#text'
import { missingEdits, type OpenedText, openText } from '#text-editing'
import { Transaction } from '#transaction'

export interface VaultOptions<T extends Record<string, Table>> {
  readonly schema: Schema<T>
  readonly driver: Driver
  readonly runtime: Runtime
  /** Runs a function soon, once, off the current call: how live queries coalesce. */
  readonly schedule: (run: () => void) => void
  /** Absent: `search` is refused. */
  readonly openSearch?: OpenSearch | undefined
}

export interface RowSearch {
  readonly limit: number
  /** Only rows that have this value in this column: the notes of one space. */
  readonly where?: ColumnValue
}

export interface FoundRows {
  /** Row ids, those that came last to this device first. */
  readonly ids: readonly string[]
  /** Changed rows that the index does not know yet: 0 when the answer is complete. */
  readonly backlog: number
}

/** Entries of the change log that the index has used are removed once there are this many. */
const PRUNE_AT = 1000

export interface EditorState {
  /** Of the base that it opened. */
  readonly key: number
  /** Its document's Yjs state vector. */
  readonly vector: Uint8Array
}

export interface TrashItem {
  readonly table: string
  readonly id: string
  /** By the deleting device's clock, Unix milliseconds. */
  readonly deletedAt: number
}

/** Where a row's latest write is: only here, on the server, or also on that many other replicas. */
export type RowPlace = { readonly place: 'local' } | { readonly place: 'server'; readonly replicas: number }

export class Vault<T extends Record<string, Table> = Record<string, Table>> {
  readonly store: Store
  readonly #live: LiveQueries
  readonly #search: SearchService | undefined
  readonly #appTables: readonly string[]

  constructor({ schema, driver, runtime, schedule, openSearch }: VaultOptions<T>) {
    this.store = new Store(driver, { tables: { ...schema.tables, ...systemTables } }, runtime)
    this.#appTables = Object.keys(schema.tables)
    const onError = (error: unknown) =>
      schedule(() => {
        throw error
      })
    this.#live = new LiveQueries({ driver, schedule, onError })
    this.store.onChange((tables) => this.#live.notify(tables))
    const source = searchSource(schema, this.store.replica)
    this.#search = openSearch?.(source)
    const searched = new Set(source.tables.map(({ table }) => table))
    this.store.onChange((tables) => {
      if ([...tables].some((table) => searched.has(table))) this.#search?.changed()
    })
  }

  /**
   * Runs `body` in one SQLite transaction that changes the rows and records the delta. When it throws, nothing happened.
   * `body` must not await.
   */
  transact<R>(body: (tx: Transaction<T>) => R): R {
    return this.store.write('local', () => {
      const tx = new Transaction<T>(this.store)
      try {
        const result = body(tx)
        if (result instanceof Promise) {
          // Its rejection has a reader here, or it would end the process as unhandled.
          result.catch(() => {})
          throw new EngineError('async-transaction', 'a transaction cannot wait: its body returned a promise')
        }
        return result
      } finally {
        tx.close()
      }
    })
  }

  /**
   * Reads with SQL. Synced tables are views of their visible rows; `all_T` has the deleted ones too.
   * @throws EngineError `not-a-query` for SQL that writes
   */
  query<R extends Row = Row>(sql: string, ...params: SqlValue[]): R[] {
    assertReads(this.store.driver, sql)
    return this.store.driver.prepare(sql).all(...params) as R[]
  }

  /** Calls `listener` with the rows soon, and whenever they change; what it throws is thrown by the scheduler. */
  live(sql: string, params: readonly SqlValue[], listener: RowsListener): Subscription {
    assertReads(this.store.driver, sql)
    return this.#live.subscribe(sql, params, listener)
  }

  /** Undefined where the vault was opened without search. */
  get searchService(): SearchService | undefined {
    return this.#search
  }

  onChange(listener: (tables: ReadonlySet<string>, origin: ChangeOrigin) => void): () => void {
    return this.store.onChange(listener)
  }

  /**
   * Rows of a searchable table whose text has all words of `text`; its last word may be the beginning of one, quoted
   * words must stand together.
   */
  search(table: keyof T & string, text: string, { limit, where }: RowSearch): FoundRows {
    if (this.#search === undefined) throw new EngineError('unknown-table', 'this vault was opened without search')
    const { rows, backlog } = this.#search.query({ table: rowsTable(table), text, limit, where })
    const byRowid = this.store.driver.prepare(`SELECT id FROM ${rowsTable(table)} WHERE _n = ?`)
    return { ids: rows.map((n) => String(byRowid.get(n)?.['id'])), backlog }
  }

  /** Earlier texts of a cell on this device, newest first. */
  history(table: keyof T & string, id: string, column: string): Version[] {
    return listVersions(this.store.driver, table, id, column)
  }

  /** Texts that somebody wrote from scratch concurrently with the shown one, newest first. */
  conflicts(table: keyof T & string, id: string, column: string): readonly string[] {
    const state = this.#textState(table, id, column)
    return state === undefined ? [] : materialize(state).conflicts
  }

  /** What an editor begins with; undefined where there is no such text, or it has not arrived. */
  openText(table: keyof T & string, id: string, column: string): OpenedText | undefined {
    const state = this.#textState(table, id, column)
    return state === undefined ? undefined : openText(state)
  }

  /** What an editor that has `vector` lacks of the text that it opened under `key`; undefined where it must open it anew. */
  missingEdits(table: keyof T & string, id: string, column: string, { key, vector }: EditorState): Uint8Array | undefined {
    const state = this.#textState(table, id, column)
    return state === undefined ? undefined : missingEdits(state, key, vector)
  }

  #textState(table: string, id: string, column: string): TextState | undefined {
    const cell: Cell | undefined = this.store.rows.load(table, id)?.cells.get(column)
    return cell?.kind === KIND.text ? cell.value : undefined
  }

  /** Deleted rows that can be restored, the last deleted first. */
  trash(): TrashItem[] {
    return this.#appTables
      .flatMap((table) =>
        this.store.driver
          .prepare(`SELECT id, _edited FROM ${rowsTable(table)} WHERE _deleted = 1 AND (_state & ${ROW_STATE.purged}) = 0`)
          .all()
          .map((row) => ({ table, id: String(row['id']), deletedAt: stampMillis(row['_edited'] as Stamp) })),
      )
      .sort((a, b) => b.deletedAt - a.deletedAt)
  }

  /** When a row in the trash will be purged, by this device's clock; undefined until a sync has noticed it [CELL-8]. */
  purgeTime(table: keyof T & string, id: string): number | undefined {
    return purgeTime(this.store, table, id)
  }

  place(table: keyof T & string, id: string): RowPlace {
    const { driver, rows, replica } = this.store
    const stored = rows.load(table, id)
    if (stored === undefined) throw new EngineError('no-such-row', `"${table}" has no row "${id}"`)
    const pending = driver.prepare('SELECT 1 FROM _pending WHERE tbl = ? AND n = ?').get(table, stored.n)
    if (pending !== undefined) return { place: 'local' }
    const edited = stored.cells.get(DELETED)
    if (edited?.kind !== KIND.lww || stampReplica(edited.stamp) !== replica) return { place: 'server', replicas: 0 }
    const segment = driver
      .prepare('SELECT counter, seq FROM _segments WHERE time >= ? ORDER BY counter LIMIT 1')
      .get(stampTime(edited.stamp))
    if (segment === undefined || segment['seq'] === null) return { place: 'local' }
    const holders = driver.prepare('SELECT count(*) AS c FROM _replicas WHERE seen_of_us >= ?').get(Number(segment['counter']))
    return { place: 'server', replicas: Number(holders?.['c'] ?? 0) }
  }

  /** Rows with changes that the server does not have yet. */
  pending(): number {
    const { driver } = this.store
    const rows = Number(driver.prepare('SELECT count(*) AS c FROM _pending').get()?.['c'] ?? 0)
    const sealed = Number(driver.prepare('SELECT coalesce(sum(rows), 0) AS c FROM _segments WHERE seq IS NULL').get()?.['c'] ?? 0)
    return rows + sealed
  }

  lastSyncedAt(): number | undefined {
    return this.store.meta.get('lastSyncedAt')
  }

  problems(): StoredProblem[] {
    return this.store.problems()
  }

  #pruneChanges(): void {
    const { driver } = this.store
    if (this.#search === undefined || Number(driver.prepare('SELECT count(*) AS c FROM _changes').get()?.['c']) < PRUNE_AT) return
    const through = this.#search.indexedThrough()
    this.store.write('remote', () => driver.prepare('DELETE FROM _changes WHERE seq <= ?').run(through))
  }

  async close(): Promise<void> {
    this.#live.close()
    this.#pruneChanges()
    await this.#search?.close()
    this.store.driver.close()
  }
}

export function openVault<T extends Record<string, Table>>(options: VaultOptions<T>): Vault<T> {
  return new Vault(options)
}
