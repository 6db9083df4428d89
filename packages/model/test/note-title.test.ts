/** What a note is called by, and when an edit of its text changes that. */
import { describe, expect, it, test } from 'vitest'
import { noteTitle, titleFollows } from '#note-title'
import { addNote, editNote, findNote, noteHistory, restoreNoteVersion } from '#notes'
import { addSpace } from '#spaces'
import { memoryVault } from '../../../tests/support/memory-vault.ts'

test.each([
  ['# Heading\n\ntext', 'Heading'],
  ['text before\n\n## Heading', 'Heading'],
  ['\n\n- [ ] buy milk\n- [ ] bread', 'buy milk'],
  ['> **said** so', 'said** so'],
  ['long '.repeat(40), `${'long '.repeat(40).slice(0, 80)}`],
  [`${'x'.repeat(79)}🦀`, 'x'.repeat(79)],
  ['***\n---\n___\nwords', 'words'],
  ['', ''],
  [' \n\t\n', ''],
])('%j is called %j', (text, title) => {
  expect(noteTitle(text)).toBe(title)
  expect(titleFollows({ title, text })).toBe(true)
  expect(titleFollows({ title: `${title}!`, text })).toBe(false)
})

describe('a title', () => {
  const now = 1_700_000_000_000
  function stage(title: string) {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'S', now })
    const id = addNote(vault, { space, title, text: 'first', now })
    return { vault, id, shown: () => findNote(vault, id) }
  }

  it.each(['first', ''])('that is %j follows from another text, and from an earlier one that is the text again', (title) => {
    const { vault, id, shown } = stage(title)
    expect(editNote(vault, id, { text: 'first', now })).toEqual({ id, changed: false })
    expect(shown().title).toBe(title)
    editNote(vault, id, { text: 'second', now: now + 100_000 })
    expect(shown()).toMatchObject({ title: 'second', text: 'second' })
    restoreNoteVersion(vault, id, { version: noteHistory(vault, id).versions[0]?.version ?? -1, now: now + 200_000 })
    expect(shown()).toMatchObject({ title: 'first', text: 'first' })
  })

  it('of its own stays until another one is given', () => {
    const { vault, id, shown } = stage('of its own')
    editNote(vault, id, { text: 'second', now: now + 100_000 })
    expect(shown().title).toBe('of its own')
    restoreNoteVersion(vault, id, { version: noteHistory(vault, id).versions[0]?.version ?? -1, now: now + 200_000 })
    expect(shown().title).toBe('of its own')
    editNote(vault, id, { text: 'third', title: 'given', now: now + 300_000 })
    expect(shown()).toMatchObject({ title: 'given', text: 'third' })
  })
})
