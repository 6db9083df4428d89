/** Wall clocks from twenty years behind to fifty years ahead, jumping: nobody is refused, nothing is lost, people are told. */
import { expect, test } from 'vitest'
import { forEachSeed, Random } from '../support/random.ts'
import type { Process } from './device.ts'
import { planOf } from './plan.ts'
import { runPlan } from './run.ts'
import { CALM } from './stage.ts'
import { World } from './world.ts'

const FILE = 'tests/simulation/clocks.test.ts'
const SEEDS = 20
const WRITES = 200
const MINUTE = 60_000
const YEAR = 365.25 * 24 * 60 * MINUTE

test('[G7] [CELL-9] with wild clocks that jump, devices end up in step and nothing is lost', async () => {
  let jumps = 0
  const runs = await forEachSeed('G7', SEEDS, FILE, async (_, seed) => {
    const { faults } = await runPlan(planOf(seed, { wildClocks: true, operations: 150 }))
    jumps += faults.counts.get('clockJump') ?? 0
  })
  console.log(`G7: ${runs} seeds, ${jumps} jumps`)
})

function alone(seed: number, clockOffset: number): { world: World; process: Process; setClock: (offset: number) => void } {
  const world = new World(seed, CALM)
  const device = world.newDevice('alone', { clockOffset })
  const process = device.open() as Process
  return {
    world,
    process,
    setClock: (offset) => {
      device.clockOffset = offset
    },
  }
}

test('[G7] [CELL-1] [CELL-9] no local write is refused, and each is later than the one before, whatever the clock says', async () => {
  await forEachSeed('G7 local writes', SEEDS * 5, FILE, (random, seed) => {
    const { process, setClock } = alone(seed, 0)
    const { store } = process.vault
    let before = ''
    for (let i = 0; i < WRITES; i++) {
      setClock((random.float() * 70 - 20) * YEAR)
      process.vault.transact((tx) => tx.put('spaces', 'one', { name: `name ${i}` }))
      const after = String(store.rows.load('spaces', 'one')?.shown['_edited'])
      expect(after > before).toBe(true)
      before = after
    }
    expect(process.vault.query('SELECT name FROM spaces')).toEqual([{ name: `name ${WRITES - 1}` }])
  })
})

/** Signs two devices in, of which the second one's clock is off, lets it write, and gives back what both were told. */
async function toldBy(offset: number): Promise<{ author: string[]; reader: string[]; arrived: boolean }> {
  const world = new World(1, CALM)
  world.network.faulty = false
  const [right, wrong] = [world.newDevice('right'), world.newDevice('wrong', { clockOffset: offset })]
  const [reader, author] = [right.open() as Process, wrong.open() as Process]
  const finish = async (work: Promise<unknown>) => {
    await Promise.all([work, world.scheduler.run()])
  }
  await finish(right.account.signUp(reader))
  await finish(wrong.account.signIn(author))
  author.vault.transact((tx) => tx.put('spaces', 'one', { name: 'from another time' }))
  await finish(wrong.sync(author))
  await finish(right.sync(reader))
  const codes = ({ vault }: Process) => vault.problems().map(({ code, detail }) => `${code}: ${detail}`)
  const result = {
    author: codes(author),
    reader: codes(reader),
    arrived: reader.vault.query("SELECT 1 FROM spaces WHERE id = 'one'").length === 1,
  }
  for (const device of [right, wrong, ...world.devices]) device.close()
  await world.server.storage.close()
  return result
}

test('[G7] [CELL-9] a clock that is ahead is named to its owner and to those who read what it stamped', async () => {
  for (const offset of [20 * MINUTE, 3 * 24 * 60 * MINUTE, 50 * YEAR]) {
    const { author, reader, arrived } = await toldBy(offset)
    expect(arrived).toBe(true)
    expect(author.filter((text) => text.startsWith('own-clock:'))).toHaveLength(1)
    expect(reader.filter((text) => text.startsWith('clock:') && text.includes('wrong'))).toHaveLength(1)
  }
})

test('[G7] [CELL-9] a clock that is behind is named to its owner, and what it writes arrives', async () => {
  for (const offset of [-20 * MINUTE, -20 * YEAR]) {
    const { author, arrived } = await toldBy(offset)
    expect(arrived).toBe(true)
    expect(author.filter((text) => text.startsWith('own-clock:'))).toHaveLength(1)
  }
})

test('[G7] a clock that is right is not complained about', async () => {
  const { author, reader } = await toldBy(0)
  expect([...author, ...reader]).toEqual([])
})

test('[G7] [CELL-1] devices whose clocks are a millisecond apart agree on every write made at the same moment', async () => {
  await forEachSeed('G7 a millisecond apart', SEEDS, FILE, async (_, seed) => {
    const world = new World(seed, CALM)
    world.network.faulty = false
    const devices = [world.newDevice('a'), world.newDevice('b', { clockOffset: 1 })] as const
    const [a, b] = [devices[0].open() as Process, devices[1].open() as Process]
    const finish = async (work: Promise<unknown>) => {
      await Promise.all([work, world.scheduler.run()])
    }
    await finish(devices[0].account.signUp(a))
    await finish(devices[1].account.signIn(b))
    const random = new Random(seed)
    for (let i = 0; i < 10; i++) {
      for (const { vault } of random.shuffle([a, b])) vault.transact((tx) => tx.put('spaces', 'one', { name: `${random.u32()}` }))
      for (const k of random.shuffle([0, 1, 0, 1] as const)) await finish(devices[k].sync(k === 0 ? a : b))
      for (const k of [0, 1, 0] as const) await finish(devices[k].sync(k === 0 ? a : b))
      const names = [a, b].map(({ vault }) => vault.query('SELECT name, _edited FROM spaces'))
      expect(names[0]).toEqual(names[1])
    }
    for (const device of [...devices, ...world.devices]) device.close()
    await world.server.storage.close()
  })
})
