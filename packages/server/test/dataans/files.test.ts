/** Files: whole or not there, replaced in one step, streamed, within their limits. */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { BlobStore } from '#blobs/blobs'
import { BLOBS_FOLDER, openFolderBlobs } from '#blobs/fs/fs'
import { createLogger } from '#log'
import { StorageFullError } from '#storage/storage'
import { needs } from '../../../../tests/support/optional.ts'
import { spawnServer } from '../child.ts'
import { rawSocket } from '../raw-socket.ts'
import { temporaryFolder } from '../running.ts'
import { client, errorOf, inside, operation, served, timeAt, uuid } from './support.ts'

/** Blobs of files that are there, and of uploads that are under way. */
function contents(folder: string): { readonly blobs: readonly string[]; readonly incoming: readonly string[] } {
  const blobs = readdirSync(folder).filter((name) => name !== 'incoming')
  return { blobs, incoming: readdirSync(join(folder, 'incoming')) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5)
}

test('an upload that breaks off leaves nothing, and what was there before', async () => {
  const data = temporaryFolder()
  const { upload, download, exists, server } = await served({ data })
  await upload('old', 'old text')
  const folder = join(data, BLOBS_FOLDER)
  for (const [name, framing] of [
    ['new', 'content-length: 1000000'],
    ['old', 'content-length: 1000000'],
    ['new', 'transfer-encoding: chunked'],
    ['old', 'transfer-encoding: chunked'],
  ] as const) {
    const { socket } = await rawSocket(server.url, `POST /file/${uuid(name)} HTTP/1.1\r\nhost: localhost\r\n${framing}\r\n\r\n`)
    socket.write(framing.startsWith('content') ? Buffer.alloc(70_000) : `11170\r\n${'x'.repeat(70_000)}\r\n`)
    await until(() => contents(folder).incoming.length === 1)
    socket.destroy()
    await until(() => contents(folder).incoming.length === 0)
    expect(contents(folder).blobs).toHaveLength(1)
  }
  expect([await exists('new'), await exists('old')]).toEqual([false, true])
  expect((await download('old')).toString()).toBe('old text')
})

test('a download stays whole while its file is replaced', async () => {
  const data = temporaryFolder()
  const { upload, download, send } = await served({ data })
  const [first, second] = [randomBytes(12_000_000), randomBytes(3_000_000)]
  await upload('a', first)
  const response = await send(`/file/${uuid('a')}`)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const chunks: Uint8Array[] = []
  for (let replaced = false; ; ) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    if (replaced) continue
    await upload('a', second)
    expect(contents(join(data, BLOBS_FOLDER)).blobs).toHaveLength(1)
    expect((await download('a')).equals(second)).toBe(true)
    replaced = true
  }
  expect(response.headers.get('content-length')).toBe('12000000')
  expect(Buffer.concat(chunks).equals(first)).toBe(true)
})

test('of uploads to one file at a time one is the file, whole, and the others leave nothing', async () => {
  const data = temporaryFolder()
  const { upload, download } = await served({ data })
  const bodies = Array.from({ length: 8 }, (_, i) => randomBytes(100_000 + i))
  const reading = Array.from({ length: 8 }, async () => {
    const found = await download('a').catch((error: Error) => error)
    if (found instanceof Error) expect(found.message).toContain('404')
    else expect(bodies.some((body) => body.equals(found))).toBe(true)
  })
  await Promise.all([...bodies.map((body) => upload('a', body)), ...reading])
  const found = await download('a')
  expect(bodies.some((body) => body.equals(found))).toBe(true)
  expect(contents(join(data, BLOBS_FOLDER))).toMatchObject({ blobs: [expect.anything()], incoming: [] })
})

const linux = needs('memory of a large upload', process.platform === 'linux', 'it is read from /proc')
test.skipIf(!linux)('[G19] a large file passes in both directions in constant memory', { timeout: 60_000 }, async () => {
  const MEGABYTES = 128
  const { url, pid } = await spawnServer(temporaryFolder())
  const memory = (field: string) =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  const { upload } = client((path, init) => fetch(url + path, init))
  await upload('small', 'x')
  const before = memory('VmRSS')
  let sent = 0
  const chunk = randomBytes(1024 * 1024)
  const body = new ReadableStream({
    pull(controller) {
      sent += 1
      controller.enqueue(chunk)
      if (sent === MEGABYTES) controller.close()
    },
  })
  await upload('large', body)
  let received = 0
  const response = await fetch(`${url}/file/${uuid('large')}`)
  for await (const part of response.body as ReadableStream<Uint8Array>) received += part.length
  expect([received, response.headers.get('content-length')]).toEqual([MEGABYTES * 1024 * 1024, `${MEGABYTES * 1024 * 1024}`])
  const grown = memory('VmHWM') - before
  console.log(`${MEGABYTES} MB up and down: the server grew by ${grown.toFixed(0)} MB at most`)
  expect(grown).toBeLessThan(100)
})

test('the quota is for files and operations together; replacing by less is always possible', async () => {
  const server = inside({ quotaBytes: 1000 })
  const put = async (name: string, bytes: number, headers: Record<string, string> = {}) => {
    const body = new Blob([new Uint8Array(bytes)]).stream()
    const response = await server.request(`/file/${uuid(name)}`, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
    if (response.status !== 200) expect(await errorOf(response)).toContain('1000')
    return response.status
  }
  expect(await put('a', 600)).toBe(200)
  expect(await put('b', 401)).toBe(507)
  expect(await put('b', 10, { 'content-length': '401' })).toBe(507)
  expect(await put('b', 300)).toBe(200)
  await server.push([operation('1', timeAt(1), 100)])
  const more = { method: 'POST', body: JSON.stringify([operation('2', timeAt(2), 1)]) }
  const refused = await server.request('/data/operation', more)
  expect([refused.status, await errorOf(refused)]).toEqual([507, expect.stringContaining('nothing was stored')])
  expect(await put('a', 601)).toBe(507)
  expect(await put('a', 600)).toBe(200)
  expect(await put('a', 500)).toBe(200)
  expect((await server.request('/data/operation', more)).status).toBe(200)
  expect([await server.exists('b'), (await server.download('a')).length]).toEqual([true, 500])
  expect(contents(server.folder)).toMatchObject({ blobs: [expect.anything(), expect.anything()], incoming: [] })
})

test('[G5] a full disk is 507; what was there stays', async () => {
  const folder = temporaryFolder()
  let full = false
  const whole = openFolderBlobs({ folder })
  const blobs: BlobStore = {
    ...whole,
    put: async (name, body, maxBytes) => {
      if (!full) return whole.put(name, body, maxBytes)
      for await (const _ of body) throw new StorageFullError()
      throw new StorageFullError()
    },
  }
  const server = inside({ blobs })
  await server.upload('a', 'text')
  full = true
  for (const name of ['a', 'b']) {
    const answer = await server.request(`/file/${uuid(name)}`, { method: 'POST', body: 'new text' })
    expect([answer.status, await errorOf(answer)]).toEqual([507, expect.stringContaining('no room')])
  }
  full = false
  expect([(await server.download('a')).toString(), await server.exists('b')]).toEqual(['text', false])
  await server.upload('b', 'new text')
})

test('a start removes what is nobody’s of its own database, and nothing of others', async () => {
  const data = temporaryFolder()
  const before = await served({ data })
  await before.upload('a', 'text')
  await before.server.close()
  const folder = join(data, BLOBS_FOLDER)
  const [own = ''] = contents(folder).blobs
  writeFileSync(join(folder, `${own.slice(0, -2)}zz`), 'replaced, or never named')
  writeFileSync(join(folder, 'other-blob'), 'of something else')
  const after = await served({ data })
  // An upload waits for it.
  await after.upload('b', 'b')
  const left = contents(folder).blobs.filter((name) => !name.includes(uuid('b')))
  expect(left.toSorted()).toEqual([own, 'other-blob'])
  expect((await after.download('a')).toString()).toBe('text')
  await after.server.close()

  for (const file of readdirSync(data)) if (file.startsWith('lockstep.db')) rmSync(join(data, file))
  const without = await served({ data })
  await without.upload('c', 'c')
  expect(contents(folder).blobs).toEqual(expect.arrayContaining([own, 'other-blob']))
  expect(await without.exists('a')).toBe(false)
})

test('a file whose bytes are gone, or are more or fewer, is an error and is logged', async () => {
  const lines: string[] = []
  const server = inside({}, { logger: createLogger('error', (line) => lines.push(line)) })
  await server.upload('a', 'text')
  const [name = ''] = contents(server.folder).blobs
  for (const damage of [() => truncateSync(join(server.folder, name), 3), () => rmSync(join(server.folder, name))]) {
    damage()
    const answer = await server.request(`/file/${uuid('a')}`)
    expect([answer.status, await errorOf(answer)]).toEqual([500, expect.stringContaining('went wrong')])
    expect(lines.pop()).toContain('lockstep verify')
  }
})

test('what is stored cannot be a page of this server', async () => {
  const server = inside()
  await server.upload('a', '<script>alert(1)</script>')
  const { headers, body } = await server.request(`/file/${uuid('a')}`)
  await body?.cancel()
  expect(headers.get('content-type')).toBe('application/octet-stream')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toContain('sandbox')
  expect(headers.get('content-disposition')).toBe('attachment')
})

test('a file that is over the limit is refused in words, whether its length is told or not', async () => {
  const data = temporaryFolder()
  const { server, exists } = await served({ data, dataansFileBytes: 100_000 })
  const chunk = `186a1\r\n${'x'.repeat(100_001)}\r\n`
  for (const [framing, sent] of [
    ['content-length: 100001', ''],
    ['content-length: 2000000', 'x'.repeat(50_000)],
    ['transfer-encoding: chunked', chunk],
    ['transfer-encoding: chunked', chunk + chunk],
  ] as const) {
    const { closed } = await rawSocket(
      server.url,
      `POST /file/${uuid('a')} HTTP/1.1\r\nhost: localhost\r\n${framing}\r\n\r\n${sent}`,
    )
    expect(await closed).toMatch(/^HTTP\/1\.1 413 .*connection: close.*{"error":"the file is over the limit of 100000 bytes"}$/is)
  }
  expect(await exists('a')).toBe(false)
  expect(contents(join(data, BLOBS_FOLDER))).toEqual({ blobs: [], incoming: [] })
})
