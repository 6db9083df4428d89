/** A part of the log to be merged that no policy would pick: the first, the last, two segments, or all. */
import type { Run } from '@lockstep/engine/compaction/policy'
import type { IndexEntry } from '@lockstep/protocol/records'
import type { Random } from '../support/random.ts'

/** A stretch of two entries and more, where there are so many. */
export function pickAny(random: Random): (entries: readonly IndexEntry[]) => Run | undefined {
  return (entries) => {
    if (entries.length < 2) return undefined
    const from = random.chance(0.5) ? 0 : random.below(entries.length - 1)
    const start = entries[from] as IndexEntry
    const end = entries[random.between(from + 1, entries.length - 1)] as IndexEntry
    // All parts of a run, or none.
    const run = entries.filter(({ first, last }) => first >= start.first && last <= end.last)
    return { first: start.first, last: end.last, bytes: run.reduce((sum, { bytes }) => sum + bytes, 0), entries: run }
  }
}
