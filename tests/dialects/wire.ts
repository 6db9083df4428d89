/**
 * What lies between a client and the server in a test: it finds the server wherever it listens now, counts requests, and loses
 * some. A lost request never arrives; a lost answer does its work first, and the client cannot tell the two apart.
 */
import type { Random } from '../support/random.ts'

export type Loss = 'request' | 'answer'

/** As a client sees a lost request or answer, or a server that is not there. */
export class LostError extends Error {}

/** Undefined when the connection ends before all of it has come. */
async function wholeAnswer(url: string, init: RequestInit | undefined): Promise<Response | undefined> {
  try {
    const { status, headers, body } = await fetch(url, init)
    return new Response(body === null ? null : await new Response(body).arrayBuffer(), { status, headers })
  } catch {
    return undefined
  }
}

export class Wire {
  /** The server's address: changes when it is started anew. */
  url: string
  /** As `METHOD /path`, without the query. */
  readonly requests: string[] = []
  readonly losses: Record<Loss, number> = { request: 0, answer: 0 }
  /** What to do to a request. */
  lose: (request: string) => Loss | undefined = () => undefined

  #before: { readonly request: string; readonly run: () => Promise<void> } | undefined

  constructor(url: string) {
    this.url = url
  }

  /** Runs something before the next request of this kind leaves: what another device does between two steps of this one. */
  before(request: string, run: () => Promise<void>): void {
    this.#before = { request, run }
  }

  /** Loses one request and one answer in so many. */
  loseSome(random: Random, probability: number): void {
    this.lose = () => (random.chance(probability) ? random.pick(['request', 'answer'] as const) : undefined)
  }

  loseNone(): void {
    this.lose = () => undefined
  }

  /** Loses the next answer to such a request. */
  loseAnswerTo(request: string): void {
    this.lose = (sent) => {
      if (sent !== request) return undefined
      this.loseNone()
      return 'answer'
    }
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const { pathname, search } = new URL(String(input))
    const request = `${init?.method ?? 'GET'} ${pathname}`
    const before = this.#before
    if (before?.request === request) {
      this.#before = undefined
      await before.run()
    }
    this.requests.push(request)
    const loss = this.lose(request)
    if (loss !== undefined) this.losses[loss] += 1
    if (loss === 'request') throw new LostError(`lost on its way: ${request}`)
    const response = await wholeAnswer(`${this.url}${pathname}${search}`, init)
    if (loss === undefined && response !== undefined) return response
    throw new LostError(`no answer: ${request}`)
  }
}
