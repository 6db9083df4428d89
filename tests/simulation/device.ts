/**
 * A simulated device: one database that outlives its processes, a wall clock that is off, and one or two processes (a
 * terminal beside an app) with the real engine on it. A process dies at a statement or at an await and never runs again. The
 * disk can be put back to what it was once, and copied to another machine that goes on beside this one.
 */

import { Merger, type MergerOptions } from '@lockstep/engine/compaction/merger'
import { EngineError } from '@lockstep/engine/errors'
import { Remote } from '@lockstep/engine/remote'
import type { Sealer } from '@lockstep/engine/sealing'
import { Syncer, type SyncResult } from '@lockstep/engine/sync'
import { openVault } from '@lockstep/engine/vault'
import type { LockstepVault } from '@lockstep/model/schema'
import type { Random } from '../support/random.ts'
import { Account, type AccountImage, type Owner } from './account.ts'
import type { Fault } from './faults.ts'
import { FaultyDriver, type StatementFault } from './faulty-driver.ts'
import type { Holder, Write } from './ledger.ts'
import { type MemoryDatabase, openMemoryDatabase } from './memory-database.ts'
import type { Network, Traffic } from './network.ts'
import type { Scheduler } from './scheduler.ts'
import { newSchema, olderSchema } from './schemas.ts'
import { plainSealer, realSealer, sealerOf } from './sealers.ts'
import { SERVER_URL, type SimulatedServer, sha256 } from './server.ts'

/** Virtual milliseconds. */
const MAX_SEALING = 3000

/** A disk as it was. */
export interface DeviceImage {
  readonly bytes: Uint8Array
  readonly holds: ReadonlySet<Write>
  readonly account: AccountImage
}

/** Disks that were one and are to find out: until then what is written on them may be dated again [LOG-3]. */
interface Copies {
  readonly replica: string
  readonly machines: number
  found: boolean
}

export interface Process {
  readonly vault: LockstepVault
  readonly driver: FaultyDriver
  readonly remote: Remote
  readonly sealer: Sealer
  alive: boolean
  /** Dies when this many awaits from now have passed. */
  killAtAwait: number | undefined
  syncs: number
  merges: number
}

export interface DeviceOptions {
  readonly name: string
  readonly random: Random
  readonly scheduler: Scheduler
  readonly network: Network
  readonly server: SimulatedServer
  readonly owner: Owner
  readonly realCrypto: boolean
  readonly fault: (fault: Fault) => void
  /** How far its wall clock is ahead, milliseconds. */
  readonly clockOffset: number
  readonly older: boolean
  /** The machine whose disk this one's is a copy of: they share one session and one name. */
  readonly cloneOf?: SimulatedDevice
}

export class SimulatedDevice implements Holder {
  readonly name: string
  readonly random: Random
  readonly traffic: Traffic = { exchanges: 0, bytes: 0 }
  readonly holds = new Set<Write>()
  readonly #options: DeviceOptions
  readonly account: Account
  readonly cloneOf: SimulatedDevice | undefined
  readonly #sealer: Sealer
  #database: MemoryDatabase
  #copies: Copies | undefined
  /** The server that its requests lead to. */
  server: SimulatedServer
  processes: Process[] = []
  clockOffset: number
  older: boolean
  cutUntil = 0
  /** Bytes of segments that syncs sent and the server took. */
  uploaded = 0

  constructor(options: DeviceOptions) {
    const { name, random, owner, fault, cloneOf } = options
    this.name = name
    this.random = random
    this.#options = options
    this.clockOffset = options.clockOffset
    this.older = options.older
    this.server = options.server
    this.cloneOf = cloneOf
    this.#database = openMemoryDatabase()
    const { title, id } = cloneOf?.account ?? { title: name, id: random.bytes(16) }
    this.account = new Account({ owner, random, fault, title, id })
    const { keyring } = this.account
    this.#sealer = options.realCrypto
      ? realSealer({ vaultId: owner.vaultId, keyring, random: random.fork() })
      : plainSealer(keyring)
  }

  get wallClock(): number {
    return Math.max(0, Math.floor(this.#options.scheduler.now + this.clockOffset))
  }

  /** Starts a process. It may die at once of a fault that was armed. */
  open(fault?: StatementFault): Process | undefined {
    const { scheduler, network } = this.#options
    const ended = { alive: true }
    const driver = new FaultyDriver(this.#database.driver, {
      died: () => this.#end(process, ended),
      fired: (kind) => this.#options.fault(kind === 'kill' ? 'killedAtStatement' : kind === 'full' ? 'diskFull' : 'diskError'),
    })
    driver.fault = fault
    let process: Process | undefined
    const wait = (delay: number): Promise<void> =>
      new Promise((resolve) => {
        scheduler.after(delay, () => {
          if (process === undefined || !process.alive) return
          if (process.killAtAwait !== undefined && --process.killAtAwait <= 0) {
            this.#options.fault('killedAtAwait')
            this.kill(process)
            return
          }
          resolve()
        })
      })
    const device = this
    const line = {
      random: this.random,
      traffic: this.traffic,
      wait,
      get server() {
        return device.server
      },
      get cutUntil() {
        return device.cutUntil
      },
    }
    let vault: LockstepVault
    try {
      vault = openVault({
        schema: this.older ? olderSchema : newSchema,
        driver,
        runtime: { now: () => this.wallClock, random: (length) => this.random.bytes(length) },
        schedule: (run) => queueMicrotask(run),
      })
    } catch (error) {
      if (!ended.alive || fault !== undefined) return undefined
      throw error
    }
    const remote = new Remote({ server: SERVER_URL, http: network.client(line) })
    const sealer = sealerOf(this.#sealer, {
      // Now and then long enough for people and other processes to write meanwhile.
      wait: (work) => wait(work === 'seal' && this.random.chance(0.5) ? this.random.below(MAX_SEALING) : 0),
      outside: (work) => scheduler.outside(work),
    })
    process = { vault, driver, remote, sealer, alive: true, killAtAwait: undefined, syncs: 0, merges: 0 }
    this.processes.push(process)
    return process
  }

  #end(process: Process | undefined, ended: { alive: boolean }): void {
    ended.alive = false
    if (process !== undefined) this.kill(process)
  }

  kill(process: Process): void {
    if (process.alive && process.merges > 0) this.#options.fault('mergeCrash')
    process.alive = false
    process.driver.kill()
    this.processes = this.processes.filter((other) => other !== process)
  }

  killAll(): void {
    for (const process of [...this.processes]) this.kill(process)
  }

  close(): void {
    this.killAll()
    this.#database.driver.close()
  }

  /** False for a machine that was never switched on. */
  get hasVault(): boolean {
    return this.#database.driver.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_meta'").get() !== undefined
  }

  /** True while what is written may be dated again: another disk may have gone on under the same replica id. */
  get isUnawareCopy(): boolean {
    return this.#copies?.found === false
  }

  image(): DeviceImage {
    return { bytes: this.#database.image(), holds: new Set(this.holds), account: this.account.image() }
  }

  /** Everything is as it was when `image` was taken, as if nothing had happened since; nothing runs. */
  rewind(image: DeviceImage): void {
    this.close()
    this.#database = openMemoryDatabase(image.bytes)
    this.holds.clear()
    for (const write of image.holds) this.holds.add(write)
    this.account.restore(image.account)
  }

  /** The disk alone is what it was when `image` was taken: what was written on it since is somewhere else, or gone. */
  restore(image: DeviceImage): void {
    this.rewind(image)
    this.#becomeCopy({ replica: this.#replica(), machines: 1, found: false })
  }

  /** Another machine with the same disk, secrets and all. */
  clone(name: string): SimulatedDevice {
    const image = this.image()
    const { clockOffset, older } = this
    const random = this.random.fork()
    const other = new SimulatedDevice({ ...this.#options, name, random, clockOffset, older, server: this.server, cloneOf: this })
    other.restore(image)
    const copies = { replica: this.#replica(), machines: 2, found: false }
    this.#becomeCopy(copies)
    other.#becomeCopy(copies)
    return other
  }

  #replica(): string {
    return String(this.#database.driver.prepare("SELECT value FROM _meta WHERE key = 'replica'").get()?.['value'])
  }

  #becomeCopy(copies: Copies): void {
    this.#copies = copies
    // Whatever the server is not known to have can be dated again when the copy is found out.
    for (const write of this.holds) write.dated ||= !this.server.holds.has(write)
  }

  /** After a sync that had nothing left to do: server and device have the same, as of its beginning. */
  #inStep(store: { readonly replica: string }, before: readonly Write[], uploaded: boolean): void {
    for (const write of before) this.holds.add(write)
    for (const write of this.holds) this.server.holds.add(write)
    const copies = this.#copies
    if (copies === undefined) return
    copies.found ||= store.replica !== copies.replica || (copies.machines === 1 && uploaded)
  }

  syncer(process: Process, token: string): Syncer {
    const { vault, sealer, remote } = process
    const renewKeys = () => this.account.renewKeys(process)
    return new Syncer({ store: vault.store, sealer, sha256, remote, token, renewKeys })
  }

  /** @throws EngineError as the engine does; a session that was refused is dropped. */
  async sync(process: Process): Promise<SyncResult> {
    const { token } = this.account
    if (token === undefined) throw new EngineError('needs-password', 'signed out')
    process.syncs++
    const { server } = this
    const { incarnation } = server
    const before = [...server.holds]
    try {
      this.account.publish(process.vault)
      const result = await this.syncer(process, token).run()
      const { uploaded, repaired } = result
      this.uploaded += uploaded.bytes + repaired.bytes
      if (repaired.segments > 0) this.#options.fault('serverGivenBack')
      const same = this.server === server && server.incarnation === incarnation
      if (same && process.vault.pending() === 0) this.#inStep(process.vault.store, before, uploaded.segments > 0)
      return result
    } catch (error) {
      if (error instanceof EngineError && error.code === 'needs-password') {
        this.#options.fault('sessionRefused')
        if (this.account.token === token) this.account.token = undefined
      }
      throw error
    } finally {
      process.syncs--
    }
  }

  /** A sync that signs in where that is asked for. Another machine with the same disk may have ended the session by that. */
  async signInAndSync(process: Process): Promise<SyncResult> {
    if (this.account.token === undefined) await this.account.signIn(process)
    return this.sync(process)
  }

  /** Merges what `pick` says of the log, in step first [LOG-10]. */
  async merge(process: Process, pick: MergerOptions['pick']): Promise<string> {
    await this.signInAndSync(process)
    const { token } = this.account
    if (token === undefined) return 'signed out'
    process.merges++
    try {
      const { remote, sealer, vault } = process
      const result = await new Merger({ store: vault.store, sealer, sha256, remote, token, pick }).run()
      if (result === undefined) return 'nothing to merge'
      if (!result.merged) {
        if (result.obstacle === 'taken') this.#options.fault('mergeRace')
        return `${result.obstacle}: ${result.detail}`
      }
      this.#options.fault('mergeDone')
      return `${result.first} to ${result.last}${result.whole ? ' from the whole state' : ''}`
    } finally {
      process.merges--
    }
  }
}
