/** One simulated world: devices, a network, a server, and a plan of operations, all from one seed. */

import { DriverError } from '@lockstep/engine/driver'
import { EngineError } from '@lockstep/engine/errors'
import { ServerProblem } from '@lockstep/engine/server-problem'
import { Random } from '../support/random.ts'
import type { Owner } from './account.ts'
import { pickAny } from './any-run.ts'
import { Damage } from './damage.ts'
import { type Process, SimulatedDevice } from './device.ts'
import { type Fault, FaultCounts } from './faults.ts'
import { Killed } from './faulty-driver.ts'
import { Ledger } from './ledger.ts'
import { Network } from './network.ts'
import { type EventKind, type Operation, writes } from './operations.ts'
import type { WorldOptions } from './plan.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedServer } from './server.ts'

const START = Date.UTC(2026, 0, 1)
const SECOND = 1000
const YEAR = 365.25 * 24 * 3600 * SECOND

/** Expected while faults happen; anything else that an operation throws ends the run. */
const EXPECTED = new Set(['offline', 'needs-password', 'wrong-credentials', 'too-many-attempts', 'sign-up-refused'])
/** What a sync may end with besides while servers are being replaced: it is repaired by a later one. */
const EXPECTED_OF_DAMAGE = new Set(['server-diverged', 'conflict'])

/** As many stay when others are revoked. */
const MIN_DEVICES = 2

export class World {
  readonly scheduler = new Scheduler(START)
  readonly faults = new FaultCounts()
  readonly ledger = new Ledger(() => this.scheduler.now)
  readonly server: SimulatedServer
  readonly network: Network
  readonly devices: SimulatedDevice[] = []
  readonly owner: Owner
  readonly random: Random
  readonly damage: Damage
  readonly log: string[] = []
  readonly options: WorldOptions
  #failure: unknown
  #revoked = 0
  readonly #changingPassword = new Set<Process>()

  constructor(seed: number, options: WorldOptions) {
    this.options = options
    this.random = new Random(seed)
    const fault = (kind: Fault) => this.faults.add(kind)
    const clock = () => Math.floor(this.scheduler.now)
    this.server = new SimulatedServer({ random: this.random.fork(), clock, fault })
    this.network = new Network({ scheduler: this.scheduler, fault })
    this.damage = new Damage({ server: this.server, devices: this.devices, ledger: this.ledger, fault })
    this.owner = { vaultId: this.random.bytes(16), passwords: ['first'], makesVaultAgain: false }
    for (let i = 0; i < options.devices; i++) this.#addDevice(i)
  }

  #addDevice(index: number): void {
    const { random } = this
    const device = this.newDevice(`device ${index}`, {
      // Of two devices a millisecond apart every tie is decided by what comes after the time.
      clockOffset: index === 1 ? 1 : this.#clockOffset(),
      older: index > 0 && random.chance(0.2),
    })
    if (index === 1) this.faults.add('clocksMillisecondApart')
    if (device.older) this.faults.add('olderSchema')
    this.devices.push(device)
  }

  newDevice(name: string, { clockOffset = 0, older = false } = {}): SimulatedDevice {
    const { scheduler, network, server, owner, random } = this
    const { realCrypto } = this.options
    const fault = (kind: Fault) => this.faults.add(kind)
    const own = random.fork()
    return new SimulatedDevice({ name, random: own, scheduler, network, server, owner, realCrypto, fault, clockOffset, older })
  }

  #clockOffset(): number {
    const { random } = this
    if (this.options.wildClocks) return (random.float() * 70 - 20) * YEAR
    return random.chance(0.5) ? 0 : (random.float() * 2 - 1) * 600 * SECOND
  }

  /** Runs the plan; faults and all. @throws what an operation threw that no fault explains */
  async play(operations: readonly Operation[]): Promise<void> {
    const [first] = this.devices as [SimulatedDevice]
    this.network.faulty = false
    const founder = first.open() as Process
    this.#watch('sign up', first.account.signUp(founder))
    await this.scheduler.run()
    this.network.faulty = true
    const waiting = new Set(this.options.joins.flatMap((join, i) => (join > 0 ? [i] : [])))
    let time = 0
    operations.forEach((operation, i) => {
      time += operation.gap
      const at = time
      this.scheduler.after(at, () => {
        if (this.#failure !== undefined || at < (this.options.joins[operation.device] as number)) return
        if (waiting.delete(operation.device)) this.faults.add('lateJoin')
        this.#run(i, operation, this.devices[operation.device] as SimulatedDevice)
      })
    })
    await this.scheduler.run()
    if (this.#failure !== undefined) throw this.#failure
  }

  #note(i: number, device: SimulatedDevice, kind: string, result: string): void {
    this.log.push(`${i} t=${this.scheduler.now - START} ${device.name} ${kind}: ${result}`)
  }

  #run(i: number, { kind, seed }: Operation, original: SimulatedDevice): void {
    const random = new Random(seed)
    const device = this.damage.machineOf(original, random)
    const write = writes[kind]
    if (write === undefined) {
      this.#event(i, kind as EventKind, device, random)
      return
    }
    const process = this.#process(device, random)
    if (process === undefined) return
    try {
      this.#note(i, device, kind, write.run({ device, process, random, ledger: this.ledger, older: device.older }))
    } catch (error) {
      this.#judge(i, device, kind, error)
    }
  }

  #process(device: SimulatedDevice, random: Random): Process | undefined {
    return device.processes.length > 0 ? random.pick(device.processes) : device.open()
  }

  #judge(i: number, device: SimulatedDevice, kind: string, error: unknown): void {
    const expected =
      error instanceof Killed ||
      (error instanceof EngineError && EXPECTED.has(error.code)) ||
      (error instanceof ServerProblem && this.options.revocations && error.problem === 'forbidden') ||
      // Of two that change the password in one minute one is told to do it again.
      (error instanceof ServerProblem && error.problem === 'bundle-conflict') ||
      (error instanceof EngineError && this.options.serverDamage && EXPECTED_OF_DAMAGE.has(error.code)) ||
      (error instanceof DriverError && (error.code === 'full' || error.code === 'io') && error.cause === undefined)
    const text = error instanceof Error ? `${error.name} ${error.message}` : String(error)
    this.#note(i, device, kind, text)
    if (!expected) this.#failure ??= error
  }

  /** Follows what goes on beyond this turn; an unexpected end of it fails the run. */
  #watch(name: string, work: Promise<unknown>, i = -1, device = this.devices[0] as SimulatedDevice): void {
    work.then(
      (result) => this.#note(i, device, name, typeof result === 'string' ? result : 'done'),
      (error: unknown) => this.#judge(i, device, name, error),
    )
  }

  #event(i: number, kind: EventKind, device: SimulatedDevice, random: Random): void {
    if (this.#damage(i, kind, device, random)) return
    const process = this.#process(device, random)
    if (process === undefined) return
    switch (kind) {
      case 'sync':
        this.#sync(i, device, process)
        return
      case 'live':
        this.#watch(kind, this.#live(device, process, random), i, device)
        return
      case 'signIn':
        this.#watch(kind, device.account.signIn(process), i, device)
        return
      case 'signOut':
        this.faults.add('signedOut')
        this.#watch(kind, device.account.signOut(process), i, device)
        return
      case 'merge':
        this.#merge(i, device, process, random)
        return
      case 'revoke':
        if (this.options.revocations) this.#watch(kind, this.#revoke(device, process, random), i, device)
        return
      case 'changePassword':
        this.#changePassword(i, device, process)
        // Half of the time somebody else has the same idea.
        for (const other of this.devices) {
          if (other === device || other.account.token === undefined || !random.chance(0.5)) continue
          const [rival] = other.processes
          if (rival !== undefined) this.#changePassword(i, other, rival)
        }
        return
      case 'kill':
        this.#note(i, device, kind, 'now')
        device.kill(process)
        return
      case 'killAtAwait':
        process.killAtAwait ??= random.between(1, 12)
        return
      case 'statementFault':
        process.driver.fault ??= { kind: random.pick(['kill', 'kill', 'full', 'io'] as const), in: random.between(1, 80) }
        return
      case 'killServer':
        device.server.killAt = random.pick(['before-commit', 'after-commit', 'before-answer'] as const)
        return
      case 'jumpClock':
        this.faults.add('clockJump')
        device.clockOffset = this.options.wildClocks ? (random.float() * 70 - 20) * YEAR : (random.float() * 2 - 1) * 600 * SECOND
        return
      case 'cutNetwork':
        device.cutUntil = this.scheduler.now + random.between(1, 60) * SECOND
        return
      case 'secondProcess':
        if (device.processes.length < 2 && device.open() !== undefined) this.faults.add('secondProcess')
        return
      case 'upgrade':
        this.upgrade(device)
        return
    }
  }

  /** False where `kind` is none of these. */
  #damage(i: number, kind: EventKind, device: SimulatedDevice, random: Random): boolean {
    const { damage, scheduler } = this
    const { serverDamage, diskDamage } = this.options
    const onServer = (work: () => Promise<string>) => {
      if (serverDamage) this.#watch(kind, scheduler.outside(work()), i, device)
      return true
    }
    const onDisk = (work: () => string) => {
      if (diskDamage) this.#note(i, device, kind, work())
      return true
    }
    switch (kind) {
      case 'backupServer':
        return onServer(async () => damage.backupServer(random))
      case 'restoreServer':
        return onServer(() => damage.restoreServer(random))
      case 'wipeServer':
        this.owner.makesVaultAgain ||= serverDamage
        return onServer(() => damage.wipeServer())
      case 'forkServer':
        return onServer(async () => damage.forkServer(random))
      case 'joinServers':
        return onServer(() => damage.joinServers(random))
      case 'backupDisk':
        return onDisk(() => damage.backupDisk(device, random))
      case 'restoreDisk':
        return onDisk(() => damage.restoreDisk(device, random))
      case 'cloneDisk':
        return onDisk(() => damage.cloneDisk(device))
      default:
        return false
    }
  }

  #sync(i: number, device: SimulatedDevice, process: Process): void {
    if (process.syncs >= 2) return
    if (this.devices.some(({ processes }) => processes.some(({ syncs }) => syncs > 0))) this.faults.add('interleaved')
    this.#watch('sync', device.signInAndSync(process), i, device)
  }

  /** Merges some of the log, now and then while another device does, too, or only until it dies of it. */
  #merge(i: number, device: SimulatedDevice, process: Process, random: Random): void {
    if (process.syncs + process.merges > 0) return
    const rivals = this.devices.filter((other) => other !== device && random.chance(0.3))
    if (random.chance(0.2)) process.killAtAwait ??= random.between(4, 30)
    this.#watch('merge', device.merge(process, pickAny(random)), i, device)
    for (const rival of rivals) {
      const [own] = rival.processes
      if (own !== undefined && own.syncs + own.merges === 0) this.#watch('rival merge', rival.merge(own, pickAny(random)), i, rival)
    }
  }

  async #revoke(device: SimulatedDevice, process: Process, random: Random): Promise<string> {
    const others = this.devices.filter(({ account }) => account.id !== device.account.id && account.isMember)
    // Three stay at least, so that there is something to be in step with.
    if (this.#revoked >= this.devices.length - MIN_DEVICES || others.length === 0) return 'too few devices'
    this.#revoked++
    const target = random.pick(others).account.id
    return device.account.revoke(process, target, () => device.signInAndSync(process))
  }

  /** Pushes a stretch of the log as a live connection does: in order, again, with gaps, or stale. */
  async #live(device: SimulatedDevice, process: Process, random: Random): Promise<string> {
    const { token } = device.account
    const head = await this.scheduler.outside(device.server.head())
    if (token === undefined || head === 0) return 'not connected'
    const syncer = device.syncer(process, token)
    const { cursor } = syncer.inbox.position()
    const messages: [number, number][] = []
    for (let from = Math.max(0, cursor - random.below(3)); from < head; ) {
      const through = Math.min(head, from + random.between(1, 4))
      messages.push([from, through])
      from = through
    }
    const style = random.below(4)
    if (style === 0 && messages.length > 1) {
      messages.reverse()
      this.faults.add('liveOutOfOrder')
    } else if (style === 1 && messages.length > 0) {
      messages.push(...messages)
      this.faults.add('liveRepeated')
    }
    for (const [after, through] of messages) {
      const message = await this.scheduler.outside(device.server.live(after, through))
      if (message !== undefined && !(await syncer.applyLive(message.segments, message.position))) break
    }
    return 'done'
  }

  #changePassword(i: number, device: SimulatedDevice, process: Process): void {
    if ([...this.#changingPassword].some(({ alive }) => alive)) this.faults.add('passwordRace')
    this.#changingPassword.add(process)
    const work = device.account.changePassword(process, `password ${i} of ${device.name}`).catch((error: unknown) => {
      // Somebody else was quicker, or a repeated request was.
      if (!(error instanceof EngineError) || !['server-refused', 'wrong-credentials'].includes(error.code)) throw error
    })
    this.#watch(
      'changePassword',
      work.finally(() => this.#changingPassword.delete(process)),
      i,
      device,
    )
  }

  upgrade(device: SimulatedDevice): void {
    if (!device.older) return
    device.killAll()
    device.older = false
    device.open()
    this.faults.add('schemaUpgraded')
  }
}
