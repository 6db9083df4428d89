/** Every language says everything, and nothing that people read stands anywhere else. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'vite'
import { expect, test } from 'vitest'
import { pickLanguage, pickLocale } from '#local/language'
import { en } from '#strings/en'
import { transfer as enTransfer } from '#strings/en-transfer'
import { plural } from '#strings/plural-uk'
import { uk } from '#strings/uk'
import { transfer as ukTransfer } from '#strings/uk-transfer'
import { type SyntaxNode, walkTree } from '../../../tests/support/syntax-tree.ts'

type Leaf = string | ((...args: readonly unknown[]) => unknown)

/** Path and leaf of each; of a function also how many arguments it takes. */
function leaves(node: unknown, path = ''): (readonly [string, Leaf])[] {
  if (typeof node === 'string' || typeof node === 'function') return [[path, node as Leaf]]
  return Object.entries(node as object).flatMap(([name, child]) => leaves(child, path === '' ? name : `${path}.${name}`))
}

const LANGUAGES = [
  ['the app', en, uk],
  ['export and import', enTransfer, ukTransfer],
] as const

test.each(LANGUAGES)('%s: Ukrainian has what English has, and nothing else', (_, english, ukrainian) => {
  const shape = (strings: object) => leaves(strings).map(([path, leaf]) => `${path}: ${typeof leaf}`)
  expect(shape(ukrainian).sort()).toEqual(shape(english).sort())
})

/** Names, and what is the same in any language. */
const SAME = /^[^\p{L}]*$|^(?:Lockstep|Dataans|diff·log)$/u

test.each(LANGUAGES)('%s: every text is in Ukrainian letters, but for names', (_, english, ukrainian) => {
  const words = new Map(leaves(english))
  for (const [path, leaf] of leaves(ukrainian)) {
    if (typeof leaf !== 'string' || SAME.test(leaf)) continue
    expect(leaf, path).toMatch(/\p{Script=Cyrillic}/u)
    expect(leaf, path).not.toBe(words.get(path))
  }
})

/** What a function is given here: numbers and texts that it has to show, where English does. */
const SAMPLES = [3, 7, 11, 13]

test.each(LANGUAGES)('%s: whatever English puts into a sentence, Ukrainian does', (_, english, ukrainian) => {
  const theirs = new Map(leaves(ukrainian))
  for (const [path, leaf] of leaves(english)) {
    if (typeof leaf === 'string') continue
    const said = (tell: Leaf, args: readonly unknown[]) => {
      try {
        return String((tell as (...given: readonly unknown[]) => unknown)(...args))
      } catch {
        // It takes something else than numbers and texts.
        return ''
      }
    }
    const args = SAMPLES.slice(0, leaf.length)
    const [ours, other] = [said(leaf, args), said(theirs.get(path) as Leaf, args)]
    for (const sample of args) expect(other.includes(String(sample)), `${path}: ${other}`).toBe(ours.includes(String(sample)))
  }
})

test('numbers take the form that Ukrainian wants', () => {
  const notes = (n: number) => plural(n, 'нотатка', 'нотатки', 'нотаток')
  expect([1, 2, 5, 11, 12, 21, 24, 25, 100, 111, 1001].map(notes)).toEqual([
    '1 нотатка',
    '2 нотатки',
    '5 нотаток',
    '11 нотаток',
    '12 нотаток',
    '21 нотатка',
    '24 нотатки',
    '25 нотаток',
    '100 нотаток',
    '111 нотаток',
    '1\u00a0001 нотатка',
  ])
})

test('the language is the chosen one, else the first of the person’s that there is, else English', () => {
  expect(pickLanguage(undefined, ['de-AT', 'uk-UA', 'en-US'])).toBe('uk')
  expect(pickLanguage(undefined, ['en-GB', 'uk'])).toBe('en')
  expect(pickLanguage('uk', ['en-GB'])).toBe('uk')
  expect(pickLanguage('tlh', ['de'])).toBe('en')
  expect(pickLanguage('toString', [])).toBe('en')
  expect(pickLocale('en', ['de-AT', 'en-GB', 'en-US'])).toBe('en-GB')
  expect(pickLocale('uk', ['en-GB'])).toBe('uk')
})

/** Attributes that people see or hear. */
const READ = new Set([
  'aria-label',
  'aria-description',
  'aria-roledescription',
  'alt',
  'label',
  'placeholder',
  'title',
  'text',
  'hint',
])
const HAS_WORDS = /\p{L}{2}/u

/** Words in a piece of interface that are not from the strings. */
function hardCoded(code: string): string[] {
  const found: string[] = []
  const isText = (value: unknown): value is SyntaxNode & { readonly value: string } => {
    const { type, value: text } = (value ?? {}) as SyntaxNode
    return type === 'Literal' && typeof text === 'string' && HAS_WORDS.test(text)
  }
  walkTree(parseAst(code, { lang: 'tsx' }), ({ type, name, key, value }) => {
    if (type === 'JSXText' && HAS_WORDS.test(String(value))) found.push(String(value).trim())
    if (type === 'JSXAttribute' && READ.has(String((name as SyntaxNode)['name'])) && isText(value)) found.push(value.value)
    // What a toast says, for one.
    if (type === 'Property' && READ.has(String((key as SyntaxNode)['name'])) && isText(value)) found.push(value.value)
  })
  return found
}

test('words in the interface are found where they stand in it', () => {
  expect(hardCoded('<p>Some words</p>')).toEqual(['Some words'])
  expect(hardCoded('<img alt="A picture" className="not words" />')).toEqual(['A picture'])
  expect(hardCoded("toast({ text: 'Done well' })")).toEqual(['Done well'])
  expect(hardCoded('<p title={t.title}>{t.words} · {1}</p>')).toEqual([])
})

test('nothing that people read stands in the interface itself', () => {
  const folder = join(import.meta.dirname, '../src')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'))
  expect(files.length).toBeGreaterThan(60)
  const found = files.flatMap((name) => hardCoded(readFileSync(join(folder, name), 'utf8')).map((words) => `${name}: ${words}`))
  expect(found).toEqual([])
})

test('what the packages say is shown in the language of the page', () => {
  const folder = join(import.meta.dirname, '../src/ui')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'))
  // The words of an error, or of a problem of the engine.
  const shown = files.flatMap((name) => {
    const code = readFileSync(join(folder, name), 'utf8')
    return [...code.matchAll(/.*(?:\bmessage\b|\w\.detail\b|\{detail\}).*/g)].map(([line]) => `${name}: ${line.trim()}`)
  })
  expect(shown.filter((line) => !/\bt\.said\(/.test(line))).toEqual([])
  expect(shown.length).toBeGreaterThan(1)
})
