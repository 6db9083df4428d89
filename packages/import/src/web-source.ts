/**
 * A server of another app, as an importer sees it: any host may be named, and what answers there may be slow, broken or hostile. Answers
 * have a limit, nothing is repeated, and redirects are not followed (the HttpClient does not), so what is sent stays with the one
 * server that was named.
 */
import { EngineError } from '@lockstep/engine/errors'
import { type GatePass, readPass } from '@lockstep/engine/gate'
import type { HttpClient, HttpRequest, HttpResponse } from '@lockstep/engine/http'
import { serverUrl } from '@lockstep/engine/remote'
import { ImportError } from '#errors'

export interface WebSourceOptions {
  readonly http: HttpClient
  /** Base URL, as a person types it. */
  readonly server: string
  /** Shown to a gate in front of the server. */
  readonly pass?: GatePass | undefined
  /** Unix milliseconds. */
  readonly now: () => number
  readonly signal?: AbortSignal | undefined
}

export interface Answer {
  readonly status: number
  readonly retryAfter: number | undefined
  readonly body: AsyncIterable<Uint8Array>
}

export class WebSource {
  readonly server: string
  readonly #http: HttpClient
  readonly #pass: ReturnType<typeof readPass>
  readonly #now: () => number
  readonly #signal: AbortSignal | undefined

  /** @throws EngineError `server-refused` for what is no address, `bad-value` for what is no pass */
  constructor({ http, server, pass = {}, now, signal }: WebSourceOptions) {
    this.server = serverUrl(server)
    this.#http = http
    this.#pass = readPass(pass)
    this.#now = now
    this.#signal = signal
  }

  /** @throws EngineError `offline`, `cancelled`, `gate-refused` for a redirect or a log-in page */
  async get(path: string): Promise<Answer> {
    return this.#send({ method: 'GET', headers: {}, path })
  }

  /** As `get`. */
  async post(path: string, json: unknown): Promise<Answer> {
    const body = new TextEncoder().encode(JSON.stringify(json))
    return this.#send({ method: 'POST', headers: { 'content-type': 'application/json' }, body, path })
  }

  async #send({ path, headers, ...request }: Omit<HttpRequest, 'url'> & { readonly path: string }): Promise<Answer> {
    const { expiresAt } = this.#pass
    if (expiresAt !== undefined && expiresAt <= this.#now()) {
      throw new EngineError('gate-refused', `the access token for ${this.server} has expired: get a new one`)
    }
    const response = await this.#http({
      ...request,
      headers: { ...headers, ...this.#pass.headers },
      url: this.server + path,
      ...(this.#signal && { signal: this.#signal }),
    })
    if (isGate(response)) throw this.gateRefused(response.status)
    const retryAfter = Number(response.header('retry-after'))
    return {
      status: response.status,
      retryAfter: Number.isFinite(retryAfter) && retryAfter > 0 ? Math.ceil(retryAfter) : undefined,
      body: response.body,
    }
  }

  gateRefused(status: number): EngineError {
    return new EngineError(
      'gate-refused',
      `${this.server}, or a gate in front of it, asks for an access token (it answered ${status})`,
    )
  }

  refused(status: number, what: string): ImportError {
    return new ImportError('source-refused', `${this.server} answered ${status} ${what}`)
  }

  /** @throws ImportError `source-invalid` for more than `limit` bytes, or what is not JSON */
  async json({ body }: Answer, limit: number): Promise<unknown> {
    const text = await this.text(body, limit)
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new ImportError('source-invalid', `${this.server} answered with what is not JSON: is the address right?`, {
        cause: error,
      })
    }
  }

  /** As `json`. */
  async text(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    let length = 0
    for await (const chunk of body) {
      length += chunk.length
      if (length > limit) throw new ImportError('source-invalid', `${this.server} answered with far more than it should`)
      text += decoder.decode(chunk, { stream: true })
    }
    return text + decoder.decode()
  }
}

/** A redirect to a log-in page, or the page itself. A page of a server or proxy that is broken is none. */
function isGate({ status, header }: HttpResponse): boolean {
  const isPage = header('content-type')?.startsWith('text/html') === true
  return (status >= 300 && status < 400) || (isPage && status < 500 && status !== 404)
}
