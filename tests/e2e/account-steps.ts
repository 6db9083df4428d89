/** What tests of signing in, profiles and gates do in App info, and what they look for there. */
import type { Locator, Page } from 'playwright-core'
import type { BrowserStage } from './chromium.ts'

export const button = (page: Page, name: string | RegExp): Locator => page.getByRole('button', { name })
export const field = (page: Page, name: string): Locator => page.getByRole('textbox', { name, exact: true })
export const alert = (page: Page, text: string | RegExp): Locator => page.getByRole('alert').filter({ hasText: text }).first()

/** What a page says of requests that were refused is no error of the app. */
export const errorsOfApp = (stage: BrowserStage): string[] =>
  stage.errors.filter((error) => !error.startsWith('Failed to load resource'))

/** By the button in App info, which is open. */
export async function syncNow(page: Page): Promise<void> {
  await button(page, 'Sync now').click()
  // It is called something else until this sync is over: the notice may be that of an earlier one.
  await button(page, 'Sync now').and(page.locator(':enabled')).waitFor()
  await page
    .getByRole('status')
    .getByText(/Everything is in step|Synced:/)
    .last()
    .waitFor()
}
