import { afterEach, describe, expect, test, vi } from 'vitest'
import { deriveRootKey, rootFromPasswordOnly, SUITES } from '#derivation'
import { forEachSeed } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'
import { hex } from './support/reference.ts'

const salt = new Uint8Array(16).fill(7)
const password = 'hunter2'
const passphrase = 'legal winner thank year wave sausage worth useful legal winner thank yellow'

afterEach(() => {
  vi.restoreAllMocks()
})

interface Wasm {
  instantiate(...input: unknown[]): Promise<unknown>
}
const wasm = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly

/** The two ways into a key derivation. A refusal must come before either. */
const watchDerivations = () => [vi.spyOn(globalThis.crypto.subtle, 'deriveBits'), vi.spyOn(wasm, 'instantiate')] as const

describe('root key', () => {
  test('[KEY-5] the closed list of suites is this one', () => {
    expect(SUITES).toEqual(['pbkdf2-sha256-1200000', 'argon2id-64m-3'])
  })

  test('[KEY-5] the watch on derivations that the next tests rely on sees each of them', async () => {
    const [pbkdf2, argon2] = watchDerivations()
    await deriveRootKey({ suite: 'pbkdf2-sha256-1200000', password, passphrase })
    expect([pbkdf2.mock.calls.length, argon2.mock.calls.length]).toEqual([1, 0])
    await deriveRootKey({ suite: 'argon2id-64m-3', password, salt })
    expect(pbkdf2.mock.calls.length).toBe(1)
    expect(argon2.mock.calls.length).toBeGreaterThan(0)
  })

  test('[KEY-5] G13: a server that offers any other suite, cheaper or dearer, is refused before anything is derived', async () => {
    const watched = watchDerivations()
    const offers = [
      ...['', ' ', 'none', 'pbkdf2', 'argon2id', 'plain', '__proto__', 'constructor', 'toString', 'null', '0'],
      ...['pbkdf2-sha256-1', 'pbkdf2-sha256-1000', 'pbkdf2-sha256-120000', 'pbkdf2-sha256-1199999', 'pbkdf2-sha256-12000000'],
      ...[
        'pbkdf2-sha1-1200000',
        'pbkdf2-sha512-1200000',
        'PBKDF2-SHA256-1200000',
        'pbkdf2-sha256-1200000 ',
        ' pbkdf2-sha256-1200000',
      ],
      ...[
        'argon2id-64m-1',
        'argon2id-8k-3',
        'argon2id-63m-3',
        'argon2d-64m-3',
        'argon2i-64m-3',
        'argon2id-64m-3\u0000',
        'Argon2id-64m-3',
      ],
    ]
    for (const suite of offers) {
      expect(await codeOf(() => deriveRootKey({ suite, password, passphrase, salt })), suite).toBe('unknown-suite')
      expect(await codeOf(() => deriveRootKey({ suite, password, salt })), suite).toBe('unknown-suite')
    }
    await forEachSeed('G13 suites', 500, 'packages/crypto/test/derivation.test.ts', async (random) => {
      // A known name with one character changed, or the iteration count rewritten.
      const known = random.pick(SUITES)
      const at = random.below(known.length)
      const suite = random.chance(0.5)
        ? `${known.slice(0, at)}${String.fromCharCode(random.between(32, 126))}${known.slice(at + 1)}`
        : `pbkdf2-sha256-${random.below(1_200_000)}`
      if (SUITES.some((name) => name === suite)) return
      const secret = random.chance(0.5) ? passphrase : undefined
      expect(await codeOf(() => deriveRootKey({ suite, password, passphrase: secret, salt })), suite).toBe('unknown-suite')
    })
    for (const spy of watched) expect(spy).not.toHaveBeenCalled()
  })

  test('[KEY-5] G13: whoever has a passphrase is not moved to the suite without one, nor the other way round', async () => {
    const watched = watchDerivations()
    expect(await codeOf(() => deriveRootKey({ suite: 'argon2id-64m-3', password, passphrase, salt }))).toBe('passphrase-unused')
    expect(await codeOf(() => deriveRootKey({ suite: 'argon2id-64m-3', password, passphrase: '', salt }))).toBe('passphrase-unused')
    expect(await codeOf(() => deriveRootKey({ suite: 'pbkdf2-sha256-1200000', password, salt }))).toBe('passphrase-required')
    expect(await codeOf(() => deriveRootKey({ suite: 'pbkdf2-sha256-1200000', password, passphrase: '', salt }))).toBe(
      'passphrase-required',
    )
    for (const spy of watched) expect(spy).not.toHaveBeenCalled()
  })

  test('[KEY-5] an empty password is refused; there is no other minimum', async () => {
    for (const suite of SUITES) {
      expect(await codeOf(() => deriveRootKey({ suite, password: '', passphrase, salt }))).toBe('password-required')
    }
    expect(await codeOf(() => rootFromPasswordOnly('', salt))).toBe('password-required')
    expect(await rootFromPasswordOnly(' ', salt)).toHaveLength(32)
  })

  test('[KEY-5] a password-only vault needs a salt of 16 bytes', async () => {
    expect(await codeOf(() => deriveRootKey({ suite: 'argon2id-64m-3', password }))).toBe('bad-argument')
    for (const length of [0, 8, 15, 17, 32]) {
      const wrong = new Uint8Array(length)
      expect(await codeOf(() => deriveRootKey({ suite: 'argon2id-64m-3', password, salt: wrong })), `${length}`).toBe(
        'bad-argument',
      )
    }
  })

  test('[KEY-5] with a passphrase the server has no say: its salt changes nothing', async () => {
    const suite = 'pbkdf2-sha256-1200000'
    const without = hex(await deriveRootKey({ suite, password, passphrase }))
    expect(hex(await deriveRootKey({ suite, password, passphrase, salt }))).toBe(without)
    expect(hex(await deriveRootKey({ suite, password, passphrase: ` ${passphrase.toUpperCase()}\n` }))).toBe(without)
    expect(hex(await deriveRootKey({ suite, password, passphrase: `${passphrase}!` }))).not.toBe(without)
  })

  test('[KEY-5] without a passphrase the salt and the password both count', async () => {
    const root = hex(await rootFromPasswordOnly(password, salt))
    expect(hex(await rootFromPasswordOnly(password, new Uint8Array(16)))).not.toBe(root)
    expect(hex(await rootFromPasswordOnly('Hunter2', salt))).not.toBe(root)
  })

  test('[KEY-5] where WebCrypto is missing (an insecure page), that is what the error says', async () => {
    vi.spyOn(globalThis.crypto, 'subtle', 'get').mockReturnValue(undefined as never)
    expect(await codeOf(() => deriveRootKey({ suite: 'pbkdf2-sha256-1200000', password, passphrase }))).toBe('unavailable')
  })
})
