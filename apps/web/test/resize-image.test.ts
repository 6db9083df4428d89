/** The size of an image in its text: found among all that looks like an image, and nothing else is changed. */

import { expect, test } from 'vitest'
import { readAlt } from '#text/image-size'
import { resizeImage } from '#text/resize-image'

test('the size is read from the end of the alternative text', () => {
  expect(readAlt('a cat|320')).toEqual({ alt: 'a cat', size: { width: 320 } })
  expect(readAlt('a | cat|320x200')).toEqual({ alt: 'a | cat', size: { width: 320, height: 200 } })
  for (const content of ['', 'a cat', '320', '|0', '|12345', 'a|320x', 'a|x200', 'a|-1']) {
    expect(readAlt(content)).toEqual({ alt: content, size: undefined })
  }
})

const SIZE = { width: 320, height: 200 }
const URL = 'https://h.example/a.png'

test.each([
  ['alone', `![cat](${URL})`, 0, `![cat|320x200](${URL})`],
  ['another size', `![cat|10](${URL})`, 0, `![cat|320x200](${URL})`],
  ['no alternative text', `![](${URL})`, 0, `![|320x200](${URL})`],
  ['the second of two that are alike', `![c](${URL}) ![c](${URL})`, 1, `![c](${URL}) ![c|320x200](${URL})`],
  ['with a title', `![c](${URL} "![x](y)")`, 0, `![c|320x200](${URL} "![x](y)")`],
  [
    'after code',
    `\`![c](${URL})\`\n\n    ![c](${URL})\n\n![c](${URL})`,
    0,
    `\`![c](${URL})\`\n\n    ![c](${URL})\n\n![c|320x200](${URL})`,
  ],
  ['escaped', `\\![c](${URL}) ![c](${URL})`, 0, `\\![c](${URL}) ![c|320x200](${URL})`],
  ['brackets in the text', `![a [b] c](${URL})`, 0, `![a [b] c|320x200](${URL})`],
  ['a link in the text', `![a [b](x) c](${URL})`, 0, `![a [b](x) c|320x200](${URL})`],
  ['in a link', `[![c](${URL})](https://h.example)`, 0, `[![c|320x200](${URL})](https://h.example)`],
  ['in a table', `| a |\n| - |\n| ![c](${URL}) |`, 0, `| a |\n| - |\n| ![c\\|320x200](${URL}) |`],
  ['of another size in a table', `| a |\n| - |\n| ![c\\|9](${URL}) |`, 0, `| a |\n| - |\n| ![c\\|320x200](${URL}) |`],
  ['by reference', `![c][r]\n\n[r]: ${URL}`, 0, `![c|320x200][r]\n\n[r]: ${URL}`],
  ['in a list and a quote', `- > ![c](${URL})\n- x`, 0, `- > ![c|320x200](${URL})\n- x`],
])('a size is written: %s', (_, text, index, expected) => {
  expect(resizeImage(text, index, SIZE)).toBe(expected)
})

test('the size is taken out again, and nothing is done where there is no way', () => {
  expect(resizeImage(`![a\\|b|320x200](${URL})`, 0, undefined)).toBe(`![a\\|b](${URL})`)
  expect(resizeImage(`![c](${URL})`, 0, undefined)).toBe(`![c](${URL})`)
  expect(resizeImage(`![c](${URL})`, 1, SIZE)).toBeUndefined()
  expect(resizeImage(`![r][]\n\n[r]: ${URL}`, 0, SIZE)).toBeUndefined()
  expect(resizeImage(`![r]\n\n[r]: ${URL}`, 0, SIZE)).toBeUndefined()
})
