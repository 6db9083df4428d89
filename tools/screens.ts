/**
 * Pictures of the app's main screens, light and dark, wide and narrow, for the README: the app is built and run in Chromium with
 * notes made up here, and each picture is written to `docs/screens/`.
 *
 *     node tools/screens.ts
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '@lockstep/server/serve'
import type { Page } from 'playwright-core'
import { proveRecovery, write } from '../tests/e2e/app-stage.ts'
import { openBrowser } from '../tests/e2e/chromium.ts'

const FOLDER = join(import.meta.dirname, '..', 'docs', 'screens')

/** Pictures that are in the fonts of every machine. */
const SPACES = [
  ['Notes', '✎'],
  [
    'Kitchen',
    '♨',
    'Chestnuts: cross them on the flat side, 220 °C, 25 minutes.',
    'Stock from the weekend is in the freezer, left drawer.',
  ],
  ['Servers', '⚙', 'Renew the certificate before the **14th**.'],
  ['Travel', '✈', 'Night train: bed 41, coach 12.', '- [ ] tickets\n- [ ] adapter', 'Museum is closed on Mondays.'],
] as const

const NOTES = [
  '# Bread, the slow way\n\n- [x] feed the starter\n- [x] 500 g flour, 350 g water, 10 g salt\n- [ ] fold three times, an hour apart\n- [ ] overnight in the fridge\n\n> The crust sings when it cools.',
  'Ferry to the island: **7:40** and *13:15*, on Sundays the later one only. Tickets at https://example.org/ferry.',
  '## A quick look at a log\n\n```sh\nssh home "journalctl --since today -p warning" | less\ncut -d" " -f1 access.log | sort | uniq -c | sort -nr | head\n```',
  '| compression | rows a second | size |\n|:--|--:|--:|\n| none | 410 000 | 100 % |\n| deflate, level 1 | 159 000 | 41 % |\n| zstd | 399 000 | 35 % |',
  'An idea is only as good as the place where you find it again.',
]

async function addSpaces(page: Page): Promise<void> {
  for (const [name, avatar, ...notes] of SPACES) {
    if (name !== SPACES[0][0]) await addSpace(page, name)
    for (const [i, text] of notes.entries()) {
      await write(page, text)
      await page.getByRole('article').nth(i).waitFor()
    }
    await page.keyboard.press('Control+e')
    await page.getByRole('textbox', { name: /Picture/ }).fill(avatar)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
}

async function addSpace(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Alt+n')
  const field = page.getByRole('textbox', { name: 'Name of the space' })
  await field.fill(name)
  await field.press('Enter')
  await page.getByRole('heading', { name }).waitFor()
}

const DIGEST = readFileSync(join(import.meta.dirname, '..', 'tests', 'e2e', 'digest.md'), 'utf8')

/** Days with a diff, the last one being read, with stars. */
async function addDiffs(page: Page): Promise<void> {
  for (const day of ['2026-11-16', '2026-11-17', '2026-11-19', '2026-11-20']) {
    await page.keyboard.press('Alt+a')
    const dialog = page.getByRole('dialog', { name: 'Add a diff' })
    await dialog.getByLabel('Day').fill(day)
    await dialog.getByLabel('Text').fill(DIGEST)
    await dialog.getByRole('button', { name: 'Save the diff' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.locator('article.diff').waitFor()
    await page.locator('article.diff button.star').nth(1).click()
    await page.locator('.paragraph.starred').first().waitFor()
  }
}

const stage = await openBrowser('app')
const data = mkdtempSync(join(tmpdir(), 'lockstep-screens-'))
const server = await startServer({ port: 0, signUp: 'open', data }, { log: () => {} })
stage.useServer(server.url)
mkdirSync(FOLDER, { recursive: true })
for (const theme of ['light', 'dark'] as const) {
  for (const [size, width, height] of [
    ['wide', 1200, 800],
    ['narrow', 390, 780],
  ] as const) {
    const context = await stage.newDevice({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce' })
    const page = await stage.newPage(context)
    const picture = async (name: string) => {
      await page.locator('.toast').first().waitFor({ state: 'detached' })
      await page.waitForTimeout(300)
      await page.screenshot({ path: join(FOLDER, `${name}-${size}-${theme}.png`) })
    }
    const close = async () => {
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
    await page.getByText('Write the first note').waitFor()
    await write(page, NOTES[0] as string)
    await page.getByRole('article').first().waitFor()
    await addSpaces(page)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill('Notes')
    await page.getByRole('option', { name: 'Notes' }).first().click()
    await page.getByRole('article').first().waitFor()
    for (const text of NOTES.slice(1)) {
      await write(page, text)
      await page.getByRole('textbox', { name: 'Write a note' }).and(page.locator(':placeholder-shown')).waitFor()
    }
    await page.getByRole('article', { name: 'An idea' }).waitFor()
    await page.locator('.hljs-string').first().waitFor({ state: 'attached' })
    await picture('notes')
    await page.keyboard.press('Control+f')
    await page.getByRole('searchbox').fill('fo')
    await page.locator('.result').first().waitFor()
    await picture('search')
    await close()
    await page.keyboard.press('Control+,')
    // The server has answered.
    await page
      .getByRole('dialog')
      .getByText(/^Lockstep \d/)
      .waitFor()
    await picture('sign-in')
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery staple')
    await page.getByRole('textbox', { name: 'Vault' }).fill(`${size}-${theme}`)
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.locator('.passphrase li').first().waitFor()
    await picture('recovery-sheet')
    await proveRecovery(page)
    await page.getByRole('button', { name: 'Sync now' }).click()
    await page
      .getByRole('dialog')
      .getByText(/^In step/)
      .waitFor()
    await picture('signed-in')
    await page.getByRole('button', { name: 'Bring it to another device' }).click()
    await page.getByRole('button', { name: 'Make a short code' }).click()
    await page.locator('.short-code .code [aria-hidden]').waitFor()
    await picture('short-code')
    await close()
    await addDiffs(page)
    await picture('reading')
    await page.keyboard.press('Alt+3')
    await page.locator('.streak').first().waitFor()
    await picture('diffs')
    await page.keyboard.press('Alt+4')
    await page.locator('.screen article, .screen li').first().waitFor()
    await picture('stars')
    await page.keyboard.press('Alt+p')
    await page.getByRole('dialog', { name: 'Profiles' }).waitFor()
    await picture('profiles')
    await close()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill('Notes')
    await page.getByRole('option', { name: 'Notes' }).first().click()
    await page.getByRole('article').first().waitFor()
    if (size === 'narrow') {
      await page.getByRole('button', { name: 'Show spaces' }).click()
      await page.locator('.sidebar').getByText('Kitchen').waitFor()
      await picture('spaces')
    } else {
      const first = page.getByRole('article').last()
      await first.hover()
      await first.getByRole('button', { name: 'Edit' }).click()
      await page.locator('.cm-content').waitFor()
      await picture('writing')
    }
    await context.close()
  }
}
await stage.close()
await server.close()
rmSync(data, { recursive: true, force: true })
