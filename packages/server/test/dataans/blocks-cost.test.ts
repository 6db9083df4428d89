/** What blocks cost, counted and not timed: hashes that are made, checksums that go into them, statements that read operations. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { NewDataansOperation } from '#storage/dataans'
import { openConnection } from '#storage/sqlite/connection'
import { createDataansStore } from '#storage/sqlite/dataans'
import { migrate } from '#storage/sqlite/schema'
import { named } from '../client.ts'
import { random } from '../in-process.ts'
import { temporaryFolder } from '../running.ts'

const COUNT = 8000

function stored(second: number, name = `${second}`): NewDataansOperation {
  return {
    id: named(`id ${name}`, 16),
    createdAt: `${second}`,
    instant: { seconds: second, nanoseconds: 0 },
    checksum: named(`checksum ${name}`),
    data: new Uint8Array(1),
  }
}

function counting(folder?: string) {
  const connection = openConnection(folder)
  migrate(connection.db, random)
  let hashes = 0
  let checksums = 0
  const sha256 = (bytes: Uint8Array) => {
    hashes += 1
    checksums += bytes.length / 32
    return createHash('sha256').update(bytes).digest()
  }
  const store = createDataansStore({ connection, crashPoint: () => {}, sha256 })
  /** What `work` made. */
  async function cost(work: () => Promise<unknown>): Promise<{ hashes: number; checksums: number }> {
    hashes = 0
    checksums = 0
    await work()
    return { hashes, checksums }
  }
  return { store, cost, close: () => connection.close() }
}

const all = Array.from({ length: COUNT }, (_, i) => stored(10 * i))

test('blocks are made once, as operations come; asking for them makes none, after a restart too', async () => {
  const folder = temporaryFolder()
  const first = counting(folder)
  expect(await first.cost(() => first.store.addOperations(all, 0))).toEqual({ hashes: COUNT / 16, checksums: COUNT })
  const blocks = await first.store.blocks(16)
  expect(blocks.length).toBe(2 * COUNT)
  first.close()
  const second = counting(folder)
  expect(await second.cost(async () => expect(await second.store.blocks(16)).toEqual(blocks))).toEqual({ hashes: 0, checksums: 0 })
  expect(await second.cost(() => second.store.addOperations(all, 0))).toEqual({ hashes: 0, checksums: 0 })
  second.close()
})

test('one at the end makes one hash, however many there are', async () => {
  const { store, cost, close } = counting()
  await store.addOperations(all, 0)
  for (let i = 0; i < 40; i++) {
    const { hashes, checksums } = await cost(() => store.addOperations([stored(10 * (COUNT + i))], 0))
    expect([hashes, checksums]).toEqual([1, (i % 16) + 1])
  }
  // Right before the last one.
  expect(await cost(() => store.addOperations([stored(10 * (COUNT + 39) - 1)], 0))).toEqual({ hashes: 1, checksums: 9 })
  close()
})

test('one in the middle makes the block it lands in and those that follow, once; so does a batch', async () => {
  const { store, cost, close } = counting()
  await store.addOperations(all, 0)
  for (const [place, name] of [
    [COUNT / 2, 'a'],
    [COUNT - 100, 'b'],
    [0, 'c'],
  ] as const) {
    const { operations } = await store.usage()
    const from = 16 * Math.floor(place / 16)
    const { hashes, checksums } = await cost(() => store.addOperations([stored(10 * place + 5, name)], 0))
    expect(checksums).toBe(operations + 1 - from)
    expect(hashes).toBe(Math.ceil(checksums / 16))
  }
  const batch = Array.from({ length: 100 }, (_, i) => stored(10 * (COUNT - 1000) + 1 + i * 7, `batch ${i}`))
  const { checksums } = await cost(() => store.addOperations(batch, 0))
  expect(checksums).toBeLessThan(1000 + 100 + 32)
  expect(checksums).toBeGreaterThan(1000)
  close()
})

test('other lengths are made when they are asked for, and remembered until something is added', async () => {
  const { store, cost, close } = counting()
  await store.addOperations(all, 0)
  const ask = (length: number) => cost(() => store.blocks(length))
  expect(await ask(17)).toEqual({ hashes: Math.ceil(COUNT / 17), checksums: COUNT })
  expect(await ask(17)).toEqual({ hashes: 0, checksums: 0 })
  expect(await ask(2 ** 40)).toEqual({ hashes: 1, checksums: COUNT })
  expect(await ask(17)).toEqual({ hashes: 0, checksums: 0 })
  await store.addOperations([stored(-1)], 0)
  expect((await ask(17)).checksums).toBe(COUNT + 1)
  close()
})
