/**
 * The trash empties itself: what this device has seen deleted for {@link TRASH_MILLIS} is purged for good, on every device
 * [CELL-8]. Called after each sync, it looks once a day.
 *
 * **Whose time.** A delete's stamp is its author's clock, which may be wrong by years; so each device notes in `_trash` when
 * it first saw a row deleted, by its own clock, and starts anew when the row's last write changes. Nothing is noted or
 * purged while that clock and the server's differ by more than {@link MOST_APART_MILLIS}. So a clock that was years ahead or
 * behind in between neither hastens a purge nor is remembered, and a server alone can only put one off.
 *
 * **What goes along.** What is hidden because its parent is deleted goes with it, children first. A parent stays as long as
 * a `recover` child of it is shown, or was deleted by itself and has not waited long enough: its name is still needed.
 *
 * Finding children takes an index on the referring column (`indexes` of the schema); without one each look is a scan.
 */
import { DriverError } from '#driver'
import type { OnParentDelete, Table } from '#schema'
import type { Store } from '#store'
import { ROW_STATE, rowsTable } from '#tables'
import { Transaction } from '#transaction'

const DAY = 24 * 60 * 60 * 1000
/** How long a deleted row can be taken back. */
export const TRASH_MILLIS = 30 * DAY
/** A clock that is further from the server's decides nothing. */
const MOST_APART_MILLIS = DAY
/** A call purges at most about this many rows, so that no sync waits for it; the next one goes on. */
const ROWS_PER_CALL = 1000

const IN_TRASH = `_deleted = 1 AND (_state & ${ROW_STATE.purged}) = 0`

export interface PurgeClocks {
  /** This device's wall clock, Unix milliseconds. */
  readonly now: number
  /** The server's, as its last answer told it; undefined where it did not. */
  readonly serverNow: number | undefined
}

/** Outside of a transaction. Returns how many rows were purged; they are pending then. */
export function purgeExpired(store: Store, { now, serverNow }: PurgeClocks): number {
  if (serverNow === undefined || Math.abs(now - serverNow) > MOST_APART_MILLIS) return 0
  const last = store.meta.get('trashSweptAt')
  if (last !== undefined && last <= now && now - last < DAY) return 0
  return store.write('local', () => {
    noticeTrash(store, now)
    const sweep = new Sweep(store, now - TRASH_MILLIS)
    const purged = sweep.run()
    if (sweep.done) store.meta.set('trashSweptAt', now)
    return purged
  })
}

/** Tables of the app; the engine's own have no trash. */
function appTables(store: Store): [string, Table][] {
  return Object.entries(store.schema.tables).filter(([name]) => !name.startsWith('_'))
}

/** Inside a transaction: notes what is newly in the trash, and forgets what is not there any more. */
function noticeTrash(store: Store, now: number): void {
  const { driver } = store
  for (const [table] of appTables(store)) {
    const rows = rowsTable(table)
    driver
      .prepare(
        `INSERT INTO _trash (tbl, n, edited, at) SELECT ?, _n, _edited, ? FROM ${rows} WHERE ${IN_TRASH}
         ON CONFLICT (tbl, n) DO UPDATE SET edited = excluded.edited, at = excluded.at WHERE edited <> excluded.edited OR at > excluded.at`,
      )
      .run(table, now)
    driver
      .prepare(`DELETE FROM _trash WHERE tbl = ? AND NOT EXISTS (SELECT 1 FROM ${rows} r WHERE r._n = _trash.n AND ${IN_TRASH})`)
      .run(table)
  }
}

interface Reference {
  readonly child: string
  readonly column: string
  readonly onDelete: OnParentDelete
}

/** One pass over what has waited long enough. */
class Sweep {
  readonly #store: Store
  readonly #tx: Transaction
  /** What was noticed until then goes. */
  readonly #until: number
  readonly #references = new Map<string, Reference[]>()
  #purged = 0
  #complete = true

  constructor(store: Store, until: number) {
    this.#store = store
    this.#tx = new Transaction(store)
    this.#until = until
    for (const [name] of appTables(store)) this.#references.set(name, [])
    for (const [child, { columns }] of appTables(store)) {
      for (const [column, { reference }] of Object.entries(columns)) {
        if (reference !== undefined) this.#references.get(reference.table)?.push({ child, column, onDelete: reference.onDelete })
      }
    }
  }

  /** False where the rest is left to the next call. */
  get done(): boolean {
    return this.#complete
  }

  run(): number {
    try {
      for (const table of this.#childrenFirst()) {
        for (const id of this.#expired(table)) {
          if (this.#purged >= ROWS_PER_CALL) {
            this.#complete = false
            return this.#purged
          }
          if (this.#mayGo(table, id)) this.#purge(table, id)
        }
      }
      return this.#purged
    } finally {
      this.#tx.close()
    }
  }

  #childrenFirst(): string[] {
    const out = new Set<string>()
    const visit = (table: string) => {
      for (const { child } of this.#references.get(table) ?? []) visit(child)
      out.add(table)
    }
    for (const table of this.#references.keys()) visit(table)
    return [...out]
  }

  #expired(table: string): string[] {
    return this.#ids(
      `SELECT r.id FROM _trash t JOIN ${rowsTable(table)} r ON r._n = t.n AND r._edited = t.edited
       WHERE t.tbl = ? AND t.at <= ? AND ${IN_TRASH} ORDER BY t.at`,
      table,
      this.#until,
    )
  }

  #ids(sql: string, ...params: (string | number)[]): string[] {
    return this.#store.driver
      .prepare(sql)
      .all(...params)
      .map(({ id }) => String(id))
  }

  /** True if nothing below the row is shown or could be taken back by itself, and all of it can be read. */
  #mayGo(table: string, id: string): boolean {
    try {
      this.#store.rows.load(table, id)
    } catch (error) {
      // Damaged on this disk: the doctor's business, and no reason for a sync to fail.
      if (error instanceof DriverError && error.code === 'corrupt') return false
      throw error
    }
    return (this.#references.get(table) ?? []).every((reference) => {
      if (reference.onDelete === 'recover' && this.#holdsBack(reference, id)) return false
      return this.#children(reference, id).every((child) => this.#mayGo(reference.child, child))
    })
  }

  #holdsBack({ child, column }: Reference, id: string): boolean {
    const { driver } = this.#store
    if (driver.prepare(`SELECT 1 FROM "${child}" WHERE "${column}" = ? LIMIT 1`).get(id) !== undefined) return true
    const waiting = driver.prepare(
      `SELECT 1 FROM ${rowsTable(child)} r WHERE r."${column}" = ? AND ${IN_TRASH}
       AND NOT EXISTS (SELECT 1 FROM _trash t WHERE t.tbl = ? AND t.n = r._n AND t.at <= ?) LIMIT 1`,
    )
    return waiting.get(id, child, this.#until) !== undefined
  }

  #children({ child, column }: Reference, id: string): string[] {
    const sql = `SELECT id FROM ${rowsTable(child)} WHERE "${column}" = ? AND (_state & ${ROW_STATE.purged}) = 0`
    return this.#ids(sql, id)
  }

  /** With all below it. Where the call's share is used up the parent stays for the next one: its children are hidden by it. */
  #purge(table: string, id: string): boolean {
    for (const reference of this.#references.get(table) ?? []) {
      for (const child of this.#children(reference, id)) if (!this.#purge(reference.child, child)) return false
    }
    if (this.#purged >= ROWS_PER_CALL) {
      this.#complete = false
      return false
    }
    this.#tx.delete(table, id)
    if (this.#tx.purge(table, id)) this.#purged++
    return true
  }
}

/** When a row that waits in the trash will be purged, by this device's clock; undefined before it was noticed. */
export function purgeTime(store: Store, table: string, id: string): number | undefined {
  const rows = rowsTable(table)
  const row = store.driver
    .prepare(`SELECT t.at FROM ${rows} r JOIN _trash t ON t.tbl = ? AND t.n = r._n AND t.edited = r._edited WHERE r.id = ?`)
    .get(table, id)
  return row === undefined ? undefined : Number(row['at']) + TRASH_MILLIS
}
