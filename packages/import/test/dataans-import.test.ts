import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { addNote, editNote, findNote, listNotes, moveNote, removeNote, restoreNote } from '@lockstep/model/notes'
import type { LockstepVault } from '@lockstep/model/schema'
import { addSpace, listSpaces, removeSpace, renameSpace } from '@lockstep/model/spaces'
import { emptyTrash, listTrash } from '@lockstep/model/trash'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dataansKey } from '#dataans/envelope'
import { importDataansFile } from '#dataans/file-import'
import { type DataansImportOptions, importDataansServer } from '#dataans/server-import'
import { WebSource } from '#web-source'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { forEachSeed } from '../../../tests/support/random.ts'
import {
  type DataansServer,
  dataansServer,
  file,
  KEY,
  note,
  operation,
  space,
  timestamp,
  type WireOperation,
} from './support/dataans-server.ts'

const NOW = Date.UTC(2026, 5, 1)
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const WORK = id(1)
const HOME = id(2)
const AVATAR = id(90)
const SECOND = 1_000_000_000

async function serve(...operations: WireOperation[]): Promise<DataansServer> {
  const server = await dataansServer(operations)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

function run(
  vault: LockstepVault,
  server: { readonly url: string },
  options: Partial<DataansImportOptions> & { token?: string } = {},
) {
  const { http, close } = createNodeHttp()
  onTestFinished(close)
  const pass = options.token === undefined ? undefined : { accessToken: options.token }
  const web = new WebSource({ http, server: server.url, pass, now: () => NOW, signal: options.signal })
  return importDataansServer(vault, { web, deriveKey: () => dataansKey(KEY), now: () => NOW, ...options })
}

const shown = (vault: LockstepVault) =>
  listNotes(vault).map((one) => ({ space: one.space, title: one.title, text: findNote(vault, one.id).text }))
const pending = (vault: LockstepVault) => vault.query('SELECT tbl, n, since FROM _pending ORDER BY tbl, n')
const noteId = (vault: LockstepVault, title: string) => listNotes(vault).find((one) => one.title === title)?.id ?? 'none'

const BASE = [
  operation('CreateSpace', space(WORK, 'Work', AVATAR, 1), { at: 1 }),
  operation('CreateNote', note(id(10), '# One\nfirst', WORK, 2), { at: 2 }),
  operation('CreateNote', note(id(11), 'second, no heading', WORK, 3), { at: 3 }),
]

describe('an import from a Dataans server', () => {
  it('brings spaces and notes with their times, and again nothing', async () => {
    const server = await serve(...BASE)
    const { vault } = memoryVault()
    const steps: string[] = []
    const summary = await run(vault, server, { onProgress: (step, done, total) => steps.push(`${step} ${done}/${total}`) })
    expect(summary).toMatchObject({ operations: 3, spaces: 1, added: 2, updated: 0, unchanged: 0, refused: [], files: [] })
    expect(shown(vault)).toEqual([
      { space: 'Work', title: 'One', text: '# One\nfirst' },
      { space: 'Work', title: 'second, no heading', text: 'second, no heading' },
    ])
    expect(
      listNotes(vault).every(({ createdAt, updatedAt }) => createdAt === Date.UTC(2026, 0, 1) && updatedAt === createdAt),
    ).toBe(true)
    expect(steps).toEqual(['Reading 3/16', 'Importing 2/2'])
    const before = pending(vault)
    expect(await run(vault, server)).toMatchObject({ spaces: 0, added: 0, updated: 0, unchanged: 2 })
    expect(pending(vault)).toEqual(before)
  })

  it('two devices that import apart make the same rows', async () => {
    const server = await serve(...BASE)
    const ids = async (seed: number) => {
      const { vault } = memoryVault(seed)
      await run(vault, server)
      return [listSpaces(vault), listNotes(vault)].flat().map((row) => row.id)
    }
    expect(await ids(1)).toEqual(await ids(2))
  })

  it('the last write wins, to the nanosecond and in any order of arrival; deletes are soft', async () => {
    const ops = [
      ...BASE,
      operation('UpdateNote', note(id(10), 'newest', WORK, 12), { at: 12 }),
      operation('UpdateNote', note(id(10), 'older', WORK, 11), { at: 11 }),
      operation('UpdateNote', note(id(11), 'tie, higher id', WORK, 20), { at: 20, id: id(702) }),
      operation('UpdateNote', note(id(11), 'tie, lower id', HOME, 20), { at: 20, id: id(701) }),
      operation('CreateSpace', space(HOME, 'Home', AVATAR, 5), { at: 5 }),
      operation('CreateNote', note(id(12), 'deleted', HOME, 6), { at: 6 }),
      operation('DeleteNote', id(12), { at: 7 }),
      operation('CreateNote', note(id(13), 'deleted and written again', HOME, 6), { at: 6 }),
      operation('DeleteNote', id(13), { at: 7 }),
      operation('UpdateNote', note(id(13), 'back', HOME, 8), { at: 8 }),
      operation('UpdateNote', note(id(14), 'deleted by its flag', HOME, 8, true), { at: 8 }),
      operation('DeleteNote', id(15), { at: 9 }),
      operation('UpdateSpace', space(HOME, 'Home, renamed', AVATAR, 30), { at: 30 }),
    ]
    await forEachSeed('orders of arrival', 8, 'packages/import/test/dataans-import.test.ts', async (random) => {
      const server = await serve()
      const json = JSON.stringify(random.shuffle(ops))
      server.interfere = ({ url }, response) => url?.startsWith('/data/operation') === true && !!response.end(json)
      const { vault } = memoryVault()
      await run(vault, server)
      expect(shown(vault)).toEqual([
        { space: 'Home, renamed', title: 'back', text: 'back' },
        { space: 'Home, renamed', title: 'tie, lower id', text: 'tie, lower id' },
        { space: 'Work', title: 'newest', text: 'newest' },
      ])
    })
  })

  it('a deleted space takes its notes along, but not one that was written later', async () => {
    const server = await serve(
      ...BASE,
      operation('DeleteSpace', WORK, { at: 10 }),
      operation('UpdateNote', note(id(11), 'late', WORK, 11), { at: 11 }),
      operation('CreateNote', note(id(16), 'of a space that nobody described', id(5), 12), { at: 12 }),
    )
    const { vault } = memoryVault()
    await run(vault, server)
    expect(shown(vault)).toEqual([
      { space: 'Dataans', title: 'of a space that nobody described', text: 'of a space that nobody described' },
      { space: 'Work', title: 'late', text: 'late' },
    ])
  })

  it('what was edited here stays where nothing changed there; what changed there is updated, with the earlier text in the history', async () => {
    const server = await serve(...BASE)
    const { vault } = memoryVault()
    await run(vault, server)
    const [one, two] = [noteId(vault, 'One'), noteId(vault, 'second, no heading')]
    const own = addSpace(vault, { name: 'Own', now: NOW })
    editNote(vault, one, { text: '# One\nfirst, edited here', title: 'My title', now: NOW })
    moveNote(vault, two, { space: own, now: NOW })
    renameSpace(vault, 'Work', { name: 'Work, renamed here', now: NOW })
    expect(await run(vault, server)).toMatchObject({ updated: 0, unchanged: 2 })
    expect(findNote(vault, one).text).toBe('# One\nfirst, edited here')

    server.operations.push(
      operation('UpdateNote', note(id(10), '# One\nchanged there', WORK, SECOND), { at: SECOND }),
      operation('UpdateNote', note(id(11), 'changed there', WORK, SECOND), { at: SECOND }),
    )
    expect(await run(vault, server)).toMatchObject({ updated: 2, unchanged: 0 })
    expect(findNote(vault, one)).toMatchObject({ text: '# One\nchanged there', title: 'My title', space: 'Work, renamed here' })
    expect(vault.history('notes', one, 'text').map(({ text }) => text)).toContain('# One\nfirst, edited here')
    expect(findNote(vault, two)).toMatchObject({ text: 'changed there', space: 'Own' })

    server.operations.push(operation('UpdateSpace', space(WORK, 'Work, renamed there', AVATAR, SECOND), { at: SECOND }))
    await run(vault, server)
    expect(listSpaces(vault).map(({ name }) => name)).toEqual(['Own', 'Work, renamed there'])
  })

  it('a note moved there moves here, unless it was moved here', async () => {
    const server = await serve(...BASE, operation('CreateSpace', space(HOME, 'Home', AVATAR, 5), { at: 5 }))
    const { vault } = memoryVault()
    await run(vault, server)
    const own = addSpace(vault, { name: 'Own', now: NOW })
    moveNote(vault, noteId(vault, 'One'), { space: own, now: NOW })
    server.operations.push(
      operation('UpdateNote', note(id(10), '# One\nfirst', HOME, SECOND), { at: SECOND }),
      operation('UpdateNote', note(id(11), 'second, no heading', HOME, SECOND), { at: SECOND }),
    )
    await run(vault, server)
    expect(shown(vault).map((one) => `${one.space}: ${one.title}`)).toEqual(['Home: second, no heading', 'Own: One'])
  })

  it('what was deleted there since goes to the trash, unless it was edited here; taken back it stays', async () => {
    const server = await serve(...BASE)
    const { vault } = memoryVault()
    await run(vault, server)
    const [one, two] = [noteId(vault, 'One'), noteId(vault, 'second, no heading')]
    editNote(vault, one, { text: 'mine', now: NOW })
    server.operations.push(operation('DeleteNote', id(10), { at: 50 }), operation('DeleteNote', id(11), { at: 50 }))
    expect(await run(vault, server)).toMatchObject({ trashed: 1, kept: 1, added: 0 })
    expect(listTrash(vault).map((entry) => entry.id)).toEqual([two])
    expect(await run(vault, server)).toMatchObject({ trashed: 0, kept: 1, added: 0 })
    restoreNote(vault, two, NOW)
    expect(await run(vault, server)).toMatchObject({ trashed: 0 })
    expect(listNotes(vault)).toHaveLength(2)
    server.operations.push(operation('UpdateNote', note(id(11), 'once more', WORK, 60), { at: 60 }))
    expect(await run(vault, server)).toMatchObject({ updated: 1 })
    expect(findNote(vault, two).text).toBe('once more')
  })

  it('a note in the trash here stays there until it changes there', async () => {
    const server = await serve(...BASE)
    const { vault } = memoryVault()
    await run(vault, server)
    const one = noteId(vault, 'One')
    removeNote(vault, one)
    expect(await run(vault, server)).toMatchObject({ unchanged: 2, inTrash: 1 })
    removeSpace(vault, 'Work')
    server.operations.push(operation('UpdateNote', note(id(10), '# One\nagain', WORK, 70), { at: 70 }))
    expect(await run(vault, server)).toMatchObject({ updated: 1 })
    expect(findNote(vault, one)).toMatchObject({ text: '# One\nagain', space: 'Work', spaceDeleted: false })
  })

  it('what was dropped for good here comes again, as a file would', async () => {
    const server = await serve(...BASE)
    const { vault } = memoryVault()
    await run(vault, server)
    removeSpace(vault, 'Work')
    emptyTrash(vault)
    expect(await run(vault, server)).toMatchObject({ spaces: 1, added: 2 })
    expect(shown(vault).map((one) => one.title)).toEqual(['One', 'second, no heading'])
  })

  it('a space deleted there goes when it is empty, and stays with what was put into it here', async () => {
    const server = await serve(...BASE, operation('CreateSpace', space(HOME, 'Home', AVATAR, 5), { at: 5 }))
    const { vault } = memoryVault()
    await run(vault, server)
    const [home] = listSpaces(vault)
    addNote(vault, { space: home?.id ?? '', title: 'own', text: 'own', now: NOW })
    server.operations.push(operation('DeleteSpace', WORK, { at: 50 }), operation('DeleteSpace', HOME, { at: 50 }))
    expect(await run(vault, server)).toMatchObject({ trashed: 3, kept: 1 })
    expect(listSpaces(vault).map(({ name }) => name)).toEqual(['Home'])
    expect(listTrash(vault).filter(({ kind }) => kind === 'space')).toHaveLength(1)
  })

  it('attached files are told, with whether the server has them', async () => {
    const [picture, lost, gone] = [id(80), id(81), id(82)]
    const server = await serve(
      ...BASE,
      ...[file(AVATAR, 'avatar.png', 1), file(picture, '../../picture.png', 4), file(gone, 'gone.txt', 4)].map((one) =>
        operation('CreateFile', one, { at: 4 }),
      ),
      operation('SetNoteFiles', [id(10), [picture]], { at: 5 }),
      operation('SetNoteFiles', [id(10), [picture, lost, gone]], { at: 6 }),
      operation('DeleteFile', gone, { at: 7 }),
      operation('SetNoteFiles', [id(11), [picture]], { at: 8 }),
      operation('DeleteNote', id(11), { at: 9 }),
    )
    server.files.add(picture)
    const { vault } = memoryVault()
    const { files } = await run(vault, server)
    expect(files).toEqual([
      { id: picture, name: '../../picture.png', notes: [noteId(vault, 'One')], onServer: true },
      { id: lost, name: '', notes: [noteId(vault, 'One')], onServer: false },
      { id: AVATAR, name: 'avatar.png', notes: [], onServer: false },
    ])
  })

  it('its export and its server make the same rows', async () => {
    const server = await serve(...BASE)
    const { vault } = memoryVault()
    await run(vault, server)
    const at = timestamp(3)
    const exported = {
      version: 'V1',
      data: [
        {
          space: { id: WORK, name: 'Work', created_at: at, updated_at: at, avatar: { id: AVATAR, path: '/a.png' } },
          notes: [
            { id: id(10), text: '# One\nfirst', created_at: at, updated_at: at, space_id: WORK, files: [] },
            {
              id: id(11),
              text: 'changed in the export',
              created_at: [2026, 1, 0, 0, 0, 3, 0, 0, 0],
              updated_at: '2026-01-01 0:00:00.000000003 +00:00:00',
              space_id: WORK,
              files: [{ id: id(80), name: 'a.txt', path: '../../../etc/passwd', status: 'ExistAndUploaded' }, { id: 7 }],
            },
            { id: id(12), text: 7 },
            'no note',
          ],
        },
        { space: { id: 'no' }, notes: [] },
        'nothing',
      ],
    }
    const summary = await importDataansFile(vault, JSON.stringify(exported), { now: () => NOW })
    expect(summary).toMatchObject({ spaces: 0, added: 0, updated: 1, unchanged: 1 })
    expect(summary.files).toEqual([{ id: id(80), name: 'a.txt', notes: [noteId(vault, 'changed in the export')] }])
    expect(summary.refused.map(({ path }) => path)).toEqual([
      `file number 2 of note ${id(11)}`,
      `note ${id(12)}`,
      'note number 4',
      'space number 2',
      'entry 2',
    ])
    expect(await importDataansFile(vault, JSON.stringify(exported), { now: () => NOW })).toMatchObject({ updated: 0, unchanged: 2 })
  })
})
