/** The notes on the screen and near it: what has come stays to be seen until what is right has come. */
import type { Note } from '@lockstep/model/notes'
import { expect, test } from 'vitest'
import type { ShownNote } from '#host/note-methods'
import { NoteCache } from '#vault/note-cache'

const noteOf = (id: string, text: string) => ({ id, text }) as Note as ShownNote

/** A vault whose answers are given when the test says so. */
function stage() {
  const asked: { readonly ids: readonly string[]; readonly answer: (text: string) => Promise<void> }[] = []
  const cache = new NoteCache({
    notes: (ids) =>
      new Promise((resolve) => {
        asked.push({
          ids,
          answer: async (text) => {
            resolve(ids.map((id) => noteOf(id, text)))
            await new Promise((done) => setTimeout(done))
          },
        })
      }),
  })
  const shown = (...ids: string[]) => ids.map((id) => cache.get(id)?.text)
  return { cache, asked, shown, next: () => asked.splice(0) }
}

test('a note that came into view while others were fetched anew is shown as it was, and fetched anew as well', async () => {
  const { cache, shown, next } = stage()
  cache.want(['a', 'b'])
  await next()[0]?.answer('old')
  expect(shown('a', 'b')).toEqual(['old', 'old'])
  cache.want(['a'])
  cache.changed()
  cache.want(['a', 'b'])
  const [first] = next()
  expect(first?.ids).toEqual(['a'])
  await first?.answer('new')
  expect(shown('a', 'b')).toEqual(['new', 'old'])
  const [second] = next()
  expect(second?.ids).toEqual(['b'])
  await second?.answer('new')
  expect(shown('a', 'b')).toEqual(['new', 'new'])
  expect(next()).toEqual([])
})

test('what is out of view when notes have changed is fetched when it comes into view again', async () => {
  const { cache, shown, next } = stage()
  cache.want(['a', 'b'])
  await next()[0]?.answer('old')
  cache.want(['a'])
  cache.changed()
  await next()[0]?.answer('new')
  expect(shown('a', 'b')).toEqual(['new', undefined])
  cache.want(['a', 'b'])
  const [again] = next()
  expect(again?.ids).toEqual(['b'])
})
