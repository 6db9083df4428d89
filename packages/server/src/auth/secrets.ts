/**
 * Secrets the server hands out and checks. It stores none of them: tokens, cookies and auth keys are kept as SHA-256.
 * All three are 32 random or derived bytes, so a fast hash without salt is enough; nothing here is guessable.
 *
 * An unknown name takes the same steps as a known one: one hash, one comparison in constant time, one HMAC for the
 * made-up header [KEY-10]. The hash functions are parameters so that a test can count the steps.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { concatBytes, encodeUtf8, toBase64Url } from '@lockstep/protocol/bytes'
import { SUITES, type VaultHeader } from '@lockstep/protocol/http'

export interface Hashing {
  sha256(bytes: Uint8Array): Uint8Array
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array
}

export const nodeHashing: Hashing = {
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  hmacSha256: (key, bytes) => createHmac('sha256', key).update(bytes).digest(),
}

const TOKEN_BYTES = 32
const NO_SALT = new Uint8Array(16)

export interface Secrets {
  newToken(): { readonly token: string; readonly hash: Uint8Array }
  newCookie(): Uint8Array
  /** SHA-256, of a token's text or of a cookie's or auth key's bytes. */
  hash(secret: Uint8Array): Uint8Array
  /** HMAC under the server's own key. */
  keyed(message: Uint8Array): Uint8Array
  /** False for an unknown vault (`stored` undefined), after the same steps. */
  checkAuthKey(authKey: Uint8Array, stored: Uint8Array | undefined): boolean
  /** Compares texts of any length without telling where they differ. */
  sameText(given: string, expected: string): boolean
  /** What a sign-in to this name is told: the vault's header, or a made-up one that is the same at each call. */
  header(name: string, vault: VaultHeader | undefined): VaultHeader
}

export interface SecretsOptions {
  readonly hashing: Hashing
  /** 32 bytes, from the database. */
  readonly serverSecret: Uint8Array
  readonly random: (length: number) => Uint8Array
}

export function createSecrets({ hashing, serverSecret, random }: SecretsOptions): Secrets {
  const { sha256 } = hashing
  const keyed = (message: Uint8Array) => hashing.hmacSha256(serverSecret, message)
  // Compared with when there is nothing to compare with; nobody knows a preimage.
  const nobody = keyed(encodeUtf8('auth-hash/nobody'))

  return {
    newToken() {
      const token = toBase64Url(random(TOKEN_BYTES))
      return { token, hash: sha256(encodeUtf8(token)) }
    },
    newCookie: () => random(TOKEN_BYTES),
    hash: sha256,
    keyed,
    checkAuthKey(authKey, stored) {
      const same = timingSafeEqual(sha256(authKey), stored ?? nobody)
      return same && stored !== undefined
    },
    sameText: (given, expected) => timingSafeEqual(keyed(encodeUtf8(given)), keyed(encodeUtf8(expected))),
    header(name, vault) {
      const made = keyed(concatBytes(encodeUtf8('header/'), encodeUtf8(name)))
      const madeUp: VaultHeader = {
        vaultId: made.slice(0, 16),
        suite: SUITES[(made[31] as number) % SUITES.length] ?? SUITES[0],
        salt: keyed(concatBytes(encodeUtf8('salt/'), encodeUtf8(name))).slice(0, 16),
      }
      const { vaultId, suite, salt } = vault ?? madeUp
      // This suite has no salt [KEY-4]: whatever a client stored must not tell a real vault from a made-up one.
      return { vaultId, suite, salt: suite === 'pbkdf2-sha256-1200000' ? NO_SALT : salt }
    },
  }
}
