import { describe, expect, test } from 'vitest'
import { type BundleContext, MAX_BUNDLE_EPOCHS, openBundle, sealBundle } from '#bundle'
import { SUITES } from '#derivation'
import { forEachSeed } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'
import { bundleAad, bundleContent, hex, sealed as sealByReference, sealPadded } from './support/reference.ts'

const FILE = 'packages/crypto/test/bundle.test.ts'
const wrapKey = new Uint8Array(32).fill(1)
const vaultKey = new Uint8Array(32).fill(2)
const context: BundleContext = {
  suite: 'argon2id-64m-3',
  salt: new Uint8Array(16).fill(3),
  vaultId: new Uint8Array(16).fill(4),
  name: 'main',
}
const version = 5
const random = (length: number) => new Uint8Array(length).fill(6)
const bundle = { version, epochs: new Map([[1, vaultKey]]) }

/** A bundle that is authentic but whose content another client made. */
const withContent = (content: Uint8Array) => sealByReference(wrapKey, random(32), bundleAad({ ...context, version }), content)

describe('key bundle', () => {
  test('[KEY-4] what is sealed opens: random names, versions and epochs in any order, both suites', async () => {
    await forEachSeed('bundles', 200, FILE, async (seeded) => {
      const epochs = new Map<number, Uint8Array>()
      const count = seeded.chance(0.1) ? seeded.between(1, MAX_BUNDLE_EPOCHS) : seeded.between(1, 5)
      while (epochs.size < count) epochs.set(seeded.between(1, seeded.pick([500, 2 ** 32 - 1])), seeded.bytes(32))
      const own = {
        suite: seeded.pick(SUITES),
        salt: seeded.bytes(16),
        vaultId: seeded.bytes(16),
        name: 'n'.repeat(seeded.between(0, 255)),
      }
      const key = seeded.bytes(32)
      const ownVersion = seeded.between(1, 2 ** 32 - 1)
      const sealed = await sealBundle({
        wrapKey: key,
        context: own,
        bundle: { version: ownVersion, epochs },
        random: (length) => seeded.bytes(length),
      })
      const opened = await openBundle({ wrapKey: key, context: own, version: ownVersion, sealed })
      expect(opened.version).toBe(ownVersion)
      const ascending = [...epochs].sort(([a], [b]) => a - b)
      expect([...opened.epochs].map(([epoch, secret]) => [epoch, hex(secret)])).toEqual(
        ascending.map(([epoch, secret]) => [epoch, hex(secret)]),
      )
    })
  })

  test('[KEY-4] G13: whatever the server says before sign-in is authenticated: each lie is found', async () => {
    const sealed = await sealBundle({ wrapKey, context, bundle, random })
    const lies: Partial<BundleContext & { version: number }>[] = [
      { suite: 'pbkdf2-sha256-1200000' },
      { salt: new Uint8Array(16) },
      { salt: Uint8Array.from(context.salt).fill(2, 15) },
      { vaultId: new Uint8Array(16).fill(5) },
      { vaultId: context.salt, salt: context.vaultId },
      { name: 'Main' },
      { name: 'main ' },
      { name: 'mai' },
      { name: '' },
      { version: 4 },
      { version: 6 },
      { version: 5 * 256 },
    ]
    for (const { version: told = version, ...lie } of lies) {
      const opening = openBundle({ wrapKey, context: { ...context, ...lie }, version: told, sealed })
      await expect(opening, JSON.stringify(lie)).rejects.toMatchObject({
        code: 'bad-ciphertext',
        message: expect.stringContaining('what the server says'),
      })
    }
    expect((await openBundle({ wrapKey, context, version, sealed })).epochs.size).toBe(1)
  })

  test('[KEY-4] with a passphrase the salt the server tells has no effect; the other fields still count', async () => {
    const own = { ...context, suite: 'pbkdf2-sha256-1200000' } as const
    const sealed = await sealBundle({ wrapKey, context: own, bundle, random })
    for (const byte of [0, 1, 255]) {
      const told = { ...own, salt: new Uint8Array(16).fill(byte) }
      expect((await openBundle({ wrapKey, context: told, version, sealed })).epochs.size).toBe(1)
    }
    expect(await codeOf(() => openBundle({ wrapKey, context, version, sealed }))).toBe('bad-ciphertext')
    const otherName = { ...own, name: 'other' }
    expect(await codeOf(() => openBundle({ wrapKey, context: otherName, version, sealed }))).toBe('bad-ciphertext')
  })

  test('[KEY-4] a wrong password is told from a changed header, in the words a person needs', async () => {
    const sealed = await sealBundle({ wrapKey, context, bundle, random })
    const opening = openBundle({ wrapKey: new Uint8Array(32), context: { ...context, name: 'other' }, version, sealed })
    await expect(opening).rejects.toMatchObject({ code: 'bad-commitment', message: expect.stringContaining('password') })
  })

  test('[KEY-4] changing the password seals the same vault keys again', async () => {
    const sealed = await sealBundle({ wrapKey, context, bundle, random })
    const opened = await openBundle({ wrapKey, context, version, sealed })
    const next = { version: opened.version + 1, epochs: opened.epochs }
    const newKey = new Uint8Array(32).fill(7)
    const resealed = await sealBundle({ wrapKey: newKey, context, bundle: next, random: (length) => new Uint8Array(length) })
    const reopened = await openBundle({ wrapKey: newKey, context, version: 6, sealed: resealed })
    expect(hex(reopened.epochs.get(1) ?? new Uint8Array(0))).toBe(hex(vaultKey))
    expect(await codeOf(() => openBundle({ wrapKey, context, version: 6, sealed: resealed }))).toBe('bad-commitment')
    // An old bundle under the new version's number is a roll-back, and found.
    expect(await codeOf(() => openBundle({ wrapKey, context, version: 6, sealed }))).toBe('bad-ciphertext')
  })

  test('[KEY-4] authentic content that is not a bundle is refused by name', async () => {
    const entry = (epoch: number): readonly [number, Uint8Array] => [epoch, vaultKey]
    const good = bundleContent([entry(1), entry(2)])
    const cases: [string, Uint8Array, string][] = [
      ['empty', new Uint8Array(0), 'malformed-bundle'],
      ['two bytes', good.slice(0, 2), 'malformed-bundle'],
      ['count only', good.slice(0, 3), 'malformed-bundle'],
      ['no epochs', bundleContent([]), 'malformed-bundle'],
      ['cut', good.slice(0, -1), 'malformed-bundle'],
      ['one byte over', Uint8Array.from([...good, 1]), 'malformed-bundle'],
      ['one entry over', Uint8Array.from([...good, ...good.slice(3, 39)]), 'malformed-bundle'],
      ['count too high', Uint8Array.from(good).fill(0xff, 1, 3), 'malformed-bundle'],
      ['epoch 0', bundleContent([entry(0), entry(1)]), 'malformed-bundle'],
      ['twice the same epoch', bundleContent([entry(3), entry(3)]), 'malformed-bundle'],
      ['descending', bundleContent([entry(2), entry(1)]), 'malformed-bundle'],
      ['format 0', Uint8Array.from(good).fill(0, 0, 1), 'unknown-version'],
      ['format 2', Uint8Array.from(good).fill(2, 0, 1), 'unknown-version'],
    ]
    expect((await openBundle({ wrapKey, context, version, sealed: withContent(good) })).epochs.size).toBe(2)
    for (const [name, content, code] of cases) {
      expect(await codeOf(() => openBundle({ wrapKey, context, version, sealed: withContent(content) })), name).toBe(code)
    }
    const unpadded = sealPadded(wrapKey, random(32), bundleAad({ ...context, version }), new Uint8Array(256))
    expect(await codeOf(() => openBundle({ wrapKey, context, version, sealed: unpadded }))).toBe('bad-padding')
  })

  test('[KEY-4] what cannot be a bundle is not sealed', async () => {
    const attempt = (fields: Partial<BundleContext>, own: Partial<typeof bundle> = {}) =>
      codeOf(() => sealBundle({ wrapKey, context: { ...context, ...fields }, bundle: { ...bundle, ...own }, random }))
    expect(await attempt({ suite: 'argon2id-1k-1' as never })).toBe('unknown-suite')
    expect(await attempt({ suite: 'toString' as never })).toBe('unknown-suite')
    expect(await attempt({ salt: new Uint8Array(15) })).toBe('bad-argument')
    expect(await attempt({ vaultId: new Uint8Array(17) })).toBe('bad-argument')
    expect(await attempt({ name: 'ä'.repeat(128) })).toBe('bad-argument')
    for (const wrong of [0, -1, 1.5, 2 ** 32]) {
      expect(await attempt({}, { version: wrong })).toBe('bad-argument')
      expect(await attempt({}, { epochs: new Map([[wrong, vaultKey]]) })).toBe('bad-argument')
    }
    expect(await attempt({}, { epochs: new Map() })).toBe('bad-argument')
    expect(await attempt({}, { epochs: new Map([[1, new Uint8Array(31)]]) })).toBe('bad-argument')
    const many = new Map(Array.from({ length: MAX_BUNDLE_EPOCHS + 1 }, (_, i) => [i + 1, vaultKey] as const))
    expect(await attempt({}, { epochs: many })).toBe('bad-argument')
  })
})
