import { EngineError } from '@lockstep/engine/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forEachSeed, type Random } from '../../support/random.ts'
import type { Attack } from '../attack.ts'
import { wholeBody } from '../exchange.ts'
import { mutatedReply } from '../mutation.ts'
import { notesOf, VICTIM, type Victim, Worlds } from './world.ts'

const FILE = 'tests/hostile-server/lockstep/mutations.test.ts'
/** Devices of a run; each is told some twenty answers that are not what the server said. */
const DEVICES = 40
const STEPS = 16

let worlds: Worlds
beforeAll(async () => {
  worlds = await Worlds.make('passphrase')
})
afterAll(() => worlds.close())

interface Tally {
  answers: number
  errors: number
  named: number
  readonly kinds: Map<string, number>
}

/** Changes nine of ten answers at random. */
function mutating(random: Random, tally: Tally, changed: string[]): Attack {
  let last: Uint8Array = new Uint8Array(64)
  return {
    name: 'mutated answers',
    act: 'push',
    rules: ['HTTP-1'],
    source: 'Miller, Fredriksen, So, "An Empirical Study of the Reliability of UNIX Utilities", CACM 1990',
    client: 'fails only in ways that have a name, and shows nothing that nobody wrote',
    install: (control) =>
      control.intercept(async ({ method, path }, next) => {
        const honest = await next()
        if (random.chance(0.1)) return honest
        const { reply, mutations } = await mutatedReply(honest, random, last)
        last = await wholeBody(honest)
        tally.answers++
        for (const mutation of mutations) tally.kinds.set(mutation, (tally.kinds.get(mutation) ?? 0) + 1)
        changed.push(`${method} ${path}: ${mutations.join(', ')}`)
        return reply
      }),
  }
}

async function oneDevice(world: Victim, random: Random, tally: Tally): Promise<void> {
  const { hostile, ben, ledger, anchor } = world
  const changed: string[] = []
  const own: string[] = []
  await hostile.attack(mutating(random, tally, changed), VICTIM, { anchor })
  for (let step = 0; step < STEPS; step++) {
    if (random.chance(0.4)) {
      const id = `ben-own-${step}`
      ledger.note(ben.device.vault, id, `own ${step}`, `text ${step}`)
      own.push(id)
    }
    changed.length = 0
    try {
      await (random.chance(0.1) ? ben.device.listDevices() : ben.device.sync())
    } catch (error) {
      tally.errors++
      const told = changed.join('; ')
      if (!(error instanceof EngineError)) throw new Error(`an error without a code after ${told}`, { cause: error })
      if (typeof error.code !== 'string' || error.code === 'unexpected')
        throw new Error(`an unexpected error after ${told}`, { cause: error })
      if (error.code === 'needs-password') return checkDevice(world, own, changed)
    }
    checkDevice(world, own, changed)
  }
  if (ben.device.vault.problems().length > 0) tally.named++
}

function checkDevice({ ben, ledger }: Victim, own: readonly string[], changed: readonly string[]): void {
  const shown = new Set(notesOf(ben.device.vault).map(({ id }) => id))
  const gone = [...own, 'ann-0', 'ann-1', 'ann-3', 'ben-0', 'cat-0'].filter((id) => !shown.has(id))
  expect({ foreign: ledger.foreign(ben.device.vault), gone }, changed.join('; ')).toEqual({ foreign: [], gone: [] })
}

test('[HTTP-1] [SEG-1] [ENV-2] G9: answers changed at random end in errors that have a name, and never in a row that nobody wrote', async () => {
  const tally: Tally = { answers: 0, errors: 0, named: 0, kinds: new Map() }
  await forEachSeed('mutated answers', DEVICES, FILE, async (random) => {
    const world = await worlds.copyVictim()
    try {
      await oneDevice(world, random, tally)
    } finally {
      await world.close()
    }
  })
  console.log(
    `G9: ${tally.answers} mutated answers, ${tally.errors} syncs refused, ${tally.named} devices with a problem, 0 wrong rows`,
  )
  // An idle fuzzer proves nothing.
  expect(tally.answers).toBeGreaterThan(DEVICES / 2)
  expect(tally.errors).toBeGreaterThan(0)
})
