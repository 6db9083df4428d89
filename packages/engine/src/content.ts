/**
 * The content of a segment, before compression and sealing: docs/protocol.md [FMT-2], body versions 2 and 3.
 *
 * Dictionaries for replicas and shapes (a table with a list of columns) come first, then the rows. All cells that one
 * transaction wrote share one stamp, which is written once. Version 3 has the streams of packed texts (text-pack.ts) before the
 * rows; it is written only where there are any, in merged segments and seeds. `content-encoder.ts` writes it, `content-decoder.ts` reads it;
 * here are the types and the numbers that both share.
 */
import { type Cell, lwwCell, type RowDelta, type Scalar, type SetState, type TextState } from '#cell'
import type { ReplicaId, Stamp } from '#hlc'
import { KIND, type Kind } from '#schema'
import { textOf } from '#text'

export const BODY_VERSION = { plain: 2, packed: 3 } as const
export const FLAG_OWN_STAMPS = 1
export const FLAG_RAW_ID = 2
/** Parts of a text. */
export const PART = { base: 0, update: 1, packed: 2 } as const
/** Value tags. */
export const TAG = { null: 0, integer: 1, real: 2, text: 3, blob: 4, parts: 5, elements: 6 } as const

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
  /** Counters that a merged segment or a seed stands for [LOG-6]; empty in a delta. */
  readonly covers: readonly Cover[]
  /** Of a merged segment: what it takes the place of. */
  readonly run: MergedRun | undefined
}

/** Counters `first` to `last` of a replica, without a gap. */
export interface Cover {
  readonly replica: ReplicaId
  readonly first: number
  readonly last: number
  /** Of the sealed bytes of its segment `last`, 32 bytes. */
  readonly digest: Uint8Array
}

export interface MergedRun {
  /** First sequence number of the run; its last is the segment's counter. */
  readonly first: number
  /** From 0. */
  readonly part: number
  readonly parts: number
  /** Chain value at the last sequence number, 32 bytes. */
  readonly chain: Uint8Array
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
