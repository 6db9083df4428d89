import { addDiff, listDiffs } from '@lockstep/model/diffs'
import { addNote, editNote, findNote, listNotes, removeNote } from '@lockstep/model/notes'
import { editProfile, readProfile } from '@lockstep/model/profile'
import { listPublications } from '@lockstep/model/publications'
import { markRead, markUnread } from '@lockstep/model/reading'
import type { LockstepVault } from '@lockstep/model/schema'
import { addSpace, listSpaces, removeSpace } from '@lockstep/model/spaces'
import { addStar, listStars, starId } from '@lockstep/model/stars'
import { toBase64Url } from '@lockstep/protocol/bytes'
import { describe, expect, it } from 'vitest'
import { ImportError } from '#errors'
import type { JsonExportOptions } from '#json-export'
import { importJson } from '#json-import'
import { jsonKind } from '#json-kind'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { forEachSeed, Random } from '../../../tests/support/random.ts'
import { exportedJson } from './support/exported.ts'

const NOW = 1_800_000_000_000
const exported = (vault: LockstepVault, options: Partial<JsonExportOptions> = {}) => exportedJson(vault, { now: NOW, ...options })

function publish(vault: LockstepVault, random: Random, diff: string): string {
  const link = { server: 'https://notes.example/base', key: toBase64Url(random.bytes(32)) }
  const of = { diff, title: '', date: '2026-01-01', publishedAt: random.below(3) }
  const id = toBase64Url(random.bytes(16))
  vault.transact((tx) => tx.insert('publications', { ...of, ...link }, id))
  return id
}

function filledVault(random: Random): LockstepVault {
  const { vault } = memoryVault(random.seed)
  const word = () => random.pick(['a', 'ß', '😀', 'x\r\ny', '\u0000', '"', '\\', 'long '.repeat(50), '\ufeff', ''])
  const now = () => 1 + random.below(1000)
  const spaces = Array.from({ length: 1 + random.below(3) }, (_, i) =>
    addSpace(vault, { name: `s${i}`, avatar: word(), now: now() }),
  )
  for (let i = random.below(15); i > 0; i--) {
    const id = addNote(vault, { space: random.pick(spaces), title: word(), text: word(), now: now() })
    if (random.chance(0.4)) editNote(vault, id, { text: word() + word(), pinned: random.chance(0.5), now: 2000 + now() })
    if (random.chance(0.1)) removeNote(vault, id)
  }
  for (let i = random.below(5); i > 0; i--) {
    const { id } = addDiff(vault, {
      title: word(),
      date: `2026-01-0${1 + random.below(4)}`,
      text: 'p0\n\np1\n\np2',
      windowDays: i,
      now: now(),
    })
    if (random.chance(0.5)) markRead(vault, [id], now())
    if (random.chance(0.2)) markUnread(vault, [id])
    if (random.chance(0.4)) publish(vault, random, id)
    if (random.chance(0.7)) addStar(vault, { diff: id, paragraph: random.below(3), now: now() })
    if (random.chance(0.5)) {
      vault.transact((tx) => {
        // As an importer leaves them: two starred items of one paragraph, and what was summed up of one.
        for (const item of [4, 5]) {
          tx.put('stars', starId(id, 0, item), { diff: id, paragraph: 0, item, text: word(), createdAt: now() })
        }
        tx.put('tldrs', starId(id, 1, 5), { diff: id, paragraph: 1, item: 5, text: word(), url: word(), createdAt: now() })
        const source = random.chance(0.5) ? 'digest' : null
        tx.insert('diffs', { title: word(), date: '', text: 'p0', source, createdAt: now() })
      })
    }
  }
  if (random.chance(0.7)) {
    editProfile(vault, { name: word(), languages: ['Go', word()], topics: [word()], apiKeys: { openai: word() }, now: now() })
  }
  if (random.chance(0.2)) removeSpace(vault, random.pick(spaces))
  return vault
}

describe('JSON', () => {
  it('an export imported into an empty vault exports the same, and importing it again changes nothing', async () => {
    let notes = 0
    await forEachSeed('JSON round trip', 60, 'packages/import/test/json.test.ts', async (random) => {
      const text = await exported(filledVault(random))
      const { vault } = memoryVault(random.u32())
      const { updated, kept } = await importJson(vault, text)
      expect({ updated, kept }).toEqual({ updated: 0, kept: 0 })
      expect(await exported(vault)).toBe(text)
      notes += listNotes(vault).length
      const pending = vault.query('SELECT tbl, n, since FROM _pending ORDER BY tbl, n')
      expect(await importJson(vault, text)).toMatchObject({ added: 0, updated: 0, kept: 0 })
      expect(vault.query('SELECT tbl, n, since FROM _pending ORDER BY tbl, n')).toEqual(pending)
    })
    expect(notes).toBeGreaterThan(0)
  })

  it('an export is laid out as JSON is, whatever is in it, and is read back in parts when it is stopped', async () => {
    await forEachSeed('JSON layout', 20, 'packages/import/test/json.test.ts', async (random) => {
      const text = await exported(filledVault(random))
      expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`)
    })
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 's', now: 1 })
    for (let i = 0; i < 250; i++) addNote(vault, { space, title: `n${i}`, text: 't', now: 10 })
    const progress: string[] = []
    const stop = new AbortController()
    const stopped = exported(vault, {
      signal: stop.signal,
      onProgress({ done, total }) {
        progress.push(`${done}/${total}`)
        if (done === 200) stop.abort()
      },
    })
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled', message: 'the export was stopped after 200 of 250 notes' })
    expect(progress).toEqual(['100/250', '200/250'])
  })

  it('an export of one space has it and its notes, and nothing else', async () => {
    const { vault } = memoryVault()
    const [work, home] = ['work', 'home'].map((name) => addSpace(vault, { name, now: 1 })) as [string, string]
    addNote(vault, { space: work, title: 'w', text: 'w', now: 1 })
    addNote(vault, { space: home, title: 'h', text: 'h', now: 1 })
    const { id: diff } = addDiff(vault, { title: 'd', date: '2026-01-01', text: 'p', now: 1 })
    markRead(vault, [diff], 1)
    publish(vault, new Random(1), diff)
    editProfile(vault, { name: 'me', apiKeys: { openai: 'secret' }, now: 1 })
    const one = JSON.parse(await exported(vault, { space: home }))
    expect(one).toMatchObject({ spaces: [{ name: 'home' }], notes: [{ title: 'h' }] })
    const nothing = { diffs: [], stars: [], tldrs: [], reading: [], publications: [], profile: null, apiKeys: [] }
    expect(one).toMatchObject(nothing)
    const copy = memoryVault(2).vault
    const added: string[] = []
    await importJson(copy, JSON.stringify(one), { onAdded: (table) => added.push(table) })
    expect(added).toEqual(['spaces', 'notes'])
    await expect(exported(vault, { space: 'nowhere' })).rejects.toMatchObject({ code: 'no-such-space' })
  })

  it('whose export a text is, is told by its contents', async () => {
    expect(jsonKind(await exported(memoryVault().vault))).toBe('lockstep')
    expect(jsonKind('{"notes":[],"format":"lockstep-export"}')).toBe('lockstep')
    expect(jsonKind('{"version":"V1","data":[]}')).toBe('dataans')
    expect(jsonKind('{"data":[], "version":"V1"}')).toBe('dataans')
    for (const other of ['', '[]', 'null', '{"version":1}', '"format"', '{"a":"\\"format\\":\\"lockstep-export\\""}']) {
      expect(jsonKind(other)).toBeUndefined()
    }
  })

  it('what was changed here later stays; what is older is updated; what is in the trash comes back', async () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 's', now: 1 })
    const [newer, older, gone] = ['newer', 'older', 'gone'].map((title) =>
      addNote(vault, { space, title, text: 'exported', now: 10 }),
    ) as [string, string, string]
    const text = await exported(vault)
    editNote(vault, newer, { text: 'mine', now: 20 })
    editNote(vault, older, { text: 'mine', now: 5 })
    removeNote(vault, gone)
    editProfile(vault, { name: 'me', now: 30 })
    expect(await importJson(vault, text)).toEqual({ added: 0, updated: 2, unchanged: 1, kept: 1 })
    expect([newer, older, gone].map((id) => findNote(vault, id).text)).toEqual(['mine', 'exported', 'exported'])
    expect(readProfile(vault).name).toBe('me')
    expect(listSpaces(vault)).toHaveLength(1)
  })

  it('what was made unread, or taken back, after the export stays so; a time that was not known is filled in', async () => {
    const { vault } = memoryVault()
    const { id: diff } = addDiff(vault, { title: 'd', date: '2026-01-01', text: 'p', now: 1 })
    markRead(vault, [diff], 5)
    const random = new Random(1)
    const [taken, unsure] = [publish(vault, random, diff), publish(vault, random, diff)]
    vault.transact((tx) => tx.update('publications', unsure, { publishedAt: 9 }))
    const text = await exported(vault)
    markUnread(vault, [diff])
    vault.transact((tx) => {
      tx.delete('publications', taken, { key: '' })
      tx.update('publications', unsure, { publishedAt: 0 })
    })
    expect(await importJson(vault, text)).toMatchObject({ added: 0, updated: 1, kept: 2 })
    expect(JSON.parse(await exported(vault)).reading).toEqual([])
    expect(listPublications(vault)).toMatchObject([{ id: unsure, publishedAt: 9 }])
  })

  it('[CELL-6] of two diffs of a day the one made later is left, whichever side has it', async () => {
    for (const [here, there] of [
      [10, 20],
      [20, 10],
    ] as const) {
      const [source, vault] = [memoryVault(1).vault, memoryVault(2).vault]
      const theirs = addDiff(source, { title: 'theirs', date: '2026-01-01', text: 'p', now: there })
      addStar(source, { diff: theirs.id, paragraph: 0, now: 1 })
      addDiff(vault, { title: 'ours', date: '2026-01-01', text: 'p', now: here })
      const text = await exported(source)
      await importJson(vault, text)
      expect(listDiffs(vault).map(({ title }) => title)).toEqual([here > there ? 'ours' : 'theirs'])
      expect(listStars(vault)).toHaveLength(here > there ? 0 : 1)
      expect(await importJson(vault, text)).toMatchObject({ added: 0, updated: 0 })
    }
  })

  const valid = { format: 'lockstep-export', version: 1 }
  const note = { id: 'n', space: 's', title: '', text: '' }
  const link = { id: 'A'.repeat(22), server: 'https://notes.example', key: 'A'.repeat(43), diff: 'd', title: '', date: '' }
  it.each([
    ['not JSON', '{'],
    ['null', 'null'],
    ['another format', '{"format":"x"}'],
    ['a newer version', JSON.stringify({ ...valid, version: 2 })],
    ['a version that is no number', JSON.stringify({ ...valid, version: '1' })],
    ['a bad id', JSON.stringify({ ...valid, notes: [{ ...note, id: '../x' }] })],
    ['an empty id', JSON.stringify({ ...valid, notes: [{ ...note, id: '' }] })],
    ['an id twice', JSON.stringify({ ...valid, notes: [note, note] })],
    ['a missing text', JSON.stringify({ ...valid, notes: [{ id: 'n', space: 's', title: '' }] })],
    ['a text that is a number', JSON.stringify({ ...valid, notes: [{ ...note, text: 1 }] })],
    ['a time below zero', JSON.stringify({ ...valid, notes: [{ ...note, updatedAt: -1 }] })],
    ['a time that is no integer', JSON.stringify({ ...valid, notes: [{ ...note, updatedAt: 1e300 }] })],
    ['a text over the limit', JSON.stringify({ ...valid, notes: [{ ...note, text: 'x'.repeat(4 * 1024 * 1024 + 1) }] })],
    ['a day that does not exist', JSON.stringify({ ...valid, diffs: [{ id: 'd', title: '', date: '2026-02-30', text: '' }] })],
    ['an endless paragraph', JSON.stringify({ ...valid, stars: [{ diff: 'd', paragraph: 1e15, text: '' }] })],
    ['a diff read at no time', JSON.stringify({ ...valid, reading: [{ diff: 'd', readAt: 0 }] })],
    ['a link that runs', JSON.stringify({ ...valid, publications: [{ ...link, server: 'javascript:alert(1)//' }] })],
    ['a link with half a key', JSON.stringify({ ...valid, publications: [{ ...link, key: 'AAAA' }] })],
    ['a link twice', JSON.stringify({ ...valid, publications: [link, link] })],
    ['deep nesting', '['.repeat(100_000)],
    ['a list that is an object', JSON.stringify({ ...valid, notes: {} })],
  ])('refuses %s and writes nothing', async (_name, text) => {
    const { vault } = memoryVault()
    await expect(importJson(vault, text)).rejects.toThrow(ImportError)
    expect(vault.pending()).toBe(0)
  })

  it('takes hostile names as the texts they are', async () => {
    const { vault } = memoryVault()
    const space = { id: '__proto__', name: '<img onerror=x>' }
    const hostile = {
      ...note,
      id: 'constructor',
      space: '__proto__',
      title: "'; DROP TABLE notes",
      path: '../../x.md',
      text: '\ud800',
    }
    await importJson(vault, JSON.stringify({ ...valid, spaces: [space], notes: [hostile], other: 1 }))
    expect(findNote(vault, 'constructor')).toMatchObject({
      title: "'; DROP TABLE notes",
      path: '../../x.md',
      text: '\ufffd',
      space: '<img onerror=x>',
    })
    expect(await importJson(vault, JSON.stringify({ ...valid, notes: [hostile] }))).toMatchObject({ unchanged: 1 })
  })
})
