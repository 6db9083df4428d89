import { expect, test } from 'vitest'
import { forEachSeed } from '../support/random.ts'
import { sharedWindows, spelledOut, wholeWords } from './leak-scan.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test('the scan finds exactly the windows that two byte strings share', async () => {
  let shared = 0
  await forEachSeed('leak scan', 25, 'tests/story/leak-scan.test.ts', (random) => {
    // Few letters, so that windows repeat; one planted piece of any length.
    const make = (length: number) => Uint8Array.from({ length }, () => 97 + random.below(2))
    const secret = random.bytes(random.below(200))
    const heap = random.chance(0.5) ? make(300) : random.bytes(300)
    const piece = random.chance(0.5) ? make(random.below(60)) : secret.slice(random.below(50))
    const haystack = new Uint8Array([...heap, ...piece, ...heap])
    const windows = (of: Uint8Array) =>
      new Set(Array.from({ length: Math.max(0, of.length - 15) }, (_, i) => Buffer.from(of.slice(i, i + 16)).toString('latin1')))
    const secrets = [secret, make(100)]
    const expected = [...windows(haystack)].filter((window) => secrets.some((one) => windows(one).has(window))).sort()
    shared += expected.length
    expect([...sharedWindows(secrets, [haystack])].sort()).toEqual(expected)
  })
  expect(shared).toBeGreaterThan(0)
})

test('the scan finds planted text, words and keys, and nothing in noise', () => {
  const noise = [new Uint8Array(5000).map((_, i) => (i * 7919) % 251)]
  const key = new Uint8Array(32).map((_, i) => 200 - i)
  const plant = (planted: Uint8Array) => [
    ...noise,
    new Uint8Array([...(noise[0] as Uint8Array), ...planted, ...(noise[0] as Uint8Array)]),
  ]
  const secrets = [bytes('A note about the garden and its gate.')]
  expect(sharedWindows(secrets, noise).size).toBe(0)
  expect([...sharedWindows(secrets, plant(bytes('about the garden')))]).toEqual(['about the garden'])
  expect(sharedWindows(secrets, plant(bytes('about the garde'))).size).toBe(0)
  expect([...wholeWords(['garden', 'gate'], plant(bytes(' garden, gates')))]).toEqual(['garden'])
  const keys = new Map([['key', key]])
  expect(spelledOut(keys, noise).size).toBe(0)
  for (const form of [key, ...(['hex', 'base64', 'base64url'] as const).map((name) => bytes(Buffer.from(key).toString(name)))]) {
    expect([...spelledOut(keys, plant(form))]).toEqual(['key'])
  }
})
