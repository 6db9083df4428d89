import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { TEXT_NAME } from '#text'
import type { OpenedText } from '#text-editing'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { LogServer } from './support/log-server.ts'
import { type TestVault, testVault } from './support/vaults.ts'

/** A person's editor: a document of its own, and what it has typed and nobody has acknowledged. */
class Editor {
  readonly doc = new Y.Doc()
  readonly place: OpenedText
  #unsent: Uint8Array[] = []

  constructor({ vault }: TestVault, id: string) {
    this.place = vault.openText('notes', id, 'text') as OpenedText
    Y.applyUpdate(this.doc, this.place.document, 'vault')
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'vault') this.#unsent.push(update)
    })
  }

  get text(): string {
    return this.doc.getText(TEXT_NAME).toString()
  }

  type(at: number, text: string): void {
    this.doc.getText(TEXT_NAME).insert(at, text)
  }

  /** `lost`: the answer does not come, so it stays to be handed over again. */
  handOver({ vault }: TestVault, id: string, lost = false): boolean {
    if (this.#unsent.length === 0) return false
    const update = Y.mergeUpdates(this.#unsent)
    const added = vault.transact((tx) => tx.mergeText('notes', id, 'text', { ...this.place, update }))
    if (!lost) this.#unsent = []
    return added
  }

  catchUp({ vault }: TestVault, id: string): boolean {
    const vector = Y.encodeStateVector(this.doc)
    const missing = vault.missingEdits('notes', id, 'text', { key: this.place.key, vector })
    if (missing === undefined) return false
    Y.applyUpdate(this.doc, missing, 'vault')
    return true
  }
}

const textOf = ({ vault }: TestVault, id: string) => String(vault.query('SELECT text FROM notes WHERE id = ?', id)[0]?.['text'])

function newNote(home: TestVault, text: string): string {
  return home.vault.transact((tx) => tx.insert('notes', { title: 'Note', text }))
}

test('[CELL-3] what is typed in an editor is in the text, once, however often it is handed over', async () => {
  const home = testVault()
  const id = newNote(home, 'one three\n')
  const editor = new Editor(home, id)
  expect(editor.text).toBe('one three\n')
  editor.type(4, 'two ')
  expect(editor.handOver(home, id, true)).toBe(true)
  expect(editor.handOver(home, id)).toBe(false)
  expect(textOf(home, id)).toBe('one two three\n')
  expect(home.vault.history('notes', id, 'text').map(({ text }) => text)).toEqual(['one three\n'])

  const server = new LogServer()
  const other = testVault()
  await home.syncer(server).run()
  await other.syncer(server).run()
  expect(textOf(other, id)).toBe('one two three\n')
})

test('[CELL-3] an editor gets what others wrote, and a text that was begun anew is opened anew', () => {
  const home = testVault()
  const id = newNote(home, 'a b\n')
  const [left, right] = [new Editor(home, id), new Editor(home, id)]
  left.type(0, 'left ')
  right.type(4, 'right\n')
  left.handOver(home, id)
  right.handOver(home, id)
  home.vault.transact((tx) => tx.update('notes', id, { text: `${textOf(home, id)}from the command line\n` }))
  for (const editor of [left, right]) expect(editor.catchUp(home, id)).toBe(true)
  expect(left.text).toBe('left a b\nright\nfrom the command line\n')
  expect(right.text).toBe(left.text)

  home.vault.transact((tx) => tx.delete('notes', id))
  home.vault.transact((tx) => tx.purge('notes', id))
  expect(left.catchUp(home, id)).toBe(false)
  expect(home.vault.openText('notes', id, 'text')).toBeUndefined()
  left.type(0, 'late ')
  expect(() => left.handOver(home, id)).toThrow(expect.objectContaining({ code: 'no-such-row' }))
})

test('the text before somebody began to type is kept, not one for each letter; and the one before much of it goes', () => {
  const home = testVault()
  const id = newNote(home, 'as it was\n')
  const versions = () => home.vault.history('notes', id, 'text').map(({ text }) => text)
  const editor = new Editor(home, id)
  for (let i = 0; i < 200; i++) {
    editor.type(0, 'x')
    editor.handOver(home, id)
  }
  expect(versions()).toEqual(['as it was\n'])
  const long = `${'x'.repeat(20)}as it was\n`
  for (let i = 0; i < 180; i++) {
    editor.doc.getText(TEXT_NAME).delete(0, 1)
    editor.handOver(home, id)
  }
  editor.doc.getText(TEXT_NAME).delete(0, 20)
  editor.handOver(home, id)
  expect(versions()).toEqual([long, 'as it was\n'])
  home.clock.now += 11 * 60 * 1000
  editor.type(0, 'later ')
  editor.handOver(home, id)
  editor.type(0, 'and later ')
  editor.handOver(home, id)
  expect(versions()).toEqual(['as it was\n', long, 'as it was\n'])
})

test('what is no update, or builds on one that is not here, is refused and changes nothing', () => {
  const home = testVault()
  const id = newNote(home, 'a\n')
  const editor = new Editor(home, id)
  const merge = (update: Uint8Array, key = editor.place.key) =>
    home.vault.transact((tx) => tx.mergeText('notes', id, 'text', { ...editor.place, key, update }))
  const refused = (work: () => unknown) => expect(work).toThrow(expect.objectContaining({ code: 'bad-value' }))
  refused(() => merge(Uint8Array.of(1, 2, 3)))
  refused(() => merge(Y.encodeStateAsUpdate(editor.doc), editor.place.key + 1))
  editor.type(0, 'first ')
  const before = Y.encodeStateVector(editor.doc)
  editor.type(0, 'second ')
  refused(() => merge(Y.encodeStateAsUpdate(editor.doc, before)))
  expect(textOf(home, id)).toBe('a\n')
  // The whole document always fits.
  expect(merge(Y.encodeStateAsUpdate(editor.doc))).toBe(true)
  expect(textOf(home, id)).toBe('second first a\n')
})

test('a text that would be too large is refused', () => {
  const home = testVault()
  const id = newNote(home, '')
  const editor = new Editor(home, id)
  editor.type(0, 'x'.repeat(4 * 1024 * 1024 + 1))
  expect(() => editor.handOver(home, id)).toThrow(expect.objectContaining({ code: 'value-too-large' }))
  expect(textOf(home, id)).toBe('')
})

test('an hour of typing stays small: in the row, and in what waits to be sent', () => {
  const home = testVault()
  const id = newNote(home, '')
  const editor = new Editor(home, id)
  const letters = 800
  for (let i = 0; i < letters; i++) {
    editor.type(i, 'abcdefghij'.charAt(i % 10))
    editor.handOver(home, id)
  }
  const size = (sql: string) => Number(home.driver.prepare(sql).values()[0]?.[0])
  expect(size('SELECT count(*) FROM _pending_text')).toBe(1)
  expect(size('SELECT sum(length(edit)) FROM _pending_text')).toBeLessThan(20 * letters)
  expect(textOf(home, id)).toHaveLength(letters)
})

test('[CELL-3] [SYNC-3] random editors on two devices, with lost answers and closed tabs, end with one text that has all that was handed over', async () => {
  await forEachSeed('editors', 25, 'packages/engine/test/text-editing.test.ts', async (random: Random) => {
    const server = new LogServer()
    const homes = [testVault(), testVault()] as const
    const id = newNote(homes[0], 'begin\n')
    await homes[0].syncer(server).run()
    await homes[1].syncer(server).run()
    const editors = homes.map((home) => new Editor(home, id))
    const words: string[] = []
    for (let step = 0; step < 60; step++) {
      const i = random.below(2)
      const home = homes[i] as TestVault
      const editor = editors[i] as Editor
      const action = random.below(10)
      if (action < 5) {
        const word = `<${step}>`
        words.push(word)
        editor.type(random.below(editor.text.length + 1), word)
        if (random.chance(0.3)) editor.handOver(home, id, random.chance(0.3))
      } else if (action === 5) {
        await home.syncer(server).run()
        editor.catchUp(home, id)
      } else if (action === 6) {
        // The tab is closed after its last letters were handed over, and opened again.
        editor.handOver(home, id)
        editors[i] = new Editor(home, id)
      } else {
        editor.handOver(home, id, random.chance(0.5))
      }
    }
    for (const [i, home] of homes.entries()) (editors[i] as Editor).handOver(home, id)
    for (const home of [...homes, ...homes]) await home.syncer(server).run()
    for (const [i, home] of homes.entries()) (editors[i] as Editor).catchUp(home, id)
    const [text = ''] = homes.map((home) => textOf(home, id))
    expect(editors.map((editor) => editor.text)).toEqual([text, text])
    expect(textOf(homes[1], id)).toBe(text)
    // A word that another was typed into is not in one piece: its letters are all there.
    const letters = (all: string) => [...all].sort().join('')
    expect(letters(text)).toBe(letters(`begin\n${words.join('')}`))
  })
})
