/**
 * Byte strings as the dialect writes them in JSON: lists of numbers, two to four characters for a byte. They are most of
 * what is sent, so they are written as bytes of text, from a table, without a string or an array in between.
 */
import { encodeUtf8 } from '@lockstep/protocol/bytes'

const OPEN = 0x5b
const CLOSE = 0x5d

/** For each byte the characters of `<number>,`, the first in the lowest bits, and how many they are. */
const TEXTS = new Uint32Array(256)
const LENGTHS = new Uint8Array(256)
for (let value = 0; value < 256; value++) {
  const text = encodeUtf8(`${value},`)
  text.forEach((character, i) => {
    TEXTS[value] = (TEXTS[value] as number) | (character << (8 * i))
  })
  LENGTHS[value] = text.length
}

/** The most that a list of so many bytes needs while it is written. */
export function listLength(bytes: number): number {
  return 4 * bytes + 2
}

/** Puts pieces of JSON into a buffer of a length that is known to do. */
export class JsonWriter {
  readonly #out: Buffer<ArrayBuffer>
  readonly #view: DataView
  #at = 0

  constructor(capacity: number) {
    // Not cleared: only what was written is given.
    this.#out = Buffer.allocUnsafeSlow(capacity)
    this.#view = new DataView(this.#out.buffer)
  }

  /** @param text of ASCII alone */
  text(text: string): this {
    this.#at += this.#out.write(text, this.#at, 'latin1')
    return this
  }

  /** `[1,2,3]` */
  list(bytes: Uint8Array): this {
    const out = this.#out
    const view = this.#view
    let at = this.#at
    out[at++] = OPEN
    for (let i = 0; i < bytes.length; i++) {
      const value = bytes[i] as number
      // Four at once, of which the next ones overwrite what was too much.
      view.setUint32(at, TEXTS[value] as number, true)
      at += LENGTHS[value] as number
    }
    if (bytes.length > 0) at -= 1
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
  const bytes = Buffer.allocUnsafe(list.length)
  for (let i = 0; i < list.length; i++) {
    const value = list[i]
    if (typeof value !== 'number' || value < 0 || value > 255 || !Number.isInteger(value)) return undefined
    bytes[i] = value
  }
  return bytes
}
