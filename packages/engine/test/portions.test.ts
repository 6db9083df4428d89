import { describe, expect, test } from 'vitest'
import { Portions } from '#portions'

const KIB = 1024
/** Rows that are as many as anybody wants. */
const PLENTY = 8192

/** A clock that a transaction moves. */
function stage(patience?: number) {
  let time = 0
  const sharing = patience === undefined ? {} : { sharing: { patience, letOthers: async () => {} } }
  const portions = new Portions({ now: () => time, random: (length) => new Uint8Array(length), ...sharing })
  const apply = (rows: number, millis: number) =>
    portions.apply(rows, () => {
      time += millis
    })
  /** Rows that are enough for the next transaction. */
  const enough = () => {
    let rows = 1
    while (!portions.isEnough(0, rows)) rows++
    return rows
  }
  return { portions, apply, enough }
}

describe('portions of a download', () => {
  test('grow from 16 KiB to 2 MiB of sealed bytes, each twice as large as the one before', () => {
    const { portions, apply } = stage()
    const firsts: (number | undefined)[] = []
    for (let i = 0; i < 9; i++) {
      firsts.push(portions.first)
      apply(100, 1000)
    }
    expect(firsts).toEqual([16, 32, 64, 128, 256, 512, 1024, undefined, undefined].map((kib) => kib && kib * KIB))
    expect(portions.isEnough(2048 * KIB - 1, 0)).toBe(false)
    expect(portions.isEnough(2048 * KIB, 0)).toBe(true)
  })

  test('have as many rows as ever where nobody waits for the thread, however long they take', () => {
    const { apply, enough } = stage()
    apply(PLENTY, 60_000)
    expect(enough()).toBe(PLENTY)
  })

  test('take as long as others may wait: fewer rows after a slow one, at most twice as many and at most 512 after a quick one', () => {
    const { apply, enough } = stage(40)
    apply(1000, 200)
    expect(enough()).toBe(200)
    apply(200, 5)
    expect(enough()).toBe(400)
    apply(400, 40)
    expect(enough()).toBe(400)
    apply(400, 1)
    expect(enough()).toBe(512)
    apply(512, 60_000)
    expect(enough()).toBe(64)
  })

  test('are not led astray by a clock that is set back, or by a transaction without rows', () => {
    const { apply, enough } = stage(40)
    apply(200, -3_600_000)
    expect(enough()).toBe(400)
    apply(0, 60_000)
    expect(enough()).toBe(400)
  })
})
