import { describe, expect, test } from 'vitest'
import type { Driver } from '#driver'
import { openSqliteWasm } from '#platform/browser/sqlite'
import { openSqlite } from '#platform/node/sqlite'
import { fold, words } from '#search/fold'
import { MAX_QUERY_WORDS, matchExpression, parseQuery } from '#search/query'

const LAST_CODE_POINT = 0x10ffff
/** Nothing beyond has case, marks or decompositions. */
const LAST_LETTER = 0x3ffff
const isSurrogate = (codePoint: number): boolean => codePoint >= 0xd800 && codePoint <= 0xdfff

/** What FTS5 makes of `a`, the code point, `b`: its words, by code point. */
function tokenizerAnswers(driver: Driver, last: number): string[][] {
  driver.exec(`CREATE VIRTUAL TABLE f USING fts5(t, tokenize='unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE v USING fts5vocab(f, instance)`)
  driver.transaction(() => {
    for (let c = 0; c <= last; c++) {
      if (!isSurrogate(c)) driver.prepare('INSERT INTO f (rowid, t) VALUES (?, ?)').run(c, `a${String.fromCodePoint(c)}b`)
    }
  })
  const answers: string[][] = []
  for (const [term, doc, offset] of driver.prepare('SELECT term, doc, offset FROM v').values()) {
    answers[Number(doc)] ??= []
    ;(answers[Number(doc)] as string[])[Number(offset)] = String(term)
  }
  return answers
}

describe.each([
  ['node', async () => openSqlite(), LAST_CODE_POINT],
  ['wasm', openSqliteWasm, LAST_LETTER],
] as const)('words, %s', (_, open, last) => {
  test('every code point is cut and folded as FTS5 does it', async () => {
    const driver = await open()
    const answers = tokenizerAnswers(driver, last)
    driver.close()
    const different: string[] = []
    let compared = 0
    for (let c = 0; c <= last; c++) {
      if (isSurrogate(c)) continue
      compared++
      const ours = [...words(`a${String.fromCodePoint(c)}b`)].map(({ word }) => word)
      if (ours.join('|') !== answers[c]?.join('|'))
        different.push(`U+${c.toString(16)}: ${ours.join('|')}, FTS5 ${answers[c]?.join('|')}`)
    }
    expect(different).toEqual([])
    expect(compared).toBe(last + 1 - 2048)
  })
})

describe('folding', () => {
  test('what is folded stays as it is when folded again, and separators stay separators', () => {
    const different: number[] = []
    for (let c = 0; c <= LAST_LETTER; c++) {
      if (isSurrogate(c)) continue
      const once = fold(`a${String.fromCodePoint(c)}b`)
      const cut = (text: string): string => [...words(text)].map(({ word }) => word).join('|')
      if (fold(once) !== once || cut(once) !== cut(`a${String.fromCodePoint(c)}b`)) different.push(c)
    }
    expect(different).toEqual([])
  })

  test('case, diacritics and combining marks', () => {
    const cut = (text: string): string[] => [...words(text)].map(({ word }) => word)
    expect(cut('Żółw E\u0301TÉ naïve')).toEqual(['zołw', 'ete', 'naive'])
    expect(cut('ΑΘΗΝΑΣ Привет İI ſ')).toEqual(['αθηνασ', 'привет', 'ii', 's'])
    expect(cut("don't e-mail a.b@c.de 3.14 x_y")).toEqual(['don', 't', 'e', 'mail', 'a', 'b', 'c', 'de', '3', '14', 'x', 'y'])
    expect(cut('漢字 かな')).toEqual(['漢字', 'かな'])
    expect(cut('\0\u0301 \ud800 "()*:^')).toEqual([])
  })

  test('offsets are those of the text, before folding', () => {
    const text = '  E\u0301te\u0301, 😀Ω!'
    expect([...words(text)].map(({ start, end }) => text.slice(start, end))).toEqual(['E\u0301te\u0301', 'Ω'])
  })
})

describe('queries', () => {
  const terms = (text: string): string[] => parseQuery(text).terms.map((term) => `${term.words.join(' ')}${term.prefix ? '*' : ''}`)

  test('words; the last may be a beginning; phrases; an open quote', () => {
    expect(terms('Foo bar')).toEqual(['foo', 'bar*'])
    expect(terms('foo-bar ')).toEqual(['foo', 'bar*'])
    expect(terms('"foo bar" baz')).toEqual(['foo bar', 'baz*'])
    expect(terms('baz "foo bar"')).toEqual(['baz', 'foo bar'])
    expect(terms('"foo ba')).toEqual(['foo ba*'])
    expect(terms('„dobry dzień” x')).toEqual(['dobry dzien', 'x*'])
    expect(terms('"foo"')).toEqual(['foo'])
    expect(terms('""  " * () "')).toEqual([])
  })

  test('a query of any length has a bounded number of words', () => {
    const long = parseQuery(Array.from({ length: 500 }, (_, i) => `w${i}`).join(' '))
    expect(long.terms).toHaveLength(MAX_QUERY_WORDS)
    expect(matchExpression(long)?.split(' ')).toHaveLength(MAX_QUERY_WORDS)
    expect(parseQuery(`"${'x '.repeat(500)}"`).terms[0]?.words).toHaveLength(MAX_QUERY_WORDS)
  })

  test('the MATCH expression quotes each word once', () => {
    expect(matchExpression(parseQuery('NOT a OR a AND nEaR'))).toBe('"not" "a" "or" "and" "near"*')
    expect(matchExpression(parseQuery('***'))).toBeUndefined()
  })
})
