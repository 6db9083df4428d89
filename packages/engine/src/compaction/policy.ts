/**
 * What of the log is merged, and by whom [LOG-10]. Pure: it sees only what the server's index says.
 *
 * Size-tiered, like the runs of an LSM tree, over *groups*, the newest last:
 *
 * | group | size |
 * | --- | --- |
 * | a small plain segment | its own |
 * | a merged run | that of all its parts |
 * | neighbouring plain segments of 64 KiB and more, an import for instance | their sum; never divided |
 *
 * A run begins at the newest small segment that is not left alone and takes in each older group as long as that is less than
 * twice as large as all that is merged after it. So each byte is rewritten O(log n) times, and what stays is a row of runs,
 * each at least twice as large as all after it: O(log n) of them, together less than twice the oldest.
 *
 * Two things that tiers alone would miss:
 * - small segments between many large ones: once there are {@link MAX_GROUPS} groups, the newest are merged whatever they are;
 * - large segments that supersede each other, as of a device that writes much offline: `rewritable` says when the log
 *   is so large that its reader should look how large its own state is, and write it anew where that is less than half.
 */
import { type IndexEntry, SEGMENT_KIND } from '@lockstep/protocol/records'

/** Entries at the end of the log that are left alone: what a device that is a few edits behind downloads. */
const KEPT_ENTRIES = 32
/** A merge is worth its request from this many small segments on. */
const MIN_SMALL = 32
/** Sealed bytes from which on a plain segment is large. */
const LARGE_BYTES = 64 * 1024
const GROWTH = 2
const MAX_GROUPS = 96
/** One pushed segment in so many makes its device the merger. */
const TURN = 64
/** Below this a log is never too large for its state. */
const SLACK_BYTES = 1024 * 1024

/** A part of the log that one merge takes the place of. */
export interface Run {
  /** Sequence numbers, inclusive. */
  readonly first: number
  readonly last: number
  /** Sealed bytes. */
  readonly bytes: number
  readonly entries: readonly IndexEntry[]
}

interface Group {
  /** Positions among the entries; `to` is not part of it. */
  readonly from: number
  to: number
  bytes: number
  readonly small: boolean
}

/** True if a push was given one of the sequence numbers whose device merges: no two devices start on the same run. */
export function isMergersTurn(sequences: readonly number[]): boolean {
  return sequences.some((sequence) => sequence > 0 && sequence % TURN === 0)
}

/** True if the log goes on after the last entry: an index has an end of its own (MAX_INDEX_ENTRIES). */
export function isTruncated(entries: readonly IndexEntry[], head: number): boolean {
  return (entries.at(-1)?.last ?? 0) < head
}

function candidates(entries: readonly IndexEntry[], head: number): readonly IndexEntry[] {
  return isTruncated(entries, head) ? entries : entries.slice(0, Math.max(0, entries.length - KEPT_ENTRIES))
}

function runOf(entries: readonly IndexEntry[]): Run {
  return {
    first: (entries[0] as IndexEntry).first,
    last: (entries.at(-1) as IndexEntry).last,
    bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
    entries,
  }
}

function groupsOf(entries: readonly IndexEntry[]): Group[] {
  const groups: Group[] = []
  let stretch: Group | undefined
  entries.forEach(({ kind, bytes }, i) => {
    const plain = kind !== SEGMENT_KIND.merged
    const large = plain && bytes >= LARGE_BYTES
    if (large && stretch !== undefined) {
      stretch.to = i + 1
      stretch.bytes += bytes
      return
    }
    const group: Group = { from: i, to: i + 1, bytes, small: plain && !large }
    stretch = large ? group : undefined
    groups.push(group)
  })
  return groups
}

/** The groups from `from` to `newest` and older ones by the rule of sizes. Returns the oldest's position. */
function extend(groups: readonly Group[], from: number, newest: number): number {
  let bytes = 0
  for (let i = from; i <= newest; i++) bytes += (groups[i] as Group).bytes
  let oldest = from
  for (; oldest > 0; oldest--) {
    const older = groups[oldest - 1] as Group
    if (older.bytes >= GROWTH * bytes) break
    bytes += older.bytes
  }
  return oldest
}

/** What is to be merged now; undefined where nothing is worth it. `entries`: the index from sequence number 1 on. */
export function pickRun(entries: readonly IndexEntry[], head: number): Run | undefined {
  const free = candidates(entries, head)
  const groups = groupsOf(free)
  const between = (oldest: number, newest: number): Run =>
    runOf(free.slice((groups[oldest] as Group).from, (groups[newest] as Group).to))
  for (let newest = groups.length - 1; newest >= 0; newest--) {
    if (!(groups[newest] as Group).small) continue
    const oldest = extend(groups, newest, newest)
    let small = 0
    for (let i = oldest; i <= newest; i++) if ((groups[i] as Group).small) small++
    if (small >= MIN_SMALL) return between(oldest, newest)
    // The rest of a stretch of small ones has no better end than its newest.
    while (newest > 0 && (groups[newest - 1] as Group).small) newest--
  }
  if (groups.length < MAX_GROUPS) return undefined
  const newest = groups.length - 1
  return between(extend(groups, newest - MIN_SMALL + 1, newest), newest)
}

/**
 * Everything that is not left alone, where it is more than twice what the bottom run was when it was written, and so
 * perhaps more than twice the state. Whether it is, {@link isTooLarge} says to who knows the state's size.
 */
export function rewritable(entries: readonly IndexEntry[], head: number): Run | undefined {
  const [bottom] = entries
  const free = candidates(entries, head)
  if (bottom?.first !== 1 || isTruncated(entries, head) || free.length < 2) return undefined
  const run = runOf(free)
  return isTooLarge(run, bottom.kind === SEGMENT_KIND.merged ? bottom.bytes : 0) ? run : undefined
}

/** `stateBytes`: about what the state is, sealed. */
export function isTooLarge(run: Run, stateBytes: number): boolean {
  return run.bytes > GROWTH * stateBytes + SLACK_BYTES
}
