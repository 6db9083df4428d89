/** One plan from beginning to end: play, let the faults stop, and hold what is left against every promise. */
import type { FaultCounts } from './faults.ts'
import type { Plan } from './plan.ts'
import { Settling } from './settling.ts'
import { World } from './world.ts'

export interface Outcome {
  /** Hash of what every device holds in the end. */
  readonly hash: string
  readonly faults: FaultCounts
  readonly operations: number
  readonly mostExchanges: number
  /** Bytes that travelled after the faults had stopped, and those that had to. */
  readonly bytes: number
  readonly idealBytes: number
}

export class BrokenPromise extends Error {
  readonly log: readonly string[]
  constructor(message: string, log: readonly string[]) {
    super(message)
    this.name = 'BrokenPromise'
    this.log = log
  }
}

/** @throws BrokenPromise with the operation log */
export async function runPlan({ seed, options, operations }: Plan): Promise<Outcome> {
  const world = new World(seed, options)
  try {
    await world.play(operations)
    const settled = await new Settling(world).run()
    return { ...settled, faults: world.faults, operations: operations.length }
  } catch (error) {
    throw new BrokenPromise(error instanceof Error ? reasonOf(error) : String(error), world.log)
  } finally {
    for (const device of world.devices) device.close()
    await world.damage.close()
    await world.server.storage.close()
  }
}

/** A promise that is broken says it in its message; of anything else the place matters, too. */
function reasonOf(error: Error): string {
  return error.name === 'Broken' ? error.message : (error.stack ?? error.message)
}
