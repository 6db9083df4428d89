/**
 * A checksum over a row as it is stored, so that a bit that a disk or a memory chip has flipped is found: SQLite itself
 * notices only those that break its own structures.
 *
 * It is against accidents. It has no key and is no cryptographic hash: who can write the file can write the checksum, too;
 * against malice there are the seals of the segments, from which a damaged row is made again (doctor/).
 *
 * **What it covers**: rowid, id, `_deleted`, `_edited`, `_stamp`, `_own`, `_state`, the list of columns behind `_shape`
 * (its number differs from device to device), the value of each column that somebody has written with its type, and the
 * bytes of its cells in `_cells` and `_foreign`. Columns that nobody has written hold a default, which the schema
 * tells; so a column that a newer version adds changes no checksum.
 *
 * **How**: each text as UTF-8 and each blob, filled up to 16 bytes, and then all numbers (as 64-bit floats; types and lengths
 * among them) go through four lanes of 32 bits with the structure of xxHash32, whose end is mixed to 53 bits. Each step is a bijection, so a change inside one aligned word is noticed for certain, and any other with all
 * but 2⁻⁵³. Text goes through the platform's UTF-8 encoder because that is ten times as quick as asking a string for its
 * characters.
 */
import type { SqlValue } from '#driver'

/** What of a row goes into its digest. Lists are in the order of the column names. */
export interface DigestedRow {
  readonly n: number
  readonly id: string
  readonly deleted: number
  readonly edited: string
  readonly stamp: string | null
  readonly own: string | null
  readonly state: number
  /** `_shapes.columns`: a JSON array, sorted. */
  readonly shape: string
  /** Shown values: of the shape's columns, then of those in `_own`, then of those in `_cells`. */
  readonly values: readonly SqlValue[]
  /** Rows of `_cells` and of `_foreign`. */
  readonly cells?: readonly StoredCell[] | undefined
  readonly foreign?: readonly StoredCell[] | undefined
}

export interface StoredCell {
  readonly col: string
  readonly cell: Uint8Array
}

const P1 = 0x9e3779b1 | 0
const P2 = 0x85ebca77 | 0
const P3 = 0xc2b2ae3d | 0
const P4 = 0x27d4eb2f | 0

/** Types of values; a number is followed by itself, text and blobs by their length. */
const TYPE = { null: 0, number: 1, text: 2, blob: 3 } as const

/** A buffer that grew beyond this for one row is not kept. */
const KEPT_BYTES = 1024 * 1024

const encoder = new TextEncoder()
let numbers = new Float64Array(64)
let numberWords = new Int32Array(numbers.buffer)
let bytes = new Uint8Array(16 * 1024)
let byteWords = new Int32Array(bytes.buffer)
/** The four lanes between two calls of {@link absorb}. */
const lanes = new Int32Array(4)

function reserveNumbers(count: number): void {
  if (count <= numbers.length) return
  numbers = new Float64Array(2 * count)
  numberWords = new Int32Array(numbers.buffer)
}

/** Room for `count` bytes and their padding. */
function reserveBytes(count: number): void {
  if (count + 16 <= bytes.length) return
  useBytes(new Uint8Array((2 * count + 47) & ~15))
}

function useBytes(made: Uint8Array<ArrayBuffer>): void {
  bytes = made
  byteWords = new Int32Array(made.buffer)
}

let shape = ''
let shapeDigest = 0
let edited = ''
let editedDigest = 0

/** 53 bits as a non-negative safe integer. */
export function digestRow(row: DigestedRow): number {
  const { values, cells, foreign } = row
  // Rows of one segment share these two: they enter as numbers.
  if (row.shape !== shape) {
    shape = row.shape
    shapeDigest = digestText(shape)
  }
  if (row.edited !== edited) {
    edited = row.edited
    editedDigest = digestText(edited)
  }
  reserveNumbers(16 + 2 * values.length + 2 * ((cells?.length ?? 0) + (foreign?.length ?? 0)))
  begin()
  numbers[0] = row.n
  numbers[1] = row.deleted
  numbers[2] = row.state
  numbers[3] = shapeDigest
  numbers[4] = editedDigest
  numbers[5] = values.length
  numbers[6] = cells?.length ?? 0
  numbers[7] = absorbText(row.id)
  numbers[8] = row.stamp === null ? -1 : absorbText(row.stamp)
  numbers[9] = row.own === null ? -1 : absorbText(row.own)
  let at = 10
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as SqlValue
    if (typeof value === 'string') {
      numbers[at++] = TYPE.text
      numbers[at++] = absorbText(value)
    } else if (typeof value === 'number') {
      numbers[at++] = TYPE.number
      // SQLite has no negative zero among its integers.
      numbers[at++] = value + 0
    } else if (value === null) {
      numbers[at++] = TYPE.null
    } else {
      numbers[at++] = TYPE.blob
      numbers[at++] = absorbBlob(value)
    }
  }
  for (const list of [cells, foreign]) {
    if (list === undefined) continue
    for (const { col, cell } of list) {
      numbers[at++] = absorbText(col)
      numbers[at++] = absorbBlob(cell)
    }
  }
  if ((at & 1) === 1) numbers[at++] = 0
  absorb(numberWords, at << 1)
  if (bytes.length > KEPT_BYTES) useBytes(new Uint8Array(16 * 1024))
  return finish()
}

function digestText(text: string): number {
  begin()
  absorbText(text)
  return finish()
}

/** Returns the bytes that it took. */
function absorbText(text: string): number {
  // A unit of UTF-16 is at most three bytes of UTF-8.
  reserveBytes(3 * text.length)
  const { written } = encoder.encodeInto(text, bytes)
  absorbBytes(written)
  return written
}

function absorbBlob(blob: Uint8Array): number {
  reserveBytes(blob.length)
  bytes.set(blob)
  absorbBytes(blob.length)
  return blob.length
}

/** The first `length` bytes of the buffer, filled up with zeros: how many they were goes into the numbers. */
function absorbBytes(length: number): void {
  const end = ((length + 15) >>> 4) << 4
  for (let i = length; i < end; i++) bytes[i] = 0
  absorb(byteWords, end >>> 2)
}

function begin(): void {
  lanes[0] = P1
  lanes[1] = P2
  lanes[2] = P3
  lanes[3] = P4
}

/** `end` is a multiple of four. */
function absorb(words: Int32Array, end: number): void {
  let a = lanes[0] as number
  let b = lanes[1] as number
  let c = lanes[2] as number
  let d = lanes[3] as number
  for (let i = 0; i < end; i += 4) {
    a = (a + Math.imul(words[i] as number, P2)) | 0
    b = (b + Math.imul(words[i + 1] as number, P2)) | 0
    c = (c + Math.imul(words[i + 2] as number, P2)) | 0
    d = (d + Math.imul(words[i + 3] as number, P2)) | 0
    a = Math.imul((a << 13) | (a >>> 19), P1)
    b = Math.imul((b << 13) | (b >>> 19), P1)
    c = Math.imul((c << 13) | (c >>> 19), P1)
    d = Math.imul((d << 13) | (d >>> 19), P1)
  }
  lanes[0] = a
  lanes[1] = b
  lanes[2] = c
  lanes[3] = d
}

function finish(): number {
  const a = lanes[0] as number
  const b = lanes[1] as number
  const c = lanes[2] as number
  const d = lanes[3] as number
  const low = ((a << 1) | (a >>> 31)) + ((b << 7) | (b >>> 25)) + ((c << 12) | (c >>> 20)) + ((d << 18) | (d >>> 14))
  const high = Math.imul(a, P3) ^ Math.imul(b, P4) ^ Math.imul((c << 15) | (c >>> 17), P1) ^ Math.imul((d << 9) | (d >>> 23), P2)
  return (avalanche(high) & 0x1fffff) * 0x1_0000_0000 + (avalanche(low | 0) >>> 0)
}

function avalanche(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 15), P2)
  mixed = Math.imul(mixed ^ (mixed >>> 13), P3)
  return mixed ^ (mixed >>> 16)
}
