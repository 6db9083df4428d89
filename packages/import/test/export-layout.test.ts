import { describe, expect, it } from 'vitest'
import { layOut } from '#export-layout'
import { type NameRules, nameKey, numbered, safeName } from '#file-names'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'

const posix: NameRules = { names: 'posix', caseSensitive: true }
const mac: NameRules = { names: 'posix', caseSensitive: false }
const windows: NameRules = { names: 'windows', caseSensitive: false }

describe('names', () => {
  it.each([
    ['plain.md', 'plain.md'],
    ['a/b', 'a_b.md'],
    ['nul\0', 'nul_.md'],
    ['..', '_...md'],
    ['.git', '_.git.md'],
    ['x.MD', 'x.MD'],
    ['a:b?.md', 'a:b?.md'],
  ])('%j is %j on POSIX', (name, expected) => expect(safeName(name, posix, '.md')).toBe(expected))

  it.each([
    ['con', '_con'],
    ['COM1.txt', '_COM1.txt'],
    ['console', 'console'],
    ['a:b?*', 'a_b__'],
    ['tail. .', 'tail___'],
    ['', '_'],
    ['back\\slash', 'back_slash'],
  ])('%j is %j on Windows', (name, expected) => expect(safeName(name, windows)).toBe(expected))

  it('long ones are cut to what file systems take, between characters, and keep their extension', () => {
    const long = safeName('é'.repeat(300), posix, '.md')
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(255)
    expect(long).toMatch(/^é+….md$/)
    expect(Buffer.byteLength(numbered(long, 123456))).toBeLessThanOrEqual(255)
    const exact = `${'x'.repeat(252)}.md`
    expect(safeName(exact, posix, '.md')).toBe(exact)
    expect(Buffer.byteLength(numbered(exact, 2))).toBeLessThanOrEqual(255)
  })
})

describe('the layout', () => {
  it('a destination that cannot tell two names apart gets a number for one of them', () => {
    const notes = [
      { id: 'n1', space: 's', path: 'README.md', title: '' },
      { id: 'n2', space: 's', path: 'readme.md', title: '' },
      { id: 'n3', space: 's', path: 'Sub/x.md', title: '' },
      { id: 'n4', space: 's', path: 'sub/y.md', title: '' },
    ]
    const spaces = [{ id: 's', name: 'S', folder: null }]
    expect(layOut(spaces, notes, posix).renamed).toEqual([])
    const { files, renamed } = layOut(spaces, notes, mac)
    expect(files.map(({ path }) => path)).toEqual(['S/README.md', 'S/readme (2).md', 'S/Sub/x.md', 'S/Sub/y.md'])
    expect(renamed).toEqual([{ wanted: 'S/readme.md', path: 'S/readme (2).md' }])
  })

  it('a file never takes the name of a folder', () => {
    const notes = [
      { id: 'n1', space: 's', path: null, title: 'a' },
      { id: 'n2', space: 's', path: 'a.md/x.md', title: '' },
    ]
    expect(layOut([{ id: 's', name: 'S', folder: '' }], notes, posix).files).toEqual([
      { id: 'n1', path: 'a (2).md' },
      { id: 'n2', path: 'a.md/x.md' },
    ])
  })

  const NASTY = [
    '..',
    '.',
    '',
    '/',
    '\0',
    '.git',
    'a',
    'A',
    'con',
    'x'.repeat(300),
    '../../etc/passwd',
    '~',
    'é'.repeat(200),
    'a.md',
    'b\\..\\c',
    '\ud83d\ude00',
    'ﬁ',
    'fi',
    ' ',
    'tail.',
  ]

  function nastyPath(random: Random): string {
    return Array.from({ length: 1 + random.below(random.chance(0.05) ? 400 : 5) }, () => random.pick(NASTY)).join('/')
  }

  it('whatever a vault holds, every path stays below the destination, in a listed folder, and nobody meets anybody', async () => {
    await forEachSeed('export layout', 300, 'packages/import/test/export-layout.test.ts', (random) => {
      const rules = random.pick([posix, mac, windows])
      const spaces = Array.from({ length: random.below(6) }, (_, i) => ({
        id: `s${i}`,
        name: random.pick(NASTY),
        folder: random.pick([null, null, '', '..', 'a']),
      }))
      const notes = Array.from({ length: random.below(60) }, (_, i) => ({
        id: `n${i}`,
        space: random.chance(0.1) ? null : `s${random.below(7)}`,
        path: random.chance(0.3) ? null : nastyPath(random),
        title: random.pick(NASTY),
      }))
      const { folders, files } = layOut(spaces, notes, rules)
      expect(files.map(({ id }) => id).sort()).toEqual(notes.map(({ id }) => id).sort())
      const made = new Set<string>()
      const keys = new Set<string>()
      const check = (path: string) => {
        const names = path.split('/')
        for (const name of names) {
          expect(name).not.toMatch(/^$|^\.|\0/)
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
          expect(safeName(name, rules)).toBe(name)
        }
        const parent = names.slice(0, -1).join('/')
        expect(parent === '' || made.has(parent)).toBe(true)
        const key = names.map((name) => nameKey(name, rules)).join('/')
        expect(keys.has(key)).toBe(false)
        keys.add(key)
      }
      for (const folder of folders) {
        check(folder)
        made.add(folder)
      }
      for (const { path } of files) {
        check(path)
        expect(path).toMatch(/\.md$/i)
      }
    })
  })
})
