/**
 * The binary bodies of the segment routes (docs/protocol.md, section "Segments on the wire").
 *
 *     record    length u32 | kind u8 | epoch u32 | replica 16 | counter u64 | previous 32 | sealed …
 *     delivery  length u32 | first u64 | last u64 | kind u8 | … as record …
 *     position  version u8 = 1 | head u64 | chain 32 | generation 16
 *     push      record*                         → position | sequence u64 *
 *     pull      (cursor, chain in the query)    → position | delivery*
 *
 * All integers are big-endian; `length` counts the bytes after it. [SEG-1]
 */
import { ByteReader, ByteWriter, FormatError } from '#bytes'
import { MAX_PUSH_SEGMENTS, MAX_SEGMENT_BYTES } from '#limits'

/**
 * `merged` takes the place of a run of segments; `seed` is appended like a delta and stands for everything that its writer
 * holds, where a server has lost it [LOG-9].
 */
export const SEGMENT_KIND = { delta: 0, void: 1, merged: 2, seed: 3 } as const
export type SegmentKind = (typeof SEGMENT_KIND)[keyof typeof SEGMENT_KIND]

const WIRE_VERSION = 1
const REPLICA_BYTES = 16
export const DIGEST_BYTES = 32
export const CHAIN_BYTES = 32
const GENERATION_BYTES = 16
/** kind, epoch, replica, counter, previous. */
const RECORD_HEADER_BYTES = 1 + 4 + REPLICA_BYTES + 8 + DIGEST_BYTES
const SPAN_BYTES = 16
const POSITION_BYTES = 1 + 8 + CHAIN_BYTES + GENERATION_BYTES

/** What the server sees of a segment: who wrote it, where it stands among its author's, and sealed bytes. */
export interface SegmentRecord {
  readonly kind: SegmentKind
  /** Key epoch, from 1. */
  readonly epoch: number
  /** 16 bytes. */
  readonly replica: Uint8Array
  /** The replica's own count, from 1, without gaps; of a merged segment or a seed its (last) sequence number. */
  readonly counter: number
  /**
   * SHA-256 of the sealed bytes of the replica's previous segment, 32 zero bytes for its first; of a merged segment or a
   * seed the chain value before its (first) sequence number.
   */
  readonly previous: Uint8Array
  readonly sealed: Uint8Array
}

/** A segment as the server hands it out: with the sequence numbers it stands for (equal, unless it is a merged one). */
export interface DeliveredSegment extends SegmentRecord {
  readonly first: number
  readonly last: number
}

/** True for what a replica counts: the others have no place among their author's segments. */
export function isCounted(kind: SegmentKind): boolean {
  return kind === SEGMENT_KIND.delta || kind === SEGMENT_KIND.void
}

/** Where a server's log stands. */
export interface Position {
  readonly head: number
  /** Chain value at `head`. */
  readonly chain: Uint8Array
  /** Made anew when a server's database is created; only a hint. */
  readonly generation: Uint8Array
}

function writeRecordBody(out: ByteWriter, record: SegmentRecord): void {
  out.u8(record.kind).u32(record.epoch).raw(record.replica).u64(record.counter).raw(record.previous).raw(record.sealed)
}

function readRecordBody(reader: ByteReader): SegmentRecord {
  const kind = reader.u8()
  if (kind !== 0 && kind !== 1 && kind !== 2 && kind !== 3)
    throw new FormatError('unsupported', `segment kind ${kind} is not known: please update Lockstep`)
  const epoch = reader.u32()
  const replica = reader.raw(REPLICA_BYTES)
  const counter = reader.u64()
  const previous = reader.raw(DIGEST_BYTES)
  const sealed = reader.raw(reader.remaining)
  if (epoch < 1) throw new FormatError('malformed', 'a segment names epoch 0; epochs start at 1')
  if (sealed.length === 0) throw new FormatError('malformed', 'a segment has no sealed bytes')
  return { kind, epoch, replica, counter, previous, sealed }
}

function checkRecordLength(length: number, headerBytes: number): void {
  if (length > MAX_SEGMENT_BYTES + headerBytes) {
    throw new FormatError('too-large', `a segment of ${length} bytes is over the limit of ${MAX_SEGMENT_BYTES}`)
  }
  if (length < headerBytes) throw new FormatError('malformed', `a segment of ${length} bytes is shorter than its header`)
}

/** The 61 header bytes of a record, as they enter the segment id. */
export function encodeRecordHeader(record: Omit<SegmentRecord, 'sealed'>): Uint8Array {
  const out = new ByteWriter(RECORD_HEADER_BYTES)
  writeRecordBody(out, { ...record, sealed: new Uint8Array(0) })
  return out.finish()
}

export function encodePush(records: readonly SegmentRecord[]): Uint8Array {
  let size = 0
  for (const record of records) size += 4 + RECORD_HEADER_BYTES + record.sealed.length
  const out = new ByteWriter(size)
  for (const record of records) {
    out.u32(RECORD_HEADER_BYTES + record.sealed.length)
    writeRecordBody(out, record)
  }
  return out.finish()
}

/** @throws FormatError. The records' byte fields are views into `body`. */
export function decodePush(body: Uint8Array): SegmentRecord[] {
  const reader = new ByteReader(body)
  const records: SegmentRecord[] = []
  while (reader.remaining > 0) {
    const length = reader.u32()
    checkRecordLength(length, RECORD_HEADER_BYTES)
    const record = readRecordBody(new ByteReader(reader.raw(length)))
    if (record.counter < 1) throw new FormatError('malformed', 'a segment has counter 0; counters start at 1')
    records.push(record)
  }
  return records
}

export function encodePosition(position: Position): Uint8Array {
  return writePosition(new ByteWriter(POSITION_BYTES), position).finish()
}

function writePosition(out: ByteWriter, position: Position): ByteWriter {
  return out.u8(WIRE_VERSION).u64(position.head).raw(position.chain).raw(position.generation)
}

function readPosition(reader: ByteReader): Position {
  const version = reader.u8()
  if (version !== WIRE_VERSION) {
    throw new FormatError('unsupported', `the server answers in wire version ${version}, this client reads ${WIRE_VERSION}`)
  }
  return { head: reader.u64(), chain: reader.raw(CHAIN_BYTES), generation: reader.raw(GENERATION_BYTES) }
}

export function decodePosition(bytes: Uint8Array): Position {
  const reader = new ByteReader(bytes)
  const position = readPosition(reader)
  reader.end()
  return position
}

export interface PushAnswer {
  readonly position: Position
  /** One per record pushed, in its order. */
  readonly sequences: readonly number[]
}

/** Numbers that follow each other are written as the first and how many: a repair's thousand take three bytes. */
export function encodePushAnswer({ position, sequences }: PushAnswer): Uint8Array {
  const out = writePosition(new ByteWriter(POSITION_BYTES + 16), position)
  for (let at = 0; at < sequences.length; ) {
    const first = sequences[at] as number
    let count = 1
    while (sequences[at + count] === first + count) count++
    out.varint(first).varint(count)
    at += count
  }
  return out.finish()
}

/** @throws FormatError */
export function decodePushAnswer(bytes: Uint8Array): PushAnswer {
  const reader = new ByteReader(bytes)
  const position = readPosition(reader)
  const sequences: number[] = []
  while (reader.remaining > 0) {
    const first = reader.varint()
    const count = reader.varint()
    if (count === 0 || first + count - 1 > Number.MAX_SAFE_INTEGER) {
      throw new FormatError('malformed', `an answer numbers ${count} segments from ${first} on`)
    }
    if (sequences.length + count > MAX_PUSH_SEGMENTS)
      throw new FormatError('too-large', 'an answer is for more segments than a push can hold')
    for (let i = 0; i < count; i++) sequences.push(first + i)
  }
  return { position, sequences }
}

export function encodeDelivery(segment: DeliveredSegment): Uint8Array {
  const length = SPAN_BYTES + RECORD_HEADER_BYTES + segment.sealed.length
  const out = new ByteWriter(4 + length).u32(length).u64(segment.first).u64(segment.last)
  writeRecordBody(out, segment)
  return out.finish()
}

function readDelivery(bytes: Uint8Array): DeliveredSegment {
  const reader = new ByteReader(bytes)
  const first = reader.u64()
  const last = reader.u64()
  if (first < 1 || last < first) throw new FormatError('malformed', `a segment claims the span ${first} to ${last}`)
  return { first, last, ...readRecordBody(reader) }
}

/** Inverse of {@link encodeDelivery}. @throws FormatError */
export function decodeDelivery(bytes: Uint8Array): DeliveredSegment {
  const reader = new ByteReader(bytes)
  const length = reader.u32()
  if (length !== reader.remaining) throw new FormatError('malformed', 'a stored segment has the wrong length')
  return readDelivery(reader.raw(length))
}

/**
 * Decodes a pull answer or a live message as its bytes arrive. Feed chunks of any size with `push`; it returns the
 * segments that are complete. `position` is set once the first 57 bytes are in. `end` throws when the stream stopped
 * inside a segment.
 */
export class DeliveryDecoder {
  position: Position | undefined
  #chunks: Uint8Array[] = []
  #buffered = 0

  #take(length: number): Uint8Array | undefined {
    if (this.#buffered < length) return undefined
    let first = this.#chunks[0] as Uint8Array
    if (first.length < length) {
      // Joined once per segment, not once per chunk: a large segment arrives in many chunks.
      const joined = new Uint8Array(this.#buffered)
      let at = 0
      for (const chunk of this.#chunks) {
        joined.set(chunk, at)
        at += chunk.length
      }
      this.#chunks = [joined]
      first = joined
    }
    this.#chunks[0] = first.subarray(length)
    if (first.length === length) this.#chunks.shift()
    this.#buffered -= length
    return first.subarray(0, length)
  }

  #needed: number | undefined

  push(chunk: Uint8Array): DeliveredSegment[] {
    if (chunk.length > 0) {
      this.#chunks.push(chunk)
      this.#buffered += chunk.length
    }
    const out: DeliveredSegment[] = []
    if (this.position === undefined) {
      const head = this.#take(POSITION_BYTES)
      if (head === undefined) return out
      this.position = decodePosition(head.slice())
    }
    for (;;) {
      if (this.#needed === undefined) {
        const prefix = this.#take(4)
        if (prefix === undefined) return out
        const length = new ByteReader(prefix).u32()
        checkRecordLength(length, SPAN_BYTES + RECORD_HEADER_BYTES)
        this.#needed = length
      }
      const body = this.#take(this.#needed)
      if (body === undefined) return out
      this.#needed = undefined
      out.push(readDelivery(body))
    }
  }

  end(): void {
    if (this.position === undefined || this.#needed !== undefined || this.#buffered > 0) {
      throw new FormatError('truncated', 'the answer stopped in the middle of a segment')
    }
  }
}

/**
 * What the server holds between two sequence numbers: a segment, or all parts of a merged one. `tag` is the segment's id; of
 * several parts the first 16 bytes of SHA-256 over their ids.
 */
export interface IndexEntry {
  readonly first: number
  readonly last: number
  readonly kind: SegmentKind
  /** Sealed bytes. */
  readonly bytes: number
  /** 16 bytes. */
  readonly tag: Uint8Array
}

const TAG_BYTES = 16
const INDEX_ENTRY_BYTES = 8 + 8 + 1 + 8 + TAG_BYTES

/** `position ‖ entry*`, entry = first u64 ‖ last u64 ‖ kind u8 ‖ bytes u64 ‖ tag 16, ascending. */
export function encodeIndex(position: Position, entries: readonly IndexEntry[]): Uint8Array {
  const out = writePosition(new ByteWriter(POSITION_BYTES + INDEX_ENTRY_BYTES * entries.length), position)
  for (const { first, last, kind, bytes, tag } of entries) out.u64(first).u64(last).u8(kind).u64(bytes).raw(tag)
  return out.finish()
}

/** @throws FormatError */
export function decodeIndex(body: Uint8Array): { readonly position: Position; readonly entries: readonly IndexEntry[] } {
  const reader = new ByteReader(body)
  const position = readPosition(reader)
  const entries: IndexEntry[] = []
  while (reader.remaining > 0) {
    const first = reader.u64()
    const last = reader.u64()
    const kind = reader.u8()
    const bytes = reader.u64()
    const tag = reader.raw(TAG_BYTES).slice()
    const after = entries.at(-1)?.last ?? 0
    if (first <= after || last < first) throw new FormatError('malformed', 'the entries of an index do not ascend')
    if (kind > 3) throw new FormatError('unsupported', `segment kind ${kind} is not known: please update Lockstep`)
    entries.push({ first, last, kind: kind as SegmentKind, bytes, tag })
  }
  return { position: { ...position, chain: position.chain.slice(), generation: position.generation.slice() }, entries }
}

/** A chain value that a client remembers. */
export interface Mark {
  readonly sequence: number
  readonly chain: Uint8Array
}

/** `mark*`, mark = sequence u64 ‖ chain 32. */
export function encodeMarks(marks: readonly Mark[]): Uint8Array {
  const out = new ByteWriter(marks.length * (8 + CHAIN_BYTES))
  for (const { sequence, chain } of marks) out.u64(sequence).raw(chain)
  return out.finish()
}

/** @throws FormatError */
export function decodeMarks(body: Uint8Array): Mark[] {
  const reader = new ByteReader(body)
  const marks: Mark[] = []
  while (reader.remaining > 0) marks.push({ sequence: reader.u64(), chain: reader.raw(CHAIN_BYTES) })
  return marks
}
