/**
 * The SQLite driver on SQLite's WebAssembly build. In memory it needs nothing of a browser and runs in Node as well; files
 * are `opfs-pool.ts`'s.
 *
 * It calls the module's C functions and not its object wrapper, which reads text as a C string: everything after a
 * NUL would be lost. Parameters are encoded into one scratch buffer of the module's memory and copied by SQLite.
 */
import init, { type Sqlite3Static } from '@sqlite.org/sqlite-wasm'
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

/** The C functions used here; pointers and sizes are 32-bit numbers. Source: https://www.sqlite.org/c3ref/funclist.html */
interface SqliteC {
  sqlite3_bind_blob(stmt: number, index: number, data: number, bytes: number, destructor: number): number
  sqlite3_bind_double(stmt: number, index: number, value: number): number
  sqlite3_bind_int(stmt: number, index: number, value: number): number
  sqlite3_bind_int64(stmt: number, index: number, value: bigint): number
  sqlite3_bind_null(stmt: number, index: number): number
  sqlite3_bind_text(stmt: number, index: number, data: number, bytes: number, destructor: number): number
  sqlite3_bind_zeroblob(stmt: number, index: number, bytes: number): number
  sqlite3_changes(db: number): number
  sqlite3_clear_bindings(stmt: number): number
  sqlite3_column_blob(stmt: number, column: number): number
  sqlite3_column_bytes(stmt: number, column: number): number
  sqlite3_column_count(stmt: number): number
  sqlite3_column_double(stmt: number, column: number): number
  sqlite3_column_text(stmt: number, column: number): number
  sqlite3_column_type(stmt: number, column: number): number
  sqlite3_extended_errcode(db: number): number
  sqlite3_finalize(stmt: number): number
  sqlite3_get_autocommit(db: number): number
  sqlite3_reset(stmt: number): number
  sqlite3_step(stmt: number): number
  sqlite3_stmt_status(stmt: number, counter: number, reset: number): number
}

const OK = 0
const NOMEM = 7
const RANGE = 25
const ROW = 100
const DONE = 101
const STATUS_REPREPARE = 5
const PREPARE_PERSISTENT = 1
/** A destructor argument that makes SQLite copy the bytes before the call returns. */
const TRANSIENT = -1

const INTEGER = 1
const FLOAT = 2
const TEXT = 3
const BLOB = 4

class WasmError extends Error {
  readonly resultCode: number
  constructor(resultCode: number, message: string) {
    super(message)
    this.resultCode = resultCode
  }
}

/** Memory for encoding parameters, grown to the largest that was needed. */
interface Scratch {
  /** Pointer to at least `bytes` bytes, good until the next call. */
  reserve(bytes: number): number
  free(): void
}

interface Context {
  readonly sqlite3: Sqlite3Static
  readonly c: SqliteC
  readonly db: number
  readonly scratch: Scratch
  readonly encoder: TextEncoder
  readonly decoder: TextDecoder
}

let loaded: Promise<Sqlite3Static> | undefined

/** The module, loaded once. @throws its own error when it cannot be loaded; the next call tries again. */
export function loadSqlite(): Promise<Sqlite3Static> {
  loaded ??= init().catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  return loaded
}

export interface WasmDatabase {
  readonly file: string
  /** Name of a registered VFS; absent: the default one. */
  readonly vfs?: string
  /** Settings beside those of every connection. */
  readonly pragmas?: string
}

const IN_MEMORY: WasmDatabase = { file: ':memory:' }

/** A database in memory. @throws DriverError; the module's own error when it cannot be loaded */
export async function openSqliteWasm(): Promise<Driver> {
  return openWasmDatabase(await loadSqlite())
}

/** @throws DriverError */
export function openWasmDatabase(sqlite3: Sqlite3Static, { file, vfs, pragmas = '' }: WasmDatabase = IN_MEMORY): Driver {
  let database: InstanceType<Sqlite3Static['oo1']['DB']>
  try {
    database = new sqlite3.oo1.DB({ filename: file, flags: 'c', ...(vfs !== undefined && { vfs }) })
  } catch (error) {
    const code = (error as { resultCode?: unknown }).resultCode
    throw new DriverError(driverErrorCode(typeof code === 'number' ? code : undefined), 'cannot open the database', {
      cause: error,
    })
  }
  const db = Number(database.pointer)
  for (const [option, on] of [
    [sqlite3.capi.SQLITE_DBCONFIG_DQS_DML, 0],
    [sqlite3.capi.SQLITE_DBCONFIG_DQS_DDL, 0],
    [sqlite3.capi.SQLITE_DBCONFIG_DEFENSIVE, 1],
  ] as const) {
    sqlite3.capi.sqlite3_db_config(db, option, on, 0)
  }
  const context: Context = {
    sqlite3,
    c: sqlite3.wasm.exports as SqliteC,
    db,
    scratch: createScratch(sqlite3),
    encoder: new TextEncoder(),
    // A byte order mark is text like any other.
    decoder: new TextDecoder('utf-8', { ignoreBOM: true }),
  }
  const native = nativeDatabase(context, () => database.close())
  try {
    // The file's own come first: some of the common ones read it, and how it is locked must be said before that.
    native.exec(pragmas + COMMON_PRAGMAS)
  } catch (error) {
    native.close()
    throw new DriverError(driverErrorCode(native.resultCode(error)), 'cannot open the database', { cause: error })
  }
  return createDriver(native, file === IN_MEMORY.file ? undefined : file)
}

function createScratch({ wasm }: Sqlite3Static): Scratch {
  let pointer = 0
  let size = 0
  return {
    reserve(bytes) {
      if (bytes > size || pointer === 0) {
        const grown = Math.max(bytes, size * 2, 4096)
        if (pointer !== 0) wasm.dealloc(pointer)
        pointer = 0
        size = 0
        pointer = Number(wasm.alloc(grown))
        size = grown
      }
      return pointer
    },
    free() {
      if (pointer !== 0) wasm.dealloc(pointer)
      pointer = 0
      size = 0
    },
  }
}

function nativeDatabase(context: Context, close: () => void): NativeDatabase {
  const { sqlite3, c, db } = context
  /** Compiled and not finalized: SQLite cannot close a database that has any. */
  const open = new Set<NativeStatement>()
  return {
    prepare(sql) {
      const { pstack } = sqlite3.wasm
      const stack = pstack.pointer
      let stmt: number
      try {
        const out = pstack.alloc(4)
        check(context, sqlite3.capi.sqlite3_prepare_v3(db, sql, -1, PREPARE_PERSISTENT, out, null))
        stmt = Number(sqlite3.wasm.peekPtr(out))
      } finally {
        pstack.restore(stack)
      }
      if (stmt === 0) throw new WasmError(sqlite3.capi.SQLITE_MISUSE, 'the SQL contains no statement')
      const statement = nativeStatement(context, stmt, () => open.delete(statement))
      open.add(statement)
      return statement
    },
    exec(sql) {
      check(context, sqlite3.capi.sqlite3_exec(db, sql, 0, 0, 0))
    },
    inTransaction: () => c.sqlite3_get_autocommit(db) === 0,
    close() {
      for (const statement of [...open]) statement.finalize()
      context.scratch.free()
      close()
    },
    resultCode(error) {
      if (error instanceof WasmError) return error.resultCode
      return error instanceof sqlite3.WasmAllocError ? NOMEM : undefined
    },
  }
}

function nativeStatement(context: Context, stmt: number, finalized: () => void): NativeStatement {
  const { c } = context
  let live = true
  let columns = 0
  let names: readonly string[] = []
  let namesOf = -1
  /** SQLite compiles a statement again, inside its first step, when the schema has changed: `SELECT *` then has other columns. */
  const describe = (): void => {
    const compilation = c.sqlite3_stmt_status(stmt, STATUS_REPREPARE, 0)
    if (compilation === namesOf) return
    columns = c.sqlite3_column_count(stmt)
    names = Array.from({ length: columns }, (_, i) => context.sqlite3.capi.sqlite3_column_name(stmt, i))
    namesOf = compilation
  }
  const rowObject = (): Row => {
    const row: Row = Object.create(null)
    for (let i = 0; i < columns; i++) row[names[i] as string] = column(context, stmt, i)
    return row
  }
  const rowArray = (): SqlValue[] => {
    const row: SqlValue[] = new Array(columns)
    for (let i = 0; i < columns; i++) row[i] = column(context, stmt, i)
    return row
  }
  const start = (params: readonly SqlValue[]): void => {
    for (let i = 0; i < params.length; i++) bind(context, stmt, i + 1, params[i] as SqlValue)
  }
  /** True for a row, false at the end. */
  const step = (first: boolean): boolean => {
    const code = c.sqlite3_step(stmt)
    if (code === DONE) return false
    if (code !== ROW) check(context, code)
    if (first) describe()
    return true
  }
  const stop = (): void => {
    if (!live) return
    c.sqlite3_reset(stmt)
    c.sqlite3_clear_bindings(stmt)
  }
  const collect = <T>(params: readonly SqlValue[], read: () => T, limit = Number.POSITIVE_INFINITY): T[] => {
    const rows: T[] = []
    try {
      start(params)
      while (rows.length < limit && step(rows.length === 0)) rows.push(read())
    } finally {
      stop()
    }
    return rows
  }
  return {
    run(params) {
      try {
        start(params)
        while (step(false)) {}
        return c.sqlite3_changes(context.db)
      } finally {
        stop()
      }
    },
    get: (params) => collect(params, rowObject, 1)[0],
    all: (params) => collect(params, rowObject),
    values: (params) => collect(params, rowArray),
    *iterate(params) {
      try {
        start(params)
        for (let first = true; live && step(first); first = false) yield rowObject()
      } finally {
        stop()
      }
    },
    finalize() {
      if (!live) return
      live = false
      c.sqlite3_finalize(stmt)
      finalized()
    },
  }
}

function bind(context: Context, stmt: number, index: number, value: SqlValue): void {
  const { c, scratch, sqlite3 } = context
  let code = OK
  if (value === null) {
    code = c.sqlite3_bind_null(stmt, index)
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) code = c.sqlite3_bind_double(stmt, index, value)
    else if (value === (value | 0)) code = c.sqlite3_bind_int(stmt, index, value)
    else code = c.sqlite3_bind_int64(stmt, index, BigInt(value))
  } else if (typeof value === 'string') {
    // A UTF-16 unit takes at most three bytes.
    const pointer = scratch.reserve(value.length * 3)
    const { written } = context.encoder.encodeInto(value, sqlite3.wasm.heap8u().subarray(pointer, pointer + value.length * 3))
    code = c.sqlite3_bind_text(stmt, index, pointer, written, TRANSIENT)
  } else if (value.length === 0) {
    code = c.sqlite3_bind_zeroblob(stmt, index, 0)
  } else {
    const pointer = scratch.reserve(value.length)
    sqlite3.wasm.heap8u().set(value, pointer)
    code = c.sqlite3_bind_blob(stmt, index, pointer, value.length, TRANSIENT)
  }
  check(context, code)
}

function column(context: Context, stmt: number, index: number): SqlValue {
  const { c, sqlite3 } = context
  switch (c.sqlite3_column_type(stmt, index)) {
    case INTEGER: {
      // Exact up to 2^53; what is beyond it rounds to something that is no safe integer either.
      const value = c.sqlite3_column_double(stmt, index)
      if (!Number.isSafeInteger(value)) throw new WasmError(RANGE, 'an INTEGER is too large for a JavaScript number')
      return value
    }
    case FLOAT:
      return c.sqlite3_column_double(stmt, index)
    case TEXT: {
      const pointer = c.sqlite3_column_text(stmt, index)
      const bytes = c.sqlite3_column_bytes(stmt, index)
      return context.decoder.decode(sqlite3.wasm.heap8u().subarray(pointer, pointer + bytes))
    }
    case BLOB: {
      const pointer = c.sqlite3_column_blob(stmt, index)
      const bytes = c.sqlite3_column_bytes(stmt, index)
      return sqlite3.wasm.heap8u().slice(pointer, pointer + bytes)
    }
    default:
      return null
  }
}

function check(context: Context, code: number): void {
  if (code === OK) return
  const extended = context.c.sqlite3_extended_errcode(context.db)
  throw new WasmError((extended & 0xff) === (code & 0xff) ? extended : code, context.sqlite3.capi.sqlite3_errmsg(context.db))
}
