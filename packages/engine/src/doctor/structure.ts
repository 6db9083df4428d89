/**
 * The definitions of tables, indexes and views: text like any other on a disk. A bit in it can turn `_deleted = 0` into
 * `_deleted = 1`, which SQLite takes for what was meant. Views hold nothing and are made again.
 */
import type { Driver } from '#driver'
import type { Schema } from '#schema'
import { AFFINITY, ENGINE_TABLES, indexSql, rowsTable, viewSql } from '#tables'

export interface Structure {
  /** Views whose definition is gone or another, with the right one. */
  readonly views: readonly (readonly [string, string])[]
  /** Tables and indexes, by name: what is in them cannot be trusted. */
  readonly broken: readonly string[]
}

/** Columns of every `rows_T` besides the table's own, with their types. */
const BOOKKEEPING: Readonly<Record<string, string>> = {
  _n: 'INTEGER',
  id: 'TEXT',
  _deleted: 'INTEGER',
  _edited: 'TEXT',
  _shape: 'INTEGER',
  _stamp: 'TEXT',
  _own: 'TEXT',
  _state: 'INTEGER',
  _digest: 'INTEGER',
}

/** @throws DriverError where not even the definitions can be read. */
export function structureOf(driver: Driver, schema: Schema): Structure {
  const stored = new Map<string, string>()
  for (const { name, sql } of driver.prepare('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL').all()) {
    stored.set(String(name), String(sql))
  }
  const broken: string[] = []
  for (const [sql, name] of engineDefinitions()) if (stored.get(name) !== sql) broken.push(name)
  const views: [string, string][] = []
  for (const [table, { columns }] of Object.entries(schema.tables)) {
    const expected = new Map(Object.entries(BOOKKEEPING))
    for (const [name, { type }] of Object.entries(columns)) expected.set(name, AFFINITY[type])
    const found = driver.prepare('SELECT name, type FROM pragma_table_info(?)').all(rowsTable(table))
    const same = found.length === expected.size && found.every(({ name, type }) => expected.get(String(name)) === type)
    if (!same) broken.push(rowsTable(table))
    for (const [index, sql] of indexSql(schema, table)) if (stored.get(index) !== sql) broken.push(index)
    for (const [view, sql] of viewSql(schema, table)) if (stored.get(view) !== sql) views.push([view, sql])
  }
  return { views, broken }
}

/** The engine's own tables and indexes: their text, and their names. */
function engineDefinitions(): (readonly [string, string])[] {
  return [...ENGINE_TABLES.matchAll(/CREATE (?:TABLE|INDEX) (\w+)[^;]*/g)].map(([sql, name]) => [sql, name as string] as const)
}

export function remakeViews(driver: Driver, views: Structure['views']): void {
  driver.transaction(() => {
    for (const [name, sql] of views) {
      driver.exec(`DROP VIEW IF EXISTS "${name}"`)
      driver.exec(sql)
    }
  })
}
