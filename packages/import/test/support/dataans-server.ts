/**
 * A Dataans server and its clients' sealing, written from the contract with Node's own cryptography: nothing of the importer
 * is used here.
 */
import { argon2Sync, createCipheriv, createHash, createHmac, pbkdf2Sync, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from '../../../../tests/support/random.ts'

export const PASSWORD = 'correct horse battery staple'
export const PASSPHRASE = 'Lantern-Orchid-Basalt-Quiver-Meadow'

const sha256 = (...parts: (Uint8Array | string)[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export const KEY: Buffer = pbkdf2Sync(sha256(PASSWORD), sha256(PASSPHRASE), 1_200_000, 32, 'sha256')

const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

/** Of a key, with the parameters that clients use: 19 456 KiB, two passes, one lane; tests can bear less. */
export function secretKeyHash(key: Uint8Array = KEY, memory = 256): string {
  const nonce = Buffer.alloc(16, 3)
  const hash = argon2Sync('argon2id', { message: key, nonce, parallelism: 1, tagLength: 32, memory, passes: 2 })
  return `$argon2id$v=19$m=${memory},t=2,p=1$${unpadded(nonce)}$${unpadded(hash)}`
}

export interface WireOperation {
  readonly id: string
  readonly createdAt: string
  readonly data: number[]
  readonly checksum: number[]
}

const uuidBytes = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex')

/** `2026-01-01T00:00:00.000000000Z` and so many nanoseconds. */
export function timestamp(nanos: number | bigint): string {
  const base = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n + BigInt(nanos)
  const seconds = new Date(Number(base / 1_000_000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(base % 1_000_000_000n).padStart(9, '0')}Z`
}

function timeBytes(text: string): Buffer {
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(text) ?? []
  const nanos = BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
  const out = Buffer.alloc(16, nanos < 0n ? 0xff : 0)
  out.writeBigInt64BE(nanos, 8)
  return out
}

type Field = string | boolean | Field[] | { readonly [name: string]: Field }

/** The payload's fields in order. Everything that looks like an id or a time is one: the tests' texts do not. */
function payloadBytes(field: Field): Buffer[] {
  if (typeof field === 'boolean') return [Buffer.from([field ? 1 : 0])]
  if (Array.isArray(field)) return field.flatMap(payloadBytes)
  if (typeof field === 'object') return Object.values(field).flatMap(payloadBytes)
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(field)) return [uuidBytes(field)]
  return /^\d{4}-\d\d-\d\dT/.test(field) ? [timeBytes(field)] : [Buffer.from(field)]
}

export function seal(plaintext: Uint8Array, nonce: Uint8Array, key: Uint8Array = KEY): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return Buffer.concat([nonce, ciphertext, createHmac('sha256', key).update(nonce).update(plaintext).digest()])
}

/** As a client makes it. */
export function operation(
  name: string,
  payload: Field,
  { at, id = randomUUID(), random, key }: { at: number | bigint; id?: string; random?: Random; key?: Uint8Array },
): WireOperation {
  const createdAt = timestamp(at)
  const plaintext = Buffer.from(JSON.stringify({ id, created_at: createdAt, operation: { [name]: payload } }))
  const nonce = random?.bytes(12) ?? sha256(id).subarray(0, 12)
  return {
    id,
    createdAt,
    data: [...seal(plaintext, nonce, key)],
    checksum: [...sha256(uuidBytes(id), timeBytes(createdAt), name, ...payloadBytes(payload))],
  }
}

export const note = (id: string, text: string, space: string, at: number | bigint, deleted = false) => ({
  id,
  text,
  created_at: timestamp(at),
  updated_at: timestamp(at),
  space_id: space,
  is_deleted: deleted,
})

export const space = (id: string, name: string, avatar: string, at: number | bigint, deleted = false) => ({
  id,
  name,
  avatar_id: avatar,
  created_at: timestamp(at),
  updated_at: timestamp(at),
  is_deleted: deleted,
})

export const file = (id: string, name: string, at: number | bigint) => ({
  id,
  name,
  path: `/home/me/${name}`,
  created_at: timestamp(at),
  updated_at: timestamp(at),
  is_deleted: false,
})

/** Something else than the contract's answer, before it. Returns whether it answered. */
export type Interference = (request: IncomingMessage, response: ServerResponse) => boolean

export interface DataansServer {
  readonly url: string
  /** In any order. */
  readonly operations: WireOperation[]
  readonly files: Set<string>
  /** `METHOD path`, and the headers of each. */
  readonly requests: { readonly line: string; readonly headers: IncomingMessage['headers'] }[]
  interfere: Interference
  [Symbol.asyncDispose](): Promise<void>
}

export async function dataansServer(operations: WireOperation[] = []): Promise<DataansServer> {
  const hash = secretKeyHash()
  const server = createServer((request, response) => {
    site.requests.push({ line: `${request.method} ${request.url}`, headers: request.headers })
    request.resume()
    if (site.interfere(request, response)) return
    const url = new URL(request.url ?? '', 'http://x')
    const json = (value: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value))
    const sorted = () =>
      site.operations.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : a.id < b.id ? -1 : 1))
    const found = /^\/file\/([0-9a-f-]+)\/exists$/.exec(url.pathname)
    if (url.pathname === '/user') json({ id: '00000000-0000-4000-8000-000000000000', secretKeyHash: hash })
    else if (url.pathname === '/data/block') json(blocks(sorted(), Number(url.searchParams.get('items_per_block'))))
    else if (url.pathname === '/data/operation') json(sorted().slice(Number(url.searchParams.get('operations_to_skip'))))
    else if (found !== null) json(site.files.has(found[1] as string))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const site: DataansServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    operations,
    files: new Set(),
    requests: [],
    interfere: () => false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return site
}

function blocks(operations: readonly WireOperation[], size: number): number[][] {
  return Array.from({ length: Math.ceil(operations.length / size) }, (_, i) => [
    ...sha256(...operations.slice(i * size, (i + 1) * size).map(({ checksum }) => Buffer.from(checksum))),
  ])
}
