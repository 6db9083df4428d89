/** After an update: a tab that was open before and one of the new build, on one vault. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { runningServer } from '../support/running-server.ts'
import { edit, newDevice, note, write } from './app-stage.ts'
import { fileStage } from './file-stage.ts'

const VERSION = '0.1.0'
const NEXT = '0.2.0'

const { available, stage } = fileStage('two builds in Chromium')

/** As a build with another version would be: it says so, and its files have other names. */
function nextBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-next-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(stage.folder, folder, { recursive: true })
  const assets = readdirSync(join(folder, 'assets'))
  const texts = ['index.html', ...assets.filter((name) => name.endsWith('.js')).map((name) => `assets/${name}`)]
  for (const path of texts) {
    let text = readFileSync(join(folder, path), 'utf8').replaceAll(VERSION, NEXT)
    for (const name of assets) text = text.replaceAll(name, `next-${name}`)
    writeFileSync(join(folder, path), text)
  }
  for (const name of assets) renameSync(join(folder, 'assets', name), join(folder, 'assets', `next-${name}`))
  return folder
}

const version = (page: Page, name: string) => page.getByRole('button', { name: `Version ${name}` })
const editor = (page: Page) => page.locator('.cm-content')

test.skipIf(!available)(
  'the tab of the new build leads; what is typed in the old one meanwhile is stored, also after the new one is closed',
  async () => {
    const before = await runningServer({ web: stage.folder })
    const { url } = before
    const device = await newDevice(stage, { serviceWorkers: 'block' })
    const open = async () => {
      const page = await device.newPage()
      await page.goto(url)
      return page
    }
    const [writing, idle] = [await open(), await open()]
    await write(writing, 'a note')
    await note(idle, 'a note').waitFor()
    await writing.bringToFront()
    await edit(writing, 'a note')
    await editor(writing).pressSequentially(', begun before')
    await note(idle, 'a note, begun before').waitFor()
    // A page that has only just been loaded would not be loaded again.
    await idle.waitForFunction(() => performance.now() > 3000)

    await before.close()
    const after = await runningServer({ web: nextBuild(), port: Number(new URL(url).port) })
    onTestFinished(() => after.close())
    const fresh = await open()
    await version(fresh, NEXT).waitFor()
    await note(fresh, 'a note, begun before').waitFor()
    await version(idle, NEXT).waitFor()
    await note(idle, 'a note, begun before').waitFor()

    await writing.bringToFront()
    await writing.getByText('A new version is ready.').waitFor()
    await editor(writing).pressSequentially(', typed later')
    await note(fresh, 'a note, begun before, typed later').waitFor()
    await write(fresh, 'of the new one')
    await note(idle, 'of the new one').waitFor()

    // Nobody of the new build is left: the old one has the vault again.
    await fresh.close()
    await idle.close()
    await writing.bringToFront()
    await editor(writing).pressSequentially(', and last')
    await version(writing, VERSION).waitFor()
    await writing.getByRole('button', { name: 'Reload' }).click()
    await version(writing, NEXT).waitFor()
    await note(writing, 'a note, begun before, typed later, and last').waitFor()
    await note(writing, 'of the new one').waitFor()
    expect(await editor(writing).count()).toBe(0)
  },
)

test.skipIf(!available)('an old tab whose text is closed is loaded anew by itself', async () => {
  const before = await runningServer({ web: stage.folder })
  const { url } = before
  const device = await newDevice(stage, { serviceWorkers: 'block' })
  const writing = await device.newPage()
  await writing.goto(url)
  await write(writing, 'a note')
  await edit(writing, 'a note')
  await before.close()
  const after = await runningServer({ web: nextBuild(), port: Number(new URL(url).port) })
  onTestFinished(() => after.close())
  const fresh = await device.newPage()
  await fresh.goto(url)
  await version(fresh, NEXT).waitFor()
  await note(fresh, 'a note').waitFor()

  await writing.bringToFront()
  await editor(writing).pressSequentially(', finished')
  await writing.keyboard.press('Escape')
  await version(writing, NEXT).waitFor()
  for (const page of [writing, fresh]) await note(page, 'a note, finished').waitFor()
})
