/**
 * G12: Wycheproof against the primitives exactly as this package calls them. The numbers of cases are asserted, so that a
 * file that shrinks or a filter that swallows cases is noticed.
 */
import { x25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { decryptGcm, encryptGcm, pbkdf2Sha256 } from '#webcrypto'
import { codeOf } from './support/expect-code.ts'
import { hex, unhex } from './support/reference.ts'
import { wycheproof } from './support/wycheproof.ts'

const gcmGroups = wycheproof<{ key: string; iv: string; aad: string; msg: string; ct: string; tag: string }>('aes_gcm_test.json')
const hkdfGroups = wycheproof<{ ikm: string; salt: string; info: string; size: number; okm: string }>('hkdf_sha256_test.json')
const hmacGroups = wycheproof<{ key: string; msg: string; tag: string }>('hmac_sha256_test.json')
const pbkdf2Groups = wycheproof<{ password: string; salt: string; iterationCount: number; dkLen: number; dk: string }>(
  'pbkdf2_hmacsha256_test.json',
)
const x25519Groups = wycheproof<{ public: string; private: string; shared: string }>('x25519_test.json')

describe('[ENV-1] Wycheproof', () => {
  // A browser need not have AES with 192 bits, and Chromium has not; what is sealed here has 256.
  test.skipIf(!gcmGroups).each([
    ['133 cases with keys of 128 and 256 bits, 79 valid and 54 invalid', [128, 256], { valid: 79, invalid: 54 }],
    ['64 cases with keys of 192 bits, 37 valid and 27 invalid', [192], { valid: 37, invalid: 27 }],
  ] as const)('[ENV-1] AES-GCM with 96-bit nonces: all %s', async (_about, sizes: readonly number[], cases) => {
    const count = { valid: 0, invalid: 0 }
    for (const group of gcmGroups ?? []) {
      if (group.ivSize !== 96 || group.keySize === undefined || !sizes.includes(group.keySize)) continue
      expect(group.tagSize).toBe(128)
      for (const item of group.tests) {
        const [key, nonce, aad] = [unhex(item.key), unhex(item.iv), unhex(item.aad)]
        const ciphertext = unhex(item.ct + item.tag)
        if (item.result === 'valid') {
          expect(hex(await decryptGcm(key, nonce, aad, ciphertext)), `case ${item.tcId}`).toBe(item.msg)
          expect(hex(await encryptGcm(key, nonce, aad, unhex(item.msg))), `case ${item.tcId}`).toBe(item.ct + item.tag)
          count.valid++
        } else {
          expect(await codeOf(() => decryptGcm(key, nonce, aad, ciphertext)), `case ${item.tcId}`).toBe('bad-ciphertext')
          count.invalid++
        }
      }
    }
    expect(count).toEqual(cases)
  })

  test.skipIf(!hkdfGroups)('[KEY-6] [KEY-7] HKDF-SHA-256: all 86 cases, 83 valid and 3 too long', () => {
    const count = { valid: 0, invalid: 0 }
    for (const item of (hkdfGroups ?? []).flatMap((group) => group.tests)) {
      const derive = () => hkdf(sha256, unhex(item.ikm), unhex(item.salt), unhex(item.info), item.size)
      if (item.result === 'valid') {
        expect(hex(derive()), `case ${item.tcId}`).toBe(item.okm)
        // No salt and an empty one are the same thing (RFC 5869, section 2.2): the hierarchy relies on it.
        if (item.salt === '') expect(hex(hkdf(sha256, unhex(item.ikm), undefined, unhex(item.info), item.size))).toBe(item.okm)
        count.valid++
      } else {
        expect(derive, `case ${item.tcId}`).toThrow()
        count.invalid++
      }
    }
    expect(count).toEqual({ valid: 83, invalid: 3 })
  })

  test.skipIf(!hmacGroups)('[KEY-6] HMAC-SHA-256: all 174 cases, 66 valid and 108 invalid', () => {
    const count = { valid: 0, invalid: 0, acceptable: 0 }
    for (const group of hmacGroups ?? []) {
      for (const item of group.tests) {
        const tag = hmac(sha256, unhex(item.key), unhex(item.msg)).subarray(0, (group.tagSize ?? 0) / 8)
        expect(hex(tag) === item.tag, `case ${item.tcId}`).toBe(item.result === 'valid')
        count[item.result]++
      }
    }
    expect(count).toEqual({ valid: 66, invalid: 108, acceptable: 0 })
  })

  test.skipIf(!pbkdf2Groups)('[KEY-5] PBKDF2-HMAC-SHA-256: all 60 cases, all valid', async () => {
    let count = 0
    for (const item of (pbkdf2Groups ?? []).flatMap((group) => group.tests)) {
      const key = await pbkdf2Sha256(unhex(item.password), unhex(item.salt), item.iterationCount, item.dkLen)
      expect(item.result).toBe('valid')
      expect(hex(key), `case ${item.tcId}`).toBe(item.dk)
      count++
    }
    expect(count).toBe(60)
  })

  test.skipIf(!x25519Groups)('[KEY-2] [KEY-7] X25519: all 518 cases; the 31 with an all-zero shared secret are refused', () => {
    const count = { computed: 0, zero: 0 }
    for (const item of (x25519Groups ?? []).flatMap((group) => group.tests)) {
      const agree = () => x25519.getSharedSecret(unhex(item.private), unhex(item.public))
      if (item.flags.includes('ZeroSharedSecret')) {
        expect(agree, `case ${item.tcId}`).toThrow()
        count.zero++
      } else {
        expect(hex(agree()), `case ${item.tcId}`).toBe(item.shared)
        count.computed++
      }
    }
    expect(count).toEqual({ computed: 487, zero: 31 })
  })
})
