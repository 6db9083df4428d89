/** What people do with diffs in the app, as steps of tests. */
import type { Locator, Page } from 'playwright-core'

/** Diffs, stars or the profile, in the list that leads to them. */
export const placeOf = (page: Page, name: string): Locator =>
  page.getByRole('list', { name: 'Diffs, stars, profile' }).getByRole('button', { name })

interface WrittenDiff {
  readonly date: string
  readonly title: string
  readonly text: string
}

export async function writeDiff(page: Page, { date, title, text }: WrittenDiff): Promise<void> {
  await page.keyboard.press('Alt+a')
  const dialog = page.getByRole('dialog', { name: 'Add a diff' })
  await dialog.getByLabel('Day').fill(date)
  await dialog.getByLabel('Title').fill(title)
  await dialog.getByLabel('Text').fill(text)
  await dialog.getByRole('button', { name: 'Save the diff' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.locator('article.diff').filter({ hasText: title }).waitFor()
}

/** @param n counted from 0 */
export const isStarred = (page: Page, n: number): Promise<void> => page.locator(`.starred[data-paragraph="${n}"]`).waitFor()
