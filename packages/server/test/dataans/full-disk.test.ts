/** [G5] A database that is full at any page: nothing half, also in what the process remembers of blocks, and it goes on. */
import { expect, test } from 'vitest'
import type { NewDataansOperation } from '#storage/dataans'
import { openConnection } from '#storage/sqlite/connection'
import { createDataansStore } from '#storage/sqlite/dataans'
import { migrate } from '#storage/sqlite/schema'
import { StorageFullError } from '#storage/storage'
import { named } from '../client.ts'
import { random } from '../in-process.ts'

function stored(second: number, bytes = 3000): NewDataansOperation {
  const name = String(second)
  const data = new Uint8Array(bytes).fill(second)
  return { id: named(name, 16), createdAt: name, instant: { seconds: second, nanoseconds: 0 }, checksum: named(`c ${name}`), data }
}

test('[G5] a full database stores nothing of what does not fit, and goes on when there is room', async () => {
  const connection = openConnection(undefined)
  migrate(connection.db, random)
  const open = () => createDataansStore({ connection, crashPoint: () => {} })
  const store = open()
  const pragma = (text: string) => Object.values(connection.db.prepare(`PRAGMA ${text}`).get() ?? {})[0] as number
  await store.addOperations(
    Array.from({ length: 40 }, (_, i) => stored(10 * i)),
    0,
  )
  const snapshot = async (of = store) => {
    const { operations } = await of.operations(0, 1e9)
    const texts = operations.map(({ createdAt, data }) => [createdAt, data.length])
    const blocks = [await of.blocks(16), await of.blocks(7)].map((hashes) => Buffer.from(hashes).toString('hex'))
    return JSON.stringify([texts, blocks, await of.usage(), await of.user(), await of.blobs()])
  }
  const file = (name: string) => ({ blob: name.repeat(3000), bytes: 5, digest: named(name) })
  const steps: (() => Promise<unknown>)[] = [
    () => store.addOperations([stored(1000)], 0),
    () =>
      store.addOperations(
        Array.from({ length: 30 }, (_, i) => stored(10 * i + 5)),
        0,
      ),
    () => store.addOperations([stored(-1, 40_000)], 0),
    () => store.createUser({ id: 'user', secretKeyHash: 'x'.repeat(6000) }),
    () => store.putFile(named('file', 16), file('a'), 0),
    () => store.putFile(named('file', 16), file('bb'), 0),
  ]
  let full = 0
  for (let step = 0, room = 0; step < steps.length; ) {
    const before = await snapshot()
    pragma(`max_page_count = ${pragma('page_count') + room}`)
    try {
      await steps[step]?.()
      expect(await snapshot()).not.toBe(before)
      step += 1
      room = 0
    } catch (error) {
      expect(error).toBeInstanceOf(StorageFullError)
      expect(await snapshot()).toBe(before)
      full += 1
      room += 1
    }
    // What another process would read.
    expect(await snapshot(open())).toBe(await snapshot())
  }
  console.log(`full database: ${full} refusals`)
  expect(full).toBeGreaterThan(20)
  expect(pragma('integrity_check')).toBe('ok')
  connection.close()
})

test('[G5] a commit that fails leaves the blocks as they were, in memory too', async () => {
  const connection = openConnection(undefined)
  migrate(connection.db, random)
  let failing = false
  const crashPoint = (name: string) => {
    if (failing && name === 'dataans-before-commit') throw new Error('the commit failed')
  }
  const store = createDataansStore({ connection, crashPoint })
  const fresh = () => createDataansStore({ connection, crashPoint: () => {} })
  await store.addOperations(
    Array.from({ length: 40 }, (_, i) => stored(10 * i)),
    0,
  )
  for (const added of [[stored(1000)], [stored(5), stored(205)], [stored(-1)]]) {
    const before = await fresh().blocks(16)
    expect(await store.blocks(16)).toEqual(before)
    failing = true
    await expect(store.addOperations(added, 0)).rejects.toThrow('the commit failed')
    failing = false
    expect(await store.blocks(16)).toEqual(before)
    await store.addOperations(added, 0)
    expect(await store.blocks(16)).toEqual(await fresh().blocks(16))
    expect(await store.blocks(16)).not.toEqual(before)
  }
  connection.close()
})
