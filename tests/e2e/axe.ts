/** What axe, asked for everything that it knows, says about a page. */
import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** @param without rules that do not hold here */
export async function violations(page: Page, screen: string, without: readonly string[] = []): Promise<string[]> {
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))))
  await page.evaluate(axe.source)
  const found = await page.evaluate(async (without) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ['violations'],
      rules: Object.fromEntries(without.map((rule) => [rule, { enabled: false }])),
    })
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`))
  }, without)
  return found.map((violation) => `${screen}: ${violation}`)
}
