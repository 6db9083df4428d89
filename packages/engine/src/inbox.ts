/**
 * Merging what the server delivered. Opening a segment and applying it are apart: opening is asynchronous and can run
 * ahead, applying is one transaction that stores rows and how far the log is here together, so that a crash leaves no
 * hole [LOG-6]. Rows merge in any order; what hangs on the order of the log is checked by `log.ts`.
 */
import { CryptoError } from '@lockstep/crypto/errors'
import { equalBytes, FormatError, toHex } from '@lockstep/protocol/bytes'
import { identifySegment, type SegmentIdentity, type Sha256 } from '@lockstep/protocol/chain'
import { type DeliveredSegment, decodeDelivery, encodeDelivery, isCounted, SEGMENT_KIND } from '@lockstep/protocol/records'
import type { SetState, TextBase } from '#cell'
import { isClosed } from '#closings'
import { type Content, type ContentHeader, type ContentRow, toDelta } from '#content'
import { decodeContent } from '#content-decoder'
import { authorName } from '#devices'
import { FAR_AHEAD } from '#doubts'
import { EngineError } from '#errors'
import { MAX_AHEAD_MILLIS, type ReplicaId, type Stamp, stampMillis } from '#hlc'
import { DeviceLog, type Link, type LogPosition } from '#log'
import { isDead, joinRow } from '#merge'
import { relaxed } from '#relaxed'
import { rescue } from '#rescue'
import { MissingEpochError, type Sealer } from '#sealing'
import type { Store } from '#store'
import { keepSegment } from '#tail'
import { settleWhole } from '#whole-rows'

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

/** An answer that gives the log from its end. */
export interface NewestStream {
  /** This device's when the answer began. */
  readonly cursor: number
  /** Where the interval ends that is being filled. */
  readonly head: number
  /** Everything from here on has come. */
  below: number
}

const WRONG_PLACE = 'its content belongs to another place'

export class Inbox {
  readonly #store: Store
  readonly #sealer: Sealer
  readonly #sha256: Sha256
  readonly log: DeviceLog
  /** Rows may wait to be sent whole that come from the server now. */
  readonly #leftServer: boolean
  /** Rows that people saw and that a segment moved to the trash, since this object was made. */
  deaths = 0
  /** The part that is due next of the run that is on its way, by the run's last sequence number. */
  #due: { readonly last: number; readonly part: number; readonly parts: number } | undefined

  constructor(store: Store, sealer: Sealer, sha256: Sha256) {
    this.#store = store
    this.#sealer = sealer
    this.#sha256 = sha256
    this.log = new DeviceLog(store, sha256)
    this.#leftServer = store.meta.get('leftServer') !== undefined
  }

  /** Where this device stands in the server's log. */
  position(): LogPosition {
    return this.log.position()
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
      if (!isGenuine(content.header, delivery)) return { ...opened, content: undefined, failure: WRONG_PLACE }
      return { ...opened, content, failure: undefined }
    } catch (error) {
      if (error instanceof FormatError || error instanceof CryptoError || error instanceof MissingEpochError) {
        return { ...opened, content: undefined, failure: error.message }
      }
      throw error
    }
  }

  #ownDigest(delivery: DeliveredSegment): Uint8Array | undefined {
    if (!isCounted(delivery.kind) || toHex(delivery.replica) !== this.#store.replica) return undefined
    const row = this.#store.driver.prepare('SELECT digest FROM _segments WHERE counter = ?').get(delivery.counter)
    return row?.['digest'] as Uint8Array | undefined
  }

  /**
   * Applies segments in one transaction. They continue the cursor without a gap, or nothing is applied. `head`: the server's.
   * @throws EngineError `server-misbehaved`
   */
  apply(segments: readonly OpenedSegment[], head: number): LogPosition {
    return relaxed(this.#store.driver, () => this.#store.write('remote', () => this.#applyAll(segments, head)))
  }

  #applyAll(segments: readonly OpenedSegment[], head: number): LogPosition {
    const start = this.log.position()
    let at = start
    for (const segment of segments) {
      const { delivery } = segment
      if (delivery.last <= at.cursor) continue
      this.#checkPart(segment)
      if (delivery.kind !== SEGMENT_KIND.merged && delivery.first !== at.cursor + 1) {
        throw new EngineError('server-misbehaved', `the server left out segment ${at.cursor + 1} of its log`)
      }
      const link = linkOf(segment)
      if (this.#due === undefined) at = this.log.extend(at, link)
      if (this.#merge(segment, 'forward')) keepSegment(this.#store, delivery, head)
    }
    if (at.cursor > start.cursor) this.log.moveTo(at)
    return at
  }

  /**
   * Applies segments that came from the log's end, in the order in which they came [LOG-6]. Once nothing is missing between the cursor
   * and them, they are checked in order and the cursor moves over them. Returns true then, and where another process on this
   * home, which may be doing the same, has got there first.
   * @throws EngineError `server-misbehaved`
   */
  applyNewest(segments: readonly OpenedSegment[], stream: NewestStream): boolean {
    return relaxed(this.#store.driver, () => this.#store.write('remote', () => this.#applyNewest(segments, stream)))
  }

  #applyNewest(segments: readonly OpenedSegment[], stream: NewestStream): boolean {
    const { log } = this
    for (const segment of segments) {
      const { delivery } = segment
      const { kind, first, last } = delivery
      if (kind === SEGMENT_KIND.merged ? last < stream.below - 1 : last !== stream.below - 1) {
        throw new EngineError('server-misbehaved', `the server left out segment ${stream.below - 1} of its log`)
      }
      this.#checkPart(segment)
      if (this.#due === undefined) stream.below = first
      if (log.position().cursor !== stream.cursor) continue
      const held = log.end.held()
      if (held !== undefined && first >= held.first) continue
      this.#merge(segment, 'newest')
      keepSegment(this.#store, delivery, stream.head)
      // Not what continues the interval that another process has begun: its rows are here, and it is not held.
      if (held === undefined ? last >= stream.head : last >= held.first - 1) log.end.hold(linkOf(segment), stream.head)
    }
    if (log.position().cursor !== stream.cursor) return true
    if ((log.end.held()?.first ?? Number.POSITIVE_INFINITY) > stream.cursor + 1) return false
    log.close()
    return true
  }

  /** A new answer begins; `after`: the last part that an earlier, broken off one brought. */
  begin(after?: Link): void {
    const run = after?.run
    this.#due = run === undefined ? undefined : { last: (after as Link).last, part: run.part + 1, parts: run.parts }
  }

  /** The parts of a run come one after another; a run that cannot be read is an end, because nothing tells what it stands for. */
  #checkPart({ delivery, content, failure }: OpenedSegment): void {
    const { kind, last, first } = delivery
    if (kind !== SEGMENT_KIND.merged) return
    if (content === undefined) {
      throw new EngineError(
        'server-misbehaved',
        `the merged segments ${first} to ${last} cannot be read (${failure}): another device that has them can write them again with "doctor"`,
      )
    }
    const { part, parts } = content.header.run as NonNullable<ContentHeader['run']>
    const due = this.#due
    if (part > 0 && (due?.last !== last || due.part !== part || due.parts !== parts)) {
      throw new EngineError('server-misbehaved', `the server left out a part of what ends at segment ${last}`)
    }
    this.#due = part === parts - 1 ? undefined : { last, part: part + 1, parts }
  }

  /** False for what is set aside: it is nothing to be handed on. */
  #merge(segment: OpenedSegment, order: 'forward' | 'newest'): boolean {
    const { own, delivery, content, failure } = segment
    if (own) return true
    const reason = content === undefined ? (failure ?? 'it is empty') : this.#objection(delivery, content)
    if (content === undefined || reason !== undefined) {
      this.#setAside(delivery, reason ?? '', content?.header.run?.part)
      return false
    }
    this.#applyContent(content, toHex(delivery.replica) as ReplicaId, delivery, order)
    return true
  }

  #objection(delivery: DeliveredSegment, content: Content): string | undefined {
    if (this.#isFarAhead(content)) return FAR_AHEAD
    if (delivery.epoch < this.#sealer.epoch && isClosed(this.#store, delivery))
      return 'it was sealed with a key that had been taken back'
    return undefined
  }

  #applyContent({ header, rows }: Content, author: ReplicaId, { kind }: DeliveredSegment, order: 'forward' | 'newest'): void {
    const newest = latestOf(rows)
    if (newest !== undefined) this.#store.observe(newest)
    // A delta has its oldest rows first, a merged segment its newest: rows that come later are to be those of later edits,
    // and the other way round where the log comes from its end.
    const newestFirst = kind === SEGMENT_KIND.merged || kind === SEGMENT_KIND.seed
    this.#store.rows.growDownwards(order === 'newest')
    const forward = newestFirst === (order === 'newest')
    for (let i = 0; i < rows.length; i++) this.applyRow(rows[forward ? i : rows.length - 1 - i] as ContentRow)
    this.#store.rows.growDownwards(false)
    // After the rows: a device's name comes with its first segment.
    if (!newestFirst) this.#checkClock(header, author, this.#store.runtime.now())
  }

  #checkClock({ wallClock }: ContentHeader, replica: ReplicaId, now: number): void {
    this.#store.driver.prepare('UPDATE _replicas SET wall_clock = ? WHERE replica = ?').run(wallClock, replica)
    const ahead = wallClock - now
    if (ahead > CLOCK_WARNING_MILLIS) {
      this.#store.report(
        'clock',
        replica,
        `The clock of ${authorName(this.#store, replica)} is ${describeSpan(ahead)} ahead of this device's.`,
      )
    } else this.#store.settle('clock', replica)
  }

  /**
   * Tries the segments again that were set aside: an update may read them now, a key may have come, a clock may have been
   * set. Merging commutes, so that they come late does no harm. Returns how many were applied.
   */
  async reopen(): Promise<number> {
    const { driver } = this.#store
    let applied = 0
    for (const row of driver.prepare('SELECT seq, part, delivery FROM _quarantine ORDER BY seq, part').all()) {
      const sequence = Number(row['seq'])
      const opened = await this.open(decodeDelivery(row['delivery'] as Uint8Array))
      const { content, delivery } = opened
      if (content === undefined || this.#objection(delivery, content) !== undefined) continue
      this.#store.write('remote', () => {
        driver.prepare('DELETE FROM _quarantine WHERE seq = ? AND part = ?').run(sequence, row['part'] ?? 0)
        driver.prepare("DELETE FROM _problems WHERE code = 'unreadable' AND subject = ?").run(String(sequence))
        this.#applyContent(content, toHex(delivery.replica) as ReplicaId, delivery, 'forward')
      })
      applied++
    }
    return applied
  }

  #isFarAhead({ rows }: Content): boolean {
    const newest = latestOf(rows)
    return newest !== undefined && stampMillis(newest) > this.#store.runtime.now() + MAX_AHEAD_MILLIS
  }

  #setAside(delivery: DeliveredSegment, reason: string, part = 0): void {
    this.#store.driver
      .prepare('INSERT OR REPLACE INTO _quarantine (seq, part, reason, delivery) VALUES (?, ?, ?, ?)')
      .run(delivery.last, part, reason, encodeDelivery(delivery))
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
    const { table, id, cells } = toDelta(row)
    const stored = rows.load(table, id)
    const before = stored?.cells ?? new Map()
    const after = joinRow(before, cells)
    const n = this.#store.saveRow(table, id, stored, after, true)
    if (stored?.shown['_deleted'] === 0 && isDead(after)) this.deaths++
    if (stored !== undefined && this.#leftServer) settleWhole(this.#store, { table, n }, after, cells)
    if (stored !== undefined && cells.has('_purged')) rescue(this.#store, { table, id, n, before, after })
  }
}

/** The content is the record's and says where it belongs [LOG-8] [LOG-6]. */
export function isGenuine(header: ContentHeader, delivery: DeliveredSegment): boolean {
  const { kind, first, last, counter } = delivery
  const same =
    header.replica === toHex(delivery.replica) &&
    header.counter === counter &&
    header.epoch === delivery.epoch &&
    equalBytes(header.previous, delivery.previous)
  if (!same) return false
  if (kind === SEGMENT_KIND.merged) return header.run?.first === first && counter === last
  if (header.run !== undefined || first !== last) return false
  return kind === SEGMENT_KIND.seed ? counter === last : header.covers.length === 0
}

function linkOf({ own, delivery, identity, content }: OpenedSegment): Link {
  const { kind, first, last, counter } = delivery
  const header = content?.header
  return {
    kind,
    first,
    last,
    replica: toHex(delivery.replica) as ReplicaId,
    counter,
    previous: delivery.previous.slice(),
    identity,
    own,
    unread: !own && content === undefined,
    bundleVersion: header?.bundleVersion ?? 0,
    seen: header?.seen ?? [],
    covers: header?.covers ?? [],
    run: header?.run,
  }
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
