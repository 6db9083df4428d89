/**
 * A simulated home's account: its session, its keys, and what its owner does with passwords and with other devices. The
 * requests are the real ones; deriving keys from passwords is left out, and keys are handed on as keyring.ts says.
 */
import { fromRowId, toRowId } from '@lockstep/engine/cell'
import { closingsNow, revokedDevices } from '@lockstep/engine/closings'
import { publishDevice } from '@lockstep/engine/devices'
import { EngineError } from '@lockstep/engine/errors'
import type { Remote } from '@lockstep/engine/remote'
import { ServerProblem } from '@lockstep/engine/server-problem'
import type { LockstepVault } from '@lockstep/model/schema'
import { encodeUtf8, toHex } from '@lockstep/protocol/bytes'
import type { Random } from '../support/random.ts'
import type { Fault } from './faults.ts'
import { close, encodeRotation, Keyring, type Keys } from './keyring.ts'
import { sha256, VAULT_NAME } from './server.ts'

const SALT = new Uint8Array(16)
const SUITE = 'argon2id-64m-3'
const MAX_REVOCATION_TRIES = 3
/** Passwords that an owner tries one after the other; a server stops listening after five. */
const GUESSES = 3

/** The secrets of the one vault, and what its owner remembers. */
export interface Owner {
  readonly vaultId: Uint8Array
  /** The likeliest first. A change whose answer was lost leaves the owner with two to try. */
  passwords: string[]
  /** The server has lost the vault: whoever finds no account makes it again. */
  makesVaultAgain: boolean
}

/** What of a home is beside its database. */
export interface AccountImage {
  readonly token: string | undefined
  readonly keys: Keys
}

/** What an action works on: a process that is running. */
export interface Session {
  readonly vault: LockstepVault
  readonly remote: Remote
}

const authKey = (password: string): Uint8Array => sha256(encodeUtf8(password))

function isProblem(error: unknown, ...problems: readonly string[]): boolean {
  return error instanceof ServerProblem && problems.includes(error.problem)
}

export interface AccountOptions {
  readonly owner: Owner
  readonly random: Random
  readonly fault: (fault: Fault) => void
  /** What the device is called in the vault. */
  readonly title: string
  /** 16 bytes; a clone has its original's. */
  readonly id: Uint8Array
}

export class Account {
  readonly title: string
  readonly id: Uint8Array
  readonly keyring = new Keyring(new Map())
  readonly #owner: Owner
  readonly #random: Random
  readonly #fault: (fault: Fault) => void
  token: string | undefined

  constructor({ owner, random, fault, title, id }: AccountOptions) {
    this.#owner = owner
    this.#random = random
    this.#fault = fault
    this.title = title
    this.id = id
  }

  image(): AccountImage {
    return { token: this.token, keys: new Map(this.keyring.keys) }
  }

  /** Signed in at least once. */
  get isMember(): boolean {
    return this.keyring.keys.size > 0
  }

  /** One machine's session and keys on another one of the same disk: a sign-in would end the first one's. */
  join({ token, keyring }: Account): void {
    this.token = token
    this.keyring.add(keyring.keys)
  }

  restore({ token, keys }: AccountImage): void {
    this.token = token
    this.keyring.reset(keys)
  }

  publish({ store }: LockstepVault): void {
    publishDevice(store, { id: toRowId(this.id), name: this.title, publicKey: sha256(this.id) })
  }

  #adopt({ vault }: Session, token: string, bundleVersion: number): void {
    this.token = token
    vault.store.write('remote', () => vault.store.meta.set('bundleVersion', bundleVersion))
    this.publish(vault)
  }

  /** Tries the passwords that the owner remembers. @throws EngineError */
  async signIn(session: Session): Promise<void> {
    const owner = this.#owner
    const device = { id: this.id, name: this.title }
    let refused: unknown
    for (const password of owner.passwords.slice(0, GUESSES)) {
      try {
        const request = { authKey: authKey(password), device, deviceCookie: undefined }
        const { token, bundle } = await session.remote.signIn(VAULT_NAME, request)
        this.keyring.addBundle(bundle.sealed)
        this.#adopt(session, token, bundle.version)
        owner.passwords = [password, ...owner.passwords.filter((other) => other !== password)]
        return
      } catch (error) {
        if (!isProblem(error, 'wrong-credentials')) throw error
        refused = error
        owner.passwords = [...owner.passwords.filter((other) => other !== password), password]
      }
    }
    if (!owner.makesVaultAgain || !this.isMember) throw refused
    await this.signUp(session).catch((error: unknown) => {
      // There is a vault, of which one of the other passwords is right.
      throw isProblem(error, 'sign-up-closed', 'wrong-credentials') ? refused : error
    })
  }

  /** Makes the vault: a new one, or the one that a server has lost, with its keys. */
  async signUp(session: Session): Promise<void> {
    if (!this.isMember) this.keyring.add(new Map([[1, this.#random.bytes(32)]]))
    const { token, bundle } = await session.remote.signUp({
      name: VAULT_NAME,
      vaultId: this.#owner.vaultId,
      suite: SUITE,
      salt: SALT,
      authKey: authKey(this.#owner.passwords[0] as string),
      bundle: { version: 1, sealed: this.keyring.toBundle() },
      device: { id: this.id, name: this.title },
      setupToken: undefined,
    })
    this.#adopt(session, token, bundle.version)
  }

  async signOut({ remote }: Session): Promise<void> {
    const { token } = this
    this.token = undefined
    if (token !== undefined) await remote.signOut(token)
  }

  async changePassword({ remote }: Session, password: string): Promise<void> {
    const owner = this.#owner
    const { token } = this
    if (token === undefined) return
    const { bundle } = await remote.credentials(token)
    this.keyring.addBundle(bundle.sealed)
    const current = owner.passwords[0] as string
    // From here on the owner has two to try, until one is known to work.
    owner.passwords = [current, password, ...owner.passwords.slice(1)]
    await remote.changeCredentials(token, {
      currentAuthKey: authKey(current),
      replaces: bundle.version,
      suite: SUITE,
      salt: SALT,
      authKey: authKey(password),
      bundle: { version: bundle.version + 1, sealed: this.keyring.toBundle() },
    })
    owner.passwords = [password, ...owner.passwords.filter((other) => other !== password)]
    this.#fault('passwordChanged')
  }

  /** What a sync calls when it meets an epoch that this home has no key of [KEY-4]. */
  async renewKeys({ vault, remote }: Session): Promise<boolean> {
    const { token, keyring } = this
    if (token === undefined) return false
    const before = keyring.epoch
    const { rotations } = await remote.rotations(token, 1)
    if (!keyring.take(vault.store, toHex(this.id), rotations)) {
      throw new EngineError('needs-password', 'the keys were changed while this device was away')
    }
    if (keyring.epoch > before) this.#fault('keysTakenUp')
    return keyring.epoch > before
  }

  /** Ends another device and opens an epoch [KEY-3]; `sync` gets this one in step. Returns what came of it. */
  async revoke({ vault, remote }: Session, target: Uint8Array, sync: () => Promise<unknown>): Promise<string> {
    const { store } = vault
    for (let tries = 1; tries <= MAX_REVOCATION_TRIES; tries++) {
      await sync()
      const { token, keyring } = this
      if (token === undefined) return 'signed out'
      const { bundle } = await remote.credentials(token)
      keyring.addBundle(bundle.sealed)
      const epoch = keyring.epoch + 1
      const key = this.#random.bytes(32)
      const rotation = {
        author: toHex(sha256(this.id)),
        bundleVersion: bundle.version + 1,
        head: store.meta.get('cursor') ?? 0,
        revoked: [...revokedDevices(store), target].map(toHex),
        closes: closingsNow(store).map(({ replica, counter }) => [toHex(replica), counter] as const),
        key: toHex(key),
        grants: grantees(vault).filter((id) => id !== toHex(target)),
      }
      const current = authKey(this.#owner.passwords[0] as string)
      const next = new Keyring(keyring.keys)
      next.add(new Map([[epoch, key]]))
      try {
        await remote.revoke(token, target, {
          currentAuthKey: current,
          replaces: bundle.version,
          suite: SUITE,
          salt: SALT,
          authKey: current,
          bundle: { version: bundle.version + 1, sealed: next.toBundle() },
          epoch,
          rotation: encodeRotation(rotation),
          head: rotation.head,
          chain: store.meta.get('chain') ?? new Uint8Array(32),
        })
      } catch (error) {
        if (isProblem(error, 'not-found')) return 'no such device, or no more'
        if (!isProblem(error, 'run-changed', 'bundle-conflict')) throw error
        continue
      }
      close(store, epoch - 1, rotation)
      keyring.add(next.keys)
      this.#fault('deviceRevoked')
      return `epoch ${epoch}`
    }
    return 'others kept writing'
  }
}

/** Hexadecimal ids of the devices that the vault knows. */
function grantees(vault: LockstepVault): string[] {
  return vault.query('SELECT id FROM _devices ORDER BY id').map(({ id }) => toHex(fromRowId(String(id))))
}
