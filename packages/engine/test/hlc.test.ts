import { describe, expect, test } from 'vitest'
import { HybridClock, isStamp, makeStamp, type ReplicaId, stampCounter, stampMillis, stampReplica, stampTime } from '#hlc'
import { forEachSeed } from '../../../tests/support/random.ts'

const FILE = 'packages/engine/test/hlc.test.ts'
const replica = (digit: string) => digit.repeat(32) as ReplicaId

describe('stamps', () => {
  test('[CELL-1] stamps sort as text as their triples do as numbers', async () => {
    await forEachSeed('stamp order', 300, FILE, (random) => {
      const triple = () => ({
        millis: random.pick([0, 1, 255, 256, 2 ** 32, 2 ** 48 - 1, Math.floor(random.float() * 2 ** 48)]),
        counter: random.pick([0, 1, 15, 16, 0xfff, 0xffff]),
        replica: replica(random.pick(['0', '1', '9', 'a', 'f'])),
      })
      const a = triple()
      const b = triple()
      const byNumber = a.millis - b.millis || a.counter - b.counter || (a.replica < b.replica ? -1 : a.replica > b.replica ? 1 : 0)
      const [x, y] = [makeStamp(a.millis, a.counter, a.replica), makeStamp(b.millis, b.counter, b.replica)]
      expect(Math.sign(byNumber)).toBe(x < y ? -1 : x > y ? 1 : 0)
      expect([stampMillis(x), stampCounter(x), stampReplica(x)]).toEqual([a.millis, a.counter, a.replica])
      expect(x).toBe(stampTime(x) + a.replica)
      expect(isStamp(x)).toBe(true)
    })
  })

  test('what is no stamp is told', () => {
    for (const text of ['', 'g'.repeat(48), '0'.repeat(47), '0'.repeat(49), 'A'.repeat(48)]) expect(isStamp(text)).toBe(false)
  })
})

describe('HybridClock', () => {
  test('[CELL-9] every stamp is later than all before it, whatever the wall clock does', async () => {
    await forEachSeed('clock monotony', 100, FILE, (random) => {
      const clock = new HybridClock(replica('1'))
      let last = ''
      for (let i = 0; i < 100; i++) {
        if (random.chance(0.2)) clock.observe({ millis: random.below(2 ** 31), counter: random.below(0x10000) })
        const { millis, counter } = clock.last
        const wall = random.pick([-1e12, 0, 0.5, random.below(2 ** 31), Number.MAX_SAFE_INTEGER % 2 ** 40, millis])
        const stamp = clock.tick(wall)
        expect(isStamp(stamp)).toBe(true)
        expect(stamp > last).toBe(true)
        expect(stampTime(stamp) > stampTime(makeStamp(millis, counter, replica('1')))).toBe(true)
        expect(stampMillis(stamp) >= Math.floor(wall)).toBe(true)
        last = stamp
      }
    })
  })

  test('[CELL-9] a full counter carries into the milliseconds', () => {
    const clock = new HybridClock(replica('1'), { millis: 1000, counter: 0xfffe })
    expect(clock.tick(5)).toBe(makeStamp(1000, 0xffff, replica('1')))
    expect(clock.tick(5)).toBe(makeStamp(1001, 0, replica('1')))
    expect(clock.tick(1001)).toBe(makeStamp(1001, 1, replica('1')))
    expect(clock.tick(1002)).toBe(makeStamp(1002, 0, replica('1')))
  })

  test('[CELL-9] what was seen only moves a clock forward', () => {
    const clock = new HybridClock(replica('1'), { millis: 1000, counter: 5 })
    clock.observe({ millis: 999, counter: 0xffff })
    clock.observe({ millis: 1000, counter: 4 })
    expect(clock.last).toEqual({ millis: 1000, counter: 5 })
    clock.observe({ millis: 1000, counter: 9 })
    expect(clock.tick(0)).toBe(makeStamp(1000, 10, replica('1')))
  })
})
