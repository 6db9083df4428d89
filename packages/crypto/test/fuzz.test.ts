/** G10 for this package: whatever comes from outside ends in a result or in a CryptoError, and every kind of refusal is reached. */
import { describe, expect, test } from 'vitest'
import { type BundleContext, openBundle } from '#bundle'
import { deriveRootKey, SUITES } from '#derivation'
import { open } from '#envelope'
import { pad, unpad } from '#padding'
import { canonicalPassphrase, checkPassphrase, generatePassphrase } from '#passphrase'
import { forEachSeed } from '../../../tests/support/random.ts'
import { bundleAad, bundleContent, hex, padded, sealPadded } from './support/reference.ts'
import { mutate, Tally } from './support/tally.ts'

const FILE = 'packages/crypto/test/fuzz.test.ts'

describe('only typed errors', () => {
  test('[ENV-2] [ENV-4] G10: open, on noise, on mutated messages and on authentic messages with any plaintext', async () => {
    const tally = new Tally()
    const inputs = await forEachSeed('fuzz open', 4000, FILE, async (random) => {
      const [key, salt, aad] = [random.bytes(32), random.bytes(32), random.bytes(random.below(80))]
      const content = random.bytes(random.below(600))
      const shape = random.below(4)
      const plaintext = shape === 0 ? mutate(random, padded(content)) : padded(content)
      let sealed = sealPadded(key, salt, aad, plaintext)
      if (shape === 1) sealed = mutate(random, sealed)
      if (shape === 2) sealed = Uint8Array.from([random.below(3), ...random.bytes(random.below(700))])
      const before = hex(sealed)
      const opened = await tally.run(() => open(random.chance(0.1) ? random.bytes(32) : key, aad, sealed))
      expect(hex(sealed)).toBe(before)
      // Whatever opens is what was sealed: there is no second reading of one message.
      if (opened !== undefined) expect(hex(padded(opened as Uint8Array))).toBe(hex(plaintext))
    })
    const outcomes = ['accepted', 'unknown-version', 'truncated', 'bad-commitment', 'bad-ciphertext', 'bad-padding']
    tally.report('fuzz open', inputs, outcomes)
  })

  test('[KEY-4] G10: openBundle, on noise and on authentic bundles with any content and any header', async () => {
    const tally = new Tally()
    const inputs = await forEachSeed('fuzz openBundle', 4000, FILE, async (random) => {
      const wrapKey = random.bytes(32)
      const context: BundleContext = {
        suite: random.pick(SUITES),
        salt: random.bytes(16),
        vaultId: random.bytes(16),
        name: random.pick(['main', '', 'ä', 'x'.repeat(255)]),
      }
      const version = random.between(1, 9)
      const epochs = Array.from({ length: random.below(5) }, (_, i) => [i + random.below(3), random.bytes(32)] as const)
      const good = bundleContent(epochs)
      const content = random.chance(0.3) ? mutate(random, good) : random.chance(0.1) ? random.bytes(random.below(300)) : good
      const sealed = sealPadded(wrapKey, random.bytes(32), bundleAad({ ...context, version }), padded(content))
      const told = {
        ...context,
        ...(random.chance(0.05) ? { suite: random.pick(['', 'none', '__proto__', 'pbkdf2']) as never } : {}),
        ...(random.chance(0.05) ? { salt: random.bytes(random.below(40)) } : {}),
        ...(random.chance(0.05) ? { vaultId: random.bytes(random.below(40)) } : {}),
        ...(random.chance(0.05) ? { name: '🔑'.repeat(random.below(90)) } : {}),
      }
      const opened = await tally.run(() =>
        openBundle({
          wrapKey: random.chance(0.05) ? random.bytes(32) : wrapKey,
          context: told,
          version: random.chance(0.05) ? random.pick([0, -1, 1.5, Number.NaN, 2 ** 40]) : version,
          sealed: random.chance(0.2) ? mutate(random, sealed) : sealed,
        }),
      )
      if (opened !== undefined) {
        const entries = [...(opened as { epochs: ReadonlyMap<number, Uint8Array> }).epochs]
        expect(hex(bundleContent(entries))).toBe(hex(content))
      }
    })
    const outcomes = ['accepted', 'unknown-suite', 'bad-argument', 'bad-ciphertext', 'bad-commitment', 'malformed-bundle']
    tally.report('fuzz openBundle', inputs, [...outcomes, 'unknown-version', 'truncated'])
  })

  test('[ENV-4] G10: unpad, on noise and on mutated padding', async () => {
    const tally = new Tally()
    const inputs = await forEachSeed('fuzz unpad', 20_000, FILE, async (random) => {
      const bytes = random.chance(0.3)
        ? new Uint8Array(random.below(600)).fill(random.pick([0, 0x80, 1]))
        : Uint8Array.from(mutate(random, pad(random.bytes(random.below(600)))))
      const content = await tally.run(() => unpad(bytes))
      if (content !== undefined) expect(hex(pad(content as Uint8Array))).toBe(hex(bytes))
    })
    tally.report('fuzz unpad', inputs, ['accepted', 'bad-padding'])
  })

  test('[KEY-5] G10: passphrases, on noise and on mutated ones; the check and the canonical form never throw and agree', async () => {
    const kinds = new Map<string, number>()
    const inputs = await forEachSeed('fuzz passphrases', 10_000, FILE, (random) => {
      const generated = generatePassphrase((length) => random.bytes(length))
      const noise = String.fromCharCode(...Array.from({ length: random.below(80) }, () => random.below(random.pick([128, 65_536]))))
      const at = random.below(generated.length)
      const text = random.pick([
        noise,
        generated,
        generated.slice(0, at),
        generated.slice(0, at) + noise.slice(0, 2) + generated.slice(at),
        generated
          .split(' ')
          .slice(random.below(3))
          .join(random.pick([' ', '-', '\t', ''])),
      ])
      const check = checkPassphrase(text)
      kinds.set(check.kind, (kinds.get(check.kind) ?? 0) + 1)
      if (check.kind === 'generated') expect(canonicalPassphrase(text)).toBe(check.canonical)
      if (check.kind === 'typo' && check.reason === 'unknown-word') expect(canonicalPassphrase(text)).toBe(text)
    })
    console.log(`fuzz passphrases: ${inputs} inputs; ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}`)
    if (inputs >= 1000)
      for (const kind of ['generated', 'custom', 'typo']) expect(kinds.get(kind) ?? 0).toBeGreaterThan(inputs / 20)
  })

  test('[KEY-5] G10: deriveRootKey, on suites and salts as a server could send them', async () => {
    const tally = new Tally()
    const inputs = await forEachSeed('fuzz deriveRootKey', 2000, FILE, async (random) => {
      // Never a combination that would really derive: that takes a second, and the known answers have it.
      const suite = random.pick(['', 'none', '__proto__', 'hasOwnProperty', 'pbkdf2-sha256-1', ...SUITES])
      const passphrase = suite === 'pbkdf2-sha256-1200000' ? random.pick([undefined, '']) : random.pick([undefined, '', 'zoo'])
      const salt = random.pick([undefined, random.bytes(random.below(16)), random.bytes(random.between(17, 64))])
      await tally.run(() => deriveRootKey({ suite, password: random.pick(['', 'p', 'p']), passphrase, salt }))
    })
    const refused = ['unknown-suite', 'password-required', 'passphrase-required', 'passphrase-unused', 'bad-argument']
    tally.report('fuzz deriveRootKey', inputs, refused)
  })
})
