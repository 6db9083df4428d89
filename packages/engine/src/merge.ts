/**
 * The merge: the join of two states of a row. Idempotent, commutative and associative, so that segments may be lost,
 * repeated and reordered without harm. Pure; checked by properties in test/merge.test.ts.
 *
 * Invariant of a state that comes out of {@link joinRow}: no cell, set element, base or text update has a stamp at or below
 * the row's `_purged` stamp, but `_purged` itself [CELL-8]. A purge is a filter over single elements, each of which says by
 * its own stamp whether it goes: so it commutes with everything else that arrives.
 */

import { compareBytes, encodeUtf8 } from '@lockstep/protocol/bytes'
import {
  type Cell,
  type Cells,
  DELETED,
  type LwwCell,
  PURGED,
  type Scalar,
  type SetState,
  type TextBase,
  type TextState,
  type TextUpdate,
} from '#cell'
import type { Stamp } from '#hlc'
import { KIND } from '#schema'

/** Order of values by type (null, number, text, bytes), then by value: the tie-break of equal stamps. */
export function compareScalars(a: Scalar, b: Scalar): number {
  const rank = (value: Scalar) => (value === null ? 0 : typeof value === 'number' ? 1 : typeof value === 'string' ? 2 : 3)
  const byType = rank(a) - rank(b)
  if (byType !== 0) return byType
  if (typeof a === 'number' && typeof b === 'number') {
    if (a === b) return Object.is(a, b) ? 0 : Object.is(a, -0) ? -1 : 1
    // NaN is refused on writing and decoding, so numbers are totally ordered here.
    return a < b ? -1 : 1
  }
  if (typeof a === 'string' && typeof b === 'string') return a === b ? 0 : compareBytes(encodeUtf8(a), encodeUtf8(b))
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  return 0
}

function joinLww(a: LwwCell, b: LwwCell): LwwCell {
  if (a.stamp !== b.stamp) return a.stamp > b.stamp ? a : b
  return compareScalars(a.value, b.value) >= 0 ? a : b
}

function compareUpdates(a: TextUpdate, b: TextUpdate): number {
  return a.base === b.base ? compareBytes(a.bytes, b.bytes) : a.base < b.base ? -1 : 1
}

function unionUpdates(a: readonly TextUpdate[], b: readonly TextUpdate[]): readonly TextUpdate[] {
  const added = b.filter((update) => !a.some((known) => compareUpdates(known, update) === 0))
  if (added.length === 0) return a
  return [...a, ...added].sort(compareUpdates)
}

function joinBase(a: TextBase, b: TextBase): TextBase {
  // The key is a hash of tag and text, so two bases under one key differ at most in their stamps.
  const base = a.base === undefined ? b.base : b.base === undefined || a.base.stamp >= b.base.stamp ? a.base : b.base
  const updates = unionUpdates(a.updates, b.updates)
  return base === a.base && updates === a.updates ? a : { base, updates }
}

function joinText(a: TextState, b: TextState): TextState {
  const out = new Map(a)
  let changed = false
  for (const [key, theirs] of b) {
    const ours = out.get(key)
    const joined = ours === undefined ? theirs : joinBase(ours, theirs)
    if (joined !== ours) {
      out.set(key, joined)
      changed = true
    }
  }
  return changed ? out : a
}

function joinSet(a: SetState, b: SetState): SetState {
  const out = new Map(a)
  let changed = false
  for (const [element, theirs] of b) {
    const ours = out.get(element)
    // On equal stamps present wins: one transaction that adds and removes writes only its last word.
    const wins = ours === undefined || theirs.stamp > ours.stamp || (theirs.stamp === ours.stamp && theirs.present && !ours.present)
    if (wins) {
      out.set(element, theirs)
      changed = true
    }
  }
  return changed ? out : a
}

/**
 * The join of two cells of one column. A column's kind never changes [CELL-2]; should two writers disagree all the
 * same, the smaller kind wins, so that every device decides alike.
 */
export function joinCell(a: Cell, b: Cell): Cell {
  if (a.kind !== b.kind) return a.kind < b.kind ? a : b
  if (a.kind === KIND.lww) return joinLww(a, b as LwwCell)
  if (a.kind === KIND.text) {
    const value = joinText(a.value, b.value as TextState)
    return value === a.value ? a : { kind: KIND.text, value }
  }
  const value = joinSet(a.value, b.value as SetState)
  return value === a.value ? a : { kind: KIND.set, value }
}

function purgeCell(cell: Cell, purge: Stamp): Cell | undefined {
  if (cell.kind === KIND.lww) return cell.stamp > purge ? cell : undefined
  if (cell.kind === KIND.text) {
    const kept = new Map<number, TextBase>()
    let changed = false
    for (const [key, entry] of cell.value) {
      const base = entry.base !== undefined && entry.base.stamp > purge ? entry.base : undefined
      const updates = entry.updates.filter((update) => update.base > purge)
      const same = base === entry.base && updates.length === entry.updates.length
      changed ||= !same
      if (base !== undefined || updates.length > 0) kept.set(key, same ? entry : { base, updates })
    }
    if (kept.size === 0) return undefined
    return changed ? { kind: KIND.text, value: kept } : cell
  }
  const kept = new Map([...cell.value].filter(([, { stamp }]) => stamp > purge))
  if (kept.size === 0) return undefined
  return kept.size === cell.value.size ? cell : { kind: KIND.set, value: kept }
}

export function isDead(cells: Cells): boolean {
  const deleted = cells.get(DELETED)
  return deleted?.kind !== KIND.lww || deleted.value !== 0
}

/** Stamp of the row's last write, or undefined where only a purge is known. */
export function editedAt(cells: Cells): Stamp | undefined {
  const deleted = cells.get(DELETED)
  return deleted?.kind === KIND.lww ? deleted.stamp : undefined
}

export function purgedAt(cells: Cells): Stamp | undefined {
  const purged = cells.get(PURGED)
  return purged?.kind === KIND.lww ? purged.stamp : undefined
}

function applyPurge(cells: Map<string, Cell>): Map<string, Cell> {
  const purge = purgedAt(cells)
  if (purge === undefined) return cells
  for (const [name, cell] of cells) {
    if (name === PURGED) continue
    const kept = purgeCell(cell, purge)
    if (kept === undefined) cells.delete(name)
    else if (kept !== cell) cells.set(name, kept)
  }
  return cells
}

/** The join of two states of one row. */
export function joinRow(a: Cells, b: Cells): Cells {
  const out = new Map(a)
  for (const [name, theirs] of b) {
    const ours = out.get(name)
    out.set(name, ours === undefined ? theirs : joinCell(ours, theirs))
  }
  return applyPurge(out)
}
