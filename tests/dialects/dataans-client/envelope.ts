/**
 * What leaves the device of an operation or a file: `nonce (12) ‖ AES-256-GCM of the content with its tag (16) ‖
 * HMAC-SHA-256(key, nonce ‖ content) (32)`.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const MAC_BYTES = 32

/** An envelope that this key did not seal, or that changed on its way. */
export class EnvelopeError extends Error {}

const macOf = (key: Uint8Array, nonce: Uint8Array, content: Uint8Array) =>
  createHmac('sha256', key).update(nonce).update(content).digest()

export function seal(key: Uint8Array, content: Uint8Array, nonce: Uint8Array = randomBytes(NONCE_BYTES)): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const sealed = [cipher.update(content), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat([nonce, ...sealed, macOf(key, nonce, content)])
}

/** @throws EnvelopeError */
export function open(key: Uint8Array, envelope: Uint8Array): Buffer {
  if (envelope.length < NONCE_BYTES + TAG_BYTES + MAC_BYTES) throw new EnvelopeError('the envelope is too short')
  const nonce = envelope.subarray(0, NONCE_BYTES)
  const tagAt = envelope.length - MAC_BYTES - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(envelope.subarray(tagAt, tagAt + TAG_BYTES))
  let content: Buffer
  try {
    content = Buffer.concat([decipher.update(envelope.subarray(NONCE_BYTES, tagAt)), decipher.final()])
  } catch (error) {
    throw new EnvelopeError('the envelope does not open', { cause: error })
  }
  if (!timingSafeEqual(macOf(key, nonce, content), envelope.subarray(tagAt + TAG_BYTES))) {
    throw new EnvelopeError('the envelope has a wrong HMAC')
  }
  return content
}
