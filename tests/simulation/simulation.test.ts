/**
 * Many devices, one server and everything that can go wrong between them, from a seed.
 *
 * The full campaign, 20 000 seeds of 300 operations: LOCKSTEP_RUNS=100 npx vitest run tests/simulation/simulation.test.ts
 * `LOCKSTEP_PIN=1` keeps the plan of a failure, made small, in regressions/; a note of what was wrong is to be put into it.
 */
import { expect, test } from 'vitest'
import { seeds } from '../support/random.ts'
import { FAULT_FLOORS, type Fault, FaultCounts } from './faults.ts'
import { type Plan, pin, pinnedPlans, planOf } from './plan.ts'
import { BrokenPromise, type Outcome, runPlan } from './run.ts'
import { shrink } from './shrink.ts'

const FILE = 'tests/simulation/simulation.test.ts'
/** Fewer where other tests run this one. */
const SEEDS = Number(process.env['LOCKSTEP_SIMULATION_SEEDS'] ?? 200)
/** Below this the counts are too much a matter of luck to hold them against the floors. */
const ENOUGH_SEEDS = 50
const replaying = process.env['LOCKSTEP_SEED'] !== undefined
const pinning = process.env['LOCKSTEP_PIN'] === '1'

async function mustHold(plan: Plan): Promise<Outcome> {
  try {
    return await runPlan(plan)
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error
    const unshrunk = { plan, failure: error }
    const { plan: small, failure } = process.env['LOCKSTEP_SHRINK'] === '0' ? unshrunk : await shrink(plan, error)
    const kept = pinning ? `\n  kept as ${pin(small, failure.message.slice(0, 200))}` : ''
    throw new Error(
      `seed ${plan.seed}: ${error.message}\n\nwith ${small.operations.length} of its ${plan.operations.length} operations: ${failure.message}\n${failure.log.join('\n')}\n  repeat it: LOCKSTEP_SEED=${plan.seed} npx vitest run ${FILE}${kept}`,
    )
  }
}

test('[G1] [G2] [CELL-1] [CELL-2] [CELL-3] [CELL-5] [LOG-2] [LOG-3] [LOG-6] [SYNC-3] devices end up in step, nothing is lost, nothing deleted is back', async () => {
  const faults = new FaultCounts()
  let operations = 0
  let mostExchanges = 0
  let bytes = 0
  let idealBytes = 0
  const all = seeds('G1', SEEDS)
  for (const seed of all) {
    const outcome = await mustHold(planOf(seed))
    faults.addAll(outcome.faults)
    operations += outcome.operations
    mostExchanges = Math.max(mostExchanges, outcome.mostExchanges)
    bytes += outcome.bytes
    idealBytes += outcome.idealBytes
  }
  console.log(`G1: ${all.length} seeds, ${operations} operations, faults {${faults}}`)
  console.log(`G2: at most ${mostExchanges} exchanges to be in step, ${(bytes / idealBytes).toFixed(2)} times the least bytes`)
  if (all.length < ENOUGH_SEEDS) return
  for (const [fault, floor] of Object.entries(FAULT_FLOORS)) {
    expect(faults.counts.get(fault as Fault) ?? 0, `${fault} happened too rarely to prove anything`).toBeGreaterThanOrEqual(
      Math.floor((floor * all.length) / 100),
    )
  }
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
  await mustHold(plan)
})
