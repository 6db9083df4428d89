/** What people do in the app, as steps of tests: devices, notes, App info, signing up and joining. */
import type { BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { type RunningServer, runningServer } from '../support/running-server.ts'
import type { BrowserStage } from './chromium.ts'

export const PASSWORD = 'correct horse battery staple'

/** Nothing here takes longer than it takes: this only keeps a page that hangs from hanging for ever. */
const HANGS_MS = 120_000

/** Another device, with storage of its own, until the test ends. */
export async function newDevice(stage: BrowserStage, options?: BrowserContextOptions): Promise<BrowserContext> {
  const context = await stage.newDevice({ viewport: { width: 1200, height: 800 }, ...options })
  context.setDefaultTimeout(HANGS_MS)
  onTestFinished(() => context.close())
  return context
}

/** The app on a device where nothing was written yet. */
export async function openNew(stage: BrowserStage, device: BrowserContext): Promise<Page> {
  const page = await stage.newPage(device)
  await page.getByText('Write the first note').waitFor()
  return page
}

/** A server behind the address of the pages, until the test ends. */
export async function startServer(stage: BrowserStage, options?: Parameters<typeof runningServer>[0]): Promise<RunningServer> {
  const server = await runningServer(options)
  stage.useServer(server.url)
  return server
}

/** For what comes about a moment later: asks until it is so. */
export const eventually = <T>(ask: () => Promise<T>) => expect.poll(ask, { timeout: HANGS_MS, interval: 20 })

export const composer = (page: Page): Locator => page.getByRole('textbox', { name: 'Write a note' })

/** The address is that of some space's notes, with nothing else in it. */
export const isAtNotes = ({ pathname, search, hash }: URL): boolean =>
  pathname === '/' && search === '' && /^(#space\/[\w.~:-]+)?$/.test(hash)

export async function write(page: Page, text: string): Promise<void> {
  await composer(page).fill(text)
  await page.getByRole('button', { name: 'Save note' }).click()
}

export const note = (page: Page, text: string): Locator => page.getByRole('article').filter({ hasText: text })

/** Opens the editor of this note; what is typed goes into it. */
export async function edit(page: Page, text: string): Promise<void> {
  await note(page, text).hover()
  await note(page, text).getByRole('button', { name: 'Edit' }).click()
  await page.locator('.cm-content:focus').waitFor()
}

/** Waits for the focus: what closes gives it back a moment after it has gone. */
export async function focused(element: Locator): Promise<void> {
  await element.and(element.page().locator(':focus')).waitFor()
}

export async function openAppInfo(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Version/ }).click()
}

export const closeDialog = (page: Page): Promise<void> => page.getByRole('button', { name: 'Close' }).click()

/** Proves that one has the recovery sheet: enters the words that it asks for. */
export async function proveRecovery(page: Page): Promise<string> {
  await page.locator('.passphrase li').first().waitFor()
  const words = await page.locator('.passphrase > ol:first-of-type li').allTextContents()
  await page.getByRole('button', { name: 'I have written it down' }).click()
  const asked = page.getByRole('textbox', { name: /^Word \d+$/ })
  await asked.first().waitFor()
  for (const field of await asked.all()) await field.fill(words[Number(await field.getAttribute('name'))] ?? '')
  await page.getByRole('button', { name: 'Check' }).click()
  return words.join(' ')
}

export async function typePassword(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Password', { exact: true }).fill(password)
}

/** Makes the vault, from a page without an open dialog; App info stays open. @returns the passphrase */
export async function signUp(page: Page): Promise<string> {
  await openAppInfo(page)
  await typePassword(page)
  await page.getByRole('button', { name: 'Log in' }).click()
  const passphrase = await proveRecovery(page)
  await page.getByRole('button', { name: 'Sync now' }).waitFor()
  return passphrase
}

/** Signs in to the vault that there is, from a page without an open dialog; App info stays open. */
export async function joinVault(page: Page, passphrase: string, password = PASSWORD): Promise<void> {
  await openAppInfo(page)
  await typePassword(page, password)
  await page.getByRole('radio', { name: /Another device/ }).check()
  await page.getByRole('textbox', { name: 'Passphrase' }).fill(passphrase)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Sync now' }).waitFor()
}
