import { paragraphs } from '@lockstep/model/paragraphs'
import { describe, expect, test } from 'vitest'
import { htmlLines } from '#text/html-lines'
import { htmlOf, parseInlines, parseMarkdown } from '#text/markdown-html'
import { paragraphBlocks } from '#text/paragraph-blocks'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'

const FILE = 'apps/web/test/paragraph-blocks.test.ts'
const OPTIONS = { allowedHosts: new Set<string>(), showImage: () => '' }

/** As a reader does it: each block by itself. */
function htmls(text: string): string[] {
  return paragraphBlocks(text).map(({ blocks, source }) => {
    if (blocks === undefined) return source
    parseInlines(blocks)
    return htmlOf(blocks, OPTIONS).trim()
  })
}

const visible = (html: string): string => html.replace(/<[^>]*>/g, '')
const wordsOf = (text: string): string[] => text.match(/q\d+q/g) ?? []

test.each([
  ['', []],
  ['one\n\n\ntwo', ['<p>one</p>', '<p>two</p>']],
  ['# head\ntext\n- a', ['<h1>head</h1>\n<p>text</p>\n<ul>\n<li>a</li>\n</ul>']],
  [
    '3. a\n\n4. b\n\n   more\n\n5. c',
    [
      '<ol start="3">\n<li>\n<p>a</p>\n</li>\n</ol>',
      '<ol start="4">\n<li>\n<p>b</p>\n</li>\n</ol>',
      '<ol start="4">\n<li class="continued">\n<p>more</p>\n</li>\n</ol>',
      '<ol start="5">\n<li>\n<p>c</p>\n</li>\n</ol>',
    ],
  ],
  [
    '- a\n\n  - b\n\n    c\n\nd',
    [
      '<ul>\n<li>\n<p>a</p>\n</li>\n</ul>',
      '<ul>\n<li class="continued">\n<ul>\n<li>\n<p>b</p>\n</li>\n</ul>\n</li>\n</ul>',
      '<ul>\n<li class="continued">\n<ul>\n<li class="continued">\n<p>c</p>\n</li>\n</ul>\n</li>\n</ul>',
      '<p>d</p>',
    ],
  ],
  [
    '```js\na\n\n\nb\n\n```\n\nc',
    [
      '<pre tabindex="0"><code class="language-js">a\n\n\n</code></pre>',
      '<pre tabindex="0"><code class="language-js">b\n\n</code></pre>',
      '<pre tabindex="0"><code class="language-js"></code></pre>',
      '<p>c</p>',
    ],
  ],
  [
    '[a]: https://b.example\n\n[a]',
    ['[a]: https://b.example', '<p><a href="https://b.example" target="_blank" rel="noopener noreferrer">a</a></p>'],
  ],
  [
    '- [x] done\n\n- [ ] open',
    ['<ul>\n<li class="task done">\n<p>done</p>\n</li>\n</ul>', '<ul>\n<li class="task">\n<p>open</p>\n</li>\n</ul>'],
  ],
  ['a\n\u00a0\nb', ['<p>a</p>', '<p>b</p>']],
])('blocks of %j', (text, expected) => {
  expect(htmls(text)).toEqual(expected)
})

/** Markdown of any kind in which each line has a word of its own. */
function document(random: Random): string {
  let words = 0
  const word = () => `q${words++}q`
  const inline = () =>
    random.pick([
      () => word(),
      () => `**${word()}** and _${word()}_`,
      () => `\`${word()}\` [${word()}](https://a.example)`,
      () => `[${word()}][ref] https://b.example/ ~~${word()}~~`,
      () => `**${word()} \\* <b>${word()}`,
    ])()
  const indent = () => random.pick(['', '', '', ' ', '  ', '   ', '    ', '      ', '\t'])
  const start = () =>
    random.pick([
      () => '',
      () => '',
      () => '- ',
      () => '* ',
      () => `${random.below(12)}. `,
      () => '1) ',
      () => '> ',
      () => '> - ',
      () => '- > ',
      () => `${'#'.repeat(1 + random.below(6))} `,
      () => '- [ ] ',
      () => '- - ',
    ])()
  const line = () => `${indent()}${start()}${inline()}`
  const others = [
    () => `${indent()}${start()}\`\`\``,
    () => `${indent()}~~~ js`,
    () => `${indent()}---`,
    () => '===',
    () => `| ${word()} | ${word()} |\n|---|:-:|\n| ${word()} | ${word()} |`,
    () => '[ref]: https://c.example',
    () => `${indent()}-`,
    () => '>',
    () => `${indent()}[${word()}]: <https://d.example>`,
    () => '<div>',
  ]
  const blank = () => random.pick(['', '', '  ', '\t', '\u00a0', '\u3000 ', '\f', '\u2028'])
  let text = ''
  for (let i = random.between(1, 40); i > 0; i--) {
    text += random.chance(0.3) ? blank() : random.chance(0.25) ? random.pick(others)() : line()
    text += random.pick(['\n', '\n', '\n', '\r\n', '\r'])
  }
  return text
}

describe('block i is paragraph i', () => {
  test('with the words of its lines, all of them and no others, whatever the Markdown', async () => {
    let several = 0
    const runs = await forEachSeed('paragraphs and blocks', 600, FILE, (random) => {
      const text = document(random)
      const sources = paragraphs(text)
      const shown = htmls(text)
      expect(shown).toHaveLength(sources.length)
      for (const [i, source] of sources.entries()) {
        // A definition beside something else is not shown.
        const hidden = source.split('\n').flatMap((line) => (/^[^`]*\[q\d+q\]: </.test(line) ? wordsOf(line) : []))
        const said = wordsOf(visible(shown[i] as string))
        expect(
          said.filter((word) => !hidden.includes(word)),
          text,
        ).toEqual(wordsOf(source).filter((word) => !hidden.includes(word)))
      }
      if (paragraphBlocks(text).some(({ continues }) => continues !== undefined)) several++
    })
    // A test of documents in which nothing goes over a blank line would say little.
    expect(several).toBeGreaterThan(runs / 10)
  })

  test('and all of them together say what the whole says', async () => {
    await forEachSeed('blocks and the whole', 200, FILE, (random) => {
      const text = document(random).replaceAll(/[\u00a0\u3000\f\u2028]/g, '')
      const whole = visible(htmlOf(parseMarkdown(text), OPTIONS))
      const pieces = paragraphBlocks(text).filter(({ blocks }) => blocks !== undefined)
      const together = pieces.map(({ blocks }) => {
        if (blocks === undefined) return ''
        parseInlines(blocks)
        return visible(htmlOf(blocks, OPTIONS))
      })
      const plain = (html: string) => html.replace(/\s+/g, '')
      expect(plain(together.join('')), text).toBe(plain(whole))
    })
  })
})

test('what lies too deep for Markdown is shown as it was typed', () => {
  const deep = `${'> '.repeat(150)}deep`
  expect(htmls(`a\n\n${deep}\n\nb`)).toHaveLength(3)
})

test.each([
  ['a\nb', ['a', 'b']],
  ['<span class="x">a\nb</span>\n', ['<span class="x">a</span>', '<span class="x">b</span>', '']],
  [
    '<span class="x">a<span class="y">b\n\nc</span>d\n</span>e',
    [
      '<span class="x">a<span class="y">b</span></span>',
      '<span class="x"><span class="y"></span></span>',
      '<span class="x"><span class="y">c</span>d</span>',
      '<span class="x"></span>e',
    ],
  ],
  ['1 &lt; 2', ['1 &lt; 2']],
])('lines of %j', (html, expected) => {
  expect(htmlLines(html)).toEqual(expected)
})
