/** [G3] The server killed at each named point of an upload and of a commit: what was answered is there, and all is whole. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { BLOBS_FOLDER } from '#blobs/fs/fs'
import { Random, runs, seeds } from '../../../../tests/support/random.ts'
import { spawnServer } from '../child.ts'
import { temporaryFolder } from '../running.ts'
import { blocksOf, type Client, client, operation, served, timeAt, type WireOperation } from './support.ts'

/** Starts the next life of the server in this process, where nothing kills it. */
async function restarted(data: string): Promise<Client & { readonly close: () => Promise<void> }> {
  const { server, ...rest } = await served({ data })
  return { ...rest, close: () => server.close() }
}

const body = (round: number): Buffer => Buffer.alloc(150_000 + round, `text ${round} `)

test('[G3] [SYNC-2] killed at each point of an upload: the old file or the new one, whole, and nothing beside it', {
  timeout: 120_000,
}, async () => {
  const data = temporaryFolder()
  const folder = join(data, BLOBS_FOLDER)
  const points = [
    ['blob-written', 'old'],
    ['blob-renamed', 'old'],
    ['dataans-blob-stored', 'old'],
    ['dataans-before-commit', 'old'],
    ['dataans-file-committed', 'new'],
  ] as const
  let last = -1
  for (const [round, [point, expected]] of points.entries()) {
    const crashing = await spawnServer(data, { crashAt: `${point}:1` })
    await expect(client((path, init) => fetch(crashing.url + path, init)).upload('a', body(round))).rejects.toThrow()
    await crashing.exited
    expect([point, crashing.child.signalCode]).toEqual([point, 'SIGKILL'])
    if (expected === 'new') last = round
    const server = await restarted(data)
    expect([point, await server.exists('a')]).toEqual([point, last >= 0])
    if (last >= 0) expect((await server.download('a')).equals(body(last))).toBe(true)
    // An upload waits for the tidying of the start.
    await server.upload('a', body(100 + round))
    last = 100 + round
    expect([point, readdirSync(folder).length, readdirSync(join(folder, 'incoming'))]).toEqual([point, 2, []])
    await server.close()
  }
})

test('[G3] [SYNC-2] killed around the commit of operations: all of a body or none, and the blocks that belong to it', {
  timeout: 120_000,
}, async () => {
  const data = temporaryFolder()
  const batch = (round: number) => Array.from({ length: 40 }, (_, i) => operation(`${round} ${i}`, timeAt(10 * i, `${round}`)))
  let expected: WireOperation[] = []
  for (const [round, [point, isStored]] of (
    [
      ['dataans-after-commit', true],
      ['dataans-before-commit', false],
    ] as const
  ).entries()) {
    const crashing = await spawnServer(data, { crashAt: `${point}:1` })
    await expect(client((path, init) => fetch(crashing.url + path, init)).push(batch(round))).rejects.toThrow()
    await crashing.exited
    const server = await restarted(data)
    if (isStored) expected = batch(round)
    expect(await server.operations()).toEqual(expected)
    expect(await server.blocks()).toEqual(blocksOf(expected, 16))
    await server.close()
  }
})

test('[G3] killed at random: every file is one that was sent, the last that was answered or a later one', {
  timeout: 120_000,
}, async () => {
  const kills = runs(5)
  const [seed = 1] = seeds('kill -9 while files and operations are sent', 1)
  const random = new Random(seed)
  const data = temporaryFolder()
  const answered = { file: -1, operations: 0 }
  let sent = 0
  let pushed = 0
  for (let kill = 0; kill < kills; kill++) {
    const server = await spawnServer(data)
    const device = client((path, init) => fetch(server.url + path, init))
    let rounds = 0
    const work = async () => {
      for (;;) {
        await device.upload('a', body(sent++))
        answered.file = sent - 1
        await device.push([operation(`${pushed}`, timeAt(pushed++))])
        answered.operations = pushed
        rounds += 1
      }
    }
    const wanted = random.below(3)
    const ended = work().catch(() => {})
    while (rounds < wanted) await sleep(1)
    await sleep(random.between(0, 60))
    server.child.kill('SIGKILL')
    await Promise.all([ended, server.exited])
    const after = await restarted(data)
    if (answered.file >= 0) {
      const round = (await after.download('a')).length - body(0).length
      expect(round).toBeGreaterThanOrEqual(answered.file)
      expect(round).toBeLessThan(sent)
      expect((await after.download('a')).equals(body(round))).toBe(true)
    }
    const operations = await after.operations()
    expect(operations.length).toBeGreaterThanOrEqual(answered.operations)
    expect(await after.blocks()).toEqual(blocksOf(operations, 16))
    pushed = operations.length
    answered.operations = pushed
    await after.close()
  }
  console.log(`kill -9: ${kills} kills, ${sent} uploads, ${pushed} operations, seed ${seed}`)
  expect(sent).toBeGreaterThanOrEqual(kills)
})
