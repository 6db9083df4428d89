/**
 * The open database: what local writes, the inbox and the outbox share. One write transaction at a time; listeners hear
 * of changed tables after the commit, never before.
 */
import { fromHex, toHex } from '@lockstep/protocol/bytes'
import { type Cells, DELETED } from '#cell'
import type { Driver } from '#driver'
import { EngineError } from '#errors'
import { dropVersions, keepVersion } from '#history'
import { type HlcTime, HybridClock, type ReplicaId, type Stamp, stampCounter, stampMillis } from '#hlc'
import { joinRow, purgedAt } from '#merge'
import { Meta } from '#meta'
import { RowStore, type StoredRow } from '#rows'
import { KIND, type Schema } from '#schema'
import { migrate, outgrows, rowsTable, schemaFingerprint } from '#tables'
import { TextAuthors } from '#text-author'
import { pendWhole } from '#whole-rows'

/** What the engine takes from outside so that it has no clock and no randomness of its own. */
export interface Runtime {
  /** Unix milliseconds. */
  readonly now: () => number
  /** `length` bytes from a cryptographic source. */
  readonly random: (length: number) => Uint8Array
  /** Absent where nobody else waits for this thread. */
  readonly sharing?: Sharing
}

export interface Sharing {
  /** How long others may be kept waiting by one transaction of a download, milliseconds. */
  readonly patience: number
  /** Resolves when they have had their turn. */
  readonly letOthers: () => Promise<void>
}

/** Something a person should know, in one sentence; kept until it no longer holds. */
export interface StoredProblem {
  readonly code: string
  /** What it is about: a replica, a sequence number, a device. */
  readonly subject: string
  readonly detail: string
  readonly at: number
}

export type ChangeOrigin = 'local' | 'remote'
type ChangeListener = (tables: ReadonlySet<string>, origin: ChangeOrigin) => void

export class Store {
  readonly driver: Driver
  /** What the app declares, and what an earlier opening of this database declared besides. */
  readonly schema: Schema
  readonly runtime: Runtime
  readonly meta: Meta
  readonly rows: RowStore
  clock: HybridClock
  readonly textAuthors: TextAuthors
  readonly #listeners = new Set<ChangeListener>()
  #touched = new Set<string>()
  /** Of the database's schema, as last looked at. */
  #fingerprint: string

  constructor(driver: Driver, schema: Schema, runtime: Runtime) {
    this.driver = driver
    this.runtime = runtime
    this.schema = migrate(driver, schema)
    this.#fingerprint = schemaFingerprint(this.schema)
    this.meta = new Meta(driver)
    this.rows = new RowStore(driver, this.schema)
    this.clock = this.#openClock()
    this.textAuthors = new TextAuthors(runtime.random)
    if (this.meta.get('adoptForeign') !== undefined) this.write('remote', () => this.#adoptForeign())
  }

  get replica(): ReplicaId {
    return this.clock.replica
  }

  #openClock(): HybridClock {
    if (this.meta.get('replica') === undefined) {
      this.driver.transaction(() => {
        if (this.meta.get('replica') === undefined) this.meta.set('replica', toHex(this.runtime.random(16)))
      })
    }
    return new HybridClock(this.meta.get('replica') as ReplicaId)
  }

  #readClock(): HlcTime {
    const last = { millis: this.meta.get('clockMillis') ?? 0, counter: this.meta.get('clockCounter') ?? 0 }
    this.clock = new HybridClock(this.meta.get('replica') as ReplicaId, last)
    return last
  }

  /** Another process may have opened this home with a newer schema: rows that this one saved would lose the new columns' stamps. */
  #checkSchema(): void {
    const stored = this.meta.get('schema') as string
    if (stored === this.#fingerprint) return
    if (outgrows(stored, this.schema)) {
      throw new EngineError('database-newer', 'a newer version of this app has this vault open: close this one and start it again')
    }
    this.#fingerprint = stored
  }

  /** This replica and those that this database was before: whose stamps are its own. */
  ownReplicas(): ReadonlySet<string> {
    return new Set([this.replica, ...(JSON.parse(this.meta.get('formerReplicas') ?? '[]') as string[])])
  }

  /** Replaces this database's replica id: it turned out to be a copy of another one [LOG-3]. */
  changeReplica(): ReplicaId {
    this.meta.set('formerReplicas', JSON.stringify([...this.ownReplicas()]))
    const replica = toHex(this.runtime.random(16)) as ReplicaId
    this.clock = new HybridClock(replica, this.clock.last)
    this.meta.set('replica', replica)
    return replica
  }

  /**
   * Runs `body` in one SQLite transaction; the clock's state is stored with it. Nothing of a body that throws remains.
   * @throws EngineError `nested-transaction`
   */
  write<T>(origin: ChangeOrigin, body: () => T): T {
    if (this.driver.inTransaction)
      throw new EngineError('nested-transaction', 'a transaction is open already: use the one you have')
    const clock = this.clock
    this.#touched = new Set()
    let result: T
    try {
      result = this.driver.transaction(() => {
        // Another process may have this home open: inside the transaction the database's clock is the clock.
        this.#checkSchema()
        const before = this.#readClock()
        this.rows.begin()
        const made = body()
        this.rows.flushChanges()
        const { millis, counter } = this.clock.last
        if (millis !== before.millis || counter !== before.counter) {
          this.meta.set('clockMillis', millis)
          this.meta.set('clockCounter', counter)
        }
        return made
      })
    } catch (error) {
      this.clock = clock
      this.rows.forgetUncommitted()
      throw error
    }
    const touched = this.#touched
    this.#touched = new Set()
    if (touched.size > 0) for (const listener of this.#listeners) this.#tell(listener, touched, origin)
    return result
  }

  /** The transaction is committed: what a listener throws is its own failure, not the writer's. */
  #tell(listener: ChangeListener, touched: ReadonlySet<string>, origin: ChangeOrigin): void {
    try {
      listener(touched, origin)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  touch(table: string): void {
    this.#touched.add(rowsTable(table))
  }

  observe(stamp: Stamp): void {
    this.clock.observe({ millis: stampMillis(stamp), counter: stampCounter(stamp) })
  }

  /** Marks a row as having cells, stamped at `since` or later, that no sealed segment holds. */
  markPending(table: string, n: number, since: Stamp): void {
    this.driver.prepare('INSERT INTO _pending (tbl, n, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(table, n, since)
  }

  /**
   * Stores a row's new state and keeps the texts it replaces. `stored` is what {@link RowStore.load} gave, undefined for
   * a new row. Returns the rowid.
   */
  saveRow(table: string, id: string, stored: StoredRow | undefined, cells: Cells, coalesce: boolean): number {
    const { n, shown } = this.rows.save(table, id, stored?.n, cells)
    if (stored !== undefined) this.#keepTexts(table, id, stored, shown, coalesce)
    const purge = purgedAt(cells)
    if (purge !== undefined && !cells.has(DELETED)) dropVersions(this.driver, table, id)
    this.touch(table)
    return n
  }

  #keepTexts(table: string, id: string, stored: StoredRow, shown: Readonly<Record<string, unknown>>, coalesce: boolean): void {
    for (const [column, spec] of Object.entries(this.schema.tables[table]?.columns ?? {})) {
      if (spec.kind !== KIND.text) continue
      const [before, after] = [String(stored.shown[column]), String(shown[column])]
      if (before === after) continue
      const lost = before.length - after.length
      keepVersion(this.driver, { table, id, column, text: before, lost, at: this.runtime.now(), coalesce })
    }
  }

  /** Cells that waited as unknown become cells of the columns that this schema has now [CELL-2]. */
  #adoptForeign(): void {
    for (const table of Object.keys(this.schema.tables)) {
      for (const { id } of this.driver.prepare('SELECT DISTINCT id FROM _foreign WHERE tbl = ?').all(table)) {
        const key = String(id)
        const foreign = this.rows.foreignCells(table, key)
        const stored = this.rows.load(table, key)
        // Saving writes again whatever is still unknown.
        this.rows.saveForeign(table, key, new Map())
        const n = this.saveRow(table, key, stored, stored === undefined ? foreign : joinRow(stored.cells, foreign), true)
        // Perhaps no device that knew the table has brought it to the vault's new server.
        if (this.meta.get('leftServer') !== undefined) pendWhole(this, table, n)
      }
    }
    this.meta.delete('adoptForeign')
  }

  problems(): StoredProblem[] {
    return this.driver
      .prepare('SELECT code, subject, detail, at FROM _problems ORDER BY at')
      .all()
      .map((row) => ({
        code: String(row['code']),
        subject: String(row['subject']),
        detail: String(row['detail']),
        at: Number(row['at']),
      }))
  }

  /** Inside a transaction. One problem a (code, subject); the first report of it stays. */
  report(code: string, subject: string, detail: string): void {
    this.driver
      .prepare('INSERT INTO _problems (code, subject, detail, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
      .run(code, subject, detail, this.runtime.now())
  }

  /** Inside a transaction: it no longer holds, for one subject or for all. */
  settle(code: string, subject?: string): void {
    if (subject === undefined) this.driver.prepare('DELETE FROM _problems WHERE code = ?').run(code)
    else this.driver.prepare('DELETE FROM _problems WHERE code = ? AND subject = ?').run(code, subject)
  }

  replicaBytes(): Uint8Array {
    return fromHex(this.replica)
  }
}
