/** How much arrives until the first screen is there, and how soon somebody can write. */
import type { BrowserContext, Page } from 'playwright-core'
import { median } from '../support/report.ts'
import { addProbes, probe } from './probes.ts'
import type { Profiles } from './stage.ts'

/** Visits, and devices that were never there before. */
const VISITS = 7
const DEVICES = 3
/** Between two visits: a tab that closes lets go of its files a moment later. Milliseconds. */
const PAUSE = 500

/** What shows that a page has its content: an empty vault says so, a full one has notes. */
export const EMPTY = '.empty'
export const NOTES = '.note:not(.placeholder)'

export interface Visit {
  /** From the beginning of the navigation until one can write below what is there. */
  readonly millis: number
  readonly page: Page
}

export async function visit(context: BrowserContext, url: string, shown: string): Promise<Visit> {
  const page = await context.newPage()
  await page.goto(url, { waitUntil: 'commit' })
  return { millis: await probe(page, 'interactive', shown), page }
}

/** The median of several visits by one device, each with a tab of its own. */
export async function visits(context: BrowserContext, url: string, shown: string): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < VISITS; i++) {
    const { millis, page } = await visit(context, url, shown)
    times.push(millis)
    await page.close()
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
  }
  return median(times)
}

/** The median of first visits, each by a browser that was never there. */
export async function firstVisits(profiles: Profiles, url: string): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < DEVICES; i++) {
    const context = await profiles.open()
    await addProbes(context)
    times.push((await visit(context, url, EMPTY)).millis)
    await context.close()
  }
  return median(times)
}

export interface FirstLoad {
  /** Bytes of bodies as the server sent them. */
  readonly page: number
  readonly wasm: number
  readonly files: number
}

/** What a first visit has the server send until the first screen is there. */
export async function firstLoad(profiles: Profiles, url: string): Promise<FirstLoad> {
  const context = await profiles.open({ serviceWorkers: 'block' })
  await addProbes(context)
  const sizes: { readonly wasm: boolean; readonly bytes: number }[] = []
  let counting = true
  context.on('response', (response) => {
    const bytes = Number(response.headers()['content-length'] ?? 0)
    if (counting) sizes.push({ wasm: new URL(response.url()).pathname.endsWith('.wasm'), bytes })
  })
  await visit(context, url, EMPTY)
  counting = false
  await context.close()
  const sum = (wasm: boolean) => sizes.filter((size) => size.wasm === wasm).reduce((all, { bytes }) => all + bytes, 0)
  return { page: sum(false), wasm: sum(true), files: sizes.length }
}
