/** What the dialect's routes read from a request, and refuse. */
import { brokenBody } from '#exchange'
import { ProblemError } from '#problems'

/** Values of `Sec-Fetch-Site` by which a browser says that the page that asks is not one of this server. */
const FOREIGN: readonly string[] = ['cross-site', 'same-site']

/**
 * The gate's cookie goes along with what a page of somebody else makes a browser send. The clients are no browsers and say nothing
 * of the kind.
 *
 * @throws ProblemError `forbidden`
 */
export function refuseForeignPages(header: (name: string) => string | undefined): void {
  if (FOREIGN.includes(header('sec-fetch-site') ?? '')) {
    throw new ProblemError('forbidden', 'a page of another site may not change anything here')
  }
}

const MOST = 2n ** 64n - 1n

/**
 * A count in a query. Those that no storage reaches are all alike: the answer is at most 2^53 − 1.
 *
 * @throws ProblemError `bad-request` unless it is a whole number from `least` to 2^64 − 1.
 */
export function readCount(text: string | undefined, name: string, { least, absent }: { least: number; absent: number }): number {
  if (text === undefined) return absent
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n
  if (value < least || value > MOST) {
    throw new ProblemError('bad-request', `${name}: expected a whole number from ${least} on`)
  }
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER)
}

/** The chunks of a body. @throws ProblemError `bad-request` when it breaks off */
export async function* bodyChunks(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw brokenBody()
      })
      if (done) return
      yield value
    }
  } finally {
    // Not cancelled: that would end the connection before its answer is read.
    reader.releaseLock()
  }
}

/** 0 where nothing is said. */
export function declaredLength(request: Request): number {
  return Number(request.headers.get('content-length') ?? 0)
}
