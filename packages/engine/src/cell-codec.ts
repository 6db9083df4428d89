/** How one cell is kept in the local database where a plain column cannot hold it: texts with edits, sets, cells of columns this version does not know. */
import { ByteReader, ByteWriter, FormatError } from '@lockstep/protocol/bytes'
import type { Cell, Scalar, TextBase, TextUpdate } from '#cell'
import { isStamp, type Stamp } from '#hlc'
import { KIND } from '#schema'

const FORMAT = 1

function writeScalar(out: ByteWriter, value: Scalar): void {
  if (value === null) out.u8(0)
  else if (typeof value === 'number') out.u8(1).f64(value)
  else if (typeof value === 'string') out.u8(2).text(value)
  else out.u8(3).bytes(value)
}

function readScalar(reader: ByteReader): Scalar {
  const tag = reader.u8()
  if (tag === 0) return null
  if (tag === 1) return reader.f64()
  if (tag === 2) return reader.text()
  if (tag === 3) return reader.bytes().slice()
  throw new FormatError('malformed', `a stored value has the unknown tag ${tag}`)
}

function readStamp(reader: ByteReader): Stamp {
  const stamp = reader.text()
  if (!isStamp(stamp)) throw new FormatError('malformed', 'a stored stamp is not valid')
  return stamp
}

export function encodeCell(cell: Cell): Uint8Array {
  const out = new ByteWriter(256).u8(FORMAT).u8(cell.kind)
  if (cell.kind === KIND.lww) {
    out.text(cell.stamp)
    writeScalar(out, cell.value)
  } else if (cell.kind === KIND.text) {
    out.varint(cell.value.size)
    for (const [key, { base, updates }] of cell.value) {
      out.varint(key).u8(base === undefined ? 0 : 1)
      if (base !== undefined) out.text(base.stamp).text(base.tag).text(base.text)
      out.varint(updates.length)
      for (const { base: stamp, bytes } of updates) out.text(stamp).bytes(bytes)
    }
  } else {
    out.varint(cell.value.size)
    for (const [element, { stamp, present }] of cell.value)
      out
        .text(element)
        .text(stamp)
        .u8(present ? 1 : 0)
  }
  return out.finish()
}

/** @throws FormatError when the database is damaged. */
export function decodeCell(bytes: Uint8Array): Cell {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== FORMAT) throw new FormatError('unsupported', `a stored cell has the unknown format ${format}`)
  const kind = reader.u8()
  let cell: Cell
  if (kind === KIND.lww) {
    cell = { kind, stamp: readStamp(reader), value: readScalar(reader) }
  } else if (kind === KIND.text) {
    const value = new Map<number, TextBase>()
    for (let bases = reader.varint(); bases > 0; bases--) {
      const key = reader.varint()
      const base = reader.u8() === 0 ? undefined : { stamp: readStamp(reader), tag: reader.text(), text: reader.text() }
      const updates: TextUpdate[] = []
      for (let count = reader.varint(); count > 0; count--) updates.push({ base: readStamp(reader), bytes: reader.bytes().slice() })
      value.set(key, { base, updates })
    }
    cell = { kind, value }
  } else if (kind === KIND.set) {
    const value = new Map<string, { stamp: Stamp; present: boolean }>()
    for (let count = reader.varint(); count > 0; count--) {
      value.set(reader.text(), { stamp: readStamp(reader), present: reader.u8() === 1 })
    }
    cell = { kind, value }
  } else throw new FormatError('malformed', `a stored cell has the unknown kind ${kind}`)
  reader.end()
  return cell
}
