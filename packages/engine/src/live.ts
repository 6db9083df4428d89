/**
 * Live queries: a query's rows now, and again whenever they change.
 *
 * Which tables a query reads is not guessed from its text: SQLite is asked for the compiled program (`EXPLAIN`), which opens
 * tables and indexes by root page. Views, subqueries and triggers are resolved by then. After a write, the queries that
 * read a written table run again, once for any number of writes until the scheduled moment, and listeners hear of it
 * only when rows differ.
 */
import type { Driver, Row, SqlValue } from '#driver'

/** Sets of tables kept per connection. */
const CACHED_QUERIES = 512

interface Analysis {
  readonly schema: string
  readonly tables: ReadonlySet<string>
}

const analyses = new WeakMap<Driver, Map<string, Analysis>>()

/**
 * Names of the physical tables that `sql` reads or writes, in all attached databases. A query on any virtual table names all virtual
 * tables of the connection: the compiled program does not tell which one.
 * @throws DriverError `misuse` for wrong SQL
 */
export function tablesRead(driver: Driver, sql: string): ReadonlySet<string> {
  let cache = analyses.get(driver)
  if (cache === undefined) {
    cache = new Map()
    analyses.set(driver, cache)
  }
  const schema = schemaVersion(driver)
  const known = cache.get(sql)
  if (known?.schema === schema) return known.tables
  const tables = analyse(driver, sql, schema)
  cache.delete(sql)
  cache.set(sql, { schema, tables })
  if (cache.size > CACHED_QUERIES) cache.delete(cache.keys().next().value as string)
  return tables
}

interface Attached {
  readonly index: number
  readonly name: string
}

function databases(driver: Driver): Attached[] {
  return driver
    .prepare('PRAGMA database_list')
    .values()
    .map(([index, name]) => ({ index: Number(index), name: `"${String(name).replaceAll('"', '""')}"` }))
}

/** Digits, colons and spaces: safe in a comment. */
function schemaVersion(driver: Driver): string {
  return databases(driver)
    .map(({ index, name }) => `${index}:${driver.prepare(`PRAGMA ${name}.schema_version`).values()[0]?.[0]}`)
    .join(' ')
}

const OPENING = new Set(['OpenRead', 'OpenWrite', 'ReopenIdx'])

function analyse(driver: Driver, sql: string, schema: string): Set<string> {
  const tables = new Set<string>()
  const roots = new Map<string, string>()
  const virtual: string[] = []
  for (const { index, name } of databases(driver)) {
    roots.set(`${index} 1`, 'sqlite_schema')
    const objects = driver
      .prepare(`SELECT rootpage, tbl_name, sql FROM ${name}.sqlite_schema WHERE type IN ('table', 'index')`)
      .values()
    for (const [root, table, definition] of objects) {
      if (Number(root) > 0) roots.set(`${index} ${root}`, String(table))
      else if (/^\s*CREATE\s+VIRTUAL/i.test(String(definition))) virtual.push(String(table))
    }
  }
  // SQLite compiles other statements again when the schema has changed, but never an EXPLAIN: the comment makes it a new one.
  for (const step of driver.prepare(`EXPLAIN /* ${schema} */ ${sql}`).iterate()) {
    const opcode = String(step['opcode'])
    if (opcode === 'VOpen' || opcode === 'VUpdate') for (const table of virtual) tables.add(table)
    if (!OPENING.has(opcode)) continue
    // p2 is the root page, p3 the database.
    const table = roots.get(`${step['p3']} ${step['p2']}`)
    if (table !== undefined) tables.add(table)
  }
  return tables
}

export interface LiveQueriesOptions {
  readonly driver: Driver
  /** Calls its argument later, once; for instance `queueMicrotask`. */
  readonly schedule: (run: () => void) => void
  /** Hears what listeners throw, and queries that fail when they run again. */
  readonly onError: (error: unknown) => void
}

export interface Subscription {
  /** After this the listener is not called any more. */
  stop(): void
}

/** Rows must not be changed: listeners share them. */
export type RowsListener = (rows: readonly Row[]) => void

interface LiveQuery {
  readonly sql: string
  readonly params: readonly SqlValue[]
  readonly subscribers: Set<Subscriber>
  rows: readonly Row[] | undefined
  stale: boolean
}

interface Subscriber {
  readonly listener: RowsListener
  delivered: readonly Row[] | undefined
}

export class LiveQueries {
  readonly #driver: Driver
  readonly #schedule: (run: () => void) => void
  readonly #onError: (error: unknown) => void
  /** By SQL and parameters: equal subscriptions share one run. */
  readonly #queries = new Map<string, LiveQuery>()
  #scheduled = false

  constructor(options: LiveQueriesOptions) {
    this.#driver = options.driver
    this.#schedule = options.schedule
    this.#onError = options.onError
  }

  /**
   * The listener gets the rows at the next scheduled moment, never inside this call.
   * @throws DriverError `misuse` for wrong SQL
   */
  subscribe(sql: string, params: readonly SqlValue[], listener: RowsListener): Subscription {
    tablesRead(this.#driver, sql)
    const key = queryKey(sql, params)
    let query = this.#queries.get(key)
    if (query === undefined) {
      query = { sql, params: [...params], subscribers: new Set(), rows: undefined, stale: true }
      this.#queries.set(key, query)
    }
    const { subscribers } = query
    const subscriber: Subscriber = { listener, delivered: undefined }
    subscribers.add(subscriber)
    this.#wake()
    return {
      stop: () => {
        subscribers.delete(subscriber)
        if (subscribers.size === 0 && this.#queries.get(key)?.subscribers === subscribers) this.#queries.delete(key)
      },
    }
  }

  /** These physical tables were written, in a transaction that is committed. */
  notify(tables: Iterable<string>): void {
    const written = new Set(tables)
    for (const query of this.#queries.values()) {
      if (query.stale) continue
      try {
        const read = tablesRead(this.#driver, query.sql)
        query.stale = [...written].some((table) => read.has(table))
      } catch {
        // A changed schema broke the query: running it tells its listeners' owner.
        query.stale = true
      }
      if (query.stale) this.#wake()
    }
  }

  /** Ends all subscriptions. */
  close(): void {
    this.#queries.clear()
  }

  #wake(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#schedule(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    for (const query of [...this.#queries.values()]) {
      if (query.stale) this.#run(query)
      const { rows } = query
      if (rows === undefined) continue
      for (const subscriber of [...query.subscribers]) {
        // A listener before this one may have stopped it.
        if (subscriber.delivered === rows || !query.subscribers.has(subscriber)) continue
        subscriber.delivered = rows
        try {
          subscriber.listener(rows)
        } catch (error) {
          this.#onError(error)
        }
      }
    }
  }

  #run(query: LiveQuery): void {
    if (query.subscribers.size === 0) return
    query.stale = false
    try {
      const rows = this.#driver.prepare(query.sql).all(...query.params)
      if (query.rows === undefined || !sameRows(query.rows, rows)) query.rows = rows
    } catch (error) {
      this.#onError(error)
    }
  }
}

function queryKey(sql: string, params: readonly SqlValue[]): string {
  return JSON.stringify([
    sql,
    ...params.map((value) => (value instanceof Uint8Array ? { blob: [...value] } : { value: String(value), type: typeof value })),
  ])
}

function sameRows(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, i) => sameRow(row, b[i] as Row))
}

/** Equal columns in the same order with the same values. */
function sameRow(a: Row, b: Row): boolean {
  const columns = Object.keys(a)
  const others = Object.keys(b)
  return (
    columns.length === others.length &&
    columns.every((column, i) => column === others[i] && sameValue(a[column] as SqlValue, b[column] as SqlValue))
  )
}

function sameValue(a: SqlValue, b: SqlValue): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((byte, i) => byte === b[i])
  return a === b
}
