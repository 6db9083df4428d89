/** Images in notes: fetched once their host is allowed, and as wide as a person makes them, on every device. */
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { closeDialog, edit, eventually, joinVault, newDevice, signUp, startServer, write } from './app-stage.ts'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage('images in the web app in Chromium')

const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="400" height="300" fill="teal"/></svg>'

/** @returns what was asked for */
async function servePictures(context: BrowserContext): Promise<string[]> {
  const asked: string[] = []
  await context.route('https://images.example/**', (route) => {
    asked.push(new URL(route.request().url()).pathname)
    return route.fulfill({ contentType: 'image/svg+xml', body: PICTURE })
  })
  return asked
}

const handle = (page: Page, alt: string): Locator => page.getByRole('slider', { name: `Width of the image “${alt}”` })
const picture = (page: Page, alt: string): Locator => page.getByRole('img', { name: alt, exact: true })
const allow = (page: Page) =>
  page
    .getByRole('button', { name: /Show the image from images.example/ })
    .first()
    .click()

async function sizeOf(image: Locator): Promise<{ width: number; height: number }> {
  const box = await image.boundingBox()
  return { width: Math.round(box?.width ?? 0), height: Math.round(box?.height ?? 0) }
}

/** Those that come after that have no such mark: the text has been rendered anew, with what it says of them now. */
const markImages = (page: Page) =>
  page.locator('.markdown img').evaluateAll((images) => {
    for (const image of images) image.classList.add('before')
  })

/** The text of the note, as its editor has it. */
async function sourceOf(page: Page, text: string): Promise<string> {
  await edit(page, text)
  const lines = await page.locator('.cm-line').allTextContents()
  await page.keyboard.press('Escape')
  await page.locator('.cm-content').waitFor({ state: 'detached' })
  return lines.join('\n')
}

test.skipIf(!available)(
  'an image is pulled to another width, stands in the text with it, and has it on the other device',
  async () => {
    await startServer(stage)
    const device = await newDevice(stage)
    const asked = await servePictures(device)
    const laptop = await stage.newPage(device)
    await write(laptop, 'holiday `![a](b)`\n\n![first](https://images.example/1.svg)\n\n![second](https://images.example/2.svg)')
    await laptop
      .getByRole('button', { name: /Show the image/ })
      .first()
      .waitFor()
    expect([asked, await laptop.getByRole('slider').count()]).toEqual([[], 0])
    await allow(laptop)
    // An image has its handle once it has come; then nothing moves any more.
    await handle(laptop, 'first').waitFor()
    await handle(laptop, 'second').waitFor()
    await picture(laptop, 'second').hover()
    const grip = handle(laptop, 'second')
    const box = (await grip.boundingBox()) as NonNullable<Awaited<ReturnType<Locator['boundingBox']>>>
    expect([box.width >= 40, box.height >= 40]).toEqual([true, true])
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    await markImages(laptop)
    await laptop.mouse.move(x, y)
    await laptop.mouse.down()
    await laptop.mouse.move(x - 60, y)
    await laptop.mouse.move(x - 150, y)
    await laptop.mouse.up()
    await laptop.locator('img:not(.before)[width="250"][height="188"]').waitFor()
    await eventually(() => sizeOf(picture(laptop, 'first'))).toEqual({ width: 400, height: 300 })
    expect(await sourceOf(laptop, 'holiday')).toBe(
      'holiday `![a](b)`\n\n![first](https://images.example/1.svg)\n\n![second|250x188](https://images.example/2.svg)',
    )
    const passphrase = await signUp(laptop)
    await closeDialog(laptop)
    await laptop.getByText('In step ·').waitFor()

    const other = await newDevice(stage)
    await servePictures(other)
    const phone = await stage.newPage(other)
    await joinVault(phone, passphrase)
    await closeDialog(phone)
    await allow(phone)
    await picture(phone, 'second').waitFor()
    await eventually(() => sizeOf(picture(phone, 'second'))).toEqual({ width: 250, height: 188 })
    expect(stage.errors).toEqual([])
  },
)

test.skipIf(!available)(
  'by keyboard: wider, narrower, as small as it goes, its own size again; the focus stays; touch has the handle in sight',
  async () => {
    const device = await newDevice(stage, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
    await servePictures(device)
    const page = await stage.newPage(device)
    await write(page, 'tall ![it](https://images.example/1.svg)')
    await allow(page)
    const grip = handle(page, 'it')
    await grip.waitFor()
    expect(await grip.evaluate((element) => getComputedStyle(element).opacity)).toBe('1')
    // Its own size would be wider than there is room for.
    const whole = (await sizeOf(picture(page, 'it'))).width
    expect(whole).toBeLessThan(340)
    const becomes = async (keys: readonly string[], width: number | undefined) => {
      await markImages(page)
      for (const key of keys) await grip.press(key)
      await page.locator(`.markdown img:not(.before)${width === undefined ? ':not([width])' : `[width="${width}"]`}`).waitFor()
      await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'slider')
    }
    await becomes(['PageDown', 'ArrowLeft', 'ArrowRight', 'ArrowLeft'], whole - 80)
    await becomes(['Home'], 32)
    await becomes(['Delete'], undefined)
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    expect(await sourceOf(page, 'tall')).toBe('tall ![it](https://images.example/1.svg)')
    expect(stage.errors).toEqual([])
  },
)
