/**
 * What importers need to open what other programs encrypted. Nothing of ours is sealed with these: that is the envelope's
 * (envelope.ts), which binds a message to its place and its key.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as startSha256 } from '@noble/hashes/sha2.js'
import { argon2Verify } from 'hash-wasm'
import { type Bytes, own } from '#bytes'
import { CryptoError } from '#errors'
import { GCM_TAG_BYTES } from '#webcrypto'

/** @throws CryptoError `bad-ciphertext` */
export type GcmOpener = (nonce: Uint8Array, ciphertext: Uint8Array) => Promise<Bytes>

/** AES-256-GCM without AAD, ciphertext ‖ tag, for many messages under one key: it is imported once. */
export async function createGcmOpener(key: Uint8Array): Promise<GcmOpener> {
  const provider = globalThis.crypto?.subtle
  if (provider === undefined) throw new CryptoError('unavailable', 'WebCrypto is not available here')
  const imported = await provider.importKey('raw', own(key), 'AES-GCM', false, ['decrypt'])
  return async (nonce, ciphertext) => {
    try {
      const parameters = { name: 'AES-GCM', iv: own(nonce), tagLength: GCM_TAG_BYTES * 8 }
      return new Uint8Array(await provider.decrypt(parameters, imported, own(ciphertext)))
    } catch (cause) {
      throw new CryptoError('bad-ciphertext', 'the ciphertext was altered, or the key is another', { cause })
    }
  }
}

/** HMAC-SHA-256 over the parts as one message. 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Bytes {
  const running = hmac.create(startSha256, key)
  for (const part of parts) running.update(part)
  return own(running.digest())
}

/** Over the parts as one message. 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  const running = startSha256.create()
  for (const part of parts) running.update(part)
  return own(running.digest())
}

/** A PHC string of Argon2id, version 19. Source: https://github.com/P-H-C/phc-string-format */
const ARGON2ID = /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}$/
/** KiB, passes and lanes: whoever hands over the string must not choose what checking it costs. */
const MOST_MEMORY = 256 * 1024
const MOST_PASSES = 16
const MOST_LANES = 8

/** Whether `secret` is what was hashed; undefined where the string is no Argon2id hash, or one that costs too much to check. */
export async function verifyArgon2id(encoded: string, secret: Uint8Array): Promise<boolean | undefined> {
  const [matched, memory, passes, lanes] = ARGON2ID.exec(encoded) ?? []
  if (matched === undefined) return undefined
  if (Number(memory) > MOST_MEMORY || Number(passes) > MOST_PASSES || Number(lanes) > MOST_LANES) return undefined
  try {
    return await argon2Verify({ password: secret, hash: encoded })
  } catch {
    return undefined
  }
}
