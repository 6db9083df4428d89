/**
 * The SQLite driver on Node: `node:sqlite`, one connection to one file or to a database in memory.
 *
 * A file is in WAL mode: readers never wait for a writer. Its permission bits are 0600 from the first moment, and
 * `-wal` and `-shm` take them over. Memory is bounded by the page cache (16 MiB): nothing is memory-mapped, because
 * mapped pages of a large vault would count as the process's own.
 */
import { closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  COMMON_PRAGMAS,
  createDriver,
  type Driver,
  DriverError,
  driverErrorCode,
  type NativeDatabase,
  type NativeStatement,
  type Row,
  type SqlValue,
} from '#driver'

/**
 * What a commit survives. `full`: a power cut (fsync at each commit). `normal`: a crash of the process; a power cut may take
 * the last commits, in order, and never corrupts. `cache`: as `normal`, but a power cut may corrupt the file: only for
 * what can be made again.
 */
export type Durability = 'full' | 'normal' | 'cache'

const SYNCHRONOUS: Record<Durability, string> = { full: 'FULL', normal: 'NORMAL', cache: 'OFF' }

export interface OpenOptions {
  /** Undefined opens a database in memory. */
  readonly path?: string
  /** Default `full`. */
  readonly durability?: Durability
}

/** @throws DriverError `corrupt` when the file is no database, `io` when it cannot be opened, `busy` */
export function openSqlite(options: OpenOptions = {}): Driver {
  // An absolute path cannot be taken for a `file:` URI with options in it.
  const path = options.path === undefined ? undefined : resolve(options.path)
  let db: DatabaseSync | undefined
  try {
    if (path !== undefined) closeSync(openSync(path, 'a', 0o600))
    db = new DatabaseSync(path ?? ':memory:', {
      enableForeignKeyConstraints: false,
      enableDoubleQuotedStringLiterals: false,
      defensive: true,
    })
    db.exec(COMMON_PRAGMAS)
    if (path !== undefined) {
      // A checkpoint at 16 MiB instead of 4: it costs two fsyncs. After a bulk load the log file shrinks to 64 MiB.
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${SYNCHRONOUS[options.durability ?? 'full']};
        PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 67108864`)
    }
    return createDriver(nativeDatabase(db), path)
  } catch (error) {
    db?.close()
    const code = resultCode(error)
    throw new DriverError(code === undefined ? 'io' : driverErrorCode(code), `cannot open the database: ${message(error)}`, {
      cause: error,
    })
  }
}

/** What {@link openSqlite} makes a driver of; a test that copies databases opens its own. */
export function nativeDatabase(db: DatabaseSync): NativeDatabase {
  return {
    prepare: (sql) => nativeStatement(db.prepare(sql)),
    exec: (sql) => db.exec(sql),
    inTransaction: () => db.isTransaction,
    close: () => db.close(),
    resultCode,
  }
}

function nativeStatement(statement: StatementSync): NativeStatement {
  let arrays = false
  let bigints = false
  const prepareFor = (asArrays: boolean): StatementSync => {
    if (bigints) statement.setReadBigInts(false)
    bigints = false
    if (arrays !== asArrays) {
      statement.setReturnArrays(asArrays)
      arrays = asArrays
    }
    return statement
  }
  return {
    run(params) {
      // The last rowid comes with the result, and FTS5 has inner ones beyond 2^53.
      if (!bigints) statement.setReadBigInts(true)
      bigints = true
      return Number(statement.run(...bindable(params)).changes)
    },
    get: (params) => prepareFor(false).get(...bindable(params)) as Row | undefined,
    all: (params) => prepareFor(false).all(...bindable(params)) as Row[],
    values: (params) => prepareFor(true).all(...bindable(params)) as unknown as SqlValue[][],
    iterate: (params) => prepareFor(false).iterate(...bindable(params)) as IterableIterator<Row>,
    finalize() {
      // The collector finalizes it; node:sqlite closes what is left with the database.
    },
  }
}

/** node:sqlite binds every number as REAL, so that an untyped column would keep 1.0 for 1; a bigint is an INTEGER. */
function bindable(params: readonly SqlValue[]): SQLInputValue[] {
  const bound: SQLInputValue[] = new Array(params.length)
  for (let i = 0; i < params.length; i++) {
    const value = params[i] as SqlValue
    bound[i] = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
  }
  return bound
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode
  // Its own checks: text without a statement, an INTEGER too large to read, a closed database.
  return error.code === 'ERR_OUT_OF_RANGE' || error.code === 'ERR_INVALID_ARG_VALUE' || error.code === 'ERR_INVALID_STATE'
    ? 21
    : undefined
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
