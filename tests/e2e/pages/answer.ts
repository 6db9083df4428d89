/** A worker's side: answers each request of the page by a function of that name. */
interface Request {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

// biome-ignore lint/suspicious/noExplicitAny: the test that asks knows what it sends
export type Methods = Readonly<Record<string, (...args: any[]) => unknown>>

export function answerWith(methods: Methods): void {
  globalThis.onmessage = async ({ data: { id, method, args } }: MessageEvent<Request>) => {
    try {
      postMessage({ id, result: await methods[method]?.(...args) })
    } catch (error) {
      const { name, message, code } = error as Error & { code?: unknown }
      postMessage({ id, error: { name, message, code } })
    }
  }
}
