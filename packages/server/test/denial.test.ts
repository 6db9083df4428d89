/**
 * [G19] Strangers who want the server to be slow: silent and half-open connections, bodies that never end, bodies made to cost their
 * reader. Others are answered meanwhile, and the process stays small. `LOCKSTEP_RUNS=9` holds nine thousand silent connections.
 */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { expect, test } from 'vitest'
import { runs } from '../../../tests/support/random.ts'
import { type ServerProcess, spawnServer } from './child.ts'
import { bearer, jsonRequest, named, pushRequest, ReplicaLog, signUpBody } from './client.ts'
import { rawSocket } from './raw-socket.ts'
import { temporaryFolder, type WireSession } from './running.ts'

const linux = process.platform === 'linux'
const MIB = 1024 * 1024
const LIMIT = 256 * MIB
/** What is garbage by then and was not collected: when that happens is not ours to say. */
const GARBAGE = 96 * MIB

/** The most memory that the process has had. Bytes. */
function peak({ pid }: ServerProcess): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

const connect = async ({ url }: ServerProcess, first: string): Promise<Socket> => (await rawSocket(url, first)).socket

interface Person {
  /** One of each kind of request, all of them answered well. */
  work(): Promise<void>
  readonly milliseconds: number[]
}

async function person({ url }: ServerProcess, name: string): Promise<Person> {
  const made = await fetch(`${url}/v1/vaults`, jsonRequest('POST', signUpBody(name)))
  const { token } = (await made.json()) as WireSession
  const log = new ReplicaLog(name)
  const id = '00000000-0000-4000-8000-000000000001'
  const milliseconds: number[] = []
  return {
    milliseconds,
    async work() {
      for (const [path, init] of [
        ['/v1/segments', pushRequest(token, [log.next(named('x'))])],
        ['/v1/status', bearer(token)],
        ['/api/profile/nobody/status', {}],
        ['/data/block', {}],
        [`/file/${id}`, { method: 'POST', body: 'content' }],
        [`/file/${id}/exists`, {}],
      ] as const) {
        const started = performance.now()
        const response = await fetch(`${url}${path}`, init)
        await response.arrayBuffer()
        milliseconds.push(performance.now() - started)
        expect([path, response.status]).toEqual([path, 200])
      }
    },
  }
}

function report(what: string, server: ServerProcess, { milliseconds }: Person): void {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const p99 = sorted[Math.floor(0.99 * sorted.length)] ?? 0
  console.log(`${what}: ${sorted.length} requests of others, p99 ${p99.toFixed(0)} ms; peak ${Math.round(peak(server) / MIB)} MiB`)
}

const head = (path: string, length: number, type = 'application/json') =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`

test.skipIf(!linux)('[G19] silent connections, half headers and bodies that do not go on', { timeout: 120_000 }, async () => {
  const server = await spawnServer(temporaryFolder())
  const owner = await person(server, 'owner')
  const silent = runs(1000)
  for (let n = 0; n < silent; n += 100) {
    await Promise.all(Array.from({ length: Math.min(100, silent - n) }, () => connect(server, '')))
  }
  const slow = [
    'GET /v1/server HTTP/1.1\r\nhost: x\r\nx-half: ',
    `${head('/v1/segments', 10 * MIB, SEGMENTS_MEDIA_TYPE)}x`,
    `${head('/v1/vaults', 1000)}{`,
    `${head('/api/profile/p/sync', 10 * MIB)}{"password_hash":`,
    `${head('/data/operation', 10 * MIB)}[`,
    `${head('/file/00000000-0000-4000-8000-000000000002', 10 * MIB)}x`,
  ]
  for (const first of slow) await Promise.all(Array.from({ length: 50 }, () => connect(server, first)))
  for (let n = 0; n < 20; n++) await owner.work()
  report(`${silent} silent and ${50 * slow.length} slow connections`, server, owner)
  expect(peak(server)).toBeLessThan(LIMIT)
})

/** As large as their route takes, and cheap to send. */
const COSTLY: readonly (readonly [path: string, body: () => string])[] = [
  ['/api/profile/p/sync', () => `{"password_hash":"a:b","diffs":${'['.repeat(7.9 * MIB)}${']'.repeat(7.9 * MIB)}}`],
  ['/api/profile/p/sync', () => `{"password_hash":"a:b","resolved_sources":[${'{},'.repeat(5 * MIB)}0]}`],
  ['/api/profile/p/password', () => `{"old_password_hash":"a:b",${'"a":1,'.repeat(2.5 * MIB)}"b":1}`],
  ['/api/profile/create', () => `{"name":"${'\\u0041'.repeat(MIB / 8)}"}`],
  ['/api/cli/auth/0123456789ab', () => `{"encrypted_session":"${'x'.repeat(2 * MIB)}","expires":1e308}`],
  ['/data/operation', () => '['.repeat(16 * MIB)],
  ['/data/operation', () => `[${'[],'.repeat(5 * MIB)}0]`],
  ['/user', () => `{"id":${'['.repeat(30_000)}`],
  ['/v1/vaults', () => `{"name":${'['.repeat(32_000)}${']'.repeat(32_000)}}`],
]

test.skipIf(!linux)('[G19] bodies made to cost their reader, one after another and together', { timeout: 120_000 }, async () => {
  const server = await spawnServer(temporaryFolder())
  const owner = await person(server, 'owner')
  let sending = true
  const working = (async () => {
    while (sending) await owner.work()
  })()
  const send = async ([path, body]: (typeof COSTLY)[number]) => {
    const init = { method: 'POST', body: body(), headers: { 'content-type': 'application/json' } }
    const status = await fetch(`${server.url}${path}`, init).then(
      (response) => response.status,
      () => 'dropped',
    )
    expect([path, status === 'dropped' || (Number(status) >= 400 && Number(status) < 500)]).toEqual([path, true])
  }
  for (const costly of COSTLY) await send(costly)
  for (let n = 0; n < 3; n++) await Promise.all(COSTLY.map(send))
  sending = false
  await working
  report(`${4 * COSTLY.length} costly bodies`, server, owner)
  expect(owner.milliseconds.length).toBeGreaterThan(0)
  expect(peak(server)).toBeLessThan(LIMIT + GARBAGE)
})

test.skipIf(!linux)(
  '[G19] more bodies under way than fit: the oldest are given up, the rest is answered',
  { timeout: 120_000 },
  async () => {
    const server = await spawnServer(temporaryFolder())
    const owner = await person(server, 'owner')
    const body = Buffer.alloc(10 * MIB, ' ')
    const answers: string[] = []
    for (let n = 0; n < 20; n++) {
      const socket = await connect(server, head('/api/profile/p/sync', body.length + 1))
      socket.on('data', (chunk: Buffer) => answers.push(chunk.toString('latin1')))
      socket.write(body)
      while (socket.writableLength > 0 && !socket.destroyed) await wait(5)
    }
    while (answers.length < 10) await wait(10)
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 503 (?:.|\s)*retry-after: 5/i)
    await owner.work()
    report('20 bodies of 10 MiB that do not end', server, owner)
    expect(peak(server)).toBeLessThan(LIMIT + GARBAGE)
  },
)
