/**
 * The web app in real Chromium: what the first screen takes from the network, how soon somebody can write, with an empty vault and
 * with a full one that another device wrote, and how soon search answers.
 *
 *     node bench/web.ts --notes 100000
 */
import { brotliCompressSync } from 'node:zlib'
import type { BrowserContext, Page } from 'playwright-core'
import { openBrowser } from '../tests/e2e/chromium.ts'
import { askHost } from '../tests/e2e/host-channel.ts'
import { Random } from '../tests/support/random.ts'
import { ask, type Figure, median, quantile } from './support/report.ts'
import { onStage } from './support/stage.ts'
import { Writer } from './support/words.ts'

const SEED = 5
const VISITS = 5
const WORDS = 60
/** The device actor's own. */
const PASSWORD = 'correct horse'
const SPACE = 'Everything'

/** Milliseconds from the address to a field that takes letters, with what `seen` shows below it. */
async function visit(
  context: BrowserContext,
  url: string,
  seen: string,
): Promise<{ readonly millis: number; readonly page: Page }> {
  const page = await context.newPage()
  const started = performance.now()
  await page.goto(url, { waitUntil: 'commit' })
  await page.locator(seen).first().waitFor()
  await page.getByRole('textbox', { name: 'Write a note' }).fill('x')
  const millis = performance.now() - started
  await page.getByRole('textbox', { name: 'Write a note' }).fill('')
  return { millis, page }
}

/** Compressed bytes of everything that arrives until the first screen is there, SQLite apart. */
async function firstLoad(context: BrowserContext, url: string): Promise<{ readonly bytes: number; readonly sqlite: number }> {
  const bodies: Promise<{ readonly wasm: boolean; readonly bytes: number }>[] = []
  context.on('response', (response) => {
    const wasm = response.url().endsWith('.wasm')
    bodies.push(response.body().then((body) => ({ wasm, bytes: brotliCompressSync(body).length })))
  })
  const { page } = await visit(context, url, '.empty')
  const sizes = await Promise.all(bodies)
  await page.close()
  const sum = (wasm: boolean) => sizes.filter((size) => size.wasm === wasm).reduce((all, { bytes }) => all + bytes, 0)
  return { bytes: sum(false), sqlite: sum(true) }
}

async function visits(context: BrowserContext, url: string, seen: string): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < VISITS; i++) {
    const { millis, page } = await visit(context, url, seen)
    times.push(millis)
    await page.close()
  }
  return median(times)
}

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  return onStage(async ({ device, url, passphrase }) => {
    const stage = await openBrowser('app')
    try {
      stage.useServer(url)
      const plain = await stage.newDevice({ serviceWorkers: 'block' })
      const { bytes, sqlite } = await firstLoad(plain, stage.url)
      await plain.close()
      const context = await stage.newDevice()
      context.setDefaultTimeout(0)
      const cold = await visit(context, stage.url, '.empty')
      await cold.page.evaluate(() => navigator.serviceWorker.ready.then(() => {}))
      await cold.page.close()
      const warm = await visits(context, stage.url, '.empty')

      const writer = await device()
      await writer.call('fill', { seed: SEED, count: notes, size: 'mixed', space: SPACE })
      await writer.call('sync')
      const { page } = await visit(context, stage.url, '.empty')
      const words = passphrase()
      const join = {
        server: stage.url,
        vault: 'main',
        password: PASSWORD,
        deviceName: 'web',
        intent: 'join' as const,
        passwordOnly: false,
      }
      await askHost(page, [['signIn', { ...join, ...(words !== undefined && { passphrase: words }) }]])
      const started = performance.now()
      await askHost(page, [['sync']])
      await page.getByRole('article').first().waitFor()
      const arrived = performance.now() - started
      for (let backlog = 1; backlog > 0; ) {
        backlog = ((await askHost(page, [['search', { text: 'anything', limit: 1 }]])) as { readonly backlog: number }).backlog
      }
      const random = new Writer(new Random(SEED).fork())
      const searches: number[] = []
      for (let i = 0; i < WORDS; i++) {
        const text = random.word().slice(0, 2 + (i % 4))
        const asked = performance.now()
        await askHost(page, [['search', { text, limit: 50 }]])
        searches.push(performance.now() - asked)
      }
      await page.close()
      const full = await visits(context, stage.url, '.note:not(.placeholder)')
      return [
        { label: 'first load, compressed, without SQLite', value: bytes / 1000, unit: 'kB', better: 'less', goal: 250 },
        { label: "SQLite's WebAssembly, compressed", value: sqlite / 1000, unit: 'kB', better: 'less' },
        { label: 'first visit, until one can write', value: cold.millis, unit: 'ms', better: 'less' },
        { label: 'later visit, empty vault', value: warm, unit: 'ms', better: 'less' },
        { label: `later visit, ${notes} notes in one space`, value: full, unit: 'ms', better: 'less' },
        { label: 'sync of all notes, until they are shown', value: arrived / 1000, unit: 's', better: 'less' },
        { label: 'search from a tab, median', value: median(searches), unit: 'ms', better: 'less', goal: 50 },
        { label: 'search from a tab, p95', value: quantile(searches, 0.95), unit: 'ms', better: 'less' },
      ]
    } finally {
      await stage.close()
    }
  })
}

await ask({ title: ({ notes }) => `the web app, ${notes} notes`, file: 'web.ts', numbers: { notes: 100_000 }, run: measure })
