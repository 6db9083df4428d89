/**
 * Cells and their values: the state that merges. A row's state is a map from column to cell; a delta is a partial one.
 *
 * | kind | value | join |
 * | --- | --- | --- |
 * | lww | null, number, string, bytes | the greater stamp; on equal stamps the greater encoded bytes [CELL-1] |
 * | text | bases with updates (`TextState`) | union [CELL-3] |
 * | set | element → (stamp, present) (`SetState`) | the greater stamp for each element [CELL-5] |
 */
import type { Stamp } from '#hlc'
import { KIND } from '#schema'

export type Scalar = null | number | string | Uint8Array

/** An edit of a text. */
export interface TextUpdate {
  /** Stamp of the base as its writer knew it: what a purge decides by, in whatever order things arrive [CELL-8]. */
  readonly base: Stamp
  /** Yjs update (v1) without the base's own insertion. */
  readonly bytes: Uint8Array
}

/** An immutable text with the updates made on it. */
export interface TextBase {
  /** Absent while only updates of this base have arrived. */
  readonly base: { readonly stamp: Stamp; readonly tag: string; readonly text: string } | undefined
  readonly updates: readonly TextUpdate[]
}

/** Keyed by base client id (see text.ts). */
export type TextState = ReadonlyMap<number, TextBase>

export type SetState = ReadonlyMap<string, { readonly stamp: Stamp; readonly present: boolean }>

export interface LwwCell {
  readonly kind: typeof KIND.lww
  readonly stamp: Stamp
  readonly value: Scalar
}
export interface TextCell {
  readonly kind: typeof KIND.text
  readonly value: TextState
}
export interface SetCell {
  readonly kind: typeof KIND.set
  readonly value: SetState
}
export type Cell = LwwCell | TextCell | SetCell

/** Column → cell. `_deleted` (0 or 1) and `_purged` (1) are columns like any other, of kind lww. */
export type Cells = ReadonlyMap<string, Cell>

export const DELETED = '_deleted'
export const PURGED = '_purged'

export interface RowDelta {
  readonly table: string
  readonly id: string
  readonly cells: Cells
}

const ROW_ID = /^[A-Za-z0-9._:-]{1,64}$/

export function isRowId(id: string): boolean {
  return ROW_ID.test(id)
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
export const GENERATED_ID = /^[a-z2-7]{25}[aeimquy4]$/

/** 16 bytes as 26 characters of lower-case base32 (RFC 4648, section 6, without padding). */
export function toRowId(bytes: Uint8Array): string {
  let out = ''
  let bits = 0
  let pending = 0
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xffff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += BASE32[(pending >> bits) & 31]
    }
  }
  if (bits > 0) out += BASE32[(pending << (5 - bits)) & 31]
  return out
}

/** Inverse of {@link toRowId} for ids that match {@link GENERATED_ID}. */
export function fromRowId(id: string): Uint8Array {
  const out = new Uint8Array(16)
  let bits = 0
  let pending = 0
  let at = 0
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i)
    pending = ((pending << 5) | (code >= 97 ? code - 97 : code - 24)) & 0xffff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out[at++] = (pending >> bits) & 0xff
    }
  }
  return out
}

export function lwwCell(stamp: Stamp, value: Scalar): LwwCell {
  return { kind: KIND.lww, stamp, value }
}
