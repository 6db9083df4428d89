/**
 * How Dataans seals an operation or a file.
 *
 *     nonce 12 ‖ AES-256-GCM(key, nonce, plaintext) ‖ tag 16 ‖ HMAC-SHA-256(key, nonce ‖ plaintext) 32
 *
 *     key = PBKDF2-HMAC-SHA-256(SHA-256(password), SHA-256(passphrase), 1 200 000, 32)
 *
 * The key is derived as for a vault of ours with a passphrase. Both the tag and the HMAC are checked.
 */
import { equalInConstantTime } from '@lockstep/crypto/bytes'
import { rootFromPassphrase } from '@lockstep/crypto/derivation'
import { createGcmOpener, hmacSha256, verifyArgon2id } from '@lockstep/crypto/foreign'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const HMAC_BYTES = 32
/** What sealing adds to the plaintext. */
const ENVELOPE_BYTES = NONCE_BYTES + TAG_BYTES + HMAC_BYTES

export interface DataansKey {
  /** Undefined where the envelope was not sealed with this key, or was altered. */
  readonly open: (envelope: Uint8Array) => Promise<Uint8Array | undefined>
  /** Whether the server's `secretKeyHash` is of this key; undefined where that is no hash that can be checked. */
  readonly fits: (secretKeyHash: string) => Promise<boolean | undefined>
}

/** Takes a second: the derivation is slow on purpose. */
export async function deriveDataansKey(password: string, passphrase: string): Promise<DataansKey> {
  return dataansKey(await rootFromPassphrase(password, passphrase))
}

/** @param key 32 bytes. */
export async function dataansKey(key: Uint8Array): Promise<DataansKey> {
  const openGcm = await createGcmOpener(key)
  return {
    fits: (secretKeyHash) => verifyArgon2id(secretKeyHash, key),
    open: async (envelope) => {
      if (envelope.length < ENVELOPE_BYTES) return undefined
      const nonce = envelope.subarray(0, NONCE_BYTES)
      const ciphertext = envelope.subarray(NONCE_BYTES, envelope.length - HMAC_BYTES)
      const plaintext = await openGcm(nonce, ciphertext).catch(() => undefined)
      if (plaintext === undefined) return undefined
      const mac = envelope.subarray(envelope.length - HMAC_BYTES)
      return equalInConstantTime(mac, hmacSha256(key, nonce, plaintext)) ? plaintext : undefined
    },
  }
}
