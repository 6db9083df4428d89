/** What this device pushed, as steps of the log. */
import { extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import type { SegmentRecord } from '@lockstep/protocol/records'
import type { LogPosition } from '#log'

/**
 * Where `at` is after these segments, as far as each has the sequence number that continues it; the log may hold others' between
 * them, or have had them before.
 */
export function advance(
  sha256: Sha256,
  at: LogPosition,
  records: readonly SegmentRecord[],
  sequences: readonly number[],
): LogPosition {
  let { cursor, chain } = at
  for (const [i, record] of records.entries()) {
    if (sequences[i] !== cursor + 1) continue
    cursor++
    chain = extendChain(sha256, chain, identifySegment(sha256, record))
  }
  return { cursor, chain }
}
