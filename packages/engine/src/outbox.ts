/**
 * From pending rows to sealed segments, and from there to "the server has them" [LOG-2].
 *
 * Pending is state, not a log: a row is pending `since` a stamp, and what is sent are its cells with this replica's
 * stamps from then on, as they are when the segment is made. A hundred edits of one cell while offline are one cell.
 * Counter and stamps enter the database in the transaction that stores the exact sealed bytes; a segment that was
 * sealed but not stored was never sent, so its counter is free.
 */
import { fromHex } from '@lockstep/protocol/bytes'
import type { Sha256 } from '@lockstep/protocol/chain'
import { DIGEST_BYTES, SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { type Cell, type Cells, DELETED, PURGED, type RowDelta, type TextBase } from '#cell'
import { ContentEncoder, type ContentRow, type Shape } from '#content'
import type { Row, SqlValue } from '#driver'
import { type ReplicaId, type Stamp, stampReplica, stampTime } from '#hlc'
import { joinCell } from '#merge'
import { KIND } from '#schema'
import type { Sealer } from '#sealing'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { compactUpdates, mergeUpdates } from '#text'
import { sinceAfter } from '#transaction'

/** A segment is closed once its body passes this: large enough that its overhead vanishes, small enough to decode at once. */
const TARGET_BODY_BYTES = 256 * 1024
/** A row that may pass this is cut into parts, a segment for each: the body's hard limit is twice this. */
const MAX_ROW_BYTES = 4 * 1024 * 1024
/** Larger edits of a text are sent without what they wrote and deleted again. */
const LARGE_EDIT_BYTES = 1024 * 1024
const PAGE = 256

interface Gathered {
  /** Absent where nothing is left to send of the rows that were pending. */
  readonly body: Uint8Array | undefined
  /** What does not fit into the body of a large row that is alone in it: each becomes a segment of its own. */
  readonly rest: readonly RowDelta[]
  /** Rows in the segment with their last write as gathered: what was written after that stays pending. */
  readonly included: readonly { readonly table: string; readonly n: number; readonly edited: Stamp; readonly lastEdit: number }[]
  readonly seen: readonly (readonly [ReplicaId, number])[]
  readonly time: string
  /** The time of the segments before. */
  readonly timeBefore: string
}

interface SealedSegment {
  readonly counter: number
  readonly previous: Uint8Array
  readonly digest: Uint8Array
  readonly bytes: Uint8Array
}

/** A segment as it waits to be sent. */
export interface OutboxSegment {
  readonly counter: number
  readonly rows: number
  readonly record: SegmentRecord
}

export class Outbox {
  readonly #store: Store
  readonly #sealer: Sealer
  readonly #sha256: Sha256

  constructor(store: Store, sealer: Sealer, sha256: Sha256) {
    this.#store = store
    this.#sealer = sealer
    this.#sha256 = sha256
  }

  /** Counter and digest of this replica's last sealed segment. */
  last(): { readonly counter: number; readonly digest: Uint8Array } {
    const row = this.#store.driver.prepare('SELECT counter, digest FROM _segments ORDER BY counter DESC LIMIT 1').get()
    if (row === undefined) return { counter: 0, digest: new Uint8Array(DIGEST_BYTES) }
    return { counter: Number(row['counter']), digest: row['digest'] as Uint8Array }
  }

  hasPending(): boolean {
    return this.#store.driver.prepare('SELECT 1 FROM _pending LIMIT 1').get() !== undefined
  }

  /** Rows and edits that are not in a sealed segment. */
  pendingRows(): number {
    return Number(this.#store.driver.prepare('SELECT count(*) AS c FROM _pending').get()?.['c'] ?? 0)
  }

  /**
   * Seals one segment of pending rows into the outbox. Returns the rows it took, 0 where nothing was pending. One call at
   * a time; rows may be written while it waits for encryption.
   */
  async sealNext(): Promise<number> {
    const { counter: lastCounter, digest: previous } = this.last()
    const counter = lastCounter + 1
    const replica = this.#store.replica
    const gathered = this.#gather(counter, previous)
    if (gathered === undefined) return 0
    const sealed = await this.#seal(gathered, counter, previous)
    this.#store.write('remote', () => {
      // Another process on the same home may have sealed meanwhile: then these bytes were never anybody's, and are dropped.
      if (this.#store.replica !== replica || this.last().counter !== lastCounter) return
      const insert = this.#store.driver.prepare(
        'INSERT INTO _segments (counter, digest, previous, epoch, time, rows, seq, sealed) VALUES (?, ?, ?, ?, ?, ?, NULL, ?)',
      )
      sealed.forEach((segment, i) => {
        // A row has arrived when its last part has.
        const time = i === sealed.length - 1 ? gathered.time : gathered.timeBefore
        const rows = i === 0 ? gathered.included.length : 0
        insert.run(segment.counter, segment.digest, segment.previous, this.#sealer.epoch, time, rows, segment.bytes)
      })
      this.#settle(gathered)
    })
    return gathered.included.length
  }

  /** The segments of what was gathered, each naming the one before it: mostly one. */
  async #seal({ body, rest }: Gathered, counter: number, previous: Uint8Array): Promise<SealedSegment[]> {
    const out: SealedSegment[] = []
    if (body === undefined) return out
    const add = async (bytesOf: Uint8Array, at: number, before: Uint8Array) => {
      const place = { kind: SEGMENT_KIND.delta, epoch: this.#sealer.epoch, replica: this.#store.replicaBytes(), counter: at }
      const bytes = await this.#sealer.seal(place, bytesOf)
      out.push({ counter: at, previous: before, digest: this.#sha256(bytes), bytes })
    }
    await add(body, counter, previous)
    for (const part of rest) {
      const last = out.at(-1) as SealedSegment
      const encoder = this.#encoder(last.counter + 1, last.digest, [])
      encoder.add(part)
      await add(encoder.finish(), last.counter + 1, last.digest)
    }
    return out
  }

  /** Takes from pending what a stored segment holds. */
  #settle({ included, seen }: Gathered): void {
    const { driver } = this.#store
    for (const { table, n, edited, lastEdit } of included) {
      const physical = rowsTable(table)
      driver
        .prepare(`DELETE FROM _pending WHERE tbl = ? AND n = ? AND (SELECT _edited FROM ${physical} WHERE _n = ?) = ?`)
        .run(table, n, n, edited)
      if (driver.prepare('SELECT 1 FROM _pending WHERE tbl = ? AND n = ?').get(table, n) !== undefined) {
        driver.prepare('UPDATE _pending SET since = ? WHERE tbl = ? AND n = ?').run(sinceAfter(edited), table, n)
      }
      if (lastEdit > 0) driver.prepare('DELETE FROM _pending_text WHERE tbl = ? AND n = ? AND seq <= ?').run(table, n, lastEdit)
    }
    for (const [replica, counter] of seen) driver.prepare('UPDATE _replicas SET told = ? WHERE replica = ?').run(counter, replica)
  }

  #encoder(counter: number, previous: Uint8Array, seen: Gathered['seen']): ContentEncoder {
    const { replica, runtime, meta } = this.#store
    return new ContentEncoder({
      replica,
      counter,
      previous,
      wallClock: Math.max(0, Math.floor(runtime.now())),
      epoch: this.#sealer.epoch,
      bundleVersion: meta.get('bundleVersion') ?? 0,
      seen,
      covers: [],
    })
  }

  #gather(counter: number, previous: Uint8Array): Gathered | undefined {
    const { driver, replica, schema } = this.#store
    const seen = driver
      .prepare('SELECT replica, counter FROM _replicas WHERE counter > told')
      .all()
      .map((row) => [String(row['replica']) as ReplicaId, Number(row['counter'])] as const)
    const encoder = this.#encoder(counter, previous, seen)
    const included: Gathered['included'][number][] = []
    let rest: RowDelta[] = []
    let time = ''
    const shapes = new Map<SqlValue, Shape>()
    tables: for (const table of Object.keys(schema.tables)) {
      for (let after = -1; ; ) {
        const page = driver
          .prepare(
            `SELECT p.since, r.* FROM _pending p JOIN ${rowsTable(table)} r ON r._n = p.n WHERE p.tbl = ? AND p.n > ? ORDER BY p.n LIMIT ${PAGE}`,
          )
          .all(table, after)
        for (const row of page) {
          after = Number(row['_n'])
          const edited = row['_edited'] as Stamp
          let lastEdit = 0
          if (isPlain(row, replica) && sizeOfRow(row) <= MAX_ROW_BYTES) {
            this.#addPlain(encoder, table, row, shapes)
          } else {
            const unsent = this.#unsentParts(table, row)
            // A row in parts starts a segment.
            if (unsent.parts.length > 1 && included.length > 0) break tables
            lastEdit = unsent.lastEdit
            const [first, ...others] = unsent.parts
            if (first !== undefined) encoder.add(first)
            rest = others
          }
          if (stampReplica(edited) === replica && stampTime(edited) > time) time = stampTime(edited)
          included.push({ table, n: after, edited, lastEdit })
          if (rest.length > 0 || encoder.size >= TARGET_BODY_BYTES) break tables
        }
        if (page.length < PAGE) break
      }
    }
    if (included.length === 0) return undefined
    // A segment's time bounds the stamps of this replica in it and before it.
    const last = String(driver.prepare('SELECT max(time) AS t FROM _segments').get()?.['t'] ?? '')
    const times = { time: time > last ? time : last, timeBefore: last }
    if (encoder.count === 0) return { body: undefined, rest, included, seen: [], ...times }
    return { body: encoder.finish(), rest, included, seen, ...times }
  }

  #addPlain(encoder: ContentEncoder, table: string, row: Row, shapes: Map<SqlValue, Shape>): void {
    const shapeId = row['_shape'] as SqlValue
    let shape = shapes.get(shapeId)
    if (shape === undefined) {
      shape = this.#store.rows.shape(table, Number(shapeId))
      shapes.set(shapeId, shape)
    }
    encoder.addRow(plainRow(shape, row, row['_edited'] as Stamp))
  }

  /** A row's unsent cells, none where nothing is left to send, and the last of the text edits in them, 0 for none. */
  #unsentParts(table: string, row: Row): { readonly parts: readonly RowDelta[]; readonly lastEdit: number } {
    const since = String(row['since'])
    const id = String(row['id'])
    const n = Number(row['_n'])
    const edits = this.#store.driver
      .prepare('SELECT seq, col, base, edit FROM _pending_text WHERE tbl = ? AND n = ? ORDER BY seq')
      .all(table, n)
    const stored = this.#store.rows.load(table, id)
    const cells = stored === undefined ? new Map<string, Cell>() : unsentCells(stored.cells, since, this.#store.replica, edits)
    const lastEdit = Number(edits.at(-1)?.['seq'] ?? 0)
    if (![...cells.keys()].some((name) => name !== DELETED) && !isOwn(cells.get(DELETED), since, this.#store.replica))
      return { parts: [], lastEdit }
    return { parts: splitLargeRow(cells).map((part) => ({ table, id, cells: part })), lastEdit }
  }

  /** The oldest segments that the server is not known to have, up to `limit` bytes but at least one. */
  unsent(limit: number): OutboxSegment[] {
    const out: OutboxSegment[] = []
    let bytes = 0
    // The replica comes with the segments: another process may just have changed both.
    const rows = this.#store.driver.prepare(
      "SELECT *, (SELECT value FROM _meta WHERE key = 'replica') AS replica FROM _segments WHERE seq IS NULL ORDER BY counter",
    )
    for (const row of rows.iterate()) {
      const sealed = row['sealed'] as Uint8Array
      bytes += sealed.length
      if (out.length > 0 && bytes > limit) break
      const counter = Number(row['counter'])
      const record: SegmentRecord = {
        kind: SEGMENT_KIND.delta,
        epoch: Number(row['epoch']),
        replica: fromHex(String(row['replica'])),
        counter,
        previous: row['previous'] as Uint8Array,
        sealed,
      }
      out.push({ counter, rows: Number(row['rows']), record })
    }
    return out
  }

  unsentCount(): { readonly segments: number; readonly bytes: number } {
    const row = this.#store.driver
      .prepare('SELECT count(*) AS segments, coalesce(sum(length(sealed)), 0) AS bytes FROM _segments WHERE seq IS NULL')
      .get()
    return { segments: Number(row?.['segments'] ?? 0), bytes: Number(row?.['bytes'] ?? 0) }
  }

  /** Inside a transaction: the server has this replica's segment `counter` under `sequence`. */
  acknowledge(counter: number, sequence: number): void {
    this.#store.driver
      .prepare('UPDATE _segments SET seq = ?, sealed = NULL WHERE counter = ? AND seq IS NULL')
      .run(sequence, counter)
  }

  /** Digest of our own segment `counter`, undefined where we never made it. */
  digestOf(counter: number): Uint8Array | undefined {
    return this.#store.driver.prepare('SELECT digest FROM _segments WHERE counter = ?').get(counter)?.['digest'] as
      | Uint8Array
      | undefined
  }
}

function plainRow(shape: Shape, row: Row, stamp: Stamp): ContentRow {
  const values = shape.columns.map(({ name }) => row[name] as SqlValue)
  return { shape, id: String(row['id']), stamp, stamps: undefined, values }
}

/** True if all that there is of a row is one write of `replica`, and none of it was sent. */
function isPlain(row: Row, replica: ReplicaId): boolean {
  const edited = row['_edited'] as Stamp
  const whole = row['_state'] === 0 && row['_own'] === null && row['_stamp'] === null
  return whole && edited >= String(row['since']) && stampReplica(edited) === replica
}

/** At most this many bytes in a segment's body. */
function sizeOfRow(row: Row): number {
  let size = 0
  for (const value of Object.values(row)) {
    if (typeof value === 'string') size += value.length * 3
    else if (value instanceof Uint8Array) size += value.length
  }
  return size
}

/** The edits as one; large ones as what the text is now, which contains them. */
function unsentEdit(key: number, entry: TextBase, edits: readonly Uint8Array[]): Uint8Array {
  const merged = mergeUpdates(edits)
  if (merged.length < LARGE_EDIT_BYTES || entry.base === undefined) return merged
  const [compact] = compactUpdates(key, { base: entry.base, updates: [...entry.updates, merged] })
  return compact !== undefined && compact.length < merged.length ? compact : merged
}

function isOwn(cell: Cell | undefined, since: string, replica: ReplicaId): boolean {
  return cell?.kind === KIND.lww && cell.stamp >= since && stampReplica(cell.stamp) === replica
}

/** The cells of a row that this replica wrote at `since` or later, with the row's `_deleted` cell. */
function unsentCells(cells: Cells, since: string, replica: ReplicaId, edits: readonly Row[]): Map<string, Cell> {
  const out = new Map<string, Cell>()
  const own = (stamp: Stamp) => stamp >= since && stampReplica(stamp) === replica
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
        const made = edits.filter((edit) => edit['col'] === name && edit['base'] === key).map((edit) => edit['edit'] as Uint8Array)
        const sendBase = base !== undefined && own(base.stamp)
        if (sendBase || made.length > 0) {
          value.set(key, { base: sendBase ? base : undefined, updates: made.length > 0 ? [unsentEdit(key, entry, made)] : [] })
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

function sizeOf(cell: Cell): number {
  if (cell.kind === KIND.lww) {
    return typeof cell.value === 'string' ? cell.value.length * 3 : cell.value instanceof Uint8Array ? cell.value.length : 16
  }
  if (cell.kind === KIND.set) return [...cell.value.keys()].reduce((sum, element) => sum + element.length * 3 + 64, 0)
  let size = 0
  for (const { base, updates } of cell.value.values()) {
    size += (base?.text.length ?? 0) * 3 + updates.reduce((sum, update) => sum + update.length, 0)
  }
  return size
}

/** Elements of a set that travel together: at their largest (64 K UTF-16 units) still within {@link MAX_ROW_BYTES}. */
const ATOM_ELEMENTS = 16

/** What of a cell can travel alone: a base, an update, some elements; their join is the cell. */
function atoms(cell: Cell): Cell[] {
  if (cell.kind === KIND.lww) return [cell]
  if (cell.kind === KIND.set) {
    const entries = [...cell.value]
    const groups = Array.from({ length: Math.ceil(entries.length / ATOM_ELEMENTS) }, (_, i) => i * ATOM_ELEMENTS)
    return groups.map((from) => ({ kind: KIND.set, value: new Map(entries.slice(from, from + ATOM_ELEMENTS)) }))
  }
  const one = (key: number, text: TextBase): Cell => ({ kind: KIND.text, value: new Map([[key, text]]) })
  return [...cell.value].flatMap(([key, { base, updates }]) => [
    ...(base === undefined ? [] : [one(key, { base, updates: [] })]),
    ...updates.map((update) => one(key, { base: undefined, updates: [update] })),
  ])
}

/** A row as one delta, or as several that fit into a segment each; their join is the row. */
function splitLargeRow(cells: Map<string, Cell>): Cells[] {
  let size = 0
  for (const cell of cells.values()) size += sizeOf(cell)
  if (size <= MAX_ROW_BYTES) return [cells]
  const life = [...cells].filter(([name]) => name === DELETED || name === PURGED)
  const parts: Map<string, Cell>[] = []
  let left = 0
  for (const [name, cell] of cells) {
    if (name === DELETED || name === PURGED) continue
    for (const atom of atoms(cell)) {
      const bytes = sizeOf(atom)
      if (parts.length === 0 || bytes > left) {
        parts.push(new Map(life))
        left = MAX_ROW_BYTES
      }
      const part = parts.at(-1) as Map<string, Cell>
      const there = part.get(name)
      part.set(name, there === undefined ? atom : joinCell(there, atom))
      left -= bytes
    }
  }
  return parts
}
