/**
 * Random devices of the Dataans app with random work, clocks that are days apart or the very same nanosecond, syncs in random
 * order and two at a time, requests and answers that are lost, a server that is started anew: in the end all hold the same, and
 * what they hold is what the operations mean, read in order from the first to the last.
 */
import { expect, test } from 'vitest'
import { forEachSeed, type Random } from '../support/random.ts'
import type { Device } from './dataans-client/device.ts'
import type { Operation } from './dataans-client/operation.ts'
import { nanosOf } from './dataans-client/time.ts'
import { DataansStage } from './dataans-stage.ts'
import { meaningOf, uuid, work } from './dataans-work.ts'
import { LostError } from './wire.ts'

const STEPS = 60
const START = nanosOf('2026-03-01T08:00:00Z')
const SECOND = 1_000_000_000n
const totals = { operations: 0, concurrent: 0, lost: 0, restarts: 0, ties: 0, middle: 0 }

/** The same, as the device shows it. */
function shownBy({ view }: Device): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>([
    ...view.notes.map((note) => [`note ${note.id}`, note] as const),
    ...view.spaces.map((space) => [`space ${space.id}`, space] as const),
    ...view.files.map((file) => [`file ${file.id}`, file] as const),
    ...Object.entries(view.attached).map(([note, files]) => [`attached ${note}`, files] as const),
  ])
}

const ordered = (map: ReadonlyMap<string, unknown>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))

class Run {
  readonly stage: DataansStage
  readonly #random: Random
  /** Virtual time that all clocks are based on. */
  #time = START
  readonly devices: Device[] = []

  private constructor(stage: DataansStage, random: Random) {
    this.stage = stage
    this.#random = random
  }

  static async start(random: Random): Promise<Run> {
    const run = new Run(await DataansStage.set(), random)
    const count = random.between(2, 4)
    for (let i = 0; i < count; i++) run.devices.push(await run.#newDevice(random.fork()))
    run.stage.wire.loseSome(random.fork(), 0.12)
    return run
  }

  /** Its clock is right, or days off; some read it only by the second, so that they often write at the same nanosecond. */
  #newDevice(random: Random): Promise<Device> {
    const skew = random.chance(0.5) ? 0n : BigInt(random.between(-3 * 86_400, 3 * 86_400)) * SECOND
    const coarse = random.chance(0.5)
    const now = () => {
      const exact = this.#time + skew + (coarse ? 0n : BigInt(random.below(1e9)))
      return coarse ? exact - (exact % SECOND) : exact
    }
    return this.stage.signedIn({ now, newId: () => uuid(random) })
  }

  async #sync(device: Device): Promise<void> {
    try {
      const before = device.operations.at(-1)
      const { applied } = await device.sync()
      if (applied > 0 && device.operations.at(-1) === before) totals.middle += 1
    } catch (error) {
      if (!(error instanceof LostError)) throw error
      totals.lost += 1
    }
  }

  async step(): Promise<void> {
    const random = this.#random
    const device = random.pick(this.devices)
    if (random.chance(0.7)) this.#time += BigInt(random.below(90)) * SECOND
    const roll = random.float()
    if (roll < 0.6) {
      for (let i = random.between(1, 6); i > 0; i--) work(device, random)
    } else if (roll < 0.85) {
      await this.#sync(device)
    } else if (roll < 0.98) {
      totals.concurrent += 1
      await Promise.all(this.devices.map((each) => this.#sync(each)))
    } else {
      totals.restarts += 1
      await this.stage.restart()
    }
  }

  /** Everybody sends what is left, everybody takes it. */
  async settle(): Promise<void> {
    this.stage.wire.loseNone()
    for (const device of [...this.devices, ...this.devices]) await device.sync()
  }
}

function check(run: Run, recorded: readonly Operation[]): void {
  const [first, ...others] = run.devices
  if (first === undefined) throw new Error('a run without devices')
  // Nothing that any device did is lost.
  expect(first.operations.map(({ id }) => id).sort()).toEqual(recorded.map(({ id }) => id).sort())
  for (const other of others) expect(other.operations).toEqual(first.operations)
  const meaning = ordered(meaningOf(recorded))
  for (const device of run.devices) {
    expect(ordered(shownBy(device))).toEqual(meaning)
    for (const { id } of device.view.files) expect(device.fileContent(id), `file ${id}`).toBeDefined()
  }
}

test('random devices end up the same, with all that any of them did', async () => {
  const file = 'tests/dialects/dataans-convergence.test.ts'
  await forEachSeed('Dataans devices', 5, file, async (random) => {
    const run = await Run.start(random)
    for (let i = 0; i < STEPS; i++) await run.step()
    // Before the last syncs: what each knows of its own and of others is all there ever was.
    const recorded = [
      ...new Map(run.devices.flatMap(({ operations }) => operations.map((each) => [each.id, each] as const))).values(),
    ]
    await run.settle()
    check(run, recorded)
    const server = run.stage.server()
    const stored = await server.operations(0)
    expect(stored.map(({ id }) => id)).toEqual(run.devices[0]?.operations.map(({ id }) => id))
    const times = recorded.map(({ created_at }) => nanosOf(created_at))
    totals.operations += recorded.length
    totals.ties += times.length - new Set(times).size
    for (const device of run.devices) expect(await device.sync()).toEqual({ fetched: 0, applied: 0, pushed: 0 })
  })
  // A run in which nothing happened proves nothing.
  for (const [what, count] of Object.entries(totals)) if (what !== 'restarts') expect(count, what).toBeGreaterThan(0)
})
