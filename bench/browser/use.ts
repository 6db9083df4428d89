/** A page in use: what its person notices while she types, scrolls, searches and saves. Times are the page's own (probes.ts). */
import type { Page } from 'playwright-core'
import { askAtOnce } from '../../tests/e2e/host-channel.ts'
import { probe } from './probes.ts'

const WRITE = { name: 'Write a note' } as const
/** Of a quick typist. Milliseconds between two keys. */
const TYPING_PAUSE = 60
/** Between two questions to the worker. */
const ASKING_PAUSE = 100
/** One turn of the wheel a frame, for as many frames; pixels. */
const WHEEL = 120
const TURNS = 240
const FRAME = 1000 / 60

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

export interface WhileBusy {
  /** Milliseconds from each key to its letter painted. */
  readonly keys: readonly number[]
  /** Milliseconds in which the worker that syncs answered a tab's smallest question. */
  readonly answers: readonly number[]
  /** How long the work took. */
  readonly millis: number
}

/** Types into the composer, and asks the worker, for as long as `work` takes. */
export async function typeDuring(page: Page, work: () => Promise<unknown>): Promise<WhileBusy> {
  let busy = true
  const answers: number[] = []
  await probe(page, 'listen')
  await page.getByRole('textbox', WRITE).focus()
  const started = performance.now()
  const typing = async () => {
    for (let i = 0; busy; i++) {
      await page.keyboard.press(i % 6 === 5 ? 'Space' : ('abcde'[i % 6] as string))
      await pause(TYPING_PAUSE)
    }
  }
  const asking = async () => {
    while (busy) {
      answers.push((await askAtOnce(page, [['notes', []]])).millis)
      await pause(ASKING_PAUSE)
    }
  }
  const working = work().finally(() => {
    busy = false
  })
  await Promise.all([working, typing(), asking()])
  const millis = performance.now() - started
  const keys = await probe(page, 'heard')
  await page.getByRole('textbox', WRITE).fill('')
  return { keys, answers, millis }
}

export interface Scrolling {
  /** Frames that the screen had no new picture for, of all. */
  readonly dropped: number
  readonly frames: number
  readonly longest: number
  /** Frames with a note in view that had not come yet. */
  readonly blank: number
}

/** Turns the wheel over an element, towards its beginning. */
export async function scroll(page: Page, where: string): Promise<Scrolling> {
  const box = await page.locator(where).boundingBox()
  if (box === null) throw new Error(`there is no ${where}`)
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await probe(page, 'watchFrames')
  for (let turn = 0; turn < TURNS; turn++) {
    await page.mouse.wheel(0, -WHEEL)
    await pause(FRAME - 2)
  }
  const { gaps, blank } = await probe(page, 'frames')
  const missed = gaps.map((gap) => Math.max(0, Math.round(gap / FRAME) - 1))
  const dropped = missed.reduce((all, count) => all + count, 0)
  return { dropped, frames: gaps.length + dropped, longest: Math.max(...gaps), blank }
}

/** Milliseconds until notes are shown at each of these places of the timeline. */
export async function jump(page: Page, parts: readonly number[]): Promise<number[]> {
  const times: number[] = []
  for (const part of parts) times.push(await probe(page, 'jump', '.timeline', part))
  return times
}

/** Types words letter by letter into the search: milliseconds from each key to what it found painted. */
export async function search(page: Page, words: readonly string[]): Promise<number[]> {
  await page.keyboard.press('Control+f')
  const field = page.getByRole('searchbox')
  await field.focus()
  const times: number[] = []
  for (const word of words) {
    for (const letter of word) {
      await probe(page, 'expectChange', '.search .results')
      await page.keyboard.press(letter)
      const millis = await probe(page, 'changed')
      if (millis !== undefined) times.push(millis)
    }
    await field.fill('')
  }
  await page.keyboard.press('Escape')
  return times
}

/** Saves notes of one line with the keyboard: milliseconds from Ctrl + Enter to the note painted in the timeline. */
export async function save(page: Page, notes: readonly string[]): Promise<number[]> {
  const times: number[] = []
  for (const text of notes) {
    await page.getByRole('textbox', WRITE).fill(text)
    await probe(page, 'expectChange', '.timeline', text)
    await page.keyboard.press('Control+Enter')
    const millis = await probe(page, 'changed')
    if (millis !== undefined) times.push(millis)
  }
  return times
}
