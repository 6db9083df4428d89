/**
 * From the person's password and passphrase to the key of everything, and the hash of that key that the server keeps for the
 * next device to check itself against.
 *
 * ```
 * key = PBKDF2-HMAC-SHA-256(SHA-256(password), SHA-256(passphrase), 1 200 000, 32 bytes)
 * secretKeyHash = argon2id PHC string of the key, v=19, m=19456, t=2, p=1
 * ```
 */
import { argon2Sync, createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const ITERATIONS = 1_200_000
const KEY_BYTES = 32
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest()

export function deriveKey(password: string, passphrase: string): Promise<Buffer> {
  return promisify(pbkdf2)(sha256(password), sha256(passphrase), ITERATIONS, KEY_BYTES, 'sha256')
}

const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

export function hashKey(key: Uint8Array, salt: Uint8Array = randomBytes(16)): string {
  const { memory, passes, parallelism } = COST
  const digest = argon2Sync('argon2id', { message: key, nonce: salt, memory, passes, parallelism, tagLength: 32 })
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(digest)}`
}

/** Whether a hash that the server keeps is that of this key. @throws TypeError when it is no argon2id PHC string. */
export function isHashOfKey(phc: string, key: Uint8Array): boolean {
  const [, memory, passes, parallelism, salt = '', digest = ''] = PHC.exec(phc) ?? []
  if (memory === undefined) throw new TypeError('the server keeps no argon2id PHC string')
  const expected = Buffer.from(digest, 'base64')
  const found = argon2Sync('argon2id', {
    message: key,
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  })
  return timingSafeEqual(found, expected)
}

/** What the first device makes up when the person gives none. */
export function makePassphrase(): string {
  return Array.from({ length: 5 }, () => randomBytes(5).toString('hex')).join('-')
}
