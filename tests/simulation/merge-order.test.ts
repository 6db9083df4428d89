/**
 * The merge alone, without devices: whatever the order, however often, in whatever groups deltas of a row are merged, the
 * state is the same. Thousands of seeds a second.
 *
 * Purges are apart: they forget which edits they dropped and rely on edits coming after their base, as segments do.
 */
import { type Cell, type Cells, DELETED, lwwCell, PURGED, type Scalar, type TextBase } from '@lockstep/engine/cell'
import { makeStamp, type ReplicaId, type Stamp } from '@lockstep/engine/hlc'
import { joinRow } from '@lockstep/engine/merge'
import { KIND } from '@lockstep/engine/schema'
import { baseClient, editText, textOf } from '@lockstep/engine/text'
import { expect, test } from 'vitest'
import { forEachSeed, type Random } from '../support/random.ts'
import { describeCells } from './snapshot.ts'

const FILE = 'tests/simulation/merge-order.test.ts'
const SEEDS = 20_000
const TEXT_SEEDS = 1_500
const REPLICAS = ['0a', '0b', 'f0'].map((byte) => byte.repeat(16) as ReplicaId)
const SCALARS: readonly Scalar[] = [null, 0, 1, -1.5, '', 'a', 'ä', new Uint8Array(0), Uint8Array.of(1)]
const COLUMNS = ['a', 'b', 'c']

/** Few times and few replicas, so that equal stamps are common. */
function stamp(random: Random): Stamp {
  return makeStamp(1000 + random.below(4), random.below(2), random.pick(REPLICAS))
}

/** Cells with one stamp, or older ones, and the row's last write, which is never older than its cells. */
function scalarDelta(random: Random, purges: boolean): Cells {
  const cells = new Map<string, Cell>()
  const stamps = [stamp(random), stamp(random)].sort()
  const [older, at] = stamps as [Stamp, Stamp]
  for (const column of COLUMNS) {
    if (random.chance(0.4)) cells.set(column, lwwCell(random.chance(0.8) ? at : older, random.pick(SCALARS)))
  }
  const elements = ['x', 'y', 'z'].filter(() => random.chance(0.3))
  if (elements.length > 0) {
    const value = new Map(elements.map((element) => [element, { stamp: random.pick(stamps), present: random.chance(0.5) }]))
    cells.set('set', { kind: KIND.set, value })
  }
  if (purges && random.chance(0.15)) return new Map([[PURGED, lwwCell(at, 1)]])
  return cells.set(DELETED, lwwCell(at, random.below(2)))
}

/** A base that some replica wrote, and edits made on it one after the other: what a text's deltas consist of. */
function textDeltas(random: Random): Cells[] {
  const out: Cells[] = []
  for (let bases = random.between(1, 3); bases > 0; bases--) {
    const text = random.pick(['', 'one', 'two words', 'with \u{1f600}'])
    const tag = random.pick(['', 'file'])
    const at = stamp(random)
    let state = textOf(at, text, tag)
    const delta = (value: ReadonlyMap<number, TextBase>) =>
      out.push(
        new Map<string, Cell>([
          ['text', { kind: KIND.text, value }],
          [DELETED, lwwCell(at, 0)],
        ]),
      )
    delta(state)
    for (let edits = random.below(4); edits > 0; edits--) {
      const edit = editText(state, `${random.u32().toString(36)}${text}`, random.u32() + 1)
      if (edit === undefined) continue
      const update: ReadonlyMap<number, TextBase> = new Map([[edit.key, { base: undefined, updates: [edit.update] }]])
      delta(update)
      // Half of the edits do not see the one before.
      if (random.chance(0.5)) state = new Map([[baseClient(tag, text), { base: { stamp: at, tag, text }, updates: [edit.update] }]])
    }
  }
  return out
}

const mergeAll = (deltas: readonly Cells[]): Cells => deltas.reduce<Cells>(joinRow, new Map())

/** Merges in another order, some first among themselves, some twice. */
function mergeAnyhow(random: Random, deltas: readonly Cells[]): Cells {
  const order = random.shuffle(deltas)
  const some = order.splice(0, random.between(0, order.length))
  const merged = mergeAll(some)
  const again = random.chance(0.5) ? deltas.filter(() => random.chance(0.3)) : []
  return mergeAll(random.shuffle([...order, merged, ...again]))
}

function same(deltas: readonly Cells[], random: Random): void {
  const expected = JSON.stringify(describeCells(mergeAll(deltas)))
  for (let i = 0; i < 3; i++) expect(JSON.stringify(describeCells(mergeAnyhow(random, deltas)))).toBe(expected)
}

test('[CELL-1] [CELL-5] [CELL-8] merging cells, sets and purges is commutative, associative and idempotent', async () => {
  const runs = await forEachSeed('merge order', SEEDS, FILE, (random) => {
    const purges = random.chance(0.3)
    same(
      Array.from({ length: random.between(2, 7) }, () => scalarDelta(random, purges)),
      random,
    )
  })
  console.log(`merge order: ${runs} sets of deltas in 3 orders each`)
})

test('[CELL-3] merging texts is commutative, associative and idempotent', async () => {
  const runs = await forEachSeed('merge order of texts', TEXT_SEEDS, FILE, (random) => same(textDeltas(random), random))
  console.log(`merge order of texts: ${runs} texts in 3 orders each`)
})
