/**
 * The server, as the client sees it: docs/protocol.md section 5 over an injected HTTP client. Answers are checked with
 * the same schemas that the server is built on; anything else is an EngineError that says what to do.
 */
import { FormatError, toBase64Url, toHex } from '@lockstep/protocol/bytes'
import {
  type Common,
  type Credentials,
  commonSchema,
  credentialsSchema,
  type DeviceList,
  deviceListSchema,
  type Merge,
  mergeSchema,
  positionSchema,
  problemSchema,
  type Rotations,
  rotationsSchema,
  SEGMENTS_MEDIA_TYPE,
  type ServerInfo,
  type Session,
  serverInfoSchema,
  sessionSchema,
  type VaultHeader,
  vaultHeaderSchema,
} from '@lockstep/protocol/http'
import {
  type DeliveredSegment,
  DeliveryDecoder,
  decodeIndex,
  decodePushAnswer,
  encodeMarks,
  encodePush,
  type IndexEntry,
  type Mark,
  type Position,
  type PushAnswer,
  type SegmentRecord,
} from '@lockstep/protocol/records'
import { drain, jsonBody, misbehavedUnlessDecoded, readAll, readJson, toWire } from '#answers'
import { EngineError } from '#errors'
import type { HttpClient, HttpRequest, HttpResponse } from '#http'
import { ServerProblem } from '#server-problem'

/** Seconds: what a server can make a device wait for. A timer of more than 2^31 milliseconds would fire at once. */
const MAX_RETRY_AFTER = 24 * 60 * 60

/** An index of the most entries there can be, and its position. */
const MAX_INDEX_ANSWER = 1024 * 1024

export interface PullRequest {
  /** What is wanted begins after this sequence number, whose chain value is `chain`. */
  readonly after: number
  readonly chain: Uint8Array
  /** Up to here; absent: the head. */
  readonly through?: number | undefined
  /** From the end; the parts of one run in their order. */
  readonly order?: 'newest' | undefined
  /** Id of the last segment of a broken off answer that arrived; it ended at `through`. */
  readonly resume?: Uint8Array | undefined
  readonly signal?: AbortSignal | undefined
}

export interface PulledChunk {
  readonly segments: readonly DeliveredSegment[]
  readonly position: Position
  readonly bytes: number
  /** The server's clock, as an HTTP date. */
  readonly date: string | undefined
}

export interface RemoteOptions {
  /** Base URL, without a trailing slash. */
  readonly server: string
  readonly http: HttpClient
}

/** Checks and normalises a server address: `https://host[:port][/path]`, or http. @throws EngineError `server-refused` */
export function serverUrl(text: string): string {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  // Chromium takes what cannot be in a host, and escapes it.
  if (url === undefined || url.hostname.includes('%')) {
    throw new EngineError('server-refused', `"${text}" is not a server address: use one like https://notes.example.org`)
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new EngineError('server-refused', `"${text}" is not an http or https address`)
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new EngineError('server-refused', 'a server address has no user name, query or fragment')
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}

export class Remote {
  readonly server: string
  readonly #http: HttpClient

  constructor({ server, http }: RemoteOptions) {
    this.server = server
    this.#http = http
  }

  /** One request, and its answer where that is a good one. For what has a method here or, of sharing, a function in `sharing.ts`. */
  async send(request: Omit<HttpRequest, 'url'> & { readonly path: string }, token?: string): Promise<HttpResponse> {
    const { path, ...rest } = request
    const headers = token === undefined ? rest.headers : { ...rest.headers, authorization: `Bearer ${token}` }
    const response = await this.#http({ ...rest, headers, url: this.server + path })
    if (response.status >= 200 && response.status < 300) {
      // A hotel's log-in page says 200 to everything: worth another try later, and no reason to distrust the server.
      if (response.header('content-type')?.startsWith('text/html') !== true) return response
      await drain(response)
      throw this.#notOurs(response)
    }
    throw await this.#problem(response)
  }

  #notOurs({ status }: HttpResponse): EngineError {
    return new EngineError(
      status >= 500 ? 'offline' : 'server-refused',
      `${this.server} answered ${status} and not as a Lockstep server does: check the address, and what stands in front of the server`,
    )
  }

  async #problem(response: HttpResponse): Promise<EngineError> {
    const notOurs = this.#notOurs(response)
    if (response.header('content-type')?.startsWith('application/problem+json') !== true) {
      await drain(response)
      return notOurs
    }
    const body = await readJson(response).catch((error: unknown) => {
      // Broken off on the way: that says nothing about who answered.
      if (error instanceof EngineError && error.code !== 'server-misbehaved') throw error
      return undefined
    })
    const parsed = problemSchema.safeParse(body)
    if (!parsed.success) return notOurs
    const retryAfter = Number(response.header('retry-after'))
    return new ServerProblem(
      response.status,
      parsed.data.code,
      parsed.data.detail,
      parsed.data,
      Number.isFinite(retryAfter) && retryAfter > 0 ? Math.min(retryAfter, MAX_RETRY_AFTER) : undefined,
    )
  }

  async json<T>(
    schema: { safeParse: (value: unknown) => { success: boolean; data?: T } },
    request: Omit<HttpRequest, 'url' | 'body' | 'headers'> & { readonly path: string; readonly json?: unknown },
    token?: string,
  ): Promise<T> {
    const { json, ...rest } = request
    const response = await this.send({ ...rest, ...(json === undefined ? { headers: {} } : jsonBody(json)) }, token)
    const parsed = schema.safeParse(await readJson(response))
    if (!parsed.success) {
      throw new EngineError(
        'server-misbehaved',
        `${this.server} gave an answer that is not in the protocol: is it a Lockstep server of this version?`,
      )
    }
    return parsed.data as T
  }

  serverInfo(): Promise<ServerInfo> {
    return this.json(serverInfoSchema, { method: 'GET', path: '/v1/server' })
  }

  vaultHeader(name: string): Promise<VaultHeader> {
    return this.json(vaultHeaderSchema, { method: 'GET', path: `/v1/vaults/${encodeURIComponent(name)}` })
  }

  signUp(request: {
    readonly name: string
    readonly vaultId: Uint8Array
    readonly suite: string
    readonly salt: Uint8Array
    readonly authKey: Uint8Array
    readonly bundle: { readonly version: number; readonly sealed: Uint8Array }
    readonly device: { readonly id: Uint8Array; readonly name: string }
    readonly setupToken: string | undefined
  }): Promise<Session> {
    return this.json(sessionSchema, { method: 'POST', path: '/v1/vaults', json: toWire(request), once: true })
  }

  signIn(
    name: string,
    request: {
      readonly authKey: Uint8Array
      readonly device: { readonly id: Uint8Array; readonly name: string }
      readonly deviceCookie: Uint8Array | undefined
    },
  ): Promise<Session> {
    return this.json(sessionSchema, {
      method: 'POST',
      path: `/v1/vaults/${encodeURIComponent(name)}/sessions`,
      json: toWire(request),
      once: true,
    })
  }

  async signOut(token: string): Promise<void> {
    await drain(await this.send({ method: 'DELETE', path: '/v1/session', headers: {} }, token))
  }

  credentials(token: string): Promise<Credentials> {
    return this.json(credentialsSchema, { method: 'GET', path: '/v1/credentials' }, token)
  }

  changeCredentials(
    token: string,
    request: {
      readonly currentAuthKey: Uint8Array
      readonly suite: string
      readonly salt: Uint8Array
      readonly authKey: Uint8Array
      readonly replaces: number
      readonly bundle: { readonly version: number; readonly sealed: Uint8Array }
    },
  ): Promise<Credentials> {
    return this.json(credentialsSchema, { method: 'PUT', path: '/v1/credentials', json: toWire(request), once: true }, token)
  }

  /** Ends a device and opens an epoch [KEY-3]. `device`: 16 bytes. */
  revoke(
    token: string,
    device: Uint8Array,
    request: {
      readonly currentAuthKey: Uint8Array
      readonly suite: string
      readonly salt: Uint8Array
      readonly authKey: Uint8Array
      readonly replaces: number
      readonly bundle: { readonly version: number; readonly sealed: Uint8Array }
      readonly epoch: number
      readonly rotation: Uint8Array
      readonly head: number
      readonly chain: Uint8Array
    },
  ): Promise<Credentials> {
    const path = `/v1/devices/${toBase64Url(device)}/revocation`
    return this.json(credentialsSchema, { method: 'POST', path, json: toWire(request), once: true }, token)
  }

  /** Rotation records of the epochs after `epoch`, ascending. */
  rotations(token: string, epoch: number): Promise<Rotations> {
    return this.json(rotationsSchema, { method: 'GET', path: `/v1/rotations?after=${epoch}` }, token)
  }

  /** What the log consists of, from sequence number `from` on; at most MAX_INDEX_ENTRIES entries. */
  async index(token: string, from: number): Promise<{ readonly position: Position; readonly entries: readonly IndexEntry[] }> {
    const response = await this.send({ method: 'GET', path: `/v1/segments/index?from=${from}`, headers: {} }, token)
    return misbehavedUnlessDecoded(this.server, await readAll(response, MAX_INDEX_ANSWER), decodeIndex)
  }

  /** The last of `marks` that is in the server's log, and what it holds of each replica [LOG-9]. */
  async common(token: string, marks: readonly Mark[], signal?: AbortSignal): Promise<Common> {
    const body = encodeMarks(marks)
    const headers = { 'content-type': SEGMENTS_MEDIA_TYPE }
    const response = await this.send(
      { method: 'POST', path: '/v1/segments/common', headers, body, ...(signal && { signal }) },
      token,
    )
    const parsed = commonSchema.safeParse(await readJson(response))
    if (!parsed.success) throw new EngineError('server-misbehaved', `${this.server} gave an answer that is not in the protocol`)
    return parsed.data
  }

  /** Reserves a merge [LOG-10]. @throws ServerProblem `run-changed`, `merge-busy` */
  openMerge(
    token: string,
    request:
      | { readonly type: 'run'; readonly first: number; readonly last: number; readonly run: Uint8Array }
      | { readonly type: 'seed'; readonly head: number; readonly chain: Uint8Array },
  ): Promise<Merge> {
    return this.json(mergeSchema, { method: 'POST', path: '/v1/segments/merged', json: toWire(request) }, token)
  }

  /** Returns the bytes sent. @throws ServerProblem `not-found` where the reservation has lapsed */
  async putPart(token: string, merge: string, part: number, record: SegmentRecord, signal?: AbortSignal): Promise<number> {
    const body = encodePush([record])
    const path = `/v1/segments/merged/${encodeURIComponent(merge)}/${part}`
    const headers = { 'content-type': SEGMENTS_MEDIA_TYPE }
    await drain(await this.send({ method: 'PUT', path, headers, body, ...(signal && { signal }) }, token))
    return body.length
  }

  /** Puts all parts in place. @throws ServerProblem `run-changed`, `not-found` */
  commitMerge(
    token: string,
    merge: string,
    request: {
      readonly parts: number
      readonly covers?: readonly { readonly replica: Uint8Array; readonly counter: number; readonly digest: Uint8Array }[]
    },
  ): Promise<Position> {
    const path = `/v1/segments/merged/${encodeURIComponent(merge)}`
    return this.json(positionSchema, { method: 'POST', path, json: toWire(request), once: true }, token)
  }

  devices(token: string): Promise<DeviceList> {
    return this.json(deviceListSchema, { method: 'GET', path: '/v1/devices' }, token)
  }

  async push(
    token: string,
    records: readonly SegmentRecord[],
    signal?: AbortSignal,
  ): Promise<{ readonly answer: PushAnswer; readonly bytes: number; readonly date: string | undefined }> {
    const body = encodePush(records)
    const response = await this.send(
      { method: 'POST', path: '/v1/segments', headers: { 'content-type': SEGMENTS_MEDIA_TYPE }, body, ...(signal && { signal }) },
      token,
    )
    const answer = misbehavedUnlessDecoded(this.server, await readAll(response, 64 * 1024), decodePushAnswer)
    if (answer.sequences.length !== records.length)
      throw new EngineError('server-misbehaved', `${this.server} answered for another number of segments than it was sent`)
    return { answer, bytes: body.length, date: response.header('date') }
  }

  /** Streams what the log has of the wanted interval. */
  async *pull(token: string, { after, chain, through, order, resume, signal }: PullRequest): AsyncGenerator<PulledChunk> {
    let path = `/v1/segments?after=${after}&chain=${toHex(chain)}`
    if (through !== undefined) path += `&through=${through}`
    if (order !== undefined) path += `&order=${order}`
    if (resume !== undefined) path += `&resume=${toHex(resume)}`
    const response = await this.send({ method: 'GET', path, headers: {}, ...(signal && { signal }) }, token)
    const date = response.header('date')
    const decoder = new DeliveryDecoder()
    try {
      for await (const chunk of response.body) {
        const segments = decoder.push(chunk)
        if (decoder.position !== undefined) yield { segments, position: decoder.position, bytes: chunk.length, date }
      }
      decoder.end()
    } catch (error) {
      if (error instanceof FormatError && error.code === 'truncated') {
        throw new EngineError('offline', 'the connection to the server broke off; what arrived is kept', { cause: error })
      }
      if (error instanceof FormatError)
        throw new EngineError('server-misbehaved', `${this.server} sent what is not in the protocol: ${error.message}`, {
          cause: error,
        })
      throw error
    }
  }
}
