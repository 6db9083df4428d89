/** What happens to devices: no network on both, a tab that is killed, a browser that has thrown everything away. Nothing is lost. */
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { closeDialog, edit, joinVault, newDevice, note, signUp, startServer, write } from './app-stage.ts'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage('devices that lose their network, a tab or everything, in Chromium')

interface Pair {
  readonly contexts: readonly [BrowserContext, BrowserContext]
  readonly laptop: Page
  readonly phone: Page
  readonly passphrase: string
}

/** Two devices of one vault with one note, both live. */
async function twoDevices(text: string): Promise<Pair> {
  await startServer(stage)
  const contexts = [await newDevice(stage), await newDevice(stage)] as const
  const [laptop, phone] = [await stage.newPage(contexts[0]), await stage.newPage(contexts[1])]
  await write(laptop, text)
  await note(laptop, text).waitFor()
  const passphrase = await signUp(laptop)
  await joinVault(phone, passphrase)
  for (const page of [laptop, phone]) {
    await page.getByRole('combobox', { name: 'Sync' }).selectOption('live')
    await closeDialog(page)
    await page.getByText('In step ·').waitFor()
    await note(page, text).waitFor()
  }
  return { contexts, laptop, phone, passphrase }
}

test.skipIf(!available)(
  'both devices write without a network, into one note and into new ones, and have all of it afterwards',
  async () => {
    const { contexts, laptop, phone } = await twoDevices('the list')
    for (const context of contexts) await context.setOffline(true)
    for (const [page, typed, other] of [
      [laptop, ' of the laptop', 'new on the laptop'],
      [phone, ' of the phone', 'new on the phone'],
    ] as const) {
      await edit(page, 'the list')
      await page.keyboard.type(typed)
      await page.keyboard.press('Control+Enter')
      await note(page, `the list${typed}`).waitFor()
      await write(page, other)
      await note(page, other).waitFor()
      await page.getByText(/^Offline · \d+ waiting/).waitFor()
    }
    for (const context of contexts) await context.setOffline(false)
    for (const page of [laptop, phone]) {
      for (const text of ['new on the laptop', 'new on the phone', 'of the laptop', 'of the phone'])
        await note(page, text).waitFor()
      await page.getByText('In step ·').waitFor()
    }
    const texts = await Promise.all([laptop, phone].map((page) => note(page, 'the list').locator('.markdown').textContent()))
    expect(texts[0]).toBe(texts[1])
    // Where both wrote at once, both stand there, and nobody is asked.
    expect(texts[0]?.length).toBe('the list of the laptop of the phone\n'.length)
    expect(await laptop.locator('.conflict').count()).toBe(0)
  },
)

test.skipIf(!available)('the tab that leads is killed while another one types: no letter is lost', async () => {
  const context = await newDevice(stage)
  const leader = await stage.newPage(context)
  await write(leader, 'begun')
  await note(leader, 'begun').waitFor()
  const writing = await stage.newPage(context)
  await note(writing, 'begun').waitFor()
  await edit(writing, 'begun')
  const letters = 'abcdefghijklmnopqrstuvwxyz'.repeat(3)
  const typing = writing.keyboard.type(letters, { delay: 10 })
  // The leading tab shows what the other one has written so far; in the middle of it, it is gone.
  await note(leader, 'begunabcdefghijklmnopqrstuvwxyz').waitFor()
  const devtools = await context.newCDPSession(leader)
  const crashed = leader.waitForEvent('crash')
  devtools.send('Page.crash').catch(() => {})
  await crashed
  await typing
  await writing.keyboard.press('Control+Enter')
  await note(writing, `begun${letters}`).waitFor()
  await writing.close()
  const again = await stage.newPage(context)
  await note(again, `begun${letters}`).waitFor()
  expect(await again.getByRole('article').count()).toBe(1)
})

test.skipIf(!available)('a browser that has thrown away all it had gets it back with password and passphrase', async () => {
  const { contexts, laptop, phone, passphrase } = await twoDevices('kept elsewhere')
  const devtools = await contexts[1].newCDPSession(phone)
  await phone.goto('about:blank')
  await devtools.send('Storage.clearDataForOrigin', { origin: stage.url, storageTypes: 'all' })
  await phone.goto(stage.url)
  await phone.getByText('Write the first note').waitFor()
  await write(phone, 'written before coming back')
  await note(phone, 'written before coming back').waitFor()
  await joinVault(phone, passphrase)
  await closeDialog(phone)
  for (const page of [phone, laptop]) {
    for (const text of ['kept elsewhere', 'written before coming back']) await note(page, text).waitFor()
  }
})
