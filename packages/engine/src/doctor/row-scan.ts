/** Looks at every row of every synced table: does it still have the digest that it was stored with? */
import type { CheckProgress } from '#doctor/check'
import { DriverError, type Row } from '#driver'
import type { Column } from '#schema'
import type { Store } from '#store'
import { rowsTable } from '#tables'

const PAGE = 512

export interface DamagedRow {
  readonly table: string
  readonly n: number
  /** As `SELECT *` gives it; its id may be what is damaged. */
  readonly row: Row
}

export interface RowScan {
  readonly scanned: number
  readonly damaged: readonly DamagedRow[]
  /** Tables in which SQLite could not read on. */
  readonly unreadable: readonly string[]
}

export function scanRows(store: Store, onProgress?: (progress: CheckProgress) => void): RowScan {
  const damaged: DamagedRow[] = []
  const unreadable: string[] = []
  let scanned = 0
  const tables = Object.keys(store.schema.tables)
  const total = tables.reduce((sum, table) => sum + countRows(store, table), 0)
  for (const table of tables) {
    const defaults = new Defaults(store, table)
    try {
      for (let after = Number.MIN_SAFE_INTEGER; ; ) {
        const page = store.driver.prepare(`SELECT * FROM ${rowsTable(table)} WHERE _n > ? ORDER BY _n LIMIT ${PAGE}`).all(after)
        for (const row of page) {
          const n = Number(row['_n'])
          after = n
          if (!store.rows.isIntact(table, row) || !defaults.fit(row)) damaged.push({ table, n, row })
        }
        scanned += page.length
        onProgress?.({ check: 'rows', done: scanned, total })
        if (page.length < PAGE) break
      }
    } catch (error) {
      if (!(error instanceof DriverError)) throw error
      unreadable.push(table)
    }
  }
  return { scanned, damaged, unreadable }
}

function countRows({ driver }: Store, table: string): number {
  try {
    return Number(driver.prepare(`SELECT count(*) FROM ${rowsTable(table)}`).values()[0]?.[0])
  } catch {
    return 0
  }
}

/** Columns that nobody has written are in no digest: they hold a default, the declared one or that of the table's making. */
class Defaults {
  readonly #store: Store
  readonly #table: string
  readonly #columns: readonly (readonly [string, Column])[]
  readonly #made = new Map<string, unknown>()
  /** Columns that nobody has written, by shape: rows without cells of their own are most. */
  readonly #unwritten = new Map<unknown, readonly (readonly [string, Column])[]>()

  constructor(store: Store, table: string) {
    this.#store = store
    this.#table = table
    this.#columns = Object.entries(store.schema.tables[table]?.columns ?? {})
    const info = store.driver.prepare('SELECT name, dflt_value FROM pragma_table_info(?)').all(rowsTable(table))
    for (const { name, dflt_value: sql } of info) {
      this.#made.set(String(name), sql === null ? null : store.driver.prepare(`SELECT ${sql}`).values()[0]?.[0])
    }
  }

  /** Of an intact row. */
  fit(row: Row): boolean {
    const own = row['_own'] === null ? undefined : (JSON.parse(String(row['_own'])) as Record<string, unknown>)
    const cells = this.#store.rows.parts(this.#table, row).cells
    return this.#notInShape(row['_shape']).every(([name, column]) => {
      if (own !== undefined && Object.hasOwn(own, name)) return true
      if (cells.some(({ col }) => col === name)) return true
      return row[name] === column.default || row[name] === this.#made.get(name)
    })
  }

  #notInShape(shape: unknown): readonly (readonly [string, Column])[] {
    let list = this.#unwritten.get(shape)
    if (list === undefined) {
      const written = new Set(this.#store.rows.storedShape(Number(shape)).columns)
      list = this.#columns.filter(([name]) => !written.has(name))
      this.#unwritten.set(shape, list)
    }
    return list
  }
}
