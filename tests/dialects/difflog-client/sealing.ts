/**
 * What the web app does to secrets and contents before they leave the device, and the hash by which two devices see that they
 * hold the same.
 *
 * ```
 * transport hash  = salt ":" base64(SHA-256(salt ‖ password)), salt the base64 of 16 random bytes, as text
 * content key     = PBKDF2-HMAC-SHA-256(password, encryption salt, 100 000, 32 bytes)
 * encrypted data  = base64(iv (12) ‖ AES-256-GCM of the JSON with its tag (16))
 * collection hash = base64(SHA-256(items in order of id, each as JSON with its keys in order, joined by "|"))
 * ```
 * The encryption salt travels in base64. A public diff is not encrypted: its data is its JSON.
 */
import { createCipheriv, createDecipheriv, createHash, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const ITERATIONS = 100_000
const IV_BYTES = 12
const TAG_BYTES = 16

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('base64')

export function makeSalt(): string {
  return randomBytes(16).toString('base64')
}

export function transportHash(password: string, salt: string): string {
  return `${salt}:${sha256(salt + password)}`
}

/** @param salt the encryption salt, in base64 */
export function contentKey(password: string, salt: string): Promise<Buffer> {
  return promisify(pbkdf2)(password, Buffer.from(salt, 'base64'), ITERATIONS, 32, 'sha256')
}

export function encrypt(key: Uint8Array, value: unknown, iv: Uint8Array = randomBytes(IV_BYTES)): string {
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const sealed = [cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat([iv, ...sealed]).toString('base64')
}

/** @throws Error when another key sealed it. */
export function decrypt(key: Uint8Array, data: string): unknown {
  if (data.startsWith('{')) return JSON.parse(data)
  const bytes = Buffer.from(data, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
  const content = [decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES)), decipher.final()]
  return JSON.parse(Buffer.concat(content).toString('utf8'))
}

/** A second argument of `JSON.stringify` that is a list also picks the members of objects further in: as the web app does it. */
export function collectionHash(items: readonly { readonly id: string }[]): string {
  const sorted = [...items].sort((a, b) => a.id.localeCompare(b.id))
  return sha256(sorted.map((item) => JSON.stringify(item, Object.keys(item).sort())).join('|'))
}
