/**
 * Segment ids and the server's chain [LOG-4]. SHA-256 is passed in: this package does no I/O and picks no provider.
 *
 *     digest   = SHA-256(sealed)
 *     id       = first 16 bytes of SHA-256(record header (61 bytes) ‖ digest)
 *     chain(0) = 32 zero bytes
 *     chain(n) = SHA-256(chain(n−1) ‖ id ‖ digest)
 *
 * The id follows from the segment, so the same id is the same segment, and a server cannot give one id to two of them.
 */
import { concatBytes } from '#bytes'
import { CHAIN_BYTES, encodeRecordHeader, type SegmentRecord } from '#records'

export type Sha256 = (bytes: Uint8Array) => Uint8Array

const SEGMENT_ID_BYTES = 16
export const CHAIN_START: Uint8Array = new Uint8Array(CHAIN_BYTES)

export interface SegmentIdentity {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** SHA-256 of the sealed bytes. */
  readonly digest: Uint8Array
}

export function identifySegment(sha256: Sha256, record: SegmentRecord): SegmentIdentity {
  const digest = sha256(record.sealed)
  return { digest, id: sha256(concatBytes(encodeRecordHeader(record), digest)).slice(0, SEGMENT_ID_BYTES) }
}

export function extendChain(sha256: Sha256, chain: Uint8Array, segment: SegmentIdentity): Uint8Array {
  return sha256(concatBytes(chain, segment.id, segment.digest))
}
