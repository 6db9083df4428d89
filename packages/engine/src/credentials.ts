/**
 * What a password opens and closes: the vault's key bundle, and the changes to it that a server takes by compare-and-set [KEY-4].
 *
 * A change may be made and its answer lost. Before the server is told, the profile notes what would tell the change from any
 * other (the new bundle's salt) and the new passphrase beside the old one; {@link settleChange} finds out which of them holds.
 */
import { openBundle, sealBundle } from '@lockstep/crypto/bundle'
import { deriveRootKey, type RootKey, type Suite } from '@lockstep/crypto/derivation'
import { CryptoError } from '@lockstep/crypto/errors'
import { deriveAuthKey, deriveWrapKey } from '@lockstep/crypto/hierarchy'
import { canonicalPassphrase } from '@lockstep/crypto/passphrase'
import { equalBytes } from '@lockstep/protocol/bytes'
import type { Credentials } from '@lockstep/protocol/http'
import { EngineError } from '#errors'
import { type EpochMap, type Identity, joinEpochs } from '#identity'
import type { Remote } from '#remote'
import type { Profile } from '#secrets'
import { isRefusal } from '#server-problem'
import type { SignInRequest } from '#sign-in'

/** With a passphrase no salt is used; on the wire and in the AAD it is zeros. */
export const NO_SALT: Uint8Array = new Uint8Array(16)
/** So long a request whose answer was lost may still be on its way. Milliseconds. */
const STILL_POSSIBLE = 10 * 60_000

export interface Typed {
  readonly password: string
  /** As typed or stored; undefined in a vault without one. */
  readonly passphrase: string | undefined
  /** 16 bytes. */
  readonly salt: Uint8Array
}

export interface Root extends Typed {
  readonly suite: Suite
  readonly key: RootKey
}

/** Slow by design. The suite follows from what the person says, never from a server [KEY-5]. @throws CryptoError */
export async function deriveRoot({ password, passphrase, salt }: Typed): Promise<Root> {
  if (passphrase === undefined) {
    const suite = 'argon2id-64m-3'
    return { password, passphrase, salt, suite, key: await deriveRootKey({ suite, password, salt }) }
  }
  const suite = 'pbkdf2-sha256-1200000'
  const canonical = canonicalPassphrase(passphrase)
  const key = await deriveRootKey({ suite, password, passphrase: canonical })
  return { password, passphrase: canonical, salt: NO_SALT, suite, key }
}

/** What the person typed, or what this device holds: both of two where it is unknown which is the vault's. */
export function passphrasesFor(
  { passphrase }: Pick<SignInRequest, 'passphrase'>,
  profile: Pick<Profile, 'passphrase' | 'change'> | undefined,
): string[] {
  const candidates = passphrase === undefined ? [profile?.passphrase, profile?.change?.passphrase] : [passphrase]
  return [...new Set(candidates.filter((candidate) => candidate !== undefined).map(canonicalPassphrase))]
}

export function forgedHeader(cause?: unknown): EngineError {
  return new EngineError(
    'vault-header-forged',
    'the server accepted the password but handed out keys that do not fit it: this server must not be trusted',
    { cause },
  )
}

export interface StoredBundle {
  readonly vaultId: Uint8Array
  readonly name: string
  readonly version: number
  readonly sealed: Uint8Array
}

/** The vault keys; undefined where `root` is not the one that it was sealed with. @throws EngineError `vault-header-forged` */
export async function openWith(
  { suite, salt, key }: Root,
  { vaultId, name, version, sealed }: StoredBundle,
): Promise<EpochMap | undefined> {
  try {
    const wrapKey = deriveWrapKey(key, vaultId)
    return (await openBundle({ wrapKey, context: { suite, salt, vaultId, name }, version, sealed })).epochs
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'bad-commitment') return undefined
    throw error instanceof CryptoError ? forgedHeader(error) : error
  }
}

/** The part of a request that makes `root` the one that opens the vault. */
export async function sealFor(
  identity: Identity,
  { suite, salt, key }: Root,
  bundle: { readonly version: number; readonly epochs: EpochMap; readonly vaultId: Uint8Array; readonly name: string },
) {
  const { version, epochs, vaultId, name } = bundle
  const context = { suite, salt, vaultId, name }
  const { random } = identity.store.runtime
  const sealed = await sealBundle({ wrapKey: deriveWrapKey(key, vaultId), context, bundle: { version, epochs }, random })
  return { suite, salt, authKey: deriveAuthKey(key, vaultId), bundle: { version, sealed } }
}

export interface Unlocked {
  /** As the server has them. */
  readonly credentials: Credentials
  readonly root: Root
  /** All that the server's bundle or this device holds. */
  readonly epochs: EpochMap
  /** The server's bundle is older than one that this device has seen: it was restored from a backup, or lies. */
  readonly rolledBack: boolean
}

export interface Unlocking {
  readonly identity: Identity
  readonly remote: Remote
  readonly token: string
  readonly password: string
  /** Where this device does not hold it. */
  readonly passphrase?: string | undefined
}

/**
 * Reads the credentials as the server has them and opens them with what the person typed.
 * @throws EngineError `wrong-credentials`, `vault-header-forged`, `server-diverged`, `needs-password`, `offline`
 */
export async function unlock({ identity, remote, token, password, passphrase }: Unlocking): Promise<Unlocked> {
  const vaultId = identity.vaultId()
  const credentials = await remote.credentials(token)
  const { suite, salt, bundle } = credentials
  if (!equalBytes(credentials.vaultId, vaultId)) throw forgedHeader()
  const rolledBack = bundle.version < identity.bundleVersionSeen()
  const { profile } = identity
  const candidates =
    profile.passwordOnly === true
      ? [undefined]
      : [...new Set(passphrase === undefined ? [profile.passphrase, profile.change?.passphrase] : [passphrase])].filter(
          (candidate) => candidate !== undefined,
        )
  if (candidates.length === 0) throw new EngineError('wrong-credentials', 'the current passphrase is needed: give it, too')
  for (const candidate of candidates) {
    const root = await deriveRoot({ password, passphrase: candidate, salt })
    const opened = await openWith(root, { vaultId, name: profile.vault ?? '', ...bundle })
    if (opened === undefined) continue
    if (root.suite !== suite) throw forgedHeader()
    return { credentials, root, epochs: joinEpochs(identity.vaultKeys, opened), rolledBack }
  }
  throw new EngineError(
    'wrong-credentials',
    rolledBack
      ? 'the current password or passphrase is wrong; the server was restored from an old backup, so it may be the one from before the last change'
      : 'the current password or passphrase is wrong',
  )
}

/** Above all versions that this device has seen and that the server has. */
export function nextBundleVersion(identity: Identity, credentials: Credentials): number {
  return Math.max(identity.bundleVersionSeen(), credentials.bundle.version) + 1
}

export interface Submission {
  readonly identity: Identity
  readonly remote: Remote
  readonly token: string
  /** What opens the vault once the server has taken the change. */
  readonly root: Root
  readonly bundle: { readonly version: number; readonly sealed: Uint8Array }
  readonly send: () => Promise<unknown>
}

/**
 * Tells the server of a change and returns once it is known to be made.
 * @throws ServerProblem where it was refused; EngineError `offline` where that could not be found out
 */
export async function submitChange({ identity, remote, token, root, bundle, send }: Submission): Promise<void> {
  const since = Math.floor(identity.store.runtime.now())
  const change = { passphrase: root.passphrase, bundleVersion: bundle.version, bundleSalt: bundle.sealed.slice(1, 33), since }
  await identity.changeProfile({ change })
  try {
    await send()
  } catch (error) {
    if (isRefusal(error)) {
      await identity.changeProfile({ change: undefined })
      throw error
    }
    const outcome = await settleChange({ identity, remote, token }).catch(() => 'unknown')
    if (outcome === 'made') return
    throw new EngineError(
      'offline',
      'the connection broke off before the server had answered: whether the change was made is found out with the next sync',
      { cause: error },
    )
  }
  await adoptChange(identity)
}

/** The change that the profile notes has been made. */
async function adoptChange(identity: Identity): Promise<void> {
  const { change } = identity.profile
  if (change === undefined) return
  const { store } = identity
  store.write('remote', () => store.meta.set('bundleVersion', Math.max(change.bundleVersion, store.meta.get('bundleVersion') ?? 0)))
  await identity.changeProfile({ passphrase: change.passphrase, change: undefined })
}

/**
 * Asks the server whether a change whose answer was lost has been made. Where somebody has changed the bundle since, only the
 * password can tell: the note stays until the next one is typed.
 */
export async function settleChange({
  identity,
  remote,
  token,
}: Pick<Submission, 'identity' | 'remote' | 'token'>): Promise<'made' | 'not-made' | 'unknown'> {
  const { change } = identity.profile
  if (change === undefined) return 'not-made'
  const { bundle } = await remote.credentials(token)
  if (bundle.version > change.bundleVersion) {
    await identity.changeProfile({ change: { ...change, asked: true } })
    return 'unknown'
  }
  if (equalBytes(bundle.sealed.subarray(1, 33), change.bundleSalt)) {
    await adoptChange(identity)
    return 'made'
  }
  const late = identity.store.runtime.now() - change.since > STILL_POSSIBLE
  if (bundle.version < change.bundleVersion && !late) return 'unknown'
  await identity.changeProfile({ change: undefined })
  return 'not-made'
}
