/** Diffs, stars and the profile for people who are faster than the vault, and for those who use keys alone. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { eventually, newDevice, openNew } from './app-stage.ts'
import { placeOf } from './diff-steps.ts'
import { silentFileStage } from './file-stage.ts'
import { heldDevice, holdOnly, letGo } from './held-worker.ts'
import { askHost } from './host-channel.ts'

const { available, stage } = silentFileStage('forms of diffs in Chromium')

const open = async (): Promise<Page> => openNew(stage, await heldDevice(stage))

const dialog = (page: Page) => page.getByRole('dialog', { name: 'Add a diff' })
const undo = (page: Page) => page.getByRole('button', { name: 'Undo' })

async function add(page: Page, count: number, text = 'one\n\ntwo'): Promise<void> {
  for (let i = 0; i < count; i++) {
    const date = new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10)
    await askHost(page, [['addDiff', { id: `d${i}`, date, title: `Digest ${i}`, text, now: Date.parse(date) }]])
  }
}

describe.skipIf(!available)('faster than the vault', () => {
  test('a diff that is being saved is saved once, and takes no letters that would be lost', async () => {
    const page = await open()
    await holdOnly(page, 'addDiff')
    await page.keyboard.press('Alt+a')
    await dialog(page).getByLabel('Text').fill('all of it')
    await page.keyboard.press('Control+Enter')
    await page.keyboard.press('Control+Enter')
    await page.keyboard.type(' and more')
    const shown = await dialog(page).getByLabel('Text').inputValue()
    await letGo(page)
    await dialog(page).waitFor({ state: 'detached' })
    await page.locator('article.diff').getByText(shown, { exact: true }).waitFor()
    expect(await page.getByText('The diff is saved.').count()).toBe(1)
  })

  test('the undo of a diff shows what it brought back', async () => {
    const page = await open()
    await add(page, 1, 'the earlier text')
    await page.keyboard.press('Alt+a')
    await dialog(page).getByLabel('Day').fill('2026-01-01')
    await dialog(page).getByLabel('Text').fill('the later text')
    await page.keyboard.press('Control+Enter')
    await page.locator('article.diff').getByText('the later text').waitFor()
    await undo(page).click()
    await page.locator('article.diff').getByText('the earlier text').waitFor()
    await page.keyboard.press('Alt+a')
    await dialog(page).getByLabel('Day').fill('2026-01-02')
    await dialog(page).getByLabel('Text').fill('of another day')
    await page.keyboard.press('Control+Enter')
    await page.locator('article.diff').getByText('of another day').waitFor()
    await undo(page).click()
    await page.locator('.diff-row').getByText('Digest 0').waitFor()
    // Whoever is elsewhere by then stays there.
    await page.keyboard.press('Alt+a')
    await dialog(page).getByLabel('Text').fill('of today')
    await page.keyboard.press('Control+Enter')
    await page.locator('article.diff').getByText('of today').waitFor()
    await placeOf(page, 'Stars').click()
    await undo(page).click()
    // It has been undone.
    await eventually(() => askHost(page, [['diffs']])).toHaveLength(1)
    await placeOf(page, 'Diffs').getByText('unread').waitFor({ state: 'detached' })
    await page.getByText('Star what matters').waitFor()
  })

  test('a field of the profile shows what was typed while the vault takes it, and goes on from there', async () => {
    const page = await open()
    await placeOf(page, 'Profile').click()
    const field = page.getByLabel('Name', { exact: true })
    await field.click()
    await holdOnly(page, 'profile')
    await page.keyboard.type('Ada')
    await page.keyboard.press('Enter')
    // It is stored.
    await page.waitForFunction(() => !Object.keys(localStorage).some((key) => key.includes('/field/')))
    expect(await field.inputValue()).toBe('Ada')
    await page.keyboard.type(' Lovelace')
    await page.keyboard.press('Enter')
    await letGo(page)
    await page.getByRole('button', { name: 'Profile: Ada Lovelace' }).waitFor()
    expect(await field.inputValue()).toBe('Ada Lovelace')
  })
})

describe.skipIf(!available)('in a language of their own', () => {
  test('a name that no service can have is told in the language of the app', async () => {
    const page = await stage.newPage(await newDevice(stage, { locale: 'uk-UA' }))
    await page.getByRole('button', { name: 'Профіль', exact: true }).click()
    await page.getByLabel('Служба').fill('моя служба')
    await page.getByLabel('Ключ', { exact: true }).fill('top secret')
    await page.getByRole('button', { name: 'Зберегти ключ' }).click()
    await page.getByText(/^«моя служба» не може бути назвою служби/).waitFor()
    expect(await page.getByLabel('Ключ', { exact: true }).inputValue()).toBe('top secret')
  })

  test('Enter that only ends what an input method composes adds nothing to a list', async () => {
    const page = await open()
    await placeOf(page, 'Profile').click()
    const field = page.getByRole('textbox', { name: 'Add to Topics' })
    await field.fill('にほん')
    await field.dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true })
    await field.pressSequentially('ご')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Remove にほんご' }).waitFor()
    expect(await page.locator('.chips li').count()).toBe(1)
  })
})

describe.skipIf(!available)('with keys alone', () => {
  test('who is to log in before a link can be published is brought to where that is done', async () => {
    const page = await open()
    await add(page, 1)
    await placeOf(page, 'Diffs').click()
    await page.locator('.diff-row').click()
    await page.locator('article.diff').waitFor()
    await page.getByRole('button', { name: 'More' }).last().focus()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Public link…' }).press('Enter')
    await page.getByText('A link needs a server').waitFor()
    await page.keyboard.press('Enter')
    await page.getByLabel('Password', { exact: true }).waitFor()
  })

  test('after a star is taken away the next one has the focus', async () => {
    const page = await open()
    await add(page, 1, 'one\n\ntwo\n\nthree')
    await askHost(
      page,
      [0, 1, 2].map((paragraph) => ['addStar', { diff: 'd0', paragraph, now: Date.now() }]),
    )
    await placeOf(page, 'Stars').click()
    const buttons = page.getByRole('button', { name: 'Take the star away' })
    await buttons.nth(2).waitFor()
    const focused = (text: string) =>
      page.waitForFunction((text) => document.activeElement?.closest('.starred-text')?.textContent?.includes(text), text)
    await buttons.nth(1).focus()
    await page.keyboard.press('Enter')
    await page.locator('.starred-text').getByText('two').waitFor({ state: 'detached' })
    await focused('three')
    await page.keyboard.press('Enter')
    await page.locator('.starred-text').getByText('three').waitFor({ state: 'detached' })
    await focused('one')
  })

  test('the way back from a diff leads to its row, however far down it is', async () => {
    const page = await open()
    await add(page, 60)
    await placeOf(page, 'Diffs').click()
    const row = page.locator('.diff-row').filter({ hasText: /^Digest 7/ })
    await page.locator('.diff-row').first().waitFor()
    await page.locator('.screen').evaluate((element) => element.scrollTo(0, 3000))
    await row.waitFor()
    // Until nothing moves any more.
    await row.click({ trial: true })
    const before = await row.boundingBox()
    await row.click()
    await page.locator('article.diff').waitFor()
    await page.keyboard.press('Escape')
    await page.waitForFunction(() => document.activeElement?.textContent?.startsWith('Digest 7'))
    // Its neighbours may be measured anew, but it is where the eye looks for it.
    await page.waitForFunction((y) => Math.abs((document.activeElement?.getBoundingClientRect().top ?? 0) - y) < 40, before?.y ?? 0)
    await page.keyboard.press('Enter')
    await page.locator('article.diff').waitFor()
    await page.goBack()
    await page.waitForFunction(() => document.activeElement?.textContent?.startsWith('Digest 7'))
    // Whoever comes from elsewhere begins at the top.
    await placeOf(page, 'Stars').click()
    await page.getByText('Star what matters').waitFor()
    await placeOf(page, 'Diffs').click()
    await page.locator('.diff-row').getByText('Digest 59').waitFor()
    expect(await page.locator('.screen').evaluate((element) => element.scrollTop)).toBe(0)
  })
})
