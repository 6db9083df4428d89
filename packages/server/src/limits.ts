/** The limits that a server publishes and holds its clients to: the protocol's, and the quota that it was given. */
import {
  MAX_JSON_BYTES,
  MAX_PUSH_BYTES,
  MAX_PUSH_SEGMENTS,
  MAX_SEGMENT_BYTES,
  MAX_SHARE_BYTES,
  MAX_SHARES,
} from '@lockstep/protocol/limits'

export interface Limits {
  readonly segmentBytes: number
  readonly pushBytes: number
  readonly pushSegments: number
  readonly jsonBytes: number
  /** Sealed bytes per vault, its log and its shares together; 0 for no bound. */
  readonly quotaBytes: number
  readonly shareBytes: number
  /** Shares per vault. */
  readonly shares: number
}

export function limitsWith(quotaBytes: number): Limits {
  return {
    segmentBytes: MAX_SEGMENT_BYTES,
    pushBytes: MAX_PUSH_BYTES,
    pushSegments: MAX_PUSH_SEGMENTS,
    jsonBytes: MAX_JSON_BYTES,
    quotaBytes,
    shareBytes: MAX_SHARE_BYTES,
    shares: MAX_SHARES,
  }
}
