/**
 * Signing in and out and changing the password: everything that turns what a person knows into keys and a session.
 *
 * What a server says before sign-in (vault id, suite, salt) is used, because nothing else is there, and proved
 * afterwards: the key bundle opens only with exactly these in its AAD [KEY-4]. Suites and their cost come from this
 * client's own list [KEY-5].
 */
import { openBundle, sealBundle } from '@lockstep/crypto/bundle'
import { deriveRootKey, type RootKey, type Suite } from '@lockstep/crypto/derivation'
import { type KeyPair, keyPairOf } from '@lockstep/crypto/device-key'
import { CryptoError } from '@lockstep/crypto/errors'
import { deriveAuthKey, deriveWrapKey } from '@lockstep/crypto/hierarchy'
import { canonicalPassphrase, generatePassphrase } from '@lockstep/crypto/passphrase'
import { equalBytes } from '@lockstep/protocol/bytes'
import type { Session } from '@lockstep/protocol/http'
import { toRowId } from '#cell'
import { publishDevice } from '#devices'
import { EngineError } from '#errors'
import type { HttpClient } from '#http'
import { Remote, ServerProblem, serverUrl } from '#remote'
import { encodeSecrets, newSecrets, type Profile, parseProfile, parseSecrets, type SecretStore, type Secrets } from '#secrets'
import type { PasswordChange, SignInRequest, SignInResult } from '#sign-in'
import type { Store } from '#store'

const NO_SALT = new Uint8Array(16)

export interface SignedIn {
  readonly vaultId: Uint8Array
  readonly vaultKeys: ReadonlyMap<number, Uint8Array>
  readonly token: string
  readonly remote: Remote
}

export class Account {
  readonly #store: Store
  readonly #files: SecretStore
  readonly #http: HttpClient
  #secrets: Secrets
  #profile: Profile

  private constructor(store: Store, files: SecretStore, http: HttpClient, secrets: Secrets, profile: Profile) {
    this.#store = store
    this.#files = files
    this.#http = http
    this.#secrets = secrets
    this.#profile = profile
  }

  static async open(store: Store, files: SecretStore, http: HttpClient): Promise<Account> {
    const stored = await files.loadSecrets()
    const secrets = stored === undefined ? newSecrets(store.runtime.random) : parseSecrets(stored)
    const profile = await files.loadProfile()
    const account = new Account(store, files, http, secrets, profile === undefined ? { format: 1 } : parseProfile(profile))
    if (stored === undefined) await account.#save()
    return account
  }

  get profile(): Profile {
    return this.#profile
  }

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

  /** The profile first: a token without a server to show it to would be of no use. */
  async #save(): Promise<void> {
    await this.#files.saveProfile(this.#profile)
    await this.#saveSecrets()
  }

  #saveSecrets(): Promise<void> {
    return this.#files.saveSecrets(encodeSecrets(this.#secrets))
  }

  #remote(server: string): Remote {
    return new Remote({ server, http: this.#http })
  }

  /** @throws EngineError `not-signed-in`, `needs-password` */
  session(): SignedIn {
    const { vaultKeys, token } = this.#secrets
    const { server } = this.#profile
    if (vaultKeys === undefined || server === undefined) {
      throw new EngineError('not-signed-in', 'this device is not signed in to a server')
    }
    if (token === undefined) throw new EngineError('needs-password', 'the session has ended: sign in again')
    return { vaultId: this.#vaultId(), vaultKeys: new Map(vaultKeys), token, remote: this.#remote(server) }
  }

  #vaultId(): Uint8Array {
    const vaultId = this.#store.meta.get('vaultId')
    if (vaultId === undefined) throw new EngineError('not-signed-in', 'this device does not belong to a vault yet')
    return vaultId
  }

  async signIn(request: SignInRequest): Promise<SignInResult> {
    if (this.hasSession) {
      throw new EngineError(
        'already-signed-in',
        `this device is signed in to "${this.#profile.vault}" at ${this.#profile.server}: sign out first`,
      )
    }
    const server = serverUrl(request.server)
    const remote = this.#remote(server)
    await remote.serverInfo()
    const known = this.#profile.server === server && this.#profile.vault === request.vault
    const passphrase = request.passphrase ?? (known ? this.#profile.passphrase : undefined)
    // A sign-up whose answer was lost, or a device that asks again after a 401: its own record says that the vault is made.
    const rejoin = request.intent === 'create' && known && this.hasKeys
    const neverIn = this.#store.meta.get('cursor') === undefined
    if (request.intent === 'join' || rejoin) {
      try {
        const result = await this.#join(remote, {
          ...request,
          server,
          passphrase,
          passwordOnly: request.passwordOnly || (known && this.#profile.passwordOnly === true),
        })
        return rejoin && neverIn ? { ...result, created: true, ...this.#unshown(request) } : result
      } catch (error) {
        const neverMade = rejoin && neverIn && error instanceof EngineError && error.code === 'wrong-credentials'
        if (!neverMade) throw error
      }
    }
    if (!neverIn) {
      throw new EngineError(
        'wrong-vault',
        'this device holds a vault that a server has already: sign in to that one, or use another home for a new vault',
      )
    }
    const result = await this.#create(remote, { ...request, server, passphrase: request.passwordOnly ? undefined : passphrase })
    return { ...result, ...this.#unshown(request) }
  }

  /** The passphrase, where it was made here and no earlier sign-in has given it out. */
  #unshown(request: SignInRequest): { readonly passphrase?: string } {
    const { passphrase } = this.#profile
    return request.passphrase === undefined && passphrase !== undefined ? { passphrase } : {}
  }

  async #create(remote: Remote, request: SignInRequest): Promise<SignInResult> {
    const { random } = this.#store.runtime
    const passphrase = request.passwordOnly ? undefined : canonicalPassphrase(request.passphrase ?? generatePassphrase(random))
    const vaultId = this.#store.meta.get('vaultId') ?? random(16)
    const suite: Suite = request.passwordOnly ? 'argon2id-64m-3' : 'pbkdf2-sha256-1200000'
    const salt = request.passwordOnly ? random(16) : NO_SALT
    const vaultKeys: [number, Uint8Array][] = this.#secrets.vaultKeys ?? [[1, random(32)]]
    const root = await derive(suite, request.password, passphrase, salt)
    const version = 1
    const sealed = await sealBundle({
      wrapKey: deriveWrapKey(root, vaultId),
      context: { suite, salt, vaultId, name: request.vault },
      bundle: { version, epochs: new Map(vaultKeys) },
      random,
    })
    const before = { secrets: this.#secrets, profile: this.#profile, vaultId: this.#store.meta.get('vaultId') }
    // Written down before the server hears of it: a lost answer must not lose the only copy of the keys.
    this.#secrets = { ...this.#secrets, vaultKeys }
    this.#remember(request, passphrase)
    this.#store.write('remote', () => this.#store.meta.set('vaultId', vaultId))
    await this.#save()
    let session: Session
    try {
      session = await remote.signUp({
        name: request.vault,
        vaultId,
        suite,
        salt,
        authKey: deriveAuthKey(root, vaultId),
        bundle: { version, sealed },
        device: { id: this.#secrets.deviceId, name: request.deviceName },
        setupToken: request.setupToken,
      })
    } catch (error) {
      // After a 5xx the server may have made the vault all the same.
      if (error instanceof ServerProblem && error.status < 500) {
        // Refused: nothing of the attempt is kept, or the next sign-in would be taken for a return.
        this.#secrets = before.secrets
        this.#profile = before.profile
        if (before.vaultId === undefined) this.#store.write('remote', () => this.#store.meta.delete('vaultId'))
        await this.#save()
        throw explainSignUp(error, request)
      }
      throw error
    }
    await this.#adopt(session, version)
    return { vault: request.vault, device: this.deviceId, created: true }
  }

  async #join(remote: Remote, request: SignInRequest): Promise<SignInResult> {
    if (request.passphrase === undefined && !request.passwordOnly) {
      throw new EngineError(
        'wrong-credentials',
        'another device of a vault needs its passphrase: read it on a device that is signed in',
      )
    }
    const header = await remote.vaultHeader(request.vault)
    const local = this.#store.meta.get('vaultId')
    const wrong = new EngineError('wrong-credentials', 'wrong password or passphrase, or no such vault on this server')
    const suite: Suite = request.passwordOnly ? 'argon2id-64m-3' : 'pbkdf2-sha256-1200000'
    const passphrase =
      request.passwordOnly || request.passphrase === undefined ? undefined : canonicalPassphrase(request.passphrase)
    const salt = request.passwordOnly ? header.salt : NO_SALT
    const root = await derive(suite, request.password, passphrase, salt)
    let session: Session
    try {
      session = await remote.signIn(request.vault, {
        authKey: deriveAuthKey(root, header.vaultId),
        device: { id: this.#secrets.deviceId, name: request.deviceName },
        deviceCookie: this.#secrets.deviceCookie,
      })
    } catch (error) {
      throw error instanceof ServerProblem && error.problem === 'wrong-credentials' ? wrong : error
    }
    if (header.suite !== suite || !equalBytes(session.vaultId, header.vaultId)) throw forgedHeader()
    const { epochs } = await openBundle({
      wrapKey: deriveWrapKey(root, header.vaultId),
      context: { suite, salt, vaultId: header.vaultId, name: request.vault },
      version: session.bundle.version,
      sealed: session.bundle.sealed,
    }).catch((error: unknown) => {
      throw error instanceof CryptoError ? forgedHeader(error) : error
    })
    if (local !== undefined && !equalBytes(local, header.vaultId)) {
      await remote.signOut(session.token).catch(() => {})
      throw new EngineError('wrong-vault', 'this device holds another vault: use another home, or sign out with --wipe first')
    }
    this.#checkBundleVersion(session.bundle.version)
    this.#secrets = { ...this.#secrets, vaultKeys: [...epochs] }
    this.#remember(request, passphrase)
    this.#store.write('remote', () => this.#store.meta.set('vaultId', header.vaultId))
    await this.#adopt(session, session.bundle.version)
    return { vault: request.vault, device: this.deviceId, created: false }
  }

  /** A server that shows an older bundle than this device has seen was rolled back, or lies [KEY-4]. */
  #checkBundleVersion(version: number): void {
    const seen = this.#store.meta.get('bundleVersion') ?? 0
    if (version < seen) {
      throw new EngineError(
        'server-diverged',
        `the server shows key bundle ${version}, but this device has seen ${seen}: it was restored from an old backup, or lies`,
      )
    }
  }

  #remember(request: SignInRequest, passphrase: string | undefined): void {
    this.#profile = {
      format: 1,
      deviceName: request.deviceName,
      server: serverUrl(request.server),
      vault: request.vault,
      passphrase,
      passwordOnly: request.passwordOnly,
    }
  }

  async #adopt(session: Session, bundleVersion: number): Promise<void> {
    this.#secrets = { ...this.#secrets, token: session.token, deviceCookie: session.deviceCookie }
    await this.#save()
    this.#store.write('remote', () => {
      this.#store.meta.set('bundleVersion', bundleVersion)
      if (this.#store.meta.get('cursor') === undefined) this.#store.meta.set('cursor', 0)
    })
    this.publish()
  }

  /** Tells the vault's other devices this one's name, key and replica [KEY-2]; writes nothing where they know. */
  publish(): void {
    publishDevice(this.#store, {
      id: this.deviceId,
      name: this.#profile.deviceName ?? '',
      publicKey: this.#publicKey(),
    })
  }

  #keyPair: KeyPair | undefined

  /** Deriving it takes a millisecond, which every live edit would wait for. */
  #publicKey(): Uint8Array {
    const { devicePrivateKey } = this.#secrets
    if (this.#keyPair?.privateKey !== devicePrivateKey) this.#keyPair = keyPairOf(devicePrivateKey)
    return this.#keyPair.publicKey
  }

  /** The session is over: what happens on a 401 [KEY-1]. Data and vault keys stay. */
  async dropSession(): Promise<void> {
    const ended = this.#secrets.token
    // Another process on this home may have signed out or in meanwhile: what it wrote must not be undone.
    const stored = await this.#files.loadSecrets()
    if (stored !== undefined) this.#secrets = parseSecrets(stored)
    if (this.#secrets.token !== ended) return
    this.#secrets = { ...this.#secrets, token: undefined }
    await this.#saveSecrets()
  }

  /** Ends the session at the server, if it can be reached, and removes keys and passphrase here. */
  async signOut(): Promise<{ readonly serverTold: boolean }> {
    let serverTold = false
    if (this.hasSession) {
      const { remote, token } = this.session()
      try {
        await remote.signOut(token)
        serverTold = true
      } catch (error) {
        // Ended already: as good as told. Out of reach: signing out must work on a plane, too.
        if (!(error instanceof EngineError)) throw error
        serverTold = error.code === 'needs-password'
      }
    }
    this.#secrets = { ...this.#secrets, token: undefined, vaultKeys: undefined }
    this.#profile = { ...this.#profile, passphrase: undefined }
    await this.#saveSecrets()
    await this.#files.saveProfile(this.#profile)
    return { serverTold }
  }

  /** @throws EngineError `wrong-credentials`, `server-diverged`, `needs-password`, `offline` */
  async changePassword({ currentPassword, currentPassphrase, newPassword, newPassphrase }: PasswordChange): Promise<void> {
    const { remote, token, vaultId } = this.session()
    const now = await remote.credentials(token)
    if (!equalBytes(now.vaultId, vaultId)) throw forgedHeader()
    this.#checkBundleVersion(now.bundle.version)
    const passwordOnly = this.#profile.passwordOnly === true
    const suite: Suite = passwordOnly ? 'argon2id-64m-3' : 'pbkdf2-sha256-1200000'
    const passphrase = passwordOnly ? undefined : canonicalPassphrase(currentPassphrase ?? this.#profile.passphrase ?? '')
    const name = this.#profile.vault ?? ''
    const oldSalt = passwordOnly ? now.salt : NO_SALT
    const oldRoot = await derive(suite, currentPassword, passphrase, oldSalt)
    const { epochs } = await openBundle({
      wrapKey: deriveWrapKey(oldRoot, vaultId),
      context: { suite, salt: oldSalt, vaultId, name },
      version: now.bundle.version,
      sealed: now.bundle.sealed,
    }).catch((error: unknown) => {
      throw error instanceof CryptoError
        ? new EngineError('wrong-credentials', 'the current password or passphrase is wrong')
        : error
    })
    const nextPassphrase = newPassphrase === undefined ? passphrase : canonicalPassphrase(newPassphrase)
    const salt = passwordOnly ? this.#store.runtime.random(16) : NO_SALT
    const root = await derive(suite, newPassword, nextPassphrase, salt)
    const version = now.bundle.version + 1
    const sealed = await sealBundle({
      wrapKey: deriveWrapKey(root, vaultId),
      context: { suite, salt, vaultId, name },
      bundle: { version, epochs },
      random: this.#store.runtime.random,
    })
    await remote.changeCredentials(token, {
      currentAuthKey: deriveAuthKey(oldRoot, vaultId),
      suite,
      salt,
      authKey: deriveAuthKey(root, vaultId),
      bundle: { version, sealed },
    })
    this.#profile = { ...this.#profile, passphrase: nextPassphrase }
    await this.#save()
    this.#store.write('remote', () => this.#store.meta.set('bundleVersion', version))
  }
}

function forgedHeader(cause?: unknown): EngineError {
  return new EngineError(
    'vault-header-forged',
    'the server accepted the password but handed out keys that do not fit it: this server must not be trusted',
    { cause },
  )
}

async function derive(suite: Suite, password: string, passphrase: string | undefined, salt: Uint8Array): Promise<RootKey> {
  return deriveRootKey(suite === 'argon2id-64m-3' ? { suite, password, salt } : { suite, password, passphrase })
}

function explainSignUp(error: ServerProblem, request: SignInRequest): EngineError {
  if (error.problem === 'sign-up-closed' || error.problem === 'wrong-credentials') {
    return new EngineError(
      'sign-up-refused',
      `this server makes no new vault "${request.vault}". If it is yours already, sign in as another device with its passphrase (read it on a device that is signed in)`,
      { cause: error },
    )
  }
  return error
}
