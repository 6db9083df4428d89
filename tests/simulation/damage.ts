/**
 * What happens to whole machines: servers and disks that go back to an earlier state, are lost, or exist twice. Whatever
 * somebody still has must be there in the end; the ledger is told what nobody has any more.
 */
import { DatabaseSync } from 'node:sqlite'
import type { Random } from '../support/random.ts'
import type { DeviceImage, SimulatedDevice } from './device.ts'
import type { Fault } from './faults.ts'
import type { Ledger } from './ledger.ts'
import type { ServerImage, SimulatedServer } from './server.ts'

const MAX_BACKUPS = 3
const MAX_MACHINES = 8

export interface DamageOptions {
  readonly server: SimulatedServer
  /** Every machine there is; clones are added to it. */
  readonly devices: SimulatedDevice[]
  readonly ledger: Ledger
  readonly fault: (fault: Fault) => void
}

export class Damage {
  readonly #server: SimulatedServer
  readonly #devices: SimulatedDevice[]
  readonly #ledger: Ledger
  readonly #fault: (fault: Fault) => void
  readonly #serverBackups: ServerImage[] = []
  readonly #diskBackups = new Map<SimulatedDevice, DeviceImage[]>()
  readonly #clones = new Map<SimulatedDevice, SimulatedDevice>()
  /** A second server, as alike as a twin when it appeared. */
  #twin: SimulatedServer | undefined
  /** Times that the server lost something. */
  serverLosses = 0

  constructor({ server, devices, ledger, fault }: DamageOptions) {
    this.#server = server
    this.#devices = devices
    this.#ledger = ledger
    this.#fault = fault
  }

  #forgive(): number {
    return this.#ledger.forgive([this.#server, ...(this.#twin === undefined ? [] : [this.#twin]), ...this.#devices])
  }

  backupServer(random: Random): string {
    if (this.#serverBackups.length >= MAX_BACKUPS) this.#serverBackups.splice(random.below(MAX_BACKUPS), 1)
    this.#serverBackups.push(this.#server.image())
    return `of ${this.#server.holds.size} writes`
  }

  /** An operator restores a backup, which gives the server another generation id, or the machine is rolled back without a word. */
  async restoreServer(random: Random): Promise<string> {
    if (this.#serverBackups.length === 0) return 'no backup'
    const image = random.pick(this.#serverBackups)
    const byOperator = random.chance(0.5)
    await this.#server.putBack(byOperator ? { ...image, bytes: withGeneration(image.bytes, random.bytes(16)) } : image)
    this.#fault('serverRestored')
    this.serverLosses++
    return `from a backup of ${image.holds.size} writes${byOperator ? ' by its operator' : ''}, ${this.#forgive()} forgiven`
  }

  async wipeServer(): Promise<string> {
    await this.#server.putBack(undefined)
    this.#fault('serverWiped')
    this.serverLosses++
    return `${this.#forgive()} forgiven`
  }

  /** From now on some devices talk to a copy of the server. */
  forkServer(random: Random): string {
    if (this.#twin !== undefined) return 'there are two already'
    this.#twin = this.#server.copy()
    for (const device of this.#devices) if (random.chance(0.5)) device.server = this.#twin
    this.#fault('serverForked')
    return 'two servers from here on'
  }

  /** One of the two servers goes, with all that only it was told. */
  async joinServers(random: Random): Promise<string> {
    const twin = this.#twin
    if (twin === undefined) return 'there is one only'
    const twinWins = random.chance(0.5)
    if (twinWins) await this.#server.putBack(twin.image())
    for (const device of this.#devices) device.server = this.#server
    this.#twin = undefined
    await twin.storage.close()
    this.serverLosses++
    return `${twinWins ? 'the copy' : 'the original'} stays, ${this.#forgive()} forgiven`
  }

  backupDisk(device: SimulatedDevice, random: Random): string {
    if (!device.hasVault) return 'nothing there'
    const backups = this.#diskBackups.get(device) ?? []
    this.#diskBackups.set(device, backups)
    if (backups.length >= MAX_BACKUPS) backups.splice(random.below(MAX_BACKUPS), 1)
    backups.push(device.image())
    return `of ${device.holds.size} writes`
  }

  restoreDisk(device: SimulatedDevice, random: Random): string {
    const backups = this.#diskBackups.get(device) ?? []
    if (backups.length === 0) return 'no backup'
    const image = random.pick(backups)
    device.restore(image)
    this.#fault('deviceRestored')
    return `from a backup of ${image.holds.size} writes, ${this.#forgive()} forgiven`
  }

  cloneDisk(device: SimulatedDevice): string {
    if (!device.hasVault) return 'nothing there'
    if (this.#clones.has(device) || this.#devices.length >= MAX_MACHINES) return 'cloned already'
    const clone = device.clone(`${device.name} clone`)
    this.#clones.set(device, clone)
    this.#devices.push(clone)
    this.#fault('deviceCloned')
    return `with ${device.holds.size} writes`
  }

  /** `device`, or its clone. */
  machineOf(device: SimulatedDevice, random: Random): SimulatedDevice {
    const clone = this.#clones.get(device)
    return clone !== undefined && random.chance(0.5) ? clone : device
  }

  async close(): Promise<void> {
    await this.#twin?.storage.close()
  }
}

function withGeneration(bytes: Uint8Array, generation: Uint8Array): Uint8Array {
  const database = new DatabaseSync(':memory:')
  try {
    database.deserialize(bytes)
    database.prepare('UPDATE server SET generation = ?').run(generation)
    return database.serialize()
  } finally {
    database.close()
  }
}
