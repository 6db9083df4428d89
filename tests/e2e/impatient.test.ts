/** People who do not wait: for an answer, for a part of the page, for the app to open. What they type is where they meant it. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { composer, edit, note, write } from './app-stage.ts'
import { silentFileStage } from './file-stage.ts'
import { heldDevice, hold, holdNext, letGo } from './held-worker.ts'
import { askHost } from './host-channel.ts'

const { available, stage } = silentFileStage('people who do not wait for the web app, in Chromium')

const sidebar = (page: Page) => page.getByRole('navigation', { name: 'Spaces' })
const isShown = (page: Page, space: string) =>
  sidebar(page).locator('button[aria-current=page]').filter({ hasText: space }).waitFor()
const spaces = (page: Page) => sidebar(page).getByRole('button', { name: /notes?$/ })
/** The list of spaces is one from after the note was stored. */
const hasNotes = (page: Page, space: string, count: string) =>
  sidebar(page).getByRole('button', { name: space }).getByText(count, { exact: true }).waitFor({ state: 'attached' })

async function addSpaces(page: Page, ...names: string[]): Promise<void> {
  await askHost(
    page,
    names.map((name, i) => ['addSpace', { id: `space${i}`, name, now: i + 1 }] as const),
  )
}

describe.skipIf(!available)('a note', () => {
  test('that is opened with Enter is not deleted, pinned or copied by what is typed at once: it is in its text', async () => {
    const page = await stage.newPage(await heldDevice(stage))
    await write(page, 'kept')
    await note(page, 'kept').focus()
    await hold(page, 'openText')
    await page.keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Edit' }).waitFor({ state: 'attached' })
    await page.keyboard.type(' chpx')
    await page.keyboard.press('Backspace')
    await letGo(page)
    await page.locator('.cm-content:focus').waitFor()
    await page.keyboard.type('!')
    await page.keyboard.press('Control+Enter')
    await note(page, 'kept chp!').waitFor()
    expect(await page.locator('.toast, .pinned').count()).toBe(0)
  })

  test('that is deleted while letters are on their way stays deleted', async () => {
    const page = await stage.newPage(await heldDevice(stage))
    await write(page, 'doomed')
    const card = note(page, 'doomed')
    await edit(page, 'doomed')
    await hold(page, 'typeText')
    await page.keyboard.type(' and more')
    await card.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await letGo(page)
    await page.getByText('The note is in the trash.').waitFor()
    await page.getByText('Write the first note').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await note(page, 'doomed and more').waitFor()
  })

  test('shows what was typed when editing ends, not the text from before until it is stored', async () => {
    const page = await stage.newPage(await heldDevice(stage))
    await write(page, 'before')
    const card = page.getByRole('article')
    await edit(page, 'before')
    await hold(page, 'typeText')
    await page.keyboard.type(' and after')
    await page.getByRole('button', { name: 'Done' }).click()
    await card.locator('.markdown').waitFor()
    expect(await card.locator('.markdown').textContent()).toBe('before and after\n')
    await letGo(page)
    await write(page, 'next')
    await note(page, 'next').waitFor()
    expect(await card.first().locator('.markdown').textContent()).toBe('before and after\n')
  })

  test('can be written after the only space was deleted, and does not bring back what was in it', async () => {
    const page = await stage.newPage(await heldDevice(stage))
    await write(page, 'old')
    await note(page, 'old').waitFor()
    await page.getByRole('main').getByRole('button', { name: 'More' }).first().click()
    await page.getByRole('menuitem', { name: 'Delete this space' }).click()
    await page.getByText('Write the first note').waitFor()
    await write(page, 'new')
    await note(page, 'new').waitFor()
    expect(await page.getByRole('article').count()).toBe(1)
  })
})

describe.skipIf(!available)('what is typed into the composer', () => {
  test('while the app opens is for the space that is shown then, and saving it makes no other', async () => {
    const page = await stage.newPage(await heldDevice(stage))
    await addSpaces(page, 'Alpha', 'Beta')
    await sidebar(page).getByRole('button', { name: 'Beta' }).click()
    await isShown(page, 'Beta')
    await holdNext(page, 'spaces')
    await page.reload()
    await write(page, 'saved early')
    await composer(page).fill('typed early')
    await letGo(page)
    await isShown(page, 'Beta')
    await note(page, 'saved early').waitFor()
    expect(await composer(page).inputValue()).toBe('typed early')
    await hasNotes(page, 'Beta', '1 note')
    expect(await spaces(page).count()).toBe(2)
  })

  test('before there is any space stays there when the first one is made', async () => {
    const page = await stage.newPage(await heldDevice(stage))
    await composer(page).fill('a thought')
    await page.keyboard.press('Alt+n')
    await page.getByRole('textbox', { name: 'Name of the space' }).fill('Work')
    await page.keyboard.press('Enter')
    await isShown(page, 'Work')
    await page.waitForFunction(() => document.querySelector('textarea')?.value === 'a thought')
    await page.keyboard.press('Alt+w')
    await page.keyboard.press('Control+Enter')
    await note(page, 'a thought').waitFor()
    await hasNotes(page, 'Work', '1 note')
    expect(await spaces(page).count()).toBe(1)
  })

  test('is no draft in another tab once it was saved', async () => {
    const context = await heldDevice(stage)
    const page = await stage.newPage(context)
    await write(page, 'first')
    await note(page, 'first').waitFor()
    await composer(page).fill('half a thought')
    const other = await stage.newPage(context)
    await other.waitForFunction(() => document.querySelector('textarea')?.value === 'half a thought')
    await page.keyboard.press('Control+Enter')
    await note(other, 'half a thought').waitFor()
    await other.waitForFunction(() => document.querySelector('textarea')?.value === '')
  })

  test('after a note was found and the diffs were looked at is not typed into that note', async () => {
    const page = await stage.newPage(await heldDevice(stage))
    await write(page, 'the needle')
    await note(page, 'the needle').waitFor()
    await page.keyboard.press('Control+f')
    await page.getByRole('searchbox').fill('needle')
    await page.keyboard.press('Enter')
    await page.locator('article:focus').waitFor()
    await page.keyboard.press('Alt+3')
    await page.getByRole('heading', { name: 'Diffs' }).waitFor()
    await page.keyboard.press('Alt+w')
    await page.keyboard.type('words')
    await page.locator('.note.marked, article').first().waitFor()
    await page.keyboard.type(' of mine')
    expect(await composer(page).inputValue()).toBe('words of mine')
  })
})

describe.skipIf(!available)('a search', () => {
  test('whose words are followed by Enter at once opens what is found for all of them; until then what was found stays', async () => {
    const page = await stage.newPage(await heldDevice(stage))
    await write(page, 'alphabet')
    await note(page, 'alphabet').waitFor()
    await write(page, 'alps')
    await note(page, 'alps').waitFor()
    await page.keyboard.press('Control+f')
    await page.getByRole('searchbox').fill('alp')
    await page.getByRole('button', { name: /alphabet/ }).waitFor()
    await page.locator('.result').nth(1).waitFor()
    await hold(page, 'search')
    await page.keyboard.type('habet')
    await page.keyboard.press('Enter')
    expect(await page.locator('.result').count()).toBe(2)
    await letGo(page)
    await page.locator('article:focus').filter({ hasText: 'alphabet' }).waitFor()
  })
})
