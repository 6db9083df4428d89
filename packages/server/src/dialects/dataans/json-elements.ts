/**
 * A JSON array that arrives in chunks, taken apart into its elements without having it all in memory: each is given as its own
 * bytes, for `JSON.parse`. What is between them is checked here, what is in them is not, but for how deep they nest.
 */
import { ProblemError } from '#problems'

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Where the next byte is; `first` may be the end of an empty array, `next` comes after a comma. */
type Place = 'before' | 'first' | 'next' | 'element' | 'after'

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function notJson(): ProblemError {
  return new ProblemError('bad-json', 'the body is not a JSON array')
}

export class JsonElements {
  readonly #maxDepth: number
  #place: Place = 'before'
  #depth = 0
  #inString = false
  #escaped = false
  /** Of an element that began in an earlier chunk. */
  #begun: Uint8Array[] = []

  /** @param maxDepth of arrays and objects in an element */
  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth
  }

  /** The elements that end in this chunk. @throws ProblemError `bad-json`, `bad-request` */
  push(chunk: Uint8Array): Uint8Array[] {
    const ended: Uint8Array[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (this.#place !== 'element') {
        if (isSpace(byte)) continue
        if (!this.#begins(byte)) continue
        start = at
      }
      if (this.#inString) this.#passString(byte)
      else if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_LIST)) {
        ended.push(this.#element(chunk.subarray(start, at)))
        this.#place = byte === COMMA ? 'next' : 'after'
      } else this.#pass(byte)
    }
    if (this.#place === 'element') this.#begun.push(chunk.subarray(start))
    return ended
  }

  /** @throws ProblemError `bad-json` when the array has not ended. */
  end(): void {
    if (this.#place !== 'after') throw notJson()
  }

  /** Outside of an element: whether one begins with this byte. */
  #begins(byte: number): boolean {
    const place = this.#place
    if (place === 'before' && byte === OPEN_LIST) {
      this.#place = 'first'
      return false
    }
    if (place === 'first' && byte === CLOSE_LIST) {
      this.#place = 'after'
      return false
    }
    if (place === 'before' || place === 'after' || byte === COMMA || byte === CLOSE_LIST) throw notJson()
    this.#place = 'element'
    return true
  }

  #passString(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) this.#inString = false
  }

  #pass(byte: number): void {
    if (byte === QUOTE) this.#inString = true
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      this.#depth += 1
      if (this.#depth > this.#maxDepth) throw new ProblemError('bad-request', 'the body nests deeper than anything it may hold')
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      if (this.#depth === 0) throw notJson()
      this.#depth -= 1
    }
  }

  #element(last: Uint8Array): Uint8Array {
    if (this.#begun.length === 0) return last
    const whole = Buffer.concat([...this.#begun, last])
    this.#begun = []
    return whole
  }
}
