/**
 * Padding [ENV-4]: content ‖ 0x80 ‖ zeros, up to a Padmé length of at least 256 bytes.
 *
 * Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019) keeps only the
 * top ⌊log2 ⌊log2 L⌋⌋ + 1 bits below the leading one of a length L: what is seen of a size is O(log log L) bits, and at most 12 % is added
 * (less and less as L grows). The floor makes every short edit look alike.
 *
 * One content has one padded form: `unpad` refuses any other number of zeros, so nothing can hide in the padding.
 */
import type { Bytes } from '#bytes'
import { CryptoError } from '#errors'

export const MIN_PADDED_BYTES = 256
const MARK = 0x80

/** Bytes that `contentLength` bytes take after padding. */
export function paddedLength(contentLength: number): number {
  const length = Math.max(contentLength + 1, MIN_PADDED_BYTES)
  const exponent = floorLog2(length)
  const step = 2 ** (exponent - (floorLog2(exponent) + 1))
  return Math.ceil(length / step) * step
}

/** Exact for every length a byte string can have: Math.log2 rounds near powers of two. */
function floorLog2(value: number): number {
  return value < 2 ** 32 ? 31 - Math.clz32(value) : 32 + floorLog2(Math.floor(value / 2 ** 32))
}

/** A padded copy. */
export function pad(content: Uint8Array): Bytes {
  const out = new Uint8Array(paddedLength(content.length))
  out.set(content)
  out[content.length] = MARK
  return out
}

/** The content as a view into `padded`. @throws CryptoError `bad-padding`. */
export function unpad(padded: Bytes): Bytes {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  if (end < 0 || padded[end] !== MARK || paddedLength(end) !== padded.length) {
    throw new CryptoError('bad-padding', 'the content is not padded as this version pads it')
  }
  return padded.subarray(0, end)
}
