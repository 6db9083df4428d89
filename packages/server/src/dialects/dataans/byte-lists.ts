/**
 * Byte strings as the dialect writes them in JSON: lists of numbers, two to four characters for a byte. They are most of
 * what is sent, so they are written as bytes of text, digit by digit from a table, without a string or an array in between.
 */
import { encodeUtf8 } from '@lockstep/protocol/bytes'

const OPEN = 0x5b
const COMMA = 0x2c
const CLOSE = 0x5d
const ZERO = 0x30

const digits = (divisor: number) => Uint8Array.from({ length: 256 }, (_, value) => ZERO + (Math.floor(value / divisor) % 10))
const HUNDREDS = digits(100)
const TENS = digits(10)
const ONES = digits(1)

/** The most that a list of so many bytes takes. */
export function listLength(bytes: number): number {
  return 4 * bytes + 2
}

/** Puts pieces of JSON into a buffer of a length that is known to do. */
export class JsonWriter {
  readonly #out: Uint8Array<ArrayBuffer>
  #at = 0

  constructor(capacity: number) {
    // Not cleared: only what was written is given.
    this.#out = Buffer.allocUnsafeSlow(capacity)
  }

  raw(bytes: Uint8Array): this {
    this.#out.set(bytes, this.#at)
    this.#at += bytes.length
    return this
  }

  text(text: string): this {
    return this.raw(encodeUtf8(text))
  }

  /** `[1,2,3]` */
  list(bytes: Uint8Array): this {
    const out = this.#out
    let at = this.#at
    out[at++] = OPEN
    for (let i = 0; i < bytes.length; i++) {
      const value = bytes[i] as number
      if (i > 0) out[at++] = COMMA
      if (value > 99) out[at++] = HUNDREDS[value] as number
      if (value > 9) out[at++] = TENS[value] as number
      out[at++] = ONES[value] as number
    }
    out[at++] = CLOSE
    this.#at = at
    return this
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#out.subarray(0, this.#at)
  }
}

/** The bytes of a list of numbers; undefined when one of them is no byte. */
export function bytesOfList(list: readonly unknown[]): Uint8Array | undefined {
  const bytes = new Uint8Array(list.length)
  for (let i = 0; i < list.length; i++) {
    const value = list[i]
    if (typeof value !== 'number' || value < 0 || value > 255 || !Number.isInteger(value)) return undefined
    bytes[i] = value
  }
  return bytes
}
