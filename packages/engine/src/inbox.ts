/**
 * Applying what the server delivered. Opening a segment and applying it are apart: opening is asynchronous and can run
 * ahead, applying is one transaction that stores rows, cursor and chain together, so that a crash leaves no hole [LOG-6].
 *
 * What a dishonest server could try is checked here: content that does not belong to its record [LOG-8], a broken chain
 * [LOG-4], a replica's segment left out (its next one names another predecessor), one withheld (somebody who saw it says so).
 */
import { CryptoError } from '@lockstep/crypto/errors'
import { equalBytes, FormatError, toHex } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment, type SegmentIdentity, type Sha256 } from '@lockstep/protocol/chain'
import { type DeliveredSegment, decodeDelivery, encodeDelivery, SEGMENT_KIND } from '@lockstep/protocol/records'
import { type Cell, type Cells, DELETED, lwwCell, PURGED, type SetState, type TextBase } from '#cell'
import { type Content, type ContentRow, toDelta } from '#content'
import { decodeContent } from '#content-decoder'
import { authorName } from '#devices'
import { EngineError } from '#errors'
import { MAX_AHEAD_MILLIS, type ReplicaId, type Stamp, stampMillis, stampReplica } from '#hlc'
import { editedAt, joinCell, joinRow, purgedAt } from '#merge'
import { relaxed } from '#relaxed'
import { KIND } from '#schema'
import { MissingEpochError, type Sealer } from '#sealing'
import type { Store } from '#store'
import { materialize, shownBase, textOf } from '#text'

/** Segments from a clock this far ahead are named to the person; their deltas are merged all the same [CELL-9]. */
const CLOCK_WARNING_MILLIS = 10 * 60 * 1000

/** A delivered segment, opened; `failure` says why it could not be. `own`: this database made it, nothing is to be merged. */
export interface OpenedSegment {
  readonly own: boolean
  readonly delivery: DeliveredSegment
  readonly identity: SegmentIdentity
  readonly content: Content | undefined
  readonly failure: string | undefined
}

export interface InboxCursor {
  readonly cursor: number
  readonly chain: Uint8Array
}

export class Inbox {
  readonly #store: Store
  readonly #sealer: Sealer
  readonly #sha256: Sha256

  constructor(store: Store, sealer: Sealer, sha256: Sha256) {
    this.#store = store
    this.#sealer = sealer
    this.#sha256 = sha256
  }

  /** Where this device stands in the server's log. */
  position(): InboxCursor {
    // In one statement: another process may move both between two.
    const rows = this.#store.driver.prepare("SELECT key, value FROM _meta WHERE key IN ('cursor', 'chain')").all()
    const stored = new Map(rows.map(({ key, value }) => [key, value]))
    return {
      cursor: Number(stored.get('cursor') ?? 0),
      chain: (stored.get('chain') as Uint8Array | undefined) ?? new Uint8Array(32),
    }
  }

  /** Decrypts and decodes. Never throws for a bad segment: it is set aside when applied. */
  async open(delivery: DeliveredSegment): Promise<OpenedSegment> {
    const identity = identifySegment(this.#sha256, delivery)
    // What this replica wrote is here already; a segment under our name that we did not write is opened like any other.
    const ours = this.#ownDigest(delivery)
    if (ours !== undefined && equalBytes(ours, identity.digest))
      return { own: true, delivery, identity, content: undefined, failure: undefined }
    const opened = { own: false, delivery, identity }
    try {
      const content = decodeContent(await this.#sealer.open(delivery, delivery.sealed))
      const { header } = content
      const genuine =
        header.replica === toHex(delivery.replica) &&
        header.counter === delivery.counter &&
        header.epoch === delivery.epoch &&
        equalBytes(header.previous, delivery.previous)
      if (!genuine) return { ...opened, content: undefined, failure: 'its content belongs to another place' }
      return { ...opened, content, failure: undefined }
    } catch (error) {
      if (error instanceof FormatError || error instanceof CryptoError || error instanceof MissingEpochError) {
        return { ...opened, content: undefined, failure: error.message }
      }
      throw error
    }
  }

  #ownDigest(delivery: DeliveredSegment): Uint8Array | undefined {
    if (toHex(delivery.replica) !== this.#store.replica) return undefined
    const row = this.#store.driver.prepare('SELECT digest FROM _segments WHERE counter = ?').get(delivery.counter)
    return row?.['digest'] as Uint8Array | undefined
  }

  /**
   * Applies segments in one transaction. They continue the cursor without a gap, or nothing is applied.
   * @throws EngineError `server-misbehaved`
   */
  apply(segments: readonly OpenedSegment[]): InboxCursor {
    return relaxed(this.#store.driver, () => this.#store.write('remote', () => this.#applyAll(segments)))
  }

  #applyAll(segments: readonly OpenedSegment[]): InboxCursor {
    let { cursor, chain } = this.position()
    for (const segment of segments) {
      const { delivery, identity } = segment
      if (delivery.last <= cursor) continue
      if (delivery.kind === SEGMENT_KIND.merged || delivery.first !== delivery.last) {
        throw new EngineError(
          'server-misbehaved',
          'the server sent a merged segment, which this release of Lockstep cannot read: please update',
        )
      }
      if (delivery.first !== cursor + 1) {
        throw new EngineError('server-misbehaved', `the server left out segment ${cursor + 1} of its log`)
      }
      chain = extendChain(this.#sha256, chain, identity)
      cursor = delivery.last
      this.#applyOne(segment)
    }
    this.#store.meta.set('cursor', cursor)
    this.#store.meta.set('chain', chain)
    return { cursor, chain }
  }

  #applyOne({ own, delivery, identity, content, failure }: OpenedSegment): void {
    const replica = toHex(delivery.replica) as ReplicaId
    if (own && replica === this.#store.replica) {
      const { driver } = this.#store
      driver.prepare('UPDATE _segments SET seq = ?, sealed = NULL WHERE counter = ?').run(delivery.last, delivery.counter)
      return
    }
    this.#checkAuthor(delivery, identity, replica)
    // Made here, before this database took another replica id.
    if (own) return
    if (content === undefined) {
      this.#setAside(delivery, failure ?? 'it is empty')
      return
    }
    if (this.#isFarAhead(content)) {
      this.#setAside(delivery, 'it is dated more than 100 years ahead')
      return
    }
    this.#applyContent(content, replica, delivery.last)
  }

  #applyContent(content: Content, author: ReplicaId, sequence: number): void {
    this.#noteSeen(content, author, sequence)
    const newest = latestOf(content.rows)
    if (newest !== undefined) this.#store.observe(newest)
    for (const row of content.rows) this.applyRow(row)
    // After the rows: a device's name comes with its first segment.
    this.#checkClock(content, author, this.#store.runtime.now())
  }

  /** Counters of a replica arrive in order and each names the one before it. */
  #checkAuthor(delivery: DeliveredSegment, { digest }: SegmentIdentity, replica: ReplicaId): void {
    const { driver } = this.#store
    const known = driver.prepare('SELECT counter, digest FROM _replicas WHERE replica = ?').get(replica)
    const counter = Number(known?.['counter'] ?? 0)
    const last = (known?.['digest'] ?? new Uint8Array(32)) as Uint8Array
    if (delivery.counter !== counter + 1) {
      const missing = delivery.counter > counter + 1 ? `left out segment ${counter + 1}` : `repeated segment ${delivery.counter}`
      this.#store.report(
        'withheld',
        `${replica}:${delivery.counter}`,
        `The server ${missing} of ${authorName(this.#store, replica)}.`,
      )
    } else if (!equalBytes(last, delivery.previous)) {
      this.#store.report(
        'forked',
        `${replica}:${delivery.counter}`,
        `The server shows this device another history of ${authorName(this.#store, replica)} than its author wrote.`,
      )
    }
    if (delivery.counter > counter) {
      driver
        .prepare(
          'INSERT INTO _replicas (replica, counter, digest) VALUES (?, ?, ?) ON CONFLICT (replica) DO UPDATE SET counter = excluded.counter, digest = excluded.digest',
        )
        .run(replica, delivery.counter, digest)
    }
  }

  #checkClock(content: Content, replica: ReplicaId, now: number): void {
    this.#store.driver.prepare('UPDATE _replicas SET wall_clock = ? WHERE replica = ?').run(content.header.wallClock, replica)
    const ahead = content.header.wallClock - now
    if (ahead > CLOCK_WARNING_MILLIS) {
      this.#store.report(
        'clock',
        replica,
        `The clock of ${authorName(this.#store, replica)} is ${describeSpan(ahead)} ahead of this device's.`,
      )
    } else this.#store.settle('clock', replica)
  }

  /** What the author had seen of others before it wrote [LOG-8]. */
  #noteSeen(content: Content, author: ReplicaId, sequence: number): void {
    const { driver, replica: us } = this.#store
    for (const [replica, counter] of content.header.seen) {
      if (replica === us) {
        driver.prepare('UPDATE _replicas SET seen_of_us = max(seen_of_us, ?) WHERE replica = ?').run(counter, author)
        continue
      }
      const known = Number(driver.prepare('SELECT counter FROM _replicas WHERE replica = ?').get(replica)?.['counter'] ?? 0)
      if (counter > known) {
        this.#store.report(
          'withheld',
          `${replica}:${counter}`,
          `The server keeps back segment ${known + 1} of ${authorName(this.#store, replica)}, which ${authorName(this.#store, author)} had seen before number ${sequence} of the log.`,
        )
      }
    }
  }

  /**
   * Tries the segments again that were set aside: an update may read them now, a key may have come, a clock may have been
   * set. Merging commutes, so that they come late does no harm. Returns how many were applied.
   */
  async reopen(): Promise<number> {
    const { driver } = this.#store
    let applied = 0
    for (const row of driver.prepare('SELECT seq, delivery FROM _quarantine ORDER BY seq').all()) {
      const sequence = Number(row['seq'])
      const opened = await this.open(decodeDelivery(row['delivery'] as Uint8Array))
      const { content } = opened
      if (content === undefined || this.#isFarAhead(content)) continue
      this.#store.write('remote', () => {
        driver.prepare('DELETE FROM _quarantine WHERE seq = ?').run(sequence)
        driver.prepare("DELETE FROM _problems WHERE code = 'unreadable' AND subject = ?").run(String(sequence))
        this.#applyContent(content, toHex(opened.delivery.replica) as ReplicaId, sequence)
      })
      applied++
    }
    return applied
  }

  #isFarAhead({ rows }: Content): boolean {
    const newest = latestOf(rows)
    return newest !== undefined && stampMillis(newest) > this.#store.runtime.now() + MAX_AHEAD_MILLIS
  }

  #setAside(delivery: DeliveredSegment, reason: string): void {
    this.#store.driver
      .prepare('INSERT OR REPLACE INTO _quarantine (seq, reason, delivery) VALUES (?, ?, ?)')
      .run(delivery.last, reason, encodeDelivery(delivery))
    this.#store.report(
      'unreadable',
      String(delivery.last),
      `Segment ${delivery.last} of the server's log was set aside: ${reason}.`,
    )
  }

  /** Merges one row of a segment into the database. */
  applyRow(row: ContentRow): void {
    const { rows } = this.#store
    if (!rows.knows(row.shape.table)) {
      const delta = toDelta(row)
      const known = rows.foreignCells(delta.table, delta.id)
      rows.saveForeign(delta.table, delta.id, joinRow(known, delta.cells))
      return
    }
    if (rows.insertFresh(row) !== undefined) {
      this.#store.touch(row.shape.table)
      return
    }
    const delta = toDelta(row)
    const stored = rows.load(delta.table, delta.id)
    const joined = joinRow(stored?.cells ?? new Map(), delta.cells)
    const n = this.#store.saveRow(delta.table, delta.id, stored, joined, true)
    if (stored !== undefined && delta.cells.has('_purged')) this.#rescue(delta.table, delta.id, n, stored.cells, joined)
  }

  /**
   * A purge that arrives after an own, later edit took the cells that the edit did not touch: this device, the author of
   * the row's last write, writes them again [CELL-8]. What the purge left is on every device and stays as it is.
   */
  #rescue(table: string, id: string, n: number, before: Cells, after: Cells): void {
    const edited = editedAt(after)
    const purge = purgedAt(after)
    if (edited === undefined || purge === undefined || edited <= purge || stampReplica(edited) !== this.#store.replica) return
    const lost = [...before].filter(([name, cell]) => name !== PURGED && name !== DELETED && isLost(cell, after.get(name)))
    if (lost.length === 0) return
    const stamp = this.#store.clock.tick(this.#store.runtime.now())
    const cells = new Map<string, Cell>(after)
    const forgetEdits = this.#store.driver.prepare('DELETE FROM _pending_text WHERE tbl = ? AND n = ? AND col = ?')
    for (const [name, cell] of lost) {
      cells.set(name, besides(restamp(cell, stamp, purge), after.get(name)))
      forgetEdits.run(table, n, name)
    }
    cells.set(DELETED, lwwCell(stamp, deletedValue(before)))
    this.#store.saveRow(table, id, this.#store.rows.load(table, id), cells, true)
    this.#store.markPending(table, n, stamp)
  }
}

/** `again` with what a purge left of the same cell; elements that are left stay as old as they are. */
function besides(again: Cell, left: Cell | undefined): Cell {
  if (left === undefined) return again
  if (again.kind === KIND.set && left.kind === KIND.set) return { kind: KIND.set, value: new Map([...again.value, ...left.value]) }
  return joinCell(again, left)
}

/** True if a purge took what people see of `cell`; `left` is what there is after it. */
function isLost(cell: Cell, left: Cell | undefined): boolean {
  if (left === undefined) return true
  if (cell.kind === KIND.text && left.kind === KIND.text) {
    const shown = shownBase(cell.value)
    return shown !== undefined && left.value.get(shown)?.base === undefined
  }
  if (cell.kind === KIND.set && left.kind === KIND.set) return [...cell.value.keys()].some((element) => !left.value.has(element))
  return false
}

function deletedValue(cells: Cells): number {
  const cell = cells.get(DELETED)
  return cell?.kind === KIND.lww ? Number(cell.value) : 0
}

/** The cell as if written now, as one whole value; a text gets another base, whose edits are none of those that the purge took. */
function restamp(cell: Cell, stamp: Stamp, purge: Stamp): Cell {
  if (cell.kind === KIND.lww) return { ...cell, stamp }
  if (cell.kind === KIND.set) {
    return { kind: KIND.set, value: new Map([...cell.value].map(([element, { present }]) => [element, { stamp, present }])) }
  }
  return { kind: KIND.text, value: textOf(stamp, materialize(cell.value).text, purge) }
}

type SetEntry = SetState extends ReadonlyMap<string, infer Entry> ? Entry : never

function latestStamp(row: ContentRow): Stamp {
  let latest = row.stamp
  for (const stamp of row.stamps ?? []) if (stamp > latest) latest = stamp
  for (const value of row.values) {
    if (!(value instanceof Map)) continue
    for (const part of value.values() as Iterable<SetEntry | TextBase>) {
      const stamp = 'present' in part ? part.stamp : part.base?.stamp
      if (stamp !== undefined && stamp > latest) latest = stamp
    }
  }
  return latest
}

function latestOf(rows: readonly ContentRow[]): Stamp | undefined {
  let newest: Stamp | undefined
  for (const row of rows) {
    const stamp = latestStamp(row)
    if (newest === undefined || stamp > newest) newest = stamp
  }
  return newest
}

function describeSpan(millis: number): string {
  const days = Math.round(millis / 86_400_000)
  if (days >= 2) return `${days} days`
  const hours = Math.round(millis / 3_600_000)
  if (hours >= 2) return `${hours} hours`
  return `${Math.round(millis / 60_000)} minutes`
}
