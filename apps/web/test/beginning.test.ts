import { expect, test } from 'vitest'
import { beginningOf, isLong, isTooLongForMarkdown } from '#text/beginning'

test('a text that is not long is shown whole', () => {
  expect(beginningOf('# one\n\ntwo')).toBe('# one\n\ntwo')
  expect(isLong('x'.repeat(20_000))).toBe(false)
  expect(isLong('x'.repeat(20_001))).toBe(true)
  expect(isTooLongForMarkdown('x'.repeat(200_000))).toBe(false)
  expect(isTooLongForMarkdown('x'.repeat(200_001))).toBe(true)
})

test('of a long text the beginning is shown, up to the end of a line', () => {
  const text = `${'a line of words\n'.repeat(2_000)}end`
  const shown = beginningOf(text)
  expect(text.startsWith(`${shown}\n`)).toBe(true)
  expect(shown.endsWith('words')).toBe(true)
})

test.each([0, 1, 2, 3])('a line without end is cut, and no character in half: %i letters, then pairs', (letters) => {
  const text = `${'x'.repeat(letters)}${'😀'.repeat(30_000)}`
  const shown = beginningOf(text)
  expect(shown.isWellFormed()).toBe(true)
  expect(shown.length).toBeGreaterThan(19_000)
  expect(text.startsWith(shown)).toBe(true)
})
