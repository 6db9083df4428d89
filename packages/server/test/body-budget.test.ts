import { expect, test } from 'vitest'
import { BodyBudget } from '#body-budget'
import { forEachSeed } from '../../../tests/support/random.ts'

test('[G19] what is held is never more than the budget, and the oldest large body goes first', () => {
  const budget = new BodyBudget(1_000_000)
  const gone: string[] = []
  const begin = (name: string) => {
    const body = { name }
    budget.begin(body, () => gone.push(name))
    return body
  }
  const [small, old, young] = [begin('small'), begin('old'), begin('young')]
  budget.add(small, 10_000)
  budget.add(old, 500_000)
  budget.add(young, 490_000)
  expect([gone, budget.total]).toEqual([[], 1_000_000])
  budget.add(young, 1)
  expect([gone, budget.total]).toEqual([['old'], 500_001])
  // Its chunks that were on the way count no more.
  budget.add(old, 900_000)
  budget.end(old)
  expect([gone, budget.total]).toEqual([['old'], 500_001])
  budget.add(young, 2_000_000)
  expect([gone, budget.total]).toEqual([['old', 'young'], 10_000])
  budget.end(small)
  expect(budget.total).toBe(0)
})

test('[G19] many small ones are bounded, too', async () => {
  const cases = await forEachSeed('body budget', 200, 'packages/server/test/body-budget.test.ts', async (random) => {
    const limit = random.between(1, 5_000_000)
    const budget = new BodyBudget(limit)
    const sizes = new Map<object, number>()
    for (let step = 0; step < 100; step++) {
      const bodies = [...sizes.keys()]
      if (bodies.length === 0 || random.chance(0.4)) {
        const body = {}
        sizes.set(body, 0)
        budget.begin(body, () => expect(sizes.delete(body)).toBe(true))
      } else if (random.chance(0.2)) {
        const body = random.pick(bodies)
        sizes.delete(body)
        budget.end(body)
      } else {
        const body = random.pick(bodies)
        const bytes = random.between(1, 100_000)
        sizes.set(body, (sizes.get(body) ?? 0) + bytes)
        budget.add(body, bytes)
      }
      const held = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
      expect([held, held <= limit]).toEqual([budget.total, true])
    }
  })
  expect(cases).toBeGreaterThan(0)
})
