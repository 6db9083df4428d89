/** Hostile texts as notes, titles, names of spaces and avatars, in the app as people have it. */
import { toRowId } from '@lockstep/engine/cell'
import { titleOf } from '@lockstep/model/markdown-title'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { newDevice, note, write } from '../app-stage.ts'
import { fileStage } from '../file-stage.ts'
import { askHost } from '../host-channel.ts'
import { allPayloads } from './payloads.ts'
import { setTripwires } from './tripwires.ts'

const { available, stage } = fileStage('hostile notes in Chromium')

/** So much shares a note, which is then shown whole: all of them still come by in a time that people wait for. UTF-16 units. */
const IN_ONE_NOTE = 6_000
const SPACES = 30

const texts = allPayloads().map(({ text }) => text.toWellFormed())
const notes = texts.reduce<string[]>((bundles, text) => {
  const last = bundles.at(-1)
  if (last === undefined || last.length + text.length > IN_ONE_NOTE) bundles.push(text)
  else bundles[bundles.length - 1] = `${last}\n\n${text}`
  return bundles
}, [])
/** Names hold no control characters and are told apart. */
const asName = (text: string, i: number): string => `${i} ${text.replace(/\p{Cc}/gu, '').slice(0, 150)}`.toWellFormed()
const idOf = (n: number): string => toRowId(Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? n >> 8 : i === 1 ? n : 7)))

/** Elements and attributes that the app never has: somebody's text became a part of the page. */
const strangers = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('#app *, [role=dialog] *')]
      .filter(
        ({ tagName, attributes }) =>
          /^(?:script|style|iframe|frame|object|embed|base|meta|link|math|marquee|video|audio|img|template)$/i.test(tagName) ||
          [...attributes].some(
            ({ name, value }) => /^on|srcdoc|^ping$|formaction/i.test(name) || /^\s*(?:javascript|data):/i.test(value),
          ),
      )
      .map(({ outerHTML }) => outerHTML.slice(0, 200)),
  )

/** Every note of the space that is shown comes by. */
async function scrollThrough(page: Page, seen: (page: Page) => Promise<void>): Promise<void> {
  const timeline = page.locator('.timeline')
  await timeline.evaluate((element) => element.scrollTo(0, 0))
  for (;;) {
    await page.locator('.note.placeholder').first().waitFor({ state: 'detached' })
    await seen(page)
    const atEnd = await timeline.evaluate(async (element) => {
      const before = element.scrollTop
      element.scrollBy(0, element.clientHeight / 2)
      const moved = element.scrollTop !== before
      // By then what comes into sight has its place on the page, with a note in it or none yet.
      for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve))
      return !moved
    })
    if (atEnd) return
  }
}

test.skipIf(!available).each([
  ['on', false],
  ['switched off', true],
])(
  '[G17] hostile notes, titles, spaces and avatars in the app, with the CSP %s: nothing runs, nothing is fetched, and it goes on',
  async (_, bypassCSP) => {
    const context = await newDevice(stage, { bypassCSP, viewport: { width: 1200, height: 3000 } })
    const { tripped } = await setTripwires(context, stage.url)
    const page = await stage.newPage(context)
    await write(page, 'the first one')
    await note(page, 'the first one').waitFor()

    const now = Date.now()
    const names = Array.from({ length: SPACES }, (_, i) => texts[Math.floor((i * texts.length) / SPACES)] as string)
    await askHost(
      page,
      names.map((name, i) => ['addSpace', { id: idOf(i), name: asName(name, i), avatar: name.slice(0, 60), now }] as const),
    )
    await askHost(
      page,
      notes.map((text, i) => {
        const title = titleOf(text, text.slice(0, 200).toWellFormed())
        return ['addNote', { id: idOf(1000 + i), space: idOf(0), title, text, now: now + i }] as const
      }),
    )
    await page.locator('.sidebar .space').nth(SPACES).waitFor()
    await page
      .locator('.sidebar .space', { hasText: asName(names[0] as string, 0).slice(0, 20) })
      .first()
      .click()
    await page.getByRole('article').first().waitFor()
    const seen = new Set<string>()
    await scrollThrough(page, async () => {
      expect(await strangers(page)).toEqual([])
      for (const i of await page
        .locator('.timeline li[aria-posinset]')
        .evaluateAll((items) => items.map((item) => item.getAttribute('aria-posinset'))))
        seen.add(i as string)
    })
    expect(seen.size).toBe(notes.length)

    await page.keyboard.press('Control+f')
    await page.getByRole('searchbox').fill('trip')
    await page.locator('.result').nth(10).waitFor()
    expect(await strangers(page)).toEqual([])
    await page.keyboard.press('Escape')

    await askHost(
      page,
      [...names.keys()].slice(1, 20).map((i) => ['removeSpace', idOf(i)] as const),
    )
    await page.getByRole('button', { name: 'Trash' }).click()
    await page.locator('.entries li').nth(18).waitFor()
    expect(await strangers(page)).toEqual([])
    await page.keyboard.press('Escape')

    await write(page, 'and the last one')
    await note(page, 'and the last one').waitFor()
    expect(tripped).toEqual([])
  },
)

const MEGABYTE = 1_000_000
const filled = (piece: string): string => piece.repeat(Math.ceil(MEGABYTE / piece.length)).slice(0, MEGABYTE)

test.skipIf(!available)(
  '[G17] notes of a megabyte that are made to be slow to render: their beginnings are shown, all of one when asked',
  async () => {
    const context = await newDevice(stage)
    const page = await stage.newPage(context)
    await write(page, 'before them')
    await note(page, 'before them').waitFor()
    const slow = ['[', '![a](', '|a\n|-\n', '[x][', '> ']
    await askHost(
      page,
      slow.map(
        (piece, i) =>
          ['addNote', { id: idOf(i), space: 'first', title: `slow ${i}`, text: filled(piece), now: Date.now() + i }] as const,
      ),
    )
    await write(page, 'after them')
    await note(page, 'after them').waitFor()
    await scrollThrough(page, async () => {})
    await page
      .getByRole('button', { name: /Show all: 9\d\d,\d\d\d more characters/ })
      .last()
      .click()
    await page.locator('.plain-text').first().waitFor()
    expect((await page.locator('.plain-text').first().textContent())?.length).toBe(MEGABYTE)
    await write(page, 'the end')
    await note(page, 'the end').waitFor()
  },
)
