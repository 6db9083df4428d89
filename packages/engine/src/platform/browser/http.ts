/** HTTP by `fetch`. Cookies go along to the page's own origin only, where an outer gate may have set one; redirects are not followed. */
import { EngineError } from '#errors'
import type { HttpClient } from '#http'

/** No byte for this long: the server or the way to it is gone. Milliseconds. */
const IDLE_TIMEOUT = 60_000
/** Of the slowest line there may be; how much of a request has gone out is not to be seen. Bytes a millisecond. */
const SLOWEST_LINE = 8

function failure(url: string, error: unknown, signal: AbortSignal | undefined): EngineError {
  if (signal?.aborted === true) return new EngineError('cancelled', 'cancelled', { cause: error })
  const reason = error instanceof Error ? error.message : String(error)
  return new EngineError('offline', `cannot reach ${new URL(url).origin}: ${reason}`, { cause: error })
}

export const browserHttp: HttpClient = async ({ method, url, headers, body, signal }) => {
  const idle = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (millis = IDLE_TIMEOUT) => {
    clearTimeout(timer)
    timer = setTimeout(() => idle.abort(new Error(`no answer within ${Math.ceil(millis / 1000)} seconds`)), millis)
  }
  const stop = () => clearTimeout(timer)
  wait(IDLE_TIMEOUT + (body?.length ?? 0) / SLOWEST_LINE)
  let response: Response
  try {
    response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      credentials: 'same-origin',
      cache: 'no-store',
      signal: signal === undefined ? idle.signal : AbortSignal.any([signal, idle.signal]),
      ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> }),
    })
  } catch (error) {
    stop()
    throw failure(url, error, signal)
  }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader()
    try {
      while (reader !== undefined) {
        wait()
        const { done, value } = await reader.read()
        if (done) return
        yield value
      }
    } catch (error) {
      throw failure(url, error, signal)
    } finally {
      stop()
      // Whoever stops reading early does not want the rest to be sent.
      await reader?.cancel().catch(() => {})
    }
  }
  return {
    // A redirect that was not followed has status 0 here and tells nothing else.
    status: response.type === 'opaqueredirect' ? 302 : response.status,
    hidden: response.type === 'opaqueredirect',
    header: (name) => response.headers.get(name) ?? undefined,
    body: chunks(),
  }
}
