/**
 * Byte helpers of this package. It stands alone (no import of the protocol package), so that it can be reviewed alone.
 *
 * `Bytes` is a byte string with memory of its own, which WebCrypto insists on (never a SharedArrayBuffer, which another
 * thread could change between a check and its use).
 */
import { CryptoError } from '#errors'

export type Bytes = Uint8Array<ArrayBuffer>

const encoder = new TextEncoder()

/** UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Bytes {
  return encoder.encode(text)
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Compares without stopping at the first difference, so that the time taken tells nothing about where it is. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Big-endian. @throws CryptoError `bad-argument` unless `value` is an integer from 0 to 65 535. */
export function u16(value: number, name: string): Bytes {
  checkInteger(value, name, 0, 0xffff)
  return Uint8Array.of(value >> 8, value & 0xff)
}

/** Big-endian. @throws CryptoError `bad-argument` unless `value` is an integer from `low` to 2^32 − 1. */
export function u32(value: number, name: string, low = 1): Bytes {
  checkInteger(value, name, low, 2 ** 32 - 1)
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, value)
  return out
}

/** Big-endian, 8 bytes. @throws CryptoError `bad-argument` unless `value` is an integer from `low` to 2^53 − 1. */
export function u64(value: number, name: string, low = 1): Bytes {
  checkInteger(value, name, low, Number.MAX_SAFE_INTEGER)
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(value))
  return out
}

function checkInteger(value: number, name: string, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new CryptoError('bad-argument', `${name} must be an integer from ${low} to ${high}, is ${value}`)
  }
}

/** -1, 0 or 1, as byte strings of one length are sorted. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

/** @throws CryptoError `bad-argument` unless `bytes` has exactly `length` bytes. The message does not show them. */
export function checkLength(bytes: Uint8Array, length: number, name: string): void {
  if (bytes.length !== length) throw new CryptoError('bad-argument', `${name} must be ${length} bytes, is ${bytes.length}`)
}

/** The same bytes if their memory is their own, else a copy. */
export function own(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : new Uint8Array(bytes)
}
