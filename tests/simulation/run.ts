/** One seed from beginning to end: play, let the faults stop, and hold what is left against every promise. */

import type { Cells, RowDelta } from '@lockstep/engine/cell'
import { toDelta } from '@lockstep/engine/content'
import { decodeContent } from '@lockstep/engine/content-decoder'
import { joinRow } from '@lockstep/engine/merge'
import { ServerProblem } from '@lockstep/engine/remote'
import type { Process, SimulatedDevice } from './device.ts'
import type { FaultCounts } from './faults.ts'
import type { Plan, WorldOptions } from './plan.ts'
import { describeCells, difference, hashOf, snapshot } from './snapshot.ts'
import { World } from './world.ts'

/** Exchanges with the server that a device may need once nothing fails any more [G2]. */
const MAX_EXCHANGES = 5
/** And where servers or disks went back in time: what is missing has to be found out and brought back. */
const MAX_EXCHANGES_OF_REPAIR = 8
/** Bytes of bodies, as a multiple of what has to travel at least, and what each exchange costs besides. */
const MAX_BYTES_FACTOR = 3
const EXCHANGE_BYTES = 160
/** Rounds in which every device syncs once: the second brings what the first had not sent yet, the third what a purge made devices write again. */
const ROUNDS = 3
/** An owner who is not sure of the password may have to wait for the next guesses. */
const MAX_SIGN_INS = 20
const HOUR = 3_600_000

/** Problems that an honest server and honest devices must never cause. */
const ACCUSATIONS = new Set(['withheld', 'forked', 'unreadable', 'server-diverged'])

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
    return await settle(world, options, operations.length)
  } catch (error) {
    if (error instanceof BrokenPromise) throw error
    throw new BrokenPromise(error instanceof Error ? (error.stack ?? error.message) : String(error), world.log)
  } finally {
    for (const device of world.devices) device.close()
    await world.damage.close()
    await world.server.storage.close()
  }
}

async function settle(world: World, options: WorldOptions, operations: number): Promise<Outcome> {
  const broken = (message: string): never => {
    throw new BrokenPromise(message, world.log)
  }
  world.network.faulty = false
  await world.damage.joinServers(world.random)
  world.server.killAt = undefined
  const processes = new Map<SimulatedDevice, Process>()
  for (const device of world.devices) {
    device.killAll()
    device.older = false
    device.cutUntil = 0
    processes.set(device, device.open() as Process)
  }
  const finish = async <T>(work: Promise<T>): Promise<T> => {
    let result: { value: T } | { error: unknown } | undefined
    work.then(
      (value) => {
        result = { value }
      },
      (error: unknown) => {
        result = { error }
      },
    )
    await world.scheduler.run()
    if (result === undefined) return broken('something waits for ever')
    if ('error' in result) throw result.error
    return result.value
  }
  for (const device of processes.keys()) device.token = undefined
  for (const [device, process] of processes) {
    device.token = device.cloneOf?.token
    for (let attempts = 0; device.token === undefined; attempts++) {
      // Guess limits and repeated requests of the past are over by then.
      world.scheduler.after(2 * HOUR, () => {})
      await world.scheduler.run()
      await finish(device.signIn(process)).catch((error: unknown) => {
        if (!(error instanceof ServerProblem) || error.problem !== 'too-many-attempts' || attempts === MAX_SIGN_INS) throw error
      })
    }
  }
  const before = await ideal(world, processes)
  for (const device of world.devices) {
    Object.assign(device.traffic, { exchanges: 0, bytes: 0 })
    device.uploaded = 0
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [device, process] of processes) await finish(device.sync(process))
  }
  const fresh = world.newDevice('fresh')
  const freshProcess = fresh.open() as Process
  try {
    const [first, ...others] = [...processes].map(([{ name }, { vault }]) => ({ name, vault, lines: snapshot(vault) }))
    if (first === undefined) return broken('there is no device')
    for (const other of others) {
      if (hashOf(other.lines) !== hashOf(first.lines)) {
        broken(`${first.name} and ${other.name} hold different things:\n${difference(first.lines, other.lines)}`)
      }
    }
    for (const { name, vault } of [first, ...others]) {
      if (vault.pending() > 0) broken(`${name} still has something to send`)
      const accused = options.serverDamage ? undefined : vault.problems().find(({ code }) => ACCUSATIONS.has(code))
      if (accused !== undefined) broken(`${name} says of honest company: ${accused.detail}`)
    }
    const lost = world.ledger.broken(first.vault)
    if (lost.length > 0) broken(`lost or back from the dead:\n${lost.slice(0, 8).join('\n')}`)
    const damaged = options.serverDamage || options.diskDamage
    const result = measure(world, before, damaged ? MAX_EXCHANGES_OF_REPAIR : MAX_EXCHANGES, broken)
    await finish(fresh.signIn(freshProcess))
    // Signing in publishes the device: only what it downloads is compared.
    await finish(fresh.sync(freshProcess))
    const own = (lines: readonly string[]) => lines.filter((line) => !line.includes('["name","fresh"]'))
    const freshLines = own(snapshot(freshProcess.vault))
    if (hashOf(freshLines) !== hashOf(first.lines))
      broken(`a fresh device holds other things:\n${difference(first.lines, freshLines)}`)
    await checkRebuild(world, first.vault, broken)
    return { ...result, hash: hashOf(first.lines), faults: world.faults, operations }
  } finally {
    fresh.close()
  }
}

/** For each device the bytes of segments that it lacks and of those that the server lacks of it. */
async function ideal(world: World, processes: ReadonlyMap<SimulatedDevice, Process>): Promise<Map<SimulatedDevice, number>> {
  const head = await world.server.head()
  const out = new Map<SimulatedDevice, number>()
  for (const [device, { vault }] of processes) {
    const cursor = vault.store.meta.get('cursor') ?? 0
    const missing = (await world.server.live(cursor, head))?.segments ?? []
    out.set(
      device,
      missing.reduce((sum, { sealed }) => sum + sealed.length + 81, 0),
    )
  }
  return out
}

function measure(
  world: World,
  before: ReadonlyMap<SimulatedDevice, number>,
  maxExchanges: number,
  broken: (message: string) => never,
): { mostExchanges: number; bytes: number; idealBytes: number } {
  let mostExchanges = 0
  let bytes = 0
  let idealBytes = 0
  const written = [...world.devices].reduce((sum, { uploaded }) => sum + uploaded, 0)
  for (const device of world.devices) {
    const { exchanges, bytes: actual } = device.traffic
    // What it lacked before, what the others wrote meanwhile, and what it wrote itself.
    const least = (before.get(device) ?? 0) + written
    if (exchanges > maxExchanges) broken(`${device.name} needed ${exchanges} exchanges to be in step`)
    if (actual > MAX_BYTES_FACTOR * least + exchanges * EXCHANGE_BYTES) {
      broken(`${device.name} moved ${actual} bytes to be in step where ${least} had to travel`)
    }
    mostExchanges = Math.max(mostExchanges, exchanges)
    bytes += actual
    idealBytes += least
  }
  return { mostExchanges, bytes, idealBytes }
}

/** Merging all segments in any order gives what the devices hold. */
async function checkRebuild(world: World, vault: Process['vault'], broken: (message: string) => never): Promise<void> {
  const rows = new Map<string, Cells>()
  const { segments } = (await world.server.live(0, vault.store.meta.get('cursor') ?? 0)) ?? { segments: [] }
  const deltas: RowDelta[] = []
  for (const segment of segments) {
    deltas.push(...decodeContent(await world.sealer.open(segment, segment.sealed)).rows.map(toDelta))
  }
  for (const { table, id, cells } of world.random.shuffle(deltas)) {
    const key = `${table} ${id}`
    rows.set(key, joinRow(rows.get(key) ?? new Map(), cells))
  }
  for (const [key, cells] of rows) {
    const [table, id] = key.split(' ') as [string, string]
    const stored = JSON.stringify(describeCells(vault.store.rows.load(table, id)?.cells ?? new Map()))
    const rebuilt = JSON.stringify(describeCells(cells))
    if (stored !== rebuilt) broken(`rebuilding ${key} from its segments in another order gives\n  ${rebuilt}\nnot\n  ${stored}`)
  }
}
