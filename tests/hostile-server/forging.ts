/** What somebody without keys can put together: bytes that look like the real thing, and the real thing in another place. */
import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { concatBytes, encodeUtf8 } from '@lockstep/protocol/bytes'
import type { DeliveredSegment, SegmentRecord } from '@lockstep/protocol/records'
import { sha256 } from './honest-server.ts'

const ENVELOPE_HEADER = 65
const TAG = 16

/** A segment with other fields; sealed bytes and everything else stay. */
export function altered(segment: DeliveredSegment, fields: Partial<SegmentRecord>): DeliveredSegment {
  return { ...segment, ...fields }
}

export function flipped(bytes: Uint8Array, at: number, bit = 1): Uint8Array {
  const out = bytes.slice()
  out[at] = (out[at] as number) ^ bit
  return out
}

/** Where the parts of sealed bytes begin [ENV-1]. */
export const SEALED_PARTS = { version: 0, salt: 1, commitment: 33, ciphertext: ENVELOPE_HEADER } as const

export function flippedTag(sealed: Uint8Array): Uint8Array {
  return flipped(sealed, sealed.length - TAG)
}

/** Without any flaw in form, under a key of the attacker's [ENV-1]. */
export function sealedByAttacker(content: Uint8Array): Uint8Array {
  const salt = randomBytes(32)
  const derived = Buffer.from(hkdfSync('sha256', randomBytes(32), salt, 'lockstep/v1/envelope', 64))
  const padded = new Uint8Array(Math.max(256, content.length + 1))
  padded.set(content)
  padded[content.length] = 0x80
  const cipher = createCipheriv('aes-256-gcm', derived.subarray(32), new Uint8Array(12))
  cipher.setAAD(encodeUtf8('lockstep/v1/segment'))
  const ciphertext = concatBytes(cipher.update(padded), cipher.final())
  return concatBytes(Uint8Array.of(1), salt, derived.subarray(0, 32), ciphertext, cipher.getAuthTag())
}

/** The segment that the author of `last` would write next, as far as can be told from outside. */
export function forgedAfter(last: DeliveredSegment, sealed: Uint8Array): DeliveredSegment {
  return { ...last, counter: last.counter + 1, previous: sha256(last.sealed), sealed }
}

export const noise = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
