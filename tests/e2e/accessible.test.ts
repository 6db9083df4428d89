/** Every screen and dialog of the app for people who do not see it as others do, or have no mouse. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { edit, newDevice, note, PASSWORD, startServer, typePassword, write } from './app-stage.ts'
import { violations } from './axe.ts'
import { DENIALS, deny } from './denied-storage.ts'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage('the app by keyboard and by screen reader')

const EVERYTHING = [
  '# Everything in one note',
  'A [link](https://example.org), `code`, **bold**, ~~gone~~.',
  '- [ ] open\n- [x] done',
  '> quoted',
  '| left | right |\n|:--|--:|\n| a | b |',
  '```js\nconst answer = "forty-two" // a comment\nreturn 42 + answer.length\n```',
  '```\na line of code that is much too long for a narrow screen and has to be scrolled to be read to its end, by keyboard as well\n```',
  '![A picture](https://example.org/a.png)',
].join('\n\n')

/** By its name, from the palette of commands. */
async function run(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill(name)
  await page.getByRole('option', { name }).first().waitFor()
  await page.keyboard.press('Enter')
}

async function closeDialog(page: Page): Promise<void> {
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

const THEMES = ['light', 'dark'] as const
const WIDTHS = [320, 1280] as const
const LOOKS = THEMES.flatMap((theme) => WIDTHS.map((width) => ({ theme, width })))

test.skipIf(!available).each(LOOKS)('axe finds nothing on any screen: $theme, $width px', async ({ theme, width }) => {
  await startServer(stage)
  const context = await newDevice(stage, { colorScheme: theme, viewport: { width, height: 720 }, reducedMotion: 'reduce' })
  const page = await stage.newPage(context)
  const found: string[] = []
  const look = async (screen: string, without?: readonly string[]) => found.push(...(await violations(page, screen, without)))

  await page.getByText('Write the first note').waitFor()
  await look('empty')
  await write(page, EVERYTHING)
  await page.locator('.hljs-string').first().waitFor()
  await look('notes')
  await note(page, 'Everything').hover()
  await note(page, 'Everything').getByRole('button', { name: 'More' }).click()
  await page.getByRole('menu').waitFor()
  // An open menu is on top of all landmarks, in none of them.
  await look('menu of a note', ['region'])
  await page.keyboard.press('Escape')
  await page.getByRole('menu').waitFor({ state: 'detached' })
  await edit(page, 'Everything')
  await look('editor')
  await page.locator('.cm-content').pressSequentially(' more')
  await page.keyboard.press('Escape')

  await page.keyboard.press('Control+k')
  await page.getByRole('option').first().waitFor()
  await look('command palette')
  await closeDialog(page)
  await page.keyboard.press('Control+f')
  await page.getByRole('searchbox').fill('everyth')
  await page.locator('.result').first().waitFor()
  await look('search')
  await closeDialog(page)
  for (const name of ['Keyboard shortcuts', 'Edit this space', 'Trash']) {
    await run(page, name)
    await page.getByRole('dialog', { name: name.split(' ')[0] as string }).waitFor()
    await look(name)
    await closeDialog(page)
  }
  await run(page, 'New space')
  await page.getByRole('textbox', { name: 'Name of the space' }).waitFor()
  await look('new space')
  await page.getByRole('textbox', { name: 'Name of the space' }).fill('Elsewhere')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Elsewhere' }).waitFor()
  await run(page, 'Everything in one note')
  await page.locator('.note:focus').waitFor()
  await page.keyboard.press('h')
  await page.locator('.versions summary').first().click()
  await page.locator('.differences').waitFor()
  await look('history')
  await closeDialog(page)
  await note(page, 'Everything').hover()
  await note(page, 'Everything').getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Move to' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Elsewhere' }).waitFor()
  await look('move')
  await closeDialog(page)
  await note(page, 'Everything').getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Title' }).click()
  await page.getByRole('textbox', { name: 'Title of this note' }).waitFor()
  await look('title')
  await closeDialog(page)
  await write(page, 'thrown away')
  await note(page, 'thrown away').waitFor()
  await run(page, 'Go to the newest note')
  await page.locator('.note:focus').filter({ hasText: 'thrown away' }).waitFor()
  await page.keyboard.press('Delete')
  await page.getByText('The note is in the trash.').waitFor()
  await look('undo')
  await run(page, 'Trash')
  await page.getByRole('button', { name: 'Restore' }).waitFor()
  await look('trash')
  await closeDialog(page)
  expect(found).toEqual([])
})

test.skipIf(!available).each(LOOKS)(
  'axe finds nothing in App info, signing in and signed in: $theme, $width px',
  async ({ theme, width }) => {
    await startServer(stage)
    const context = await newDevice(stage, { colorScheme: theme, viewport: { width, height: 720 }, reducedMotion: 'reduce' })
    const page = await stage.newPage(context)
    const found: string[] = []
    const look = async (screen: string) => found.push(...(await violations(page, screen)))
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    await page.getByText('Write the first note').waitFor()
    await page.keyboard.press('Control+,')
    await page.getByText(/^Lockstep \d/).waitFor()
    await page.getByRole('radio', { name: /Another device/ }).check()
    await page.getByRole('textbox', { name: 'Passphrase' }).fill('legal winner thankk ')
    await page.getByText('Word 3').waitFor()
    await typePassword(page)
    await look('joining')
    await button('Log in').click()
    await page.getByRole('alert').filter({ hasText: 'Wrong password' }).waitFor()
    await look('wrong credentials')
    await page.getByRole('radio', { name: /First device/ }).check()
    await look('signing in')
    await button('Log in').click()
    await page.locator('.passphrase li').first().waitFor()
    await button('Show as QR code').click()
    await page.locator('.qr').waitFor()
    await look('recovery sheet')
    await button('I have written it down').click()
    await page.getByRole('textbox', { name: /^Word/ }).first().fill('wrong')
    await look('proof')
    await button('Skip').click()
    await button('Sync now').waitFor()
    await look('signed in')
    for (const [name, shown] of [
      ['Devices', page.getByText('this one')],
      ['Change password', page.getByLabel('New password')],
      ['Recovery sheet and passphrase', page.locator('.passphrase li').first()],
      ['Sign out…', page.getByRole('radio', { name: /Remove everything/ })],
    ] as const) {
      await page.getByRole('button', { name }).click()
      await shown.waitFor()
      await look(name)
      await button('Back').click()
      await button('Sync now').waitFor()
    }
    expect(found).toEqual([])
  },
)

test.skipIf(!available).each(THEMES)('axe finds nothing where a browser cannot store, nor in memory: %s', async (theme) => {
  const context = await newDevice(stage, { colorScheme: theme, viewport: { width: 320, height: 720 }, serviceWorkers: 'block' })
  await deny(context, DENIALS.files)
  const page = await stage.newPage(context)
  const begin = page.getByRole('button', { name: 'Write without storing' })
  await begin.waitFor()
  const found = await violations(page, 'cannot store')
  await begin.click()
  await page.getByText('Write the first note').waitFor()
  await write(page, 'for a moment')
  await note(page, 'for a moment').waitFor()
  found.push(...(await violations(page, 'in memory')))
  expect(found).toEqual([])
})

/** Goes on with Tab until this has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (;;) {
    await page.keyboard.press('Tab')
    const label = await page.evaluate(() => {
      const { activeElement } = document
      return activeElement?.getAttribute('aria-label') ?? activeElement?.textContent ?? ''
    })
    if (name.test(label)) return
  }
}

test.skipIf(!available)('the main story by keyboard alone: write, edit, find, delete, undo, sign in', async () => {
  await startServer(stage)
  const page = await stage.newPage(await newDevice(stage))
  await page.getByText('Write the first note').waitFor()
  await tabTo(page, /^Write a note/)
  await page.keyboard.type('# Groceries\n\nmilk')
  await page.keyboard.press('Control+Enter')
  await note(page, 'Groceries').waitFor()

  await tabTo(page, /^Edit$/)
  await page.keyboard.press('Enter')
  await page.locator('.cm-content:focus').waitFor()
  await page.keyboard.type(' and bread')
  await page.keyboard.press('Control+Enter')
  await note(page, 'milk and bread').locator('.markdown').waitFor()

  await page.keyboard.press('Control+f')
  await page.locator('input[type=search]:focus').waitFor()
  await page.keyboard.type('bread')
  await page.locator('.result').first().waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })

  await tabTo(page, /^Write a note/)
  await page.keyboard.type('to be deleted')
  await page.keyboard.press('Control+Enter')
  await note(page, 'to be deleted').waitFor()
  await run(page, 'Go to the newest note')
  await page.locator('.note:focus').filter({ hasText: 'to be deleted' }).waitFor()
  await page.keyboard.press('Delete')
  await note(page, 'to be deleted').waitFor({ state: 'detached' })
  await tabTo(page, /^Undo$/)
  await page.keyboard.press('Enter')
  await note(page, 'to be deleted').waitFor()

  await tabTo(page, /Version/)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.getByLabel('Password', { exact: true }).waitFor()
  while (!(await page.getByLabel('Password', { exact: true }).evaluate((field) => field === document.activeElement))) {
    await page.keyboard.press('Tab')
  }
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await page.locator('.passphrase li').first().waitFor()
  expect(stage.errors).toEqual([])
})
