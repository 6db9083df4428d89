import { expect, it } from 'vitest'
import { paragraphs } from '#paragraphs'

it.each([
  ['', []],
  [' \n\t\n', []],
  ['one', ['one']],
  ['\n\none\n', ['one']],
  ['a\nb\n\nc', ['a\nb', 'c']],
  ['a\r\n\r\n \r\nb\r\nc', ['a', 'b\nc']],
  ['- x  \n  - y\n\n    code', ['- x\n  - y', '    code']],
])('paragraphs of %j', (text, expected) => {
  expect(paragraphs(text)).toEqual(expected)
})
