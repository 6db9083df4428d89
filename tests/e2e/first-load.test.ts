/** What the first screen costs: how much is loaded for it, that nothing else is, and what happens where a part cannot be. */
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { firstLoad } from '../support/first-load.ts'
import { composer, focused, newDevice, note, openAppInfo, write } from './app-stage.ts'
import { fileStage } from './file-stage.ts'

/** Compressed, without SQLite's WebAssembly. Bytes. */
const BUDGET = 250_000

const { available, stage } = fileStage('the first load in Chromium')

const isCode = (path: string) => path === '/' || /\.(?:css|js)$/.test(path)

/** A page for which nothing is loaded ahead, and what it asks for. */
async function firstVisit(context: BrowserContext): Promise<{ readonly page: Page; readonly requested: Set<string> }> {
  await context.addInitScript(() => {
    globalThis.requestIdleCallback = () => 0
  })
  const requested = new Set<string>()
  context.on('request', (request) => requested.add(new URL(request.url()).pathname))
  return { page: await context.newPage(), requested }
}

test.skipIf(!available)(
  'the first screen stays within its budget, and nothing else is loaded before somebody wants it',
  async () => {
    const files = await firstLoad(stage.folder)
    expect(files.filter(({ compressed }) => compressed > 1000).length).toBeGreaterThan(2)
    expect(files.reduce((sum, { compressed }) => sum + compressed, 0)).toBeLessThan(BUDGET)

    const { page, requested } = await firstVisit(await newDevice(stage, { serviceWorkers: 'block' }))
    await page.goto(stage.url)
    await page.getByText('Only on this device').waitFor()
    await write(page, 'a *note*')
    await note(page, 'a note').locator('em').waitFor()
    expect([...requested].filter(isCode).sort()).toEqual(files.map(({ path }) => path).sort())
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByRole('dialog').waitFor()
    expect([...requested].filter(isCode).length).toBeGreaterThan(files.length)
  },
)

test.skipIf(!available)(
  'nothing jumps while the app opens, however long the notes take, on a wide screen and a narrow one',
  async () => {
    for (const viewport of [
      { width: 1200, height: 800 },
      { width: 320, height: 640 },
    ]) {
      const context = await newDevice(stage, { viewport })
      // What the worker is asked goes to it late: a frame is painted before each answer.
      await context.addInitScript(() => {
        const post = Worker.prototype.postMessage
        Worker.prototype.postMessage = function (this: Worker, message: unknown) {
          setTimeout(() => post.call(this, message), 150)
        }
        Object.assign(globalThis, { shifts: [] })
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            const { value, sources } = entry as unknown as {
              readonly value: number
              readonly sources: readonly { node?: Element }[]
            }
            const moved = sources.map(({ node }) => `${node?.nodeName} ${node?.className}`)
            ;(globalThis as unknown as { readonly shifts: unknown[] }).shifts.push([value, ...moved])
          }
        }).observe({ type: 'layout-shift', buffered: true })
      })
      const shifts = (page: Page) =>
        page.evaluate(() => (globalThis as unknown as { readonly shifts: readonly [number, ...string[]][] }).shifts)
      const page = await stage.newPage(context)
      await page.getByText('Write the first note').waitFor()
      if (viewport.width > 720) await page.getByText('Only on this device').waitFor()
      // The other parts have been fetched, with styles of their own.
      await page.waitForLoadState('networkidle')
      expect(await shifts(page)).toEqual([])
      for (const text of ['one', '# two', 'three\n\nlines']) {
        await write(page, text)
        await composer(page).and(page.locator(':placeholder-shown')).waitFor()
      }
      await note(page, 'three').waitFor()
      await page.reload()
      await note(page, 'three').waitFor()
      // The list stands on its end and grows upwards: a note that comes may be taller than its place was.
      const moved = (await shifts(page)).filter(([, ...nodes]) => !nodes.every((node) => node === 'OL '))
      expect(moved).toEqual([])
    }
  },
)

test.skipIf(!available)('a menu opens below its button: by the pointer, and by keys with its first item', async () => {
  const page = await (await newDevice(stage)).newPage()
  await page.goto(stage.url)
  await write(page, 'a note')
  const more = note(page, 'a note').getByRole('button', { name: 'More' })
  await more.click()
  await page.getByRole('menuitem', { name: 'Pin' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('menu').waitFor({ state: 'detached' })
  await focused(more)
  // Each menu for the first time, and once more.
  await write(page, 'another one')
  await note(page, 'another one').waitFor()
  for (const [place, key, first] of [
    [page.locator('.bar'), 'Enter', 'Search in this space'],
    [page.locator('.bar'), 'ArrowDown', 'Search in this space'],
    [note(page, 'another one'), 'ArrowDown', 'Pin'],
    [note(page, 'another one'), 'Enter', 'Pin'],
  ] as const) {
    const button = place.getByRole('button', { name: 'More' })
    await button.focus()
    await page.keyboard.press(key)
    await page.locator('[role=menuitem]:focus').filter({ hasText: first }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('menu').waitFor({ state: 'detached' })
    await focused(button)
  }
})

test.skipIf(!available)('a part that is not there says so and loses nothing; with it there again everything goes on', async () => {
  const context = await newDevice(stage, { serviceWorkers: 'block' })
  const { page } = await firstVisit(context)
  await page.goto(stage.url)
  await write(page, 'a note')
  await note(page, 'a note').waitFor()
  const loaded = new Set((await firstLoad(stage.folder)).map(({ path }) => path))
  await context.route(/\/assets\/.*\.js$/, (route) =>
    loaded.has(new URL(route.request().url()).pathname) ? route.fallback() : route.fulfill({ status: 404 }),
  )
  const told = page.getByText('A part of the app could not be loaded.')
  const wishes: (() => Promise<void>)[] = [
    () => page.keyboard.press('Control+k'),
    () => note(page, 'a note').getByRole('button', { name: 'Edit' }).click(),
    () => note(page, 'a note').getByRole('button', { name: 'More' }).click(),
  ]
  for (const wish of wishes) {
    await wish()
    await told.waitFor()
    await page.getByRole('button', { name: 'Later' }).click()
    await told.waitFor({ state: 'detached' })
  }
  await composer(page).fill('a draft')
  await page.keyboard.press('Control+k')
  await told.waitFor()
  await context.unroute(/\/assets\/.*\.js$/)
  // The page that goes has the note, too.
  const reloaded = page.waitForEvent('load')
  await page.getByRole('button', { name: 'Reload' }).click()
  await reloaded
  await note(page, 'a note').waitFor()
  expect(await composer(page).inputValue()).toBe('a draft')
  await openAppInfo(page)
  await page.getByRole('dialog').waitFor()
})

test.skipIf(!available)('entities are decoded by the browser’s own table, names that are none stay as they are', async () => {
  const page = await (await newDevice(stage)).newPage()
  await page.goto(stage.url)
  const texts: [string, string][] = [
    ['&copy; &AMP; &lt;b&gt; &quot;', '© & <b> "'],
    ['&NotEqualTilde; &semi; &nbsp;x', '≂̸ ; \u{a0}x'],
    ['&notit; &copy &nosuch; &amp;lt;', '&notit; &copy &nosuch; &lt;'],
    ['&#65; &#x42; &#0;', 'A B \u{fffd}'],
  ]
  await write(page, texts.map(([text]) => text).join('\n\n'))
  await note(page, '©').waitFor()
  const shown = await note(page, '©').locator('p').allTextContents()
  expect(shown.slice(0, texts.length)).toEqual(texts.map(([, text]) => text))
})
