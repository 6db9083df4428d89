/**
 * One SQLite connection, seen alike on every platform. SQLite is synchronous both in Node and as WebAssembly inside a
 * worker, so this interface is too.
 *
 * Adapters supply a {@link NativeDatabase}; what is the same everywhere is done here once: the statement cache,
 * transactions, checks of parameters, typed errors. `driver-contract.ts` holds what every adapter must prove.
 *
 * | JavaScript | SQLite |
 * | --- | --- |
 * | `null` | NULL |
 * | safe integer (also −0) | INTEGER |
 * | any other number but NaN | REAL |
 * | string | TEXT in UTF-8; NUL is kept, an unpaired surrogate becomes U+FFFD |
 * | `Uint8Array`, also an empty one | BLOB; reading gives a copy |
 *
 * NaN is refused (SQLite would store NULL), and so is reading an INTEGER beyond ±(2^53 − 1).
 */

export type SqlValue = null | number | string | Uint8Array
export type Row = Record<string, SqlValue>

export type DriverErrorCode = 'busy' | 'full' | 'corrupt' | 'constraint' | 'io' | 'misuse' | 'other'

/** What SQLite refused, with the SQL that it refused. `cause` is the platform's own error. */
export class DriverError extends Error {
  readonly code: DriverErrorCode
  readonly sql: string | undefined

  constructor(
    code: DriverErrorCode,
    message: string,
    options: { readonly sql?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(
      options.sql === undefined ? message : `${message} [${shorten(options.sql)}]`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = 'DriverError'
    this.code = code
    this.sql = options.sql
  }
}

/**
 * A prepared statement; parameters are bound by position, missing ones are NULL. It may be used again while one of its
 * iterators is open, and for as long as its driver is. All methods throw {@link DriverError}.
 */
export interface Statement {
  run(...params: SqlValue[]): void
  get(...params: SqlValue[]): Row | undefined
  all(...params: SqlValue[]): Row[]
  /** Rows as arrays in the order of the columns: twice as quick as {@link all} for wide rows. */
  values(...params: SqlValue[]): SqlValue[][]
  /** Leaving a `for … of` early closes the cursor. */
  iterate(...params: SqlValue[]): IterableIterator<Row>
}

export interface Driver {
  /** The file's path, undefined for a database in memory. */
  readonly path: string | undefined
  readonly inTransaction: boolean
  /** The first statement of `sql`, cached by its text: prepare where it is used, keep nothing. */
  prepare(sql: string): Statement
  /** Runs one or more statements without parameters or results. */
  exec(sql: string): void
  /**
   * `body` in one `BEGIN IMMEDIATE … COMMIT`; when it throws, all is rolled back and the error passed on. Neither
   * nested nor asynchronous: both are `misuse`. Where SQLite itself rolls back (a full disk, for one), the rest of
   * `body` cannot write any more, even if it swallows the error.
   */
  transaction<T>(body: () => T): T
  /** Rows changed by the last INSERT, UPDATE or DELETE. */
  changes(): number
  /** Closes the connection; twice does no harm. */
  close(): void
}

/** What an adapter supplies. Its errors are translated through {@link resultCode}. */
export interface NativeDatabase {
  prepare(sql: string): NativeStatement
  exec(sql: string): void
  inTransaction(): boolean
  close(): void
  /** SQLite's result code of an error that this database threw, extended or not. */
  resultCode(error: unknown): number | undefined
}

export interface NativeStatement {
  /** Returns what SQLite's `changes()` says afterwards. */
  run(params: readonly SqlValue[]): number
  get(params: readonly SqlValue[]): Row | undefined
  all(params: readonly SqlValue[]): Row[]
  values(params: readonly SqlValue[]): SqlValue[][]
  iterate(params: readonly SqlValue[]): IterableIterator<Row>
  finalize(): void
}

/** Settings of every connection, so that no compile-time default of a platform shows. */
export const COMMON_PRAGMAS = `
  PRAGMA busy_timeout = 10000;
  PRAGMA foreign_keys = OFF;
  PRAGMA recursive_triggers = OFF;
  PRAGMA trusted_schema = OFF;
  PRAGMA cell_size_check = ON;
  PRAGMA temp_store = MEMORY;
  PRAGMA cache_size = -16384;
`

/** Compiled statements kept per connection: an engine has some dozens of its own, the rest are an app's queries. */
const CACHED_STATEMENTS = 256

const CODES: Readonly<Record<number, DriverErrorCode>> = {
  1: 'misuse', // SQLITE_ERROR: wrong SQL
  3: 'io', // PERM
  5: 'busy',
  6: 'busy', // LOCKED
  8: 'io', // READONLY
  10: 'io',
  11: 'corrupt',
  13: 'full',
  14: 'io', // CANTOPEN
  19: 'constraint',
  20: 'constraint', // MISMATCH
  21: 'misuse',
  25: 'misuse', // RANGE
  26: 'corrupt', // NOTADB
}

/** The primary result code is the low byte. Source: https://www.sqlite.org/rescode.html */
export function driverErrorCode(resultCode: number | undefined): DriverErrorCode {
  return (resultCode === undefined ? undefined : CODES[resultCode & 0xff]) ?? 'other'
}

function shorten(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length > 120 ? `${line.slice(0, 119)}…` : line
}

export function createDriver(native: NativeDatabase, path: string | undefined): Driver {
  return new SqliteDriver(native, path)
}

class SqliteDriver implements Driver {
  readonly path: string | undefined
  readonly #native: NativeDatabase
  readonly #cache = new Map<string, CachedStatement>()
  /** Counts calls of `prepare`. */
  #prepared = 0
  /** What `changes()` answers, where the last statement told it. */
  lastChanges: number | undefined
  #open = true
  /** Between BEGIN and the end of a `transaction` body. */
  #inBody = false

  constructor(native: NativeDatabase, path: string | undefined) {
    this.#native = native
    this.path = path
  }

  get inTransaction(): boolean {
    return this.#open && this.#native.inTransaction()
  }

  prepare(sql: string): Statement {
    const cached = this.#cache.get(sql)
    if (cached !== undefined) {
      cached.preparedAt = ++this.#prepared
      return cached
    }
    const statement = new CachedStatement(sql, this)
    statement.compile()
    if (this.#cache.size >= CACHED_STATEMENTS) this.#evict()
    statement.preparedAt = ++this.#prepared
    this.#cache.set(sql, statement)
    return statement
  }

  /** Lets go of the statement that was prepared longest ago. */
  #evict(): void {
    let oldest: readonly [string, CachedStatement] | undefined
    for (const entry of this.#cache) if (oldest === undefined || entry[1].preparedAt < oldest[1].preparedAt) oldest = entry
    if (oldest === undefined) return
    this.#cache.delete(oldest[0])
    oldest[1].release()
  }

  exec(sql: string): void {
    this.guard(sql, () => this.#native.exec(sql))
  }

  transaction<T>(body: () => T): T {
    if (this.inTransaction) throw new DriverError('misuse', 'transactions do not nest')
    this.exec('BEGIN IMMEDIATE')
    this.#inBody = true
    try {
      const result = body()
      if (isThenable(result)) {
        // Its rejection has a reader here, or it would end the process as unhandled.
        result.then(undefined, () => {})
        throw new DriverError('misuse', 'a transaction cannot wait: its body returned a promise')
      }
      this.exec('COMMIT')
      return result
    } catch (error) {
      this.#inBody = false
      this.#rollBack()
      throw error
    } finally {
      this.#inBody = false
    }
  }

  changes(): number {
    this.assertUsable(undefined)
    // A bulk load asks after each insert.
    if (this.lastChanges !== undefined) return this.lastChanges
    return Number(this.prepare('SELECT changes()').values()[0]?.[0])
  }

  close(): void {
    if (!this.#open) return
    for (const statement of this.#cache.values()) statement.release()
    this.#cache.clear()
    this.#open = false
    this.guard(undefined, () => this.#native.close(), true)
  }

  /** Compiles for {@link CachedStatement}. */
  compile(sql: string): NativeStatement {
    return this.guard(sql, () => this.#native.prepare(sql))
  }

  /** Runs `work` on the native database and translates what it throws. */
  guard<T>(sql: string | undefined, work: () => T, closing = false): T {
    this.assertUsable(sql, closing)
    this.lastChanges = undefined
    try {
      return work()
    } catch (error) {
      throw this.translate(error, sql)
    }
  }

  assertUsable(sql: string | undefined, closing = false): void {
    if (!this.#open && !closing) throw new DriverError('misuse', 'the database is closed', { sql })
    if (this.#inBody && !this.#native.inTransaction()) {
      throw new DriverError('other', 'the transaction was already rolled back after an error', { sql })
    }
  }

  translate(error: unknown, sql: string | undefined): unknown {
    if (error instanceof DriverError) return error
    const code = driverErrorCode(this.#native.resultCode(error))
    return new DriverError(code, error instanceof Error ? error.message : String(error), { sql, cause: error })
  }

  #rollBack(): void {
    if (!this.inTransaction) return
    try {
      this.#native.exec('ROLLBACK')
    } catch {
      // The error that led here says more. A connection that cannot roll back refuses the next BEGIN.
    }
  }
}

/**
 * One SQL text and its compiled form. Eviction from the cache only drops the compiled form: who still holds the
 * statement gets it compiled again. An iterator has a compiled form of its own, which further uses would reset.
 */
class CachedStatement implements Statement {
  readonly #sql: string
  readonly #driver: SqliteDriver
  /** The driver's count when this was last asked for. */
  preparedAt = 0
  #native: NativeStatement | undefined
  /** Left over from the last finished iterator. */
  #spare: NativeStatement | undefined

  constructor(sql: string, driver: SqliteDriver) {
    this.#sql = sql
    this.#driver = driver
  }

  compile(): NativeStatement {
    this.#native ??= this.#driver.compile(this.#sql)
    return this.#native
  }

  release(): void {
    this.#native?.finalize()
    this.#spare?.finalize()
    this.#native = undefined
    this.#spare = undefined
  }

  run(...params: SqlValue[]): void {
    this.#begin(params)
    try {
      this.#driver.lastChanges = this.compile().run(params)
    } catch (error) {
      throw this.#driver.translate(error, this.#sql)
    }
  }

  get(...params: SqlValue[]): Row | undefined {
    this.#begin(params)
    try {
      return this.compile().get(params)
    } catch (error) {
      throw this.#driver.translate(error, this.#sql)
    }
  }

  all(...params: SqlValue[]): Row[] {
    this.#begin(params)
    try {
      return this.compile().all(params)
    } catch (error) {
      throw this.#driver.translate(error, this.#sql)
    }
  }

  values(...params: SqlValue[]): SqlValue[][] {
    this.#begin(params)
    try {
      return this.compile().values(params)
    } catch (error) {
      throw this.#driver.translate(error, this.#sql)
    }
  }

  *iterate(...params: SqlValue[]): IterableIterator<Row> {
    this.#begin(params)
    const native = this.#spare ?? this.#driver.compile(this.#sql)
    this.#spare = undefined
    const rows = native.iterate(params)
    try {
      while (true) {
        const next = this.#driver.guard(this.#sql, () => rows.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      closeCursor(rows)
      if (this.#spare === undefined && this.#native !== undefined) this.#spare = native
      else native.finalize()
    }
  }

  #begin(params: readonly SqlValue[]): void {
    this.#driver.assertUsable(this.#sql)
    this.#driver.lastChanges = undefined
    for (const value of params) {
      if (typeof value === 'string' || value === null) continue
      if (typeof value === 'number') {
        if (Number.isNaN(value)) throw new DriverError('misuse', 'NaN has no SQL value', { sql: this.#sql })
      } else if (!(value instanceof Uint8Array)) {
        throw new DriverError('misuse', `a parameter has no SQL value: ${typeof value}`, { sql: this.#sql })
      }
    }
  }
}

function closeCursor(rows: IterableIterator<Row>): void {
  try {
    rows.return?.()
  } catch {
    // Nothing is left to close: the database is closed, or the error that ended the cursor is on its way.
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
