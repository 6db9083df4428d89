/**
 * The simulation with servers that are put back to backups, emptied, or exist twice for a while, and disks that are put back or
 * copied to another machine, all of it while everything else goes wrong, too.
 *
 * The full campaign: LOCKSTEP_FROM=random LOCKSTEP_RUNS=100 npx vitest run tests/simulation/damaged.test.ts
 */
import { expect, test } from 'vitest'
import { runCampaign } from './campaign.ts'
import { DAMAGE_FLOORS, FAULT_FLOORS } from './faults.ts'
import { planOf } from './plan.ts'
import { runPlan } from './run.ts'

const FILE = 'tests/simulation/damaged.test.ts'
/** These take servers that go on as they are. */
const { deviceRevoked: _, keysTakenUp: __, epochClosed: ___, ...FLOORS } = FAULT_FLOORS

test('[G1] [G2] [G8] [LOG-1] [LOG-3] [LOG-4] [LOG-9] [LOG-10] what somebody still has is there in the end, on every device', async () => {
  await runCampaign({
    name: 'G1 damaged',
    file: FILE,
    seeds: 100,
    options: { damage: true },
    floors: { ...FLOORS, ...DAMAGE_FLOORS },
  })
})

test.skipIf(process.env['LOCKSTEP_SEED'] !== undefined)('[G1] a seed with damage repeats exactly', async () => {
  for (const seed of [3, 20]) {
    const plan = planOf(seed, { damage: true })
    const [first, second] = [await runPlan(plan), await runPlan(plan)]
    expect(second.hash).toBe(first.hash)
    expect(String(second.faults)).toBe(String(first.faults))
  }
})
