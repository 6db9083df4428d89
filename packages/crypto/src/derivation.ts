/**
 * From what a person knows to the root key [KEY-5].
 *
 * | suite                   | for                     | root key                                                                   |
 * | ----------------------- | ----------------------- | -------------------------------------------------------------------------- |
 * | `pbkdf2-sha256-1200000` | password and passphrase | PBKDF2-HMAC-SHA-256(SHA-256(password), SHA-256(passphrase), 1 200 000, 32) |
 * | `argon2id-64m-3`        | password alone          | Argon2id v1.3(password, salt, 64 MiB, 3 passes, 1 lane, 32)                |
 *
 * The list is closed and its parameters are constants here: a server names a suite and hands over a salt, but it cannot make
 * a derivation cheaper. Nor can it choose the weaker kind: the *person* says whether there is a passphrase, and a suite that does
 * not fit is refused before anything is derived. The first suite gets its strength from the passphrase (128 bits when generated)
 * and is, bit for bit, the one of Dataans; the second has only the password and so costs memory.
 *
 * Password and passphrase are UTF-8 as typed, not normalised.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { argon2id } from 'hash-wasm'
import { checkLength, utf8 } from '#bytes'
import { CryptoError } from '#errors'
import { canonicalPassphrase } from '#passphrase'
import { pbkdf2Sha256 } from '#webcrypto'

export const SUITES = ['pbkdf2-sha256-1200000', 'argon2id-64m-3'] as const
export type Suite = (typeof SUITES)[number]

const ROOT_KEY_BYTES = 32
export const SUITE_SALT_BYTES = 16

declare const rootKey: unique symbol
/** 32 bytes; everything else follows from it. Held only while signing in, never stored [KEY-1]. */
export type RootKey = Uint8Array & { readonly [rootKey]: true }

const PBKDF2_ITERATIONS = 1_200_000
const ARGON2ID = { memorySize: 64 * 1024, iterations: 3, parallelism: 1 } as const

export interface DerivationInput {
  /** As the server or the person names it; anything outside {@link SUITES} is refused. */
  readonly suite: string
  readonly password: string
  /** Present exactly when the person says that the vault has one. */
  readonly passphrase?: string | undefined
  /** The header's 16 bytes. Needed for `argon2id-64m-3`, ignored by `pbkdf2-sha256-1200000`. */
  readonly salt?: Uint8Array | undefined
}

/**
 * @throws CryptoError `unknown-suite`, `password-required`, `passphrase-required`, `passphrase-unused`; `bad-argument` for a salt that
 *   is missing or not 16 bytes; `unavailable`. All but the last before any derivation is started.
 */
export async function deriveRootKey({ suite, password, passphrase, salt }: DerivationInput): Promise<RootKey> {
  if (password === '') throw new CryptoError('password-required', 'the password is empty')
  switch (suite as Suite) {
    case 'pbkdf2-sha256-1200000':
      if (passphrase === undefined || passphrase === '') {
        throw new CryptoError('passphrase-required', 'this vault opens with a password and a passphrase; give both')
      }
      return rootFromPassphrase(password, canonicalPassphrase(passphrase))
    case 'argon2id-64m-3':
      if (passphrase !== undefined) {
        throw new CryptoError(
          'passphrase-unused',
          'the server says that this vault has no passphrase; do not go on unless you made it with a password only',
        )
      }
      if (salt === undefined) throw new CryptoError('bad-argument', 'a password-only vault needs the salt of its header')
      return rootFromPasswordOnly(password, salt)
    default:
      throw new CryptoError('unknown-suite', 'the server names a key derivation that this release does not know')
  }
}

/** Suite `pbkdf2-sha256-1200000`. Takes both texts exactly as they are. @throws CryptoError `unavailable`. */
export async function rootFromPassphrase(password: string, passphrase: string): Promise<RootKey> {
  const root = await pbkdf2Sha256(sha256(utf8(password)), sha256(utf8(passphrase)), PBKDF2_ITERATIONS, ROOT_KEY_BYTES)
  return root as Uint8Array as RootKey
}

/**
 * Suite `argon2id-64m-3` (RFC 9106), in WebAssembly: 64 MiB for a fraction of a second.
 *
 * @param salt 16 bytes.
 * @throws CryptoError `password-required`, `bad-argument`, `unavailable`.
 */
export async function rootFromPasswordOnly(password: string, salt: Uint8Array): Promise<RootKey> {
  if (password === '') throw new CryptoError('password-required', 'the password is empty')
  checkLength(salt, SUITE_SALT_BYTES, 'the salt of a password-only vault')
  try {
    const root = await argon2id({ ...ARGON2ID, password: utf8(password), salt, hashLength: ROOT_KEY_BYTES, outputType: 'binary' })
    return root as RootKey
  } catch (cause) {
    throw new CryptoError('unavailable', 'Argon2id could not run; it needs WebAssembly and 64 MiB of memory', { cause })
  }
}
