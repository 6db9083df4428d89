import { expect, it } from 'vitest'
import { titleOf } from '#markdown-title'

it.each([
  ['# Title', 'Title'],
  ['intro\n\n## Second level ##\n# Later', 'Second level'],
  ['\ufeff# After a byte-order mark\r\ntext', 'After a byte-order mark'],
  ['Setext\n===', 'Setext'],
  ['Two\nlines\n---', 'Two lines'],
  ['```sh\n# a comment\n```\n# Real', 'Real'],
  ['~~~~\n# a comment\n~~~\n# still code\n~~~~\n# Real', 'Real'],
  ['```\n# never closed', 'file'],
  ['---\ntitle: x\n# comment\n---\n# Real', 'Real'],
  ['+++\n# comment\n+++\n# Real', 'Real'],
  ['---\n# A thematic break came first', 'A thematic break came first'],
  ['- item\n---\n# Real', 'Real'],
  ['#hashtag\n#######seven\n    # code', 'file'],
  ['#\n##   \n# Not empty', 'Not empty'],
  ['# C#', 'C#'],
  ['# `code` and *stars*', '`code` and *stars*'],
  ['', 'file'],
  ['\u0000', 'file'],
])('the title of %j is %j', (text, expected) => {
  expect(titleOf(text, 'file.MD')).toBe(expected)
})

it('a very long heading is cut, never inside a character', () => {
  const title = titleOf(`# x${'😀'.repeat(400)}`, 'file.md')
  expect(title.length).toBeLessThanOrEqual(300)
  expect(title.isWellFormed()).toBe(true)
  expect(titleOf('x', `${'n'.repeat(400)}.md`)).toHaveLength(300)
})

it('a line of nothing but spaces, however long, takes no longer than another', () => {
  const spaces = ' '.repeat(300_000)
  expect(titleOf(`# a${spaces}b`, 'file.md')).toBe('a')
  expect(titleOf(`# a${spaces}#b\n\ntext`, 'file.md')).toBe('a')
  expect(titleOf(`${spaces}b`, 'file.md')).toBe('file')
})
