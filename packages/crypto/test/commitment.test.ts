/**
 * G11: key commitment. The tests hold what an attacker would: ciphertexts that GCM accepts under two keys. First it is shown that
 * they are real, then that the envelope accepts each under one key at most.
 */
import { describe, expect, test } from 'vitest'
import { concat } from '#bytes'
import { open } from '#envelope'
import type { CryptoError } from '#errors'
import { forEachSeed } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'
import { gcm, gcmOpen, hex, messageKey, padded } from './support/reference.ts'
import { fitTwoKeys } from './support/two-keys.ts'

describe('key commitment', () => {
  test('[ENV-2] G11: 1000 ciphertexts that GCM opens under two keys open under one key at most', async () => {
    const count = await forEachSeed('two-key ciphertexts', 1000, 'packages/crypto/test/commitment.test.ts', async (random) => {
      const [keyA, keyB, salt, aad] = [random.bytes(32), random.bytes(32), random.bytes(32), random.bytes(64)]
      const [a, b] = [messageKey(keyA, salt), messageKey(keyB, salt)]
      const content = random.bytes(random.between(32, 250))
      // One block, inside the content, is given up to make the tags meet; the padding stays as key A needs it.
      const free = random.below(Math.floor(content.length / 16))
      const ciphertext = fitTwoKeys([a.key, b.key], aad, gcm(a.key, aad, padded(content)).subarray(0, -16), free)
      const underA = gcmOpen(a.key, aad, ciphertext)
      const underB = gcmOpen(b.key, aad, ciphertext)
      expect(hex(underA)).not.toBe(hex(underB))

      const envelope = (commitment: Uint8Array) => concat(Uint8Array.of(1), salt, commitment, ciphertext)
      const toA = envelope(a.commitment)
      expect(hex(await open(keyA, aad, toA))).toBe(hex(underA.subarray(0, content.length)))
      expect(await codeOf(() => open(keyB, aad, toA))).toBe('bad-commitment')
      // Committed to B it opens under B as far as GCM goes (to noise, which is seldom padded content), and not under A.
      const toB = envelope(b.commitment)
      expect(await codeOf(() => open(keyA, aad, toB))).toBe('bad-commitment')
      const noise = Buffer.from(underB).toString('latin1').replace(/\0+$/, '')
      const result = noise.endsWith('\x80') ? hex(Buffer.from(noise.slice(0, -1), 'latin1')) : 'bad-padding'
      expect(await open(keyB, aad, toB).then(hex, (error: CryptoError) => error.code)).toBe(result)
      // Nor with a part of each commitment (parts long enough that they are never equal), their sum, or none.
      const at = random.between(8, 24)
      for (const forged of [
        concat(a.commitment.subarray(0, at), b.commitment.subarray(at)),
        concat(b.commitment.subarray(0, at), a.commitment.subarray(at)),
        a.commitment.map((byte, i) => byte ^ (b.commitment[i] as number)),
        new Uint8Array(32),
      ]) {
        expect(await codeOf(() => open(keyA, aad, envelope(forged)))).toBe('bad-commitment')
        expect(await codeOf(() => open(keyB, aad, envelope(forged)))).toBe('bad-commitment')
      }
    })
    console.log(`key commitment: ${count} two-key ciphertexts, ${count * 10} refusals by commitment`)
  })
})
