/** Streamed answers and uploads on real sockets: constant memory, deadlines, refusals. */
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { MAX_PUSH_BYTES } from '@lockstep/protocol/limits'
import { expect, test } from 'vitest'
import { type RawSocket, rawSocket } from './raw-socket.ts'
import { running } from './running.ts'
import { CHUNK, type Stub, stubDialect, UPLOAD_LIMIT } from './stub-dialect.ts'

/** What may be under way between a fast side and a slow one: the kernel's two buffers and ours. */
const UNDER_WAY = 16 * 1024 * 1024

async function served(options: Parameters<typeof running>[0] = {}): Promise<{ url: string; stub: Stub }> {
  const stub = stubDialect()
  const { url } = await running(options, { dialects: [stub.create] })
  return { url, stub }
}

const raw = (url: string, head: string): Promise<RawSocket> => rawSocket(url, `${head}\r\nhost: x\r\n`)

const upload = (name: string, length: number, extra = '') =>
  `POST /stub/upload/${name} HTTP/1.1\r\n${extra}content-length: ${length}\r\nx: y\r\n`.slice(0, -2)

/** Sends until the other side takes no more for a while; how much it took. */
async function sendAll({ socket }: RawSocket, bytes: number): Promise<number> {
  const chunk = Buffer.alloc(256 * 1024)
  let sent = 0
  while (sent < bytes && !socket.destroyed) {
    if (!socket.write(chunk) && (await Promise.race([once(socket, 'drain'), wait(700, 'stuck')])) === 'stuck') break
    sent += chunk.length
  }
  return sent
}

test('[G19] a streamed answer is made as it is taken, and dropped with its reader', async () => {
  const { url, stub } = await served()
  const { socket } = await raw(url, 'GET /stub/stream/4000 HTTP/1.1')
  socket.pause()
  socket.write('\r\n')
  let before = -1
  while (stub.pulled !== before) {
    before = stub.pulled
    await wait(200)
  }
  expect(stub.pulled * CHUNK).toBeLessThan(UNDER_WAY)
  expect(stub.cancelled).toBe(0)
  socket.destroy()
  while (stub.cancelled === 0) await wait(10)
  expect(stub.pulled).toBeLessThan(4000)
})

test('a streamed answer has the length that it was given, or the connection is dropped', async () => {
  const { url, stub } = await served()
  const whole = await fetch(`${url}/stub/stream/40`)
  expect(whole.headers.get('content-length')).toBe(String(40 * CHUNK))
  expect((await whole.arrayBuffer()).byteLength).toBe(40 * CHUNK)
  for (const length of [40 * CHUNK + 1, 40 * CHUNK - 1]) {
    stub.pulled = 0
    const other = await fetch(`${url}/stub/stream/40?length=${length}`)
    await expect(other.arrayBuffer()).rejects.toThrow()
  }
})

test('[G19] an upload is taken no faster than its handler reads it', async () => {
  const { url, stub } = await served()
  const sender = await raw(url, upload('unread', UPLOAD_LIMIT))
  sender.socket.write('\r\n')
  const before = process.memoryUsage().arrayBuffers
  expect(await sendAll(sender, 200_000_000)).toBeLessThan(UNDER_WAY)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(UNDER_WAY)
  stub.release()
})

test('an upload may take longer than other requests while it gets on; one that does not is told 408 in the dialect’s words', async () => {
  const { url, stub } = await served({ requestTimeout: 1 })
  const steady = await raw(url, upload('read', 10 * CHUNK))
  const stalled = await raw(url, upload('read', 10 * CHUNK))
  const dripping = await raw(url, upload('read', 10 * CHUNK))
  const json = await raw(url, `POST /stub/json HTTP/1.1\r\ncontent-length: ${10 * CHUNK}`)
  for (const { socket } of [steady, stalled, dripping, json]) socket.write('\r\n')
  stalled.socket.write(Buffer.alloc(CHUNK / 2))
  const started = Date.now()
  for (let sent = 0; sent < 9; sent++) {
    for (const { socket } of [steady, json]) if (!socket.destroyed) socket.write(Buffer.alloc(CHUNK))
    if (!dripping.socket.destroyed) dripping.socket.write('x')
    await wait(300)
  }
  expect(Date.now() - started).toBeGreaterThan(2000)
  for (const { answer, closed } of [stalled, dripping, json]) {
    await closed
    expect(answer()).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer()).toContain('stub: the request took too long')
  }
  expect(steady.answer()).toBe('')
  while (stub.broken < 2) await wait(10)
  steady.socket.write(Buffer.alloc(CHUNK))
  while (steady.answer() === '') await wait(10)
  expect(steady.answer()).toMatch(/^HTTP\/1\.1 200 /)
})

test('a refused upload is answered and its connection closed; what is left of it is not read', async () => {
  const { url } = await served()
  const sender = await raw(url, upload('refused', UPLOAD_LIMIT))
  sender.socket.write('\r\n')
  sender.socket.write(Buffer.alloc(CHUNK))
  await sender.closed
  expect(sender.answer()).toMatch(/^HTTP\/1\.1 403 /)
  expect(sender.answer().toLowerCase()).toContain('connection: close')
  // A sender that is done is not cut off: its connection is used again.
  const done = await raw(url, upload('read', 1))
  done.socket.write('\r\nx')
  while (done.answer() === '') await wait(10)
  done.socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
  while (!done.answer().includes('ok')) await wait(10)
})

test('an upload that breaks off is told to its handler', async () => {
  const { url, stub } = await served()
  const sender = await raw(url, upload('read', UPLOAD_LIMIT))
  sender.socket.write('\r\n')
  sender.socket.write(Buffer.alloc(CHUNK))
  while (stub.received < CHUNK) await wait(10)
  sender.socket.destroy()
  while (stub.broken === 0) await wait(10)
})

test('[HTTP-3] who asks first whether to send is answered by the limit of the route', async () => {
  const { url } = await served()
  const ask = async (path: string, length: number) => {
    const asking = await raw(url, `POST ${path} HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: ${length}`)
    asking.socket.write('\r\n')
    while (asking.answer() === '' && !asking.socket.destroyed) await Promise.race([wait(10), asking.closed])
    const [first] = asking.answer().split('\r\n')
    asking.socket.destroy()
    return first
  }
  expect(await ask('/stub/upload/read', MAX_PUSH_BYTES * 10)).toBe('HTTP/1.1 100 Continue')
  expect(await ask('/stub/upload/refused', UPLOAD_LIMIT + 1)).toBe('HTTP/1.1 403 Forbidden')
  expect(await ask('/stub/json', 100_000)).toBe('HTTP/1.1 100 Continue')
  expect(await ask('/v1/segments', MAX_PUSH_BYTES)).toBe('HTTP/1.1 100 Continue')
  expect(await ask('/v1/segments', MAX_PUSH_BYTES + 1)).toBe('HTTP/1.1 401 Unauthorized')
})
