/** Makes a failing plan small: leaves out operations while it still breaks the same kind of promise. */
import type { Plan } from './plan.ts'
import { BrokenPromise, runPlan } from './run.ts'

/** Two failures are of one kind when their first lines are, numbers and names aside. */
function kindOf(error: BrokenPromise): string {
  return (error.message.split('\n')[0] as string).replace(/[0-9a-f]{6,}|\d+|r[0-9a-z]{8,}/g, '#').slice(0, 60)
}

async function failureOf(plan: Plan): Promise<BrokenPromise | undefined> {
  try {
    await runPlan(plan)
    return undefined
  } catch (error) {
    if (error instanceof BrokenPromise) return error
    throw error
  }
}

/**
 * Leaves out ever smaller stretches of operations. The gaps of those left out are kept, so that what remains happens when
 * it did. `attempts` bounds the work.
 */
export async function shrink(plan: Plan, failure: BrokenPromise, attempts = 200): Promise<{ plan: Plan; failure: BrokenPromise }> {
  const kind = kindOf(failure)
  let best = { plan, failure }
  for (let size = Math.ceil(plan.operations.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.plan.operations.length && attempts > 0; attempts--) {
      const { operations } = best.plan
      const gap = operations.slice(at, at + size).reduce((sum, operation) => sum + operation.gap, 0)
      const rest = operations
        .slice(at + size)
        .map((operation, i) => (i === 0 ? { ...operation, gap: operation.gap + gap } : operation))
      const smaller = { ...best.plan, operations: [...operations.slice(0, at), ...rest] }
      const next = await failureOf(smaller)
      if (next !== undefined && kindOf(next) === kind) best = { plan: smaller, failure: next }
      else at += size
    }
  }
  return best
}
