/**
 * The sync server's routes, as the desktop app calls them. It proves itself with Cloudflare Access's cookie, and looks into
 * its own token for the time after which it need not ask any more.
 */

const JSON_TYPE = 'application/json'

/** The server answered something else than success. */
export class RefusedError extends Error {
  readonly status: number
  constructor(request: string, status: number, body: string) {
    super(`${request}: ${status} ${body.slice(0, 200)}`)
    this.name = 'RefusedError'
    this.status = status
  }
}

/** Found out from the token, before anything is sent. */
export class TokenExpiredError extends Error {
  constructor() {
    super('access token is expired')
    this.name = 'TokenExpiredError'
  }
}

/** The server answered success with something that is not what the contract says. */
export class ContractError extends Error {}

export interface WireOperation {
  readonly id: string
  readonly createdAt: string
  /** An envelope. */
  readonly data: Uint8Array
  readonly checksum: Uint8Array
}

export interface User {
  readonly id: string
  readonly secretKeyHash: string
}

export interface Connection {
  readonly url: string
  /** The Access application token. */
  token: string
  readonly fetch?: typeof fetch
  /** Unix milliseconds. */
  readonly clock?: () => number
}

interface Body {
  readonly type: string
  readonly content: string | Uint8Array
}

function bytesOf(value: unknown, what: string): Uint8Array {
  const isByte = (item: unknown) => typeof item === 'number' && Number.isInteger(item) && item >= 0 && item <= 255
  if (!Array.isArray(value) || !value.every(isByte)) throw new ContractError(`${what} is not an array of bytes`)
  return Uint8Array.from(value as number[])
}

function digestOf(value: unknown, what: string): Uint8Array {
  const bytes = bytesOf(value, what)
  if (bytes.length !== 32) throw new ContractError(`${what} has ${bytes.length} bytes`)
  return bytes
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new ContractError(`${what} is not a text`)
  return value
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ContractError(`${what} is not an array`)
  return value
}

/** Seconds since 1970; undefined when the token does not say. */
function expiryOf(token: string): number | undefined {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { exp?: unknown }
    return typeof exp === 'number' ? exp : undefined
  } catch {
    return undefined
  }
}

export class SyncServer {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = { ...connection }
  }

  async #ask(method: string, path: string, body?: Body): Promise<Response> {
    const { url, token, fetch: send = fetch, clock = Date.now } = this.#connection
    const expiry = expiryOf(token)
    if (expiry !== undefined && expiry * 1000 <= clock()) throw new TokenExpiredError()
    const headers: Record<string, string> = { accept: JSON_TYPE, cookie: `CF_Authorization=${token}` }
    if (body !== undefined) headers['content-type'] = body.type
    return send(`${url}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body: body.content as NonNullable<RequestInit['body']> }),
    })
  }

  async #must(method: string, path: string, body?: Body): Promise<Response> {
    const response = await this.#ask(method, path, body)
    if (response.status !== 200) throw new RefusedError(`${method} ${path}`, response.status, await response.text())
    return response
  }

  /** In place of one that has run out. */
  useToken(token: string): void {
    this.#connection.token = token
  }

  /** Whether it lets this token in. */
  async checkAccess(): Promise<void> {
    const said = await (await this.#must('GET', '/health/auth')).text()
    if (said !== 'auth_ok') throw new ContractError(`GET /health/auth said ${said}`)
  }

  /** Undefined when nobody has signed in yet. */
  async user(): Promise<User | undefined> {
    const response = await this.#ask('GET', '/user')
    if (response.status === 404) {
      await response.arrayBuffer()
      return undefined
    }
    if (response.status !== 200) throw new RefusedError('GET /user', response.status, await response.text())
    const { id, secretKeyHash } = (await response.json()) as Readonly<Record<string, unknown>>
    return { id: textOf(id, 'id'), secretKeyHash: textOf(secretKeyHash, 'secretKeyHash') }
  }

  async initialise(user: User): Promise<void> {
    await this.#must('POST', '/user', { type: JSON_TYPE, content: JSON.stringify(user) })
  }

  async blocks(perBlock: number): Promise<readonly Uint8Array[]> {
    const response = await this.#must('GET', `/data/block?items_per_block=${perBlock}`)
    return listOf(await response.json(), 'the answer').map((block) => digestOf(block, 'a block'))
  }

  async operations(skip: number): Promise<readonly WireOperation[]> {
    const response = await this.#must('GET', `/data/operation?operations_to_skip=${skip}`)
    return listOf(await response.json(), 'the answer').map((item) => {
      const { id, createdAt, data, checksum } = item as Readonly<Record<string, unknown>>
      return {
        id: textOf(id, 'id'),
        createdAt: textOf(createdAt, 'createdAt'),
        data: bytesOf(data, 'data'),
        checksum: digestOf(checksum, 'checksum'),
      }
    })
  }

  async push(operations: readonly WireOperation[]): Promise<void> {
    const items = operations.map(({ id, createdAt, data, checksum }) => ({
      id,
      createdAt,
      data: Array.from(data),
      checksum: Array.from(checksum),
    }))
    const response = await this.#must('POST', '/data/operation', { type: JSON_TYPE, content: JSON.stringify(items) })
    if ((await response.text()) !== '') throw new ContractError('POST /data/operation answered with a body')
  }

  async hasFile(id: string): Promise<boolean> {
    const said = await (await this.#must('GET', `/file/${id}/exists`)).text()
    if (said !== 'true' && said !== 'false') throw new ContractError(`whether a file exists: ${said}`)
    return said === 'true'
  }

  async upload(id: string, envelope: Uint8Array): Promise<void> {
    await (await this.#must('POST', `/file/${id}`, { type: 'application/octet-stream', content: envelope })).arrayBuffer()
  }

  /** Undefined when it has none. */
  async download(id: string): Promise<Uint8Array | undefined> {
    const response = await this.#ask('GET', `/file/${id}`)
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (response.status === 404) return undefined
    if (response.status !== 200) throw new RefusedError(`GET /file/${id}`, response.status, Buffer.from(bytes).toString('utf8'))
    if (response.headers.get('content-length') !== String(bytes.length)) throw new ContractError('a file without its length')
    return bytes
  }
}
