/**
 * The key bundle: every epoch's vault key, sealed with the wrap key [KEY-4].
 *
 *     content = format u8 = 1 ‖ count u16 ‖ count × (epoch u32 ‖ vault key 32)          epochs ascending
 *     AAD     = "lockstep/v1/bundle" ‖ suite u8 (1 pbkdf2, 2 argon2id) ‖ salt 16 ‖ vault id 16 ‖ version u32
 *               ‖ name length u8 ‖ name
 *
 * The AAD is what a server says of a vault before sign-in. A server that lied about any of it (another salt, another suite, an
 * older bundle under a newer version, another vault's bundle) handed over a bundle that does not open. With
 * `pbkdf2-sha256-1200000` no salt is used, so the AAD has 16 zero bytes and what the server says in its place does not matter.
 *
 * Changing a password seals the same vault keys again; nothing else is encrypted anew.
 */
import { type Bytes, checkLength, concat, u32, utf8 } from '#bytes'
import { SUITE_SALT_BYTES, type Suite } from '#derivation'
import { open, seal } from '#envelope'
import { CryptoError } from '#errors'
import { VAULT_ID_BYTES, VAULT_KEY_BYTES } from '#hierarchy'
import type { RandomBytes } from '#random'

const BUNDLE_FORMAT = 1
const ENTRY_BYTES = 4 + VAULT_KEY_BYTES
/** Keeps a sealed bundle below the protocol's 16 KiB. */
export const MAX_BUNDLE_EPOCHS = 400

export interface KeyBundle {
  /** From 1; each write adds one. */
  readonly version: number
  /** Epoch, from 1, to vault key, 32 bytes. Never empty. */
  readonly epochs: ReadonlyMap<number, Uint8Array>
}

/** What the server says of the vault before sign-in. */
export interface BundleContext {
  readonly suite: Suite
  /** 16 bytes; has no effect with `pbkdf2-sha256-1200000`. */
  readonly salt: Uint8Array
  /** 16 bytes. */
  readonly vaultId: Uint8Array
  /** The vault's name, at most 255 bytes of UTF-8. */
  readonly name: string
}

const BUNDLE_LABEL = utf8('lockstep/v1/bundle')
const SUITE_BYTES = { 'pbkdf2-sha256-1200000': 1, 'argon2id-64m-3': 2 } as const satisfies Record<Suite, number>
const NO_SALT = new Uint8Array(SUITE_SALT_BYTES)

function bundleAad({ suite, salt, vaultId, name }: BundleContext, version: number): Bytes {
  if (!Object.hasOwn(SUITE_BYTES, suite)) throw new CryptoError('unknown-suite', 'a key derivation that this release does not know')
  checkLength(salt, SUITE_SALT_BYTES, "the vault's salt")
  checkLength(vaultId, VAULT_ID_BYTES, 'a vault id')
  const nameBytes = utf8(name)
  if (nameBytes.length > 255) throw new CryptoError('bad-argument', `a vault name has ${nameBytes.length} bytes, the most are 255`)
  return concat(
    BUNDLE_LABEL,
    Uint8Array.of(SUITE_BYTES[suite]),
    suite === 'pbkdf2-sha256-1200000' ? NO_SALT : salt,
    vaultId,
    u32(version, "a bundle's version"),
    Uint8Array.of(nameBytes.length),
    nameBytes,
  )
}

function encodeEpochs(epochs: ReadonlyMap<number, Uint8Array>): Bytes {
  if (epochs.size < 1 || epochs.size > MAX_BUNDLE_EPOCHS) {
    throw new CryptoError('bad-argument', `a key bundle has ${epochs.size} epochs; it holds 1 to ${MAX_BUNDLE_EPOCHS}`)
  }
  const parts: Uint8Array[] = [Uint8Array.of(BUNDLE_FORMAT, epochs.size >> 8, epochs.size & 0xff)]
  for (const [epoch, vaultKey] of [...epochs].sort(([a], [b]) => a - b)) {
    checkLength(vaultKey, VAULT_KEY_BYTES, 'a vault key')
    parts.push(u32(epoch, 'an epoch'), vaultKey)
  }
  return concat(...parts)
}

function decodeEpochs(content: Bytes): Map<number, Uint8Array> {
  const malformed = (what: string) => new CryptoError('malformed-bundle', `the key bundle is authentic but ${what}`)
  const [format, high, low] = content
  if (format === undefined || high === undefined || low === undefined) throw malformed('too short')
  if (format !== BUNDLE_FORMAT) {
    throw new CryptoError('unknown-version', `the key bundle has format ${format}, this release reads ${BUNDLE_FORMAT}`)
  }
  const count = (high << 8) | low
  if (count < 1) throw malformed('holds no key')
  if (content.length !== 3 + count * ENTRY_BYTES) throw malformed(`its length does not fit its ${count} epochs`)
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
  const epochs = new Map<number, Uint8Array>()
  let previous = 0
  for (let at = 3; at < content.length; at += ENTRY_BYTES) {
    const epoch = view.getUint32(at)
    if (epoch <= previous) throw malformed('its epochs do not ascend')
    epochs.set(epoch, content.slice(at + 4, at + ENTRY_BYTES))
    previous = epoch
  }
  return epochs
}

export interface SealBundleInput {
  readonly wrapKey: Uint8Array
  readonly context: BundleContext
  readonly bundle: KeyBundle
  readonly random: RandomBytes
}

/** @throws CryptoError `bad-argument`, `unknown-suite`, `unavailable`. */
export async function sealBundle({ wrapKey, context, bundle, random }: SealBundleInput): Promise<Bytes> {
  return seal(wrapKey, bundleAad(context, bundle.version), encodeEpochs(bundle.epochs), random)
}

export interface OpenBundleInput {
  readonly wrapKey: Uint8Array
  readonly context: BundleContext
  /** As the server says it. */
  readonly version: number
  readonly sealed: Uint8Array
}

/**
 * @throws CryptoError `bad-commitment`: the password or passphrase is wrong (or the bundle belongs to other ones).
 *   `bad-ciphertext`: they are right, but what the server said of the vault, or the bundle itself, was altered.
 *   `truncated`, `unknown-version`, `bad-padding`, `malformed-bundle`, `bad-argument`, `unknown-suite`, `unavailable`.
 */
export async function openBundle({ wrapKey, context, version, sealed }: OpenBundleInput): Promise<KeyBundle> {
  const content = await open(wrapKey, bundleAad(context, version), sealed).catch((error: unknown) => {
    throw explain(error)
  })
  return { version, epochs: decodeEpochs(content) }
}

/** The same code, in words for the person who is signing in. */
function explain(error: unknown): unknown {
  if (!(error instanceof CryptoError)) return error
  if (error.code === 'bad-commitment') {
    return new CryptoError('bad-commitment', 'the key bundle does not open with this password and passphrase', { cause: error })
  }
  if (error.code === 'bad-ciphertext') {
    return new CryptoError('bad-ciphertext', 'what the server says of this vault is not what its devices wrote', { cause: error })
  }
  return error
}
