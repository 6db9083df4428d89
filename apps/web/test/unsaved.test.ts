import { expect, test } from 'vitest'
import { forgetUnsaved, type KeptTexts, keepUnsaved, unsavedNotes } from '#local/unsaved'

function memory(): KeptTexts & { readonly map: Map<string, string> } {
  const map = new Map<string, string>()
  return {
    map,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
    key: (i) => [...map.keys()][i] ?? null,
    get length() {
      return map.size
    },
  }
}

const note = (id: string, now: number) => ({ id, space: 's', title: 'T', text: `text of ${id}`, now })

test('a note is kept until it is stored, in the order of writing', () => {
  const kept = memory()
  keepUnsaved(kept, note('b', 2))
  keepUnsaved(kept, note('a', 1))
  kept.map.set('lockstep/draft/s', 'something else')
  expect(unsavedNotes(kept)).toEqual([note('a', 1), note('b', 2)])
  forgetUnsaved(kept, 'a')
  expect(unsavedNotes(kept)).toEqual([note('b', 2)])
})

test('what is not one of ours, and a storage that refuses, lose nothing and break nothing', () => {
  const kept = memory()
  kept.map.set('lockstep/unsaved/x', '{"id":1}')
  expect(unsavedNotes(kept)).toEqual([])
  expect(kept.map.has('lockstep/unsaved/x')).toBe(true)
  const refuse = (): never => {
    throw new Error('denied')
  }
  const denied: KeptTexts = { getItem: refuse, setItem: refuse, removeItem: refuse, key: refuse, length: 1 }
  keepUnsaved(denied, note('a', 1))
  forgetUnsaved(denied, 'a')
  expect(unsavedNotes(denied)).toEqual([])
})
