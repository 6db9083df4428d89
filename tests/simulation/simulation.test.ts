/**
 * Many devices, one server and everything that can go wrong between them, from a seed. What happens to whole machines is in
 * damaged.test.ts, which runs beside it.
 *
 * The full campaign, 10 000 seeds of 300 operations in each: LOCKSTEP_FROM=random LOCKSTEP_RUNS=100 npx vitest run tests/simulation/simulation.test.ts
 * `LOCKSTEP_PIN=1` keeps the plan of a failure, made small, in regressions/; a note of what was wrong is to be put into it.
 */
import { expect, test } from 'vitest'
import { mustHold, runCampaign } from './campaign.ts'
import { FAULT_FLOORS } from './faults.ts'
import { pinnedPlans, planOf } from './plan.ts'
import { runPlan } from './run.ts'

const FILE = 'tests/simulation/simulation.test.ts'
const replaying = process.env['LOCKSTEP_SEED'] !== undefined

test('[G1] [G2] [CELL-1] [CELL-2] [CELL-3] [CELL-5] [CELL-8] [KEY-4] [LOG-2] [LOG-3] [LOG-6] [LOG-10] [SYNC-3] devices end up in step, nothing is lost, nothing deleted is back', async () => {
  await runCampaign({ name: 'G1', file: FILE, seeds: 100, options: {}, floors: FAULT_FLOORS })
})

test.skipIf(replaying)('[G1] a seed repeats exactly, real cryptography and threads included', async () => {
  for (const seed of [1, 2, 10]) {
    const [first, second] = [await runPlan(planOf(seed)), await runPlan(planOf(seed))]
    expect(second.hash).toBe(first.hash)
    expect(String(second.faults)).toBe(String(first.faults))
  }
})

test.skipIf(replaying)('[G1] different seeds are different worlds', async () => {
  const hashes = new Set<string>()
  for (const seed of [1, 2, 3]) hashes.add((await runPlan(planOf(seed, { operations: 60 }))).hash)
  expect(hashes.size).toBe(3)
})

test.skipIf(replaying).each(pinnedPlans())('[G1] pinned plan of seed $seed: $found', async (plan) => {
  await mustHold(plan, FILE)
})
