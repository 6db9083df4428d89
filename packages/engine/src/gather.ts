/**
 * What of the pending rows goes into the next segments: reads them in order and encodes their unsent cells. Nothing is
 * written here; `outbox.ts` stores what came of it, or forgets it.
 */
import { type Cell, type Cells, DELETED, PURGED, type RowDelta, type TextBase, type TextUpdate } from '#cell'
import { ContentEncoder } from '#content-encoder'
import { firstDoubts } from '#doubts'
import type { Row, SqlValue } from '#driver'
import { type ReplicaId, type Stamp, stampReplica, stampTime } from '#hlc'
import { AT, PlainRows } from '#plain-rows'
import { MAX_ROW_BYTES, splitLargeRow } from '#row-parts'
import { KIND } from '#schema'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { compactUpdates, mergeUpdates } from '#text'
import { WHOLE } from '#whole-rows'

/** A segment is closed once its body passes this: large enough that its overhead vanishes, small enough to decode at once. */
const TARGET_BODY_BYTES = 256 * 1024
/** Larger edits of a text are sent without what they wrote and deleted again. */
const LARGE_EDIT_BYTES = 1024 * 1024
const PAGE = 256
/** Rowids of a log that came from its end are below 1. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER

/** Gathered rows that follow each other among the pending ones and whose last write has one stamp: a bulk import has few runs. */
export interface Run {
  readonly table: string
  readonly first: number
  readonly last: number
  /** As gathered: what was written after that stays pending. */
  readonly edited: Stamp
}

export interface Gathered {
  /** One, or one for each part of a large row; none where nothing is left to send of the rows that were pending. */
  readonly encoders: readonly ContentEncoder[]
  readonly rows: number
  readonly runs: readonly Run[]
  /** Rows whose text edits up to `seq` went in. */
  readonly edits: readonly { readonly table: string; readonly n: number; readonly seq: number }[]
  /** Counters of others that it tells as newly seen [LOG-8]. */
  readonly seen: readonly (readonly [ReplicaId, number])[]
  /** Greatest time of this replica's stamps in it, '' for none. */
  readonly time: string
}

/** Goes through the pending rows once, a segment a call. */
export class Gatherer {
  readonly #store: Store
  readonly #epoch: number
  readonly #tables: readonly string[]
  readonly #plain: PlainRows
  /** Replicas whose stamps are this database's own. */
  readonly #own: ReadonlySet<string>
  #seen: Gathered['seen']
  /** Rows up to `#after` of this table have been gathered. */
  #table = 0
  #after = BEFORE_ALL

  constructor(store: Store, epoch: number) {
    this.#store = store
    this.#epoch = epoch
    this.#plain = new PlainRows(store)
    this.#own = store.ownReplicas()
    this.#tables = Object.keys(store.schema.tables)
    const doubts = firstDoubts(store)
    this.#seen = store.driver
      .prepare('SELECT replica, counter FROM _replicas WHERE counter > told AND replica <> ?')
      .all(store.replica)
      .map((row) => [String(row['replica']) as ReplicaId, Number(row['counter'])] as const)
      .filter(([replica, counter]) => counter < (doubts.get(replica) ?? Number.POSITIVE_INFINITY))
  }

  #encoder(seen: Gathered['seen']): ContentEncoder {
    const { replica, runtime, meta } = this.#store
    return new ContentEncoder({
      replica,
      wallClock: Math.max(0, Math.floor(runtime.now())),
      epoch: this.#epoch,
      bundleVersion: meta.get('bundleVersion') ?? 0,
      seen,
      covers: [],
      run: undefined,
    })
  }

  /** The next segment's rows; undefined where none are left. */
  next(): Gathered | undefined {
    const { driver } = this.#store
    const encoder = this.#encoder(this.#seen)
    const runs: { table: string; first: number; last: number; edited: Stamp }[] = []
    const edits: { table: string; n: number; seq: number }[] = []
    let rest: readonly RowDelta[] = []
    let rows = 0
    let time = ''
    tables: for (; this.#table < this.#tables.length; this.#table++, this.#after = BEFORE_ALL) {
      const table = this.#tables[this.#table] as string
      const sql = this.#sql(table)
      let run: (typeof runs)[number] | undefined
      for (;;) {
        const page = driver.prepare(sql).values(table, this.#after)
        for (const row of page) {
          const n = row[AT.n] as number
          const edited = row[AT.edited] as Stamp
          const since = row.at(-1) as string
          const isUnsent = since === WHOLE || (edited >= since && this.#own.has(stampReplica(edited)))
          const plain = isUnsent ? this.#plain.read(table, row) : undefined
          if (plain !== undefined && sizeOfRow(row) <= MAX_ROW_BYTES) {
            encoder.addRow(plain)
          } else {
            const unsent = this.#unsentParts(table, n, since)
            // A row in parts starts a segment.
            if (unsent.parts.length > 1 && rows > 0) break tables
            if (unsent.lastEdit > 0) edits.push({ table, n, seq: unsent.lastEdit })
            const [first, ...others] = unsent.parts
            if (first !== undefined) encoder.add(first)
            rest = others
          }
          this.#after = n
          rows++
          if (this.#own.has(stampReplica(edited)) && stampTime(edited) > time) time = stampTime(edited)
          if (run?.edited === edited) run.last = n
          else {
            run = { table, first: n, last: n, edited }
            runs.push(run)
          }
          if (rest.length > 0 || encoder.size >= TARGET_BODY_BYTES) break tables
        }
        if (page.length < PAGE) break
      }
    }
    if (rows === 0) return undefined
    if (encoder.count === 0) return { encoders: [], rows, runs, edits, seen: [], time }
    const seen = this.#seen
    this.#seen = []
    const others = rest.map((part) => {
      const own = this.#encoder([])
      own.add(part)
      return own
    })
    return { encoders: [encoder, ...others], rows, runs, edits, seen, time }
  }

  /** The pending rows of a table: {@link PlainRows.list} and, last, since when. */
  #sql(table: string): string {
    return `SELECT ${this.#plain.list(table)}, p.since FROM _pending p JOIN ${rowsTable(table)} r ON r._n = p.n WHERE p.tbl = ? AND p.n > ? ORDER BY p.n LIMIT ${PAGE}`
  }

  /** A row's unsent cells, none where nothing is left to send, and the last of the text edits in them, 0 for none. */
  #unsentParts(table: string, n: number, since: string): { readonly parts: readonly RowDelta[]; readonly lastEdit: number } {
    const edits = this.#store.driver
      .prepare('SELECT seq, col, base, base_stamp, edit FROM _pending_text WHERE tbl = ? AND n = ? ORDER BY seq')
      .all(table, n)
    const lastEdit = Number(edits.at(-1)?.['seq'] ?? 0)
    const stored = this.#store.rows.loadByRowid(table, n)
    if (stored === undefined) return { parts: [], lastEdit }
    const cells = unsentCells(stored.cells, since, this.#own, edits)
    const onlyDeleted = ![...cells.keys()].some((name) => name !== DELETED)
    if (onlyDeleted && since !== WHOLE && !isOwn(cells.get(DELETED), since, this.#own)) return { parts: [], lastEdit }
    return { parts: splitLargeRow(cells).map((part) => ({ table, id: stored.id, cells: part })), lastEdit }
  }
}

/** At most this many bytes in a segment's body. */
function sizeOfRow(row: readonly SqlValue[]): number {
  let size = 0
  for (const value of row) {
    if (typeof value === 'string') size += value.length * 3
    else if (value instanceof Uint8Array) size += value.length
  }
  return size
}

/** The edits made on one stamp of the base as one; large ones as what the text is now, which contains them. */
function unsentEdit(key: number, entry: TextBase, base: Stamp, edits: readonly Uint8Array[]): TextUpdate {
  const merged = { base, bytes: mergeUpdates(edits) }
  if (merged.bytes.length < LARGE_EDIT_BYTES || entry.base === undefined) return merged
  const [compact, ...others] = compactUpdates(key, { base: entry.base, updates: [...entry.updates, merged] })
  const smaller =
    compact !== undefined && others.length === 0 && compact.base === base && compact.bytes.length < merged.bytes.length
  return smaller ? compact : merged
}

function unsentEdits(key: number, entry: TextBase, edits: readonly Row[]): TextUpdate[] {
  const byBase = new Map<Stamp, Uint8Array[]>()
  for (const edit of edits) {
    const base = edit['base_stamp'] as Stamp
    byBase.set(base, [...(byBase.get(base) ?? []), edit['edit'] as Uint8Array])
  }
  return [...byBase].map(([base, bytes]) => unsentEdit(key, entry, base, bytes))
}

function isOwn(cell: Cell | undefined, since: string, replicas: ReadonlySet<string>): boolean {
  return cell?.kind === KIND.lww && cell.stamp >= since && replicas.has(stampReplica(cell.stamp))
}

/** The cells of a row that this replica wrote at `since` or later, with the row's `_deleted` cell; all of one that is sent whole. */
function unsentCells(cells: Cells, since: string, replicas: ReadonlySet<string>, edits: readonly Row[]): Map<string, Cell> {
  if (since === WHOLE) return new Map(cells)
  const out = new Map<string, Cell>()
  const own = (stamp: Stamp) => stamp >= since && replicas.has(stampReplica(stamp))
  for (const [name, cell] of cells) {
    if (cell.kind === KIND.lww) {
      if (name === DELETED || own(cell.stamp)) out.set(name, cell)
    } else if (cell.kind === KIND.set) {
      const value = new Map([...cell.value].filter(([, { stamp }]) => own(stamp)))
      if (value.size > 0) out.set(name, { kind: KIND.set, value })
    } else {
      const value = new Map<number, TextBase>()
      for (const [key, entry] of cell.value) {
        const { base } = entry
        const made = edits.filter((edit) => edit['col'] === name && edit['base'] === key)
        const sendBase = base !== undefined && own(base.stamp)
        if (sendBase || made.length > 0) {
          value.set(key, { base: sendBase ? base : undefined, updates: unsentEdits(key, entry, made) })
        }
      }
      if (value.size > 0) out.set(name, { kind: KIND.text, value })
    }
  }
  // The decoder wants one of the two; a purged row has only the other.
  if (!out.has(DELETED) && !out.has(PURGED)) {
    const purge = cells.get(PURGED)
    if (purge !== undefined) out.set(PURGED, purge)
  }
  return out
}
