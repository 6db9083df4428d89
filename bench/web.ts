/**
 * The web app in real Chromium, as the real server serves it: what the first screen takes from the network, how soon somebody can write,
 * with an empty vault and with a full one that another device wrote, and what a person notices while it syncs, and while she searches,
 * scrolls, writes and edits in it.
 *
 *     node bench/web.ts --notes 100000
 */
import { loadavg } from 'node:os'
import type { Space } from '@lockstep/model/spaces'
import type { ShownNote } from '@lockstep/web/host/note-methods'
import type { TimelineAnswer } from '@lockstep/web/host/timelines'
import type { Page } from 'playwright-core'
import { askAtOnce, askHost } from '../tests/e2e/host-channel.ts'
import { Random } from '../tests/support/random.ts'
import type { PlainAnswer, PlainNotes } from './browser/plain-sqlite.ts'
import { addProbes } from './browser/probes.ts'
import { buildApp, openProfiles, type Profiles } from './browser/stage.ts'
import { jump, type Scrolling, save, scroll, search, typeDuring } from './browser/use.ts'
import { EMPTY, firstLoad, firstVisits, NOTES, visit, visits } from './browser/visits.ts'
import { generateNotes } from './support/notes.ts'
import { ask, type Figure, median, quantile } from './support/report.ts'
import { onStage } from './support/stage.ts'
import { Writer } from './support/words.ts'

const SEED = 5
/** Searches as one question to the worker, and words typed into the search. */
const ASKED = 60
const TYPED = 12
/** Notes saved, notes edited, places of the timeline jumped to. */
const SAVED = 15
const EDITED = 40
const JUMPS = 20
/** Notes that SQLite alone stores, in transactions of this many. */
const PLAIN = { notes: 20_000, batch: 1000 }
/** The device actor's own. */
const PASSWORD = 'correct horse'
const SPACE = 'Everything'

/** Signs in to the vault that another device made. */
async function join(page: Page, url: string, passphrase: string): Promise<void> {
  const how = { server: url, vault: 'main', password: PASSWORD, deviceName: 'web', intent: 'join', passwordOnly: false } as const
  await askHost(page, [['signIn', { ...how, passphrase }]])
}

/** Milliseconds until a search knows every note. */
async function searchable(page: Page): Promise<number> {
  const started = performance.now()
  for (let backlog = 1; backlog > 0; ) {
    backlog = ((await askHost(page, [['search', { text: 'anything', limit: 1 }]])) as { readonly backlog: number }).backlog
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return performance.now() - started
}

function plainSqlite(page: Page, url: string): Promise<PlainAnswer> {
  const question: PlainNotes = { notes: generateNotes(SEED, PLAIN.notes, 'mixed'), batch: PLAIN.batch, edits: EDITED }
  return page.evaluate(
    ([script, question]) =>
      new Promise<PlainAnswer>((resolve, reject) => {
        const worker = new Worker(script, { type: 'module' })
        worker.onmessage = ({ data }) => {
          worker.terminate()
          resolve(data)
        }
        worker.onerror = ({ message }) => reject(new Error(message))
        worker.postMessage(question)
      }),
    [`${url}/plain-sqlite.js`, question] as const,
  )
}

/** A long page of texts and nothing else, to be scrolled as the timeline is. */
const longPage = (page: Page): Promise<void> =>
  page.evaluate(
    (texts) => {
      const scroller = document.createElement('div')
      scroller.className = 'timeline'
      scroller.style.cssText = 'height: 600px; overflow: auto'
      for (const text of texts) scroller.appendChild(document.createElement('p')).textContent = text
      document.body.append(scroller)
      scroller.scrollTop = scroller.scrollHeight
    },
    generateNotes(SEED, 2000, 'mixed').map(({ text }) => text),
  )

interface Floor {
  readonly visit: number
  readonly plain: PlainAnswer
  readonly scrolling: Scrolling
}

/** What this browser on this machine takes where there is no app. */
async function measureFloor(profiles: Profiles, url: string): Promise<Floor> {
  const context = await profiles.open()
  await addProbes(context)
  const { page } = await visit(context, `${url}/empty.html`, EMPTY)
  const plain = await plainSqlite(page, url)
  await longPage(page)
  const scrolling = await scroll(page, '.timeline')
  await page.close()
  const floor = { visit: await visits(context, `${url}/empty.html`, EMPTY), plain, scrolling }
  await context.close()
  return floor
}

async function measureUse(page: Page, floor: Floor): Promise<Figure[]> {
  const { results } = await askAtOnce(page, [['spaces']])
  const { id: space } = (results[0] as readonly Space[]).find(({ name }) => name === SPACE) as Space
  const first = (await askAtOnce(page, [['timeline', space]])).results[0] as TimelineAnswer
  const ids = first.step?.ids.split(' ') ?? []

  const random = new Random(SEED)
  const writer = new Writer(random.fork())
  const asked: number[] = []
  for (let i = 0; i < ASKED; i++) {
    const text = writer.word().slice(0, 2 + (i % 4))
    asked.push((await askAtOnce(page, [['search', { text, limit: 50 }]])).millis)
  }
  const typed = await search(
    page,
    Array.from({ length: TYPED }, () => writer.word().slice(0, 5)),
  )

  const scrolled = await scroll(page, '.timeline')
  const jumped = await jump(
    page,
    Array.from({ length: JUMPS }, () => random.float()),
  )

  const edits: number[] = []
  for (let i = 0; i < EDITED; i++) {
    const id = ids[Math.floor((i * ids.length) / EDITED)] as string
    const [note] = (await askAtOnce(page, [['notes', [id]]])).results[0] as readonly ShownNote[]
    edits.push((await askAtOnce(page, [['editNote', id, { text: `${note?.text} and more`, now: Date.now() }]])).millis)
  }
  const saved = await save(
    page,
    Array.from({ length: SAVED }, (_, i) => `The note of the benchmark with the number ${i + 1000}`),
  )
  const orders: number[] = []
  for (let i = 0, { version } = first; i < SAVED; i++) {
    const note = { id: `bench${i}`, space, title: '', text: writer.text(200), now: Date.now() }
    // Before the tab asks the same.
    const { millis, results } = await askAtOnce(page, [['addNote', note], ['timeline', space, version], ['spaces']])
    version = (results[1] as TimelineAnswer).version
    orders.push(millis)
  }
  const percent = ({ dropped, frames }: Scrolling) => (100 * dropped) / frames
  return [
    { label: 'search asked from a tab, median', value: median(asked), unit: 'ms', better: 'less' },
    { label: 'search asked from a tab, p95', value: quantile(asked, 0.95), unit: 'ms', better: 'less' },
    {
      label: 'letter typed into the search to what it found painted, median',
      value: median(typed),
      unit: 'ms',
      better: 'less',
      goal: 50,
    },
    { label: 'the same, p95', value: quantile(typed, 0.95), unit: 'ms', better: 'less' },
    {
      label: 'frames dropped while scrolling by the wheel',
      value: percent(scrolled),
      unit: '%',
      better: 'less',
      limit: { label: 'a long page of texts', value: percent(floor.scrolling) },
    },
    {
      label: 'longest frame while scrolling',
      value: scrolled.longest,
      unit: 'ms',
      better: 'less',
      limit: { label: 'a long page of texts', value: floor.scrolling.longest },
    },
    {
      label: 'frames with a note that had not come yet',
      value: (100 * scrolled.blank) / scrolled.frames,
      unit: '%',
      better: 'less',
    },
    { label: 'jump to any place until its notes are shown, median', value: median(jumped), unit: 'ms', better: 'less' },
    { label: 'the same, p95', value: quantile(jumped, 0.95), unit: 'ms', better: 'less' },
    {
      label: 'edit of one note, stored',
      value: median(edits),
      unit: 'ms',
      better: 'less',
      limit: { label: 'SQLite alone', value: median(floor.plain.edits) },
    },
    { label: 'note saved by Ctrl+Enter to note painted, median', value: median(saved), unit: 'ms', better: 'less' },
    { label: 'the same, longest', value: Math.max(...saved), unit: 'ms', better: 'less' },
    {
      label: 'a note added, then order and counts anew, in the worker',
      value: median(orders),
      unit: 'ms',
      better: 'less',
      goal: 50,
    },
  ]
}

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  return onStage(async (stage) => {
    const { url } = stage
    const profiles = openProfiles(stage)
    const step = (what: string) =>
      console.error(`${new Date().toTimeString().slice(0, 8)} ${what}, load ${loadavg()[0]?.toFixed(1)}`)
    try {
      step('the browser alone')
      const floor = await measureFloor(profiles, url)
      step('first visits')
      const load = await firstLoad(profiles, url)
      const nothing = await firstVisits(profiles, `${url}/empty.html`)
      const cold = await firstVisits(profiles, url)
      step('later visits')
      const context = await profiles.open()
      await addProbes(context)
      const { page: used } = await visit(context, url, EMPTY)
      await used.evaluate(() => navigator.serviceWorker.ready.then(() => {}))
      await used.close()
      const warm = await visits(context, url, EMPTY)

      step('another device writes')
      const writer = await stage.device()
      await writer.call('fill', { seed: SEED, count: notes, size: 'mixed', space: SPACE })
      await writer.call('sync')
      const { page } = await visit(context, url, EMPTY)
      await join(page, url, stage.passphrase() as string)
      step('sync')
      const busy = await typeDuring(page, () => askAtOnce(page, [['sync']]))
      const indexing = await searchable(page)
      await page.locator(NOTES).first().waitFor()
      await page.close()
      step('visits with all notes')
      const full = await visits(context, url, NOTES)
      step('in use')
      const use = await visit(context, url, NOTES)
      const used100k = await measureUse(use.page, floor)
      const { keys, answers, millis } = busy
      return [
        { label: 'first load as sent, without SQLite', value: load.page / 1000, unit: 'kB', better: 'less', goal: 250 },
        { label: "SQLite's WebAssembly as sent", value: load.wasm / 1000, unit: 'kB', better: 'less' },
        {
          label: 'first visit, until one can write',
          value: cold,
          unit: 'ms',
          better: 'less',
          limit: { label: 'an empty page', value: nothing },
        },
        {
          label: 'later visit, empty vault',
          value: warm,
          unit: 'ms',
          better: 'less',
          limit: { label: 'an empty page', value: floor.visit },
        },
        {
          label: 'later visit, all notes in one space',
          value: full,
          unit: 'ms',
          better: 'less',
          limit: { label: 'an empty vault', value: warm },
        },
        {
          label: 'sync of all notes, while somebody types',
          value: (notes * 1000) / millis,
          unit: 'notes/s',
          better: 'more',
          limit: { label: 'SQLite alone', value: floor.plain.inserted },
        },
        { label: 'from there until everything is searchable', value: indexing / 1000, unit: 's', better: 'less' },
        { label: 'letter typed during it to letter painted, median', value: median(keys), unit: 'ms', better: 'less' },
        { label: 'the same, p95', value: quantile(keys, 0.95), unit: 'ms', better: 'less' },
        { label: 'the same, longest', value: Math.max(...keys), unit: 'ms', better: 'less', goal: 100 },
        { label: 'question of a tab to the worker during it, median', value: median(answers), unit: 'ms', better: 'less' },
        { label: 'the same, p95', value: quantile(answers, 0.95), unit: 'ms', better: 'less' },
        { label: 'the same, longest', value: Math.max(...answers), unit: 'ms', better: 'less', goal: 100 },
        ...used100k,
      ]
    } finally {
      await profiles.close()
    }
  }, buildApp)
}

await ask({ title: ({ notes }) => `the web app, ${notes} notes`, file: 'web.ts', numbers: { notes: 100_000 }, run: measure })
