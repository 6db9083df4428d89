/** diff·log requests as its clients make them, with made-up hashes, against an app without sockets and against a server. */
import { hash, pbkdf2Sync } from 'node:crypto'
import type { AppOptions } from '#app'
import type { ServerOptions } from '#config'
import { createDifflog, type DifflogOptions } from '#dialects/difflog/difflog'
import type { Derive } from '#dialects/difflog/slow-hash'
import type { ServeSeams } from '#serve'
import type { Policy } from '#services'
import { type InProcess, inProcess } from '../in-process.ts'
import { running } from '../running.ts'

/** A transport hash: the client's salt, a colon and a digest. */
export const hashOf = (password: string, salt = 'c2FsdA=='): string => `${salt}:${hash('sha256', salt + password, 'base64')}`

/** Data as a client seals it: base64, different for each text. */
export const sealed = (text: string): string => Buffer.from(`sealed ${text}`).toString('base64')

export const rowsOf = (...ids: readonly string[]) => ids.map((id) => ({ id, encrypted_data: sealed(id) }))

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  readonly body: any
}

type Send = (path: string, init?: RequestInit, peer?: string) => Promise<Response>

/** A client of one server. */
export class Client {
  readonly #send: Send
  readonly peer: string
  constructor(send: Send, peer = '127.0.0.1') {
    this.#send = send
    this.peer = peer
  }

  from(peer: string): Client {
    return new Client(this.#send, peer)
  }

  raw(path: string, init?: RequestInit): Promise<Response> {
    return this.#send(path, init, this.peer)
  }

  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.raw(path, {
      method,
      redirect: 'manual',
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  get = (path: string): Promise<Answer> => this.ask('GET', path)
  post = (path: string, body: unknown): Promise<Answer> => this.ask('POST', path, body)

  create(id: string, extra: Record<string, unknown> = {}): Promise<Answer> {
    return this.post('/api/profile/create', {
      id,
      name: `Name of ${id}`,
      password_hash: hashOf('right'),
      encrypted_api_key: sealed(`keys of ${id}`),
      salt: `salt of ${id}`,
      ...extra,
    })
  }

  sync(id: string, fields: Record<string, unknown> = {}): Promise<Answer> {
    return this.post(`/api/profile/${id}/sync`, { password_hash: hashOf('right'), ...fields })
  }

  content(id: string, fields: Record<string, unknown> = {}): Promise<Answer> {
    return this.post(`/api/profile/${id}/content`, { password_hash: hashOf('right'), ...fields })
  }

  status = (id: string): Promise<Answer> => this.get(`/api/profile/${id}/status`)

  /** A request with a wrong password. */
  wrong(id: string, password = 'wrong'): Promise<Answer> {
    return this.content(id, { password_hash: hashOf(password) })
  }

  /** Ids of a collection as a client that has nothing would get them. */
  async ids(id: string, collection: 'diffs' | 'stars' | 'tldrs'): Promise<string[]> {
    const { status, body } = await this.content(id)
    if (status !== 200) throw new Error(`content: ${status} ${JSON.stringify(body)}`)
    return body[collection].map((row: { id: string }) => row.id)
  }
}

export interface DifflogSubject extends InProcess {
  readonly client: Client
  /** How often a password was derived. */
  readonly derived: { count: number }
}

/** One iteration instead of 100 000: the tests are not about the price. */
function cheapDialect(options: DifflogOptions) {
  const derived = { count: 0 }
  const derive: Derive = async (password, salt, iterations) => {
    derived.count += 1
    return pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  }
  return { derived, dialect: createDifflog({ slowHash: { iterations: 1, derive }, ...options }) }
}

export function difflogInProcess(
  options: DifflogOptions = {},
  policy: Partial<Policy> = {},
  app: Partial<AppOptions> = {},
): DifflogSubject {
  const { derived, dialect } = cheapDialect(options)
  const subject = inProcess(policy, { dialects: [dialect], ...app })
  return { ...subject, client: new Client(subject.request), derived }
}

/** A client of a running server, which believes it when it says whom it asks for. */
function httpClient(url: string): Client {
  return new Client((path, init = {}, peer = '127.0.0.1') => {
    const forwarded: Record<string, string> = peer === '127.0.0.1' ? {} : { 'x-forwarded-for': peer }
    return fetch(url + path, { ...init, headers: { ...(init.headers as Record<string, string>), ...forwarded } })
  })
}

export interface RunningDifflog extends Pick<DifflogSubject, 'client' | 'time' | 'derived'> {
  readonly url: string
  close(): Promise<void>
}

/** A server on a port of its own, with its clock in the test's hands. */
export async function difflogOverHttp(
  options: DifflogOptions = {},
  settings: ServerOptions = {},
  seams: ServeSeams = {},
): Promise<RunningDifflog> {
  const { derived, dialect } = cheapDialect(options)
  const time = { now: Date.UTC(2026, 0, 1) }
  const given = { trustedProxy: ['127.0.0.1'], ...settings }
  const server = await running(given, { dialects: [dialect], clock: () => time.now, ...seams })
  return { client: httpClient(server.url), time, derived, url: server.url, close: () => server.close() }
}
