/**
 * Signing in and out, and what follows from a password or a session: everything that turns what a person knows into keys.
 *
 * What a server says before sign-in (vault id, suite, salt) is used, because nothing else is there, and proved
 * afterwards: the key bundle opens only with exactly these in its AAD [KEY-4]. Suites and their cost come from this
 * client's own list [KEY-5].
 */
import { deriveAuthKey, deriveRecoveryKeyPair } from '@lockstep/crypto/hierarchy'
import { canonicalPassphrase, generatePassphrase } from '@lockstep/crypto/passphrase'
import { equalBytes } from '@lockstep/protocol/bytes'
import type { Session } from '@lockstep/protocol/http'
import { deriveRoot, forgedHeader, NO_SALT, openWith, passphrasesFor, type Root, sealFor, settleChange } from '#credentials'
import { publishDevice } from '#devices'
import { EngineError } from '#errors'
import type { Gated, GatePass } from '#gate'
import { GatePasses } from '#gate-passes'
import type { HttpClient } from '#http'
import { type EpochMap, Identity, joinEpochs } from '#identity'
import { endSession, finishLeaving, leaveVault, REMOVED, signOut } from '#leaving'
import { changePassword, type PasswordChangeResult } from '#password-change'
import { deviceRevoked, explainSignUp, wrongCredentials, wrongOrGone, wrongVault } from '#refusals'
import { Remote, serverUrl } from '#remote'
import { removeVault } from '#removal'
import { revokeDevice } from '#revocation'
import { renewKeys, takeRotations } from '#rotations'
import type { Profile, SecretStore } from '#secrets'
import { isRefusal, ServerProblem } from '#server-problem'
import type { PasswordChange, RemovalProof, RevocationRequest, RevocationResult, SignInRequest, SignInResult } from '#sign-in'
import type { Store } from '#store'

export interface SignedIn {
  readonly vaultId: Uint8Array
  readonly vaultKeys: EpochMap
  readonly token: string
  readonly remote: Remote
  /** What a WebSocket's handshake needs. @throws EngineError `gate-refused` */
  readonly socketHeaders: Gated['headers']
}

export class Account {
  readonly #store: Store
  readonly #http: HttpClient
  readonly #identity: Identity
  readonly #passes: GatePasses

  private constructor(store: Store, http: HttpClient, identity: Identity) {
    this.#store = store
    this.#http = http
    this.#identity = identity
    this.#passes = new GatePasses(identity)
  }

  static async open(store: Store, files: SecretStore, http: HttpClient): Promise<Account> {
    const identity = await Identity.open(store, files)
    await finishLeaving(identity)
    return new Account(store, http, identity)
  }

  get profile(): Profile {
    return this.#identity.profile
  }

  get deviceId(): string {
    return this.#identity.deviceId
  }

  get hasKeys(): boolean {
    return this.#identity.hasKeys
  }

  get hasSession(): boolean {
    return this.#identity.hasSession
  }

  /** Empty while signed out. */
  get vaultKeys(): EpochMap {
    return this.#identity.vaultKeys
  }

  /** For the gate in front of this device's server. @throws EngineError `bad-value` */
  useGatePass(pass: GatePass): void {
    const { server } = this.profile
    if (server !== undefined) this.#passes.give(server, pass)
  }

  gateExpired(): boolean {
    return this.#passes.isExpired()
  }

  /** @throws EngineError `not-signed-in`, `needs-password` */
  session(): SignedIn {
    const { secrets, profile, hasKeys, vaultKeys } = this.#identity
    if (!hasKeys || profile.server === undefined) {
      throw new EngineError('not-signed-in', 'this device is not signed in to a server')
    }
    if (secrets.token === undefined) throw new EngineError('needs-password', 'the session has ended: sign in again')
    const { http, headers } = this.#passes.gated(this.#http, profile.server)
    const remote = new Remote({ server: profile.server, http })
    return { vaultId: this.#identity.vaultId(), vaultKeys, token: secrets.token, remote, socketHeaders: headers }
  }

  /** The way to any server, with what is held for the gate in front of it. */
  remoteOf(server: string, gate: GatePass | undefined): Remote {
    if (gate !== undefined) this.#passes.give(server, gate)
    return new Remote({ server, http: this.#passes.gated(this.#http, server).http })
  }

  async signIn(request: SignInRequest): Promise<SignInResult> {
    const server = serverUrl(request.server)
    const { profile } = this.#identity
    const known = profile.server === server && profile.vault === request.vault
    if (this.hasSession && (known || request.intent === 'join' || request.move !== true)) {
      throw new EngineError(
        'already-signed-in',
        `this device is signed in to "${profile.vault}" at ${profile.server}: sign out first`,
      )
    }
    const remote = this.remoteOf(server, request.gate)
    await remote.serverInfo()
    if (this.#store.meta.get('copied') !== undefined) await this.#identity.becomeNewDevice()
    const move = profile.move?.server === server && profile.move.vault === request.vault ? profile.move : undefined
    const passphrases = passphrasesFor(request, known ? profile : move)
    const former = this.hasSession ? this.session() : undefined
    // A sign-up whose answer was lost, or a device that asks again after a 401: its own record says that the vault is made.
    const rejoin = request.intent === 'create' && (known || move !== undefined) && this.hasKeys
    const neverIn = this.#store.meta.get('cursor') === undefined
    if (request.intent === 'join' || rejoin) {
      try {
        const passwordOnly = request.passwordOnly || (known && profile.passwordOnly === true && request.passphrase === undefined)
        const result = await this.#join(remote, { ...request, server, passwordOnly }, passphrases)
        await endSession(former)
        if (!rejoin || (!neverIn && move === undefined)) return result
        return { ...result, created: true, ...(!neverIn && { moved: true }), ...this.#unshown(request) }
      } catch (error) {
        // Never made, or made on a server that has lost it since.
        const isGone = rejoin && error instanceof EngineError && error.code === 'wrong-credentials'
        if (!isGone) throw error
        // A wrong password looks the same: only the person can say that it is not one.
        if (known && !neverIn && request.move !== true) throw wrongOrGone(error)
      }
    }
    if (!neverIn && (request.move !== true || !this.hasKeys)) {
      throw new EngineError(
        'wrong-vault',
        this.hasKeys
          ? 'this device holds a vault that a server has already: sign in to that one, use --new to make it on this server, too, or another home for a new vault'
          : 'this device holds a vault that a server has already, and no longer its keys: sign in to that one, or use another home for a new vault',
      )
    }
    const passphrase = request.passwordOnly ? undefined : passphrases[0]
    const result = await this.#create(remote, { ...request, server, passphrase }, !neverIn && !known)
    await endSession(former)
    return { ...result, ...(!neverIn && { moved: true }), ...this.#unshown(request) }
  }

  /** The passphrase, where it was made here and no earlier sign-in has given it out. */
  #unshown(request: SignInRequest): { readonly passphrase?: string } {
    const { passphrase } = this.profile
    return request.passphrase === undefined && passphrase !== undefined ? { passphrase } : {}
  }

  /**
   * Makes the vault on a server: a new one, or the one that is here, under its id and with its keys. With `elsewhere` this device
   * belongs to another server until this one has answered.
   */
  async #create(remote: Remote, request: SignInRequest, elsewhere: boolean): Promise<SignInResult> {
    const identity = this.#identity
    const { random } = this.#store.runtime
    const passphrase = request.passwordOnly ? undefined : canonicalPassphrase(request.passphrase ?? generatePassphrase(random))
    const vaultId = this.#store.meta.get('vaultId') ?? random(16)
    const epochs: EpochMap = identity.hasKeys ? identity.vaultKeys : new Map([[1, random(32)]])
    const root = await deriveRoot({ password: request.password, passphrase, salt: request.passwordOnly ? random(16) : NO_SALT })
    const sealed = await sealFor(identity, root, { version: 1, epochs, vaultId, name: request.vault })
    const before = { secrets: identity.secrets, profile: identity.profile, vaultId: this.#store.meta.get('vaultId') }
    // Written down before the server hears of it: a lost answer must not lose the only copy of the keys, or of a passphrase.
    if (elsewhere) await identity.changeProfile({ move: { server: remote.server, vault: request.vault, passphrase } })
    else {
      await identity.changeSecrets({ vaultKeys: [...epochs] })
      await this.#remember(request, passphrase)
      this.#store.write('remote', () => this.#store.meta.set('vaultId', vaultId))
    }
    let session: Session
    try {
      session = await remote.signUp({
        ...sealed,
        name: request.vault,
        vaultId,
        device: { id: identity.secrets.deviceId, name: request.deviceName },
        setupToken: request.setupToken,
      })
    } catch (error) {
      // After a 5xx the server may have made the vault all the same.
      if (isRefusal(error)) {
        // Refused: nothing of the attempt is kept, or the next sign-in would be taken for a return.
        await identity.changeProfile({ ...NO_PROFILE, ...before.profile, move: undefined })
        await identity.changeSecrets({ vaultKeys: before.secrets.vaultKeys })
        if (before.vaultId === undefined) this.#store.write('remote', () => this.#store.meta.delete('vaultId'))
        throw error instanceof ServerProblem ? explainSignUp(error, request) : error
      }
      throw error
    }
    const seen = identity.bundleVersionSeen()
    // The old server's token is not for the one that the profile names from now on.
    await identity.changeSecrets({ token: undefined })
    if (elsewhere) await this.#remember(request, passphrase)
    await this.#adopt(session, 1)
    if (seen > 0) await this.#repairBundle(remote, session, root, seen)
    return { vault: request.vault, device: this.deviceId, created: true }
  }

  async #join(remote: Remote, request: SignInRequest, passphrases: readonly string[]): Promise<SignInResult> {
    const identity = this.#identity
    if (passphrases.length === 0 && !request.passwordOnly) {
      throw new EngineError(
        'wrong-credentials',
        'another device of a vault needs its passphrase: read it on a device that is signed in',
      )
    }
    const { vaultId, suite, salt } = await remote.vaultHeader(request.vault)
    const candidates = request.passwordOnly ? [undefined] : passphrases
    const { root, session } = await this.#firstThatOpens(remote, request, vaultId, salt, candidates)
    const { bundle } = session
    if (root.suite !== suite || !equalBytes(session.vaultId, vaultId)) throw forgedHeader()
    const opened = await openWith(root, { vaultId, name: request.vault, ...bundle })
    if (opened === undefined) throw forgedHeader()
    const local = this.#store.meta.get('vaultId')
    if (local !== undefined && !equalBytes(local, vaultId)) {
      if (request.move !== true || identity.hasKeys) {
        await remote.signOut(session.token).catch(() => {})
        throw wrongVault(identity.hasKeys)
      }
      await leaveVault(identity)
    }
    const epochs = joinEpochs(identity.vaultKeys, opened)
    const seen = identity.bundleVersionSeen()
    // Only who still holds keys has something to give back.
    const lacking = identity.hasKeys && (bundle.version < seen || epochs.size > opened.size)
    await identity.changeSecrets({ vaultKeys: [...epochs], token: undefined })
    await this.#remember(request, root.passphrase)
    this.#store.write('remote', () => this.#store.meta.set('vaultId', vaultId))
    await this.#adopt(session, bundle.version)
    const repaired = lacking && (await this.#repairBundle(remote, session, root, Math.max(seen, bundle.version)))
    await this.#learnRotations(remote, session, root)
    return { vault: request.vault, device: this.deviceId, created: false, ...(repaired && { repaired }) }
  }

  /** There is more than one passphrase to try where it is unknown whether a change of it was made. */
  async #firstThatOpens(
    remote: Remote,
    { password, vault, deviceName }: SignInRequest,
    vaultId: Uint8Array,
    salt: Uint8Array,
    passphrases: readonly (string | undefined)[],
  ): Promise<{ readonly root: Root; readonly session: Session }> {
    const { deviceId, deviceCookie } = this.#identity.secrets
    for (const [i, passphrase] of passphrases.entries()) {
      const root = await deriveRoot({ password, passphrase, salt })
      try {
        const authKey = deriveAuthKey(root.key, vaultId)
        const session = await remote.signIn(vault, { authKey, device: { id: deviceId, name: deviceName }, deviceCookie })
        return { root, session }
      } catch (error) {
        if (!(error instanceof ServerProblem)) throw error
        if (error.problem === 'forbidden') throw deviceRevoked(error)
        if (error.problem !== 'wrong-credentials') throw error
        if (i === passphrases.length - 1) break
      }
    }
    throw wrongCredentials()
  }

  async #remember(request: SignInRequest, passphrase: string | undefined): Promise<void> {
    await this.#identity.changeProfile({
      deviceName: request.deviceName,
      server: serverUrl(request.server),
      vault: request.vault,
      passphrase,
      passwordOnly: request.passwordOnly,
      change: undefined,
      move: undefined,
    })
  }

  async #adopt({ token, deviceCookie }: Session, bundleVersion: number): Promise<void> {
    await this.#identity.changeSecrets({ token, deviceCookie, gate: this.#passes.toKeep() })
    this.#store.write('remote', () => {
      const { meta } = this.#store
      meta.set('bundleVersion', Math.max(bundleVersion, meta.get('bundleVersion') ?? 0))
      this.#store.settle(REMOVED)
      if (meta.get('cursor') !== undefined) return
      meta.set('cursor', 0)
      // A vault that was left is another one's past.
      meta.delete('lastSyncedAt')
    })
    this.publish()
  }

  /**
   * Gives a server whose key bundle is older than what this device has seen all epochs again, under the same password [KEY-4].
   * `above`: the greatest version seen. False where it could not be done now; the next sign-in or change of the password tries again.
   */
  async #repairBundle(remote: Remote, { token, bundle }: Session, root: Root, above: number): Promise<boolean> {
    const identity = this.#identity
    const [vaultId, version] = [identity.vaultId(), above + 1]
    const sealed = await sealFor(identity, root, { version, epochs: identity.vaultKeys, vaultId, name: this.profile.vault ?? '' })
    try {
      await remote.changeCredentials(token, { ...sealed, currentAuthKey: sealed.authKey, replaces: bundle.version })
    } catch (error) {
      if (error instanceof EngineError) return false
      throw error
    }
    this.#store.write('remote', () => this.#store.meta.set('bundleVersion', version))
    return true
  }

  /** What earlier epochs ended with, and epochs that the bundle does not have. Out of reach now: asked for again when it is needed. */
  async #learnRotations(remote: Remote, { token }: Session, root: Root): Promise<void> {
    const identity = this.#identity
    if (identity.vaultKeys.size < 2) return
    const recovery = deriveRecoveryKeyPair(root.key, identity.vaultId())
    try {
      await takeRotations({ identity, remote, token, recovery })
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'offline')) throw error
    }
  }

  /** Tells the vault's other devices this one's name, key and replica [KEY-2]; writes nothing where they know. */
  publish(): void {
    const { publicKey } = this.#identity.keyPair
    publishDevice(this.#store, { id: this.deviceId, name: this.profile.deviceName ?? '', publicKey })
  }

  /** What happens on a 401 [KEY-1]. Data and vault keys stay. */
  dropSession(): Promise<void> {
    return this.#identity.dropSession()
  }

  /** What changes of the vault's credentials work with. @throws EngineError `not-signed-in`, `needs-password` */
  #tools() {
    const { remote, token } = this.session()
    return { identity: this.#identity, remote, token }
  }

  /** Ends the session at the server, if it can be reached, and removes keys and passphrase here. */
  signOut(): Promise<{ readonly serverTold: boolean }> {
    return signOut(this.#identity, this.hasSession ? this.session() : undefined)
  }

  /** What follows from a server's word that the vault was removed from it [VAULT-2]. */
  leaveRemoved(): Promise<void> {
    return leaveVault(this.#identity, { tell: true })
  }

  /** @throws EngineError `wrong-credentials`, `needs-password`, `too-many-attempts`, `offline` */
  async removeFromServer(proof: RemovalProof): Promise<void> {
    await removeVault(this.#tools(), proof)
    await leaveVault(this.#identity)
  }

  /** @throws EngineError `wrong-credentials`, `conflict`, `server-diverged`, `needs-password`, `offline` */
  changePassword(change: PasswordChange): Promise<PasswordChangeResult> {
    return changePassword(this.#tools(), change)
  }

  /**
   * Ends a device and opens an epoch that it has no key of [KEY-3]. `sync` gets this device in step; it is called before each attempt.
   * @throws EngineError `no-such-device`, `wrong-credentials`, `conflict`, `server-diverged`, `needs-password`, `offline`
   */
  async revokeDevice(request: RevocationRequest, sync: () => Promise<unknown>): Promise<RevocationResult> {
    return revokeDevice({ ...this.#tools(), sync }, request)
  }

  /**
   * Takes up the epochs that other devices have opened [KEY-2]. True if there is one that this device did not have. Called when the
   * server says that an epoch is closed, or a segment's epoch is unknown.
   * @throws EngineError `needs-password` (the session is dropped), `server-misbehaved`, `offline`
   */
  renewKeys(): Promise<boolean> {
    return renewKeys(this.#tools())
  }

  /** Finds out whether a change of credentials was made whose answer was lost. One request, and only where there is such a change. */
  async settleChange(): Promise<void> {
    const { change } = this.profile
    if (change === undefined || change.asked === true || !this.hasSession) return
    await settleChange(this.#tools())
  }
}

const NO_PROFILE = {
  deviceName: undefined,
  server: undefined,
  vault: undefined,
  passphrase: undefined,
  passwordOnly: undefined,
  change: undefined,
  move: undefined,
}
