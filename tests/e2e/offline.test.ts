/** The app as a server serves it: it opens without a network after the first visit, and takes a new build when it is told to. */

import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { type RunningServer, runningServer } from '../support/running-server.ts'
import { closeDialog, edit, newDevice, note, signUp, write } from './app-stage.ts'
import { FOREIGN_HOST } from './chromium.ts'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage('the web app offline, in Chromium')

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-offline-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** One server at one address: stopped, and started again with the same data. */
async function served(web = stage.folder) {
  const data = temporaryFolder()
  let server: RunningServer = await runningServer({ web, data })
  const { url } = server
  return {
    url,
    stop: () => server.close(),
    async start(next = web) {
      server = await runningServer({ web: next, data, port: Number(new URL(url).port) })
    },
  }
}

/** A page that must report nothing: no error, no rejected promise, nothing that the policy kept out. */
async function open(context: BrowserContext, url: string, reported: string[] = []): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => reported.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') reported.push(message.text())
  })
  await page.goto(url)
  return page
}

/** Until the app's files are kept, and the page is served from them. */
async function installed(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { serviceWorker } = navigator
    const controlled = new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve))
    await serviceWorker.ready
    if (serviceWorker.controller === null) await controlled
  })
}

test.skipIf(!available)(
  'after one visit the app opens without its server: it shows the notes, takes a new one, says that it is offline, and sends it later',
  async () => {
    const server = await served()
    const device = await newDevice(stage)
    const first = await open(device, server.url)
    await write(first, 'written with a network')
    await note(first, 'written with a network').waitFor()
    await signUp(first)
    await first.getByRole('combobox', { name: 'Sync' }).selectOption('live')
    await closeDialog(first)
    await first.getByText('In step').waitFor()
    await installed(first)
    await first.close()

    await server.stop()
    const offline = await open(device, server.url)
    await note(offline, 'written with a network').waitFor()
    await write(offline, 'written without')
    await note(offline, 'written without').waitFor()
    await offline.getByText(/Offline · 1 waiting/).waitFor()
    // What loads later is there as well.
    await edit(offline, 'written without')
    await offline.locator('.cm-content').pressSequentially(' it')
    await offline.keyboard.press('Escape')
    await note(offline, 'written without it').waitFor()

    await server.start()
    await offline.getByText('In step').waitFor()
    const requested = await offline.evaluate(async () => {
      const keys = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()))
      return keys.flat().map(({ url }) => new URL(url).pathname)
    })
    expect(requested).toContain('/')
    expect(requested.filter((path) => /^\/(?:v1|api|healthz)/.test(path))).toEqual([])
  },
)

test.skipIf(!available)('as its server serves it, it can be installed as an app', async () => {
  const { url } = await served()
  const device = await newDevice(stage)
  const page = await open(device, url)
  await installed(page)
  const devtools = await device.newCDPSession(page)
  const { errors, url: manifest } = await devtools.send('Page.getAppManifest')
  expect([manifest, errors]).toEqual([`${url}/manifest.webmanifest`, []])
  // Devices of tests are private windows, which install nothing: that is all that Chromium has against it.
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
  expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(['in-incognito'])
})

const NEXT = 'Lockstep, the next version'

/** Another build: the same app with another title. */
function nextBuild(): string {
  const folder = temporaryFolder()
  cpSync(stage.folder, folder, { recursive: true })
  const digest = (text: string) => createHash('sha256').update(text).digest('base64')
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  const changed = page.replace(/<title>.*<\/title>/, `<title>${NEXT}</title>`)
  const worker = readFileSync(join(folder, 'sw.js'), 'utf8')
  const next = worker.replace(digest(page), digest(changed)).replace(/("version":")[^"]+/, '$1next')
  expect([changed === page, next === worker]).toEqual([false, false])
  writeFileSync(join(folder, 'index.html'), changed)
  writeFileSync(join(folder, 'sw.js'), next)
  return folder
}

const look = (page: Page) => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update())
/** Gone when the page is loaded anew. */
const mark = (page: Page) => page.evaluate(() => document.body.setAttribute('data-kept', ''))
const isMarked = async (page: Page) => (await page.locator('body[data-kept]').count()) === 1

test.skipIf(!available)(
  'a new version waits for its person: nothing reloads by itself, all that was typed is stored first, a tab with an open text stays',
  async () => {
    const server = await served()
    const device = await newDevice(stage)
    const reported: string[] = []
    const writing = await open(device, server.url, reported)
    await installed(writing)
    const [other, idle] = [await open(device, server.url, reported), await open(device, server.url, reported)]
    await write(writing, 'a note')
    for (const page of [writing, other, idle]) {
      await note(page, 'a note').waitFor()
      await mark(page)
    }
    for (const page of [writing, other]) {
      await page.bringToFront()
      await edit(page, 'a note')
    }

    await server.stop()
    await server.start(nextBuild())
    await look(writing)
    for (const page of [writing, other, idle]) await page.getByText('A new version is ready.').waitFor()
    for (const page of [writing, other, idle]) expect([await isMarked(page), await page.title()]).toEqual([true, 'Lockstep'])

    await writing.bringToFront()
    await writing.locator('.cm-content').pressSequentially(', and what was typed last')
    await writing.getByRole('button', { name: 'Reload' }).click()
    await writing.waitForFunction((title) => document.title === title, NEXT)
    await note(writing, 'a note, and what was typed last').waitFor()
    await idle.waitForFunction((title) => document.title === title, NEXT)
    // Somebody writes here: it says the same as before, until they want it.
    expect([await isMarked(other), await other.title()]).toEqual([true, 'Lockstep'])
    await other.bringToFront()
    await other.getByRole('button', { name: 'Reload' }).click()
    await other.waitForFunction((title) => document.title === title, NEXT)
    await note(other, 'a note, and what was typed last').waitFor()
    expect(await other.getByText('A new version is ready.').count()).toBe(0)
    expect(reported).toEqual([])
  },
)

test.skipIf(!available)(
  'on plain HTTP from beyond the machine the page says what is wrong and what helps, instead of a broken app',
  async () => {
    const server = await served()
    const device = await newDevice(stage)
    const reported: string[] = []
    const page = await device.newPage()
    page.on('pageerror', (error) => reported.push(error.message))
    await page.goto(server.url.replace('127.0.0.1', FOREIGN_HOST))
    await page.getByRole('heading', { name: 'This address is not safe enough for notes' }).waitFor()
    expect(await page.getByRole('textbox').count()).toBe(0)
    expect(reported).toEqual([])
  },
)

test.skipIf(!available)('no screen wants anything that the policy keeps out: no inline script, no foreign address', async () => {
  const server = await served()
  const device = await newDevice(stage)
  const reported: string[] = []
  await device.exposeFunction('violated', (what: string) => reported.push(what))
  await device.addInitScript(() => {
    const { violated } = globalThis as typeof globalThis & { violated(what: string): void }
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      violated(`${violatedDirective} ${blockedURI}`),
    )
  })
  const page = await open(device, server.url, reported)
  await write(
    page,
    '# Title\n\n- [ ] task\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n```ts\nconst x = 1\n```\n\n![image](https://images.example/x.png)',
  )
  await page.locator('.hljs-keyword').waitFor()
  await page.getByText('Show the image from images.example').waitFor()
  await edit(page, 'Title')
  await page.locator('.cm-content').pressSequentially(' and more')
  await page.keyboard.press('Escape')
  for (const keys of ['Control+f', 'Control+k', '?', 'Control+e']) {
    await page.locator('main').click({ position: { x: 5, y: 5 } })
    await page.keyboard.press(keys)
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
  await signUp(page)
  await closeDialog(page)
  expect(reported).toEqual([])
  // The listener does hear of one.
  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'globalThis.ran = true'
    document.body.append(script)
  })
  while (!reported.some((what) => what.startsWith('script-src'))) await page.waitForTimeout(20)
  expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false)
})
