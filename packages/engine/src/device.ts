/** A person's device: its vault, its account on a server, and syncing between the two. Platforms supply the parts. */
import type { Sha256 } from '@lockstep/protocol/chain'
import { Account } from '#account'
import { toRowId } from '#cell'
import type { CheckResult } from '#doctor/check'
import { type ExamineOptions, examine } from '#doctor/doctor'
import { type Driver, DriverError } from '#driver'
import { EngineError } from '#errors'
import type { GatePass } from '#gate'
import type { HttpClient, SocketConnect } from '#http'
import type { PasswordChangeResult } from '#password-change'
import type { Schema, Table } from '#schema'
import { type Compression, createSealer } from '#sealing'
import type { OpenSearch } from '#search/service'
import type { SecretStore } from '#secrets'
import { Sharing } from '#sharing'
import type { PasswordChange, RemovalProof, RevocationRequest, RevocationResult, SignInRequest, SignInResult } from '#sign-in'
import type { Runtime, StoredProblem } from '#store'
import { Syncer, type SyncOptions, type SyncResult } from '#sync'
import { openVault, type Vault } from '#vault'
import { type SyncMode, type Timers, type WatchEvent, Watcher } from '#watch'

/** What a platform supplies. */
export interface Platform {
  readonly driver: Driver
  readonly secrets: SecretStore
  readonly runtime: Runtime
  readonly schedule: (run: () => void) => void
  readonly timers: Timers
  readonly compression: Compression
  readonly sha256: Sha256
  readonly http: HttpClient
  readonly connect: SocketConnect
  readonly openSearch: OpenSearch
  /** Lets go of connections; called once, when the device is closed. */
  readonly close: () => void
  /** Removes the database and everything beside it; called after `driver.close()`. */
  readonly wipe: () => Promise<void>
}

/** What a person sees of a vault's sync, in the design's words. */
export type DeviceState = 'local' | 'not-on-server' | 'pending' | 'synced' | 'needs-password' | 'needs-gate' | 'problem'

export interface DeviceStatus {
  readonly state: DeviceState
  /** Rows with changes that the server does not have. */
  readonly pending: number
  readonly lastSyncedAt: number | undefined
  /** Since when syncs have found no server, Unix milliseconds; undefined where the last one did, or while signed out. */
  readonly offlineSince: number | undefined
  readonly server: string | undefined
  readonly vault: string | undefined
  readonly deviceName: string | undefined
  readonly problems: readonly StoredProblem[]
}

export interface ListedDevice {
  readonly id: string
  readonly name: string
  readonly current: boolean
  readonly createdAt: number
  readonly lastSeenAt: number
  readonly revoked: boolean
}

/** Problems that mean that data may be kept from this device; others are only told. */
const SERIOUS = new Set(['server-diverged', 'forked', 'withheld', 'unreadable', 'keys-forged'])

/** Nothing more can be asked of the server. */
const SIGNED_OUT = new Set(['offline', 'needs-password', 'not-signed-in', 'gate-refused', 'vault-removed'])

function vaultRemoved(cause: EngineError): EngineError {
  return new EngineError(
    'vault-removed',
    'this vault was removed from its server, on another device; all that this device has of it is still here, and can be shared anew',
    { cause },
  )
}

export class Device<T extends Record<string, Table> = Record<string, Table>> {
  readonly vault: Vault<T>
  /** Links and codes: what others, or another device, are let see. */
  readonly sharing: Sharing
  readonly #platform: Platform
  readonly #account: Account
  readonly #watchers = new Set<Watcher>()

  private constructor(platform: Platform, vault: Vault<T>, account: Account) {
    this.#platform = platform
    this.vault = vault
    this.#account = account
    this.sharing = new Sharing({
      random: platform.runtime.random,
      http: platform.http,
      remote: (server, gate) => account.remoteOf(server, gate),
      session: () => ({ ...account.session(), vault: account.profile.vault ?? '' }),
      signedIn: (work) => this.#signedIn(work),
    })
  }

  static async open<T extends Record<string, Table>>(platform: Platform, schema: Schema<T>): Promise<Device<T>> {
    const { driver, runtime, schedule, openSearch } = platform
    const vault = openVault({ schema, driver, runtime, schedule, openSearch })
    try {
      return await Device.of(platform, vault)
    } catch (error) {
      await vault.close()
      throw error
    }
  }

  /** A device whose vault is open already, on the same platform. Where it fails the vault stays open, and the caller's. */
  static async of<T extends Record<string, Table>>(platform: Platform, vault: Vault<T>): Promise<Device<T>> {
    return new Device(platform, vault, await Account.open(vault.store, platform.secrets, platform.http))
  }

  get profile(): {
    readonly server?: string
    readonly vault?: string
    readonly deviceName?: string
    readonly passphrase?: string
    readonly signedIn: boolean
  } {
    const { server, vault, deviceName, passphrase } = this.#account.profile
    return {
      ...(server !== undefined && { server }),
      ...(vault !== undefined && { vault }),
      ...(deviceName !== undefined && { deviceName }),
      ...(passphrase !== undefined && { passphrase }),
      signedIn: this.#account.hasSession,
    }
  }

  get id(): string {
    return this.#account.deviceId
  }

  async signIn(request: SignInRequest): Promise<SignInResult> {
    const result = await this.#account.signIn(request)
    this.#noteReached()
    return result
  }

  /**
   * What the gate in front of this device's server wants from now on; kept in place of the last one when it has let it through.
   * @throws EngineError `bad-value`
   */
  useGatePass(pass: GatePass): void {
    this.#account.useGatePass(pass)
  }

  /** With `wipe` this device's copy of the vault goes too, and this object must not be used again. */
  async signOut({ wipe }: { readonly wipe: boolean }): Promise<{ readonly serverTold: boolean }> {
    await this.#stopWatching()
    const result = await this.#account.signOut()
    if (wipe) {
      await this.close()
      await this.#platform.secrets.wipe()
      await this.#platform.wipe()
    }
    return result
  }

  #syncer(): Syncer {
    const { vaultId, vaultKeys, token, remote } = this.#account.session()
    const { compression, runtime, sha256 } = this.#platform
    const sealer = createSealer({ vaultId, vaultKeys, compression, random: runtime.random })
    this.#account.publish()
    const renewKeys = async () => {
      const renewed = await this.#account.renewKeys()
      sealer.add(this.#account.session().vaultKeys)
      return renewed
    }
    return new Syncer({ store: this.vault.store, sealer, sha256, remote, token, renewKeys })
  }

  /** One sync. A session that the server no longer accepts is dropped here. @throws EngineError */
  async sync(options: SyncOptions = {}): Promise<SyncResult> {
    try {
      const result = await this.#signedIn(async () => {
        await this.#account.settleChange()
        return this.#syncer().run(options)
      })
      this.#noteReached()
      return result
    } catch (error) {
      if (error instanceof EngineError) this.#noteFailed(error)
      throw error
    }
  }

  #noteReached(): void {
    this.#note('offlineSince', undefined)
    this.#note('gateRefusedAt', undefined)
  }

  #noteFailed({ code }: EngineError): void {
    const now = this.#platform.runtime.now()
    if (code === 'offline') this.#note('offlineSince', now)
    if (code === 'gate-refused') this.#note('gateRefusedAt', now)
  }

  /** Only the first failure's time counts. A disk that cannot take the note has been, or will be, told of by what matters more. */
  #note(key: 'offlineSince' | 'gateRefusedAt', since: number | undefined): void {
    const { store } = this.vault
    try {
      if ((store.meta.get(key) === undefined) === (since === undefined)) return
      store.write('remote', () => {
        if (since === undefined) store.meta.delete(key)
        else store.meta.set(key, Math.floor(since))
      })
    } catch (error) {
      if (!(error instanceof DriverError)) throw error
    }
  }

  /** Looks at everything that this device holds and heals what can be healed. Works signed out and without a server. */
  async examine(options: ExamineOptions = {}): Promise<CheckResult[]> {
    const { compression, runtime, sha256 } = this.#platform
    const { store, searchService: search } = this.vault
    const { vaultKeys, hasSession } = this.#account
    const vaultId = store.meta.get('vaultId')
    const sealer =
      vaultId === undefined || vaultKeys.size === 0
        ? undefined
        : createSealer({ vaultId, vaultKeys, compression, random: runtime.random })
    const session = hasSession ? this.#account.session() : undefined
    return examine({ store, sha256, search, sealer, session }, options)
  }

  /** A session that the server no longer accepts is dropped, and the person told why that may be; so is a vault that is not there. */
  async #signedIn<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof EngineError && error.code === 'vault-removed') {
        await this.#account.leaveRemoved()
        throw vaultRemoved(error)
      }
      if (!(error instanceof EngineError) || error.code !== 'needs-password' || !this.#account.hasSession) throw error
      await this.#account.dropSession()
      throw new EngineError(
        'needs-password',
        'this session has ended: on another device the password was changed or this device was revoked, or it was signed out: sign in again',
        { cause: error },
      )
    }
  }

  /** Keeps in step by itself until stopped. */
  watch({ mode, onEvent }: { readonly mode: SyncMode; readonly onEvent: (event: WatchEvent) => void }): {
    readonly stop: () => Promise<void>
    readonly syncNow: () => Promise<void>
    /** The app is looked at. */
    readonly focused: () => void
    /** The app came to the foreground, or the machine woke up: also what fails is tried again, and a silent live connection replaced. */
    readonly back: () => void
    /** There is a network again. */
    readonly reconnect: () => void
    /** Another process has written to this device's database: this one's own writes are noticed without. */
    readonly changed: () => void
  } {
    const syncer = this.#syncer()
    const { remote, token, socketHeaders } = this.#account.session()
    const watcher = new Watcher({
      mode,
      timers: this.#platform.timers,
      connect: this.#platform.connect,
      onEvent: (event) => {
        if (event.type === 'synced') this.#noteReached()
        else if (event.type === 'failed' || event.type === 'stopped') this.#noteFailed(event.error)
        onEvent(event)
      },
      target: {
        syncer: () => {
          this.#account.publish()
          return syncer
        },
        liveUrl: () => `${remote.server.replace(/^http/, 'ws')}/v1/live`,
        token: () => token,
        headers: socketHeaders,
        onUnauthorized: () => this.#account.dropSession(),
        onRemoved: () => this.#account.leaveRemoved(),
        lastSyncedAt: () => this.vault.lastSyncedAt(),
        now: this.#platform.runtime.now,
      },
    })
    this.#watchers.add(watcher)
    const unsubscribe = this.vault.onChange((_tables, origin) => {
      if (origin === 'local') watcher.changed()
    })
    watcher.start()
    return {
      stop: async () => {
        unsubscribe()
        this.#watchers.delete(watcher)
        await watcher.stop()
      },
      syncNow: () => watcher.syncNow(),
      focused: () => watcher.focused(),
      back: () => watcher.back(),
      reconnect: () => watcher.reconnect(),
      changed: () => watcher.changed(),
    }
  }

  async #stopWatching(): Promise<void> {
    const all = [...this.#watchers]
    this.#watchers.clear()
    await Promise.all(all.map((watcher) => watcher.stop()))
  }

  status(): DeviceStatus {
    const { server, vault, deviceName } = this.#account.profile
    const problems = this.vault.problems()
    const pending = this.vault.pending()
    const lastSyncedAt = this.vault.lastSyncedAt()
    const offlineSince = this.#account.hasSession ? this.vault.store.meta.get('offlineSince') : undefined
    const state = this.#state(problems, pending, lastSyncedAt)
    return { state, pending, lastSyncedAt, offlineSince, server, vault, deviceName, problems }
  }

  #state(problems: readonly StoredProblem[], pending: number, lastSyncedAt: number | undefined): DeviceState {
    if (!this.#account.hasSession) {
      if (this.#account.hasKeys) return 'needs-password'
      return lastSyncedAt === undefined ? 'local' : 'not-on-server'
    }
    if (problems.some(({ code }) => SERIOUS.has(code))) return 'problem'
    if (this.vault.store.meta.get('gateRefusedAt') !== undefined || this.#account.gateExpired()) return 'needs-gate'
    return pending > 0 || lastSyncedAt === undefined ? 'pending' : 'synced'
  }

  changePassword(change: PasswordChange): Promise<PasswordChangeResult> {
    return this.#signedIn(() => this.#account.changePassword(change))
  }

  /** Ends another device's access, from what is written next on [KEY-3]. Syncs before. @throws EngineError */
  revokeDevice(request: RevocationRequest): Promise<RevocationResult> {
    return this.#signedIn(() => this.#account.revokeDevice(request, () => this.sync()))
  }

  /**
   * Takes the vault off its server, with its files, shares and the sessions of its devices [VAULT-1]. What this device has stays, on this
   * device alone, and can be shared anew: `status().state` is `not-on-server`. Other devices are told when they next ask, and keep theirs.
   * What the server has that is new to this device is fetched before, where that works: a broken server is no reason to stay on it.
   * @throws EngineError `wrong-credentials`, `too-many-attempts`, `needs-password`, `offline`
   */
  async removeFromServer(proof: RemovalProof): Promise<void> {
    await this.#stopWatching()
    await this.sync().catch((error: unknown) => {
      if (!(error instanceof EngineError) || SIGNED_OUT.has(error.code)) throw error
    })
    await this.#signedIn(() => this.#account.removeFromServer(proof))
  }

  async listDevices(): Promise<ListedDevice[]> {
    const { remote, token } = this.#account.session()
    const { devices } = await this.#signedIn(() => remote.devices(token))
    return devices.map(({ id, ...rest }) => ({ id: toRowId(id), ...rest }))
  }

  #closed = false

  /** Ends what runs and closes the database; a second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#stopWatching()
    await this.vault.close()
    this.#platform.close()
  }
}
