import { addNote, editNote, findNote, listNotes, removeNote } from '@lockstep/model/notes'
import type { LockstepVault } from '@lockstep/model/schema'
import { addSpace, listSpaces } from '@lockstep/model/spaces'
import { listTrash } from '@lockstep/model/trash'
import { describe, expect, it } from 'vitest'
import { listFile } from '#blob-file'
import { treeOf } from '#list-tree'
import { exportMarkdown, type MarkdownExportOptions } from '#markdown-export'
import { importMarkdown } from '#markdown-import'
import { openDestination } from '#platform/node/write-folder'
import type { SourceTree } from '#source-tree'
import { takeBack } from '#take-back'
import { openZip } from '#zip-destination'
import { MAX_TOTAL_BYTES, readZip } from '#zip-tree'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { type RawEntry, rawZip } from './support/raw-zip.ts'
import { randomTree, readTree, temporaryFolder } from './tree.ts'

const FILE = 'packages/import/test/zip.test.ts'
const NOW = 1_800_000_000_000
const now = () => NOW
const LIMIT = 4 * 1024 * 1024

async function exportZip(vault: LockstepVault, options: MarkdownExportOptions = {}) {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  const zip = openZip(new WritableStream({ write: (chunk: Uint8Array<ArrayBuffer>) => void chunks.push(chunk.slice()) }))
  const summary = await exportMarkdown(vault, zip, options)
  await zip.finish()
  return { archive: new Blob(chunks), summary }
}

const read = (entries: readonly RawEntry[]) => readZip('archive', rawZip(entries))
const text = async (tree: SourceTree, path: string) =>
  new TextDecoder().decode(await tree.files.find((file) => file.path === path)?.read(LIMIT))
const shown = (vault: LockstepVault) =>
  listNotes(vault)
    .map((one) => `${one.space}/${one.path ?? ''}/${findNote(vault, one.id).text}`)
    .sort()

/** A vault that Markdown was imported into, with names that every system takes. */
async function importedVault(random: Random): Promise<LockstepVault> {
  const { vault } = memoryVault(random.seed)
  const files = Object.entries(randomTree(random)).filter(([path]) => !/[:"\\\n]|con|tail\.|\.(?:$|\/)/.test(path))
  const unique = new Map(files.map(([path, content]) => [path.normalize('NFKC').toLowerCase(), [path, content] as const]))
  const given = [...unique.values()].map(([path, content]) => listFile({ path, blob: new Blob([content as string]) }))
  await importMarkdown(vault, await treeOf('tree', given), { now })
  return vault
}

describe('a zip', () => {
  it('holds, byte for byte, what the same export writes into a folder, and comes back as the same notes', async () => {
    let notes = 0
    await forEachSeed('zip round trip', 30, FILE, async (random) => {
      const vault = await importedVault(random)
      const { archive, summary } = await exportZip(vault)
      await using folder = await temporaryFolder()
      const destination = await openDestination(folder.path)
      await exportMarkdown(vault, { ...destination, rules: { names: 'windows', caseSensitive: false } })
      const tree = await readZip('tree', archive)
      const found: Record<string, string> = {}
      for (const file of tree.files) found[file.path] = Buffer.from(await file.read(LIMIT)).toString('hex')
      const expected = Object.entries(await readTree(folder.path)).filter(([path]) => !path.endsWith('/'))
      expect(found).toEqual(Object.fromEntries(expected))
      expect(summary.notes).toBe(tree.files.length)
      if (summary.renamed.length === 0) {
        const copy = memoryVault(2).vault
        await importMarkdown(copy, tree, { now })
        expect(shown(copy)).toEqual(shown(vault))
      }
      notes += summary.notes
    })
    expect(notes).toBeGreaterThan(0)
  })

  it('has one space where one is wanted, empty folders, the times of notes, and names that every system takes', async () => {
    const { vault } = memoryVault()
    const [work] = ['Work', 'Empty', 'a?b'].map((name) => addSpace(vault, { name, now: 1 })) as [string]
    addNote(vault, { space: work, title: 'What: a question?', text: 'x', now: Date.UTC(2025, 4, 6, 7, 8, 10) })
    const { archive, summary } = await exportZip(vault)
    const tree = await readZip('all', archive)
    expect(tree.folders).toEqual(['Empty', 'Work', 'a_b'])
    expect(tree.files).toMatchObject([{ path: 'Work/What_ a question_.md', modifiedAt: Date.UTC(2025, 4, 6, 7, 8, 10) }])
    expect(summary.renamed).toHaveLength(2)
    const one = await exportZip(vault, { space: work })
    expect(one.summary).toMatchObject({ folders: 1, notes: 1 })
    await expect(exportZip(vault, { space: 'nowhere' })).rejects.toMatchObject({ code: 'no-such-space' })
  })

  it('that cannot be written is told, by the next file or at the end, and stopped nothing is kept', async () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 's', now: 1 })
    for (let i = 0; i < 200; i++) addNote(vault, { space, title: `n${i}`, text: 'x'.repeat(3000), now: 1 })
    let left = 100_000
    const full = openZip(
      new WritableStream({
        write({ length }: Uint8Array) {
          left -= length
          if (left < 0) throw new Error('the disk is full')
        },
      }),
    )
    const failing = exportMarkdown(vault, full).then(() => full.finish())
    await expect(failing).rejects.toMatchObject({
      code: 'destination-unwritable',
      message: expect.stringContaining('disk is full'),
    })
    const aborted: unknown[] = []
    const zip = openZip(new WritableStream({ abort: (reason) => void aborted.push(reason) }))
    const stop = new AbortController()
    stop.abort()
    await expect(exportMarkdown(vault, zip, { signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' })
    await zip.abort()
    expect(aborted).toHaveLength(1)
  })

  it('[G18] that is hostile is refused file by file, and the rest is taken', async () => {
    const tree = await read([
      { name: 'good/a.md', data: '# A' },
      { name: 'good/packed.md', data: 'x'.repeat(10_000), deflate: true },
      { name: '../up.md', data: 'x' },
      { name: 'good/../../up.md', data: 'x' },
      { name: '/root.md', data: 'x' },
      { name: 'C:/drive.md', data: 'x' },
      { name: 'good//empty.md', data: 'x' },
      { name: 'good/./dot.md', data: 'x' },
      { name: 'good/nul\0.md', data: 'x' },
      { name: 'good/a.md', data: 'again' },
      { name: `${'d/'.repeat(201)}deep.md`, data: 'x' },
      { name: 'good/locked.md', data: 'x', flags: 0x801 },
      { name: 'good/link.md', data: '/etc/passwd', mode: 0o120777 },
      { name: 'good/.hidden/a.md', data: 'x' },
      { name: 'good/.hidden/b.md', data: 'x' },
      { name: '__MACOSX/good/._a.md', data: 'x' },
      { name: 'good/picture.png', data: 'x' },
      { name: 'empty/' },
    ])
    expect(tree.files.map(({ path }) => path)).toEqual(['good/a.md', 'good/packed.md', 'good/picture.png'])
    expect(tree.folders).toEqual(['empty', 'good'])
    expect(tree.skipped).toEqual({ hidden: 2, link: 1, special: 0 })
    const refused = Object.fromEntries(tree.refused.map(({ path, reason }) => [path, reason]))
    const none = 'has a path that is none below a folder'
    expect(refused).toEqual({
      '../up.md': none,
      'good/../../up.md': none,
      '/root.md': none,
      'C:/drive.md': none,
      'good//empty.md': none,
      'good/./dot.md': none,
      'good/nul\0.md': none,
      'good/a.md': 'is there twice',
      [`${'d/'.repeat(201)}deep.md`]: 'is more than 200 folders deep',
      'good/locked.md': 'is locked with a password',
    })
    expect(await text(tree, 'good/a.md')).toBe('# A')
    const { vault } = memoryVault()
    const summary = await importMarkdown(vault, tree, { now })
    expect(summary).toMatchObject({ added: 2, spaces: 2, otherFiles: 1, hidden: 2, links: 1 })
    expect(summary.refused).toHaveLength(10)
  })

  it('[G18] that lies about its files, or holds what it cannot unpack, is refused file by file after as many bytes as it said', async () => {
    const bomb = 'x'.repeat(1_000_000)
    const tree = await read([
      { name: 's/first.md', data: 'shared' },
      { name: 's/bomb.md', data: bomb, deflate: true, size: 10 },
      { name: 's/short.md', data: 'abc', deflate: true, size: 10 },
      { name: 's/altered.md', data: 'abc', crc: 1 },
      { name: 's/unknown.md', data: 'abc', method: 99 },
      { name: 's/garbage.md', data: 'no deflate', method: 8 },
      { name: 's/large.md', data: 'y'.repeat(LIMIT + 10), deflate: true },
      { name: 's/latin.md', data: Uint8Array.of(0xe4, 0xff) },
      { name: 's/good.md', data: '# Good' },
    ])
    const { vault } = memoryVault()
    const { added, refused } = await importMarkdown(vault, tree, { now })
    expect(added).toBe(2)
    expect(refused.map(({ path }) => path)).toEqual(
      ['altered', 'bomb', 'garbage', 'large', 'latin', 'short', 'unknown'].map((name) => `s/${name}.md`),
    )
    const reasons = Object.fromEntries(refused.map(({ path, reason }) => [path, reason]))
    expect(reasons['s/large.md']).toContain('4 MiB')
    expect(reasons['s/latin.md']).toContain('UTF-8')
    expect(shown(vault)).toEqual(['s/first.md/shared', 's/good.md/# Good'])
    const shared = await read([
      { name: 's/a.md', data: 'the same bytes' },
      { name: 's/b.md', data: 'the same bytes', sharesFirst: true },
    ])
    const { added: once } = await importMarkdown(memoryVault().vault, shared, { now })
    expect(once).toBeLessThan(2)
  })

  it('[G18] that says it holds more than anybody has, or is none, imports nothing', async () => {
    const huge = Array.from({ length: 3 }, (_, i) => ({ name: `${i}.md`, data: 'x', size: MAX_TOTAL_BYTES / 2 }))
    await expect(read(huge)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('4 GiB') })
    const whole = Buffer.from(await rawZip([{ name: 'a.md', data: 'x'.repeat(100) }]).arrayBuffer())
    for (const none of [
      new Blob([]),
      new Blob(['PK']),
      new Blob(['no zip at all '.repeat(100)]),
      new Blob([whole.subarray(0, 90)]),
    ]) {
      await expect(readZip('none', none)).rejects.toMatchObject({ code: 'source-invalid' })
    }
  })

  it('[G18] whose bytes were changed at random is taken, or refused with an error of ours', async () => {
    const outcomes = { taken: 0, refused: 0, invalid: 0 }
    const entries = Array.from({ length: 4 }, (_, i) => ({ name: `s/${i}.md`, data: `# ${i} `.repeat(50), deflate: i % 2 === 0 }))
    const whole = new Uint8Array(await rawZip(entries).arrayBuffer())
    await forEachSeed('broken zips', 60, FILE, async (random) => {
      const bytes = whole.slice()
      for (let i = random.between(1, 4); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256)
      try {
        const summary = await importMarkdown(memoryVault(random.seed).vault, await readZip('z', new Blob([bytes])), { now })
        outcomes.taken += summary.added
        outcomes.refused += summary.refused.length
      } catch (error) {
        expect(error).toMatchObject({ name: 'ImportError', code: 'source-invalid' })
        outcomes.invalid++
      }
    })
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0)
  })

  it('made on Windows may have its separators', async () => {
    const tree = await read([
      { name: 's\\t\\a.md', data: 'x', host: 0 },
      { name: '..\\up.md', data: 'x', host: 0 },
      { name: 's\\b.md', data: 'x', host: 3 },
    ])
    expect(tree.files.map(({ path }) => path)).toEqual(['s/t/a.md', 's\\b.md'])
    expect(tree.refused.map(({ path }) => path)).toEqual(['../up.md'])
  })
})

describe('a list of files', () => {
  it('from nobody knows where has a limit', async () => {
    function* endless() {
      for (let i = 0; ; i++) yield { kind: 'link' as const, path: `l${i}` }
    }
    await expect(treeOf('endless', endless())).rejects.toMatchObject({ code: 'source-invalid' })
    const bad = Array.from({ length: 1500 }, (_, i) => ({ kind: 'refused' as const, path: `r${i}`, reason: 'is bad' }))
    const tree = await treeOf('bad', bad)
    expect(await importMarkdown(memoryVault().vault, tree, { now })).toMatchObject({ moreRefused: 500, added: 0 })
  })

  it('is read up to the limit and no further, and a file that is gone is refused by name', async () => {
    const gone = Object.assign(new Blob(['x']), {
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error('it is gone')) }) as never,
    })
    const given = [listFile({ path: 'gone.md', blob: gone }), listFile({ path: 'a.md', blob: new Blob(['abcdef']) })]
    const tree = await treeOf('files', given)
    expect((await tree.files[0]?.read(3))?.length).toBe(4)
    const { added, refused } = await importMarkdown(memoryVault().vault, tree, { now })
    expect({ added, refused }).toEqual({ added: 1, refused: [{ path: 'gone.md', reason: 'cannot be read (it is gone)' }] })
  })
})

describe('taking an import back', () => {
  it('moves to the trash what it added, keeps what it updated and spaces with something else in them, and again does nothing', async () => {
    const { vault } = memoryVault()
    const own = addSpace(vault, { name: 'own', now: 1 })
    addNote(vault, { space: own, title: 'mine', text: 'mine', now: 1 })
    const files = (version: string) =>
      ['own/new.md', 'a/1.md', 'a/2.md', 'b/3.md'].map((path) => listFile({ path, blob: new Blob([version]) }))
    const added = { spaces: [] as string[], notes: [] as string[] }
    const options = { now, onAdded: (table: 'spaces' | 'notes', id: string) => void added[table].push(id) }
    await importMarkdown(vault, await treeOf('t', files('one')), options)
    expect(added).toMatchObject({ spaces: { length: 2 }, notes: { length: 4 } })
    const inB = listSpaces(vault).find(({ name }) => name === 'b')?.id ?? ''
    addNote(vault, { space: inB, title: 'written since', text: 'x', now: 2 })
    removeNote(vault, added.notes[0] ?? '')
    expect(await takeBack(vault, added)).toBe(3)
    expect(listSpaces(vault).map(({ name, notes }) => [name, notes])).toEqual([
      ['b', 1],
      ['own', 1],
    ])
    expect(listTrash(vault)).toHaveLength(5)
    expect(await takeBack(vault, added)).toBe(0)
    // What was taken back stays away, until the files change.
    expect(await importMarkdown(vault, await treeOf('t', files('one')), { now })).toMatchObject({ added: 0, inTrash: 4 })
    expect(await importMarkdown(vault, await treeOf('t', files('two')), { now })).toMatchObject({ updated: 4 })
    editNote(vault, added.notes[1] ?? '', { text: 'x', now: 3 })
  })
})
