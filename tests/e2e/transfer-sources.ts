/** What notes are imported from in tests of the app: exports, and servers of other apps behind the app's own address. */
import { createCipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TextReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import { onTestFinished } from 'vitest'

/** Whatever the entries are called. */
export async function zipOf(entries: readonly { readonly name: string; readonly data: string }[]): Promise<Buffer> {
  const zip = new ZipWriter(new Uint8ArrayWriter())
  for (const { name, data } of entries) await zip.add(name, new TextReader(data))
  return Buffer.from(await zip.close())
}

/** As Dataans writes it. */
export function dataansExport(texts: readonly string[]): string {
  const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
  const at = '2026-01-01T00:00:00Z'
  const notes = texts.map((text, i) => ({ id: id(10 + i), text, created_at: at, updated_at: at, space_id: id(1), files: [] }))
  const space = { id: id(1), name: 'From Dataans', created_at: at, updated_at: at, avatar: { id: id(2), path: '' } }
  return JSON.stringify({ version: 'V1', data: [{ space, notes: [...notes, { id: id(99), text: 7 }] }] })
}

type Handler = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> | void

export interface DifflogSite {
  readonly profile: string
  readonly password: string
  readonly handle: Handler
}

/** A profile on a diff·log server: one diff and a star in it. */
export function difflogSite(text: string): DifflogSite {
  const [password, clientSalt, salt] = ['pässword', Buffer.alloc(16, 1).toString('base64'), Buffer.alloc(16, 2)]
  const key = pbkdf2Sync(password, salt, 100_000, 32, 'sha256')
  const seal = (value: unknown) => {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, iv)
    return Buffer.concat([iv, cipher.update(JSON.stringify(value)), cipher.final(), cipher.getAuthTag()]).toString('base64')
  }
  const hash = `${clientSalt}:${createHash('sha256')
    .update(clientSalt + password)
    .digest('base64')}`
  const content = {
    diffs: [{ id: 'd', encrypted_data: seal({ content: text, title: 'A day', generated_at: '2026-02-01T08:00:00.000Z' }) }],
    stars: [{ id: 'd:0', encrypted_data: seal({ diff_id: 'd', p_index: 0, added_at: '2026-02-01T09:00:00Z' }) }],
    tldrs: [],
    salt: salt.toString('base64'),
    profile: {},
  }
  return {
    profile: 'me',
    password,
    async handle(incoming, outgoing) {
      let body = ''
      for await (const chunk of incoming) body += chunk
      const json = (status: number, value: unknown) =>
        outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
      if (incoming.url === '/api/share/me') json(200, { password_salt: clientSalt })
      else if (JSON.parse(body || '{}').password_hash === hash) json(200, content)
      else json(401, { error: 'Invalid password', attempts_remaining: 3 })
    },
  }
}

/** Sends a request on. */
export const passTo =
  (address: string): Handler =>
  (incoming, outgoing) => {
    const { hostname, port } = new URL(address)
    const { method, url: path, headers } = incoming
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  }

/** One address for the app and for what stands behind paths that begin so. */
export async function oneAddress(app: string, others: Readonly<Record<string, Handler>>): Promise<string> {
  const toApp = passTo(app)
  const server = createServer((incoming, outgoing) => {
    const [, handler = toApp] = Object.entries(others).find(([path]) => incoming.url?.startsWith(path)) ?? []
    void handler(incoming, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
