/**
 * A JSON array that arrives in chunks, taken apart into its elements without having it all in memory: each is given as its own
 * bytes, for `JSON.parse`. What is between them is checked here, what is in them is not, but for how deep they nest and how long they are.
 */
import { ProblemError } from '#problems'

const QUOTE = 0x22
const COMMA = 0x2c
const ZERO = 0x30
const NINE = 0x39
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

function tooLarge(limit: number): ProblemError {
  return new ProblemError('too-large', `an element of the body is over the limit of ${limit} bytes`)
}

/** Of one element. */
export interface ElementLimits {
  /** How deep arrays and objects may nest. */
  readonly depth: number
  readonly bytes: number
}

export class JsonElements {
  readonly #limits: ElementLimits
  #place: Place = 'before'
  #depth = 0
  #inString = false
  #escaped = false
  /** Of an element that began in an earlier chunk. */
  #begun: Uint8Array[] = []
  #begunBytes = 0

  constructor(limits: ElementLimits) {
    this.#limits = limits
  }

  /** The elements that end in this chunk. @throws ProblemError `bad-json`, `bad-request`, `too-large` */
  push(chunk: Uint8Array): Uint8Array[] {
    const ended: Uint8Array[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      if (this.#place !== 'element') {
        const byte = chunk[at] as number
        if (isSpace(byte) || !this.#begins(byte)) continue
        start = at
      }
      const end = this.#endOfElement(chunk, at)
      const bytes = this.#begunBytes + (end === -1 ? chunk.length : end) - start
      if (bytes > this.#limits.bytes) throw tooLarge(this.#limits.bytes)
      if (end === -1) {
        this.#begun.push(chunk.subarray(start))
        this.#begunBytes = bytes
        break
      }
      ended.push(this.#element(chunk.subarray(start, end)))
      this.#place = chunk[end] === COMMA ? 'next' : 'after'
      at = end
    }
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

  /** Where the comma or bracket behind the element is; -1 when it is not in this chunk. */
  #endOfElement(chunk: Uint8Array, from: number): number {
    // Nearly all of a body is passed here: no field is touched on the way.
    let depth = this.#depth
    let inString = this.#inString
    let escaped = this.#escaped
    let end = -1
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number
      // Two thirds of them.
      if (byte >= ZERO && byte <= NINE) escaped = false
      else if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE) inString = true
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        depth += 1
        if (depth > this.#limits.depth) throw new ProblemError('bad-request', 'the body nests deeper than anything it may hold')
      } else if (depth > 0) {
        if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1
      } else if (byte === COMMA || byte === CLOSE_LIST) {
        end = at
        break
      } else if (byte === CLOSE_OBJECT) throw notJson()
    }
    this.#depth = depth
    this.#inString = inString
    this.#escaped = escaped
    return end
  }

  #element(last: Uint8Array): Uint8Array {
    if (this.#begun.length === 0) return last
    const whole = Buffer.concat([...this.#begun, last])
    this.#begun = []
    this.#begunBytes = 0
    return whole
  }
}
