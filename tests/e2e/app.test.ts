/** The app as people use it: two browsers as two devices of one person, and a real server between them. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { closeDialog, composer, edit, joinVault, newDevice, note, signUp, startServer, write } from './app-stage.ts'
import { fileStage } from './file-stage.ts'
import { heldDevice, holdOnly } from './held-worker.ts'

const { available, stage } = fileStage('the web app in Chromium')

test.skipIf(!available)(
  'writing begins without an account; two devices come in step, type at once into one note, and lose nothing',
  async () => {
    await startServer(stage)
    const laptop = await stage.newPage(await newDevice(stage))
    await laptop.getByText('Write the first note').waitFor()
    await write(laptop, '# Groceries\n\nmilk')
    await note(laptop, 'Groceries').waitFor()
    await laptop.getByText('Only on this device').waitFor()
    const passphrase = await signUp(laptop)
    expect(passphrase.split(' ')).toHaveLength(12)
    await laptop.getByRole('combobox', { name: 'Sync' }).selectOption('live')
    await closeDialog(laptop)
    await laptop.getByText('In step').waitFor()

    const phone = await stage.newPage(await newDevice(stage))
    await joinVault(phone, passphrase)
    await phone.getByRole('combobox', { name: 'Sync' }).selectOption('live')
    await closeDialog(phone)
    await note(phone, 'Groceries').waitFor()

    for (const page of [laptop, phone]) {
      await edit(page, 'Groceries')
    }
    await Promise.all([
      laptop.locator('.cm-content').pressSequentially(' LAPTOP', { delay: 5 }),
      phone.locator('.cm-content').pressSequentially(' PHONE', { delay: 5 }),
    ])
    const shown = async (page: Page) => (await page.locator('.cm-line').allTextContents()).join('\n')
    let texts: string[]
    do {
      await new Promise((resolve) => setTimeout(resolve, 50))
      texts = await Promise.all([laptop, phone].map(shown))
    } while (texts[0] !== texts[1] || texts[0]?.length !== '# Groceries\n\nmilk LAPTOP PHONE'.length)
    const letters = (text: string) => [...text].sort().join('')
    expect(letters(texts[0] ?? '')).toBe(letters('# Groceries\n\nmilk LAPTOP PHONE'))
    expect(stage.errors).toEqual([])
  },
)

test.skipIf(!available)('a deleted note comes back by undo, and from the trash; a note is found while typing', async () => {
  const page = await stage.newPage(await newDevice(stage))
  await write(page, 'the quick brown fox')
  await write(page, 'a lazy dog')
  await note(page, 'quick brown').hover()
  await note(page, 'quick brown').getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await note(page, 'quick brown').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Undo' }).click()
  await note(page, 'quick brown').waitFor()
  await page.keyboard.press('Control+f')
  await page.getByRole('searchbox').fill('lazy do')
  await page.getByRole('button', { name: /a lazy dog/ }).waitFor()
  expect(await page.locator('.result').count()).toBe(1)
  await page.keyboard.press('Escape')
  expect(stage.errors).toEqual([])
})

test.skipIf(!available)(
  'emptying the trash can be undone, leaves what came into it since, and is done when the notice has gone',
  async () => {
    const page = await stage.newPage(await newDevice(stage))
    // By keys: notices lie over the newest note for a while.
    const remove = async (text: string) => {
      await page.keyboard.press('Alt+l')
      await page.locator('article:focus, article:focus-within').filter({ hasText: text }).waitFor()
      await page.keyboard.press('Delete')
      await note(page, text).waitFor({ state: 'detached' })
    }
    const openTrash = () => page.getByRole('button', { name: 'Trash' }).click()
    const empty = async () => {
      await openTrash()
      await page.getByRole('button', { name: 'Empty the trash' }).click()
    }
    for (const text of ['the first', 'the second']) {
      await write(page, text)
      await note(page, text).waitFor()
    }
    await remove('the second')
    await empty()
    const notice = page.locator('.toast').filter({ hasText: '1 item goes for good' })
    await notice.getByRole('button', { name: 'Undo' }).click()
    await notice.waitFor({ state: 'detached' })
    await empty()
    await notice.waitFor()
    await remove('the first')
    await openTrash()
    await page.locator('.entries').getByText('the first').waitFor()
    await page.locator('.entries').getByText('the second').waitFor({ state: 'detached' })
    await page.getByText('1 item removed for good').waitFor()
    await page.getByRole('button', { name: 'Restore' }).click()
    await closeDialog(page)
    await note(page, 'the first').waitFor()
    expect(stage.errors).toEqual([])
  },
)

test.skipIf(!available)('a tab that is closed while somebody writes loses neither the note nor the draft', async () => {
  const context = await heldDevice(stage)
  const page = await stage.newPage(context)
  await write(page, 'kept')
  await edit(page, 'kept')
  // The worker dies before it hears of what is written from here on.
  await holdOnly(page, 'typeText', 'addNote')
  await page.locator('.cm-content').pressSequentially(' and more')
  await write(page, 'saved, and gone at once')
  await composer(page).fill('a draft')
  await page.close({ runBeforeUnload: false })
  const again = await stage.newPage(context)
  await note(again, 'kept and more').waitFor()
  await note(again, 'saved, and gone at once').waitFor()
  expect(await note(again, 'saved, and gone at once').count()).toBe(1)
  // They are stored now, and nothing waits any more.
  await again.waitForFunction(() => !Object.keys(localStorage).some((key) => key.includes('/unsaved')))
  await again.reload()
  await note(again, 'kept and more').waitFor()
  await note(again, 'saved, and gone at once').waitFor()
  expect(await again.getByRole('article').count()).toBe(2)
  expect(await composer(again).inputValue()).toBe('a draft')
  expect(stage.errors).toEqual([])
})

test.skipIf(!available)('what was typed into the profile is kept when the tab is closed before the field is left', async () => {
  const context = await newDevice(stage)
  const focusOf = (page: Page) => page.getByRole('textbox', { name: 'Custom focus' })
  const open = async () => {
    const page = await stage.newPage(context)
    await page.getByRole('button', { name: 'Profile', exact: true }).click()
    await focusOf(page).waitFor()
    return page
  }
  const page = await open()
  await focusOf(page).pressSequentially('compilers')
  await page.close({ runBeforeUnload: false })
  // It is stored when the field is next seen, and nothing waits any more.
  const again = await open()
  expect(await focusOf(again).inputValue()).toBe('compilers')
  await again.waitForFunction(() => !Object.keys(localStorage).some((key) => key.includes('/field/')))
  // Emptying it counts, too.
  await focusOf(again).fill('')
  await again.close({ runBeforeUnload: false })
  const third = await open()
  await third.waitForFunction(() => !Object.keys(localStorage).some((key) => key.includes('/field/')))
  await third.reload()
  await focusOf(third).waitFor()
  expect(await focusOf(third).inputValue()).toBe('')
  expect(stage.errors).toEqual([])
})
