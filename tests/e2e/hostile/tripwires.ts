/** Watches a browser for anything that ran or was fetched on behalf of a note. */
import type { BrowserContext, Page } from 'playwright-core'

export interface Tripwires {
  /** What ran, what was opened, where a page went, what was asked of other hosts. */
  readonly tripped: string[]
}

/** Of every page that is opened from now on. @param origin the app's own: what is fetched from there is its own */
export async function setTripwires(context: BrowserContext, origin: string): Promise<Tripwires> {
  const tripped: string[] = []
  await context.exposeFunction('reportTrip', (what: string) => tripped.push(what))
  await context.addInitScript(() => {
    const report = (what: string) => (globalThis as unknown as { reportTrip(what: string): void }).reportTrip(what)
    for (const name of ['trip', 'alert', 'confirm', 'prompt', 'print', 'open']) {
      Object.defineProperty(globalThis, name, { value: () => report(`${name}() was called`), writable: false })
    }
  })
  // Requests never leave the machine: those to other hosts are cut off after they were counted.
  await context.route(
    (url) => url.origin !== origin,
    (route) => route.abort(),
  )
  context.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url())
    if (protocol !== 'data:' && protocol !== 'blob:' && asked !== origin) tripped.push(`fetched ${request.url()}`)
  })
  const watch = (page: Page) => {
    page.on('dialog', (dialog) => {
      tripped.push(`dialog ${dialog.type()}`)
      void dialog.dismiss()
    })
    page.on('frameattached', (frame) => tripped.push(`a frame, ${frame.url()}`))
    page.on('framenavigated', (frame) => {
      if (new URL(frame.url()).origin !== origin) tripped.push(`went to ${frame.url()}`)
    })
    page.on('popup', (popup) => tripped.push(`opened ${popup.url()}`))
    page.on('pageerror', (error) => tripped.push(`failed: ${error.message}`))
  }
  context.on('page', watch)
  return { tripped }
}
