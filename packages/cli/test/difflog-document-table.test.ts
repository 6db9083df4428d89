/** docs/difflog-document.md covers every section of the diff·log document, and every test that it names exists, in its section. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { shared } from '../../../tests/support/optional.ts'

const DOCS = new URL('../../../docs/', import.meta.url)
const HERE = fileURLToPath(new URL('.', import.meta.url))

const SECTIONS = [
  'Overview',
  'Two Types of Salt',
  'Password Hashing',
  'Initial Share',
  'Import',
  'Ongoing Sync',
  'Change Tracking',
  'Auto-Sync',
  'Password Validation During Auto-Sync',
  'Upload Logic',
  'Selective Upload',
  'Deletions',
  'Cascade Deletes',
  'Selective Download',
  'Merge Logic',
  'Profile Metadata Sync',
  'Conflict Resolution',
  'Deletion Propagation',
  'Hash Comparison',
  'Password Caching',
  'Remember Password',
  'Profile Sync State',
  'Security Considerations',
  'Rate Limiting',
]

interface NamedTest {
  /** Relative to docs/. */
  readonly file: string
  readonly title: string
}

interface TableRow {
  readonly section: string
  readonly tests: readonly NamedTest[]
}

const rows: TableRow[] = readFileSync(new URL('difflog-document.md', DOCS), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:Section|---)/.test(line))
  .map((line) => {
    const [, section = '', , shownBy = ''] = line.split('|').map((cell) => cell.trim())
    return {
      section,
      tests: [...shownBy.matchAll(/\]\(([^)]+)\): “([^”]+)”/g)].map(([, file = '', title = '']) => ({ file, title })),
    }
  })

/** Tests of a file with the `describe` that each is in. */
function testsOf(source: string): { readonly group: string; readonly title: string }[] {
  let group = ''
  return [...source.matchAll(/^\s*(describe|it|test)\('((?:[^'\\]|\\.)*)'/gm)].flatMap(([, kind, text = '']) => {
    if (kind !== 'describe') return [{ group, title: text }]
    group = text
    return []
  })
}

it('has a row for each section, in order, with something that shows it', () => {
  expect(rows.map(({ section }) => section)).toEqual(SECTIONS)
  expect(rows.filter(({ tests }) => tests.length === 0)).toEqual([])
})

it('names no test that does not exist', () => {
  for (const { file, title } of rows.flatMap(({ tests }) => tests)) {
    const found = testsOf(readFileSync(new URL(file, DOCS), 'utf8')).filter((test) => test.title === title)
    expect(found, `${file}: ${title}`).toHaveLength(1)
  }
})

it('leaves out no test of these sections, and names each under its own', () => {
  const files = readdirSync(HERE).filter((name) => /^difflog-document-.*\.test\.ts$/.test(name) && !name.includes('table'))
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) {
    for (const { group, title } of testsOf(readFileSync(join(HERE, file), 'utf8'))) {
      const named = rows.filter(({ tests }) => tests.some((test) => test.file.endsWith(`/${file}`) && test.title === title))
      expect(
        named.map(({ section }) => section),
        `${file}: ${title}`,
      ).toEqual([group])
    }
  }
})

const seeds = shared('seeds')
const document = seeds === undefined ? undefined : readdirSync(seeds).find((name) => name.startsWith('002_'))

it.skipIf(document === undefined)('has the sections that the document has, in its order', () => {
  const lines = readFileSync(join(seeds as string, document as string), 'utf8').split('\n')
  const places = SECTIONS.map((section) => lines.findIndex((line) => line === section || line.startsWith(`${section} (`)))
  expect(places).not.toContain(-1)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
})
