/** What the worker answers about notes, without a browser. */
import { addSpace } from '@lockstep/model/spaces'
import { describe, expect, test } from 'vitest'
import { noteMethods } from '#host/note-methods'
import { createTimelines } from '#host/timelines'
import { addBelow, openTextSession } from '#text/text-session'
import { memoryVault } from '../../../tests/support/memory-vault.ts'

const NOW = 1_700_000_000_000
const ALL = (ids: string) => ({ first: 0, last: 0, ids })

function stage() {
  const { vault } = memoryVault()
  const timelines = createTimelines(vault)
  const methods = noteMethods(vault, timelines)
  const spaces = ['a', 'b'].map((name) => addSpace(vault, { name, now: NOW })) as [string, string]
  let last = 0
  const add = (text: string, space = spaces[0]) => {
    const id = `note${++last}`
    return methods.addNote({ id, space, title: text, text, now: NOW + last })
  }
  return { vault, timelines, methods, spaces, add }
}

/** As a tab asks: everything is a promise. */
function clientOf(methods: ReturnType<typeof noteMethods>) {
  return {
    openText: async (id: string) => methods.openText(id),
    missingEdits: async (...args: Parameters<typeof methods.missingEdits>) => methods.missingEdits(...args),
    typeText: async (typed: Parameters<typeof methods.typeText>[0]) => methods.typeText(typed),
    titleNote: async (...args: Parameters<typeof methods.titleNote>) => methods.titleNote(...args),
  }
}

const openSession = async (methods: ReturnType<typeof noteMethods>, id: string) => {
  const session = await openTextSession({
    vault: clientOf(methods),
    id,
    now: () => NOW,
    onError: (error) => expect.fail(error.message),
  })
  return session ?? expect.fail('there is no such text')
}

describe('a timeline', () => {
  test('is sent again only to who does not have it', () => {
    const { methods, spaces, add } = stage()
    expect(methods.timeline(spaces[0])).toMatchObject({ step: ALL(''), pinned: [] })
    const [one, two] = [add('one'), add('two')]
    const { version, step } = methods.timeline(spaces[0])
    expect(step).toEqual(ALL(`${one} ${two}`))
    expect(methods.timeline(spaces[0], version)).toEqual({ version, pinned: [] })
    expect(methods.timeline(spaces[0], 'of another worker')).toEqual({ version, step, pinned: [] })
  })

  test('stays the same when somebody types and when another space changes, and has pinned notes by their titles of now', async () => {
    const { methods, spaces, add } = stage()
    const id = add('one')
    methods.editNote(id, { pinned: true, now: NOW })
    const { version } = methods.timeline(spaces[0])
    add('elsewhere', spaces[1])
    const session = await openSession(methods, id)
    session.text.insert(3, ' and more')
    await session.stored()
    expect(methods.timeline(spaces[0], version)).toEqual({ version, pinned: [{ id, title: 'one and more' }] })
    methods.removeNote(id)
    expect(methods.timeline(spaces[0], version)).toMatchObject({ step: ALL(''), pinned: [] })
    // Typing into it brings it back.
    session.text.insert(0, 'still ')
    await session.stored()
    expect(methods.timeline(spaces[0], version).step).toEqual(ALL(id))
    await session.close()
  })

  test('counts of spaces are right after everything but a letter typed', () => {
    const { methods, timelines, spaces, add } = stage()
    const counts = () => timelines.spaces().map(({ notes }) => notes)
    expect(counts()).toEqual([0, 0])
    const id = add('one')
    expect(counts()).toEqual([1, 0])
    methods.moveNote(id, spaces[1], NOW)
    expect(counts()).toEqual([0, 1])
  })
})

describe('asked twice', () => {
  test('a note goes and comes back once, and another text is added below once', () => {
    const { methods, add } = stage()
    const id = add('one')
    for (let i = 0; i < 2; i++) methods.keepBoth(id, 'other', NOW)
    expect(methods.notes([id])[0]?.text).toBe('one\n\nother')
    for (let i = 0; i < 2; i++) methods.removeNote(id)
    expect(methods.notes([id])).toEqual([])
    for (let i = 0; i < 2; i++) methods.restoreNote(id, NOW)
    expect(methods.notes([id])).toHaveLength(1)
  })
})

describe('an open text', () => {
  test('tells whether it was typed in, and that it was begun anew', async () => {
    const { vault, methods, spaces, add } = stage()
    const id = add('one')
    const session = await openSession(methods, id)
    expect(session.typed).toBe(false)
    expect(await session.catchUp()).toBe(true)
    session.text.insert(3, ' typed')
    expect(session.typed).toBe(true)
    await session.stored()
    vault.transact((tx) => {
      tx.delete('notes', id)
      tx.purge('notes', id)
    })
    vault.transact((tx) => tx.insert('notes', { space: spaces[0], title: 'anew', text: 'anew' }, id))
    expect(await session.catchUp()).toBe(false)
    const again = await openSession(methods, id)
    addBelow(again.text, session.text.toString())
    await again.stored()
    expect(methods.notes([id])[0]?.text).toBe('anew\n\none typed')
    await session.close()
    await again.close()
  })
})

describe('the title of a text that is typed', () => {
  const typed = async (title: string, earlier?: string) => {
    const { methods, add } = stage()
    const id = add(earlier ?? 'first')
    if (earlier !== undefined) methods.editNote(id, { text: 'first', now: NOW + 100_000 })
    methods.editNote(id, { title, now: NOW + 200_000 })
    const session = await openSession(methods, id)
    session.text.insert(5, ' line')
    await session.stored()
    await session.close()
    return methods.notes([id]).map(({ title, text }) => ({ title, text }))
  }
  test('follows where it did, or where it is that of an earlier text', async () => {
    const followed = [{ title: 'first line', text: 'first line' }]
    expect(await typed('first')).toEqual(followed)
    expect(await typed('')).toEqual(followed)
    expect(await typed('before', 'before')).toEqual(followed)
  })
  test('stays where it is one of its own', async () => {
    expect(await typed('of its own')).toEqual([{ title: 'of its own', text: 'first line' }])
  })
  test('is that of the whole text after two have typed at once', async () => {
    const { methods, add } = stage()
    const id = add('two')
    const [one, other] = [await openSession(methods, id), await openSession(methods, id)]
    one.text.insert(0, 'one ')
    other.text.insert(3, ' three')
    await Promise.all([one.stored(), other.stored()])
    await Promise.all([one.catchUp(), other.catchUp()])
    await new Promise((done) => setTimeout(done))
    expect(methods.notes([id])).toMatchObject([{ title: 'one two three', text: 'one two three' }])
    await Promise.all([one.close(), other.close()])
  })
})

test('of a note that was typed in, and then went to the trash, nothing is asked any more', async () => {
  const { methods, add } = stage()
  const id = add('one')
  const errors: unknown[] = []
  const vault = clientOf(methods)
  const session = await openTextSession({ vault, id, now: () => NOW, onError: (error) => errors.push(error) })
  session?.text.insert(3, ' typed')
  await session?.stored()
  methods.removeNote(id)
  await session?.catchUp()
  await new Promise((done) => setTimeout(done))
  expect(errors).toEqual([])
  await session?.close()
  expect(methods.notes([id])).toEqual([])
})

describe('an earlier text that is made the text again', () => {
  test('has the title that follows from it; a title of its own stays', () => {
    const { methods, add } = stage()
    for (const [title, after] of [
      ['second', 'first'],
      ['of its own', 'of its own'],
    ] as const) {
      const id = add('first')
      methods.editNote(id, { text: 'second', title, now: NOW + 100_000 })
      const [version] = methods.noteHistory(id).versions
      methods.restoreNoteVersion(id, version?.version ?? expect.fail('there is no version'), NOW + 200_000)
      expect(methods.notes([id])).toMatchObject([{ text: 'first', title: after }])
    }
  })
})
