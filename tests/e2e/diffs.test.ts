/** Diffs and stars as people use them: pasting, reading, starring, finding, on one device and on two. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDevice } from '@lockstep/engine/platform/node/device'
import { paragraphs } from '@lockstep/model/paragraphs'
import { schema } from '@lockstep/model/schema'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { closeDialog, composer, joinVault, newDevice, openNew, PASSWORD, signUp, startServer } from './app-stage.ts'
import { violations } from './axe.ts'
import { isStarred, placeOf, writeDiff } from './diff-steps.ts'
import { silentFileStage } from './file-stage.ts'
import { askHost } from './host-channel.ts'
import { allPayloads } from './hostile/payloads.ts'

const { available, stage } = silentFileStage('diffs in the web app in Chromium')
const DIGEST = readFileSync(new URL('./digest.md', import.meta.url), 'utf8')

const open = async (options?: BrowserContextOptions): Promise<Page> => openNew(stage, await newDevice(stage, options))

interface Given {
  readonly id: string
  readonly date: string
  readonly title?: string
  readonly text?: string
}

const add = (page: Page, { id, date, title = `Digest ${id}`, text = DIGEST }: Given) =>
  askHost(page, [['addDiff', { id, date, title, text, now: Date.parse(date) }]])

const paragraph = (page: Page, n: number) => page.locator(`[data-paragraph="${n}"]`)
const star = (page: Page, n: number) => page.getByRole('button', { name: `Star paragraph ${n + 1}`, exact: true })
const isNotStarred = (page: Page, n: number) => page.locator(`.paragraph:not(.starred)[data-paragraph="${n}"]`).waitFor()
/** The paragraph has the focus, and is in sight. */
const isAt = (page: Page, n: number) =>
  page.waitForFunction((n) => {
    const element = document.activeElement
    const frame = element?.closest('.reading')?.getBoundingClientRect()
    const box = element?.getBoundingClientRect()
    if (element?.getAttribute('data-paragraph') !== String(n) || frame === undefined || box === undefined) return false
    return box.top < frame.bottom && box.bottom > frame.top
  }, n)

describe.skipIf(!available)('one device', () => {
  test('a diff is pasted, read, starred by pointer and by keys; a star leads back to its paragraph, and goes with an undo', async () => {
    const page = await open()
    await placeOf(page, 'Diffs').click()
    await page.getByText('Keep a digest of the day').waitFor()
    await page.keyboard.press('Alt+a')
    const dialog = page.getByRole('dialog', { name: 'Add a diff' })
    await dialog.getByLabel('Day').fill('2026-03-04')
    await dialog.getByLabel('Text').fill('a draft')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await page.reload()
    await page.getByText('Keep a digest of the day').waitFor()
    await page.keyboard.press('Alt+a')
    expect(await dialog.getByLabel('Text').inputValue()).toBe('a draft')
    expect(await dialog.getByLabel('Day').inputValue()).toBe('2026-03-04')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await writeDiff(page, { date: '2026-03-04', title: 'Of a Wednesday', text: DIGEST })
    await page.getByRole('heading', { name: 'Wednesday, March 4, 2026' }).waitFor()
    await page.locator('.hljs-keyword').first().waitFor()

    await paragraph(page, 2).hover()
    await star(page, 2).click()
    await isStarred(page, 2)
    await page.keyboard.press('j')
    await isAt(page, 3)
    await page.keyboard.press('ArrowDown')
    await isAt(page, 4)
    await page.keyboard.press('k')
    await isAt(page, 3)
    await page.keyboard.press('s')
    await isStarred(page, 3)
    expect(await star(page, 3).getAttribute('aria-pressed')).toBe('true')
    await page.keyboard.press('s')
    await isNotStarred(page, 3)
    await page.getByRole('button', { name: 'Undo' }).last().click()
    await isStarred(page, 3)

    await page.keyboard.press('Alt+4')
    await page.locator('.starred-text').nth(1).waitFor()
    await page.getByRole('button', { name: 'Show it in its diff' }).nth(1).click()
    await isAt(page, 3)
    await page.locator('.marked[data-paragraph="3"]').waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'Take the star away' }).first().click()
    await page.locator('.starred-text').nth(1).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).last().click()
    await page.locator('.starred-text').nth(1).waitFor()
  })

  test('one for a day that has one says that it takes its place, stars and all, and there is an undo; a deleted one comes back', async () => {
    const page = await open()
    await writeDiff(page, { date: '2026-03-04', title: 'First', text: DIGEST })
    await paragraph(page, 0).hover()
    await star(page, 0).click()
    await isStarred(page, 0)
    await page.keyboard.press('Alt+a')
    const dialog = page.getByRole('dialog', { name: 'Add a diff' })
    await dialog.getByLabel('Day').fill('2026-03-04')
    await dialog.getByText('“First” of that day goes to the trash, and 1 star with it. There is an undo.').waitFor()
    await dialog.getByLabel('Title').fill('Second')
    await dialog.getByLabel('Text').fill('another one')
    await page.keyboard.press('Control+Enter')
    await page.locator('article.diff').filter({ hasText: 'another one' }).waitFor()
    await page.goBack()
    await page.goBack()
    await page.getByText('replaced by another one of the same day').waitFor()
    await page.getByRole('button', { name: 'Undo' }).last().click()
    await isStarred(page, 0)
    await page.getByRole('button', { name: 'All diffs' }).click()
    await page.locator('.diff-row').filter({ hasText: 'First' }).waitFor()
    await page.locator('.diff-row').filter({ hasText: 'Second' }).waitFor({ state: 'detached' })
    expect(await page.locator('.diff-row').count()).toBe(1)

    await page.locator('.diff-row').click()
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByText('Keep a digest of the day').waitFor()
    await page.getByRole('button', { name: 'Trash' }).click()
    await page.locator('.entries li').filter({ hasText: 'First' }).getByRole('button', { name: 'Restore' }).click()
    await closeDialog(page)
    await page.locator('.diff-row').filter({ hasText: 'First' }).filter({ hasText: '1' }).waitFor()
  })

  test('search and palette find diffs and stars beside notes, and open them at the paragraph', async () => {
    const page = await open()
    await composer(page).fill('a note on closures')
    await page.getByRole('button', { name: 'Save note' }).click()
    for (let i = 1; i <= 3; i++) await add(page, { id: `d${i}`, date: `2026-03-0${i}`, text: i === 2 ? DIGEST : 'nothing\n\nhere' })
    const [found, starred] = ['traversal', 'plan gets worse'].map((words) =>
      paragraphs(DIGEST).findIndex((text) => text.includes(words)),
    ) as [number, number]
    await askHost(page, [['addStar', { diff: 'd2', paragraph: starred, now: 1 }]])
    await page.keyboard.press('Control+f')
    await page.getByRole('searchbox').fill('closures')
    await page.locator('.result').filter({ hasText: 'note · Notes' }).waitFor()
    await page.getByText('1 note, 1 diff', { exact: true }).waitFor()
    await page.getByRole('searchbox').fill('traversal')
    await page.locator('.result').filter({ hasText: 'diff · Mar 2, 2026' }).click()
    await isAt(page, found)
    await page.keyboard.press('Control+f')
    await page.getByRole('searchbox').fill('plan gets worse')
    await page.locator('.result').filter({ hasText: 'star · Mar 2, 2026' }).click()
    await isAt(page, starred)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Commands' }).fill('traversal')
    await page.getByRole('option', { name: /diff$/ }).waitFor()
    await page.keyboard.press('Enter')
    await isAt(page, found)
  })

  test('what is unread is counted, marked and told since when; opening a diff reads it', async () => {
    const page = await open()
    for (let i = 1; i <= 4; i++) await add(page, { id: `d${i}`, date: `2026-03-0${i}`, text: 'one\n\ntwo' })
    await askHost(page, [['markRead', ['d1', 'd2'], Date.parse('2026-03-02T12:00:00')]])
    await placeOf(page, 'Diffs').getByText('2 unread').waitFor({ state: 'attached' })
    await page.keyboard.press('Alt+3')
    await page.getByText('2 diffs since you last read, on Mar 2, 2026').waitFor()
    await page.getByText('You have read up to here').waitFor()
    await page.getByRole('img', { name: /4 have a diff, 2 of them read/ }).waitFor()
    await page.getByRole('button', { name: 'Read the oldest of them' }).click()
    await page.getByRole('heading', { name: /March 3, 2026/ }).waitFor()
    await placeOf(page, 'Diffs').getByText('1 unread').waitFor({ state: 'attached' })
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Mark as unread' }).click()
    await placeOf(page, 'Diffs').getByText('2 unread').waitFor({ state: 'attached' })
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await page.getByText('You have read up to here').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).last().click()
    await placeOf(page, 'Diffs').getByText('2 unread').waitFor({ state: 'attached' })
  })

  test('interests are added and removed by keys; a key of a service is never shown', async () => {
    const page = await open()
    await placeOf(page, 'Profile').click()
    const field = page.getByRole('textbox', { name: 'Add to Languages' })
    await field.click()
    await page.keyboard.type('Rust, Zig,')
    await page.getByRole('button', { name: 'Remove Rust' }).waitFor()
    await page.keyboard.type('Go')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Remove Go' }).waitFor()
    await field.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Delete')
    await page.getByText('“Rust” is removed.').waitFor()
    // It is told before the list has been asked for again.
    await page.getByRole('button', { name: 'Remove Rust' }).waitFor({ state: 'detached' })
    expect(await page.locator('.chips li').allTextContents()).toEqual(['Go', 'Zig'])
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('button', { name: 'Remove Rust' }).waitFor()
    await page.getByLabel('Name').fill('Ada')
    await page.getByLabel('Service').fill('a service')
    await page.getByLabel('Key', { exact: true }).fill('top secret')
    await page.getByRole('button', { name: 'Save the key' }).click()
    await page.getByText(/cannot name a service/).waitFor()
    await page.getByLabel('Service').fill('service')
    await page.getByRole('button', { name: 'Save the key' }).click()
    await page.getByText(/^set on /).waitFor()
    expect(await page.content()).not.toContain('top secret')
    expect(JSON.stringify(await askHost(page, [['profile']]))).not.toContain('top secret')
    expect(await askHost(page, [['profile']])).toMatchObject({ name: 'Ada', languages: ['Go', 'Rust', 'Zig'] })
    await page.getByRole('button', { name: 'Remove service' }).click()
    await page.getByText('No keys yet.').waitFor()
  })
})

describe.skipIf(!available)('the reading view', () => {
  test('has one block for each paragraph, whatever the text, and lets nothing of it run', async () => {
    const page = await open()
    const hostile = allPayloads().map(({ text }) => text)
    const texts = [
      DIGEST,
      ...Array.from({ length: 6 }, (_, i) =>
        hostile
          .filter((_, k) => k % 6 === i)
          .join('\n\n')
          .slice(0, 60_000),
      ),
    ]
    for (const [i, text] of texts.entries()) {
      await add(page, { id: `d${i}`, date: `2026-03-0${i + 1}`, text })
      await page.evaluate((id) => location.assign(`#diff/${id}`), `d${i}`)
      const count = paragraphs(text).length
      await paragraph(page, count - 1).waitFor({ state: 'attached' })
      await page.waitForFunction((count) => document.querySelectorAll('[data-paragraph]').length === count, count)
      const bad = await page
        .locator('.diff')
        .evaluate((article) =>
          [
            ...article.querySelectorAll('script, iframe, object, embed, style, form, img, video, [onerror], [onload], [onclick]'),
          ].map(({ outerHTML }) => outerHTML),
        )
      expect(bad).toEqual([])
    }
  })

  test('moves nothing when a paragraph is starred, by pointer, by finger and by key', async () => {
    for (const options of [{}, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }]) {
      const page = await open(options)
      await add(page, { id: 'd', date: '2026-03-04' })
      await page.evaluate(() => location.assign('#diff/d'))
      await page.locator('.hljs-keyword').first().waitFor()
      await page.waitForFunction(
        (count) => document.querySelectorAll('[data-paragraph]').length === count,
        paragraphs(DIGEST).length,
      )
      // Where everything is within what scrolls: keys may scroll it.
      const boxes = () =>
        page.evaluate(() => {
          const scrolled = document.querySelector('.reading')?.scrollTop ?? 0
          return [...document.querySelectorAll('[data-paragraph]')].map((element) => {
            const { top, height } = element.getBoundingClientRect()
            return [Math.round(top + scrolled), Math.round(height)]
          })
        })
      // What is laid out late has come once two frames in a row look the same.
      const frame = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
      let before = await boxes()
      for (let settled = false; !settled; ) {
        await frame()
        const after = await boxes()
        settled = JSON.stringify(after) === JSON.stringify(before)
        before = after
      }
      await page.evaluate(() => {
        const shifts: number[] = []
        Object.assign(globalThis, { shifts })
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) shifts.push((entry as unknown as { readonly value: number }).value)
        }).observe({ type: 'layout-shift' })
      })
      if ('hasTouch' in options) {
        const box = await star(page, 2).boundingBox()
        expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(40)
        expect(await star(page, 2).evaluate((button) => getComputedStyle(button).opacity)).toBe('1')
        await star(page, 2).tap()
      } else await star(page, 2).click()
      await isStarred(page, 2)
      await page.keyboard.press('j')
      await page.keyboard.press('s')
      await page.locator('.starred').nth(1).waitFor()
      expect(await boxes()).toEqual(before)
      expect(await page.evaluate(() => (globalThis as unknown as { readonly shifts: number[] }).shifts)).toEqual([])
    }
  })
})

describe.skipIf(!available)('two devices', () => {
  async function twoDevices() {
    const server = await startServer(stage)
    const laptop = await open()
    const passphrase = await signUp(laptop)
    await laptop.getByRole('combobox', { name: 'Sync' }).selectOption('live')
    await closeDialog(laptop)
    const phone = await open()
    await joinVault(phone, passphrase)
    await phone.getByRole('combobox', { name: 'Sync' }).selectOption('live')
    await closeDialog(phone)
    const offline = (is: boolean) => Promise.all([laptop, phone].map((page) => page.context().setOffline(is)))
    return { server, passphrase, laptop, phone, offline }
  }

  test('star and un-star offline on both, what was read, and a deletion with its stars come in step', async () => {
    const { laptop, phone, offline } = await twoDevices()
    await writeDiff(laptop, { date: '2026-03-04', title: 'Shared', text: DIGEST })
    await paragraph(laptop, 2).hover()
    await star(laptop, 2).click()
    await isStarred(laptop, 2)
    await phone.keyboard.press('Alt+3')
    await phone.locator('.diff-row:not(.unread)').filter({ hasText: 'Shared' }).click()
    await isStarred(phone, 2)

    await offline(true)
    await star(laptop, 2).click()
    await isNotStarred(laptop, 2)
    await paragraph(laptop, 4).hover()
    await star(laptop, 4).click()
    await isStarred(laptop, 4)
    for (const n of [4, 6]) {
      await paragraph(phone, n).hover()
      await star(phone, n).click()
      await isStarred(phone, n)
    }
    await offline(false)
    for (const page of [laptop, phone]) {
      await isNotStarred(page, 2)
      await isStarred(page, 4)
      await isStarred(page, 6)
    }
    await phone.keyboard.press('Alt+4')
    await phone.locator('.starred-text').nth(1).waitFor()
    expect(await phone.locator('.starred-text').count()).toBe(2)

    await laptop.getByRole('button', { name: 'More' }).click()
    await laptop.getByRole('menuitem', { name: 'Delete' }).click()
    await phone.getByText('Star what matters').waitFor()
    await laptop.getByRole('button', { name: 'Undo' }).last().click()
    await phone.locator('.starred-text').nth(1).waitFor()
  })

  test('what an importer brought is read with its paragraph: summaries, and stars that it counts in its own way', async () => {
    const { server, passphrase, laptop } = await twoDevices()
    const home = mkdtempSync(join(tmpdir(), 'lockstep-importer-'))
    onTestFinished(() => rmSync(home, { recursive: true, force: true }))
    const importer = await openDevice({ home, schema })
    const account = { server: server.url, vault: 'main', password: PASSWORD, passphrase, deviceName: 'importer' }
    await importer.signIn({ ...account, intent: 'join', passwordOnly: false })
    importer.vault.transact((tx) => {
      const diff = tx.insert('diffs', { title: 'Imported', date: '2026-03-04', text: DIGEST }, 'imported')
      tx.put('tldrs', 'imported:i1', { diff, paragraph: 2, item: 1, text: 'In short', url: 'https://example.org/page' })
      tx.put('tldrs', 'imported:i2', { diff, paragraph: 4, item: 2, text: 'No page', url: 'javascript:alert(1)' })
      for (const item of [3, 4]) tx.put('stars', `imported:i${item}`, { diff, paragraph: 5, item, text: 'an item' })
    })
    await importer.sync()
    await importer.close()
    await laptop.keyboard.press('Alt+3')
    await laptop.locator('.diff-row').filter({ hasText: 'Imported' }).click()
    await paragraph(laptop, 2).locator('.tldr').filter({ hasText: 'In short' }).getByRole('link', { name: 'example.org' }).waitFor()
    await paragraph(laptop, 4).locator('.tldr').filter({ hasText: 'No page' }).waitFor()
    expect(await laptop.locator('.tldr a').count()).toBe(1)
    await isStarred(laptop, 5)
    await star(laptop, 5).click()
    await isNotStarred(laptop, 5)
    await laptop.getByRole('button', { name: 'Undo' }).last().click()
    await isStarred(laptop, 5)
    await laptop.keyboard.press('Alt+4')
    await laptop.locator('.starred-text').nth(1).waitFor()
  })

  test('a day made again on both apart is one diff on both, the same one', async () => {
    const { laptop, phone, offline } = await twoDevices()
    await writeDiff(laptop, { date: '2026-03-04', title: 'In the morning', text: DIGEST })
    await phone.keyboard.press('Alt+3')
    await phone.locator('.diff-row').filter({ hasText: 'In the morning' }).waitFor()
    await offline(true)
    for (const [page, title] of [
      [laptop, 'Again on the laptop'],
      [phone, 'Again on the phone'],
    ] as const) {
      await writeDiff(page, { date: '2026-03-04', title, text: 'new\n\ntexts' })
      await paragraph(page, 1).hover()
      await star(page, 1).click()
      await isStarred(page, 1)
    }
    await offline(false)
    for (const page of [laptop, phone]) {
      await page.keyboard.press('Alt+3')
      await page.locator('.diff-row').filter({ hasText: 'Again on the phone' }).waitFor()
      await page.locator('.diff-row').filter({ hasText: 'Again on the laptop' }).waitFor({ state: 'detached' })
      expect(await page.locator('.diff-row').count()).toBe(1)
      await page.keyboard.press('Alt+4')
      await page.locator('.starred-text').waitFor()
      expect(await page.locator('.starred-text').count()).toBe(1)
    }
  })
})

test.skipIf(!available).each([
  ['light', 320],
  ['dark', 1280],
] as const)('axe finds nothing on these screens, and nothing is wider than the screen: %s, %d px', async (colorScheme, width) => {
  const page = await open({ colorScheme, viewport: { width, height: 720 }, reducedMotion: 'reduce' })
  const found: string[] = []
  const look = async (screen: string) => {
    found.push(...(await violations(page, screen)))
    if ((await page.evaluate(() => document.documentElement.scrollWidth)) > width) found.push(`${screen}: too wide`)
  }
  await page.keyboard.press('Alt+3')
  await page.getByText('Keep a digest of the day').waitFor()
  await look('no diffs')
  for (let i = 1; i <= 9; i++) await add(page, { id: `d${i}`, date: `2026-03-0${i}` })
  await askHost(page, [
    ['addStar', { diff: 'd3', paragraph: 2, now: 1 }],
    ['markRead', ['d1', 'd2', 'd3'], Date.parse('2026-03-03')],
    ['editProfile', { languages: ['Rust'], apiKeys: { service: 'k' }, now: 1 }],
  ])
  await page.locator('.diff-row').first().waitFor()
  await look('history')
  await page.evaluate(() => location.assign('#diff/d3/4'))
  await page.locator('.hljs-keyword').first().waitFor()
  await isAt(page, 4)
  await look('reading')
  await page.keyboard.press('Alt+4')
  await page.locator('.starred-text').first().waitFor()
  await look('stars')
  await page.evaluate(() => location.assign('#profile'))
  await page.getByText(/^set on /).waitFor()
  await look('profile')
  await page.keyboard.press('Alt+a')
  await page.getByRole('dialog', { name: 'Add a diff' }).waitFor()
  await look('add a diff')
  expect(found).toEqual([])
})
