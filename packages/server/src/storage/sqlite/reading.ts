/**
 * Reading the segment log on SQLite: in pages from either end, what it consists of, and chain values.
 *
 * The spans of stored segments (part ≥ 0) lie side by side from 1 to the head, so the one that holds a sequence number is
 * the one with the smallest `last` that is not below it.
 */
import type { DatabaseSync } from 'node:sqlite'
import { concatBytes, equalBytes, toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START } from '@lockstep/protocol/chain'
import type { Coverage } from '@lockstep/protocol/http'
import { type DeliveredSegment, type IndexEntry, type Mark, SEGMENT_KIND, type SegmentKind } from '@lockstep/protocol/records'
import { sha256 } from '#storage/sqlite/log-rows'
import type { Interval, Page, VaultKey } from '#storage/storage'

const TAG_BYTES = 16
/** Behind every part of a segment. */
const ALL_PARTS = Number.MAX_SAFE_INTEGER

type Row = Record<string, unknown>

/** What a run is made of. */
export interface Run {
  /** SHA-256 over the tags of its entries. */
  readonly digest: Uint8Array
  readonly segments: number
  readonly bytes: number
}

export interface LogReader {
  chainAt(vault: VaultKey, sequence: number): Uint8Array | undefined
  isInsideRun(vault: VaultKey, sequence: number): boolean
  read(vault: VaultKey, interval: Interval, maxBytes: number): Page
  index(vault: VaultKey, from: number, limit: number): IndexEntry[]
  /** Undefined unless entries begin at `first` and end at `last`. */
  run(vault: VaultKey, first: number, last: number): Run | undefined
  coverage(vault: VaultKey): Coverage
  /** The greatest mark that is in the log; 0 for none. */
  greatestCommon(vault: VaultKey, marks: readonly Mark[]): number
}

const COLUMNS =
  's.first, s.last, s.part, s.kind, s.epoch, r.id AS replica, s.counter, s.previous, s.id, s.chain, s.sealed ' +
  'FROM segments s JOIN replicas r ON r.number = s.replica'

function prepare(db: DatabaseSync) {
  return {
    chain: db.prepare('SELECT chain FROM segments WHERE vault = ? AND last = ? LIMIT 1'),
    holder: db.prepare(
      'SELECT first, last, kind FROM segments WHERE vault = ? AND last >= ? AND part >= 0 ORDER BY last, part LIMIT 1',
    ),
    partOf: db.prepare('SELECT part FROM segments WHERE vault = ? AND last = ? AND part >= 0 AND id = ?'),
    hasPart: db.prepare('SELECT 1 FROM segments WHERE vault = ? AND last = ? AND part = ?'),
    ascending: db.prepare(
      `SELECT ${COLUMNS} WHERE s.vault = ? AND (s.last, s.part) > (?, ?) AND s.last <= ? AND s.part >= 0 ORDER BY s.last, s.part`,
    ),
    descending: db.prepare(
      `SELECT ${COLUMNS} WHERE s.vault = ? AND s.last > ? AND s.last <= ? AND s.part = 0 ORDER BY s.last DESC`,
    ),
    parts: db.prepare(`SELECT ${COLUMNS} WHERE s.vault = ? AND s.last = ? AND s.part > ? AND s.part >= 0 ORDER BY s.part`),
    entries: db.prepare(
      `SELECT first, last, kind, id, length(sealed) AS bytes FROM segments
       WHERE vault = ? AND last >= ? AND part >= 0 ORDER BY last, part`,
    ),
    // One row for a run of any length: most of what a row costs is handing it over.
    run: db.prepare(
      `SELECT min(first) AS first, max(last) AS last, count(*) AS segments, sum(length(sealed)) AS bytes,
              group_concat(iif(part = 0, ',', '') || hex(id), '' ORDER BY last, part) AS ids
       FROM segments WHERE vault = ? AND last BETWEEN ? AND ? AND part >= 0`,
    ),
    replicas: db.prepare('SELECT id, counter, digest FROM replicas WHERE vault = ? AND counter > 0 ORDER BY number'),
  }
}

function toSegment(row: Row): DeliveredSegment {
  return {
    first: row['first'] as number,
    last: row['last'] as number,
    kind: row['kind'] as SegmentKind,
    epoch: row['epoch'] as number,
    replica: row['replica'] as Uint8Array,
    counter: row['counter'] as number,
    previous: row['previous'] as Uint8Array,
    sealed: row['sealed'] as Uint8Array,
  }
}

interface EntryRow {
  readonly first: number
  readonly last: number
  readonly kind: SegmentKind
  readonly id: Uint8Array
  readonly bytes: number
}

/** `first` and `last` are null where there is nothing. */
interface RunRow {
  readonly first: number | null
  readonly last: number | null
  readonly segments: number
  readonly bytes: number
  readonly ids: string
}

/** The tag of an index entry of several parts, from their ids; that of one part is its id. */
function tagOf(ids: Uint8Array): Uint8Array {
  return sha256(ids).slice(0, TAG_BYTES)
}

interface LastRow {
  readonly first: number
  readonly last: number
  readonly part: number
  readonly id: Uint8Array
  readonly chain: Uint8Array
}

/** Fills a page. */
class PageBuilder {
  readonly segments: DeliveredSegment[] = []
  last: LastRow | undefined
  #room: number

  constructor(maxBytes: number) {
    this.#room = maxBytes
  }

  /** Answers whether the page is full. */
  add(row: Row): boolean {
    const segment = toSegment(row)
    this.segments.push(segment)
    this.last = row as unknown as LastRow
    this.#room -= segment.sealed.length
    return this.#room <= 0
  }

  page(rest: Interval | undefined): Page {
    return { segments: this.segments, chain: this.last?.chain, rest }
  }
}

export function createLogReader(db: DatabaseSync): LogReader {
  const sql = prepare(db)

  const holder = (vault: VaultKey, sequence: number) =>
    sql.holder.get(vault, sequence) as { first: number; last: number; kind: number } | undefined

  /** The part to go on behind. */
  function resumed(vault: VaultKey, { resume }: Interval): { last: number; part: number } | undefined {
    if (resume === undefined) return undefined
    const part = sql.partOf.get(vault, resume.at, resume.id)?.['part'] as number | undefined
    return part === undefined ? undefined : { last: resume.at, part }
  }

  /** What is left of an interval behind the last row of a full page. */
  function restAfter(vault: VaultKey, interval: Interval, page: PageBuilder): Interval | undefined {
    const { last: row } = page
    if (row === undefined) return undefined
    const { newest } = interval
    const broken = sql.hasPart.get(vault, row.last, row.part + 1) !== undefined
    const resume = broken ? { at: row.last, id: row.id } : undefined
    const after = newest ? interval.after : broken ? Math.max(interval.after, row.first - 1) : row.last
    const through = newest ? (broken ? row.last : row.first - 1) : interval.through
    return after < through ? { after, through, newest, resume } : undefined
  }

  function readOldest(vault: VaultKey, interval: Interval, page: PageBuilder): boolean {
    const { after, through } = interval
    const start = resumed(vault, interval) ?? { last: after, part: ALL_PARTS }
    const end = holder(vault, through)?.last ?? through
    for (const row of sql.ascending.iterate(vault, start.last, start.part, end)) if (page.add(row)) return true
    return false
  }

  function readNewest(vault: VaultKey, interval: Interval, page: PageBuilder): boolean {
    const { after, through } = interval
    const start = resumed(vault, interval)
    const otherParts = (last: number, behind: number): boolean => {
      for (const row of sql.parts.iterate(vault, last, behind)) if (page.add(row)) return true
      return false
    }
    if (start !== undefined && otherParts(start.last, start.part)) return true
    const end = start === undefined ? (holder(vault, through)?.last ?? through) : start.last - 1
    // One pass over the first parts; only a run has others.
    for (const row of sql.descending.iterate(vault, after, end)) {
      if (page.add(row)) return true
      if (row['kind'] === SEGMENT_KIND.merged && otherParts(row['last'] as number, 0)) return true
    }
    return false
  }

  function chainAt(vault: VaultKey, sequence: number): Uint8Array | undefined {
    if (sequence === 0) return CHAIN_START
    return sql.chain.get(vault, sequence)?.['chain'] as Uint8Array | undefined
  }

  return {
    chainAt,
    isInsideRun(vault, sequence) {
      const entry = holder(vault, sequence)
      return entry !== undefined && entry.kind === SEGMENT_KIND.merged && entry.first <= sequence && sequence < entry.last
    },
    read(vault, interval, maxBytes) {
      const page = new PageBuilder(maxBytes)
      if (interval.after >= interval.through) return page.page(undefined)
      const full = (interval.newest ? readNewest : readOldest)(vault, interval, page)
      return page.page(full ? restAfter(vault, interval, page) : undefined)
    },
    index(vault, from, limit) {
      const entries: { -readonly [K in keyof IndexEntry]: IndexEntry[K] }[] = []
      if (limit <= 0) return entries
      /** Of the last entry's parts. */
      let ids: Uint8Array[] = []
      const finish = () => {
        const entry = entries.at(-1)
        if (entry !== undefined && ids.length > 1) entry.tag = tagOf(concatBytes(...ids))
      }
      for (const row of sql.entries.iterate(vault, from)) {
        const { first, last, kind, id, bytes } = row as unknown as EntryRow
        const entry = entries.at(-1)
        if (entry?.last === last) {
          ids.push(id)
          entry.bytes += bytes
          continue
        }
        finish()
        if (entries.length === limit) return entries
        entries.push({ first, last, kind, tag: id, bytes })
        ids = [id]
      }
      finish()
      return entries
    },
    run(vault, first, last) {
      const found = sql.run.get(vault, first, last) as unknown as RunRow
      if (found.first !== first || found.last !== last) return undefined
      const { segments, bytes } = found
      // `,ID,ID…` with the parts of one entry side by side.
      const entries = found.ids.slice(1).split(',')
      const tags = entries.map((ids) => (ids.length === 2 * TAG_BYTES ? ids : toHex(tagOf(Buffer.from(ids, 'hex')))))
      return { digest: sha256(Buffer.from(tags.join(''), 'hex')), segments, bytes }
    },
    coverage(vault) {
      return sql.replicas.all(vault).map((row) => ({
        replica: row['id'] as Uint8Array,
        ranges: [[1, row['counter'] as number] as [number, number]],
        digest: row['digest'] as Uint8Array,
      }))
    },
    greatestCommon(vault, marks) {
      let greatest = 0
      for (const { sequence, chain } of marks) {
        if (sequence <= greatest) continue
        const own = chainAt(vault, sequence)
        if (own !== undefined && equalBytes(own, chain)) greatest = sequence
      }
      return greatest
    },
  }
}
