/** A server behind a gate, as people meet it in the browser: the story of Dataans' first sync with all of its steps. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { AUD, OIDC_AUDIENCE, startIssuer, TEAM } from '../support/issuer.ts'
import { runningServer } from '../support/running-server.ts'
import { syncNow } from './account-steps.ts'
import {
  closeDialog,
  isAtNotes,
  joinVault,
  newDevice,
  note,
  openAppInfo,
  PASSWORD,
  proveRecovery,
  startServer,
  typePassword,
  write,
} from './app-stage.ts'
import { fileStage } from './file-stage.ts'
import { startGateFront } from './gate-front.ts'

const { available, stage } = fileStage('a gate before the app in Chromium')

const logIn = (page: Page) => page.getByRole('link', { name: 'It is me' }).click()

test.skipIf(!available)(
  '[HTTP-4] the gate, App info, address, password, passphrase, sync, notice; on two devices; and when the gate wants another log-in',
  async () => {
    const issuer = await startIssuer()
    const server = await runningServer({
      web: stage.folder,
      accessTeam: TEAM,
      accessAud: [AUD],
      accessCertsUrl: issuer.certsUrl,
    })
    const front = await startGateFront(server.url, issuer)

    const laptop = await (await newDevice(stage)).newPage()
    await laptop.goto(front.url)
    await logIn(laptop)
    await laptop.getByText('Write the first note').waitFor()
    expect(laptop.url()).toBe(`${front.url}/`)
    await write(laptop, 'from the laptop')
    await note(laptop, 'from the laptop').waitFor()
    await openAppInfo(laptop)
    expect(await laptop.getByRole('textbox', { name: 'Server' }).inputValue()).toBe(front.url)
    await typePassword(laptop)
    await laptop.getByRole('button', { name: 'Log in' }).click()
    const passphrase = await proveRecovery(laptop)
    await syncNow(laptop)
    await laptop.getByRole('combobox', { name: 'Sync' }).selectOption('live')
    await closeDialog(laptop)

    const phone = await (await newDevice(stage)).newPage()
    await phone.goto(front.url)
    await logIn(phone)
    await phone.getByText('Write the first note').waitFor()
    await joinVault(phone, passphrase)
    await syncNow(phone)
    await closeDialog(phone)
    await note(phone, 'from the laptop').waitFor()
    // The app is kept by the browser, and passes the gate no more.
    await phone.evaluate(() => navigator.serviceWorker.ready)
    front.forget()
    await phone.reload()
    await write(phone, 'behind the gate')
    await note(phone, 'behind the gate').waitFor()
    const banner = phone.getByRole('region', { name: /gate in front of the server/ })
    await banner.getByRole('button', { name: 'Log in there' }).click()
    await logIn(phone)
    await phone.getByText('In step ·').waitFor()
    await phone.waitForURL(isAtNotes)
    await banner.waitFor({ state: 'detached' })
    await note(phone, 'behind the gate')
      .getByText(/^(Saved o|O)n the server/)
      .waitFor()
  },
)

test.skipIf(!available)('[HTTP-4] a gate without a log-in page takes a token that a person has, until it runs out', async () => {
  const issuer = await startIssuer()
  await startServer(stage, { oidcIssuer: issuer.url, oidcAudience: OIDC_AUDIENCE, oidcAllow: ['owner@example.org'] })
  const page = await stage.newPage(await newDevice(stage))
  await openAppInfo(page)
  await page.getByText(/wants you to log in there first/).waitFor()
  await typePassword(page)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByText('I have an access token').click()
  const field = page.getByRole('textbox', { name: 'Access token' })
  for (const [token, said] of [
    ['no token at all', /This is no access token/],
    [issuer.oidcToken({ iat: issuer.seconds(-7200), exp: issuer.seconds(-60) }), /has run out/],
    [issuer.oidcToken(), /Kept/],
  ] as const) {
    await field.fill(token)
    await field.press('Enter')
    await page.getByText(said).waitFor()
  }
  expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe(PASSWORD)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await proveRecovery(page)
  await page.getByRole('combobox', { name: 'Sync' }).selectOption('live')
  await closeDialog(page)
  await write(page, 'past the gate')
  await note(page, 'past the gate')
    .getByText(/^(Saved o|O)n the server/)
    .waitFor()
})
