/**
 * What comes after the faults: every device that still belongs to the vault syncs a few times, and then all must hold the
 * same, with nothing lost, at little cost; so must a fresh device, and whoever merges all segments in any order.
 */
import type { Cells, RowDelta } from '@lockstep/engine/cell'
import { toDelta } from '@lockstep/engine/content'
import { decodeContent } from '@lockstep/engine/content-decoder'
import { EngineError } from '@lockstep/engine/errors'
import { joinRow } from '@lockstep/engine/merge'
import { ServerProblem } from '@lockstep/engine/server-problem'
import { equalBytes } from '@lockstep/protocol/bytes'
import type { Process, SimulatedDevice } from './device.ts'
import { describeCells, difference, hashOf, snapshot } from './snapshot.ts'
import type { World } from './world.ts'

/** Exchanges with the server that a device may need once nothing fails any more [G2]. */
const MAX_EXCHANGES = 5
/** To take up the keys of epochs that others have opened, and seal again what waited. */
const MAX_EXCHANGES_OF_KEYS = 3
/** And where servers or disks went back in time: what is missing has to be found out and brought back. */
const MAX_EXCHANGES_OF_REPAIR = 16
/** Bytes of bodies, as a multiple of what has to travel at least, and what each exchange costs besides. */
const MAX_BYTES_FACTOR = 3
const EXCHANGE_BYTES = 160
/** Of a repair: chain values and what the server covers go to and fro. */
const REPAIR_BYTES = 4096
/** Rounds in which every device syncs once: the second brings what the first had not sent yet, the third what a purge made devices write again. */
const ROUNDS = 3
/** A disk finds out that it is a copy when it meets the other one, and tells the others in its next sync. */
const ROUNDS_OF_COPIES = 5
/** An owner who is not sure of the password may have to wait for the next guesses. */
const MAX_SIGN_INS = 20
const HOUR = 3_600_000
/** Longer than a server keeps a merge reserved for whoever is not heard of. */
const LEASE_MILLIS = 150_000

/** Problems that an honest server and honest devices must never cause. */
const ACCUSATIONS = new Set(['withheld', 'forked', 'unreadable', 'server-diverged', 'keys-forged'])
/** Of these a server that was put back to an earlier state is guilty. */
const OF_DAMAGE = new Set(['server-diverged'])
/** And of these one that forgot which of two segments of a copied disk came first. */
const OF_TWICE_DAMAGE = new Set(['forked', 'withheld'])

export interface Settled {
  /** Hash of what every device holds. */
  readonly hash: string
  readonly mostExchanges: number
  readonly bytes: number
  readonly idealBytes: number
}

/** A promise that did not hold. */
class Broken extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Broken'
  }
}

interface Member {
  readonly device: SimulatedDevice
  readonly process: Process
}

export class Settling {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** @throws Error about the first promise that is broken */
  async run(): Promise<Settled> {
    const world = this.#world
    world.network.faulty = false
    await world.damage.joinServers(world.random)
    world.server.killAt = undefined
    const members = await this.#gather()
    for (const { device } of members) device.account.token = undefined
    for (const member of members) await this.#signIn(member)
    const before = await this.#lacking(members)
    for (const { device } of members) {
      Object.assign(device.traffic, { exchanges: 0, bytes: 0 })
      device.uploaded = 0
    }
    const rounds = world.options.diskDamage ? ROUNDS_OF_COPIES : ROUNDS
    for (let round = 0; round < rounds; round++) {
      for (const member of members) await this.#sync(member)
    }
    const hash = this.#compare(members)
    const cost = this.#measure(members, before)
    const [{ process }] = members as [Member]
    await this.#bootstrap(process)
    await this.#rebuild(process)
    return { hash, ...cost }
  }

  /** Opens each device that was not revoked. What a revoked one had not sent is its own affair. */
  async #gather(): Promise<Member[]> {
    const { server, devices, ledger } = this.#world
    const revoked = await server.revoked()
    const members: Member[] = []
    for (const device of devices) {
      device.killAll()
      if (revoked.some((id) => equalBytes(id, device.account.id))) continue
      device.older = false
      device.cutUntil = 0
      members.push({ device, process: device.open() as Process })
    }
    ledger.forgive([server, ...members.map(({ device }) => device)])
    return members
  }

  async #signIn({ device, process }: Member): Promise<void> {
    const { scheduler } = this.#world
    if (device.cloneOf !== undefined) device.account.join(device.cloneOf.account)
    for (let attempts = 0; device.account.token === undefined; attempts++) {
      // Guess limits and repeated requests of the past are over by then.
      scheduler.after(2 * HOUR, () => {})
      await scheduler.run()
      await this.#finish(device.account.signIn(process)).catch((error: unknown) => {
        const again = error instanceof ServerProblem && ['too-many-attempts', 'wrong-credentials'].includes(error.problem)
        if (!again || attempts === MAX_SIGN_INS) throw error
      })
    }
  }

  /** Once more where a device that is no more had begun to give the server back what it lost: its right to do so ends by itself. */
  async #sync({ device, process }: Member): Promise<void> {
    const { scheduler } = this.#world
    await this.#finish(device.sync(process)).catch(async (error: unknown) => {
      if (!(error instanceof EngineError) || error.code !== 'conflict') throw error
      scheduler.after(LEASE_MILLIS, () => {})
      await scheduler.run()
      await this.#finish(device.sync(process))
    })
  }

  /** Runs the world until `work` is done. */
  async #finish<T>(work: Promise<T>): Promise<T> {
    let result: { value: T } | { error: unknown } | undefined
    work.then(
      (value) => {
        result = { value }
      },
      (error: unknown) => {
        result = { error }
      },
    )
    await this.#world.scheduler.run()
    if (result === undefined) throw new Broken('something waits for ever')
    if ('error' in result) throw result.error
    return result.value
  }

  /** Returns the hash of what all of them hold. */
  #compare(members: readonly Member[]): string {
    const { ledger } = this.#world
    const [first, ...others] = members.map(({ device, process: { vault } }) => ({ device, vault, lines: snapshot(vault) }))
    if (first === undefined) throw new Broken('there is no device')
    for (const other of others) {
      if (hashOf(other.lines) === hashOf(first.lines)) continue
      const names = `${first.device.name} and ${other.device.name}`
      throw new Broken(`${names} hold different things:\n${difference(first.lines, other.lines)}`)
    }
    for (const { device, vault } of [first, ...others]) {
      if (vault.pending() > 0) throw new Broken(`${device.name} still has something to send`)
      const accused = vault.problems().find(({ code }) => ACCUSATIONS.has(code) && !this.#mayAccuse(code))
      if (accused !== undefined) throw new Broken(`${device.name} says of honest company: ${accused.detail}`)
    }
    const lost = ledger.broken(first.vault)
    if (lost.length > 0) throw new Broken(`lost or back from the dead:\n${lost.slice(0, 8).join('\n')}`)
    return hashOf(first.lines)
  }

  #mayAccuse(code: string): boolean {
    const { serverDamage, diskDamage } = this.#world.options
    return serverDamage && (OF_DAMAGE.has(code) || (diskDamage && OF_TWICE_DAMAGE.has(code)))
  }

  /** For each device the bytes of segments that it lacks: all of a log that may be another one than it knows. */
  async #lacking(members: readonly Member[]): Promise<Map<SimulatedDevice, number>> {
    const { server, options } = this.#world
    const head = await server.head()
    const out = new Map<SimulatedDevice, number>()
    for (const { device, process } of members) {
      const cursor = options.serverDamage ? 0 : (process.vault.store.meta.get('cursor') ?? 0)
      const missing = (await server.live(Math.min(cursor, head), head))?.segments ?? []
      out.set(
        device,
        missing.reduce((sum, { sealed }) => sum + sealed.length + 81, 0),
      )
    }
    return out
  }

  #measure(members: readonly Member[], before: ReadonlyMap<SimulatedDevice, number>): Omit<Settled, 'hash'> {
    const { serverDamage, diskDamage, revocations } = this.#world.options
    const damaged = serverDamage || diskDamage
    const maxExchanges = (damaged ? MAX_EXCHANGES_OF_REPAIR : MAX_EXCHANGES) + (revocations ? MAX_EXCHANGES_OF_KEYS : 0)
    let mostExchanges = 0
    let bytes = 0
    let idealBytes = 0
    const written = members.reduce((sum, { device }) => sum + device.uploaded, 0)
    for (const { device } of members) {
      const { exchanges, bytes: actual } = device.traffic
      // What it lacked before, what the others wrote meanwhile, and what it wrote itself.
      const least = (before.get(device) ?? 0) + written
      if (exchanges > maxExchanges) throw new Broken(`${device.name} needed ${exchanges} exchanges to be in step`)
      if (actual > MAX_BYTES_FACTOR * least + exchanges * EXCHANGE_BYTES + (damaged ? REPAIR_BYTES : 0)) {
        throw new Broken(`${device.name} moved ${actual} bytes to be in step where ${least} had to travel`)
      }
      mostExchanges = Math.max(mostExchanges, exchanges)
      bytes += actual
      idealBytes += least
    }
    return { mostExchanges, bytes, idealBytes }
  }

  /** A device that has never seen the vault gets all of it. */
  async #bootstrap({ vault }: Process): Promise<void> {
    const fresh = this.#world.newDevice('fresh')
    const process = fresh.open() as Process
    try {
      await this.#finish(fresh.account.signIn(process))
      // Signing in publishes the device: only what it downloads is compared.
      await this.#finish(fresh.sync(process))
      const own = (lines: readonly string[]) => lines.filter((line) => !line.includes('["name","fresh"]'))
      const [lines, expected] = [own(snapshot(process.vault)), snapshot(vault)]
      if (hashOf(lines) !== hashOf(expected)) {
        throw new Broken(`a fresh device holds other things:\n${difference(expected, lines)}`)
      }
    } finally {
      fresh.close()
    }
  }

  /** Merging all segments in any order gives what the devices hold. */
  async #rebuild({ vault, sealer }: Process): Promise<void> {
    const { server, random } = this.#world
    const rows = new Map<string, Cells>()
    const { segments } = (await server.live(0, vault.store.meta.get('cursor') ?? 0)) ?? { segments: [] }
    const deltas: RowDelta[] = []
    for (const segment of segments) {
      deltas.push(...decodeContent(await this.#finish(sealer.open(segment, segment.sealed))).rows.map(toDelta))
    }
    for (const { table, id, cells } of random.shuffle(deltas)) {
      const key = `${table} ${id}`
      rows.set(key, joinRow(rows.get(key) ?? new Map(), cells))
    }
    for (const [key, cells] of rows) {
      const [table, id] = key.split(' ') as [string, string]
      const stored = JSON.stringify(describeCells(vault.store.rows.load(table, id)?.cells ?? new Map()))
      const rebuilt = JSON.stringify(describeCells(cells))
      if (stored !== rebuilt) {
        throw new Broken(`rebuilding ${key} from its segments in another order gives\n  ${rebuilt}\nnot\n  ${stored}`)
      }
    }
  }
}
