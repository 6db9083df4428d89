/**
 * X25519 key pairs (RFC 7748) [KEY-2]. Any 32 bytes are a private key: they are clamped where they are used, and kept as they are.
 *
 * A device's id follows from its public key. Public keys travel in a table that every device of the vault can write: were ids of their
 * own, one device could put its key in another's place, and be handed the next vault key after it was revoked itself.
 */
import { x25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { checkLength, concat, utf8 } from '#bytes'
import { CryptoError } from '#errors'
import { type RandomBytes, takeRandom } from '#random'

export const DEVICE_KEY_BYTES = 32
export const DEVICE_ID_BYTES = 16

const DEVICE_LABEL = utf8('lockstep/v1/device')

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 32 bytes. */
  readonly privateKey: Uint8Array
}

/** @param privateKey 32 bytes. @throws CryptoError `bad-argument`. */
export function keyPairOf(privateKey: Uint8Array): KeyPair {
  checkLength(privateKey, DEVICE_KEY_BYTES, 'a private key')
  return { publicKey: x25519.getPublicKey(privateKey), privateKey }
}

/** A device's key pair, made when its home is made. @throws CryptoError `bad-argument` when the random source falls short. */
export function generateDeviceKey(random: RandomBytes): KeyPair {
  return keyPairOf(takeRandom(random, DEVICE_KEY_BYTES))
}

/** The first 16 bytes of `SHA-256("lockstep/v1/device" ‖ public key)`. @throws CryptoError `bad-argument`. */
export function deviceIdOf(publicKey: Uint8Array): Uint8Array {
  checkLength(publicKey, DEVICE_KEY_BYTES, 'a public key')
  return sha256(concat(DEVICE_LABEL, publicKey)).slice(0, DEVICE_ID_BYTES)
}

/**
 * X25519. A public key of small order would make the same secret with everybody, known to all, and is refused.
 *
 * @throws CryptoError `bad-argument`, `bad-public-key`.
 */
export function sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  checkLength(privateKey, DEVICE_KEY_BYTES, 'a private key')
  checkLength(publicKey, DEVICE_KEY_BYTES, 'a public key')
  try {
    return x25519.getSharedSecret(privateKey, publicKey)
  } catch (cause) {
    throw new CryptoError('bad-public-key', 'a public key makes no secret with any other key', { cause })
  }
}
