/**
 * The least that a route needs to know of a request and to say as an answer. The busy routes (push, pull) are written
 * against it, so that they run on a socket without the cost of Web `Request` and `Response` objects, and through the
 * router like every other route.
 */
import { bodyBudget } from '#body-budget'
import { ProblemError } from '#problems'

export interface Exchange {
  header(name: string): string | undefined
  /** The first value of a query parameter, decoded. */
  query(name: string): string | undefined
  /**
   * The whole body. @throws ProblemError `too-large` before more than `limit` bytes are in memory, `bad-request` when
   * it breaks off.
   */
  body(limit: number): Promise<Uint8Array>
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array> | null
}

const streamed = new WeakSet<Response>()

/** Its body is sent as it comes, no faster than it is taken, instead of being put together first. */
export function markStreamed(response: Response): Response {
  streamed.add(response)
  return response
}

export function isStreamed(response: Response): boolean {
  return streamed.has(response)
}

export function toResponse({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers })
}

function tooLarge(limit: number): ProblemError {
  // The rest of the body would have to be read to use the connection again.
  return new ProblemError('too-large', `the body is over the limit of ${limit} bytes`, { headers: { connection: 'close' } })
}

export function brokenBody(): ProblemError {
  return new ProblemError('bad-request', 'the body broke off')
}

function tooMuchUnderWay(): ProblemError {
  const detail = 'the server has more under way than it can hold: try again in a few seconds'
  return new ProblemError('busy', detail, { headers: { connection: 'close', 'retry-after': '5' } })
}

/** Collects a body as it arrives, never more than its limit. Whoever makes one ends it, whatever becomes of the body. */
export class BodyCollector {
  readonly #chunks: Uint8Array[] = []
  readonly #limit: number
  #length = 0

  /**
   * @param giveUp is told to stop when all bodies together become too much
   * @throws ProblemError `too-large` when the length the sender declares is over the limit already.
   */
  constructor(limit: number, declared: string | undefined, giveUp: (problem: ProblemError) => void) {
    this.#limit = limit
    if (declared !== undefined && Number(declared) > limit) throw tooLarge(limit)
    bodyBudget.begin(this, () => {
      this.#chunks.length = 0
      giveUp(tooMuchUnderWay())
    })
  }

  /** @throws ProblemError `too-large` */
  add(chunk: Uint8Array): void {
    this.#length += chunk.length
    if (this.#length > this.#limit) throw tooLarge(this.#limit)
    this.#chunks.push(chunk)
    bodyBudget.add(this, chunk.length)
  }

  end(): void {
    bodyBudget.end(this)
  }

  finish(): Uint8Array {
    const [only] = this.#chunks
    if (only !== undefined && this.#chunks.length === 1) return only
    const out = new Uint8Array(this.#length)
    let at = 0
    for (const chunk of this.#chunks) {
      out.set(chunk, at)
      at += chunk.length
    }
    return out
  }
}

/** @throws ProblemError `unsupported-media-type` */
export function requireMediaType(given: string | undefined, expected: string): void {
  if (given === expected || given?.split(';')[0]?.trim().toLowerCase() === expected) return
  throw new ProblemError('unsupported-media-type', `the body must be ${expected}`)
}

async function readStream(stream: ReadableStream<Uint8Array>, limit: number, declared: string | undefined): Promise<Uint8Array> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  // It may come while nobody waits.
  givenUp.catch(() => {})
  const collector = new BodyCollector(limit, declared, reject)
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), givenUp])
      if (done) return collector.finish()
      collector.add(value)
    }
  } catch (error) {
    throw error instanceof ProblemError ? error : brokenBody()
  } finally {
    collector.end()
    // Not cancelled: that would end the connection before its answer is read.
    reader.releaseLock()
  }
}

/** A Web request as an exchange. */
export function requestExchange(request: Request): Exchange {
  let query: URLSearchParams | undefined
  return {
    header: (name) => request.headers.get(name) ?? undefined,
    query(name) {
      query ??= new URL(request.url).searchParams
      return query.get(name) ?? undefined
    },
    async body(limit) {
      if (request.body === null) return new Uint8Array(0)
      return readStream(request.body, limit, request.headers.get('content-length') ?? undefined)
    },
  }
}
