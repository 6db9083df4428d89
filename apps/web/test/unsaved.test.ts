import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { kept } from '#local/kept'
import { forgetUnsaved, keepUnsaved, unsavedNotes } from '#local/unsaved'
import { handOverTyping, keepTyping, type UnsavedTyping } from '#local/unsaved-typing'
import { openTextSession } from '#text/text-session'

let texts: Map<string, string>

beforeEach(() => {
  texts = new Map()
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, value: string) => void texts.set(key, value),
    removeItem: (key: string) => void texts.delete(key),
    key: (i: number) => [...texts.keys()][i] ?? null,
    get length() {
      return texts.size
    },
  })
})
afterEach(() => vi.unstubAllGlobals())

const note = (id: string, now: number) => ({ id, space: 's', title: 'T', text: `text of ${id}`, now })

test('a note is kept until it is stored, in the order of writing', () => {
  keepUnsaved(note('b', 2))
  keepUnsaved(note('a', 1))
  kept.keep('draft/s', 'something else')
  expect(unsavedNotes()).toEqual([note('a', 1), note('b', 2)])
  forgetUnsaved('a')
  expect(unsavedNotes()).toEqual([note('b', 2)])
})

test('what is not one of ours is left where it is', () => {
  texts.set('lockstep/main/unsaved/x', '{"id":1}')
  texts.set('lockstep/main/unsaved/y', 'no JSON')
  keepUnsaved(note('a', 1))
  expect(unsavedNotes()).toEqual([note('a', 1)])
  expect(texts.has('lockstep/main/unsaved/x')).toBe(true)
})

test('all that the app keeps is forgotten at once, and nothing of anybody else', () => {
  for (const name of ['draft/s', 'sync-mode', 'shortcuts']) kept.keep(name, 'x')
  texts.set('other', 'stays')
  kept.clear()
  expect([...texts.keys()]).toEqual(['other'])
})

test('a browser that keeps nothing breaks nothing', () => {
  const refuse = (): never => {
    throw new Error('denied')
  }
  vi.stubGlobal('localStorage', { getItem: refuse, setItem: refuse, removeItem: refuse, key: refuse, length: 1 })
  keepUnsaved(note('a', 1))
  forgetUnsaved('a')
  kept.clear()
  expect(unsavedNotes()).toEqual([])
  expect(kept.read('draft/s')).toBe(undefined)
})

describe('what was typed', () => {
  const typed = (id: string, now = 1): UnsavedTyping => ({
    id,
    key: 7,
    base: 'stamp',
    update: Uint8Array.of(0, 1, 255),
    title: 'T "ü"',
    now,
  })

  test('is handed over as it was kept, and forgotten once it is stored', async () => {
    keepTyping('one', typed('a'))
    // A note with a title of its own.
    const own = { ...typed('b'), title: undefined }
    keepTyping('two', own)
    keepTyping('three', typed('c'))
    keepTyping('three', undefined)
    const stored: UnsavedTyping[] = []
    await handOverTyping(async (typing) => void stored.push(typing))
    expect(stored).toEqual([typed('a'), own])
    await handOverTyping(async () => expect.fail('it is stored'))
    expect(texts.size).toBe(0)
  })

  test('stays where it cannot be stored now, and so does what its own tab typed meanwhile', async () => {
    keepTyping('one', typed('a'))
    await expect(handOverTyping(() => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full')
    await handOverTyping(async () => keepTyping('one', typed('a', 2)))
    const stored: UnsavedTyping[] = []
    await handOverTyping(async (typing) => void stored.push(typing))
    expect(stored).toEqual([typed('a', 2)])
  })

  test('what is none of ours is left where it is', async () => {
    texts.set('lockstep/main/unsaved-typing/x', '{"id":1}')
    texts.set('lockstep/main/unsaved-typing/y', JSON.stringify({ ...typed('a'), update: '!' }))
    await handOverTyping(async () => expect.fail('it is none'))
    expect(texts.size).toBe(2)
  })

  test('a text that is typed in keeps it until it is stored', async () => {
    const answers: (() => void)[] = []
    const doc = new Y.Doc()
    const session = await openTextSession({
      vault: {
        openText: async () => ({ key: 7, base: 'stamp' as never, document: Y.encodeStateAsUpdate(doc) }),
        missingEdits: async () => undefined,
        typeText: () => new Promise((resolve) => answers.push(() => resolve(true))),
      },
      id: 'a',
      now: () => 1,
      onError: (error) => expect.fail(error.message),
    })
    for (const letter of ['a', 'b', 'c']) session?.text.insert(session.text.length, letter)
    await handOverTyping(async ({ update }) => Y.applyUpdate(doc, update))
    expect(doc.getText('t').toString()).toBe('abc')
    session?.text.insert(3, 'd')
    answers[0]?.()
    await vi.waitUntil(() => answers.length === 2)
    const left: string[] = []
    await handOverTyping(async ({ update }) => {
      Y.applyUpdate(doc, update)
      left.push(doc.getText('t').toString())
    })
    expect(left).toEqual(['abcd'])
    answers[1]?.()
    expect(await session?.stored()).toBe(true)
    expect(texts.size).toBe(0)
  })
})
