/**
 * The reading view in real Chromium: how long a diff takes from the click that opens it until it is painted, at its beginning and at a
 * paragraph in its middle; how long a star takes, and how much it moves.
 *
 *     node bench/web-reading.ts --kilobytes 200
 */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { openBrowser } from '../tests/e2e/chromium.ts'
import { askHost } from '../tests/e2e/host-channel.ts'
import { ask, type Figure, median, quantile } from './support/report.ts'

const DIGEST = readFileSync(new URL('../tests/e2e/digest.md', import.meta.url), 'utf8')
const TIMES = 15
const STARS = 40

/** Goes to a place, and waits until its paragraph has been painted. Milliseconds, by the page's own clock. */
const opened = (page: Page, hash: string, paragraph: number): Promise<number> =>
  page.evaluate(
    async ([hash, selector]) => {
      const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
      const row = document.querySelector<HTMLElement>('.diff-row')
      const started = performance.now()
      if (hash === '') row?.click()
      else location.assign(hash)
      while (document.querySelector(selector) === null) await new Promise((resolve) => setTimeout(resolve))
      await painted()
      return performance.now() - started
    },
    [hash, `[data-paragraph="${paragraph}"]`] as const,
  )

async function history(page: Page): Promise<void> {
  await page.evaluate(() => location.assign('#diffs'))
  await page.locator('.diff-row').first().waitFor()
}

/** The sum of layout shifts, and how long each star took until it was painted. */
const starred = (page: Page, count: number) =>
  page.evaluate(async (count) => {
    let shifted = 0
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifted += (entry as unknown as { readonly value: number }).value
    }).observe({ type: 'layout-shift' })
    const times: number[] = []
    const stars = [...document.querySelectorAll<HTMLElement>('.paragraph .star')].slice(0, count)
    for (const star of stars) {
      const started = performance.now()
      star.click()
      while (star.getAttribute('aria-pressed') !== 'true') await new Promise((resolve) => setTimeout(resolve))
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
      times.push(performance.now() - started)
    }
    return { shifted, times }
  }, count)

async function measure({ kilobytes }: { readonly kilobytes: number }): Promise<Figure[]> {
  const stage = await openBrowser('app')
  try {
    const context = await stage.newDevice({ viewport: { width: 1280, height: 800 } })
    context.setDefaultTimeout(0)
    const page = await stage.newPage(context)
    await page.getByText('Write the first note').waitFor()
    const length = kilobytes * 1000
    const text = DIGEST.repeat(Math.ceil(length / DIGEST.length)).slice(0, length)
    await askHost(page, [['addDiff', { id: 'long', title: 'A long one', date: '2026-03-04', text, now: 1 }]])
    await history(page)
    // The first time loads what colours code.
    await opened(page, '', 0)
    const fromHistory: number[] = []
    const fromStar: number[] = []
    const middle = Math.round(text.split(/\n\s*\n/).length / 2)
    for (let i = 0; i < TIMES; i++) {
      await history(page)
      fromHistory.push(await opened(page, '', 0))
      await history(page)
      fromStar.push(await opened(page, `#diff/long/${middle}`, middle))
    }
    const { shifted, times } = await starred(page, STARS)
    return [
      { label: 'from the click until it is painted, median', value: median(fromHistory), unit: 'ms', better: 'less', goal: 100 },
      { label: 'the same, p95', value: quantile(fromHistory, 0.95), unit: 'ms', better: 'less' },
      { label: 'at a paragraph in its middle, median', value: median(fromStar), unit: 'ms', better: 'less', goal: 100 },
      { label: 'a star, from the click until it is painted, median', value: median(times), unit: 'ms', better: 'less' },
      { label: `layout shift of ${STARS} stars`, value: shifted, unit: '', better: 'less', goal: 0 },
    ]
  } finally {
    await stage.close()
  }
}

await ask({
  title: ({ kilobytes }) => `reading a diff of ${kilobytes} kB of Markdown in the web app`,
  file: 'web-reading.ts',
  numbers: { kilobytes: 200 },
  run: measure,
})
