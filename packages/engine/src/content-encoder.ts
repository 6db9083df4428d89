/** Writes the content of a segment: docs/protocol.md [FMT-2]. */
import { ByteWriter, fromHex } from '@lockstep/protocol/bytes'
import { type Cell, fromRowId, GENERATED_ID, type RowDelta, type Scalar, type TextBase, type TextState } from '#cell'
import { BODY_VERSION, type ContentHeader, type ContentRow, FLAG_OWN_STAMPS, FLAG_RAW_ID, PART, type Shape, TAG } from '#content'
import { type Stamp, stampCounter, stampMillis, stampReplica } from '#hlc'
import { KIND, type Kind } from '#schema'
import { TextPacker } from '#text-pack'

const MIN_INTEGER = -(2 ** 52)
const MAX_INTEGER = 2 ** 52 - 1

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
  readonly #packer: TextPacker | undefined
  readonly #rows = new ByteWriter(16 * 1024)
  readonly #replicas = new Map<string, number>()
  readonly #shapes = new Map<string, number>()
  readonly #plainShapes = new Map<Shape, number>()
  readonly #shapeBytes = new ByteWriter(256)
  #millis: number
  #count = 0

  /** @param packTexts worth its time where whole texts are written: in merged segments and seeds */
  constructor(header: EncoderHeader, { packTexts = false } = {}) {
    this.#header = header
    this.#packer = packTexts ? new TextPacker() : undefined
    this.#millis = header.wallClock
    this.#replicas.set(header.replica, 0)
  }

  get size(): number {
    const { seen, covers } = this.#header
    return (
      this.#rows.length +
      (this.#packer?.size ?? 0) +
      this.#shapeBytes.length +
      this.#replicas.size * 16 +
      192 +
      seen.length * 24 +
      covers.length * 64
    )
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
          out.u8(PART.base)
          this.#stamp(base.stamp)
          out.text(base.tag).text(base.text)
        }
        for (const { base: stamp, bytes } of updates) {
          const packed = this.#packer?.pack(key, bytes) === true
          if (packed) out.u8(PART.packed).varint(base === undefined ? key : 0)
          else out.u8(PART.update).varint(key)
          this.#stamp(stamp)
          if (!packed) out.bytes(bytes)
        }
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
    const { replica, wallClock, epoch, bundleVersion, seen, covers, run } = this.#header
    const out = new ByteWriter(this.size + 256)
    const packed = this.#packer?.used === true
    out
      .u8(packed ? BODY_VERSION.packed : BODY_VERSION.plain)
      .raw(fromHex(replica))
      .varint(counter)
      .raw(previous)
    out.varint(wallClock).varint(epoch).varint(bundleVersion)
    out.varint(seen.length)
    for (const [other, last] of seen) out.raw(fromHex(other)).varint(last)
    out.varint(covers.length)
    for (const { replica: other, first, last, digest } of covers) out.raw(fromHex(other)).varint(first).varint(last).raw(digest)
    out.varint(run === undefined ? 0 : 1)
    if (run !== undefined) out.varint(run.first).varint(run.part).varint(run.parts).raw(run.chain)
    out.varint(this.#replicas.size - 1)
    for (const other of [...this.#replicas.keys()].slice(1)) out.raw(fromHex(other))
    out.varint(this.#shapes.size).raw(this.#shapeBytes.view())
    if (packed) this.#packer?.writeTo(out)
    out.varint(this.#count).raw(this.#rows.view())
    return out.finish()
  }
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}
