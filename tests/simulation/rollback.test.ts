/**
 * Servers that are put back to an earlier state, emptied, or split in two, and machines that are copied: each is told to the
 * person by name, everything that somebody was told is stored is there in the end, and little more travels than was lost.
 *
 * The full campaign, 500 rollback points and 200 forks: LOCKSTEP_RUNS=5 npx vitest run tests/simulation/rollback.test.ts
 */
import { expect, test } from 'vitest'
import { forEachSeed, runs, seeds } from '../support/random.ts'
import type { SimulatedDevice } from './device.ts'
import type { ServerImage, SimulatedServer } from './server.ts'
import { type Cost, Stage } from './stage.ts'

const FILE = 'tests/simulation/rollback.test.ts'
const ROLLBACKS = 100
const FORKS = 40
const WIPES = 12
const CLONES = 40
/** Rollback points of one history. */
const STEPS = 25
const DEVICES = 3
/** What is sent beside segments that the server had lost: their headers, 65 bytes each, and what one device may write meanwhile. */
const HEADER_BYTES = 65
const SLACK_BYTES = 1024
/** Round trips of a device after a rollback, to be in step again: most where the whole state goes up in place of old runs. */
const MAX_EXCHANGES = 8

const sum = (costs: readonly Cost[], of: (cost: Cost) => number): number => costs.reduce((all, cost) => all + of(cost), 0)
const TOLD = ['server-rolled-back', 'server-emptied', 'server-forked']

/** A second round has nothing to do and takes back what the first one told. */
async function expectHealed(stage: Stage, devices: readonly SimulatedDevice[]): Promise<string> {
  await stage.round(devices)
  await stage.round(devices)
  for (const device of devices) expect(stage.told(device).filter((code) => code !== 'own-clock')).toEqual([])
  return stage.check()
}

test('[G8] [LOG-4] [LOG-9] a server that is put back to any earlier moment is named and gets back what it had, and no more', async () => {
  let points = 0
  let mostExchanges = 0
  const wanted = runs(ROLLBACKS)
  for (const seed of seeds('G8 rollback', Math.ceil(ROLLBACKS / STEPS))) {
    const stage = await Stage.open(seed, DEVICES)
    const backups: ServerImage[] = [stage.world.server.image()]
    await stage.live(stage.devices, STEPS, () => backups.push(stage.world.server.image()))
    await stage.settle()
    const hash = stage.check()
    // A merged log may be smaller than the segments that it was made of, which a device that has them gives back as they were.
    const whole = Math.max(await stage.logBytes(), stage.pushedBytes)
    const now = stage.image()
    for (const [k, backup] of backups.entries()) {
      if (points === wanted) break
      points++
      await stage.rewind(now)
      const { server, random } = stage.world
      const head = await server.head()
      await server.putBack(backup)
      const lost = head - (await server.head())
      const order = random.shuffle(stage.devices)
      const [first] = order as [SimulatedDevice]
      const where = `seed ${seed}, put back to moment ${k} of ${backups.length}, ${lost} of ${head} segments lost`
      const costs = await stage.round([first])
      if (lost > 0)
        expect(
          stage.told(first).filter((code) => TOLD.includes(code)),
          where,
        ).toHaveLength(1)
      costs.push(...(await stage.round(order.slice(1))))
      mostExchanges = Math.max(mostExchanges, ...costs.map(({ exchanges }) => exchanges))
      expect(mostExchanges, where).toBeLessThanOrEqual(MAX_EXCHANGES)
      // Once, by whoever came first: as it was, or all there is where that is no longer at hand.
      expect(
        sum(costs, ({ repaired }) => repaired),
        where,
      ).toBeLessThanOrEqual(whole + lost * HEADER_BYTES + SLACK_BYTES)
      expect(await expectHealed(stage, order), where).toBe(hash)
    }
    await stage.close()
  }
  console.log(`G8: ${points} rollback points, at most ${mostExchanges} exchanges of a device to heal one`)
})

test('[G8] [LOG-9] segments that were not merged go back as they were: no other bytes, in two round trips', async () => {
  await forEachSeed('G8 cut off', ROLLBACKS / 4, FILE, async (random, seed) => {
    const stage = await Stage.open(seed, DEVICES)
    const backups: ServerImage[] = []
    for (let i = 0; i < 10; i++) {
      for (const device of random.shuffle(stage.devices)) {
        stage.write(device, 'addNote')
        await stage.round([device])
      }
      backups.push(stage.world.server.image())
    }
    await stage.settle()
    const hash = stage.check()
    const { server } = stage.world
    const head = await server.head()
    const chain = (await server.live(head, head))?.position.chain
    await server.putBack(random.pick(backups))
    const kept = await server.head()
    const [cost] = (await stage.round([stage.devices[0] as SimulatedDevice])) as [Cost]
    const sealed = await stage.logBytes(kept)
    expect(cost.repaired).toBe(head === kept ? 0 : sealed + (head - kept) * HEADER_BYTES)
    expect(cost.exchanges).toBeLessThanOrEqual(head === kept ? 1 : 3)
    // The log is what it was, chain and all, so that nobody else notices.
    expect(await server.head()).toBe(head)
    expect((await server.live(head, head))?.position.chain).toEqual(chain)
    for (const device of stage.devices.slice(1)) {
      await stage.round([device])
      expect(stage.told(device)).toEqual([])
    }
    expect(await expectHealed(stage, stage.devices)).toBe(hash)
    await stage.close()
  })
})

test('[G8] [LOG-4] [LOG-9] of two servers that grew apart one stays, and what only the other one was told is not lost', async () => {
  let told = 0
  const count = await forEachSeed('G8 forks', FORKS, FILE, async (random, seed) => {
    const stage = await Stage.open(seed, random.between(2, 4))
    const { server } = stage.world
    await stage.live(stage.devices, random.between(0, 10))
    const twin = server.copy()
    const half = random.between(1, stage.devices.length - 1)
    const [left, right] = [stage.devices.slice(0, half), stage.devices.slice(half)]
    for (const device of right) device.server = twin
    await stage.live(left, random.between(1, 6))
    await stage.live(right, random.between(1, 6))
    const twinWins = random.chance(0.5)
    if (twinWins) await server.putBack(twin.image())
    for (const device of right) device.server = server
    await twin.storage.close()
    const losers = twinWins ? left : right
    for (const device of random.shuffle(stage.devices)) {
      await stage.round([device])
      const named = stage.told(device).some((code) => TOLD.includes(code))
      if (losers.includes(device) && named) told++
    }
    await expectHealed(stage, stage.devices)
    await stage.close()
  })
  expect(told).toBeGreaterThanOrEqual(count)
  console.log(`G8: ${count} forks, ${told} devices were told`)
})

test('[G8] [LOG-9] [KEY-6] an emptied server gets the vault once, whoever of three devices comes first, also all at once', async () => {
  const count = await forEachSeed('G8 wipes', WIPES, FILE, async (random, seed) => {
    const stage = await Stage.open(seed, DEVICES)
    const { server, owner } = stage.world
    await stage.live(stage.devices, random.between(3, 20))
    await stage.settle()
    const hash = stage.check()
    const whole = await stage.logBytes()
    const head = await server.head()
    await server.putBack(undefined)
    owner.makesVaultAgain = true
    for (const device of stage.devices) {
      device.account.token = undefined
      await stage.finish(device.account.signIn(stage.processOf(device)))
    }
    const atOnce = random.chance(0.5)
    const order = random.shuffle(stage.devices)
    const costs = await stage.round(order, atOnce)
    expect(order.flatMap((device) => stage.told(device))).toContain('server-emptied')
    // A merged log is smaller than what goes up; it cannot be more than each segment as it was, or the state once.
    const given = sum(costs, ({ repaired }) => repaired)
    expect(given, `${atOnce ? 'at once' : 'one after the other'}`).toBeLessThanOrEqual(
      1.25 * whole + head * HEADER_BYTES + SLACK_BYTES,
    )
    expect(await expectHealed(stage, stage.devices)).toBe(hash)
    await stage.close()
  })
  console.log(`G8: ${count} wipes`)
})

test('[G8] [LOG-1] [LOG-3] two machines from one disk both go on: each becomes a replica of its own and nothing is lost', async () => {
  await forEachSeed('G8 clones', CLONES, FILE, async (random, seed) => {
    const stage = await Stage.open(seed, 2)
    const [original] = stage.devices as [SimulatedDevice]
    await stage.live(stage.devices, random.between(0, 6))
    // Also with something that had not been sent when the copy was made.
    if (random.chance(0.5)) stage.write(original)
    const clone = original.clone('clone')
    stage.devices.push(clone)
    for (let i = random.between(2, 8); i > 0; i--) {
      const device = random.pick([original, clone])
      stage.write(device)
      if (random.chance(0.5)) await stage.round([device])
    }
    for (const device of [original, clone]) stage.write(device, 'addNote')
    await stage.settle()
    const replicas = new Set([original, clone].map((device) => stage.processOf(device).vault.store.replica))
    expect(replicas.size).toBe(2)
    await expectHealed(stage, stage.devices)
    await stage.close()
  })
})

test('[G8] [LOG-3] a disk that is put back to any earlier moment gets all again that it had sent', async () => {
  await forEachSeed('G8 disks', CLONES, FILE, async (random, seed) => {
    const stage = await Stage.open(seed, DEVICES)
    const { world, devices } = stage
    const [device] = devices as [SimulatedDevice]
    const backups = [device.image()]
    await stage.live(devices, random.between(3, 12), () => backups.push(device.image()))
    const before = stage.world.server as SimulatedServer
    device.restore(random.pick(backups))
    // All that it had written was sent: nothing may be missing.
    expect(world.ledger.forgive([before, ...devices])).toBe(0)
    for (let i = random.below(3); i > 0; i--) stage.write(device)
    await stage.settle()
    await expectHealed(stage, devices)
    await stage.close()
  })
})
