import { setTimeout as sleep } from 'node:timers/promises'
import { toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import { type DeliveredSegment, DeliveryDecoder, decodePushAnswer, type SegmentRecord } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import { Random, runs, seeds } from '../../../tests/support/random.ts'
import { spawnServer } from './child.ts'
import { bearer, pushRequest, ReplicaLog, sha256 } from './client.ts'
import { random as realRandom } from './in-process.ts'
import { running, signUp, temporaryFolder } from './running.ts'

const POINTS = ['before-commit', 'after-commit', 'before-answer'] as const

/** One replica: sends, and after a crash sends again what was not answered. */
class Author {
  readonly log: ReplicaLog
  readonly answered = new Map<number, number>()
  pending: SegmentRecord[] = []
  conflicts = 0

  constructor(name: string) {
    this.log = new ReplicaLog(name)
  }

  /** Pushes until the server is gone. */
  async work(url: string, token: string, random: Random): Promise<void> {
    try {
      for (;;) {
        if (this.pending.length === 0) {
          this.pending = Array.from({ length: random.between(1, 3) }, () => this.log.next(random.bytes(random.between(20, 600))))
        }
        const response = await fetch(`${url}/v1/segments`, pushRequest(token, this.pending))
        if (response.status === 409) this.conflicts += 1
        if (response.status !== 200) throw new Error(`status ${response.status}`)
        const { sequences } = decodePushAnswer(new Uint8Array(await response.arrayBuffer()))
        this.pending.forEach((record, i) => {
          this.answered.set(record.counter, sequences[i] as number)
        })
        this.pending = []
      }
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('status')) throw error
    }
  }
}

async function pullAll(url: string, token: string): Promise<DeliveredSegment[]> {
  const response = await fetch(`${url}/v1/segments?after=0&chain=${'0'.repeat(64)}`, bearer(token))
  const decoder = new DeliveryDecoder()
  const segments = decoder.push(new Uint8Array(await response.arrayBuffer()))
  decoder.end()
  const chain = segments.reduce((at, segment) => extendChain(sha256, at, identifySegment(sha256, segment)), CHAIN_START)
  expect(toHex(decoder.position?.chain as Uint8Array)).toBe(toHex(chain))
  expect(decoder.position?.head).toBe(segments.length)
  return segments
}

/** Answered means present, exactly once, where the answer said; and nothing is there that nobody sent. */
function check(segments: readonly DeliveredSegment[], authors: readonly Author[]): void {
  const places = new Map<string, number>()
  for (const { replica, counter, last } of segments) {
    const key = `${toHex(replica)} ${counter}`
    expect(places.has(key)).toBe(false)
    places.set(key, last)
  }
  for (const { log, answered, pending, conflicts } of authors) {
    const key = (counter: number) => `${toHex(log.replica)} ${counter}`
    for (const [counter, sequence] of answered) expect([key(counter), places.get(key(counter))]).toEqual([key(counter), sequence])
    const stored = segments.filter(({ replica }) => toHex(replica) === toHex(log.replica)).length
    expect(stored).toBeGreaterThanOrEqual(answered.size)
    expect(stored).toBeLessThanOrEqual(answered.size + pending.length)
    expect(conflicts).toBe(0)
  }
}

test('[SYNC-2] [LOG-3] killed at random and at each named point: answered = present, once', async () => {
  const kills = runs(24)
  const [seed = 1] = seeds('kill -9 of the server', 1)
  const random = new Random(seed)
  const data = temporaryFolder()
  const setUp = await running({ data })
  const { token } = await signUp(setUp.url)
  await setUp.close()
  const authors = Array.from({ length: 6 }, (_, i) => new Author(`author ${i}`))
  const died: Record<string, number> = {}
  for (let kill = 0; kill < kills; kill++) {
    const point = POINTS[kill % (POINTS.length + 1)]
    const server = await spawnServer(data, point === undefined ? {} : { crashAt: `${point}:${random.between(1, 20)}` })
    check(await pullAll(server.url, token), authors)
    const work = Promise.all(authors.map((author) => author.work(server.url, token, random.fork())))
    if (point === undefined) {
      await sleep(random.between(1, 150))
      server.child.kill('SIGKILL')
    }
    await work
    await server.exited
    const name = server.child.signalCode === 'SIGKILL' ? (point ?? 'at random') : 'not at all'
    died[name] = (died[name] ?? 0) + 1
  }
  const last = await running({ data })
  const segments = await pullAll(last.url, token)
  check(segments, authors)
  console.log(`kill -9: ${kills} kills ${JSON.stringify(died)}, ${segments.length} segments, seed ${seed}`)
  expect(died['not at all']).toBeUndefined()
  expect(segments.length).toBeGreaterThan(kills)
})

test('[SYNC-2] a pull that is cut by a crash is noticed by the reader', async () => {
  const data = temporaryFolder()
  const setUp = await running({ data })
  const { token } = await signUp(setUp.url)
  const log = new ReplicaLog('a')
  const records = Array.from({ length: 10 }, () => log.next(new Uint8Array(1_000_000)))
  expect((await fetch(`${setUp.url}/v1/segments`, pushRequest(token, records))).status).toBe(200)
  await setUp.close()
  const server = await spawnServer(data, { crashAt: 'during-stream:4' })
  const response = await fetch(`${server.url}/v1/segments?after=0&chain=${'0'.repeat(64)}`, bearer(token))
  await expect(response.arrayBuffer()).rejects.toThrow()
  await server.exited
})

test('[SYNC-2] SIGTERM: requests under way are answered, and a restart has everything', async () => {
  const data = temporaryFolder()
  const setUp = await running({ data })
  const { token } = await signUp(setUp.url)
  await setUp.close()
  const server = await spawnServer(data)
  const authors = Array.from({ length: 8 }, (_, i) => new Author(`author ${i}`))
  const work = Promise.all(authors.map((author, i) => author.work(server.url, token, new Random(i))))
  await sleep(150)
  server.child.kill('SIGTERM')
  await server.exited
  expect([server.child.exitCode, server.child.signalCode]).toEqual([0, null])
  await work
  const storage = openSqliteStorage({ folder: data, random: realRandom })
  await storage.close()
  const after = await running({ data })
  const segments = await pullAll(after.url, token)
  check(segments, authors)
  expect(segments.length).toBeGreaterThan(0)
})
