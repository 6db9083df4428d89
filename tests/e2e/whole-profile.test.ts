/** Somebody's whole diff·log profile moves into the app: from a server that speaks that dialect, and on to a second device. */
import type { DiffSummary } from '@lockstep/model/diffs'
import type { Star } from '@lockstep/model/stars'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import * as difflog from '../dialects/difflog-stage.ts'
import { fillProfile, WHOLE } from '../dialects/whole-profile.ts'
import { syncNow } from './account-steps.ts'
import { closeDialog, joinVault, newDevice, openNew, signUp, startServer } from './app-stage.ts'
import { silentFileStage } from './file-stage.ts'
import { askHost } from './host-channel.ts'
import { oneAddress, passTo } from './transfer-sources.ts'

const { available, stage } = silentFileStage('a whole diff·log profile in the web app in Chromium')

/** All that the vault of a page has of diffs, as its own screens ask for it. */
async function everything(page: Page) {
  const diffs = (await askHost(page, [['diffs']])) as readonly DiffSummary[]
  const texts: unknown[] = []
  const tldrs: unknown[] = []
  for (const { id } of diffs) {
    texts.push(await askHost(page, [['diff', id]]))
    tldrs.push(...((await askHost(page, [['tldrs', id]])) as readonly unknown[]))
  }
  return { diffs, texts, tldrs, stars: (await askHost(page, [['stars']])) as readonly Star[] }
}

test.skipIf(!available)(
  '50 diffs of 20 kB, 100 stars and 30 TLDRs are imported in the app, synced, read and all on another device',
  async () => {
    await startServer(stage)
    const there = await difflog.DifflogStage.set({ signUp: 'open' })
    const author = there.local('profile-1')
    const written = fillProfile(author, 51)
    await author.share(difflog.PASSWORD)
    // An app may only ask what is at its own address.
    const address = await oneAddress(stage.url, { '/api/': passTo(there.url) })

    const laptop = await (await newDevice(stage)).newPage()
    await laptop.goto(address)
    await laptop.getByText('Write the first note').waitFor()
    await laptop.keyboard.press('Control+k')
    await laptop.getByRole('combobox', { name: 'Commands' }).fill('Import notes')
    await laptop.keyboard.press('Enter')
    await laptop.getByText('From an app’s server').click()
    await laptop.getByRole('radio', { name: 'diff·log' }).check()
    await laptop.getByRole('textbox', { name: 'Profile' }).fill('profile-1')
    await laptop.getByLabel('Password', { exact: true }).fill(difflog.PASSWORD)
    await laptop.getByRole('button', { name: 'Import from here' }).click()
    const report = laptop.locator('.report')
    await report
      .filter({ hasText: `Diffs: ${WHOLE.diffs} added` })
      .filter({ hasText: `Stars: ${WHOLE.stars} added` })
      .filter({ hasText: `${WHOLE.tldrs} added` })
      .waitFor()
    await closeDialog(laptop)
    const passphrase = await signUp(laptop)
    await syncNow(laptop)

    const phone = await openNew(stage, await newDevice(stage, { viewport: { width: 390, height: 800 } }))
    await phone.getByRole('button', { name: 'Show spaces' }).click()
    await joinVault(phone, passphrase)
    await syncNow(phone)
    await closeDialog(phone)
    const all = await everything(phone)
    expect([all.diffs.length, all.stars.length, all.tldrs.length]).toEqual([WHOLE.diffs, WHOLE.stars, WHOLE.tldrs])
    expect(all).toEqual(await everything(laptop))
    for (const [i, { title }] of all.diffs.entries()) {
      expect(all.texts[i]).toMatchObject({ diff: { title, text: written.get(title) } })
    }
    expect(all.stars.every(({ text }) => text.length > 0)).toBe(true)

    // And as a person sees it there.
    await phone.keyboard.press('Control+f')
    await phone.getByRole('searchbox').fill('d30')
    await phone.getByRole('button', { name: /Diff d30/ }).click()
    await phone.locator('article.diff').filter({ hasText: 'in short' }).waitFor()
    await phone.locator('.starred').nth(1).waitFor()
    expect(await phone.locator('.starred').count()).toBe(2)
    expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
  },
)
