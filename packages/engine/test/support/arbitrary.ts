/** Random cells, rows and segment contents, of all kinds and with the edges that matter. */

import {
  type Cell,
  type Cells,
  DELETED,
  lwwCell,
  PURGED,
  type RowDelta,
  type Scalar,
  type SetState,
  type TextBase,
  type TextState,
  type TextUpdate,
} from '#cell'
import type { ContentHeader } from '#content'
import { makeStamp, type ReplicaId, type Stamp } from '#hlc'
import { KIND } from '#schema'
import { baseClient, editText, textOf } from '#text'
import type { Random } from '../../../../tests/support/random.ts'

export const REPLICAS = ['0', '7', 'f'].map((digit) => digit.repeat(32) as ReplicaId)
const NOW = Date.UTC(2026, 0, 1)

function anyStamp(random: Random, millis?: number): Stamp {
  return makeStamp(millis ?? NOW + random.below(6), random.below(2), random.pick(REPLICAS))
}

const anyText = (random: Random): string =>
  Array.from({ length: random.below(6) }, () => random.pick(['a', 'é', '\0', '\r\n', '🙂', '"', '\ufeff', 'word '])).join('')

export function anyScalar(random: Random): Scalar {
  return random.pick<() => Scalar>([
    () => null,
    () => random.pick([0, 1, -1, 63, 64, -64, -65, 2 ** 31, -(2 ** 52), 2 ** 52 - 1, 2 ** 52, 2 ** 53 - 1, -(2 ** 53)]),
    () => random.pick([-0, 0.1, -1e300, 5e-324, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, random.float()]),
    () => anyText(random),
    () => random.bytes(random.below(5)),
  ])()
}

/**
 * Each base has a millisecond of its own, which no purge divides: of equal bases from before and after a purge, the edits
 * cannot be told apart (README.md, "Limits").
 */
function anyBase(random: Random, later: number): [number, TextBase] {
  const made = random.below(later + 1)
  const tag = made % 2 === 0 ? '' : 'tag'
  const text = ['', 'one', 'two 🙂', 'three', 'four', 'five'][made] as string
  const stamp = anyStamp(random, NOW + made)
  const key = baseClient(tag, text)
  const updates: TextUpdate[] = []
  for (let i = random.below(3); i > 0; i--) {
    // The client follows from what is written: equal edits are equal bytes, different ones different items.
    const which = random.below(4)
    const edit = editText(textOf(stamp, text, tag), `${text}${which}`, 1000 + which)
    if (edit !== undefined && !updates.some((known) => known.bytes.toString() === edit.update.bytes.toString()))
      updates.push(edit.update)
  }
  return [key, { base: { stamp, tag, text }, updates: updates.sort((a, b) => (a.bytes.toString() < b.bytes.toString() ? -1 : 1)) }]
}

function anyTextState(random: Random, later: number): TextState {
  return new Map(Array.from({ length: random.between(1, 2) }, () => anyBase(random, later)))
}

function anySet(random: Random, later: number): SetState {
  const elements = ['x', 'y', '', '🙂'].filter(() => random.chance(0.5))
  return new Map(elements.map((element) => [element, { stamp: anyStamp(random, NOW + later), present: random.chance(0.5) }]))
}

export function anyCell(random: Random, kind: Cell['kind'], later = random.below(6)): Cell {
  if (kind === KIND.lww) return lwwCell(anyStamp(random, NOW + later), anyScalar(random))
  return kind === KIND.text ? { kind, value: anyTextState(random, later) } : { kind, value: anySet(random, later) }
}

/**
 * A delta as a device may write it: no cell is later than its `_deleted`. `odd`: with a column on whose kind writers
 * disagree, and then without purges.
 */
export function anyCells(random: Random, odd = false): Cells {
  const later = random.below(6)
  const cells = new Map<string, Cell>()
  if (!odd && random.chance(0.15)) return new Map([[PURGED, lwwCell(makeStamp(NOW + later, 3, random.pick(REPLICAS)), 1)]])
  for (const [name, kind] of [
    ['a', KIND.lww],
    ['b', KIND.lww],
    ['text', KIND.text],
    ['set', KIND.set],
    ...(odd ? ([['odd', random.pick([KIND.lww, KIND.text, KIND.set])]] as const) : []),
  ] as const) {
    if (random.chance(0.6)) cells.set(name, anyCell(random, kind, later))
  }
  cells.set(DELETED, lwwCell(makeStamp(NOW + later, 2, random.pick(REPLICAS)), random.below(2)))
  return cells
}

export function anyDelta(random: Random): RowDelta {
  const id = random.chance(0.5) ? random.pick(['a', 'A-Z.0_9:x', 'x'.repeat(64)]) : 'abcdefghijklmnopqrstuvwxya'
  return { table: random.pick(['notes', 'spaces', '_devices']), id, cells: anyCells(random, random.chance(0.2)) }
}

export function anyHeader(random: Random): ContentHeader {
  const counter = () => random.pick([1, 127, 128, 2 ** 32, 2 ** 53 - 1])
  return {
    replica: REPLICAS[0] as ReplicaId,
    counter: counter(),
    previous: random.bytes(32),
    wallClock: random.pick([0, NOW, 2 ** 47]),
    epoch: random.between(1, 300),
    bundleVersion: random.below(300),
    seen: REPLICAS.slice(1)
      .filter(() => random.chance(0.5))
      .map((replica) => [replica, counter()] as const),
    covers: random.chance(0.2) ? [{ replica: REPLICAS[1] as ReplicaId, first: 1, last: counter(), digest: random.bytes(32) }] : [],
    run: random.chance(0.2) ? { first: counter(), part: random.below(3), parts: 3, chain: random.bytes(32) } : undefined,
  }
}
