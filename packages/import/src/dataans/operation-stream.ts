/**
 * Reads the answer of `GET /data/operation` as it arrives, however long it is: a JSON array of
 * `{"id": uuid, "createdAt": RFC 3339, "data": [u8, …], "checksum": [u8 × 32]}`. Byte strings are arrays of numbers, four times
 * as long as what they say, so they become bytes digit by digit and the JSON text is never held. Memory is one operation's bytes.
 *
 * An element that is no operation (a member is missing or of another type, a number is no byte, the data is over the limit) is
 * delivered with the reason, and the next ones are read. What is not a JSON array of objects ends the reading.
 */
import { ImportError } from '#errors'

const CHECKSUM_BYTES = 32
/** Of a member's name, an id or a time. */
const MAX_TEXT_BYTES = 128

export interface SealedOperation {
  readonly id: string
  readonly createdAt: string
  /** The envelope. */
  readonly data: Uint8Array
  /** 32 bytes. */
  readonly checksum: Uint8Array
}

/** One element of the array. `id` is there where it could be read. */
export type StreamedOperation =
  | { readonly sealed: SealedOperation }
  | { readonly sealed?: undefined; readonly id: string | undefined; readonly reason: string }

const BYTE = {
  quote: 0x22,
  comma: 0x2c,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  open: 0x5b,
  backslash: 0x5c,
  close: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const

type Expecting =
  | 'array'
  | 'element or end'
  | 'element'
  | 'name or end'
  | 'name'
  | 'colon'
  | 'value'
  | 'comma or end of object'
  | 'comma or end of array'
  | 'nothing'
  /** Inside of a value: */
  | 'text'
  | 'numbers'
  | 'skipped'

const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Bytes of an array of numbers, in a buffer that grows and is used again. */
class ByteCollector {
  readonly limit: number
  #bytes = new Uint8Array(1024)
  #length = 0
  overflown = false

  constructor(limit: number) {
    this.limit = limit
  }

  start(): void {
    this.#length = 0
    this.overflown = false
  }

  push(byte: number): void {
    if (this.#length === this.limit) {
      this.overflown = true
      return
    }
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.limit, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[this.#length++] = byte
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }
}

export class OperationStream {
  readonly #data: ByteCollector
  readonly #checksum = new ByteCollector(CHECKSUM_BYTES)
  #expecting: Expecting = 'array'
  /** Bytes of the text that is being read, without its quotes. */
  #text: number[] = []
  #textTooLong = false
  #escaped = false
  #isName = false
  #name = ''
  /** Of an array of numbers: the one being read, -1 between two; whether a number must follow, may follow, or must not. */
  #number = -1
  #place: 'start' | 'after comma' | 'after number' = 'start'
  /** Of a value that is left out: open brackets, and whether a text is open in it. */
  #depth = 0
  #inText = false
  /** The element that is being read. */
  #element: Partial<Record<'id' | 'createdAt', string> & Record<'data' | 'checksum', Uint8Array>> = {}
  #reason: string | undefined
  #found: StreamedOperation[] = []

  /** @param maxDataBytes Of one envelope; the element of a longer one is no operation. */
  constructor(maxDataBytes: number) {
    this.#data = new ByteCollector(maxDataBytes)
  }

  /** What is complete with this chunk. @throws ImportError `source-invalid` */
  push(chunk: Uint8Array): StreamedOperation[] {
    let i = 0
    while (i < chunk.length) i = this.#step(chunk, i)
    const found = this.#found
    this.#found = []
    return found
  }

  /** @throws ImportError `source-invalid` where the answer was cut off */
  end(): void {
    if (this.#expecting !== 'nothing') throw new ImportError('source-invalid', "the server's list of operations was cut off")
  }

  /** Takes at least one byte of the chunk, or changes what is expected. Returns where to go on. */
  #step(chunk: Uint8Array, at: number): number {
    switch (this.#expecting) {
      case 'text':
        return this.#readText(chunk, at)
      case 'numbers':
        return this.#readNumbers(chunk, at)
      case 'skipped':
        return this.#skip(chunk, at)
      default:
        if (!isSpace(chunk[at] as number)) return this.#structure(chunk[at] as number, at)
        return at + 1
    }
  }

  #structure(byte: number, at: number): number {
    const expecting = this.#expecting
    if (expecting === 'array' && byte === BYTE.open) this.#expecting = 'element or end'
    else if (expecting === 'element or end' && byte === BYTE.close) this.#expecting = 'nothing'
    else if ((expecting === 'element' || expecting === 'element or end') && byte === BYTE.openObject) {
      this.#element = {}
      this.#reason = undefined
      this.#expecting = 'name or end'
    } else if (expecting === 'name or end' && byte === BYTE.closeObject) this.#endElement()
    else if ((expecting === 'name' || expecting === 'name or end') && byte === BYTE.quote) this.#startText(true)
    else if (expecting === 'colon' && byte === BYTE.colon) this.#expecting = 'value'
    else if (expecting === 'value') return this.#startValue(byte, at)
    else if (expecting === 'comma or end of object' && byte === BYTE.comma) this.#expecting = 'name'
    else if (expecting === 'comma or end of object' && byte === BYTE.closeObject) this.#endElement()
    else if (expecting === 'comma or end of array' && byte === BYTE.comma) this.#expecting = 'element'
    else if (expecting === 'comma or end of array' && byte === BYTE.close) this.#expecting = 'nothing'
    else throw new ImportError('source-invalid', 'the server did not answer with a list of operations: is it a Dataans server?')
    return at + 1
  }

  #startText(isName: boolean): void {
    this.#text = []
    this.#textTooLong = false
    this.#escaped = false
    this.#isName = isName
    this.#expecting = 'text'
  }

  #startValue(byte: number, at: number): number {
    const isText = this.#name === 'id' || this.#name === 'createdAt'
    const isBytes = this.#name === 'data' || this.#name === 'checksum'
    if (isText && byte === BYTE.quote) this.#startText(false)
    else if (isBytes && byte === BYTE.open) {
      this.#collector().start()
      this.#number = -1
      this.#place = 'start'
      this.#expecting = 'numbers'
    } else {
      if (isText || isBytes) this.#reason ??= `has a "${this.#name}" of another type`
      this.#depth = 0
      this.#inText = false
      this.#expecting = 'skipped'
      return at
    }
    return at + 1
  }

  #collector(): ByteCollector {
    return this.#name === 'data' ? this.#data : this.#checksum
  }

  #readText(chunk: Uint8Array, from: number): number {
    let at = from
    for (; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (byte === BYTE.quote && !this.#escaped) {
        this.#endText()
        return at + 1
      }
      this.#escaped = byte === BYTE.backslash && !this.#escaped
      if (this.#text.length < MAX_TEXT_BYTES) this.#text.push(byte)
      else this.#textTooLong = true
    }
    return at
  }

  #endText(): void {
    const text = this.#textTooLong ? undefined : decodeText(this.#text)
    if (this.#isName) {
      this.#name = text ?? ''
      this.#expecting = 'colon'
      return
    }
    if (text === undefined) this.#reason ??= `has a "${this.#name}" that cannot be one`
    else this.#element[this.#name as 'id' | 'createdAt'] = text
    this.#expecting = 'comma or end of object'
  }

  #readNumbers(chunk: Uint8Array, from: number): number {
    const collector = this.#collector()
    let number = this.#number
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (byte >= BYTE.zero && byte <= BYTE.nine && (number >= 0 || this.#place !== 'after number')) {
        number = (number < 0 ? 0 : number * 10) + byte - BYTE.zero
        if (number <= 255) continue
      } else if (byte === BYTE.comma && (number >= 0 || this.#place === 'after number')) {
        if (number >= 0) collector.push(number)
        number = -1
        this.#place = 'after comma'
        continue
      } else if (byte === BYTE.close && (number >= 0 || this.#place !== 'after comma')) {
        if (number >= 0) collector.push(number)
        this.#endNumbers(collector)
        return at + 1
      } else if (isSpace(byte)) {
        if (number >= 0) {
          collector.push(number)
          number = -1
          this.#place = 'after number'
        }
        continue
      }
      // JSON perhaps, but no bytes: the rest of the array is left out.
      this.#reason ??= `has a "${this.#name}" that is not bytes`
      this.#depth = 1
      this.#inText = false
      this.#expecting = 'skipped'
      return at
    }
    this.#number = number
    return chunk.length
  }

  #endNumbers(collector: ByteCollector): void {
    if (collector.overflown) {
      this.#reason ??= this.#name === 'data' ? 'is larger than a note can be' : 'has a checksum that is too long'
    } else this.#element[this.#name as 'data' | 'checksum'] = collector.take()
    this.#expecting = 'comma or end of object'
  }

  #skip(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (this.#inText) {
        if (byte === BYTE.quote && !this.#escaped) this.#inText = false
        this.#escaped = byte === BYTE.backslash && !this.#escaped
      } else if (byte === BYTE.quote) {
        this.#inText = true
        this.#escaped = false
      } else if (byte === BYTE.open || byte === BYTE.openObject) this.#depth++
      else if (this.#depth === 0 && (byte === BYTE.comma || byte === BYTE.closeObject || byte === BYTE.close)) {
        this.#expecting = 'comma or end of object'
        return at
      } else if (byte === BYTE.close || byte === BYTE.closeObject) this.#depth--
    }
    return chunk.length
  }

  #endElement(): void {
    const { id, createdAt, data, checksum } = this.#element
    const missing = (['id', 'createdAt', 'data', 'checksum'] as const).find((name) => this.#element[name] === undefined)
    if (this.#reason === undefined && id !== undefined && createdAt !== undefined && data !== undefined && checksum !== undefined) {
      this.#found.push({ sealed: { id, createdAt, data, checksum } })
    } else {
      this.#found.push({ id, reason: this.#reason ?? `has no "${missing ?? 'id'}"` })
    }
    this.#element = {}
    this.#expecting = 'comma or end of array'
  }
}

function decodeText(bytes: readonly number[]): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes))
    return JSON.parse(`"${text}"`) as string
  } catch {
    return undefined
  }
}
