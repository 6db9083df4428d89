/**
 * The full-text index of a vault: a database of its own that can be deleted at any time and follows the vault's change log.
 *
 * **Following.** The vault appends each changed row of a searchable table to `_changes (seq, tbl, n, n_last)`; `n_last` is
 * null for one row, else the entry stands for the rows n to n_last. {@link SearchIndex.catchUp} reads the log behind its
 * watermark and indexes those rows *as they are now*, so entries may be repeated or late without harm. Watermark and
 * index rows are written in one transaction: a process killed at any moment leaves an index that is only behind. A log
 * that does not continue the watermark (it was shortened, or the vault is an older copy) makes the index start over.
 *
 * **Shards.** FTS5 answers a short prefix by merging the lists of all words that begin with it, however few rows are
 * asked for. So each table has one FTS5 table for every {@link SHARD_ROWS} rowids: a search goes from the newest shard
 * down and stops when it has enough. Merging inside FTS5 stays small for the same reason.
 *
 * **Layout**, in the index's database:
 *
 * | table | content |
 * | --- | --- |
 * | `search_state (layout, seq)` | one row: what the shards were made from; the watermark |
 * | `search_queue (id, tbl, n, n_last)` | ranges taken from the log and not yet indexed |
 * | `search_shards (tbl, shard)` | which shards exist |
 * | `fts_TABLE_SHARD` | FTS5 without content, rowid = the row's `_n` |
 *
 * `detail=none` keeps no positions: 30 % quicker to write, and phrases are checked on the vault's text (`snippet.ts`).
 */
import { type Driver, DriverError, type SqlValue } from '#driver'
import { matchExpression, parseQuery, type SearchQuery } from '#search/query'
import { phraseMatcher } from '#search/snippet'

export interface SearchTable {
  /** The physical table; `_n` is its INTEGER PRIMARY KEY. */
  readonly table: string
  /** Its text columns to search in. */
  readonly columns: readonly string[]
  /** A table or view with `_n`: only rows that are in it are found. */
  readonly visible?: string
}

export interface SearchSource {
  readonly tables: readonly SearchTable[]
  /** Changes when the vault database is replaced by another one; the index then starts over. */
  readonly identity?: string
}

export interface SearchIndexOptions {
  readonly driver: Driver
  readonly source: SearchSource
  /** Name of the index's database in the connection: `main` where the vault is attached, else the attached name. Default `main`. */
  readonly indexSchema?: string
  /** Name of the vault's database in the connection. Default `vault`. */
  readonly vaultSchema?: string
}

export interface SearchRequest {
  readonly table: string
  /** As typed; see `query.ts`. */
  readonly text: string
  /** At most this many rows. */
  readonly limit: number
  /** Only rows below this rowid: the last one of the page before. */
  readonly before?: number
  /** Only rows that have this value in this column. */
  readonly where?: ColumnValue | undefined
}

export interface ColumnValue {
  readonly column: string
  readonly value: SqlValue
}

export interface SearchResult {
  /** Rowids, newest (greatest) first. */
  readonly rows: readonly number[]
  /** Changed rows that the index does not know yet; 0 when the answer is complete. */
  readonly backlog: number
}

export interface CatchUpOptions {
  /** Most rows to index in this call, default {@link SHARD_ROWS}. One call is one transaction. */
  readonly maxRows?: number
}

export interface CatchUpResult {
  readonly indexed: number
  /** Nothing is left to index. */
  readonly done: boolean
}

export const SHARD_ROWS = 16384
/** A search indexes this many rows itself before it answers: some 50 ms at worst. */
export const INLINE_BACKLOG = 2000

const LAYOUT_VERSION = 1
const TOKENIZER = 'unicode61 remove_diacritics 2'
/** Bytes FTS5 gathers in memory before it writes: above what one shard needs, so that a bulk load writes each shard once. */
const HASH_SIZE = 32 * 1024 * 1024
/** Log entries read at once. */
const LOG_ENTRIES = 4096
const LAST_ROW = Number.MAX_SAFE_INTEGER

interface LogState {
  /** First sequence number that the log still holds, or will give next. */
  readonly first: number
  readonly last: number
}

const name = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`

export class SearchIndex {
  readonly #driver: Driver
  readonly #tables: ReadonlyMap<string, SearchTable>
  readonly #index: string
  readonly #vault: string
  readonly #layout: string

  /** Creates what is missing in the index's database; starts over when it was made from something else. @throws DriverError */
  constructor(options: SearchIndexOptions) {
    this.#driver = options.driver
    this.#tables = new Map(options.source.tables.map((table) => [table.table, table]))
    this.#index = name(options.indexSchema ?? 'main')
    this.#vault = name(options.vaultSchema ?? 'vault')
    const tables = options.source.tables.map(({ table, columns }) => [table, columns])
    this.#layout = JSON.stringify([LAYOUT_VERSION, TOKENIZER, SHARD_ROWS, options.source.identity ?? null, tables])
    if (!this.#isCurrent()) this.#transaction(() => this.#create())
  }

  /** Changed rows that are not indexed yet. */
  backlog(): number {
    const log = this.#log()
    const seq = this.#watermark()
    if (!this.#continues(log, seq)) {
      let rows = 0
      for (const table of this.#tables.keys()) rows += this.#maxRow(table)
      return rows
    }
    const span = 'CASE WHEN n_last IS NULL THEN 1 ELSE n_last - n + 1 END'
    const logged = this.#number(`SELECT coalesce(sum(${span}), 0) FROM ${this.#vault}._changes WHERE seq > ?`, seq)
    return logged + this.#number(`SELECT coalesce(sum(${span}), 0) FROM ${this.#index}.search_queue`)
  }

  /** Entries of the log up to this sequence number are not needed any more. */
  indexedThrough(): number {
    return this.#watermark()
  }

  /**
   * Indexes what the log holds behind the watermark, the newest rows of a bulk load first, in one transaction.
   * @throws DriverError `busy` when another connection is indexing
   */
  catchUp(options: CatchUpOptions = {}): CatchUpResult {
    // Most calls find nothing to do and need no write lock for it.
    if (this.backlog() === 0 && this.#continues(this.#log(), this.#watermark())) return { indexed: 0, done: true }
    return this.#transaction(() => {
      const log = this.#log()
      if (!this.#continues(log, this.#watermark())) this.#startOver(log)
      let room = Math.max(1, options.maxRows ?? SHARD_ROWS)
      let indexed = 0
      while (room > 0) {
        const rows = this.#indexLogged(room)
        if (rows === undefined) break
        indexed += rows
        room -= rows
      }
      while (room > 0) {
        const rows = this.#indexQueued(room)
        if (rows === undefined) break
        indexed += rows
        room -= rows
      }
      return { indexed, done: this.backlog() === 0 }
    })
  }

  /**
   * Rows that match, newest first. A small backlog is indexed before; a large one is told in the answer. Any text is a
   * query; one without words finds nothing.
   */
  query(request: SearchRequest): SearchResult {
    const table = this.#tables.get(request.table)
    if (table === undefined) throw new RangeError(`${request.table} is not a searchable table`)
    const backlog = this.#catchUpInline()
    const query = parseQuery(request.text)
    const match = matchExpression(query)
    const rows = match === undefined ? [] : this.#snapshot(() => this.#search(table, query, match, request))
    return { rows, backlog }
  }

  /** Forgets everything; the next {@link catchUp} calls index all rows again. For an index that turns out to be damaged. */
  reset(): void {
    this.#transaction(() => this.#startOver(this.#log()))
  }

  #catchUpInline(): number {
    const backlog = this.backlog()
    if (backlog === 0 || backlog > INLINE_BACKLOG) return backlog
    try {
      this.catchUp({ maxRows: INLINE_BACKLOG })
    } catch (error) {
      // The worker is at it; what it has not committed yet is in the backlog that the answer tells.
      if (!(error instanceof DriverError && error.code === 'busy')) throw error
    }
    return this.backlog()
  }

  #search(table: SearchTable, query: SearchQuery, match: string, request: SearchRequest): number[] {
    const rows: number[] = []
    const before = request.before ?? LAST_ROW
    const matchesPhrases = phraseMatcher(query)
    const newest = Math.floor((before - 1) / SHARD_ROWS)
    const { where } = request
    const values = where === undefined ? [] : [where.value]
    const shards = this.#driver
      .prepare(`SELECT shard FROM ${this.#index}.search_shards WHERE tbl = ? AND shard <= ? ORDER BY shard DESC`)
      .values(table.table, newest)
    for (const [shard] of shards) {
      if (rows.length >= request.limit) break
      const fts = name(this.#ftsName(table.table, Number(shard)))
      const asked = where === undefined ? '' : ` AND v.${name(where.column)} = ?`
      const shown =
        table.visible === undefined && where === undefined
          ? ''
          : ` AND EXISTS (SELECT 1 FROM ${this.#vault}.${name(table.visible ?? table.table)} v WHERE v._n = ${fts}.rowid${asked})`
      const sql = `SELECT rowid AS n FROM ${this.#index}.${fts} WHERE ${fts} MATCH ? AND rowid < ?${shown} ORDER BY rowid DESC`
      for (const row of this.#driver.prepare(sql).iterate(match, before, ...values)) {
        const n = Number(row['n'])
        if (matchesPhrases !== undefined && !matchesPhrases(this.#texts(table, n))) continue
        rows.push(n)
        if (rows.length >= request.limit) break
      }
    }
    return rows
  }

  #texts(table: SearchTable, n: number): string[] {
    const sql = `SELECT ${table.columns.map(name).join(', ')} FROM ${this.#vault}.${name(table.table)} WHERE _n = ?`
    return (this.#driver.prepare(sql).values(n)[0] ?? []).filter((value) => typeof value === 'string')
  }

  /**
   * Takes entries from the log: ranges go to the queue, single rows are indexed. Returns the number of rows indexed,
   * undefined at the end of the log.
   */
  #indexLogged(room: number): number | undefined {
    const entries = this.#driver
      .prepare(`SELECT seq, tbl, n, n_last FROM ${this.#vault}._changes WHERE seq > ? ORDER BY seq LIMIT ?`)
      .values(this.#watermark(), Math.min(room, LOG_ENTRIES)) as [number, string, number, number | null][]
    const last = entries.at(-1)
    if (last === undefined) return undefined
    const single = new Map<string, Set<number>>()
    for (const [, table, n, nLast] of entries) {
      if (!this.#tables.has(table)) continue
      if (nLast !== null) this.#enqueue(table, n, nLast)
      else if (single.has(table)) single.get(table)?.add(n)
      else single.set(table, new Set([n]))
    }
    let indexed = 0
    for (const [table, rows] of single) {
      const shards = Map.groupBy(rows, (n) => Math.floor(n / SHARD_ROWS))
      for (const [shard, list] of shards) this.#replace(table, shard, 'IN (SELECT value FROM json_each(?))', [JSON.stringify(list)])
      indexed += rows.size
    }
    this.#driver.prepare(`UPDATE ${this.#index}.search_state SET seq = ?`).run(last[0])
    return indexed
  }

  /** A range that continues or repeats the queue's last one becomes part of it: bulk loads come in many small transactions. */
  #enqueue(table: string, n: number, nLast: number): void {
    if (n > nLast) return
    const last = this.#driver.prepare(`SELECT id, tbl, n, n_last FROM ${this.#index}.search_queue ORDER BY id DESC LIMIT 1`).get()
    if (last !== undefined && last['tbl'] === table && n >= Number(last['n']) && n <= Number(last['n_last']) + 1) {
      const end = Math.max(nLast, Number(last['n_last']))
      this.#driver.prepare(`UPDATE ${this.#index}.search_queue SET n_last = ? WHERE id = ?`).run(end, last['id'] as number)
    } else {
      this.#driver.prepare(`INSERT INTO ${this.#index}.search_queue (tbl, n, n_last) VALUES (?, ?, ?)`).run(table, n, nLast)
    }
  }

  /** Indexes the end of the newest range, as much of it as one shard holds. Returns its rows, undefined when the queue is empty. */
  #indexQueued(room: number): number | undefined {
    const range = this.#driver.prepare(`SELECT id, tbl, n, n_last FROM ${this.#index}.search_queue ORDER BY id DESC LIMIT 1`).get()
    if (range === undefined) return undefined
    const id = Number(range['id'])
    const start = Number(range['n'])
    const table = String(range['tbl'])
    // Where the range has no rows, nothing is walked through.
    const last = this.#number(
      `SELECT coalesce(max(_n), -1) FROM ${this.#vault}.${name(table)} WHERE _n <= ?`,
      Number(range['n_last']),
    )
    const shard = Math.floor(last / SHARD_ROWS)
    const first = Math.max(start, shard * SHARD_ROWS, last - room + 1)
    if (last >= start) this.#replace(table, shard, 'BETWEEN ? AND ?', [first, last])
    if (last < start || first === start) this.#driver.prepare(`DELETE FROM ${this.#index}.search_queue WHERE id = ?`).run(id)
    else this.#driver.prepare(`UPDATE ${this.#index}.search_queue SET n_last = ? WHERE id = ?`).run(first - 1, id)
    return last < start ? 0 : last - first + 1
  }

  /** Makes the index of some rows of one shard what the vault holds of them now. */
  #replace(table: string, shard: number, rows: string, params: SqlValue[]): void {
    const columns = (this.#tables.get(table) as SearchTable).columns.map(name).join(', ')
    const fts = `${this.#index}.${name(this.#ftsName(table, shard))}`
    const indexed = `${this.#index}.${name(`${this.#ftsName(table, shard)}_docsize`)}`
    this.#createShard(table, shard)
    // FTS5's own list of rows tells which ones to take out; a bulk load has none.
    const present = this.#driver.prepare(`SELECT json_group_array(id) FROM ${indexed} WHERE id ${rows}`).values(...params)[0]?.[0]
    if (present !== '[]')
      this.#driver.prepare(`DELETE FROM ${fts} WHERE rowid IN (SELECT value FROM json_each(?))`).run(String(present))
    this.#driver
      .prepare(
        `INSERT INTO ${fts} (rowid, ${columns}) SELECT _n, ${columns} FROM ${this.#vault}.${name(table)} WHERE _n ${rows} ORDER BY _n`,
      )
      .run(...params)
  }

  #createShard(table: string, shard: number): void {
    this.#driver.prepare(`INSERT OR IGNORE INTO ${this.#index}.search_shards (tbl, shard) VALUES (?, ?)`).run(table, shard)
    if (this.#driver.changes() === 0) return
    const fts = this.#ftsName(table, shard)
    const columns = (this.#tables.get(table) as SearchTable).columns.map(name).join(', ')
    this.#driver.exec(`CREATE VIRTUAL TABLE ${this.#index}.${name(fts)} USING fts5(${columns},
      content='', contentless_delete=1, detail=none, tokenize='${TOKENIZER}')`)
    this.#driver.exec(`INSERT INTO ${this.#index}.${name(fts)} (${name(fts)}, rank) VALUES ('hashsize', ${HASH_SIZE})`)
  }

  /** Everything out; every row of the vault is queued, and the log counts as read up to its end. */
  #startOver(log: LogState): void {
    const shards = this.#driver.prepare(`SELECT tbl, shard FROM ${this.#index}.search_shards`).values()
    for (const [table, shard] of shards) {
      this.#driver.exec(`DROP TABLE IF EXISTS ${this.#index}.${name(this.#ftsName(String(table), Number(shard)))}`)
    }
    this.#driver.exec(`DELETE FROM ${this.#index}.search_shards; DELETE FROM ${this.#index}.search_queue`)
    for (const table of [...this.#tables.keys()].reverse()) this.#enqueue(table, 1, this.#maxRow(table))
    this.#driver.prepare(`UPDATE ${this.#index}.search_state SET layout = ?, seq = ?`).run(this.#layout, log.last)
  }

  #create(): void {
    this.#driver.exec(`
      CREATE TABLE IF NOT EXISTS ${this.#index}.search_state (layout TEXT NOT NULL, seq INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS ${this.#index}.search_queue (id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, n INTEGER NOT NULL, n_last INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS ${this.#index}.search_shards (tbl TEXT NOT NULL, shard INTEGER NOT NULL, PRIMARY KEY (tbl, shard)) WITHOUT ROWID`)
    // Another connection may have created it in the meantime.
    if (this.#isCurrent()) return
    if (this.#number(`SELECT count(*) FROM ${this.#index}.search_state`) === 0) {
      this.#driver.prepare(`INSERT INTO ${this.#index}.search_state (layout, seq) VALUES (?, 0)`).run('')
    }
    this.#startOver(this.#log())
  }

  #isCurrent(): boolean {
    const exists = this.#number(`SELECT count(*) FROM ${this.#index}.sqlite_schema WHERE name = 'search_state'`) === 1
    return exists && this.#driver.prepare(`SELECT layout FROM ${this.#index}.search_state`).values()[0]?.[0] === this.#layout
  }

  #log(): LogState {
    const last = this.#number(`SELECT coalesce((SELECT seq FROM ${this.#vault}.sqlite_sequence WHERE name = '_changes'), 0)`)
    const first = this.#driver.prepare(`SELECT min(seq) FROM ${this.#vault}._changes`).values()[0]?.[0]
    return { first: typeof first === 'number' ? first : last + 1, last }
  }

  /** True if no entry is missing between the watermark and the log. */
  #continues(log: LogState, seq: number): boolean {
    return log.first <= seq + 1 && seq <= log.last
  }

  #watermark(): number {
    return this.#number(`SELECT seq FROM ${this.#index}.search_state`)
  }

  #maxRow(table: string): number {
    return this.#number(`SELECT coalesce(max(_n), 0) FROM ${this.#vault}.${name(table)}`)
  }

  #number(sql: string, ...params: SqlValue[]): number {
    return Number(this.#driver.prepare(sql).values(...params)[0]?.[0])
  }

  #ftsName(table: string, shard: number): string {
    return `fts_${table}_${shard}`
  }

  /** Inside the vault's own transaction (both in one connection) the index takes part in it. */
  #transaction<T>(body: () => T): T {
    return this.#driver.inTransaction ? body() : this.#driver.transaction(body)
  }

  /** One state of both databases for several reads. */
  #snapshot<T>(body: () => T): T {
    if (this.#driver.inTransaction) return body()
    this.#driver.exec('BEGIN')
    try {
      return body()
    } finally {
      this.#driver.exec('COMMIT')
    }
  }
}
