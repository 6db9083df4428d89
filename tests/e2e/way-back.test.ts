/** The way back: through spaces and places by the browser's buttons, out of what lies over the app by the device's. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { newDevice, note, openNew, write } from './app-stage.ts'
import { silentFileStage } from './file-stage.ts'
import { askHost } from './host-channel.ts'

const { available, stage } = silentFileStage('the way back in Chromium')

const open = async (): Promise<Page> => openNew(stage, await newDevice(stage))
const space = (page: Page, name: string) => page.getByRole('navigation', { name: 'Spaces' }).getByRole('button', { name })
const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true, level: 1 })

describe.skipIf(!available)('the browser’s', () => {
  test('leads through spaces and other places, also after the page was loaded anew', async () => {
    const page = await open()
    for (const name of ['Work', 'Home']) await askHost(page, [['addSpace', { id: name.toLowerCase(), name, now: 1 }]])
    await space(page, 'Work').click()
    await heading(page, 'Work').waitFor()
    await space(page, 'Home').click()
    await heading(page, 'Home').waitFor()
    // Where one is already is no step of its own.
    await space(page, 'Home').click()
    await page.keyboard.press('Alt+l')
    await page.getByRole('button', { name: 'Diffs', exact: true }).click()
    await page.getByText('Keep a digest of the day').waitFor()
    await page.goBack()
    await heading(page, 'Home').waitFor()
    await page.goBack()
    await heading(page, 'Work').waitFor()
    await page.reload()
    await heading(page, 'Work').waitFor()
    await write(page, 'for work')
    await note(page, 'for work').waitFor()
    await page.goForward()
    await heading(page, 'Home').waitFor()
    expect(await note(page, 'for work').count()).toBe(0)
  })

  test('an address without a space is that of the one that was shown last; one that is not here, of another', async () => {
    const page = await open()
    for (const name of ['Work', 'Home']) await askHost(page, [['addSpace', { id: name.toLowerCase(), name, now: 1 }]])
    await space(page, 'Work').click()
    await heading(page, 'Work').waitFor()
    await page.goto(stage.url)
    await heading(page, 'Work').waitFor()
    await page.waitForFunction(() => location.hash === '#space/work')
    await page.goto('about:blank')
    await page.goto(`${stage.url}/#space/nowhere`)
    await heading(page, 'Home').waitFor()
    await page.waitForFunction(() => location.hash === '#space/home')
  })
})

/** What a page sees of the device's way back, and a test can go. */
type GoingBack = typeof globalThis & { goBack(): boolean }

describe.skipIf(!available)('the device’s', () => {
  test('closes what lies over the app, what is on top first, and then no more', async () => {
    const context = await newDevice(stage, { viewport: { width: 360, height: 700 } })
    await context.addInitScript(() => {
      const open: CloseWatcher[] = []
      class CloseWatcher {
        onclose: (() => void) | null = null
        constructor() {
          open.push(this)
        }
        destroy(): void {
          if (open.includes(this)) open.splice(open.indexOf(this), 1)
        }
      }
      // As the platform does it: one that was asked to close watches no more.
      const goBack = () => {
        const top = open.pop()
        top?.onclose?.()
        return top !== undefined
      }
      Object.assign(globalThis, { CloseWatcher, goBack })
    })
    const page = await openNew(stage, context)
    const back = () => page.evaluate(() => (globalThis as GoingBack).goBack())
    await write(page, 'small')
    await note(page, 'small').waitFor()
    expect(await back()).toBe(false)

    await note(page, 'small').getByRole('button', { name: 'More' }).click()
    await page.getByRole('menu').waitFor()
    expect(await back()).toBe(true)
    await page.getByRole('menu').waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Show spaces' }).click()
    await space(page, 'Notes').waitFor()
    expect(await back()).toBe(true)
    await space(page, 'Notes').waitFor({ state: 'hidden' })

    await note(page, 'small').getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'History' }).click()
    await page.getByRole('dialog').waitFor()
    expect(await back()).toBe(true)
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await back()).toBe(false)
    await note(page, 'small').waitFor()
  })

  test('is Chromium’s own close request: Escape that nothing on the page hears closes the drawer', async () => {
    const page = await openNew(stage, await newDevice(stage, { viewport: { width: 360, height: 700 } }))
    await write(page, 'small')
    await note(page, 'small').waitFor()
    await page.getByRole('button', { name: 'Show spaces' }).click()
    await page.waitForFunction(() => document.activeElement?.classList.contains('space'))
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press('Escape')
    await space(page, 'Notes').waitFor({ state: 'hidden' })
  })
})
