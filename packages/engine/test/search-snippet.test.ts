import { describe, expect, test } from 'vitest'
import { words } from '#search/fold'
import { parseQuery } from '#search/query'
import { phraseMatcher, snippet } from '#search/snippet'
import { forEachSeed } from '../../../tests/support/random.ts'

const marked = (text: string, query: string, length?: number): string[] => {
  const { text: shown, highlights } = snippet(text, parseQuery(query), length)
  return highlights.map(([start, end]) => shown.slice(start, end))
}

describe('snippets', () => {
  test('matches are marked as they stand in the text', () => {
    expect(marked('Der Frühling, frühlingshaft: FRUHLING', 'fruhling')).toEqual(['Frühling', 'frühlingshaft', 'FRUHLING'])
    expect(marked('a b c', 'b a')).toEqual(['a', 'b'])
    expect(marked('one two, one three', '"one three"')).toEqual(['one', 'three'])
    expect(marked('one two three', '"two th')).toEqual(['two', 'three'])
  })

  test('a long text is cut around the first match, between words, with an ellipsis on each side that goes on', () => {
    const text = `${'before '.repeat(100)}needle ${'after '.repeat(100)}`
    const { text: shown, highlights } = snippet(text, parseQuery('needle'))
    expect(shown).toMatch(/^…(before )+needle (after )+?after…$/)
    expect(highlights).toHaveLength(1)
    expect(shown.length).toBeLessThan(170)
  })

  test('without a match, the beginning', () => {
    const { text, highlights } = snippet(`${'word '.repeat(100)}`, parseQuery('absent'))
    expect(text).toMatch(/^word .*word…$/)
    expect(highlights).toEqual([])
    expect(snippet('', parseQuery('x'))).toEqual({ text: '', highlights: [] })
  })

  test('one line, no half characters', () => {
    expect(snippet('a\n\tb', parseQuery('b')).text).toBe('a  b')
    for (let length = 20; length < 40; length++) {
      expect(snippet(`${'😀'.repeat(100)}x${'😀'.repeat(100)}`, parseQuery('x'), length).text.isWellFormed()).toBe(true)
    }
  })

  test('phrases stand in one text, word beside word, whatever is between them', () => {
    const matches = (texts: string[], query: string): boolean | undefined => phraseMatcher(parseQuery(query))?.(texts)
    expect(matches(['Ete\u0301 -- INDIEN'], '"été indien"')).toBe(true)
    expect(matches(['summer', 'indian'], '"summer indian"')).toBe(false)
    expect(matches(['midsummer indian'], '"summer indian"')).toBe(false)
    expect(matches(['summer indians'], '"summer indian"')).toBe(false)
    expect(matches(['summer indians'], '"summer indian')).toBe(true)
    expect(matches(['a b', 'c d'], '"a b" "c d"')).toBe(true)
    expect(matches(['a b'], '"a b" "c d"')).toBe(false)
    expect(matches(['a a b'], '"a b"')).toBe(true)
    expect(phraseMatcher(parseQuery('no phrase "word"'))).toBeUndefined()
  })

  test('whatever the text and the query: marks lie in order inside, on whole words that match', async () => {
    await forEachSeed('snippets', 300, 'packages/engine/test/search-snippet.test.ts', (random) => {
      const alphabet = ['a', 'b', 'ab', 'É', 'e\u0301', 'ß', '漢', '😀', ' ', ' ', '  ', '\n', '"', '-', '\0', '\ud83d', '*']
      const make = (length: number): string => Array.from({ length }, () => random.pick(alphabet)).join('')
      const text = make(random.below(400))
      const query = parseQuery(make(1 + random.below(6)))
      const { text: shown, highlights } = snippet(text, query, random.between(1, 200))
      const wanted = query.terms.flatMap((term) => term.words)
      let position = 0
      for (const [start, end] of highlights) {
        expect(start).toBeGreaterThanOrEqual(position)
        expect(end).toBeGreaterThan(start)
        expect(end).toBeLessThanOrEqual(shown.length)
        const [word, ...others] = [...words(shown.slice(start, end))]
        expect(others).toEqual([])
        expect(wanted.some((candidate) => word?.word.startsWith(candidate))).toBe(true)
        position = end
      }
    })
  })
})
