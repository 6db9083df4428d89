/**
 * X25519 key pairs (RFC 7748) [KEY-2]. Any 32 bytes are a private key: they are clamped where they are used, and kept as they are.
 */
import { x25519 } from '@noble/curves/ed25519.js'
import { checkLength } from '#bytes'
import { type RandomBytes, takeRandom } from '#random'

const DEVICE_KEY_BYTES = 32

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
