/**
 * The content of a segment, before compression and sealing: docs/protocol.md [FMT-2], body version 1.
 *
 * Dictionaries for replicas and shapes (a table with a list of columns) come first, then the rows. All cells that one
 * transaction wrote share one stamp, which is written once. The decoder trusts nothing: it throws only FormatError and
 * allocates no more than a small multiple of its input.
 */
import { ByteReader, ByteWriter, FormatError, fromHex, toHex } from '@lockstep/protocol/bytes'
import { MAX_SEGMENT_CONTENT } from '@lockstep/protocol/limits'
import {
  type Cell,
  DELETED,
  fromRowId,
  GENERATED_ID,
  isRowId,
  lwwCell,
  PURGED,
  type RowDelta,
  type Scalar,
  type SetState,
  type TextBase,
  type TextState,
  toRowId,
} from '#cell'
import { makeStamp, type ReplicaId, type Stamp, stampCounter, stampMillis, stampReplica } from '#hlc'
import { KIND, type Kind } from '#schema'
import { baseClient, isYjsUpdate, textOf } from '#text'

const BODY_VERSION = 1
const FLAG_OWN_STAMPS = 1
const FLAG_RAW_ID = 2
const KNOWN_FLAGS = FLAG_OWN_STAMPS | FLAG_RAW_ID
const MAX_COLUMNS = 256
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/
const MIN_INTEGER = -(2 ** 52)
const MAX_INTEGER = 2 ** 52 - 1
const MAX_MILLIS = 2 ** 48 - 1

const TAG = { null: 0, integer: 1, real: 2, text: 3, blob: 4, parts: 5, elements: 6 } as const

export interface ContentHeader {
  readonly replica: ReplicaId
  readonly counter: number
  /** Digest of the author's previous segment. */
  readonly previous: Uint8Array
  /** The author's wall clock in Unix milliseconds: for warnings and display only. */
  readonly wallClock: number
  readonly epoch: number
  readonly bundleVersion: number
  /** Counters of other replicas that the author has seen since its last segment [LOG-8]. */
  readonly seen: readonly (readonly [ReplicaId, number])[]
  /** Counters a merged segment stands for [LOG-6]; empty in a delta. */
  readonly covers: readonly (readonly [ReplicaId, number, number])[]
}

export interface Shape {
  readonly table: string
  readonly columns: readonly { readonly name: string; readonly kind: Kind }[]
}

/** A short text (one base with tag "" and the cell's stamp) stays a string until it has to merge. */
export type Payload = Scalar | TextState | SetState

/** A row as it stands in a segment; `stamp` is every cell's where `stamps` is absent. */
export interface ContentRow {
  readonly shape: Shape
  readonly id: string
  readonly stamp: Stamp
  readonly stamps: readonly Stamp[] | undefined
  readonly values: readonly Payload[]
}

export interface Content {
  readonly header: ContentHeader
  readonly rows: readonly ContentRow[]
}

/** The general form of a row, for merging. */
export function toDelta(row: ContentRow): RowDelta {
  const cells = new Map<string, Cell>()
  row.shape.columns.forEach(({ name, kind }, i) => {
    const stamp = row.stamps?.[i] ?? row.stamp
    const value = row.values[i] as Payload
    if (kind === KIND.lww) cells.set(name, lwwCell(stamp, value as Scalar))
    else if (kind === KIND.text)
      cells.set(name, { kind, value: typeof value === 'string' ? textOf(stamp, value) : (value as TextState) })
    else cells.set(name, { kind, value: value as SetState })
  })
  return { table: row.shape.table, id: row.id, cells }
}

/** The one base of a text that needs no parts: tag "" and no updates. */
function shortBase(state: TextState): TextBase['base'] {
  if (state.size !== 1) return undefined
  for (const { base, updates } of state.values()) if (base?.tag === '' && updates.length === 0) return base
  return undefined
}

function stampOf(cell: Cell): Stamp | undefined {
  if (cell.kind === KIND.lww) return cell.stamp
  return cell.kind === KIND.text ? shortBase(cell.value)?.stamp : undefined
}

/** A header but for the segment's place, which is known when the one before it is sealed. */
export type EncoderHeader = Omit<ContentHeader, 'counter' | 'previous'>

/** Gathers rows, then writes them behind their dictionaries. `size` is the body's length so far, within a few bytes. */
export class ContentEncoder {
  readonly #header: EncoderHeader
  readonly #rows = new ByteWriter(16 * 1024)
  readonly #replicas = new Map<string, number>()
  readonly #shapes = new Map<string, number>()
  readonly #plainShapes = new Map<Shape, number>()
  readonly #shapeBytes = new ByteWriter(256)
  #millis: number
  #count = 0

  constructor(header: EncoderHeader) {
    this.#header = header
    this.#millis = header.wallClock
    this.#replicas.set(header.replica, 0)
  }

  get size(): number {
    return this.#rows.length + this.#shapeBytes.length + this.#replicas.size * 16 + 128 + this.#header.seen.length * 24
  }

  get count(): number {
    return this.#count
  }

  #stamp(stamp: Stamp): void {
    const replica = stampReplica(stamp)
    let index = this.#replicas.get(replica)
    if (index === undefined) {
      index = this.#replicas.size
      this.#replicas.set(replica, index)
    }
    const millis = stampMillis(stamp)
    const difference = millis - this.#millis
    this.#millis = millis
    this.#rows.varint(index).varint(zigzag(difference)).varint(stampCounter(stamp))
  }

  #shape(table: string, cells: readonly (readonly [string, { readonly kind: Kind }])[]): number {
    let key = table
    for (const [name, cell] of cells) key += `\u0000${cell.kind}${name}`
    let index = this.#shapes.get(key)
    if (index === undefined) {
      index = this.#shapes.size
      this.#shapes.set(key, index)
      this.#shapeBytes.text(table).varint(cells.length)
      for (const [name, cell] of cells) this.#shapeBytes.text(name).u8(cell.kind)
    }
    return index
  }

  #scalar(value: Scalar): void {
    const out = this.#rows
    if (value === null) out.u8(TAG.null)
    else if (typeof value === 'string') out.u8(TAG.text).text(value)
    else if (typeof value !== 'number') out.u8(TAG.blob).bytes(value)
    else if (Number.isInteger(value) && value >= MIN_INTEGER && value <= MAX_INTEGER && !Object.is(value, -0)) {
      out.u8(TAG.integer).varint(zigzag(value))
    } else out.u8(TAG.real).f64(value)
  }

  #value(cell: Cell): void {
    const out = this.#rows
    if (cell.kind === KIND.lww) {
      this.#scalar(cell.value)
    } else if (cell.kind === KIND.text) {
      const short = shortBase(cell.value)
      if (short !== undefined) {
        out.u8(TAG.text).text(short.text)
        return
      }
      let parts = 0
      for (const { base, updates } of cell.value.values()) parts += (base === undefined ? 0 : 1) + updates.length
      out.u8(TAG.parts).varint(parts)
      for (const [key, { base, updates }] of cell.value) {
        if (base !== undefined) {
          out.u8(0)
          this.#stamp(base.stamp)
          out.text(base.tag).text(base.text)
        }
        for (const update of updates) out.u8(1).varint(key).bytes(update)
      }
    } else {
      out.u8(TAG.elements).varint(cell.value.size)
      for (const [element, { stamp, present }] of cell.value) {
        out.text(element)
        this.#stamp(stamp)
        out.u8(present ? 1 : 0)
      }
    }
  }

  add(delta: RowDelta): void {
    const cells = [...delta.cells]
    let common: Stamp | undefined
    let own = false
    for (const [, cell] of cells) {
      const stamp = stampOf(cell)
      if (stamp === undefined) continue
      if (common === undefined) common = stamp
      else if (stamp !== common) own = true
    }
    if (common === undefined) throw new RangeError('a row without a stamped cell cannot be encoded')
    this.#rowHead(this.#shape(delta.table, cells), delta.id, own)
    this.#stamp(common)
    for (const [, cell] of cells) {
      if (own) this.#stamp(stampOf(cell) ?? common)
      this.#value(cell)
    }
    this.#count++
  }

  /** Adds a row whose cells all have its stamp and whose texts are short ones: the way of bulk uploads. */
  addRow(row: ContentRow): void {
    let index = this.#plainShapes.get(row.shape)
    if (index === undefined) {
      const kinds = row.shape.columns.map(({ name, kind }) => [name, { kind }] as const)
      index = this.#shape(row.shape.table, kinds)
      this.#plainShapes.set(row.shape, index)
    }
    this.#rowHead(index, row.id, false)
    this.#stamp(row.stamp)
    for (const value of row.values) this.#scalar(value as Scalar)
    this.#count++
  }

  #rowHead(shape: number, id: string, own: boolean): void {
    const generated = GENERATED_ID.test(id)
    this.#rows.varint(shape).u8((own ? FLAG_OWN_STAMPS : 0) | (generated ? FLAG_RAW_ID : 0))
    if (generated) this.#rows.raw(fromRowId(id))
    else this.#rows.text(id)
  }

  /** `previous`: digest of the author's segment `counter` - 1. */
  finish(counter: number, previous: Uint8Array): Uint8Array {
    const { replica, wallClock, epoch, bundleVersion, seen, covers } = this.#header
    const out = new ByteWriter(this.size + 256)
    out.u8(BODY_VERSION).raw(fromHex(replica)).varint(counter).raw(previous).varint(wallClock).varint(epoch).varint(bundleVersion)
    out.varint(seen.length)
    for (const [other, last] of seen) out.raw(fromHex(other)).varint(last)
    out.varint(covers.length)
    for (const [other, first, last] of covers) out.raw(fromHex(other)).varint(first).varint(last)
    out.varint(this.#replicas.size - 1)
    for (const other of [...this.#replicas.keys()].slice(1)) out.raw(fromHex(other))
    out.varint(this.#shapes.size).raw(this.#shapeBytes.view())
    out.varint(this.#count).raw(this.#rows.view())
    return out.finish()
  }
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

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
    for (let i = 0; i < count; i++) {
      const part = this.#in.u8()
      if (part === 0) {
        const stamp = this.#stamp()
        const base = { stamp, tag: this.#in.text(), text: this.#in.text() }
        const key = baseClient(base.tag, base.text)
        if (state.get(key)?.base !== undefined) malformed('a text names one base twice')
        state.set(key, { base, updates: state.get(key)?.updates ?? [] })
      } else if (part === 1) {
        const key = this.#in.varint()
        const update = this.#in.bytes().slice()
        if (!isYjsUpdate(update)) malformed('a text update cannot be read')
        const entry = state.get(key) ?? { base: undefined, updates: [] }
        state.set(key, { base: entry.base, updates: [...entry.updates, update] })
      } else malformed(`text part ${part} is not known`)
    }
    return state
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

  #header(): ContentHeader {
    const version = this.#in.u8()
    if (version !== BODY_VERSION) {
      throw new FormatError(
        'unsupported',
        `the segment has body version ${version}; this version of Lockstep reads ${BODY_VERSION}`,
      )
    }
    const replica = this.#replica()
    const counter = this.#in.varint()
    const previous = this.#in.raw(32).slice()
    const wallClock = this.#in.varint()
    const epoch = this.#in.varint()
    const bundleVersion = this.#in.varint()
    const seen = Array.from({ length: this.#countOf(17) }, () => [this.#replica(), this.#in.varint()] as const)
    const covers = Array.from({ length: this.#countOf(18) }, () => [this.#replica(), this.#in.varint(), this.#in.varint()] as const)
    this.#millis = wallClock
    return { replica, counter, previous, wallClock, epoch, bundleVersion, seen, covers }
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
    const header = this.#header()
    this.#replicas.push(header.replica)
    const replicas = this.#countOf(16)
    for (let i = 0; i < replicas; i++) this.#replicas.push(this.#replica())
    const shapes = this.#countOf(4)
    for (let i = 0; i < shapes; i++) this.#shapes.push(this.#shape())
    const count = this.#countOf(5)
    const rows: ContentRow[] = new Array(count)
    for (let i = 0; i < count; i++) rows[i] = this.#row()
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
