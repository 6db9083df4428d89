import { expect, test } from 'vitest'
import { hasMoreParts } from '#json-parts'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'

const encode = (text: string) => new TextEncoder().encode(text)

/** Lists, objects, texts and commas of a value, counted by walking it. */
function partsOf(value: unknown): number {
  if (typeof value === 'string') return 1
  if (typeof value !== 'object' || value === null) return 0
  const inside = Array.isArray(value) ? value : Object.entries(value).flat()
  const items = Object.keys(value).length
  return 1 + Math.max(0, items - 1) + inside.reduce<number>((sum, one) => sum + partsOf(one), 0)
}

function draw(random: Random, depth: number): unknown {
  const texts = ['', 'a', '",[{', '\\', '\\"', '[', 'é,', '\u2028', '\n', 'x'.repeat(300), `${'x'.repeat(300)}"`]
  const kind = random.below(depth === 0 ? 3 : 5)
  if (kind === 0) return random.pick(texts)
  if (kind === 1) return random.below(1000)
  if (kind === 2) return random.pick([null, true])
  const items = Array.from({ length: random.below(5) }, () => draw(random, depth - 1))
  return kind === 3 ? items : Object.fromEntries(items.map((item, n) => [`${random.pick(texts)}${n}`, item]))
}

test('[G19] parts are counted as they are in the value, whatever is in its texts', async () => {
  const cases = await forEachSeed('parts of JSON', 300, 'packages/server/test/json-parts.test.ts', async (random) => {
    const value = draw(random, 5)
    const json = encode(JSON.stringify(value, undefined, random.pick([0, 1])))
    const parts = partsOf(value)
    expect([parts, hasMoreParts(json, parts), parts > 0 && hasMoreParts(json, parts - 1)]).toEqual([parts, false, parts > 0])
  })
  expect(cases).toBeGreaterThan(0)
})

test('[G19] what is no JSON has an answer, too', () => {
  for (const text of ['', '"', '"\\', '\\', '[[[', '"[[[', '\\[']) expect(typeof hasMoreParts(encode(text), 2)).toBe('boolean')
  expect(hasMoreParts(encode('[[['), 2)).toBe(true)
})
