import { purgeExpired, TRASH_MILLIS } from '@lockstep/engine/expire'
import { describe, expect, it } from 'vitest'
import { addDiff, findDiff, isDay, listDiffs, removeDiff, restoreDiff } from '#diffs'
import { ModelError } from '#errors'
import {
  addNote,
  editNote,
  findNote,
  findNotes,
  listNotes,
  moveNote,
  noteHistory,
  removeNote,
  restoreNote,
  restoreNoteVersion,
} from '#notes'
import { editProfile, readProfile } from '#profile'
import { addSpace, editSpace, findSpace, listSpaces, removeSpace, renameSpace, restoreSpace } from '#spaces'
import { addStar, listStars, removeStar } from '#stars'
import { emptyTrash, listTrash } from '#trash'
import { memoryVault } from '../../../tests/support/memory-vault.ts'

const now = 1000

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ModelError) return error.code
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('spaces', () => {
  it('with an id that one in the trash has are others, however often they are asked for, and leave that one where it is', () => {
    const { vault } = memoryVault()
    const add = () => addSpace(vault, { id: 'first', name: 'Notes', now })
    addNote(vault, { space: add(), title: 'old', text: '', now })
    removeSpace(vault, 'first')
    const second = add()
    expect([second, add()]).toEqual(['first-2', 'first-2'])
    addNote(vault, { space: second, title: 'new', text: '', now })
    expect(listNotes(vault).map(({ title }) => title)).toEqual(['new'])
    expect(listTrash(vault).map(({ id }) => id)).toEqual(['first'])
  })

  it('are added, listed by name with their notes, found by id, name and the beginning of the id', () => {
    const { vault } = memoryVault()
    const work = addSpace(vault, { name: ' Work ', now })
    const home = addSpace(vault, { name: 'Home', avatar: '🏠', now })
    addNote(vault, { space: work, title: 'A', text: '', now })
    expect(listSpaces(vault)).toMatchObject([
      { id: home, name: 'Home', avatar: '🏠', notes: 0, deleted: false },
      { id: work, name: 'Work', avatar: null, notes: 1, deleted: false },
    ])
    for (const given of [work, 'Work', work.slice(0, 6)]) expect(findSpace(vault, given)).toMatchObject({ id: work, notes: 1 })
    expect(codeOf(() => findSpace(vault, work.slice(0, 3)))).toBe('no-such-space')
    expect(codeOf(() => findSpace(vault, ''))).toBe('no-such-space')
    expect(codeOf(() => findSpace(vault, "' OR 1"))).toBe('no-such-space')
  })

  it('an exact id wins over a name, and two of one name are refused rather than guessed', () => {
    const { vault } = memoryVault()
    vault.transact((tx) => {
      tx.insert('spaces', { name: 'Same' }, 'aaaa1')
      tx.insert('spaces', { name: 'Same' }, 'aaaa2')
      tx.insert('spaces', { name: 'aaaa1' }, 'zzzz')
    })
    expect(findSpace(vault, 'aaaa1').id).toBe('aaaa1')
    expect(codeOf(() => findSpace(vault, 'Same'))).toBe('ambiguous')
    expect(codeOf(() => findSpace(vault, 'aaaa'))).toBe('ambiguous')
  })

  it('notes are found many at once, in the order asked for, without those that are gone', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'S', now })
    const [a, b, c] = ['a', 'b', 'c'].map((text) => addNote(vault, { space, title: text, text, now })) as [string, string, string]
    removeNote(vault, b)
    expect(findNotes(vault, [c, 'nowhere', b, a])).toEqual([findNote(vault, c), findNote(vault, a)])
    expect(findNotes(vault, [])).toEqual([])
  })

  it('a space gets another name or picture, each by itself', () => {
    const { vault } = memoryVault()
    const id = addSpace(vault, { name: 'Old', avatar: 'O', now })
    expect(editSpace(vault, id, { name: 'New', now })).toMatchObject({ name: 'New', avatar: 'O' })
    expect(editSpace(vault, id, { avatar: '🌱', now })).toMatchObject({ name: 'New', avatar: '🌱' })
    editSpace(vault, id, { avatar: null, now })
    expect(findSpace(vault, id)).toMatchObject({ name: 'New', avatar: null })
  })

  it('refuses names that are empty, taken, too long or hold control characters', () => {
    const { vault } = memoryVault()
    const id = addSpace(vault, { name: 'Taken', now })
    const other = addSpace(vault, { name: 'Other', now })
    expect(codeOf(() => addSpace(vault, { name: 'Taken', now }))).toBe('space-exists')
    expect(codeOf(() => renameSpace(vault, other, { name: 'Taken', now }))).toBe('space-exists')
    for (const name of ['', '  ', 'a\nb', 'x'.repeat(201)]) expect(codeOf(() => addSpace(vault, { name, now }))).toBe('bad-name')
    expect(renameSpace(vault, id, { name: 'Taken', now }).name).toBe('Taken')
  })

  it('[CELL-7] a deleted space hides its notes, keeps the ones edited later, and gives all back when it is restored', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'Work', now })
    const quiet = addNote(vault, { space, title: 'quiet', text: 'q', now })
    const edited = addNote(vault, { space, title: 'edited', text: 'e', now })
    removeSpace(vault, 'Work')
    expect(listSpaces(vault)).toEqual([])
    expect(listNotes(vault)).toEqual([])
    expect(codeOf(() => editNote(vault, edited, { text: 'x', now }))).toBe('no-such-note')

    // What another device wrote after the delete, without knowing of it.
    vault.transact((tx) => tx.update('notes', edited, { text: 'later' }))
    expect(listSpaces(vault)).toMatchObject([{ id: space, name: 'Work', notes: 1, deleted: true }])
    expect(listNotes(vault)).toMatchObject([{ id: edited, space: 'Work', spaceDeleted: true }])
    expect(codeOf(() => removeSpace(vault, 'Work'))).toBe('no-such-space')
    expect(codeOf(() => moveNote(vault, edited, { space: 'Work', now }))).toBe('no-such-space')

    expect(restoreSpace(vault, 'Work')).toMatchObject({ id: space, deleted: false, notes: 2 })
    expect(
      listNotes(vault)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([quiet, edited].sort())
    expect(codeOf(() => restoreSpace(vault, 'Work'))).toBe('no-such-space')
  })

  it('a note added to a deleted space that is still shown brings the space back', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'Work', now })
    const note = addNote(vault, { space, title: 'a', text: '', now })
    removeSpace(vault, space)
    vault.transact((tx) => tx.update('notes', note, { title: 'b' }))
    addNote(vault, { space, title: 'new', text: '', now })
    expect(listSpaces(vault)).toMatchObject([{ id: space, deleted: false, notes: 2 }])
  })
})

describe('notes', () => {
  it('keep their text exactly, change only what is given, and an edit that changes nothing writes nothing', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'S', now })
    const text = '\ufeffa\r\nb\u0000\tc'
    const id = addNote(vault, { space, title: 'T', text, now })
    expect(findNote(vault, id)).toMatchObject({
      id,
      text,
      title: 'T',
      space: 'S',
      path: null,
      createdAt: now,
      updatedAt: now,
      conflicts: [],
    })
    const [before] = vault.query('SELECT _edited FROM notes WHERE id = ?', id)
    expect(editNote(vault, id, { text, title: 'T', now: 2000 })).toEqual({ id, changed: false })
    expect(vault.query('SELECT _edited FROM notes WHERE id = ?', id)[0]).toEqual(before)
    expect(editNote(vault, id.slice(0, 8), { title: 'U', now: 2000 })).toEqual({ id, changed: true })
    expect(findNote(vault, id)).toMatchObject({ title: 'U', text, createdAt: now, updatedAt: 2000 })
  })

  it('move between spaces and go through the trash and back', () => {
    const { vault } = memoryVault()
    const a = addSpace(vault, { name: 'A', now })
    const b = addSpace(vault, { name: 'B', now })
    const id = addNote(vault, { space: a, title: 'T', text: 'x', now })
    expect(moveNote(vault, id, { space: 'B', now })).toEqual({ id, space: b })
    expect(listNotes(vault, { space: a })).toEqual([])
    expect(listNotes(vault, { space: b })).toHaveLength(1)
    expect(codeOf(() => restoreNote(vault, id, now))).toBe('not-deleted')
    removeNote(vault, id)
    expect(codeOf(() => findNote(vault, id))).toBe('no-such-note')
    expect(listTrash(vault)).toMatchObject([{ kind: 'note', id, title: 'T' }])
    expect(restoreNote(vault, id, now)).toBe(id)
    expect(listTrash(vault)).toEqual([])
    expect(findNote(vault, id).text).toBe('x')
  })

  it('[CELL-7] one that went with its space can be restored alone', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'A', now })
    const id = addNote(vault, { space, title: 'T', text: 'x', now })
    addNote(vault, { space, title: 'stays hidden', text: 'x', now })
    removeSpace(vault, space)
    restoreNote(vault, id, now)
    expect(listNotes(vault)).toMatchObject([{ id, space: 'A', spaceDeleted: true }])
  })

  it('earlier texts can be listed and taken back, also of a note in the trash', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'A', now })
    const id = addNote(vault, { space, title: 'T', text: 'one', now })
    editNote(vault, id, { text: 'two', now })
    editNote(vault, id, { text: 'three', now })
    const { versions } = noteHistory(vault, id)
    expect(versions.map(({ text }) => text)).toEqual(['two', 'one'])
    restoreNoteVersion(vault, id, { version: versions[1]?.version ?? -1, now })
    expect(findNote(vault, id).text).toBe('one')
    expect(codeOf(() => restoreNoteVersion(vault, id, { version: 9999, now }))).toBe('no-such-version')
    removeNote(vault, id)
    expect(noteHistory(vault, id).versions.map(({ text }) => text)).toEqual(['three', 'two', 'one'])
  })
})

describe('diffs and stars', () => {
  const text = '# Head\n\nFirst\nline two\n\n\n  \nSecond\n'

  it('[CELL-6] making a day again replaces it, and its stars go with it', () => {
    const { vault } = memoryVault()
    const first = addDiff(vault, { title: 'one', date: '2026-01-02', text, now })
    addStar(vault, { diff: first.id, paragraph: 1, now })
    const second = addDiff(vault, { title: 'two', date: '2026-01-02', text, now })
    expect(second.replaced).toEqual([first.id])
    expect(listDiffs(vault)).toMatchObject([{ id: second.id, title: 'two', stars: 0 }])
    expect(listStars(vault)).toEqual([])
    restoreDiff(vault, first.id)
    expect(listDiffs(vault)).toMatchObject([{ id: first.id, stars: 1 }])
    expect(listTrash(vault)).toMatchObject([{ kind: 'diff', id: second.id }])
  })

  it('[CELL-6] of two that devices made apart the last written is shown, and stars of the other are hidden with it', () => {
    const { vault } = memoryVault()
    vault.transact((tx) => tx.insert('diffs', { title: 'a', date: '2026-01-02', text }, 'aaaa'))
    vault.transact((tx) => tx.insert('diffs', { title: 'b', date: '2026-01-02', text }, 'bbbb'))
    addStar(vault, { diff: 'bbbb', paragraph: 0, now })
    vault.transact((tx) => tx.put('stars', 'aaaa:0', { diff: 'aaaa', paragraph: 0, text: 'hidden' }))
    expect(listDiffs(vault).map(({ id }) => id)).toEqual(['bbbb'])
    expect(listStars(vault).map(({ id }) => id)).toEqual(['bbbb:0'])
    expect(codeOf(() => findDiff(vault, 'aaaa'))).toBe('no-such-diff')
    vault.transact((tx) => tx.update('diffs', 'aaaa', { title: 'a again' }))
    expect(listDiffs(vault).map(({ id }) => id)).toEqual(['aaaa'])
    expect(listStars(vault).map(({ id }) => id)).toEqual(['aaaa:0'])
  })

  it('[CELL-7] a deleted diff takes its stars along and gives them back', () => {
    const { vault } = memoryVault()
    const { id } = addDiff(vault, { title: 'one', date: '2026-01-02', text, now })
    addStar(vault, { diff: id, paragraph: 0, now })
    removeDiff(vault, id)
    expect(listStars(vault)).toEqual([])
    restoreDiff(vault, id)
    expect(listStars(vault)).toHaveLength(1)
  })

  it('a star keeps its paragraph, is one however often it is set, and can be taken back and set again', () => {
    const { vault } = memoryVault()
    const { id } = addDiff(vault, { title: 'one', date: '2026-01-02', text, now })
    expect(addStar(vault, { diff: id.slice(0, 6), paragraph: 1, now })).toBe(`${id}:1`)
    expect(addStar(vault, { diff: id, paragraph: 1, now: 5 })).toBe(`${id}:1`)
    expect(listStars(vault)).toMatchObject([
      { diffId: id, paragraph: 1, text: 'First\nline two', createdAt: now, diffTitle: 'one' },
    ])
    for (const paragraph of [3, -1, 0.5])
      expect(codeOf(() => addStar(vault, { diff: id, paragraph, now }))).toBe('no-such-paragraph')
    removeStar(vault, `${id}:1`)
    expect(codeOf(() => removeStar(vault, `${id}:1`))).toBe('no-such-star')
    addStar(vault, { diff: id, paragraph: 1, now: 7 })
    expect(listStars(vault)).toMatchObject([{ createdAt: 7 }])
  })

  it('a day must exist', () => {
    const { vault } = memoryVault()
    for (const date of ['2026-02-29', '2026-2-1', '2026-13-01', 'today', '', '2026-01-01T00:00']) {
      expect(isDay(date)).toBe(false)
      expect(codeOf(() => addDiff(vault, { title: '', date, text, now }))).toBe('bad-date')
    }
    expect(isDay('2028-02-29')).toBe(true)
  })
})

describe('profile', () => {
  it('changes only what is given, lists as a whole, keys one by one', () => {
    const { vault } = memoryVault()
    expect(readProfile(vault)).toMatchObject({ name: '', depth: 'standard', languages: [], apiKeys: [], updatedAt: 0 })
    expect(editProfile(vault, { name: 'Ada', languages: ['Rust', ' Go ', ''], apiKeys: { openai: 'k1', other: 'k2' }, now })).toBe(
      true,
    )
    expect(editProfile(vault, { name: 'Ada', languages: ['Go', 'Rust'], apiKeys: { openai: 'k1' }, now: 2 })).toBe(false)
    expect(readProfile(vault)).toMatchObject({
      name: 'Ada',
      languages: ['Go', 'Rust'],
      apiKeys: [
        { provider: 'openai', key: 'k1' },
        { provider: 'other', key: 'k2' },
      ],
      updatedAt: now,
    })
    editProfile(vault, { languages: ['Rust', 'Zig'], apiKeys: { openai: null }, now: 3 })
    expect(readProfile(vault)).toMatchObject({ languages: ['Rust', 'Zig'], apiKeys: [{ provider: 'other' }], updatedAt: 3 })
    expect(codeOf(() => editProfile(vault, { apiKeys: { 'no spaces': 'x' }, now }))).toBe('bad-provider')
  })
})

describe('trash', () => {
  it('[CELL-8] emptied, it holds nothing that can come back, and what is alive stays', () => {
    const { vault } = memoryVault()
    const gone = addSpace(vault, { name: 'Gone', now })
    const kept = addSpace(vault, { name: 'Kept', now })
    const hidden = addNote(vault, { space: gone, title: 'hidden', text: 'x', now })
    const alive = addNote(vault, { space: kept, title: 'alive', text: 'x', now })
    const removed = addNote(vault, { space: kept, title: 'removed', text: 'x', now })
    const { id: diff } = addDiff(vault, { title: 'd', date: '2026-01-01', text: 'p', now })
    addStar(vault, { diff, paragraph: 0, now })
    removeSpace(vault, gone)
    removeNote(vault, removed)
    removeDiff(vault, diff)
    expect(listTrash(vault).map(({ kind }) => kind)).toEqual(['diff', 'note', 'space'])
    expect(emptyTrash(vault)).toBe(5)
    expect(listTrash(vault)).toEqual([])
    for (const id of [hidden, removed]) expect(codeOf(() => restoreNote(vault, id, now))).toBe('no-such-note')
    expect(codeOf(() => restoreDiff(vault, diff))).toBe('no-such-diff')
    expect(listNotes(vault).map(({ id }) => id)).toEqual([alive])
    expect(vault.query('SELECT count(*) AS c FROM all_stars')[0]).toEqual({ c: 0 })
    expect(emptyTrash(vault)).toBe(0)
  })

  it('of what was listed, it leaves what came in since, and what that hides', () => {
    const { vault } = memoryVault()
    const [early, late] = ['Early', 'Late'].map((name) => addSpace(vault, { name, now })) as [string, string]
    const hidden = [early, late].map((space) => addNote(vault, { space, title: 'hidden', text: 'x', now })) as [string, string]
    const [note, other] = [late, late].map((space) => addNote(vault, { space, title: 'n', text: 'x', now })) as [string, string]
    const diffs = ['2026-01-01', '2026-01-02'].map((date) => addDiff(vault, { title: 'd', date, text: 'p', now }).id)
    for (const diff of diffs) addStar(vault, { diff, paragraph: 0, now })
    removeSpace(vault, early)
    removeNote(vault, note)
    removeDiff(vault, diffs[0] as string)
    const listed = listTrash(vault)
    removeNote(vault, other)
    removeSpace(vault, late)
    removeDiff(vault, diffs[1] as string)
    // Space, its note, the note, the diff, its star.
    expect(emptyTrash(vault, listed)).toBe(5)
    expect(listTrash(vault).map(({ id }) => id)).toEqual([diffs[1], late, other])
    restoreSpace(vault, late)
    restoreNote(vault, other, now)
    restoreDiff(vault, diffs[1] as string)
    expect(
      listNotes(vault)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([hidden[1], other].sort())
    expect(listStars(vault)).toHaveLength(1)
  })

  it('[CELL-7] a deleted space with notes that were edited later stays, or they would vanish', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'Work', now })
    const hidden = addNote(vault, { space, title: 'hidden', text: 'x', now })
    const edited = addNote(vault, { space, title: 'edited', text: 'x', now })
    removeSpace(vault, space)
    vault.transact((tx) => tx.update('notes', edited, { text: 'y' }))
    expect(emptyTrash(vault)).toBe(1)
    expect(listNotes(vault)).toMatchObject([{ id: edited, space: 'Work' }])
    expect(codeOf(() => restoreNote(vault, hidden, now))).toBe('no-such-note')
    expect(listTrash(vault)).toMatchObject([{ kind: 'space', id: space }])
  })

  it('[CELL-8] a note that another device left behind by purging its space is listed, moved, deleted and dropped like any other', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'Gone', now })
    const other = addSpace(vault, { name: 'Other', now })
    const left = ['moved', 'dropped'].map((title) => addNote(vault, { space, title, text: 'x', now }))
    const [moved, dropped] = left as [string, string]
    removeSpace(vault, space)
    for (const id of left) vault.transact((tx) => tx.update('notes', id, { text: 'y' }))
    vault.transact((tx) => tx.purge('spaces', space))
    expect(listSpaces(vault).map(({ id }) => id)).toEqual([other])
    expect(
      listNotes(vault)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...left].sort())
    expect(emptyTrash(vault)).toBe(0)
    moveNote(vault, moved, { space: other, now })
    removeNote(vault, dropped)
    expect(listTrash(vault)).toMatchObject([{ kind: 'note', id: dropped }])
    expect(emptyTrash(vault)).toBe(1)
    expect(listNotes(vault)).toMatchObject([{ id: moved, space: 'Other' }])
  })

  it('[CELL-8] says when an entry will go, once a sync has noticed it', () => {
    const { vault, clock } = memoryVault()
    const space = addSpace(vault, { name: 'S', now })
    const note = addNote(vault, { space, title: 't', text: 'x', now })
    removeNote(vault, note)
    expect(listTrash(vault)).toMatchObject([{ id: note, purgeAt: undefined }])
    const noticed = clock.now
    purgeExpired(vault.store, { now: noticed, serverNow: noticed })
    expect(listTrash(vault)).toMatchObject([{ id: note, purgeAt: noticed + TRASH_MILLIS }])
  })
})
