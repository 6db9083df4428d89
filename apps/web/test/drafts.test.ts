/** Drafts where nothing can be kept: there is no storage here. */
import { expect, test } from 'vitest'
import { joinDrafts, keepDraft, moveDraft, readDraft } from '#local/drafts'

test('a draft that the browser would not keep is there for as long as the tab is', () => {
  keepDraft('a', 'of a')
  keepDraft('b', 'of b')
  expect([readDraft('a'), readDraft('b'), readDraft('c')]).toEqual(['of a', 'of b', ''])
  keepDraft('a', '')
  expect(readDraft('a')).toBe('')
})

test('a draft that goes to another space is put before that one’s', () => {
  keepDraft('from', 'first')
  keepDraft('to', 'second')
  moveDraft('from', 'to')
  expect([readDraft('from'), readDraft('to')]).toEqual(['', 'first\n\nsecond'])
  moveDraft('from', 'to')
  expect(readDraft('to')).toBe('first\n\nsecond')
})

test('two drafts are one text, where both say something', () => {
  expect([joinDrafts('a', ''), joinDrafts('', 'b'), joinDrafts('a', 'b')]).toEqual(['a', 'b', 'a\n\nb'])
})
