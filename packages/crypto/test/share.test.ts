/** Shares: the known answers of tests/vectors, what an opened link proves, and noise [G10]. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openShare, sealShare } from '#share'
import { forEachSeed } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'
import * as reference from './support/reference.ts'
import { mutate, Tally } from './support/tally.ts'

const FILE = 'packages/crypto/test/share.test.ts'
const { hex, unhex } = reference

interface ShareVectors {
  readonly shares: readonly Readonly<Record<'about' | 'id' | 'key' | 'envelopeSalt' | 'content' | 'aad' | 'sealed', string>>[]
}

const vectors = JSON.parse(readFileSync(new URL('../../../tests/vectors/shares-v1.json', import.meta.url), 'utf8')) as ShareVectors

test('[SHR-3] [SHR-4] the vectors of version 1 are the released ones', () => {
  // Links that people have given away follow these: a change of any needs a new version and a new file, never an edit of this one.
  const digest = createHash('sha256').update(JSON.stringify(vectors)).digest('hex')
  expect(digest).toBe('bce0c446f9dcac72b1a13012644999d600d2be6be5daff5052a3ba43b5e59919')
})

test.each(vectors.shares)('[SHR-3] a sealed share: $about', async ({ id, key, envelopeSalt, content, aad, sealed }) => {
  const keys = { id: unhex(id), key: unhex(key) }
  expect(hex(await sealShare({ ...keys, content: unhex(content), random: () => unhex(envelopeSalt) }))).toBe(sealed)
  expect(hex(await openShare({ ...keys, sealed: unhex(sealed) }))).toBe(content)
  expect(hex(reference.shareAad(keys.id))).toBe(aad)
  expect(hex(reference.sealed(keys.key, unhex(envelopeSalt), unhex(aad), unhex(content)))).toBe(sealed)
})

describe('only with the whole link', () => {
  const keys = { id: new Uint8Array(16).fill(1), key: new Uint8Array(32).fill(2) }
  const random = (length: number) => new Uint8Array(length).fill(3)

  test('[SHR-3] another key, another id, a changed byte: each is refused, and says which', async () => {
    const sealed = await sealShare({ ...keys, content: Uint8Array.of(1, 2, 3), random })
    expect(await codeOf(() => openShare({ ...keys, key: new Uint8Array(32).fill(9), sealed }))).toBe('bad-commitment')
    expect(await codeOf(() => openShare({ ...keys, id: new Uint8Array(16).fill(9), sealed }))).toBe('bad-ciphertext')
    expect(await codeOf(() => openShare({ ...keys, sealed: sealed.with(sealed.length - 1, 0) }))).toBe('bad-ciphertext')
    expect(await codeOf(() => openShare({ ...keys, sealed: sealed.subarray(0, 100) }))).toBe('truncated')
  })

  test('[SHR-3] ids and keys of another size are refused', async () => {
    expect(await codeOf(() => sealShare({ ...keys, id: new Uint8Array(15), content: new Uint8Array(0), random }))).toBe(
      'bad-argument',
    )
    expect(await codeOf(() => sealShare({ ...keys, key: new Uint8Array(16), content: new Uint8Array(0), random }))).toBe(
      'bad-argument',
    )
  })
})

test('[SHR-3] G10: openShare, on noise, on mutated shares and on shares of other links', async () => {
  const tally = new Tally()
  const inputs = await forEachSeed('fuzz openShare', 3000, FILE, async (random) => {
    const [id, key, content] = [random.bytes(16), random.bytes(32), random.bytes(random.below(600))]
    const shape = random.below(4)
    const plaintext = shape === 0 ? mutate(random, reference.padded(content)) : reference.padded(content)
    let sealed = reference.sealPadded(key, random.bytes(32), reference.shareAad(id), plaintext)
    if (shape === 1) sealed = mutate(random, sealed)
    if (shape === 2) sealed = Uint8Array.from([random.below(3), ...random.bytes(random.below(700))])
    const link = {
      id: random.chance(0.05) ? random.bytes(random.pick([16, random.below(40)])) : id,
      key: random.chance(0.05) ? random.bytes(random.pick([32, random.below(64)])) : key,
    }
    const opened = await tally.run(() => openShare({ ...link, sealed }))
    if (opened !== undefined) expect(hex(reference.padded(opened as Uint8Array))).toBe(hex(plaintext))
  })
  const outcomes = ['accepted', 'unknown-version', 'truncated', 'bad-commitment', 'bad-ciphertext', 'bad-padding', 'bad-argument']
  tally.report('fuzz openShare', inputs, outcomes)
})
