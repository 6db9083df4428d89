/** As much of Node's `Buffer` as tests use; an encoding that is not here is an error. */
import { concatBytes, encodeUtf8, equalBytes, fromBase64Url, fromHex, toBase64Url, toHex } from '@lockstep/protocol/bytes'

const BYTE = 0xff
const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
const base64 = (bytes: Uint8Array): string => btoa(latin1(bytes))
const ofLetters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0) & BYTE)

const WRITE: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  utf8: (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
  hex: toHex,
  base64,
  base64url: toBase64Url,
  latin1,
}
const READ: Readonly<Record<string, (text: string) => Uint8Array>> = {
  utf8: encodeUtf8,
  hex: fromHex,
  base64: (text) => ofLetters(atob(text)),
  base64url: fromBase64Url,
  latin1: ofLetters,
}

function codec<T>(known: Readonly<Record<string, T>>, encoding: string): T {
  const found = known[encoding]
  if (found === undefined) throw new TypeError(`the encoding ${encoding} is not known here`)
  return found
}

export class Buffer extends Uint8Array {
  static override from(value: string | ArrayLike<number> | Iterable<number>, encoding?: unknown): Buffer {
    const bytes =
      typeof value === 'string'
        ? codec(READ, (encoding as string | undefined) ?? 'utf8')(value)
        : Uint8Array.from(value as ArrayLike<number>)
    const out = new Buffer(bytes.length)
    out.set(bytes)
    return out
  }
  static concat(parts: readonly Uint8Array[]): Buffer {
    return Buffer.from(concatBytes(...parts))
  }
  /** As {@link Array.prototype.sort} wants it. */
  static compare(a: Uint8Array, b: Uint8Array): number {
    const at = a.findIndex((byte, i) => byte !== b[i])
    return Math.sign(at === -1 || at >= b.length ? a.length - b.length : (a[at] as number) - (b[at] as number))
  }
  static alloc(length: number): Buffer {
    return new Buffer(length)
  }
  static byteLength(text: string): number {
    return encodeUtf8(text).length
  }
  equals(other: Uint8Array): boolean {
    return equalBytes(this, other)
  }
  override toString(encoding = 'utf8'): string {
    return codec(WRITE, encoding)(this)
  }
}
