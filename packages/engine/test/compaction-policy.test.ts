import { type IndexEntry, SEGMENT_KIND } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { isMergersTurn, isTooLarge, pickRun, rewritable } from '#compaction/policy'
import { forEachSeed, type Random, runs } from '../../../tests/support/random.ts'

const FILE = 'packages/engine/test/compaction-policy.test.ts'
const KiB = 1024
const tag = new Uint8Array(16)

interface SimulatedEntry extends IndexEntry {
  /** Edits in it. */
  readonly edits: number
}

/** A log of which only sizes are known, with a model of what merging leaves. */
class SimulatedLog {
  readonly entries: SimulatedEntry[] = []
  head = 0
  pushed = 0
  written = 0
  merges = 0
  readonly #sizeOf: (edits: number) => number

  constructor(sizeOf: (edits: number) => number) {
    this.#sizeOf = sizeOf
  }

  push(bytes: number): void {
    this.head++
    this.pushed += bytes
    this.entries.push({ first: this.head, last: this.head, kind: SEGMENT_KIND.delta, bytes, tag, edits: 1 })
    if (isMergersTurn([this.head])) this.merge()
  }

  merge(): boolean {
    const run = pickRun(this.entries, this.head)
    if (run === undefined) return false
    const from = this.entries.findIndex(({ first }) => first === run.first)
    const replaced = this.entries.slice(from, from + run.entries.length)
    const edits = replaced.reduce((sum, entry) => sum + entry.edits, 0)
    const bytes = Math.min(run.bytes, this.#sizeOf(edits))
    this.entries.splice(from, replaced.length, { first: run.first, last: run.last, kind: SEGMENT_KIND.merged, bytes, tag, edits })
    this.written += bytes
    this.merges++
    return true
  }

  get bytes(): number {
    return this.entries.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

const plain = (count: number, bytes: number, from = 1): IndexEntry[] =>
  Array.from({ length: count }, (_, i) => ({ first: from + i, last: from + i, kind: SEGMENT_KIND.delta, bytes, tag }))

const merged = (first: number, last: number, bytes: number): IndexEntry => ({ first, last, kind: SEGMENT_KIND.merged, bytes, tag })

for (const [name, notes] of [
  ['edits of 10 000 notes', 10_000],
  ['edits of one note', 1],
  ['edits that all stay', Number.POSITIVE_INFINITY],
] as const) {
  test(`[LOG-10] the log of ${name} has O(log n) runs, little more than its oldest, and few bytes are written again`, () => {
    const edits = runs(200_000)
    const each = 420
    const distinct = (count: number) => (notes === Number.POSITIVE_INFINITY ? count : notes * (1 - (1 - 1 / notes) ** count))
    const log = new SimulatedLog((count) => Math.ceil(distinct(count) * 300) + 600)
    let most = 0
    for (let i = 0; i < edits; i++) {
      log.push(each)
      if (i > 4096) most = Math.max(most, log.entries.length)
    }
    // What is left alone, what waits for the next merger, and the tiers.
    expect(most).toBeLessThanOrEqual(32 + 64 + 2 * Math.ceil(Math.log2(edits)))
    const [bottom] = log.entries
    expect(log.bytes).toBeLessThanOrEqual(2 * (bottom as IndexEntry).bytes + 128 * each)
    const amplification = log.written / log.pushed
    expect(amplification).toBeLessThanOrEqual(2 * Math.log2(edits))
    console.log(
      `${name}: ${edits} edits, ${log.merges} merges, at most ${most} entries, log ${(log.bytes / (bottom as IndexEntry).bytes).toFixed(2)} x its oldest run, written ${amplification.toFixed(2)} x what was pushed`,
    )
  })
}

test('[LOG-10] random histories: the log always consists of few runs, and a merge never takes the end of the log', async () => {
  await forEachSeed('policy', 10, FILE, (random: Random) => {
    const log = new SimulatedLog((edits) => edits * random.between(50, 400) + 600)
    const imports = random.pick([0, 0.0005, 0.01])
    for (let i = 0; i < 20_000; i++) {
      if (random.chance(imports)) for (let n = random.between(1, 100); n > 0; n--) log.push(random.between(64 * KiB, 300 * KiB))
      log.push(random.between(300, random.pick([500, 60 * KiB])))
      if (i % 97 !== 0) continue
      expect(log.entries.at(-32)?.kind ?? SEGMENT_KIND.delta).toBe(SEGMENT_KIND.delta)
      // Stretches of large ones are never divided, so their segments do not count.
      const small = log.entries.filter(({ kind, bytes }) => kind === SEGMENT_KIND.merged || bytes < 64 * KiB)
      expect(small.length).toBeLessThanOrEqual(32 + 64 + 96 + 32)
    }
    let expected = 1
    for (const { first, last } of log.entries) {
      expect(first).toBe(expected)
      expected = last + 1
    }
  })
})

test('[LOG-10] the last 32 entries are left alone, and fewer than 32 small ones among the others are not worth a merge', () => {
  expect(pickRun([], 0)).toBeUndefined()
  expect(pickRun(plain(63, 400), 63)).toBeUndefined()
  expect(pickRun(plain(64, 400), 64)).toMatchObject({ first: 1, last: 32, bytes: 32 * 400 })
  expect(pickRun(plain(100, 400), 100)).toMatchObject({ first: 1, last: 68 })
})

test('[LOG-10] an older run is taken in while it is less than twice as large as all after it', () => {
  const after = plain(64, 400, 1001)
  expect(pickRun([merged(1, 1000, 2 * 32 * 400 - 1), ...after], 1064)).toMatchObject({ first: 1, last: 1032 })
  expect(pickRun([merged(1, 1000, 2 * 32 * 400), ...after], 1064)).toMatchObject({ first: 1001, last: 1032 })
  const two = [merged(1, 500, 70_000), merged(501, 1000, 25_000), ...after]
  expect(pickRun(two, 1064)).toMatchObject({ first: 1, last: 1032 })
})

test('[LOG-10] a large import is one run: a few edits do not rewrite it, and it is never divided', () => {
  const log = [...plain(100, 250 * KiB), ...plain(80, 400, 101)]
  expect(pickRun(log, 180)).toMatchObject({ first: 101, last: 148 })
  // Small ones before it are merged too.
  const before = [...plain(40, 400), ...plain(100, 250 * KiB, 41), ...plain(40, 400, 141)]
  expect(pickRun(before, 180)).toMatchObject({ first: 1, last: 40 })
})

test('[LOG-10] an index that ends before the log is merged up to its end, in tiers', () => {
  expect(pickRun(plain(1000, 400), 5000)).toMatchObject({ first: 1, last: 1000 })
  expect(pickRun([merged(1, 1000, 800_000), ...plain(500, 400, 1001)], 5000)).toMatchObject({ first: 1001, last: 1500 })
})

test('[LOG-10] small segments between large ones do not pile up', () => {
  const log = Array.from({ length: 200 }, (_, i) => plain(1, i % 2 === 0 ? 400 : 100 * KiB, i + 1)).flat()
  const run = pickRun(log, 200)
  expect(run?.last).toBe(168)
  expect(run?.first).toBeLessThanOrEqual(168 - 31)
})

test('[LOG-10] large segments that supersede each other are seen by the state they leave; an import is not', () => {
  const log = [merged(1, 100, 300 * KiB), ...plain(100, 250 * KiB, 101)]
  expect(pickRun(log, 200)).toBeUndefined()
  const run = rewritable(log, 200)
  expect(run).toMatchObject({ first: 1, last: 168 })
  if (run === undefined) throw new Error('unreachable')
  expect(isTooLarge(run, 500 * KiB)).toBe(true)
  expect(isTooLarge(run, run.bytes)).toBe(false)
  // Just written: nothing to be gained, however large the state is thought to be.
  expect(rewritable([merged(1, 168, 17_000 * KiB), ...plain(32, 250 * KiB, 169)], 200)).toBeUndefined()
})

test('[LOG-10] one segment in 64 makes its device the merger', () => {
  expect(isMergersTurn([])).toBe(false)
  expect(isMergersTurn([0])).toBe(false)
  expect(isMergersTurn([62, 63])).toBe(false)
  expect(isMergersTurn([63, 64, 65])).toBe(true)
  expect(isMergersTurn([128])).toBe(true)
})
