import { describe, expect, test } from 'vitest'
import { changeExcerpt } from '#text/change-excerpt'
import { forEachSeed } from '../../../tests/support/random.ts'

describe('an excerpt of a change', () => {
  test.each([
    ['the quick fox', 'the slow fox', 'quick', 'slow'],
    ['one', 'one and two', 'one', 'one and two'],
    ['one.', 'one. Two.', '', 'Two.'],
    ['# A\n\nfirst', '# A\n\n\nfirst', '', ''],
    ['walk home', 'walked home', 'walk', 'walked'],
    ['same', 'same', '', ''],
    ['', 'new', '', 'new'],
    ['gone', '', 'gone', ''],
    ['a 😀 b', 'a 😁 b', '😀', '😁'],
    ['a  \n b', 'a  \n c', 'b', 'c'],
  ])('%j to %j', (before, after, removed, added) => {
    expect(changeExcerpt(before, after)).toEqual({ removed, added })
  })

  test('is short, and no character is in half', async () => {
    await forEachSeed('change excerpts', 300, 'apps/web/test/change-excerpt.test.ts', async (random) => {
      const word = () => random.pick(['a', 'word', '😀', '😀😁', ' ', '\n', 'ї', '.', 'long'.repeat(30)])
      const text = (n: number) => Array.from({ length: n }, word).join('')
      const [head, tail] = [text(random.below(30)), text(random.below(30))]
      const { removed, added } = changeExcerpt(head + text(random.below(40)) + tail, head + text(random.below(40)) + tail)
      for (const part of [removed, added]) {
        expect(part.isWellFormed()).toBe(true)
        expect(part.length).toBeLessThanOrEqual(61)
      }
    })
  })
})
