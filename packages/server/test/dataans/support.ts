/** Dataans requests as its client makes them, with made-up data. */
import { createHash } from 'node:crypto'
import type { AppOptions } from '#app'
import { openFolderBlobs } from '#blobs/fs/fs'
import type { ServerOptions } from '#config'
import { createDataans, type DataansOptions } from '#dialects/dataans/dataans'
import type { RunningServer, ServeSeams } from '#serve'
import { named } from '../client.ts'
import { type InProcess, inProcess, random } from '../in-process.ts'
import { running, temporaryFolder } from '../running.ts'

export interface WireOperation {
  readonly id: string
  readonly createdAt: string
  readonly data: readonly number[]
  readonly checksum: readonly number[]
}

export function uuid(name: string): string {
  const hex = Buffer.from(named(name, 16)).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** @param second since the beginning of 2025, with any fraction */
export function timeAt(second: number, fraction = ''): string {
  const text = new Date(Date.UTC(2025, 0, 1) + second * 1000).toISOString().slice(0, 19)
  return `${text}${fraction === '' ? '' : `.${fraction}`}Z`
}

/** Another one for each name. */
export function operation(name: string, createdAt: string, dataBytes = 20): WireOperation {
  const data = Array.from({ length: dataBytes }, (_, i) => (i * 7 + name.length) & 0xff)
  return { id: uuid(name), createdAt, data, checksum: [...named(`checksum ${name}`)] }
}

/** As the document says: SHA-256 over the checksums of each run. */
export function blocksOf(operations: readonly WireOperation[], length: number): number[][] {
  const blocks: number[][] = []
  for (let at = 0; at < operations.length; at += length) {
    const hash = createHash('sha256')
    for (const { checksum } of operations.slice(at, at + length)) hash.update(Uint8Array.from(checksum))
    blocks.push([...hash.digest()])
  }
  return blocks
}

export type Send = (path: string, init?: RequestInit) => Promise<Response>

/** The routes, by name; each throws for another status than 200. */
export function client(send: Send) {
  async function ask(path: string, init?: RequestInit): Promise<Response> {
    const response = await send(path, init)
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response
  }
  return {
    async push(operations: readonly WireOperation[]): Promise<void> {
      const response = await ask('/data/operation', { method: 'POST', body: JSON.stringify(operations) })
      if ((await response.text()) !== '') throw new Error('the answer to operations has a body')
    },
    operations: async (skip = 0) => (await (await ask(`/data/operation?operations_to_skip=${skip}`)).json()) as WireOperation[],
    blocks: async (length = 16) => (await (await ask(`/data/block?items_per_block=${length}`)).json()) as number[][],
    async upload(name: string, body: RequestInit['body']): Promise<void> {
      await ask(`/file/${uuid(name)}`, { method: 'POST', body: body ?? null, duplex: 'half' } as RequestInit)
    },
    download: async (name: string) => Buffer.from(await (await ask(`/file/${uuid(name)}`)).arrayBuffer()),
    exists: async (name: string) => (await (await ask(`/file/${uuid(name)}/exists`)).json()) as boolean,
  }
}

export type Client = ReturnType<typeof client>

/** The sentence of an error, which is all that its body has. */
export async function errorOf(response: Response): Promise<string> {
  if (response.headers.get('content-type') !== 'application/json') throw new Error(`no error: ${await response.text()}`)
  const body = (await response.json()) as { error?: unknown }
  if (typeof body.error !== 'string' || body.error === '' || Object.keys(body).length !== 1) {
    throw new Error(`not an error: ${JSON.stringify(body)}`)
  }
  return body.error
}

export interface Served extends Client {
  readonly server: RunningServer
  readonly send: Send
}

/** A real server, on a port, that speaks the dialect and has no gate. */
export async function served(options: ServerOptions = {}, seams: ServeSeams = {}): Promise<Served> {
  const server = await running({ dialect: ['dataans'], insecureNoGate: true, ...options }, seams)
  const send: Send = (path, init) => fetch(server.url + path, init)
  return { ...client(send), server, send }
}

export interface Inside extends Client, InProcess {
  readonly folder: string
}

/** The dialect without sockets: its storage in memory, its files in a folder. */
export function inside(options: Partial<DataansOptions> = {}, app: Partial<AppOptions> = {}): Inside {
  const folder = temporaryFolder()
  const create = createDataans({ blobs: openFolderBlobs({ folder }), random, fileBytes: 1e6, quotaBytes: 0, ...options })
  const subject = inProcess({}, { dialects: [create], ...app })
  return { ...client((path, init) => subject.request(path, init)), ...subject, folder }
}
