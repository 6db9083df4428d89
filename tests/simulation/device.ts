/**
 * A simulated device: one database that outlives its processes, a wall clock that is off, and one or two processes (a
 * terminal beside an app) with the real engine on it. A process dies at a statement or at an await and never runs again.
 */

import { toRowId } from '@lockstep/engine/cell'
import { publishDevice } from '@lockstep/engine/devices'
import type { Driver } from '@lockstep/engine/driver'
import { EngineError } from '@lockstep/engine/errors'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { Remote, ServerProblem } from '@lockstep/engine/remote'
import type { Sealer } from '@lockstep/engine/sealing'
import { Syncer } from '@lockstep/engine/sync'
import { openVault } from '@lockstep/engine/vault'
import type { LockstepVault } from '@lockstep/model/schema'
import type { Random } from '../support/random.ts'
import type { Fault } from './faults.ts'
import { FaultyDriver, type StatementFault } from './faulty-driver.ts'
import type { Network, Traffic } from './network.ts'
import type { Scheduler } from './scheduler.ts'
import { newSchema, olderSchema } from './schemas.ts'
import { sealerOf } from './sealers.ts'
import { SERVER_URL, sha256, VAULT_NAME } from './server.ts'

/** Virtual milliseconds. */
const MAX_SEALING = 3000
const SALT = new Uint8Array(16)

/** The secrets of the one vault, and what its owner remembers. */
export interface Owner {
  readonly vaultId: Uint8Array
  /** The likeliest first. A change whose answer was lost leaves the owner with two to try. */
  passwords: string[]
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
  readonly owner: Owner
  readonly sealer: Sealer
  readonly fault: (fault: Fault) => void
  /** How far its wall clock is ahead, milliseconds. */
  readonly clockOffset: number
  readonly older: boolean
}

export class SimulatedDevice {
  readonly name: string
  readonly random: Random
  readonly traffic: Traffic = { exchanges: 0, bytes: 0 }
  readonly #options: DeviceOptions
  database: Driver
  readonly #id: Uint8Array
  processes: Process[] = []
  clockOffset: number
  older: boolean
  token: string | undefined
  cutUntil = 0
  /** Bytes of segments that syncs sent and the server took. */
  uploaded = 0

  constructor(options: DeviceOptions) {
    this.name = options.name
    this.random = options.random
    this.#options = options
    this.clockOffset = options.clockOffset
    this.older = options.older
    this.database = openSqlite()
    this.#id = options.random.bytes(16)
  }

  get wallClock(): number {
    return Math.max(0, Math.floor(this.#options.scheduler.now + this.clockOffset))
  }

  /** Starts a process. It may die at once of a fault that was armed. */
  open(fault?: StatementFault): Process | undefined {
    const { scheduler, network, sealer } = this.#options
    const ended = { alive: true }
    const driver = new FaultyDriver(this.database, {
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
      get cutUntil() {
        return device.cutUntil
      },
      set cutUntil(_) {},
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
    this.database.close()
  }

  syncer(process: Process, token: string): Syncer {
    return new Syncer({ store: process.vault.store, sealer: process.sealer, sha256, remote: process.remote, token })
  }

  /** @throws EngineError as the engine does; a session that was refused is dropped. */
  async sync(process: Process): Promise<void> {
    const { token } = this
    if (token === undefined) throw new EngineError('needs-password', 'signed out')
    process.syncs++
    try {
      this.uploaded += (await this.syncer(process, token).run()).uploaded.bytes
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
    const device = { id: this.#id, name: this.name }
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
    throw refused
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
      device: { id: this.#id, name: this.name },
      setupToken: undefined,
    })
    this.#adopt(process, token)
  }

  #adopt(process: Process, token: string): void {
    this.token = token
    publishDevice(process.vault.store, { id: toRowId(this.#id), name: this.name, publicKey: sha256(this.#id) })
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
      suite: 'argon2id-64m-3',
      salt: SALT,
      authKey: authKey(password),
      bundle: { version: bundle.version + 1, sealed: Uint8Array.of(2) },
    })
    owner.passwords = [password, ...owner.passwords.filter((other) => other !== password)]
    this.#options.fault('passwordChanged')
  }
}
