import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { kept } from '#local/kept'
import { forgetUnsaved, keepUnsaved, unsavedNotes } from '#local/unsaved'

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
