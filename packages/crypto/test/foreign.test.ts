import { argon2id } from 'hash-wasm'
import { describe, expect, test } from 'vitest'
import { CryptoError } from '#errors'
import { createGcmOpener, hmacSha256, sha256, verifyArgon2id } from '#foreign'
import { encryptGcm } from '#webcrypto'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const key = new Uint8Array(32).fill(7)
const text = new TextEncoder().encode('some text')

describe('what other programs encrypted', () => {
  test('AES-GCM opens what was sealed and nothing else', async () => {
    const nonce = new Uint8Array(12).fill(1)
    const sealed = await encryptGcm(key, nonce, new Uint8Array(), text)
    const open = await createGcmOpener(key)
    expect(await open(nonce, sealed)).toEqual(text)
    for (const bad of [sealed.with(0, (sealed[0] as number) ^ 1), sealed.subarray(0, 15), new Uint8Array()]) {
      await expect(open(nonce, bad)).rejects.toThrow(CryptoError)
    }
    const other = await createGcmOpener(new Uint8Array(32))
    await expect(other(nonce, sealed)).rejects.toMatchObject({ code: 'bad-ciphertext' })
  })

  test('hashes of parts are hashes of the whole (RFC 4231 case 2, FIPS 180-4 "abc")', () => {
    const utf8 = (part: string) => new TextEncoder().encode(part)
    expect(hex(sha256(utf8('a'), utf8('bc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(hex(hmacSha256(utf8('Jefe'), utf8('what do ya want '), utf8('for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  test('an Argon2id hash tells the right secret from a wrong one, and one that costs too much is not checked', async () => {
    const options = { salt: new Uint8Array(16), parallelism: 1, iterations: 2, memorySize: 256, hashLength: 32 }
    const encoded = await argon2id({ ...options, password: key, outputType: 'encoded' })
    expect(await verifyArgon2id(encoded, key)).toBe(true)
    expect(await verifyArgon2id(encoded, key.with(0, 0))).toBe(false)
    for (const bad of [
      '',
      'secret',
      encoded.replace('argon2id', 'argon2i'),
      encoded.replace('v=19', 'v=16'),
      encoded.replace('m=256', 'm=999999'),
      encoded.replace('t=2', 't=99'),
      encoded.replace('p=1', 'p=64'),
      encoded.replace('m=256', 'm=1'),
      encoded.slice(0, 40),
    ]) {
      expect(await verifyArgon2id(bad, key), bad).not.toBe(true)
      expect(await verifyArgon2id(bad, key), bad).toBe(undefined)
    }
  })
})
