/** WebCrypto as this package uses it, with its failures made into CryptoErrors. */
import { type Bytes, own } from '#bytes'
import { CryptoError } from '#errors'

/** Browsers offer WebCrypto only in secure contexts (https, or http on localhost). */
function subtle(): SubtleCrypto {
  const provider = globalThis.crypto?.subtle
  if (provider === undefined) {
    throw new CryptoError('unavailable', 'WebCrypto is not available here; in a browser, open the page through https or localhost')
  }
  return provider
}

type SubtleCrypto = typeof globalThis.crypto.subtle

export const GCM_TAG_BYTES = 16

/** AES-GCM (NIST SP 800-38D) with a 16-byte tag. Returns ciphertext ‖ tag. */
export async function encryptGcm(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Bytes): Promise<Bytes> {
  const provider = subtle()
  try {
    const imported = await provider.importKey('raw', own(key), 'AES-GCM', false, ['encrypt'])
    const parameters = { name: 'AES-GCM', iv: own(nonce), additionalData: own(aad), tagLength: GCM_TAG_BYTES * 8 }
    return new Uint8Array(await provider.encrypt(parameters, imported, plaintext))
  } catch (cause) {
    throw new CryptoError('unavailable', 'AES-GCM encryption failed', { cause })
  }
}

/** @throws CryptoError `bad-ciphertext` when the tag does not fit key, nonce, AAD and ciphertext. */
export async function decryptGcm(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Promise<Bytes> {
  const provider = subtle()
  try {
    const imported = await provider.importKey('raw', own(key), 'AES-GCM', false, ['decrypt'])
    const parameters = { name: 'AES-GCM', iv: own(nonce), additionalData: own(aad), tagLength: GCM_TAG_BYTES * 8 }
    return new Uint8Array(await provider.decrypt(parameters, imported, own(ciphertext)))
  } catch (cause) {
    throw new CryptoError('bad-ciphertext', 'the ciphertext, or what it is bound to, was altered', { cause })
  }
}

/** PBKDF2-HMAC-SHA-256 (RFC 8018). */
export async function pbkdf2Sha256(password: Uint8Array, salt: Uint8Array, iterations: number, length: number): Promise<Bytes> {
  const provider = subtle()
  try {
    const imported = await provider.importKey('raw', own(password), 'PBKDF2', false, ['deriveBits'])
    const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: own(salt), iterations }
    return new Uint8Array(await provider.deriveBits(parameters, imported, length * 8))
  } catch (cause) {
    throw new CryptoError('unavailable', 'PBKDF2 failed', { cause })
  }
}
