/** G12: known answers printed in the standards, against the primitives as this package calls them. */
import { argon2Sync } from 'node:crypto'
import { x25519 } from '@noble/curves/ed25519.js'
import { expand, extract, hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { rootFromPasswordOnly } from '#derivation'
import { keyPairOf } from '#device-key'
import { checkPassphrase, generatePassphrase } from '#passphrase'
import { decryptGcm, encryptGcm, pbkdf2Sha256 } from '#webcrypto'
import { forEachSeed } from '../../../tests/support/random.ts'
import { ascii, hex, rootArgon2id, unhex } from './support/reference.ts'

const fill = (byte: string, count: number) => unhex(byte.repeat(count))
const sequence = (first: number, count: number) => Uint8Array.from({ length: count }, (_, i) => first + i)

describe('published vectors', () => {
  test('[KEY-5] SHA-256: FIPS 180-4 example', () => {
    expect(hex(sha256(ascii('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test.each([
    ['1', fill('0b', 20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    ['2', ascii('Jefe'), 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    ['3', fill('aa', 20), fill('dd', 50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    ['4', sequence(1, 25), fill('cd', 50), '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b'],
    ['5 (128 bits)', fill('0c', 20), 'Test With Truncation', 'a3b6167473100ee06e0c796c2955552b'],
    [
      '6',
      fill('aa', 131),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      '7',
      fill('aa', 131),
      'This is a test using a larger than block-size key and a larger than block-size data. ' +
        'The key needs to be hashed before being used by the HMAC algorithm.',
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ] as const)('[KEY-6] HMAC-SHA-256: RFC 4231 case %s', (_, key, data, tag) => {
    const computed = hmac(sha256, key, typeof data === 'string' ? ascii(data) : data)
    expect(hex(computed.subarray(0, tag.length / 2))).toBe(tag)
  })

  test.each([
    {
      name: 'A.1',
      ikm: fill('0b', 22),
      salt: sequence(0, 13),
      info: sequence(0xf0, 10),
      prk: '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
      okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      name: 'A.2',
      ikm: sequence(0, 80),
      salt: sequence(0x60, 80),
      info: sequence(0xb0, 80),
      prk: '06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244',
      okm:
        'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
        'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    },
    {
      name: 'A.3',
      ikm: fill('0b', 22),
      salt: new Uint8Array(0),
      info: new Uint8Array(0),
      prk: '19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04',
      okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    },
  ])('[KEY-6] [ENV-1] HKDF-SHA-256: RFC 5869 $name', ({ ikm, salt, info, prk, okm }) => {
    const extracted = extract(sha256, ikm, salt)
    expect(hex(extracted)).toBe(prk)
    expect(hex(expand(sha256, extracted, info, okm.length / 2))).toBe(okm)
    expect(hex(hkdf(sha256, ikm, salt, info, okm.length / 2))).toBe(okm)
  })

  test.each([
    [
      'passwd',
      'salt',
      1,
      '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc' +
        '49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
    ],
    [
      'Password',
      'NaCl',
      80_000,
      '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56' +
        'a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
    ],
  ] as const)('[KEY-5] PBKDF2-HMAC-SHA-256: RFC 7914, section 11 (%s, %s, %d)', async (password, salt, iterations, key) => {
    expect(hex(await pbkdf2Sha256(ascii(password), ascii(salt), iterations, 64))).toBe(key)
  })

  test('[KEY-5] Argon2id: RFC 9106, section 5.3, by the reference that the suite is then compared with', async () => {
    // The WebAssembly build takes no associated data, so the RFC's vector goes through OpenSSL's, and the two must agree.
    const tag = argon2Sync('argon2id', {
      message: fill('01', 32),
      nonce: fill('02', 16),
      secret: fill('03', 8),
      associatedData: fill('04', 12),
      memory: 32,
      passes: 3,
      parallelism: 4,
      tagLength: 32,
    })
    expect(hex(tag)).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659')

    await forEachSeed('Argon2id against OpenSSL', 3, 'packages/crypto/test/standards.test.ts', async (random) => {
      const password = Buffer.from(random.bytes(random.between(1, 40))).toString('utf8')
      const salt = random.bytes(16)
      expect(hex(await rootFromPasswordOnly(password, salt))).toBe(hex(rootArgon2id(password, salt)))
    })
  })

  test.each([
    [
      'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
      'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
      'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
    ],
    [
      '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
      'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
      '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
    ],
  ])('[KEY-2] X25519: RFC 7748, section 5.2 (%s)', (scalar, point, product) => {
    expect(hex(x25519.getSharedSecret(unhex(scalar), unhex(point)))).toBe(product)
  })

  test('[KEY-2] X25519: RFC 7748, section 5.2, 1000 iterations', () => {
    let scalar = unhex('09'.padEnd(64, '0')) as Uint8Array
    let point = scalar
    const after = new Map<number, string>()
    for (let i = 1; i <= 1000; i++) {
      const product = x25519.getSharedSecret(scalar, point)
      point = scalar
      scalar = product
      after.set(i, hex(product))
    }
    expect(after.get(1)).toBe('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079')
    expect(after.get(1000)).toBe('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51')
  })

  test('[KEY-2] X25519 key pairs: RFC 7748, section 6.1', () => {
    const alice = keyPairOf(unhex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'))
    const bob = keyPairOf(unhex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'))
    expect(hex(alice.publicKey)).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
    expect(hex(bob.publicKey)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'
    expect(hex(x25519.getSharedSecret(alice.privateKey, bob.publicKey))).toBe(shared)
    expect(hex(x25519.getSharedSecret(bob.privateKey, alice.publicKey))).toBe(shared)
  })

  const gcmText =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
    '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
  const gcmCiphertext =
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
    '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'
  const zeroKey = '00'.repeat(32)
  const gcmKey = 'feffe9928665731c6d6a8f9467308308'.repeat(2)
  test.each([
    { name: '13', key: zeroKey, iv: '00'.repeat(12), aad: '', text: '', out: '530f8afbc74536b9a963b4f1c4cb738b' },
    {
      name: '14',
      key: zeroKey,
      iv: '00'.repeat(12),
      aad: '',
      text: '00'.repeat(16),
      out: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
    },
    {
      name: '15',
      key: gcmKey,
      iv: 'cafebabefacedbaddecaf888',
      aad: '',
      text: gcmText,
      out: `${gcmCiphertext}b094dac5d93471bdec1a502270e3cc6c`,
    },
    {
      name: '16',
      key: gcmKey,
      iv: 'cafebabefacedbaddecaf888',
      aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
      text: gcmText.slice(0, -8),
      out: `${gcmCiphertext.slice(0, -8)}76fc6ece0f4e1768cddf8853bb2d551b`,
    },
  ])('[ENV-1] AES-256-GCM: McGrew and Viega, case $name', async ({ key, iv, aad, text, out }) => {
    expect(hex(await encryptGcm(unhex(key), unhex(iv), unhex(aad), unhex(text)))).toBe(out)
    expect(hex(await decryptGcm(unhex(key), unhex(iv), unhex(aad), unhex(out)))).toBe(text)
  })

  test.each([
    ['00'.repeat(16), 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'],
    ['7f'.repeat(16), 'legal winner thank year wave sausage worth useful legal winner thank yellow'],
    ['80'.repeat(16), 'letter advice cage absurd amount doctor acoustic avoid letter advice cage above'],
    ['ff'.repeat(16), 'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong'],
    ['9e885d952ad362caeb4efe34a8e91bd2', 'ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic'],
    ['c0ba5a8e914111210f2bd131f3d5e08d', 'scheme spot photo card baby mountain device kick cradle pact join borrow'],
    ['23db8160a31d3e0dca3688ed941adbf3', 'cat swing flag economy stadium alone churn speed unique patch report train'],
    ['f30f8c1da665478f49b001d94c5fc452', 'vessel ladder alter error federal sibling chat ability sun glass valve picture'],
  ])('[KEY-5] BIP-39: published vector %s', (entropy, words) => {
    expect(generatePassphrase(() => unhex(entropy))).toBe(words)
    expect(checkPassphrase(words)).toEqual({ kind: 'generated', canonical: words })
  })
})
