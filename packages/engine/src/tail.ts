/**
 * The end of the log as sealed bytes, whoever wrote them: what a device gives back to a server that has lost it [LOG-9]. Others'
 * segments are in `_tail`, this replica's own stay in `_segments`; neither grows beyond {@link TAIL_SEGMENTS} and
 * {@link TAIL_BYTES}.
 */
import { fromHex, toHex } from '@lockstep/protocol/bytes'
import { type DeliveredSegment, isCounted, SEGMENT_KIND, type SegmentKind, type SegmentRecord } from '@lockstep/protocol/records'
import type { Row } from '#driver'
import type { Store } from '#store'

export const TAIL_SEGMENTS = 2048
/** The tail is pruned once in so many sequence numbers. */
export const PRUNE_EVERY = 64
const TAIL_BYTES = 8 * 1024 * 1024
/** A segment of a bulk upload is not kept unless it is among the last few: there are too many of them in {@link TAIL_SEGMENTS}. */
const BULK_BYTES = 32 * 1024
const BULK_SEGMENTS = 64
/** Own segments whose digests are kept: what a server names as our last is found among them [LOG-3]. */
const OWN_DIGESTS = 4096

/** A kept segment with its place in the log; negative for one of a log that this device has left. */
export interface KeptSegment {
  readonly sequence: number
  readonly record: SegmentRecord
}

const KEPT = `SELECT seq, kind, epoch, replica, counter, previous, sealed FROM _tail
  UNION ALL SELECT seq, ${SEGMENT_KIND.delta}, epoch, (SELECT value FROM _meta WHERE key = 'replica'), counter, previous, sealed
  FROM _segments WHERE seq IS NOT NULL AND sealed IS NOT NULL`

function toKept(row: Row): KeptSegment {
  return {
    sequence: Number(row['seq']),
    record: {
      kind: Number(row['kind']) as SegmentKind,
      epoch: Number(row['epoch']),
      replica: fromHex(String(row['replica'])),
      counter: Number(row['counter']),
      previous: row['previous'] as Uint8Array,
      sealed: row['sealed'] as Uint8Array,
    },
  }
}

/** Kept segments with sequence numbers from `first` to `last`, ascending. */
export function* keptSegments(store: Store, first: number, last: number): Generator<KeptSegment> {
  const rows = store.driver.prepare(`SELECT * FROM (${KEPT}) WHERE seq BETWEEN ? AND ? ORDER BY seq`)
  for (const row of rows.iterate(first, last)) yield toKept(row)
}

/** Sealed bytes of the kept segments with sequence numbers from `first` to `last`. */
export function keptBytes(store: Store, first: number, last: number): number {
  const row = store.driver.prepare(`SELECT sum(length(sealed)) AS bytes FROM (${KEPT}) WHERE seq BETWEEN ? AND ?`).get(first, last)
  return Number(row?.['bytes'] ?? 0)
}

/** The kept segment `counter` of `replica`, from this log or from one that was left. */
export function keptOf(store: Store, replica: string, counter: number): KeptSegment | undefined {
  const row = store.driver
    .prepare(`SELECT * FROM (${KEPT}) WHERE replica = ? AND counter = ? AND kind < 2 LIMIT 1`)
    .get(replica, counter)
  return row && toKept(row)
}

/** Inside a transaction: keeps a segment that was received, if it is near enough to the log's head. Runs are not kept. */
export function keepSegment(store: Store, delivery: DeliveredSegment, head: number): void {
  const { kind, epoch, replica, counter, previous, sealed, last } = delivery
  if (kind === SEGMENT_KIND.merged || last <= head - (sealed.length > BULK_BYTES ? BULK_SEGMENTS : TAIL_SEGMENTS)) return
  const author = toHex(replica)
  if (isCounted(kind) && author === store.replica) return
  store.driver
    .prepare('INSERT OR REPLACE INTO _tail (seq, kind, epoch, replica, counter, previous, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)')
    .run(last, kind, epoch, author, counter, previous, sealed)
}

/** Inside a transaction: forgets what is too far from `head`, or over the limit in bytes. `keepLeft`: also of a log that was left. */
export function pruneTail(store: Store, head: number, { keepLeft }: { readonly keepLeft: boolean }): void {
  const { driver } = store
  let cut = Math.max(0, head - TAIL_SEGMENTS)
  let bytes = 0
  const sizes = driver.prepare(`SELECT seq, length(sealed) AS bytes FROM (${KEPT}) WHERE seq > ? ORDER BY seq DESC`)
  for (const row of sizes.iterate(cut)) {
    bytes += Number(row['bytes'])
    if (bytes <= TAIL_BYTES) continue
    cut = Number(row['seq'])
    break
  }
  driver.prepare(`DELETE FROM _tail WHERE seq <= ? ${keepLeft ? 'AND seq > 0' : ''}`).run(cut)
  driver
    .prepare(
      `UPDATE _segments SET sealed = NULL WHERE seq IS NOT NULL AND sealed IS NOT NULL AND seq <= ? AND seq ${keepLeft ? '>' : '<>'} 0`,
    )
    .run(cut)
  driver
    .prepare(
      'DELETE FROM _segments WHERE seq IS NOT NULL AND sealed IS NULL AND counter <= (SELECT max(counter) FROM _segments) - ?',
    )
    .run(OWN_DIGESTS)
}
