/** Devices whose pages can be told to keep back what they ask their worker: it is slow then, or never hears of it. */
import type { BrowserContext, Page } from 'playwright-core'
import { newDevice } from './app-stage.ts'
import type { BrowserStage } from './chromium.ts'

interface Hold {
  readonly methods: readonly string[]
  /** All that is asked later waits behind the first of them; else other questions overtake them. */
  readonly inOrder: boolean
}

interface Holding {
  hold: Hold | undefined
  letGo(): void
}

export type HoldingPage = typeof globalThis & { readonly holding: Holding }

/** Where a page that is opened anew in the same tab finds what it is to hold from the beginning. */
const NEXT = 'hold'

export async function heldDevice(stage: BrowserStage): Promise<BrowserContext> {
  const context = await newDevice(stage)
  await context.addInitScript((next) => {
    const post = Worker.prototype.postMessage
    const kept: (() => void)[] = []
    const holding: Holding = {
      hold: undefined,
      letGo() {
        holding.hold = undefined
        sessionStorage.removeItem(next)
        for (const send of kept.splice(0)) send()
      },
    }
    const isHeld = (method: string | undefined): boolean => {
      const { hold = JSON.parse(sessionStorage.getItem(next) ?? 'null') as Hold | null } = holding
      if (hold === null) return false
      return (hold.inOrder && kept.length > 0) || (method !== undefined && hold.methods.includes(method))
    }
    Worker.prototype.postMessage = function (this: Worker, ...args: [message: { readonly method?: string }]) {
      const send = () => post.apply(this, args as never)
      if (isHeld(args[0].method)) kept.push(send)
      else send()
    } as typeof post
    Object.assign(globalThis, { holding })
  }, NEXT)
  return context
}

const holdOn = (page: Page, hold: Hold): Promise<void> =>
  page.evaluate((hold) => {
    ;(globalThis as HoldingPage).holding.hold = hold
  }, hold)

/** From the first question of these methods on, nothing reaches the worker of this page until it is let go. */
export const hold = (page: Page, ...methods: string[]): Promise<void> => holdOn(page, { methods, inOrder: true })
/** Questions of these methods do not reach the worker of this page until they are let go; all others do. */
export const holdOnly = (page: Page, ...methods: string[]): Promise<void> => holdOn(page, { methods, inOrder: false })
/** As `hold`, for the page that is opened next in this tab. */
export const holdNext = (page: Page, ...methods: string[]): Promise<void> =>
  page.evaluate(([next, hold]) => sessionStorage.setItem(next, JSON.stringify(hold)), [
    NEXT,
    { methods, inOrder: true } satisfies Hold,
  ] as const)

/** In the order in which they were asked. */
export const letGo = (page: Page): Promise<void> => page.evaluate(() => (globalThis as HoldingPage).holding.letGo())
