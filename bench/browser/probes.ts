/**
 * What is measured inside of a page, so that no way to this process and back is in the figures: `install` runs in each page before the
 * page's own scripts. *Painted* means that the frame with the change has been handed over: the task after the next animation frame.
 */
import type { BrowserContext, Page } from 'playwright-core'

interface Frames {
  /** Milliseconds between one frame and the next. */
  readonly gaps: readonly number[]
  /** Frames in which a note in view had not come yet. */
  readonly blank: number
}

interface Probe {
  /** Milliseconds from the beginning of the navigation until somebody can write and sees what is there. */
  interactive(shown: string): Promise<number>
  /** From now on notes how long each key takes until its effect is painted. */
  listen(): void
  heard(): number[]
  watchFrames(): void
  frames(): Frames
  /**
   * From the next key on waits until something in `where` has changed, and says `text` where that is given, and is painted. Apart from
   * the answer: the key must not come before this.
   */
  expectChange(where: string, text?: string): void
  /** Milliseconds that it took; undefined where it does not come. */
  changed(): Promise<number | undefined>
  /** Milliseconds until `scroller` shows notes at a place of its height, from 0 to 1. */
  jump(scroller: string, part: number): Promise<number>
}

type Probed = typeof globalThis & { probe: Probe }

function install(): void {
  const FIELD = 'textarea[aria-label^="Write a note"]'
  /** A change that has not come after this long does not come: what a letter finds may be what the one before found. Milliseconds. */
  const NEVER = 1000
  /** Nothing takes this long. Milliseconds. */
  const HANGS = 120_000
  const painted = () =>
    new Promise<number>((resolve) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => resolve(performance.now())
        port2.postMessage(undefined)
      }),
    )
  const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve))
  const keys: number[] = []
  const gaps: number[] = []
  let blank = 0
  let watching = false
  let change: Promise<number | undefined> = Promise.resolve(undefined)
  const isBlank = (): boolean =>
    [...document.querySelectorAll('.note.placeholder')].some((note) => {
      const { top, bottom } = note.getBoundingClientRect()
      return bottom > 0 && top < innerHeight
    })
  ;(globalThis as Probed).probe = {
    async interactive(shown) {
      for (const late = performance.now() + HANGS; ; ) {
        if (performance.now() > late) throw new Error(`nobody can write below ${shown}`)
        const field = document.querySelector<HTMLTextAreaElement>(FIELD)
        if (field !== null && !field.disabled && document.querySelector(shown) !== null) break
        await frame()
      }
      return painted()
    },
    listen() {
      addEventListener('keydown', (event) => void painted().then((at) => keys.push(at - event.timeStamp)), { capture: true })
    },
    heard: () => keys.splice(0),
    watchFrames() {
      watching = true
      gaps.length = 0
      blank = 0
      let last: number | undefined
      const step = (at: number) => {
        if (!watching) return
        if (last !== undefined) gaps.push(at - last)
        last = at
        if (isBlank()) blank++
        requestAnimationFrame(step)
      }
      requestAnimationFrame(step)
    },
    frames() {
      watching = false
      return { gaps: [...gaps], blank }
    },
    expectChange(where, text = '') {
      change = new Promise((resolve) => {
        const element = document.querySelector(where)
        if (element === null) return resolve(undefined)
        let pressed: number | undefined
        const onKey = (event: Event) => {
          pressed ??= event.timeStamp
        }
        const end = (value: number | undefined) => {
          clearTimeout(timer)
          observer.disconnect()
          removeEventListener('keydown', onKey, { capture: true })
          resolve(value)
        }
        const observer = new MutationObserver(() => {
          if (pressed === undefined || !(element.textContent ?? '').includes(text)) return
          observer.disconnect()
          void painted().then((at) => end(at - (pressed as number)))
        })
        const timer = text === '' ? setTimeout(() => end(undefined), NEVER) : undefined
        addEventListener('keydown', onKey, { capture: true })
        observer.observe(element, { subtree: true, childList: true, characterData: true })
      })
    },
    changed: () => change,
    async jump(scroller, part) {
      const element = document.querySelector(scroller) as HTMLElement
      const started = performance.now()
      element.scrollTop = (element.scrollHeight - element.clientHeight) * part
      do await frame()
      while (isBlank() || document.querySelector('.note') === null)
      return (await painted()) - started
    },
  }
}

export const addProbes = (context: BrowserContext): Promise<unknown> => context.addInitScript(install)

/** Asks a page's probe. */
export function probe<K extends keyof Probe>(
  page: Page,
  method: K,
  ...args: Parameters<Probe[K]>
): Promise<Awaited<ReturnType<Probe[K]>>> {
  return page.evaluate(([method, args]) => ((globalThis as Probed).probe[method] as (...args: unknown[]) => unknown)(...args), [
    method,
    args,
  ] as [string & K, unknown[]]) as Promise<Awaited<ReturnType<Probe[K]>>>
}
