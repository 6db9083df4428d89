/**
 * What a device is and holds outside its database: keys, session and profile, in memory and in the two files. A home may be
 * open in several processes, so a change begins with what the file holds now, and takes back nothing that another one wrote.
 */
import { type KeyPair, keyPairOf } from '@lockstep/crypto/device-key'
import { equalBytes } from '@lockstep/protocol/bytes'
import { toRowId } from '#cell'
import { EngineError } from '#errors'
import {
  encodeProfile,
  encodeSecrets,
  newSecrets,
  type Profile,
  parseProfile,
  parseSecrets,
  type SecretStore,
  type Secrets,
} from '#secrets'
import type { Store } from '#store'

/** Epoch, from 1, to vault key, 32 bytes. */
export type EpochMap = ReadonlyMap<number, Uint8Array>

/** Fields to change; `undefined` removes one. */
type Changes<T> = { readonly [K in keyof T as K extends Permanent ? never : K]?: T[K] | undefined }
type Permanent = 'format' | 'deviceId' | 'devicePrivateKey'

export class Identity {
  readonly store: Store
  readonly #files: SecretStore
  #secrets: Secrets
  #profile: Profile

  private constructor(store: Store, files: SecretStore, secrets: Secrets, profile: Profile) {
    this.store = store
    this.#files = files
    this.#secrets = secrets
    this.#profile = profile
  }

  /** Makes the device's own key where the home is new. @throws EngineError `database-newer` */
  static async open(store: Store, files: SecretStore): Promise<Identity> {
    const stored = await files.loadSecrets()
    const secrets = stored === undefined ? newSecrets(store.runtime.random) : parseSecrets(stored)
    const profile = await files.loadProfile()
    const identity = new Identity(store, files, secrets, profile === undefined ? { format: 1 } : parseProfile(profile))
    if (stored === undefined) {
      await identity.changeProfile({})
      await files.saveSecrets(encodeSecrets(secrets))
    }
    return identity
  }

  get secrets(): Secrets {
    return this.#secrets
  }

  get profile(): Profile {
    return this.#profile
  }

  /** Row id. */
  get deviceId(): string {
    return toRowId(this.#secrets.deviceId)
  }

  /** True while this device holds the vault's keys: also after a 401, before the new password is entered. */
  get hasKeys(): boolean {
    return this.#secrets.vaultKeys !== undefined
  }

  get hasSession(): boolean {
    return this.#secrets.token !== undefined && this.hasKeys && this.#profile.server !== undefined
  }

  /** Empty while signed out. */
  get vaultKeys(): EpochMap {
    return new Map(this.#secrets.vaultKeys ?? [])
  }

  #keyPair: KeyPair | undefined

  /** Deriving it takes a millisecond, which every live edit would wait for. */
  get keyPair(): KeyPair {
    const { devicePrivateKey } = this.#secrets
    if (this.#keyPair?.privateKey !== devicePrivateKey) this.#keyPair = keyPairOf(devicePrivateKey)
    return this.#keyPair
  }

  /** @throws EngineError `not-signed-in` */
  vaultId(): Uint8Array {
    const vaultId = this.store.meta.get('vaultId')
    if (vaultId === undefined) throw new EngineError('not-signed-in', 'this device does not belong to a vault yet')
    return vaultId
  }

  /** The greatest key bundle version that a server or a segment has shown this device, 0 for none [KEY-4]. */
  bundleVersionSeen(): number {
    const { meta } = this.store
    return Math.max(meta.get('bundleVersion') ?? 0, meta.get('bundleVersionSeen') ?? 0)
  }

  /** Takes up what another process on this home has written. */
  async reload(): Promise<void> {
    const secrets = await this.#files.loadSecrets()
    if (secrets !== undefined) this.#secrets = parseSecrets(secrets)
    const profile = await this.#files.loadProfile()
    if (profile !== undefined) this.#profile = parseProfile(profile)
  }

  async changeSecrets(changes: Changes<Secrets>): Promise<void> {
    await this.reload()
    this.#secrets = { ...this.#secrets, ...changes }
    await this.#files.saveSecrets(encodeSecrets(this.#secrets))
  }

  /**
   * This home is a copy of another one: with its id and key the two would end each other's sessions, sign-in by sign-in [LOG-3].
   * The keys of the vault stay.
   */
  async becomeNewDevice(): Promise<void> {
    await this.reload()
    const { deviceId, devicePrivateKey, format } = newSecrets(this.store.runtime.random)
    this.#secrets = { ...this.#secrets, format, deviceId, devicePrivateKey, deviceCookie: undefined }
    await this.#files.saveSecrets(encodeSecrets(this.#secrets))
    this.store.write('remote', () => this.store.meta.delete('copied'))
  }

  async changeProfile(changes: Changes<Profile>): Promise<void> {
    await this.reload()
    this.#profile = { ...this.#profile, ...changes }
    await this.#files.saveProfile(encodeProfile(this.#profile))
  }

  /** Stores vault keys beside those that are there. @throws EngineError `server-diverged` */
  async addKeys(more: EpochMap): Promise<void> {
    await this.reload()
    await this.changeSecrets({ vaultKeys: [...joinEpochs(this.vaultKeys, more)] })
  }

  /** The session is over: what happens on a 401 [KEY-1]. Data and vault keys stay. */
  async dropSession(): Promise<void> {
    const ended = this.#secrets.token
    // Another process on this home may have signed out or in meanwhile: what it wrote must not be undone.
    await this.reload()
    if (this.#secrets.token === ended) await this.changeSecrets({ token: undefined })
  }
}

/**
 * The epochs of both, ascending.
 * @throws EngineError `server-diverged` where the same epoch has two keys: they were changed twice, the second time on a server that
 *   had forgotten the first.
 */
export function joinEpochs(ours: EpochMap, theirs: EpochMap): Map<number, Uint8Array> {
  for (const [epoch, key] of theirs) {
    const own = ours.get(epoch)
    if (own !== undefined && !equalBytes(own, key)) {
      throw new EngineError(
        'server-diverged',
        `Epoch ${epoch} of the vault's keys is another one on this server: the server was restored from an old backup, and then the keys were changed again. What this device has is safe here: export it, and import it in a home that signs in anew.`,
      )
    }
  }
  return new Map([...ours, ...theirs].sort(([a], [b]) => a - b))
}
