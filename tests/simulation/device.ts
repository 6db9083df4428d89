/**
 * A simulated device: one database that outlives its processes, a wall clock that is off, and one or two processes (a
 * terminal beside an app) with the real engine on it. A process dies at a statement or at an await and never runs again. The
 * disk can be put back to what it was once, and copied to another machine that goes on beside this one.
 */

import { toRowId } from '@lockstep/engine/cell'
import { publishDevice } from '@lockstep/engine/devices'
import { EngineError } from '@lockstep/engine/errors'
import { Remote, ServerProblem } from '@lockstep/engine/remote'
import type { Sealer } from '@lockstep/engine/sealing'
import { Syncer } from '@lockstep/engine/sync'
import { openVault } from '@lockstep/engine/vault'
import type { LockstepVault } from '@lockstep/model/schema'
import type { Random } from '../support/random.ts'
import type { Fault } from './faults.ts'
import { FaultyDriver, type StatementFault } from './faulty-driver.ts'
import type { Holder, Write } from './ledger.ts'
import { type MemoryDatabase, openMemoryDatabase } from './memory-database.ts'
import type { Network, Traffic } from './network.ts'
import type { Scheduler } from './scheduler.ts'
import { newSchema, olderSchema } from './schemas.ts'
import { sealerOf } from './sealers.ts'
import { SERVER_URL, type SimulatedServer, sha256, VAULT_NAME } from './server.ts'

/** Virtual milliseconds. */
const MAX_SEALING = 3000
const SALT = new Uint8Array(16)

/** The secrets of the one vault, and what its owner remembers. */
export interface Owner {
  readonly vaultId: Uint8Array
  /** The likeliest first. A change whose answer was lost leaves the owner with two to try. */
  passwords: string[]
  /** The server has lost the vault: whoever finds no account makes it again. */
  makesVaultAgain: boolean
}

/** A disk as it was. */
export interface DeviceImage {
  readonly bytes: Uint8Array
  readonly holds: ReadonlySet<Write>
  readonly token: string | undefined
}

/** Disks that were one and are to find out: until then what is written on them may be dated again [LOG-3]. */
interface Copies {
  readonly replica: string
  readonly machines: number
  found: boolean
}

const authKey = (password: string): Uint8Array => sha256(new TextEncoder().encode(password))

export interface Process {
  readonly vault: LockstepVault
  readonly driver: FaultyDriver
  readonly remote: Remote
  readonly sealer: Sealer
  alive: boolean
  /** Dies when this many awaits from now have passed. */
  killAtAwait: number | undefined
  syncs: number
}

export interface DeviceOptions {
  readonly name: string
  readonly random: Random
  readonly scheduler: Scheduler
  readonly network: Network
  readonly server: SimulatedServer
  readonly owner: Owner
  readonly sealer: Sealer
  readonly fault: (fault: Fault) => void
  /** How far its wall clock is ahead, milliseconds. */
  readonly clockOffset: number
  readonly older: boolean
}

export class SimulatedDevice implements Holder {
  readonly name: string
  readonly random: Random
  readonly traffic: Traffic = { exchanges: 0, bytes: 0 }
  readonly holds = new Set<Write>()
  readonly #options: DeviceOptions
  #database: MemoryDatabase
  #id: Uint8Array
  #copies: Copies | undefined
  /** What it is called in the vault; a clone has its original's profile. */
  #title: string
  /** The machine whose disk this one's was in the beginning: they share one session. */
  cloneOf: SimulatedDevice | undefined
  /** The server that its requests lead to. */
  server: SimulatedServer
  processes: Process[] = []
  clockOffset: number
  older: boolean
  token: string | undefined
  cutUntil = 0
  /** Bytes of segments that syncs sent and the server took. */
  uploaded = 0

  constructor(options: DeviceOptions) {
    this.name = options.name
    this.#title = options.name
    this.random = options.random
    this.#options = options
    this.clockOffset = options.clockOffset
    this.older = options.older
    this.server = options.server
    this.#database = openMemoryDatabase()
    this.#id = options.random.bytes(16)
  }

  get wallClock(): number {
    return Math.max(0, Math.floor(this.#options.scheduler.now + this.clockOffset))
  }

  /** Starts a process. It may die at once of a fault that was armed. */
  open(fault?: StatementFault): Process | undefined {
    const { scheduler, network, sealer } = this.#options
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
    const own = sealerOf(sealer, {
      // Now and then long enough for people and other processes to write meanwhile.
      wait: (work) => wait(work === 'seal' && this.random.chance(0.5) ? this.random.below(MAX_SEALING) : 0),
      outside: (work) => scheduler.outside(work),
    })
    process = { vault, driver, remote, sealer: own, alive: true, killAtAwait: undefined, syncs: 0 }
    this.processes.push(process)
    return process
  }

  #end(process: Process | undefined, ended: { alive: boolean }): void {
    ended.alive = false
    if (process !== undefined) this.kill(process)
  }

  kill(process: Process): void {
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
    return { bytes: this.#database.image(), holds: new Set(this.holds), token: this.token }
  }

  /** The disk is what it was when `image` was taken; nothing runs on it. */
  restore(image: DeviceImage): void {
    this.close()
    this.#database = openMemoryDatabase(image.bytes)
    this.holds.clear()
    for (const write of image.holds) this.holds.add(write)
    this.token = image.token
    this.#becomeCopy({ replica: this.#replica(), machines: 1, found: false })
  }

  /** Another machine with the same disk, secrets and all. */
  clone(name: string): SimulatedDevice {
    const image = this.image()
    const other = new SimulatedDevice({ ...this.#options, name, random: this.random.fork(), older: this.older })
    other.#id = this.#id
    other.#title = this.#title
    other.cloneOf = this
    other.server = this.server
    other.clockOffset = this.clockOffset
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
    return new Syncer({ store: process.vault.store, sealer: process.sealer, sha256, remote: process.remote, token })
  }

  /** @throws EngineError as the engine does; a session that was refused is dropped. */
  async sync(process: Process): Promise<void> {
    const { token } = this
    if (token === undefined) throw new EngineError('needs-password', 'signed out')
    process.syncs++
    const { server } = this
    const { incarnation } = server
    const before = [...server.holds]
    try {
      this.#publish(process)
      const { uploaded } = await this.syncer(process, token).run()
      this.uploaded += uploaded.bytes
      const same = this.server === server && server.incarnation === incarnation
      if (same && process.vault.pending() === 0) this.#inStep(process.vault.store, before, uploaded.segments > 0)
    } catch (error) {
      if (error instanceof EngineError && error.code === 'needs-password') {
        this.#options.fault('sessionRefused')
        if (this.token === token) this.token = undefined
      }
      throw error
    } finally {
      process.syncs--
    }
  }

  /** The first device makes the vault; every other tries the passwords that its owner remembers. @throws EngineError */
  async signIn(process: Process): Promise<void> {
    const { owner } = this.#options
    const device = { id: this.#id, name: this.#title }
    let refused: unknown
    for (const password of [...owner.passwords]) {
      try {
        const { token } = await process.remote.signIn(VAULT_NAME, { authKey: authKey(password), device, deviceCookie: undefined })
        this.#adopt(process, token)
        owner.passwords = [password, ...owner.passwords.filter((other) => other !== password)]
        return
      } catch (error) {
        if (!(error instanceof ServerProblem) || error.problem !== 'wrong-credentials') throw error
        refused = error
        owner.passwords = [...owner.passwords.filter((other) => other !== password), password]
      }
    }
    if (!owner.makesVaultAgain) throw refused
    await this.signUp(process)
  }

  /** A sync that signs in where that is asked for. Another machine with the same disk may have ended the session by that. */
  async signInAndSync(process: Process): Promise<void> {
    if (this.token === undefined) await this.signIn(process)
    await this.sync(process)
  }

  async signUp(process: Process): Promise<void> {
    const { owner } = this.#options
    const { token } = await process.remote.signUp({
      name: VAULT_NAME,
      vaultId: owner.vaultId,
      suite: 'argon2id-64m-3',
      salt: SALT,
      authKey: authKey(owner.passwords[0] as string),
      bundle: { version: 1, sealed: Uint8Array.of(1) },
      device: { id: this.#id, name: this.#title },
      setupToken: undefined,
    })
    this.#adopt(process, token)
  }

  #adopt(process: Process, token: string): void {
    this.token = token
    this.#publish(process)
  }

  #publish(process: Process): void {
    publishDevice(process.vault.store, { id: toRowId(this.#id), name: this.#title, publicKey: sha256(this.#id) })
  }

  async signOut(process: Process): Promise<void> {
    const { token } = this
    this.token = undefined
    if (token !== undefined) await process.remote.signOut(token)
  }

  async changePassword(process: Process, password: string): Promise<void> {
    const { owner } = this.#options
    const { token } = this
    if (token === undefined) return
    const { bundle } = await process.remote.credentials(token)
    const current = owner.passwords[0] as string
    // From here on the owner has two to try, until one is known to work.
    owner.passwords = [current, password, ...owner.passwords.slice(1)]
    await process.remote.changeCredentials(token, {
      currentAuthKey: authKey(current),
      replaces: bundle.version,
      suite: 'argon2id-64m-3',
      salt: SALT,
      authKey: authKey(password),
      bundle: { version: bundle.version + 1, sealed: Uint8Array.of(2) },
    })
    owner.passwords = [password, ...owner.passwords.filter((other) => other !== password)]
    this.#options.fault('passwordChanged')
  }
}
