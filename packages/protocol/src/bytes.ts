/**
 * Reading and writing of the binary formats: big-endian fixed integers, LEB128 variable integers, length-prefixed
 * byte strings and UTF-8. A reader never reads past its end and never allocates what the input merely claims: every
 * length is checked against the bytes that are really there. Failures are {@link FormatError}s, nothing else.
 */

/** Input that does not follow its format. `code` is stable; the message says what was being read. */
export class FormatError extends Error {
  readonly code: 'truncated' | 'malformed' | 'too-large' | 'unsupported'
  constructor(code: FormatError['code'], message: string) {
    super(message)
    this.name = 'FormatError'
    this.code = code
  }
}

const utf8Encoder = new TextEncoder()
// ignoreBOM keeps a leading U+FEFF: note files are kept byte for byte.
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function encodeUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text)
}

/** @throws FormatError `malformed` when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    throw new FormatError('malformed', 'a string is not valid UTF-8')
  }
}

/** A growing output buffer. `finish` returns exactly what was written. */
export class ByteWriter {
  #buffer: Uint8Array
  #view: DataView
  #length = 0

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity)
    this.#view = new DataView(this.#buffer.buffer)
  }

  get length(): number {
    return this.#length
  }

  #reserve(extra: number): number {
    const at = this.#length
    const need = at + extra
    if (need > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(need, this.#buffer.length * 2))
      grown.set(this.#buffer.subarray(0, at))
      this.#buffer = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#length = need
    return at
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer[at] = value
    return this
  }

  u32(value: number): this {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value)
    return this
  }

  /** Unsigned, up to 2^53 - 1. */
  u64(value: number): this {
    const at = this.#reserve(8)
    this.#view.setUint32(at, Math.floor(value / 2 ** 32))
    this.#view.setUint32(at + 4, value >>> 0)
    return this
  }

  f64(value: number): this {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value)
    return this
  }

  /** LEB128, unsigned, 0 to 2^53 - 1. */
  varint(value: number): this {
    let rest = value
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.u8(rest)
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  /** Byte string: varint length, then the bytes. */
  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes)
  }

  /** UTF-8 string: varint length in bytes, then the bytes. Lone surrogates become U+FFFD. */
  text(text: string): this {
    // Encoded in place, behind a length as long as ASCII would need: nothing is allocated, and other text is moved up.
    const guess = varintSize(text.length)
    const start = this.#length
    this.#reserve(guess + text.length * 3 + 1)
    const { written } = utf8Encoder.encodeInto(text, this.#buffer.subarray(start + guess))
    const size = varintSize(written)
    if (size > guess) this.#buffer.copyWithin(start + size, start + guess, start + guess + written)
    this.#length = start
    this.varint(written)
    this.#length = start + size + written
    return this
  }

  /** A view of the bytes written so far; valid until the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}

/** Reads a buffer from its start; every method throws FormatError `truncated` when it would pass the end. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get position(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) {
      throw new FormatError('truncated', `${length} bytes expected at ${at}, ${this.#bytes.length - at} are there`)
    }
    this.#at = at + length
    return at
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  u64(): number {
    const at = this.#take(8)
    const value = this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4)
    if (value > Number.MAX_SAFE_INTEGER) throw new FormatError('malformed', 'an integer is larger than 2^53 - 1')
    return value
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break
        // One encoding per number: what is decoded and encoded again is the same bytes.
        if (byte === 0 && i > 0) throw new FormatError('malformed', 'a variable integer has a redundant byte')
        return value
      }
      scale *= 0x80
    }
    throw new FormatError('malformed', 'a variable integer is larger than 2^53 - 1')
  }

  /** A view into the input, not a copy. */
  raw(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  bytes(): Uint8Array {
    return this.raw(this.varint())
  }

  text(): string {
    return decodeUtf8(this.bytes())
  }

  /** @throws FormatError `malformed` when input is left over. */
  end(): void {
    if (this.remaining > 0) throw new FormatError('malformed', `${this.remaining} bytes are left over`)
  }
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += HEX[byte]
  return out
}

/** @throws FormatError `malformed` unless `text` is an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new FormatError('malformed', 'not hexadecimal')
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16)
  return out
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const BASE64URL_VALUES = new Map([...BASE64URL].map((char, value) => [char, value]))

/** base64url without padding (RFC 4648, section 5): how JSON carries bytes. */
export function toBase64Url(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    out += BASE64URL[group >> 18]
    out += BASE64URL[(group >> 12) & 63]
    if (left > 1) out += BASE64URL[(group >> 6) & 63]
    if (left > 2) out += BASE64URL[group & 63]
  }
  return out
}

/** @throws FormatError `malformed` unless `text` is canonical base64url without padding. */
export function fromBase64Url(text: string): Uint8Array {
  if (text.length % 4 === 1) throw new FormatError('malformed', 'not base64url')
  const out = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let pending = 0
  let at = 0
  for (const char of text) {
    const value = BASE64URL_VALUES.get(char)
    if (value === undefined) throw new FormatError('malformed', 'not base64url')
    pending = ((pending << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      out[at++] = (pending >> bits) & 0xff
    }
  }
  if ((pending & ((1 << bits) - 1)) !== 0) throw new FormatError('malformed', 'base64url with stray bits at its end')
  return out
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Order of byte strings as memcmp: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
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
