/**
 * From a segment's body to its sealed bytes and back [FMT-1] [ENV-3]: codec byte, compression, envelope.
 *
 * Compression comes from the platform (zlib in Node, CompressionStream in a browser). Content is compressed before it is
 * encrypted; what that tells about content by its length is what padding blurs, and no attacker chooses parts of a segment.
 */

import { open, seal, segmentAad } from '@lockstep/crypto/envelope'
import { deriveEpochKeys, type EpochKeys } from '@lockstep/crypto/hierarchy'
import { FormatError } from '@lockstep/protocol/bytes'
import { MAX_SEGMENT_CONTENT } from '@lockstep/protocol/limits'
import type { SegmentRecord } from '@lockstep/protocol/records'

/** deflate-raw (RFC 1951). */
export interface Compression {
  readonly deflate: (bytes: Uint8Array) => Promise<Uint8Array>
  /** Stops with a FormatError `too-large` once the output passes `limit` bytes, `malformed` for other bad input. */
  readonly inflate: (bytes: Uint8Array, limit: number) => Promise<Uint8Array>
}

/** What identifies a segment to the one who seals or opens it. */
export type SegmentPlace = Pick<SegmentRecord, 'kind' | 'epoch' | 'replica' | 'counter'>

/** Seals and opens segment bodies. The simulation has one without cryptography. */
export interface Sealer {
  /** Epoch of what is sealed now; it grows when the vault's keys are changed. */
  readonly epoch: number
  seal(place: SegmentPlace, body: Uint8Array): Promise<Uint8Array>
  /** @throws CryptoError, FormatError; `MissingEpochError` for an epoch whose key this device does not have. */
  open(place: SegmentPlace, sealed: Uint8Array): Promise<Uint8Array>
}

export class MissingEpochError extends Error {
  constructor(epoch: number) {
    super(`the segment is sealed with the key of epoch ${epoch}, which this device does not have`)
    this.name = 'MissingEpochError'
  }
}

const CODEC = { stored: 0, deflate: 1 } as const

export async function packBody(compression: Compression, body: Uint8Array): Promise<Uint8Array> {
  const deflated = await compression.deflate(body)
  const smaller = deflated.length < body.length
  const content = smaller ? deflated : body
  const packed = new Uint8Array(content.length + 1)
  packed[0] = smaller ? CODEC.deflate : CODEC.stored
  packed.set(content, 1)
  return packed
}

/** @throws FormatError */
export async function unpackBody(compression: Compression, packed: Uint8Array): Promise<Uint8Array> {
  const codec = packed[0]
  if (codec === undefined) throw new FormatError('truncated', 'a segment has no content')
  const content = packed.subarray(1)
  if (codec === CODEC.deflate) return compression.inflate(content, MAX_SEGMENT_CONTENT)
  if (codec !== CODEC.stored) throw new FormatError('unsupported', `codec ${codec} is not known: please update Lockstep`)
  if (content.length > MAX_SEGMENT_CONTENT) throw new FormatError('too-large', 'a segment is over the limit')
  return content
}

export interface SealerOptions {
  /** 16 bytes. */
  readonly vaultId: Uint8Array
  /** Epoch → vault key, 32 bytes each; at least one. */
  readonly vaultKeys: ReadonlyMap<number, Uint8Array>
  readonly compression: Compression
  readonly random: (length: number) => Uint8Array
}

/** A sealer that learns of new epochs while it is used: segments that are on their way go on with the epoch they began with. */
export interface GrowingSealer extends Sealer {
  /** Adds what it does not have; an epoch that it has keeps its key. */
  add(vaultKeys: ReadonlyMap<number, Uint8Array>): void
}

export function createSealer({ vaultId, vaultKeys, compression, random }: SealerOptions): GrowingSealer {
  const keys = new Map<number, EpochKeys>()
  let newest = 0
  const add = (more: ReadonlyMap<number, Uint8Array>) => {
    for (const [epoch, key] of more) if (!keys.has(epoch)) keys.set(epoch, deriveEpochKeys(key, vaultId, epoch))
    newest = Math.max(...keys.keys())
  }
  add(vaultKeys)
  const keysOf = (wanted: number): EpochKeys => {
    const found = keys.get(wanted)
    if (found === undefined) throw new MissingEpochError(wanted)
    return found
  }
  return {
    get epoch() {
      return newest
    },
    add,
    async seal(place, body) {
      return seal(keysOf(place.epoch).segmentKey, segmentAad({ ...place, vaultId }), await packBody(compression, body), random)
    },
    async open(place, sealed) {
      return unpackBody(compression, await open(keysOf(place.epoch).segmentKey, segmentAad({ ...place, vaultId }), sealed))
    },
  }
}
