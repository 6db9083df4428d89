/**
 * Reads the content of a segment: docs/protocol.md [FMT-2]. Trusts nothing: throws only FormatError, and allocates no more
 * than a small multiple of its input.
 */
import { ByteReader, FormatError, toHex } from '@lockstep/protocol/bytes'
import { MAX_SEGMENT_CONTENT } from '@lockstep/protocol/limits'
import { DELETED, isRowId, PURGED, type SetState, type TextBase, type TextState, toRowId } from '#cell'
import {
  BODY_VERSION,
  type Content,
  type ContentHeader,
  type ContentRow,
  type Cover,
  FLAG_OWN_STAMPS,
  FLAG_RAW_ID,
  type MergedRun,
  PART,
  type Payload,
  type Shape,
  TAG,
} from '#content'
import { makeStamp, type ReplicaId, type Stamp } from '#hlc'
import { KIND, type Kind } from '#schema'
import { baseClient, isYjsUpdate } from '#text'
import { MAX_UNPACKED, STREAM_COUNT, TextUnpacker } from '#text-pack'

const KNOWN_FLAGS = FLAG_OWN_STAMPS | FLAG_RAW_ID
const MAX_COLUMNS = 256
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/
const MAX_MILLIS = 2 ** 48 - 1

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

function malformed(message: string): never {
  throw new FormatError('malformed', message)
}

class ContentDecoder {
  readonly #in: ByteReader
  readonly #replicas: ReplicaId[] = []
  readonly #shapes: Shape[] = []
  #unpacker: TextUnpacker | undefined
  #millis = 0

  constructor(body: Uint8Array) {
    this.#in = new ByteReader(body)
  }

  /** A count whose items take at least `each` bytes: checked before anything is allocated for them. */
  #countOf(each: number): number {
    const count = this.#in.varint()
    if (count * each > this.#in.remaining)
      throw new FormatError('truncated', `${count} items cannot be in ${this.#in.remaining} bytes`)
    return count
  }

  #replica(): ReplicaId {
    return toHex(this.#in.raw(16)) as ReplicaId
  }

  #name(): string {
    const name = this.#in.text()
    return NAME.test(name) ? name : malformed('a table or column has no valid name')
  }

  #stamp(): Stamp {
    const index = this.#in.varint()
    const replica = this.#replicas[index]
    if (replica === undefined) malformed(`replica ${index} is not in the segment's list`)
    const millis = this.#millis + unzigzag(this.#in.varint())
    const counter = this.#in.varint()
    if (millis < 0 || millis > MAX_MILLIS || counter > 0xffff) malformed('a stamp is out of range')
    this.#millis = millis
    return makeStamp(millis, counter, replica as ReplicaId)
  }

  #text(): TextState {
    const count = this.#countOf(3)
    const state = new Map<number, TextBase>()
    let base = 0
    for (let i = 0; i < count; i++) {
      const part = this.#in.u8()
      if (part === PART.base) {
        const stamp = this.#stamp()
        const tag = this.#in.text()
        const text = this.#in.text()
        base = baseClient(tag, text)
        if (state.get(base)?.base !== undefined) malformed('a text names one base twice')
        state.set(base, { base: { stamp, tag, text }, updates: state.get(base)?.updates ?? [] })
      } else if (part === PART.update || part === PART.packed) {
        const named = this.#in.varint()
        const key = part === PART.packed && named === 0 ? base : named
        const update = { base: this.#stamp(), bytes: part === PART.packed ? this.#unpack(key) : this.#update() }
        const entry = state.get(key) ?? { base: undefined, updates: [] }
        state.set(key, { base: entry.base, updates: [...entry.updates, update] })
      } else malformed(`text part ${part} is not known`)
    }
    return state
  }

  #update(): Uint8Array {
    const bytes = this.#in.bytes().slice()
    return isYjsUpdate(bytes) ? bytes : malformed('a text update cannot be read')
  }

  #unpack(base: number): Uint8Array {
    if (this.#unpacker === undefined || base === 0) malformed('a packed text is not where one can be')
    return (this.#unpacker as TextUnpacker).unpack(base)
  }

  #set(): SetState {
    const count = this.#countOf(5)
    const state = new Map<string, { stamp: Stamp; present: boolean }>()
    for (let i = 0; i < count; i++) {
      const element = this.#in.text()
      const stamp = this.#stamp()
      const present = this.#in.u8()
      if (present > 1 || state.has(element)) malformed('a set element is not valid')
      state.set(element, { stamp, present: present === 1 })
    }
    return state
  }

  #value(kind: Kind): Payload {
    const tag = this.#in.u8()
    if (kind === KIND.set) return tag === TAG.elements ? this.#set() : malformed('a set has a value of another kind')
    if (kind === KIND.text) {
      if (tag === TAG.text) return this.#in.text()
      return tag === TAG.parts ? this.#text() : malformed('a text has a value of another kind')
    }
    switch (tag) {
      case TAG.null:
        return null
      case TAG.integer:
        return unzigzag(this.#in.varint())
      case TAG.real: {
        const value = this.#in.f64()
        return Number.isNaN(value) ? malformed('a number is not a number') : value
      }
      case TAG.text:
        return this.#in.text()
      case TAG.blob:
        return this.#in.bytes().slice()
      default:
        return malformed(`value tag ${tag} is not known`)
    }
  }

  #version(): number {
    const version = this.#in.u8()
    const { plain, packed } = BODY_VERSION
    if (version === plain || version === packed) return version
    throw new FormatError(
      'unsupported',
      `the segment has body version ${version}; this version of Lockstep reads ${plain} and ${packed}`,
    )
  }

  #header(): ContentHeader {
    const replica = this.#replica()
    const counter = this.#in.varint()
    const previous = this.#in.raw(32).slice()
    const wallClock = this.#in.varint()
    const epoch = this.#in.varint()
    const bundleVersion = this.#in.varint()
    const seen = Array.from({ length: this.#countOf(17) }, () => [this.#replica(), this.#in.varint()] as const)
    const covers = Array.from({ length: this.#countOf(50) }, () => this.#cover())
    const runs = Array.from({ length: this.#countOf(35) }, () => this.#run())
    if (runs.length > 1) malformed('a segment takes the place of more than one run')
    this.#millis = wallClock
    return { replica, counter, previous, wallClock, epoch, bundleVersion, seen, covers, run: runs[0] }
  }

  #cover(): Cover {
    const cover = {
      replica: this.#replica(),
      first: this.#in.varint(),
      last: this.#in.varint(),
      digest: this.#in.raw(32).slice(),
    }
    if (cover.first < 1 || cover.last < cover.first) malformed('a segment covers counters that cannot be')
    return cover
  }

  #run(): MergedRun {
    const run = { first: this.#in.varint(), part: this.#in.varint(), parts: this.#in.varint(), chain: this.#in.raw(32).slice() }
    if (run.first < 1 || run.part >= run.parts) malformed('a merged segment has no place in its run')
    return run
  }

  #shape(): Shape {
    const table = this.#name()
    const count = this.#countOf(3)
    if (count > MAX_COLUMNS) malformed(`a row has ${count} columns, more than ${MAX_COLUMNS}`)
    const columns: { name: string; kind: Kind }[] = []
    for (let i = 0; i < count; i++) {
      const name = this.#name()
      const kind = this.#in.u8()
      if (kind > 2) throw new FormatError('unsupported', `column kind ${kind} is not known`)
      columns.push({ name, kind: kind as Kind })
    }
    const names = new Map(columns.map(({ name, kind }) => [name, kind]))
    if (names.size !== count) malformed('a shape names one column twice')
    // Every write says whether the row lives: without that cell nobody could tell a late edit from a deleted row.
    if (names.get(DELETED) !== KIND.lww && names.get(PURGED) !== KIND.lww)
      malformed('a row says neither that it lives nor that it does not')
    return { table, columns }
  }

  #textId(): string {
    const id = this.#in.text()
    return isRowId(id) ? id : malformed('a row id is not valid')
  }

  #row(): ContentRow {
    const index = this.#in.varint()
    const shape = this.#shapes[index] ?? malformed(`shape ${index} is not in the segment's list`)
    const flags = this.#in.u8()
    if ((flags & ~KNOWN_FLAGS) !== 0) throw new FormatError('unsupported', `row flags ${flags} are not known`)
    const id = (flags & FLAG_RAW_ID) !== 0 ? toRowId(this.#in.raw(16)) : this.#textId()
    const stamp = this.#stamp()
    const values: Payload[] = new Array(shape.columns.length)
    const stamps: Stamp[] | undefined = (flags & FLAG_OWN_STAMPS) !== 0 ? new Array(shape.columns.length) : undefined
    for (let i = 0; i < values.length; i++) {
      if (stamps !== undefined) stamps[i] = this.#stamp()
      values[i] = this.#value((shape.columns[i] as Shape['columns'][number]).kind)
    }
    return { shape, id, stamp, stamps, values }
  }

  decode(): Content {
    const version = this.#version()
    const header = this.#header()
    this.#replicas.push(header.replica)
    const replicas = this.#countOf(16)
    for (let i = 0; i < replicas; i++) this.#replicas.push(this.#replica())
    const shapes = this.#countOf(4)
    for (let i = 0; i < shapes; i++) this.#shapes.push(this.#shape())
    if (version === BODY_VERSION.packed) {
      const streams = Array.from({ length: STREAM_COUNT }, () => this.#in.bytes())
      this.#unpacker = new TextUnpacker(streams, MAX_UNPACKED)
    }
    const count = this.#countOf(5)
    const rows: ContentRow[] = new Array(count)
    for (let i = 0; i < count; i++) rows[i] = this.#row()
    this.#unpacker?.end()
    this.#in.end()
    return { header, rows }
  }
}

/** @throws FormatError */
export function decodeContent(body: Uint8Array): Content {
  if (body.length > MAX_SEGMENT_CONTENT)
    throw new FormatError('too-large', `a segment's content of ${body.length} bytes is over the limit`)
  return new ContentDecoder(body).decode()
}
