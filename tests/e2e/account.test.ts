/** Signing in, keys and devices, as people meet them: the story of Dataans' first sync, and what goes wrong later. */
import { invitationLink } from '@lockstep/web/account/invitation'
import { qrPath } from '@lockstep/web/account/qr'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { alert, button, errorsOfApp, field, syncNow } from './account-steps.ts'
import {
  closeDialog,
  composer,
  isAtNotes,
  joinVault,
  newDevice,
  note,
  openAppInfo,
  PASSWORD,
  proveRecovery,
  signUp,
  startServer,
  typePassword,
  write,
} from './app-stage.ts'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage("the app's account in Chromium")

const banner = (page: Page) => page.getByRole('region', { name: 'Your password is needed' })
const openPage = async () => stage.newPage(await newDevice(stage))

/** Of one vault; the laptop has App info open. */
async function twoDevices() {
  await startServer(stage)
  const laptop = await openPage()
  const passphrase = await signUp(laptop)
  const phone = await openPage()
  await joinVault(phone, passphrase)
  await closeDialog(phone)
  return { laptop, phone, passphrase }
}

test.skipIf(!available)(
  'App info, address, log in, password; passphrase on another device; the sync button; the notice',
  async () => {
    await startServer(stage)
    const laptop = await openPage()
    await write(laptop, 'from the laptop')
    await openAppInfo(laptop)
    expect(await field(laptop, 'Server').inputValue()).toBe(stage.url)
    await laptop.getByText(/^Lockstep \d/).waitFor()
    // Another address than the page's own.
    await field(laptop, 'Server').fill('https://elsewhere.invalid')
    await field(laptop, 'Vault').focus()
    await laptop.getByText(/this page may speak only to/).waitFor()
    await field(laptop, 'Server').fill(stage.url)
    await typePassword(laptop)
    await button(laptop, 'Show').click()
    expect(await laptop.getByLabel('Password', { exact: true }).getAttribute('type')).toBe('text')
    await button(laptop, 'Log in').click()

    // The sheet: kept as a file, proved with two words.
    await laptop.locator('.passphrase li').first().waitFor()
    const words = await laptop.locator('.passphrase > ol:first-of-type li').allTextContents()
    expect(words).toHaveLength(12)
    const [file] = await Promise.all([laptop.waitForEvent('download'), button(laptop, 'Save as text file').click()])
    expect(file.suggestedFilename()).toBe('lockstep-recovery-main.txt')
    await button(laptop, 'I have written it down').click()
    const asked = laptop.getByRole('textbox', { name: /^Word \d+$/ })
    await asked.first().waitFor()
    for (const input of await asked.all()) await input.fill('xylophone')
    await button(laptop, 'Check').click()
    await alert(laptop, /is another one/).waitFor()
    await button(laptop, 'Show the sheet again').click()
    expect(await proveRecovery(laptop)).toBe(words.join(' '))
    await syncNow(laptop)
    await closeDialog(laptop)
    await note(laptop, 'from the laptop')
      .getByText(/^(Saved o|O)n the server/)
      .waitFor()

    const phone = await openPage()
    await openAppInfo(phone)
    await typePassword(phone)
    await phone.getByRole('radio', { name: /Another device/ }).check()
    const typed = field(phone, 'Passphrase')
    await typed.fill(words.with(1, `${words[1]}zz`).join(' '))
    await phone.getByText(`Word 2, “${words[1]}zz”, is not in the list.`).waitFor()
    await button(phone, 'Log in').click()
    await alert(phone, /Wrong password or passphrase/).waitFor()
    await phone
      .getByRole('group', { name: 'Words to choose from' })
      .getByRole('button', { name: words[1] as string, exact: true })
      .click()
    expect(await typed.inputValue()).toBe(words.join(' '))
    await phone.getByText('All twelve words fit together').waitFor()
    await button(phone, 'Log in').click()
    await button(phone, 'Sync now').waitFor()
    await syncNow(phone)
    await closeDialog(phone)
    await note(phone, 'from the laptop').waitFor()
    expect(errorsOfApp(stage)).toEqual([])
  },
)

test.skipIf(!available)(
  'the QR code on the recovery sheet is a link: it leaves the address bar at once, and only the password is left to enter',
  async () => {
    await startServer(stage)
    const laptop = await openPage()
    await write(laptop, 'from the laptop')
    const passphrase = await signUp(laptop)
    await button(laptop, 'Recovery sheet and passphrase').click()
    await button(laptop, 'Show as QR code').click()
    const code = laptop.getByRole('img', { name: /as a QR code/ })
    await code.waitFor()
    const link = invitationLink(stage.url, { vault: 'main', passphrase })
    expect(await code.locator('path').getAttribute('d')).toBe(qrPath(link).path)

    const context = await newDevice(stage)
    const sent: string[] = []
    context.on('request', (request) => {
      // Playwright shows the whole address of a page, as the address bar had it.
      const url = request.isNavigationRequest() ? request.url().replace(/#.*/, '') : request.url()
      sent.push(`${url} ${JSON.stringify(request.headers())} ${request.postData() ?? ''}`)
    })
    const phone = await context.newPage()
    await phone.goto(link)
    await phone.getByRole('textbox', { name: 'Passphrase' }).waitFor()
    expect([isAtNotes(new URL(phone.url())), await phone.evaluate(() => history.length)]).toEqual([true, 2])
    expect(await field(phone, 'Passphrase').inputValue()).toBe(passphrase)
    expect(await field(phone, 'Vault').inputValue()).toBe('main')
    await phone.getByText('All twelve words fit together').waitFor()
    // Nothing else is to be done.
    await phone.waitForFunction(() => (document.activeElement as HTMLInputElement).type === 'password')
    await phone.keyboard.type(PASSWORD)
    await phone.keyboard.press('Enter')
    await button(phone, 'Sync now').waitFor()
    await syncNow(phone)
    await closeDialog(phone)
    await note(phone, 'from the laptop').waitFor()
    // One word alone may be the name of a file.
    const [first = '', second = ''] = passphrase.split(' ')
    expect(sent.filter((request) => new RegExp(`${first}.{0,3}${second}`).test(request))).toEqual([])

    // Opened where somebody is signed in it changes nothing.
    await phone.goto(link)
    await button(phone, 'Sync now').waitFor()
    await phone.waitForURL(isAtNotes)
    expect(errorsOfApp(stage)).toEqual([])
  },
)

test.skipIf(!available)('[KEY-1] a password changed on another device is asked for once, and everything goes on', async () => {
  const { laptop, phone } = await twoDevices()

  await button(laptop, 'Change password').click()
  await laptop.getByLabel('Password now').fill('not this one')
  await laptop.getByLabel('New password').fill('another one')
  await button(laptop, 'Change it').click()
  await alert(laptop, 'This is not the password that the vault has now').waitFor()
  await laptop.getByLabel('Password now').fill(PASSWORD)
  await button(laptop, 'Change it').click()
  await laptop.getByText('The password has been changed.').waitFor()
  await closeDialog(laptop)

  await write(phone, 'written meanwhile')
  await banner(phone).waitFor()
  await typePassword(phone)
  await button(phone, 'Go on').click()
  await alert(phone, /Wrong password/).waitFor()
  await typePassword(phone, 'another one')
  await button(phone, 'Go on').click()
  await phone.getByText('In step ·').waitFor()
  await banner(phone).waitFor({ state: 'detached' })
  await openAppInfo(laptop)
  await syncNow(laptop)
  await closeDialog(laptop)
  await note(laptop, 'written meanwhile').waitFor()
  expect(errorsOfApp(stage)).toEqual([])
})

test.skipIf(!available)('[KEY-3] a revoked device learns so; the vault has another password and passphrase', async () => {
  const { laptop, phone, passphrase } = await twoDevices()

  await button(laptop, 'Devices').click()
  await laptop.getByText('this one').waitFor()
  await button(laptop, /^Revoke/).click()
  await laptop.getByLabel('Password now').fill(PASSWORD)
  await laptop.getByLabel('New password').fill('after the theft')
  await button(laptop, 'Revoke this device').click()
  const renewed = await proveRecovery(laptop)
  expect(renewed).not.toBe(passphrase)
  await button(laptop, 'Devices').click()
  await laptop.getByText('revoked', { exact: true }).waitFor()

  await write(phone, 'too late')
  await banner(phone).waitFor()
  await typePassword(phone)
  await button(phone, 'Go on').click()
  await alert(phone, /Wrong password/).waitFor()
  await phone.getByText('The passphrase was changed, too').click()
  await field(phone, 'Passphrase').fill(renewed)
  await typePassword(phone, 'after the theft')
  await button(phone, 'Go on').click()
  await alert(phone, /was revoked from another one/).waitFor()
  await note(phone, 'too late').waitFor()
  expect(errorsOfApp(stage)).toEqual([])
})

test.skipIf(!available)(
  'signing out keeps the notes or removes everything, in all tabs; another tab keeps the vault in step',
  async () => {
    await startServer(stage)
    const context = await newDevice(stage)
    const leader = await stage.newPage(context)
    await write(leader, 'one')
    const other = await stage.newPage(context)
    await note(other, 'one').waitFor()
    const passphrase = await signUp(other)
    await other.close()
    await write(leader, 'two')
    await note(leader, 'two')
      .getByText(/^(Saved o|O)n the server/)
      .waitFor()
    await leader.getByText('In step ·').waitFor()

    await openAppInfo(leader)
    await button(leader, 'Sign out…').click()
    await button(leader, 'Sign out').click()
    await field(leader, 'Server').waitFor()
    // What it was in before is proposed.
    expect(await leader.getByRole('radio', { name: /Another device/ }).isChecked()).toBe(true)
    await closeDialog(leader)
    await note(leader, 'two').waitFor()
    await joinVault(leader, passphrase)

    const second = await stage.newPage(context)
    await composer(second).fill('a draft')
    await leader.getByRole('combobox', { name: 'Sync' }).selectOption('manual')
    await closeDialog(leader)
    await write(leader, 'never sent')
    await openAppInfo(leader)
    await button(leader, 'Sign out…').click()
    await leader.getByRole('radio', { name: /Remove everything/ }).check()
    await alert(leader, /not on the server/).waitFor()
    await button(leader, 'Sign out and remove everything').click()
    for (const page of [leader, second]) {
      await page.getByText('Write the first note').waitFor()
      await page.getByText('Only on this device').waitFor()
      expect(await composer(page).inputValue()).toBe('')
    }
    await joinVault(second, passphrase)
    await closeDialog(second)
    await note(second, 'two').waitFor()
    expect(await note(second, 'never sent').count()).toBe(0)
    expect(errorsOfApp(stage)).toEqual([])
  },
)

test.skipIf(!available)(
  'a server without a passphrase and with a set-up token; out of reach, it says so, and catches up',
  async () => {
    const server = await startServer(stage, { signUp: 'single', setupToken: 'the-token-that-was-printed' })
    const laptop = await openPage()
    await openAppInfo(laptop)
    await field(laptop, 'Set-up token').fill('some other token')
    await typePassword(laptop)
    await laptop.getByRole('combobox', { name: 'Passphrase' }).selectOption('none')
    await button(laptop, 'Log in').click()
    await alert(laptop, /not the one that the server printed/).waitFor()
    await field(laptop, 'Set-up token').fill('the-token-that-was-printed')
    await button(laptop, 'Log in').click()
    await button(laptop, 'Sync now').waitFor()
    expect(await button(laptop, 'Recovery sheet and passphrase').count()).toBe(0)
    await closeDialog(laptop)

    const phone = await openPage()
    await openAppInfo(phone)
    await phone.getByRole('radio', { name: /Another device/ }).check()
    await phone.getByText('This vault has no passphrase').click()
    await typePassword(phone)
    await button(phone, 'Log in').click()
    await button(phone, 'Sync now').waitFor()
    await syncNow(phone)
    // Nothing listens there.
    stage.useServer('http://127.0.0.1:9')
    await button(phone, 'Sync now').click()
    await alert(phone, /Cannot reach/).waitFor()
    await closeDialog(phone)
    await write(phone, 'on a plane')
    // The note, and the space that came with it.
    await phone.getByText(/^Offline · 2 waiting/).waitFor()
    stage.useServer(server.url)
    await phone.context().setOffline(true)
    await phone.context().setOffline(false)
    await phone.getByText('In step ·').waitFor()
    expect(errorsOfApp(stage)).toEqual([])
  },
)

test.skipIf(!available)('[HTTP-4] a gate that wants another log-in: one banner, and after it everything goes on', async () => {
  await startServer(stage)
  const context = await newDevice(stage)
  const page = await stage.newPage(context)
  await signUp(page)
  await closeDialog(page)
  await page.getByText('In step ·').waitFor()
  const body = {
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    code: 'gate-refused',
    detail: 'no token',
    reason: 'expired',
  }
  // From the log-in on, and not a moment before: the page asks again by itself.
  let passed = false
  page.on('request', (request) => {
    passed ||= request.isNavigationRequest() && request.url() === `${stage.url}/?gate`
  })
  await context.route('**/v1/**', (route) =>
    passed ? route.fallback() : route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify(body) }),
  )
  await write(page, 'behind the gate')
  const gate = page.getByRole('region', { name: /gate in front of the server/ })
  await gate.waitFor()
  await page.getByText('The gate wants you to log in again').waitFor()
  await gate.getByRole('button', { name: 'Log in there' }).click()
  await page.getByText('In step ·').waitFor()
  await page.waitForURL(isAtNotes)
  await gate.waitFor({ state: 'detached' })
  await note(page, 'behind the gate').waitFor()
  expect(errorsOfApp(stage)).toEqual([])
})
