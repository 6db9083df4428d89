/** How long a request of a browser is waited for: `fetch` does not tell how much of it has gone out. */
import { afterEach, expect, test, vi } from 'vitest'
import { browserHttp } from '#platform/browser/http'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A server that never answers. @returns whether the request was given up after so many seconds */
async function givenUpAfter(seconds: number, body?: Uint8Array): Promise<boolean> {
  vi.useFakeTimers()
  vi.stubGlobal('fetch', (_url: string, { signal }: RequestInit) => {
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  })
  let failed: unknown
  const sending = browserHttp({ method: 'POST', url: 'https://notes.test/v1', headers: {}, ...(body && { body }) })
  sending.catch((error: unknown) => {
    failed = error
  })
  await vi.advanceTimersByTimeAsync(seconds * 1000)
  if (failed !== undefined) expect(failed).toMatchObject({ code: 'offline' })
  return failed !== undefined
}

test('what is large has the time that it takes on a slow line; silence ends it all the same', async () => {
  expect([await givenUpAfter(59), await givenUpAfter(61)]).toEqual([false, true])
  // Two mebibytes at 64 kbit/s take 262 seconds.
  const push = new Uint8Array(2 * 1024 * 1024)
  expect([await givenUpAfter(300, push), await givenUpAfter(330, push)]).toEqual([false, true])
})
