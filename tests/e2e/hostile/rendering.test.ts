/** Hostile texts, each by itself through the app's renderer, in real Chromium. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { newDevice } from '../app-stage.ts'
import { fileStage } from '../file-stage.ts'
import type { Fault } from './fault.ts'
import { allPayloads } from './payloads.ts'
import { setTripwires } from './tripwires.ts'

const { available, stage } = fileStage('hostile texts in Chromium', 'pages')

type Shown = typeof globalThis & { show(texts: readonly string[]): Promise<Fault[]>; html(text: string): string }

const show = (page: Page, texts: readonly string[]): Promise<Fault[]> =>
  page.evaluate((texts) => (globalThis as Shown).show(texts), texts)

async function openPage(bypassCSP: boolean) {
  const context = await newDevice(stage, { bypassCSP })
  const { tripped } = await setTripwires(context, stage.url)
  const page = await context.newPage()
  await page.goto(`${stage.url}/markdown.html`)
  return { page, tripped }
}

test.skipIf(!available).each([
  [
    'a link is opened apart',
    '[a](https://b.example)',
    '<p><a href="https://b.example" target="_blank" rel="noopener noreferrer">a</a></p>',
  ],
  ['a list begins at its number', '7. a', '<ol start="7">\n<li>a</li>\n</ol>'],
  ['code is reached by keyboard', '    a', '<pre tabindex="0"><code>a\n</code></pre>'],
  ['a column is aligned', '|a|\n|-:|\n|b|', '<th align="right">a</th>'],
  [
    'an image waits behind a button',
    '![a](https://b.example/c)',
    '<p><button type="button" class="blocked-image" data-host="b.example"><span>a</span> Show the image from b.example</button></p>',
  ],
])('what is harmless is let through: %s', async (_, text, html) => {
  const { page } = await openPage(false)
  const shown = await page.evaluate((text) => (globalThis as Shown).html(text), text)
  // The order in which attributes are written says nothing.
  const sorted = (markup: string) =>
    markup.trim().replace(/<\w+ [^>]*>/g, (tag) => [...tag.matchAll(/[\w-]+="[^"]*"|<\w+/g)].flat().sort().join(' '))
  expect(sorted(shown)).toContain(sorted(html))
})

test.skipIf(!available)('the tripwires notice what would run and what would be fetched', async () => {
  const { page, tripped } = await openPage(true)
  await page.evaluate(() => {
    document.body.innerHTML = '<img src=x onerror=trip()><img src="https://evil.invalid/x.png"><iframe srcdoc=x></iframe>'
  })
  await expect.poll(() => tripped.join('\n'), { timeout: 120_000 }).toMatch(/(?=.*trip\(\))(?=.*evil\.invalid\/x\.png)(?=.*frame)/s)
})

test.skipIf(!available).each([
  ['on', false],
  ['switched off', true],
])(
  '[G17] more than 3 000 hostile texts, with the CSP %s: nothing runs, nothing is fetched, nothing is there that Markdown does not make',
  async (_, bypassCSP) => {
    const { page, tripped } = await openPage(bypassCSP)
    const texts = allPayloads().map(({ text }) => text)
    expect(new Set(texts).size).toBeGreaterThan(3_000)
    const faulty: Fault[] = []
    for (let i = 0; i < texts.length; i += 250) faulty.push(...(await show(page, texts.slice(i, i + 250))))
    expect(faulty.slice(0, 5)).toEqual([])
    // What was asked of the network by then has been reported once this has been answered.
    await page.evaluate(() => fetch('/markdown.html').then((answer) => answer.text()))
    expect(tripped).toEqual([])
  },
)
