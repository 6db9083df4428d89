/** The apps' vault in memory, with a clock that a test moves and randomness from a seed. */
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { openVault } from '@lockstep/engine/vault'
import { type LockstepVault, schema } from '@lockstep/model/schema'
import { Random } from './random.ts'

export interface MemoryVault {
  readonly vault: LockstepVault
  /** The wall clock, Unix milliseconds; every look at it moves it by one. */
  readonly clock: { now: number }
}

export function memoryVault(seed = 1): MemoryVault {
  const clock = { now: Date.UTC(2026, 0, 1) }
  const random = new Random(seed)
  const runtime = { now: () => clock.now++, random: (length: number) => random.bytes(length) }
  const vault = openVault({ schema, driver: openSqlite(), runtime, schedule: (run) => queueMicrotask(run) })
  return { vault, clock }
}
