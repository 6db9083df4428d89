import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { editNote, findNote, listNotes, moveNote, removeNote } from '@lockstep/model/notes'
import type { LockstepVault } from '@lockstep/model/schema'
import { addSpace, listSpaces, removeSpace, renameSpace } from '@lockstep/model/spaces'
import { emptyTrash } from '@lockstep/model/trash'
import { describe, expect, it } from 'vitest'
import { ImportError } from '#errors'
import { exportMarkdown } from '#markdown-export'
import { importMarkdown } from '#markdown-import'
import { readFolder } from '#platform/node/read-folder'
import { openDestination } from '#platform/node/write-folder'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { forEachSeed } from '../../../tests/support/random.ts'
import { type Files, randomTree, readTree, temporaryFolder, writeTree } from './tree.ts'

const FILE = 'packages/import/test/markdown.test.ts'
const now = () => 5_000_000_000_000

async function importFolder(vault: LockstepVault, folder: string) {
  return importMarkdown(vault, await readFolder(folder), { now })
}

async function importFiles(vault: LockstepVault, files: Files) {
  await using folder = await temporaryFolder()
  const root = join(folder.path, 'til')
  await mkdir(root)
  await writeTree(root, files)
  return await importFolder(vault, root)
}

/** What a sync would have to send: every write marks its row. */
const written = (vault: LockstepVault) => vault.query('SELECT tbl, n, since FROM _pending ORDER BY tbl, n')

const noteAt = (vault: LockstepVault, path: string) => {
  const found = listNotes(vault).find((note) => note.path === path)
  if (found === undefined) throw new Error(`no note at ${path}`)
  return findNote(vault, found.id)
}

describe('importing Markdown', () => {
  it('makes a space of each top-level folder and of the top, a note of each .md, and counts the rest', async () => {
    const { vault } = memoryVault()
    const summary = await importFiles(vault, {
      'git/rebase.md': '# Rebase\n\ntext',
      'git/deep/er/x.MD': 'no heading',
      'empty/readme.txt': 'not Markdown',
      'top.md': '# Top',
      LICENSE: 'MIT',
      'git/.hidden.md': 'hidden',
      '.git/config.md': 'hidden',
    })
    expect(summary).toEqual({
      spaces: 3,
      added: 3,
      updated: 0,
      unchanged: 0,
      inTrash: 0,
      otherFiles: 2,
      hidden: 2,
      links: 0,
      special: 0,
      refused: [],
    })
    expect(listSpaces(vault)).toMatchObject([
      { name: 'empty', notes: 0, folder: null },
      { name: 'git', notes: 2, folder: null },
      { name: 'til', notes: 1, folder: '' },
    ])
    expect(listNotes(vault).map(({ space, path, title }) => [space, path, title])).toEqual([
      ['git', 'deep/er/x.MD', 'x'],
      ['git', 'rebase.md', 'Rebase'],
      ['til', 'top.md', 'Top'],
    ])
  })

  it('refuses by name what is not UTF-8, too large or unreadable, and takes the rest', async () => {
    await using folder = await temporaryFolder()
    await writeTree(folder.path, {
      'a/latin1.md': Uint8Array.of(0x63, 0x61, 0x66, 0xe9),
      'a/surrogate.md': Uint8Array.of(0xed, 0xa0, 0x80),
      'a/huge.md': new Uint8Array(4 * 1024 * 1024 + 1),
      'a/limit.md': 'x'.repeat(4 * 1024 * 1024),
      'a/good.md': '# Good',
      'a/locked.md': '# Locked',
    })
    await symlink('good.md', join(folder.path, 'a/link.md'))
    await symlink(folder.path, join(folder.path, 'a/loop'))
    await chmod(join(folder.path, 'a/locked.md'), 0)
    const { vault } = memoryVault()
    const { refused, added, links } = await importFolder(vault, folder.path)
    // Root reads what it wants: there the locked file is taken.
    const asRoot = process.getuid?.() === 0
    expect(refused.filter(({ path }) => path !== 'a/locked.md')).toEqual([
      { path: 'a/huge.md', reason: 'is over the limit of 4 MiB for one note' },
      { path: 'a/latin1.md', reason: 'is not UTF-8 text' },
      { path: 'a/surrogate.md', reason: 'is not UTF-8 text' },
    ])
    expect({ added, links }).toEqual({ added: asRoot ? 3 : 2, links: 2 })
    expect(noteAt(vault, 'limit.md').text).toHaveLength(4 * 1024 * 1024)
  })

  it('names that are not UTF-8 are refused and do not stop it', async () => {
    await using folder = await temporaryFolder()
    await writeTree(folder.path, { 'a/good.md': '# Good' })
    const odd = Buffer.concat([Buffer.from(join(folder.path, 'a/')), Buffer.of(0xff, 0xfe), Buffer.from('.md')])
    if (
      !(await writeFile(odd, 'x').then(
        () => true,
        () => false,
      ))
    )
      return
    const { vault } = memoryVault()
    expect(await importFolder(vault, folder.path)).toMatchObject({
      added: 1,
      refused: [{ reason: 'has a name that is not UTF-8' }],
    })
  })

  it('says what is wrong with a source that is no folder', async () => {
    await using folder = await temporaryFolder()
    await writeTree(folder.path, { 'a.md': '' })
    for (const path of [join(folder.path, 'missing'), join(folder.path, 'a.md')]) {
      await expect(readFolder(path)).rejects.toMatchObject({ code: 'source-unreadable' })
    }
  })

  it('importing the same again changes nothing, not one row', async () => {
    const { vault } = memoryVault()
    const files = { 'a/x.md': '# X', 'a/y.md': 'y', 'b/z.md': '', 'top.md': 't' }
    await importFiles(vault, files)
    const before = written(vault)
    expect(await importFiles(vault, files)).toMatchObject({ spaces: 0, added: 0, updated: 0, unchanged: 4, inTrash: 0 })
    expect(written(vault)).toEqual(before)
  })

  it('a changed file updates its note and only that; what people edited stays where the file did not change', async () => {
    const { vault } = memoryVault()
    await importFiles(vault, { 'a/x.md': '# X\nold', 'a/y.md': '# Y\nold' })
    const [x, y] = [noteAt(vault, 'x.md'), noteAt(vault, 'y.md')]
    editNote(vault, y.id, { text: '# Y\nmine', title: 'My title', now: 6 })
    expect(await importFiles(vault, { 'a/x.md': '# X2\nnew', 'a/y.md': '# Y\nold' })).toMatchObject({
      added: 0,
      updated: 1,
      unchanged: 1,
    })
    expect(findNote(vault, x.id)).toMatchObject({ text: '# X2\nnew', title: 'X2', createdAt: x.createdAt })
    expect(findNote(vault, y.id)).toMatchObject({ text: '# Y\nmine', title: 'My title' })
    // The file wins once it changes; the text it replaced is in the history, the title that somebody gave stays.
    expect(await importFiles(vault, { 'a/x.md': '# X2\nnew', 'a/y.md': '# Y3\nfile' })).toMatchObject({ updated: 1, unchanged: 1 })
    expect(findNote(vault, y.id)).toMatchObject({ text: '# Y3\nfile', title: 'My title' })
    expect(vault.history('notes', y.id, 'text')[0]?.text).toBe('# Y\nmine')
  })

  it('a note stays in the trash until its file changes; a moved note stays where it was moved to', async () => {
    const { vault } = memoryVault()
    await importFiles(vault, { 'a/x.md': 'x', 'a/y.md': 'y' })
    const [x, y] = [noteAt(vault, 'x.md'), noteAt(vault, 'y.md')]
    const other = addSpace(vault, { name: 'other', now: 1 })
    moveNote(vault, y.id, { space: other, now: 1 })
    removeNote(vault, x.id)
    expect(await importFiles(vault, { 'a/x.md': 'x', 'a/y.md': 'y2' })).toMatchObject({ unchanged: 1, inTrash: 1, updated: 1 })
    expect(listNotes(vault)).toMatchObject([{ id: y.id, space: 'other' }])
    await importFiles(vault, { 'a/x.md': 'x2', 'a/y.md': 'y2' })
    expect(findNote(vault, x.id).text).toBe('x2')
    removeNote(vault, x.id)
    emptyTrash(vault)
    expect(await importFiles(vault, { 'a/x.md': 'x2' })).toMatchObject({ added: 1 })
    expect(findNote(vault, x.id)).toMatchObject({ text: 'x2', title: 'x' })
  })

  it('uses an existing space of the name, follows a rename, and brings a deleted one back only for a new note', async () => {
    const { vault } = memoryVault()
    const mine = addSpace(vault, { name: 'git', now: 1 })
    expect(await importFiles(vault, { 'git/x.md': 'x', 'go/y.md': 'y' })).toMatchObject({ spaces: 1, added: 2 })
    expect(listSpaces(vault).find(({ name }) => name === 'git')).toMatchObject({ id: mine, notes: 1 })
    renameSpace(vault, 'go', { name: 'golang', now: 2 })
    await importFiles(vault, { 'go/y.md': 'y', 'go/z.md': 'z' })
    expect(listSpaces(vault).map(({ name, notes }) => [name, notes])).toEqual([
      ['git', 1],
      ['golang', 2],
    ])
    removeSpace(vault, 'golang')
    expect(await importFiles(vault, { 'go/y.md': 'y', 'go/z.md': 'z' })).toMatchObject({ unchanged: 2, inTrash: 2, spaces: 0 })
    expect(listSpaces(vault).map(({ name }) => name)).toEqual(['git'])
    await importFiles(vault, { 'go/new.md': 'n' })
    expect(listSpaces(vault).map(({ name, notes }) => [name, notes])).toEqual([
      ['git', 1],
      ['golang', 3],
    ])
  })

  it('[CELL-3] two devices that import the same tree apart make the same rows', async () => {
    const rows = []
    for (const seed of [1, 2]) {
      const { vault } = memoryVault(seed)
      await importFiles(vault, { 'a/x.md': '# X', 'top.md': 't' })
      rows.push([listNotes(vault).map(({ id, spaceId }) => [id, spaceId]), listSpaces(vault).map(({ id }) => id)])
    }
    expect(rows[0]).toEqual(rows[1])
  })

  it('stops between transactions when asked to, and the next import does the rest', async () => {
    const { vault } = memoryVault()
    const files = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`a/${i}.md`, `note ${i}`]))
    await using folder = await temporaryFolder()
    await writeTree(folder.path, files)
    const stop = new AbortController()
    const onProgress = ({ done }: { done: number }) => done >= 500 && stop.abort()
    const tree = await readFolder(folder.path)
    await expect(importMarkdown(vault, tree, { now, onProgress, signal: stop.signal })).rejects.toThrow(ImportError)
    expect(listNotes(vault)).toHaveLength(500)
    expect(await importMarkdown(vault, tree, { now })).toMatchObject({ added: 700, unchanged: 500 })
  })
})

describe('exporting Markdown', () => {
  it('gives random trees back byte for byte, and importing them again changes nothing', async () => {
    let files = 0
    await forEachSeed('Markdown round trip', 40, FILE, async (random) => {
      const tree = randomTree(random)
      files += Object.keys(tree).length
      await using folder = await temporaryFolder()
      const [source, out] = [join(folder.path, 'src'), join(folder.path, 'out')]
      await mkdir(source)
      await writeTree(source, tree)
      const { vault } = memoryVault(random.seed)
      const { refused, added } = await importFolder(vault, source)
      expect(refused).toEqual([])
      expect(added).toBe(Object.keys(tree).length)
      const { renamed } = await exportMarkdown(vault, await openDestination(out))
      expect(renamed).toEqual([])
      expect(await readTree(out)).toEqual(await readTree(source))
      const before = written(vault)
      await importFolder(vault, source)
      expect(written(vault)).toEqual(before)
    })
    expect(files).toBeGreaterThan(0)
  })

  it('names notes made by hand after their title, and gives everybody a name of their own', async () => {
    const { vault } = memoryVault()
    vault.transact((tx) => {
      tx.insert('spaces', { name: 'S' }, 's1')
      tx.insert('spaces', { name: 'S' }, 's2')
      const titles = ['Same', 'Same', 'a/b', '', '..', 'Same (2)']
      for (const [i, title] of titles.entries()) tx.insert('notes', { space: 's1', title, text: `${i}` }, `n${i}`)
      tx.insert('notes', { space: 'unseen', title: 'Lost', text: '' }, 'n9')
    })
    await using folder = await temporaryFolder()
    const { renamed, notes } = await exportMarkdown(vault, await openDestination(join(folder.path, 'out')))
    expect(notes).toBe(7)
    expect(Object.keys(await readTree(join(folder.path, 'out'))).sort()).toEqual([
      'No space/Lost.md',
      'S (2)/',
      'S/Same (2).md',
      'S/Same (3).md',
      'S/Same.md',
      'S/Untitled.md',
      'S/_...md',
      'S/a_b.md',
    ])
    expect(renamed.map(({ path }) => path).sort()).toEqual(['S (2)', 'S/Same (3).md', 'S/_...md', 'S/a_b.md'])
  })

  it('writes to an empty or new folder only', async () => {
    await using folder = await temporaryFolder()
    await writeTree(folder.path, { 'full/x': '' })
    await mkdir(join(folder.path, 'empty'))
    await expect(openDestination(join(folder.path, 'full'))).rejects.toMatchObject({ code: 'destination-not-empty' })
    await expect(openDestination(join(folder.path, 'full/x'))).rejects.toMatchObject({ code: 'destination-unwritable' })
    await openDestination(join(folder.path, 'empty'))
    await openDestination(join(folder.path, 'new/deeper'))
    expect(await readTree(folder.path)).toEqual({ 'empty/': '', 'full/x': '', 'new/deeper/': '' })
  })
})
