import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Driver } from '#driver'
import { openSqliteWasm } from '#platform/browser/sqlite'
import { openSqlite } from '#platform/node/sqlite'
import { INLINE_BACKLOG, SearchIndex, type SearchSource, SHARD_ROWS } from '#search/search-index'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { createVault, type Note, SOURCE, vaultWriter } from './support/search-vault.ts'

const FILE = 'packages/engine/test/search-index.test.ts'
const note = (body: string, title: string | null = null): Note => ({ title, body })

/** What the search promises, written again without an index: words by JavaScript's own Unicode data. */
function naiveSearch(notes: ReadonlyMap<number, Note>, text: string): number[] {
  const cut = (value: string | null): string[] =>
    (value ?? '')
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word !== '')
  const parts = text.split('"').map(cut)
  const wanted = parts
    .flatMap((words, i) => (i % 2 === 1 ? [words] : words.map((word) => [word])))
    .filter((words) => words.length > 0)
  const openEnd = (parts.at(-1)?.length ?? 0) > 0
  const fits = (column: string[], words: string[], prefix: boolean): boolean =>
    column.some((_, at) =>
      words.every((word, i) =>
        prefix && i === words.length - 1 ? column[at + i]?.startsWith(word) === true : column[at + i] === word,
      ),
    )
  if (wanted.length === 0) return []
  return [...notes]
    .filter(([, { title, body }]) => {
      const columns = [cut(title), cut(body)]
      return wanted.every((words, i) => columns.some((column) => fits(column, words, openEnd && i === wanted.length - 1)))
    })
    .map(([n]) => n)
    .sort((a, b) => b - a)
}

const ATOMS = ['a', 'ab', 'abc', 'b', 'ba', 'Zażółć', 'zazolc', 'É', 'E\u0301', 'straße', 'Привет', 'при', '漢字', '漢', '42', '4']
const GAPS = [
  ' ',
  ' ',
  ' ',
  ' ',
  '-',
  '\n',
  ', ',
  '"',
  '\0',
  '😀',
  '*',
  '(',
  ')',
  ':',
  '^',
  "'",
  ' OR ',
  ' AND ',
  ' NEAR(',
  '\ud800',
]

function randomText(random: Random, most: number): string {
  let text = ''
  for (let i = random.below(most + 1); i > 0; i--) text += random.pick(ATOMS) + random.pick(GAPS)
  return random.chance(0.5) ? text.trimEnd() : text
}

const randomNote = (random: Random): Note => ({
  title: random.chance(0.2) ? null : randomText(random, 3),
  body: random.chance(0.1) ? null : randomText(random, 12),
})

/** Rowids at both sides of the first borders between shards. */
const randomRow = (random: Random): number => Math.max(1, random.below(3) * SHARD_ROWS + random.between(-8, 8))

describe.each([
  ['node', async () => openSqlite(), 60],
  ['wasm', openSqliteWasm, 30],
] as const)('search index, %s', (name, open, base) => {
  let driver: Driver
  let writer: ReturnType<typeof vaultWriter>
  const makeIndex = (source: SearchSource = SOURCE): SearchIndex =>
    new SearchIndex({ driver, source, indexSchema: 'search', vaultSchema: 'main' })
  const find = (index: SearchIndex, text: string, limit = 1000): readonly number[] =>
    index.query({ table: 'rows_notes', text, limit }).rows

  const openVault = async (): Promise<void> => {
    driver = await open()
    driver.exec("ATTACH ':memory:' AS search")
    createVault(driver)
    writer = vaultWriter(driver)
  }
  beforeEach(openVault)
  afterEach(() => driver.close())

  test('finds what a search without an index finds, through inserts, edits, deletes, bulk loads and new indexes', async () => {
    let found = 0
    const count = await forEachSeed(`search, ${name}`, base, FILE, async (random) => {
      driver.close()
      await openVault()
      let index = makeIndex()
      const notes = new Map<number, Note>()
      for (let i = 0; i < 60; i++) {
        const n = randomRow(random)
        const action = random.below(10)
        if (action < 4) {
          const next = randomNote(random)
          writer.put(n, next)
          notes.set(n, next)
        } else if (action < 5 && notes.has(n)) {
          writer.remove(n)
          notes.delete(n)
        } else if (action < 6 && notes.has(n)) {
          writer.hide(n)
          notes.delete(n)
        } else if (action < 7) {
          const first = 3 * SHARD_ROWS + i * 100
          const list = Array.from({ length: random.between(1, 8) }, () => randomNote(random))
          writer.load(first, list)
          for (const [k, next] of list.entries()) notes.set(first + k, next)
        } else if (action < 8) {
          index.catchUp({ maxRows: random.between(1, 10) })
        } else if (action < 9 && random.chance(0.3)) {
          driver.prepare('DELETE FROM _changes WHERE seq <= ?').run(index.indexedThrough())
          if (random.chance(0.3)) index = makeIndex({ ...SOURCE, identity: String(i) })
        }
        // The share of a worker: a new index has all rows to do.
        while (index.backlog() > INLINE_BACKLOG) index.catchUp()
        const text = randomText(random, 3)
        const expected = naiveSearch(notes, text)
        found += expected.length
        const got = index.query({ table: 'rows_notes', text, limit: 1000 })
        expect({ text, ...got }).toEqual({ text, rows: expected, backlog: 0 })
        const limit = random.between(1, 3)
        const [page, rest] = [expected.slice(0, limit), expected.slice(limit)]
        expect(find(index, text, limit)).toEqual(page)
        const before = page.at(-1)
        if (before !== undefined) expect(index.query({ table: 'rows_notes', text, limit: 1000, before }).rows).toEqual(rest)
      }
    })
    // A generator that finds nothing proves nothing.
    expect(found).toBeGreaterThan(count * 20)
  })

  test('any text is a query', () => {
    const index = makeIndex()
    writer.put(1, note('plain text, AND more'))
    for (const text of [
      '"',
      '""',
      "'",
      '*',
      'a*',
      '^a',
      'a:b',
      'title:a',
      '(',
      'NEAR(a b)',
      '{a}',
      '-',
      '\0',
      '😀',
      '\ud800',
      'OR',
      '+',
      '\\',
      '%',
      ';--',
    ]) {
      expect(() => find(index, text)).not.toThrow()
      expect(() => find(index, `plain ${text}`)).not.toThrow()
    }
    expect(find(index, 'AND')).toEqual([1])
    expect(find(index, 'title:plain')).toEqual([])
    expect(find(index, 'x'.repeat(100_000))).toEqual([])
    expect(find(index, 'plain '.repeat(10_000))).toEqual([1])
    expect(() => index.query({ table: 'nowhere', text: 'a', limit: 1 })).toThrow(RangeError)
  })

  test('tables are apart; entries of tables that are not searchable are passed over', () => {
    const index = makeIndex()
    writer.put(1, note('one'))
    writer.putDiff(1, 'two')
    driver.exec("INSERT INTO _changes (tbl, n) VALUES ('rows_other', 5)")
    expect(find(index, 'one')).toEqual([1])
    expect(find(index, 'two')).toEqual([])
    expect(index.query({ table: 'rows_diffs', text: 'two', limit: 5 })).toEqual({ rows: [1], backlog: 0 })
  })

  test('a small backlog is indexed by the search, a large one is told; the newest rows of a load come first', () => {
    const index = makeIndex()
    const count = INLINE_BACKLOG * 2
    writer.load(
      1,
      Array.from({ length: count }, () => note('word')),
    )
    expect(index.backlog()).toBe(count)
    expect(index.query({ table: 'rows_notes', text: 'word', limit: 5 })).toEqual({ rows: [], backlog: count })
    expect(index.catchUp({ maxRows: 10 })).toEqual({ indexed: 10, done: false })
    expect(find(index, 'word', 5)).toEqual([count, count - 1, count - 2, count - 3, count - 4])
    while (index.backlog() > INLINE_BACKLOG) index.catchUp({ maxRows: 700 })
    expect(index.query({ table: 'rows_notes', text: 'word', limit: count })).toEqual({
      rows: Array.from({ length: count }, (_, i) => count - i),
      backlog: 0,
    })
    expect(index.catchUp()).toEqual({ indexed: 0, done: true })
  })

  test('a row changed many times is indexed as it is now', () => {
    const index = makeIndex()
    for (let i = 0; i < 50; i++) writer.put(7, note(`version${i}`))
    expect(find(index, 'version')).toEqual([7])
    expect(find(index, '"version3"')).toEqual([])
    expect(find(index, 'version49')).toEqual([7])
  })

  test('inside a transaction of the vault the index takes part in it, and is rolled back with it', () => {
    const index = makeIndex()
    writer.put(1, note('kept'))
    expect(find(index, 'kept')).toEqual([1])
    expect(() =>
      driver.transaction(() => {
        driver.exec("INSERT INTO rows_notes (_n, body) VALUES (2, 'kept'); INSERT INTO _changes (tbl, n) VALUES ('rows_notes', 2)")
        expect(find(index, 'kept')).toEqual([2, 1])
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(find(index, 'kept')).toEqual([1])
  })

  test.each([
    ['a log shortened before it was read', () => driver.exec('DELETE FROM _changes')],
    ['a log shortened in part', () => driver.exec('DELETE FROM _changes WHERE seq = (SELECT min(seq) FROM _changes)')],
    ['an older copy of the vault', () => driver.exec('DELETE FROM _changes; UPDATE sqlite_sequence SET seq = 1')],
  ])('the index starts over after %s', (_, harm) => {
    const index = makeIndex()
    writer.put(1, note('stale words'))
    expect(find(index, 'stale')).toEqual([1])
    driver.exec("UPDATE rows_notes SET body = 'fresh words'")
    writer.put(2, note('second'))
    writer.put(3, note('third'))
    driver.prepare('UPDATE search.search_state SET seq = ?').run(_.includes('older') ? 100 : 0)
    harm()
    expect(index.backlog()).toBeGreaterThan(0)
    expect(find(index, 'fresh')).toEqual([1])
    expect(find(index, 'stale')).toEqual([])
    expect(find(index, 'third')).toEqual([3])
    expect(index.backlog()).toBe(0)
  })

  test('the index starts over for other columns, another vault, or when asked to; and only then', () => {
    writer.put(1, note('text', 'heading'))
    const narrow: SearchSource = { tables: [{ table: 'rows_notes', columns: ['body'] }] }
    const index = makeIndex(narrow)
    expect(find(index, 'heading')).toEqual([])
    expect(makeIndex(narrow).backlog()).toBe(0)
    const wide = makeIndex({ tables: [{ table: 'rows_notes', columns: ['body', 'title'] }] })
    expect(wide.backlog()).toBe(1)
    expect(find(wide, 'heading')).toEqual([1])
    const other = makeIndex({ tables: [{ table: 'rows_notes', columns: ['body', 'title'] }], identity: 'other' })
    expect(other.backlog()).toBe(1)
    expect(find(other, 'heading')).toEqual([1])
    other.reset()
    expect(other.backlog()).toBe(1)
    expect(find(other, 'heading')).toEqual([1])
  })

  test('what is gone is not left in the index', () => {
    const index = makeIndex()
    writer.load(1, [note('gone one'), note('gone two'), note('stays')])
    expect(find(index, 'gone')).toEqual([2, 1])
    writer.remove(1)
    writer.hide(2)
    writer.put(1, note('back again'))
    expect(find(index, 'gone')).toEqual([])
    expect(find(index, 'again')).toEqual([1])
  })
})
