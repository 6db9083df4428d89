import { describe, expect, test } from 'vitest'
import { type Cells, DELETED, lwwCell, PURGED, type Scalar } from '#cell'
import { decodeCell, encodeCell } from '#cell-codec'
import { makeStamp, type ReplicaId, type Stamp } from '#hlc'
import { compareScalars, editedAt, joinCell, joinRow, purgedAt } from '#merge'
import { KIND } from '#schema'
import { forEachSeed, Random } from '../../../tests/support/random.ts'
import { anyCell, anyCells, anyScalar } from './support/arbitrary.ts'

const FILE = 'packages/engine/test/merge.test.ts'
const stamp = (millis: number, replica = '1') => makeStamp(millis, 0, replica.repeat(32) as ReplicaId)

/** A state in a form where order says nothing, for comparing. */
function canonical(cells: Cells): unknown {
  return [...cells]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, cell]) => {
      if (cell.kind === KIND.lww) return [name, cell.kind, cell.stamp, Object.is(cell.value, -0) ? '-0' : cell.value]
      const entries = [...cell.value].map(([key, value]) => [String(key), value] as const)
      return [name, cell.kind, entries.sort(([a], [b]) => (a < b ? -1 : 1))]
    })
}

/** What the module promises of every state that comes out of it. */
function checkInvariants(cells: Cells): void {
  const purge = purgedAt(cells)
  if (purge === undefined) return
  const edited = editedAt(cells)
  if (edited === undefined || edited <= purge) {
    expect([...cells.keys()]).toEqual([PURGED])
    return
  }
  for (const [name, cell] of cells) {
    if (name === PURGED) continue
    const stamps: (Stamp | undefined)[] =
      cell.kind === KIND.lww
        ? [cell.stamp]
        : cell.kind === KIND.text
          ? [...cell.value.values()].map(({ base }) => base?.stamp)
          : [...cell.value.values()].map((entry) => entry.stamp)
    for (const at of stamps) expect(at !== undefined && at > purge).toBe(true)
  }
}

describe('joinRow', () => {
  test('[CELL-1] [CELL-3] [CELL-5] [CELL-8] merging is idempotent, commutative and associative', async () => {
    let purged = 0
    let alive = 0
    await forEachSeed('merge laws', 3000, FILE, (random) => {
      const odd = random.chance(0.2)
      const [a, b, c] = [anyCells(random, odd), anyCells(random, odd), anyCells(random, odd)]
      const all = joinRow(joinRow(a, b), c)
      checkInvariants(all)
      expect(canonical(joinRow(a, joinRow(b, c)))).toEqual(canonical(all))
      expect(canonical(joinRow(joinRow(c, a), b))).toEqual(canonical(all))
      expect(canonical(joinRow(all, random.pick([a, b, c, all])))).toEqual(canonical(all))
      expect(canonical(joinRow(joinRow(a, a), new Map()))).toEqual(canonical(joinRow(a, a)))
      if (all.has(PURGED)) all.has(DELETED) ? alive++ : purged++
    })
    expect(Math.min(purged, alive)).toBeGreaterThan(0)
  })

  test('[CELL-1] the order in which many deltas arrive, and how often, makes no difference', async () => {
    await forEachSeed('delivery order', 300, FILE, (random) => {
      const deltas = Array.from({ length: 8 }, () => anyCells(random))
      const join = (order: readonly Cells[]) => canonical(order.reduce(joinRow, new Map() as Cells))
      const expected = join(deltas)
      for (let i = 0; i < 5; i++)
        expect(join(random.shuffle([...deltas, random.pick(deltas), random.pick(deltas)]))).toEqual(expected)
    })
  })

  test('[CELL-1] the greater stamp wins, replicas as bytes break ties, then the greater value', () => {
    const join = (a: [Stamp, Scalar], b: [Stamp, Scalar]) => joinCell(lwwCell(...a), lwwCell(...b))
    expect(join([stamp(2), 'old'], [stamp(3), 'new'])).toMatchObject({ value: 'new' })
    expect(join([stamp(2, '1'), 'z'], [stamp(2, '2'), 'a'])).toMatchObject({ value: 'a' })
    const ascending: Scalar[] = [
      null,
      Number.NEGATIVE_INFINITY,
      -1,
      -0,
      0,
      1,
      '',
      'a',
      '\uffff',
      '\u{10000}',
      new Uint8Array(0),
      Uint8Array.of(0),
      Uint8Array.of(1),
    ]
    ascending.forEach((small, i) => {
      for (const great of ascending.slice(i + 1)) {
        expect(join([stamp(1), small], [stamp(1), great])).toMatchObject({ value: great })
        expect(join([stamp(1), great], [stamp(1), small])).toMatchObject({ value: great })
        expect([Math.sign(compareScalars(small, great)), Math.sign(compareScalars(great, small))]).toEqual([-1, 1])
      }
      expect(compareScalars(small, small)).toBe(0)
    })
  })

  test('[CELL-2] writers that disagree on a column’s kind end up alike: the smaller kind stays', () => {
    const random = new Random(1)
    const cells = [KIND.lww, KIND.text, KIND.set].map((kind) => anyCell(random, kind))
    for (const a of cells) for (const b of cells) expect(joinCell(a, b).kind).toBe(Math.min(a.kind, b.kind))
  })

  test('[CELL-7] an edit that is later than a delete brings the row back, and the other way round', () => {
    const row = (at: number, deleted: number) => new Map([[DELETED, lwwCell(stamp(at), deleted)]])
    expect(joinRow(row(1, 0), row(2, 1)).get(DELETED)).toMatchObject({ value: 1 })
    expect(joinRow(row(3, 0), row(2, 1)).get(DELETED)).toMatchObject({ value: 0 })
  })

  test('[CELL-8] a purge takes what is older, leaves its tombstone, and spares what is later', () => {
    const purge: Cells = new Map([[PURGED, lwwCell(stamp(5), 1)]])
    const old: Cells = new Map([
      ['a', lwwCell(stamp(3), 'old')],
      [DELETED, lwwCell(stamp(4), 1)],
    ])
    expect(canonical(joinRow(old, purge))).toEqual(canonical(purge))
    const late: Cells = new Map([
      ['b', lwwCell(stamp(6), 'late')],
      [DELETED, lwwCell(stamp(6), 0)],
    ])
    expect([...joinRow(joinRow(old, purge), late).keys()].sort()).toEqual([DELETED, PURGED, 'b'].sort())
    expect(canonical(joinRow(old, joinRow(late, purge)))).toEqual(canonical(joinRow(joinRow(old, purge), late)))
  })
})

describe('cells as they are stored', () => {
  test('[CELL-2] every cell comes back from the database as it went in', async () => {
    await forEachSeed('stored cells', 500, FILE, (random) => {
      const cell = anyCell(random, random.pick([KIND.lww, KIND.text, KIND.set]))
      expect(decodeCell(encodeCell(cell))).toEqual(cell)
    })
  })

  test('damaged bytes are a FormatError and nothing else', async () => {
    await forEachSeed('damaged cells', 500, FILE, (random) => {
      const bytes = encodeCell(anyCell(random, random.pick([KIND.lww, KIND.text, KIND.set])))
      const damaged = random.chance(0.3) ? bytes.slice(0, random.below(bytes.length)) : bytes.slice()
      if (damaged.length > 0) damaged[random.below(damaged.length)] = random.below(256)
      try {
        decodeCell(damaged)
      } catch (error) {
        expect((error as Error).name).toBe('FormatError')
      }
    })
  })

  test('scalars compare by their kind first', async () => {
    await forEachSeed('scalar order', 500, FILE, (random) => {
      const [a, b, c] = [anyScalar(random), anyScalar(random), anyScalar(random)]
      expect(Math.sign(compareScalars(a, b)) + Math.sign(compareScalars(b, a))).toBe(0)
      if (compareScalars(a, b) <= 0 && compareScalars(b, c) <= 0) expect(compareScalars(a, c)).toBeLessThanOrEqual(0)
    })
  })
})
