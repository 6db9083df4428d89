/** What goes wrong around an account, and what a person is told then: a full server, a sheet that nobody has seen, a tab that goes. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { alert, button, errorsOfApp, field, syncNow } from './account-steps.ts'
import { closeDialog, newDevice, openAppInfo, proveRecovery, signUp, startServer, typePassword, write } from './app-stage.ts'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage("mishaps around the app's account in Chromium")

const openPage = async () => stage.newPage(await newDevice(stage))

test.skipIf(!available)(
  'a server without room: why nothing goes up is said where people look, not only when they ask',
  async () => {
    await startServer(stage, { quota: 20_000 })
    const page = await openPage()
    await write(page, 'the first note')
    await signUp(page)
    await closeDialog(page)
    await page.getByText('In step ·').waitFor()
    await write(page, `the large note ${randomBytes(40_000).toString('base64url')}`)
    await button(page, /^Needs attention/).waitFor()
    const attention = page.getByRole('region', { name: 'Syncing needs your attention' })
    await attention.getByText(/no room left/).waitFor()
    await attention.getByRole('button', { name: 'Show what to do' }).click()
    await page
      .getByRole('dialog')
      .getByText(/no room left/)
      .waitFor()
    await button(page, 'Sync now').click()
    await alert(page, /no room left/).waitFor()
    expect(
      await page
        .getByRole('dialog')
        .getByText(/no room left/)
        .count(),
    ).toBe(1)
  },
)

test.skipIf(!available)(
  'who has not shown the recovery sheet is told before signing out, and can remove everything after it',
  async () => {
    await startServer(stage)
    const page = await openPage()
    await write(page, 'sent')
    await openAppInfo(page)
    await typePassword(page)
    await button(page, 'Log in').click()
    await button(page, 'I have written it down').click()
    await button(page, 'Skip').click()
    await syncNow(page)
    await button(page, 'Sign out…').click()
    await page.getByText(/this device cannot show it any more/).waitFor()
    await button(page, 'Show it').click()
    await page.locator('.passphrase li').first().waitFor()
    await button(page, 'Back').click()
    await button(page, 'Sign out…').click()
    await button(page, 'Sign out').click()
    await field(page, 'Passphrase').waitFor()
    await page.locator('.state-line').getByText('Signed out', { exact: true }).waitFor()
    await closeDialog(page)
    await write(page, 'never sent')
    await page.locator('.state-line').getByText('Signed out · 1 not on the server').waitFor()
    await openAppInfo(page)
    await button(page, 'Remove this profile from the browser…').click()
    await alert(page, /1 change is not on the server/).waitFor()
    await button(page, 'Remove everything').click()
    await page.getByText('Write the first note').waitFor()
    await openAppInfo(page)
    await typePassword(page)
    expect(await button(page, 'Remove this profile from the browser…').count()).toBe(0)
    expect(errorsOfApp(stage)).toEqual([])
  },
)

test.skipIf(!available)(
  'a tab that goes while the vault is made: App info recalls the recovery sheet that nobody has seen',
  async () => {
    await startServer(stage)
    const context = await newDevice(stage)
    await context.addInitScript(holdSignIn)
    const page = await stage.newPage(context)
    await openAppInfo(page)
    await field(page, 'Vault').fill('моє')
    await typePassword(page)
    await button(page, 'Log in').click()
    // Before anything was asked of the server.
    await page.waitForFunction(() => document.activeElement?.matches('input[name=vault]:invalid'))
    await field(page, 'Vault').fill('mine')
    await button(page, 'Log in').click()
    await page.waitForFunction(() => Reflect.get(globalThis, 'held') === true)
    await page.reload()
    await openAppInfo(page)
    await page.getByText('You have not shown yet that you have your recovery sheet.').waitFor()
    await button(page, 'Show it').click()
    await proveRecovery(page)
    await syncNow(page)
    expect(await page.getByText('You have not shown yet').count()).toBe(0)
    expect(errorsOfApp(stage)).toEqual([])
  },
)

/** The worker's answer to the first page's `signIn` never arrives; `held` is true when it came. */
function holdSignIn(): void {
  if (sessionStorage.getItem('held') !== null) return
  const ids = new Set<number>()
  const { postMessage, addEventListener } = Worker.prototype
  Worker.prototype.postMessage = function (this: Worker, message: { id: number; method?: string }) {
    if (message.method === 'signIn') ids.add(message.id)
    postMessage.call(this, message)
  }
  Worker.prototype.addEventListener = function (this: Worker, type: string, listener: (event: MessageEvent) => void) {
    addEventListener.call(this, type, (event) => {
      const { data } = event as MessageEvent<{ type: string; id: number }>
      if (data.type !== 'answer' || !ids.has(data.id)) return listener(event as MessageEvent)
      sessionStorage.setItem('held', 'true')
      Reflect.set(globalThis, 'held', true)
    })
  } as typeof addEventListener
}
