/**
 * The local database: what `openVault` creates and migrates. Three layers in one SQLite file:
 *
 * - `rows_T`: one physical table for each synced table T: its columns and the bookkeeping of its cells. All rows, the dead ones too.
 * - `T`: a view of the rows that people see; `cascade` and `recover` are computed here, on reading [CELL-7]. Apps query these.
 *   `all_T`: the same with the deleted ones and `_deleted`, for trash and for the names of deleted parents.
 * - tables with a leading underscore: the engine's own.
 *
 * An index that an app declares is kept with the columns that the views look at besides ({@link indexSql}): SQLite answers which rows there
 * are, how many and in which order from the index alone, and leaves the texts where they are.
 *
 * Bookkeeping is one stamp for a row and exceptions, not a row for each cell [CELL-1]:
 *
 * | column | meaning |
 * | --- | --- |
 * | `_n` | rowid, 1, 2, 3 … in the order in which rows came to this device: search answers newest first by it |
 * | `_edited` | stamp of the `_deleted` cell: the row's last write; of a purged row its purge |
 * | `_shape` | id in `_shapes` of the list of columns whose stamp is the common one |
 * | `_stamp` | the common stamp, null where it is `_edited` |
 * | `_own` | JSON of the stamps of other columns, null for none |
 * | `_state` | {@link ROW_STATE} flags |
 * | `_digest` | checksum over the whole row and its cells, so that a flipped bit can be found (digest.ts) |
 */
import type { Driver } from '#driver'
import { EngineError } from '#errors'
import type { Column, Schema, Table } from '#schema'

/** Earlier ones were previews. */
const FIRST_DATABASE_VERSION = 2
/** Version of everything in this file, in SQLite's user_version. Raised with a migration, never without. */
const DATABASE_VERSION = 2

export const ROW_STATE = {
  /** Some cells are in `_cells` or `_foreign`. */
  cells: 1,
  /** An update's base or predecessors have not arrived. */
  loading: 2,
  /** Somebody wrote the text from scratch concurrently. */
  conflict: 4,
  /** Nothing is left but the purge. */
  purged: 8,
} as const

/** As they are in a new database: SQLite keeps the text of each. */
export const ENGINE_TABLES = `
  CREATE TABLE _meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE _shapes (id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, columns TEXT NOT NULL, UNIQUE (tbl, columns));
  CREATE TABLE _cells (tbl TEXT NOT NULL, n INTEGER NOT NULL, col TEXT NOT NULL, cell BLOB NOT NULL, PRIMARY KEY (tbl, n, col)) WITHOUT ROWID;
  CREATE TABLE _foreign (tbl TEXT NOT NULL, id TEXT NOT NULL, col TEXT NOT NULL, cell BLOB NOT NULL, PRIMARY KEY (tbl, id, col)) WITHOUT ROWID;
  CREATE TABLE _pending (tbl TEXT NOT NULL, n INTEGER NOT NULL, since TEXT NOT NULL, PRIMARY KEY (tbl, n)) WITHOUT ROWID;
  CREATE TABLE _pending_text (seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, n INTEGER NOT NULL, col TEXT NOT NULL, base INTEGER NOT NULL, base_stamp TEXT NOT NULL, edit BLOB NOT NULL);
  CREATE INDEX _pending_text_row ON _pending_text (tbl, n);
  CREATE TABLE _segments (counter INTEGER PRIMARY KEY, digest BLOB NOT NULL, previous BLOB NOT NULL, epoch INTEGER NOT NULL, time TEXT NOT NULL, rows INTEGER NOT NULL, seq INTEGER, sealed BLOB);
  CREATE INDEX _segments_unsent ON _segments (counter) WHERE seq IS NULL;
  CREATE INDEX _segments_kept ON _segments (seq) WHERE seq IS NOT NULL AND sealed IS NOT NULL;
  -- The end of the server's log as sealed bytes, for repair [LOG-9]; what this replica wrote is in _segments. Negative: of a log that was left.
  CREATE TABLE _tail (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, epoch INTEGER NOT NULL, replica TEXT NOT NULL, counter INTEGER NOT NULL, previous BLOB NOT NULL, sealed BLOB NOT NULL);
  CREATE INDEX _tail_author ON _tail (replica, counter);
  CREATE TABLE _marks (seq INTEGER PRIMARY KEY, chain BLOB NOT NULL);
  -- While the log comes newest first: intervals whose rows are here, and what is to be checked once there is no gap left [LOG-6].
  CREATE TABLE _held (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
  CREATE TABLE _links (last INTEGER NOT NULL, part INTEGER NOT NULL, link BLOB NOT NULL, PRIMARY KEY (last, part)) WITHOUT ROWID;
  -- Since when this device has seen a deleted row, by its own clock [CELL-8].
  CREATE TABLE _trash (tbl TEXT NOT NULL, n INTEGER NOT NULL, edited TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (tbl, n)) WITHOUT ROWID;
  -- Epochs that a rotation has closed, with the last counter of each replica in them [KEY-4].
  CREATE TABLE _closed (epoch INTEGER NOT NULL, replica TEXT NOT NULL, counter INTEGER NOT NULL, PRIMARY KEY (epoch, replica)) WITHOUT ROWID;
  CREATE TABLE _replicas (replica TEXT PRIMARY KEY, counter INTEGER NOT NULL, digest BLOB NOT NULL, seen_of_us INTEGER NOT NULL DEFAULT 0, wall_clock INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
  CREATE TABLE _history (seq INTEGER PRIMARY KEY, tbl TEXT NOT NULL, id TEXT NOT NULL, col TEXT NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL);
  CREATE INDEX _history_cell ON _history (tbl, id, col);
  CREATE TABLE _changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, n INTEGER NOT NULL, n_last INTEGER);
  CREATE TABLE _quarantine (seq INTEGER NOT NULL, part INTEGER NOT NULL, reason TEXT NOT NULL, delivery BLOB NOT NULL, PRIMARY KEY (seq, part)) WITHOUT ROWID;
  CREATE TABLE _problems (code TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (code, subject)) WITHOUT ROWID;
`

/** No affinity for integers: a large REAL that another writer put there would become an INTEGER that nobody can read. */
export const AFFINITY = { text: 'TEXT', integer: '', real: 'REAL', blob: 'BLOB' } as const

export const rowsTable = (table: string): string => `rows_${table}`

function defaultSql(column: Column): string {
  if (column.default === null) return ''
  return ` DEFAULT ${typeof column.default === 'number' ? column.default : `'${column.default.replaceAll("'", "''")}'`}`
}

function createRows(driver: Driver, name: string, table: Table): void {
  const columns = Object.entries(table.columns).map(([column, spec]) => `"${column}" ${AFFINITY[spec.type]}${defaultSql(spec)}, `)
  driver.exec(`CREATE TABLE ${rowsTable(name)} (
    _n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, ${columns.join('')}
    _deleted INTEGER NOT NULL DEFAULT 0, _edited TEXT NOT NULL, _shape INTEGER NOT NULL, _stamp TEXT, _own TEXT, _state INTEGER NOT NULL DEFAULT 0, _digest INTEGER)`)
  // The trash is looked through once a day: few rows of many.
  driver.exec(
    `CREATE INDEX ${rowsTable(name)}_trash ON ${rowsTable(name)} (_n) WHERE _deleted = 1 AND (_state & ${ROW_STATE.purged}) = 0`,
  )
}

/** SQL that is true for a row `alias` of `name` that people see. */
function visible(schema: Schema, name: string, alias: string, depth = 0): string {
  const conditions = [`${alias}._deleted = 0`]
  for (const [column, { reference }] of Object.entries((schema.tables[name] as Table).columns)) {
    if (reference === undefined) continue
    const parent = `p${depth}`
    const dead =
      reference.onDelete === 'cascade'
        ? `NOT (${visible(schema, reference.table, parent, depth + 1)})`
        : `${parent}._deleted = 1 AND (${parent}._state & ${ROW_STATE.purged}) = 0 AND ${parent}._edited > ${alias}._edited`
    conditions.push(
      `NOT EXISTS (SELECT 1 FROM ${rowsTable(reference.table)} ${parent} WHERE ${parent}.id = ${alias}."${column}" AND ${dead})`,
    )
  }
  return conditions.join(' AND ')
}

/** The views of a table by name. */
export function viewSql(schema: Schema, name: string): Map<string, string> {
  const columns = Object.keys((schema.tables[name] as Table).columns).map((column) => `r."${column}"`)
  const list = ['r.id', ...columns, 'r._n', 'r._edited', 'r._state'].join(', ')
  return new Map([
    [name, `CREATE VIEW "${name}" AS SELECT ${list} FROM ${rowsTable(name)} r WHERE ${visible(schema, name, 'r')}`],
    [
      `all_${name}`,
      `CREATE VIEW "all_${name}" AS SELECT ${list}, r._deleted FROM ${rowsTable(name)} r WHERE (r._state & ${ROW_STATE.purged}) = 0`,
    ],
  ])
}

/**
 * The indexes that a table declares, by name, each with the row's id and what its views filter by. Texts make a table a hundred times
 * as large as such an index, and a browser's page cache holds only the latter.
 */
export function indexSql(schema: Schema, name: string): Map<string, string> {
  const { columns, options } = schema.tables[name] as Table
  const recovers = Object.values(columns).some(({ reference }) => reference?.onDelete === 'recover')
  const filtered = ['id', '_deleted', '_state', ...(recovers ? ['_edited'] : [])]
  return new Map(
    (options.indexes ?? []).map((declared) => {
      const index = `${indexPrefix(name)}${declared.join('_')}`
      const list = [...new Set([...declared, ...filtered])].map((column) => `"${column}"`).join(', ')
      return [index, `CREATE INDEX "${index}" ON ${rowsTable(name)} (${list})`]
    }),
  )
}

const indexPrefix = (name: string): string => `${rowsTable(name)}_by_`

interface IndexChanges {
  /** Not declared any more, or made by an earlier version of this file. */
  readonly obsolete: readonly string[]
  /** SQL of those that are not there. */
  readonly missing: readonly string[]
}

/** What is to be done for the indexes to be those that `schema` declares. They are derived data: nothing is lost with one. */
function indexChanges(driver: Driver, schema: Schema): IndexChanges {
  const expected = new Map<string, string>()
  for (const name of Object.keys(schema.tables)) for (const [index, sql] of indexSql(schema, name)) expected.set(index, sql)
  const prefixes = new Map(Object.keys(schema.tables).map((name) => [rowsTable(name), indexPrefix(name)]))
  const obsolete: string[] = []
  const stored = driver.prepare("SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").all()
  for (const row of stored) {
    const index = String(row['name'])
    const prefix = prefixes.get(String(row['tbl_name']))
    if (prefix === undefined || !index.startsWith(prefix)) continue
    if (expected.get(index) === row['sql']) expected.delete(index)
    else obsolete.push(index)
  }
  return { obsolete, missing: [...expected.values()] }
}

function migrateIndexes(driver: Driver, { obsolete, missing }: IndexChanges): void {
  for (const index of obsolete) driver.exec(`DROP INDEX "${index}"`)
  for (const sql of missing) driver.exec(sql)
}

/** Creates what is missing. Returns true if the database has tables or columns now that it had not. */
function migrateSchema(driver: Driver, schema: Schema): boolean {
  let grown = false
  const views = new Map<string, string>()
  for (const [name, table] of Object.entries(schema.tables)) {
    const present = new Set(
      driver
        .prepare('SELECT name FROM pragma_table_info(?)')
        .all(rowsTable(name))
        .map((row) => String(row['name'])),
    )
    if (present.size === 0) {
      createRows(driver, name, table)
      grown = true
    } else {
      for (const [column, spec] of Object.entries(table.columns)) {
        if (present.has(column)) continue
        driver.exec(`ALTER TABLE ${rowsTable(name)} ADD COLUMN "${column}" ${AFFINITY[spec.type]}${defaultSql(spec)}`)
        grown = true
      }
    }
    for (const [view, sql] of viewSql(schema, name)) views.set(view, sql)
  }
  migrateIndexes(driver, indexChanges(driver, schema))
  const existing = new Map(
    driver
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'view'")
      .all()
      .map((row) => [String(row['name']), String(row['sql'])]),
  )
  for (const [view, sql] of views) {
    if (existing.get(view) === sql) continue
    if (existing.has(view)) driver.exec(`DROP VIEW "${view}"`)
    driver.exec(sql)
  }
  return grown
}

/**
 * Brings a database to this version and schema in one transaction; opening an up-to-date one writes nothing. Returns the
 * schema to work with: tables and columns that an earlier opening knew and `declared` does not are still there, with
 * their bookkeeping, so that an older version of an app loses nothing of a newer one's [CELL-2].
 * @throws EngineError `database-newer`, `schema-invalid`
 */
export function migrate(driver: Driver, declared: Schema): Schema {
  const version = readVersion(driver)
  if (version > 0) {
    const { schema, stored } = readSchema(driver, declared)
    if (stored === schemaFingerprint(schema)) {
      const { obsolete, missing } = indexChanges(driver, schema)
      if (obsolete.length === 0 && missing.length === 0) return schema
    }
  }
  return driver.transaction(() => {
    // Asked again: another process may have done it while this one waited.
    if (readVersion(driver) === 0) {
      driver.exec(ENGINE_TABLES)
      driver.exec(`PRAGMA user_version = ${DATABASE_VERSION}`)
    }
    const { schema, stored } = readSchema(driver, declared)
    const grown = migrateSchema(driver, schema)
    const set = driver.prepare('INSERT OR REPLACE INTO _meta (key, value) VALUES (?, ?)')
    set.run('schema', schemaFingerprint(schema))
    if (grown && stored !== undefined) set.run('adoptForeign', 1)
    return schema
  })
}

function readVersion(driver: Driver): number {
  const version = Number(driver.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
  if (version > 0 && version < FIRST_DATABASE_VERSION) {
    throw new EngineError(
      'database-older',
      'this vault was written by a preview of Lockstep that was never released: export it with that version and import it into a new home',
    )
  }
  if (version > DATABASE_VERSION) {
    throw new EngineError(
      'database-newer',
      `this vault was written by a newer Lockstep (database version ${version}, this one knows ${DATABASE_VERSION}): please update`,
    )
  }
  return version
}

function readSchema(driver: Driver, declared: Schema): { readonly schema: Schema; readonly stored: string | undefined } {
  const stored = driver.prepare("SELECT value FROM _meta WHERE key = 'schema'").get()?.['value'] as string | undefined
  return { schema: stored === undefined ? declared : withRetired(declared, parseFingerprint(stored)), stored }
}

function withRetired(declared: Schema, stored: Schema): Schema {
  const tables: Record<string, Table> = { ...declared.tables }
  for (const [name, old] of Object.entries(stored.tables)) {
    const now = tables[name]
    if (now !== undefined) {
      for (const [column, { kind }] of Object.entries(old.columns)) {
        const declaredKind = now.columns[column]?.kind ?? kind
        if (declaredKind !== kind) {
          throw new EngineError('schema-invalid', `"${name}.${column}" cannot change its kind: give the new column another name`)
        }
      }
    }
    tables[name] = now === undefined ? old : { columns: { ...now.columns, ...retired(now, old) }, options: now.options }
  }
  return { tables }
}

function retired(now: Table, old: Table): Record<string, Column> {
  return Object.fromEntries(Object.entries(old.columns).filter(([column]) => !Object.hasOwn(now.columns, column)))
}

/** What of a schema the physical tables and views follow from. */
export function schemaFingerprint(schema: Schema): string {
  return JSON.stringify(
    Object.entries(schema.tables)
      .map(([name, { columns, options }]) => [name, Object.entries(columns), options] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function parseFingerprint(text: string): Schema {
  const tables = JSON.parse(text) as [string, [string, Column][], Table['options']][]
  return {
    tables: Object.fromEntries(tables.map(([name, columns, options]) => [name, { columns: Object.fromEntries(columns), options }])),
  }
}

/** True if `fingerprint` has a table or column that `schema` does not have. */
export function outgrows(fingerprint: string, schema: Schema): boolean {
  return Object.entries(parseFingerprint(fingerprint).tables).some(([name, { columns }]) => {
    const known = schema.tables[name]?.columns
    return known === undefined || Object.keys(columns).some((column) => !Object.hasOwn(known, column))
  })
}
