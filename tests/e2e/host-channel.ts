/** Asks the worker that has the vault what its tabs ask it, as one more tab would: to fill a vault without typing it all. */
import type { HostMethods } from '@lockstep/web/host/methods'
import type { TabMessage } from '@lockstep/web/link/messages'
import type { Page } from 'playwright-core'

type Call = { readonly [M in keyof HostMethods]: readonly [M, ...Parameters<HostMethods[M]>] }[keyof HostMethods]

/** All of them, one after another, in a page whose app has started. @returns what the last one answered */
export function askHost(page: Page, calls: readonly Call[]): Promise<unknown> {
  return page.evaluate(async (calls) => {
    const channel = new BroadcastChannel('lockstep/main')
    const tab = crypto.randomUUID()
    let result: unknown
    for (const [id, [method, ...args]] of calls.entries()) {
      result = await new Promise((resolve, reject) => {
        channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
          if (data.type !== 'answer' || data.tab !== tab || data.id !== id) return
          if (data.failure === undefined) resolve(data.result)
          else reject(new Error(`${method}: ${data.failure.message}`))
        }
        channel.postMessage({ type: 'request', tab, id, method, args } satisfies TabMessage)
      })
    }
    channel.close()
    return result
  }, calls)
}

/** All of them before the first is answered. @returns what they answered, and how long that took, in milliseconds of the page's clock */
export function askAtOnce(
  page: Page,
  calls: readonly Call[],
): Promise<{ readonly results: readonly unknown[]; readonly millis: number }> {
  return page.evaluate(async (calls) => {
    const channel = new BroadcastChannel('lockstep/main')
    const tab = crypto.randomUUID()
    const results: unknown[] = []
    let left = calls.length
    const started = performance.now()
    await new Promise<void>((resolve, reject) => {
      channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
        if (data.type !== 'answer' || data.tab !== tab) return
        if (data.failure !== undefined) reject(new Error(data.failure.message))
        results[data.id] = data.result
        if (--left === 0) resolve()
      }
      for (const [id, [method, ...args]] of calls.entries()) {
        channel.postMessage({ type: 'request', tab, id, method, args } satisfies TabMessage)
      }
    })
    channel.close()
    return { results, millis: performance.now() - started }
  }, calls)
}
