/**
 * The Yjs updates (v1) that edits of a text are made of, taken apart without a document: strings and deleted stretches in one
 * root type, and a list of deletions. What a broken or foreign writer may put there besides is not taken apart.
 *
 * ```
 * update     n varint ‖ n × (structs varint ‖ client varint ‖ clock varint ‖ structs × struct) ‖ deletions
 * struct     info u8 ‖ [left: client varint ‖ clock varint] ‖ [right: the same] ‖ [1 ‖ name text] ‖ content
 * content    info & 31 = 4: text; = 1: length varint       info & 128: has a left, & 64: has a right; the name where it has neither
 * deletions  n varint ‖ n × (client varint ‖ m varint ‖ m × (clock varint ‖ length varint))
 * ```
 */
import { ByteReader, ByteWriter, FormatError } from '@lockstep/protocol/bytes'
import { TEXT_NAME } from '#text'

const INFO = { deleted: 1, text: 4, kind: 31, parentKey: 32, right: 64, left: 128 } as const

/** A character of a document: who wrote it, and its number among that client's. */
export interface CharacterId {
  readonly client: number
  readonly clock: number
}

/** Characters that were written in one piece; `text` is undefined where they are deleted. */
export interface Stretch {
  /** UTF-16 units, at least 1. */
  readonly length: number
  readonly text: string | undefined
  /** What stood on either side when it was written. */
  readonly left: CharacterId | undefined
  readonly right: CharacterId | undefined
}

export interface ClientStretches {
  readonly client: number
  /** Of the first stretch; the others follow without a gap. */
  readonly clock: number
  readonly stretches: readonly Stretch[]
}

/** First clock and length. */
export type ClockRange = readonly [number, number]

export interface Deletions {
  readonly client: number
  readonly ranges: readonly ClockRange[]
}

export interface TakenApart {
  readonly clients: readonly ClientStretches[]
  readonly deletions: readonly Deletions[]
}

class Unusual extends Error {}

function readId(reader: ByteReader): CharacterId {
  return { client: reader.varint(), clock: reader.varint() }
}

function readStretch(reader: ByteReader): Stretch {
  const info = reader.u8()
  const kind = info & INFO.kind
  if ((info & INFO.parentKey) !== 0 || (kind !== INFO.text && kind !== INFO.deleted)) throw new Unusual()
  const left = (info & INFO.left) !== 0 ? readId(reader) : undefined
  const right = (info & INFO.right) !== 0 ? readId(reader) : undefined
  if (left === undefined && right === undefined && (reader.varint() !== 1 || reader.text() !== TEXT_NAME)) throw new Unusual()
  const text = kind === INFO.text ? reader.text() : undefined
  const length = text === undefined ? reader.varint() : text.length
  if (length === 0) throw new Unusual()
  return { length, text, left, right }
}

function readAll(reader: ByteReader): TakenApart {
  const clients: ClientStretches[] = []
  for (let n = reader.varint(); n > 0; n--) {
    const count = reader.varint()
    const client = reader.varint()
    const clock = reader.varint()
    const stretches: Stretch[] = []
    for (let i = 0; i < count; i++) stretches.push(readStretch(reader))
    clients.push({ client, clock, stretches })
  }
  const deletions: Deletions[] = []
  for (let n = reader.varint(); n > 0; n--) {
    const client = reader.varint()
    const ranges: ClockRange[] = []
    for (let m = reader.varint(); m > 0; m--) ranges.push([reader.varint(), reader.varint()])
    deletions.push({ client, ranges })
  }
  reader.end()
  return { clients, deletions }
}

/** Undefined for an update that holds anything else than the edits of a text. */
export function takeApart(update: Uint8Array): TakenApart | undefined {
  try {
    return readAll(new ByteReader(update))
  } catch (error) {
    if (error instanceof Unusual || error instanceof FormatError) return undefined
    throw error
  }
}

/** Writes an update, part by part in its order. The caller says counts that it keeps to. */
export class UpdateWriter {
  readonly #out = new ByteWriter(1024)

  constructor(clients: number) {
    this.#out.varint(clients)
  }

  get length(): number {
    return this.#out.length
  }

  client(client: number, clock: number, stretches: number): void {
    this.#out.varint(stretches).varint(client).varint(clock)
  }

  stretch({ length, text, left, right }: Stretch): void {
    const out = this.#out
    const sides = (left === undefined ? 0 : INFO.left) | (right === undefined ? 0 : INFO.right)
    out.u8(sides | (text === undefined ? INFO.deleted : INFO.text))
    if (left !== undefined) out.varint(left.client).varint(left.clock)
    if (right !== undefined) out.varint(right.client).varint(right.clock)
    if (sides === 0) out.varint(1).text(TEXT_NAME)
    if (text === undefined) out.varint(length)
    else out.text(text)
  }

  finish(deletions: readonly Deletions[]): Uint8Array {
    const out = this.#out
    out.varint(deletions.length)
    for (const { client, ranges } of deletions) {
      out.varint(client).varint(ranges.length)
      for (const [clock, length] of ranges) out.varint(clock).varint(length)
    }
    return out.finish()
  }
}
