/**
 * A small world without faults of its own, for one thing that goes wrong at a time: some devices in step, a random history
 * whose every moment can be gone back to, and what is asked of them afterwards.
 */
import { EngineError } from '@lockstep/engine/errors'
import { pickAny } from './any-run.ts'
import type { DeviceImage, Process, SimulatedDevice } from './device.ts'
import { writes } from './operations.ts'
import type { WorldOptions } from './plan.ts'
import type { ServerImage } from './server.ts'
import { difference, hashOf, snapshot } from './snapshot.ts'
import { World } from './world.ts'

export const CALM: WorldOptions = {
  devices: 0,
  joins: [],
  realCrypto: false,
  wildClocks: false,
  serverDamage: false,
  diskDamage: false,
  revocations: false,
}

/** What a purge makes others write again would be counted as given back. */
const KINDS = Object.entries(writes).filter(([kind]) => !kind.startsWith('purge'))
const BAG = KINDS.flatMap(([kind, { weight }]) => Array.from({ length: weight }, () => kind))
/** Another device may be giving the server back what it lost; then it is tried again. */
const MAX_TRIES = 6
const RETRY_MILLIS = 10_000

export interface StageImage {
  readonly server: ServerImage
  readonly devices: readonly DeviceImage[]
}

/** What the syncs of one device came to. */
export interface Cost {
  exchanges: number
  /** Bytes of bodies both ways. */
  bytes: number
  /** Bytes of segments that the server had lost. */
  repaired: number
  syncs: number
}

export class Stage {
  readonly world: World
  readonly devices: SimulatedDevice[]
  readonly #processes = new Map<SimulatedDevice, Process>()
  #counted = 0
  #pushed = 0

  private constructor(world: World, devices: SimulatedDevice[]) {
    this.world = world
    this.devices = devices
  }

  static async open(seed: number, count: number): Promise<Stage> {
    const world = new World(seed, CALM)
    world.network.faulty = false
    const devices = Array.from({ length: count }, (_, i) => world.newDevice(`device ${i}`, { clockOffset: i }))
    world.devices.push(...devices)
    const stage = new Stage(world, devices)
    for (const [i, device] of devices.entries()) {
      const process = stage.processOf(device)
      await stage.finish(i === 0 ? device.account.signUp(process) : device.account.signIn(process))
    }
    await stage.settle()
    return stage
  }

  processOf(device: SimulatedDevice): Process {
    const found = this.#processes.get(device)
    if (found?.alive === true) return found
    const process = device.open() as Process
    this.#processes.set(device, process)
    return process
  }

  /** Runs the world until all of `work` is done. */
  async finish<T>(...work: readonly Promise<T>[]): Promise<T[]> {
    const results = Promise.allSettled(work)
    await this.world.scheduler.run()
    return (await results).map((result) => {
      if (result.status === 'rejected') throw result.reason
      return result.value
    })
  }

  /** One write, at random; there may be nothing that it could change. */
  write(device: SimulatedDevice, kind = this.world.random.pick(BAG)): void {
    const { random, ledger } = this.world
    writes[kind]?.run({ device, process: this.processOf(device), random, ledger, older: false })
  }

  /** Writes, pushes and merges, at random, on the devices given. */
  async live(devices: readonly SimulatedDevice[], steps: number, each: () => void = () => {}): Promise<void> {
    const { random } = this.world
    for (let i = 0; i < steps; i++) {
      const device = random.pick(devices)
      for (let n = random.between(1, 3); n > 0; n--) this.write(device)
      await this.finish(device.sync(this.processOf(device)))
      await this.#countPushed()
      if (random.chance(0.1)) await this.finish(device.merge(this.processOf(device), pickAny(random)))
      each()
    }
  }

  /** Syncs, again where another device is at it. */
  async #sync(device: SimulatedDevice, cost: Cost): Promise<void> {
    for (let tries = 1; ; tries++) {
      const before = { ...device.traffic }
      try {
        const { repaired } = await device.signInAndSync(this.processOf(device))
        cost.repaired += repaired.bytes
        return
      } catch (error) {
        if (!(error instanceof EngineError) || !['conflict', 'needs-password'].includes(error.code) || tries === MAX_TRIES)
          throw error
        await new Promise<void>((resolve) => this.world.scheduler.after(RETRY_MILLIS, resolve))
      } finally {
        cost.syncs++
        cost.exchanges += device.traffic.exchanges - before.exchanges
        cost.bytes += device.traffic.bytes - before.bytes
      }
    }
  }

  /** One sync of each device, one after the other or all at once. */
  async round(devices: readonly SimulatedDevice[], atOnce = false): Promise<Cost[]> {
    const costs = devices.map((): Cost => ({ exchanges: 0, bytes: 0, repaired: 0, syncs: 0 }))
    const work = devices.map((device, i) => () => this.#sync(device, costs[i] as Cost))
    if (atOnce) await this.finish(...work.map((run) => run()))
    else for (const run of work) await this.finish(run())
    return costs
  }

  /** Everybody has everything. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.round(this.devices)
    await this.#countPushed()
  }

  /** Sealed bytes of all segments as they were pushed, before any merge, up to the last `live` or `settle`. */
  get pushedBytes(): number {
    return this.#pushed
  }

  async #countPushed(): Promise<void> {
    const head = await this.world.server.head()
    if (head > this.#counted) this.#pushed += await this.logBytes(this.#counted)
    this.#counted = head
  }

  /** Codes of what a device's person is told now. */
  told(device: SimulatedDevice): string[] {
    return this.processOf(device)
      .vault.problems()
      .map(({ code }) => code)
  }

  image(): StageImage {
    return { server: this.world.server.image(), devices: this.devices.map((device) => device.image()) }
  }

  async rewind({ server, devices }: StageImage): Promise<void> {
    await this.world.server.putBack(server)
    this.devices.forEach((device, i) => {
      device.rewind(devices[i] as DeviceImage)
      device.server = this.world.server
    })
  }

  /** Hash of what all devices hold. @throws Error where they differ, or a promise is broken */
  check(): string {
    const [first, ...others] = this.devices.map((device) => ({ device, lines: snapshot(this.processOf(device).vault) }))
    if (first === undefined) throw new Error('there is no device')
    for (const { device, lines } of others) {
      if (hashOf(lines) !== hashOf(first.lines))
        throw new Error(`${first.device.name} and ${device.name} hold different things:\n${difference(first.lines, lines)}`)
    }
    const lost = this.world.ledger.broken(this.processOf(first.device).vault)
    if (lost.length > 0) throw new Error(`lost or back from the dead:\n${lost.slice(0, 8).join('\n')}`)
    return hashOf(first.lines)
  }

  /** Sealed bytes of the log, and of what comes after `sequence` in it. */
  async logBytes(sequence = 0): Promise<number> {
    const { server } = this.world
    const { segments } = (await server.live(sequence, await server.head())) ?? { segments: [] }
    return segments.reduce((sum, { sealed }) => sum + sealed.length, 0)
  }

  async close(): Promise<void> {
    for (const device of this.devices) device.close()
    await this.world.server.storage.close()
  }
}
