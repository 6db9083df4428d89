/** Many seeds of one kind of world: each must hold, and the faults must have happened often enough to prove anything. */
import { expect } from 'vitest'
import { seeds } from '../support/random.ts'
import { type Fault, FaultCounts } from './faults.ts'
import { type Plan, type PlanOptions, pin, planOf } from './plan.ts'
import { BrokenPromise, type Outcome, runPlan } from './run.ts'
import { shrink } from './shrink.ts'

/** Below this the counts are too much a matter of luck to hold them against the floors. */
const ENOUGH_SEEDS = 50
/** Fewer seeds where other tests run this one. */
const FEWER = process.env['LOCKSTEP_SIMULATION_SEEDS']

/** @throws Error with what a failure comes down to, and how to repeat it */
export async function mustHold(plan: Plan, file: string): Promise<Outcome> {
  try {
    return await runPlan(plan)
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error
    const unshrunk = { plan, failure: error }
    const { plan: small, failure } = process.env['LOCKSTEP_SHRINK'] === '0' ? unshrunk : await shrink(plan, error)
    const kept = process.env['LOCKSTEP_PIN'] === '1' ? `\n  kept as ${pin(small, failure.message.slice(0, 200))}` : ''
    throw new Error(
      `seed ${plan.seed}: ${error.message}\n\nwith ${small.operations.length} of its ${plan.operations.length} operations: ${failure.message}\n${failure.log.join('\n')}\n  repeat it: LOCKSTEP_SEED=${plan.seed} npx vitest run ${file}${kept}`,
    )
  }
}

export interface Campaign {
  readonly name: string
  readonly file: string
  readonly seeds: number
  readonly options: PlanOptions
  /** Least number of times in 100 seeds. */
  readonly floors: Readonly<Partial<Record<Fault, number>>>
}

export async function runCampaign({ name, file, seeds: base, options, floors }: Campaign): Promise<void> {
  const faults = new FaultCounts()
  let operations = 0
  let mostExchanges = 0
  let bytes = 0
  let idealBytes = 0
  const all = seeds(name, Number(FEWER ?? base))
  for (const seed of all) {
    const outcome = await mustHold(planOf(seed, options), file)
    faults.addAll(outcome.faults)
    operations += outcome.operations
    mostExchanges = Math.max(mostExchanges, outcome.mostExchanges)
    bytes += outcome.bytes
    idealBytes += outcome.idealBytes
  }
  console.log(`${name}: ${all.length} seeds, ${operations} operations, faults {${faults}}`)
  console.log(`G2: at most ${mostExchanges} exchanges to be in step, ${(bytes / idealBytes).toFixed(2)} times the least bytes`)
  if (all.length < ENOUGH_SEEDS) return
  for (const [fault, floor] of Object.entries(floors)) {
    expect(faults.counts.get(fault as Fault) ?? 0, `${fault} happened too rarely to prove anything`).toBeGreaterThanOrEqual(
      Math.floor((floor * all.length) / 100),
    )
  }
}
