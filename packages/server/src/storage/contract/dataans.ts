/** The storage contract's cases about the Dataans dialect. */
import assert from 'node:assert/strict'
import { compareBytes, concatBytes, toHex } from '@lockstep/protocol/bytes'
import { bytes, type Cases, plain, sha256 } from '#storage/contract/support'
import type { AddOutcome, DataansOperation, DataansStore, NewDataansOperation, OperationsRest } from '#storage/dataans'
import type { Storage } from '#storage/storage'

/** Any number makes another operation; those with the same seconds differ in their nanoseconds or only in their ids. */
function operation(number: number, seconds: number, nanoseconds = 0): NewDataansOperation {
  return {
    id: bytes(`id ${number}`, 16),
    createdAt: `text of ${seconds}.${nanoseconds} from ${number}`,
    instant: { seconds, nanoseconds },
    checksum: bytes(`checksum ${number}`),
    data: bytes(`data ${number}`, 20),
  }
}

function inOrder(operations: readonly NewDataansOperation[]): NewDataansOperation[] {
  return [...operations].sort(
    (a, b) => a.instant.seconds - b.instant.seconds || a.instant.nanoseconds - b.instant.nanoseconds || compareBytes(a.id, b.id),
  )
}

/** Block hashes as the document defines them. */
function blocksOf(operations: readonly NewDataansOperation[], length: number): string {
  const sorted = inOrder(operations)
  const hashes: Uint8Array[] = []
  for (let at = 0; at < sorted.length; at += length) {
    hashes.push(sha256(concatBytes(...sorted.slice(at, at + length).map(({ checksum }) => checksum))))
  }
  return toHex(concatBytes(...hashes))
}

async function add(storage: Storage, operations: readonly NewDataansOperation[], quota = 0): Promise<AddOutcome> {
  return storage.dataans.addOperations(operations, quota)
}

async function readAll(store: DataansStore, from: number | OperationsRest, maxBytes = 1e9): Promise<DataansOperation[]> {
  const all: DataansOperation[] = []
  for (let rest: number | OperationsRest | undefined = from; rest !== undefined; ) {
    const page = await store.operations(rest, maxBytes)
    all.push(...page.operations)
    rest = page.rest
  }
  return all
}

const texts = (operations: readonly DataansOperation[]): string[] => operations.map(({ createdAt }) => createdAt)

async function sameBlocks(store: DataansStore, operations: readonly NewDataansOperation[]): Promise<void> {
  for (const length of [1, 2, 15, 16, 17, 1000, 2 ** 52]) {
    assert.equal(toHex(await store.blocks(length)), blocksOf(operations, length), `blocks of ${length}`)
  }
}

export const DATAANS_CASES: Cases = [
  [
    'dataans: there is one user at most, also of concurrent calls, and over a restart',
    async (storage, subject) => {
      assert.equal(await storage.dataans.user(), undefined)
      const users = ['a', 'b', 'c'].map((id) => ({ id, secretKeyHash: `hash ${id}` }))
      const outcomes = await Promise.all(users.map((user) => storage.dataans.createUser(user)))
      assert.deepEqual(outcomes, ['created', 'exists', 'exists'])
      const again = await subject.reopen()
      assert.deepEqual({ ...(await again.dataans.user()) }, users[0])
      assert.equal(await again.dataans.createUser({ id: 'd', secretKeyHash: 'd' }), 'exists')
    },
  ],
  [
    'dataans: operations are in order of their instants, then ids, and come back as they were',
    async (storage, subject) => {
      const operations = [
        operation(1, 100, 5),
        operation(2, 100, 5),
        operation(3, 100, 4),
        operation(4, 100, 1_999_999_999),
        operation(5, 101, 0),
        operation(6, -62_167_219_200, 0),
        operation(7, -1, 999_999_999),
        operation(8, 253_402_300_799, 999_999_999),
        operation(9, 2 ** 32, 0),
        operation(10, 2 ** 32 - 1, 0),
        operation(11, 100, 5),
      ]
      assert.deepEqual(await add(storage, operations), { outcome: 'stored', added: 11 })
      const again = await subject.reopen()
      const stored = await readAll(again.dataans, 0)
      assert.deepEqual(texts(stored), texts(inOrder(operations)))
      stored.forEach((found, i) => {
        const expected = inOrder(operations)[i] as NewDataansOperation
        assert.deepEqual(plain(found.id), plain(expected.id))
        assert.deepEqual(plain(found.data), plain(expected.data))
        assert.deepEqual(plain(found.checksum), plain(expected.checksum))
      })
      assert.deepEqual(await again.dataans.usage(), { operations: 11, operationBytes: 220, fileBytes: 0 })
    },
  ],
  [
    'dataans: a batch is added whole or not at all; what is there already changes nothing',
    async (storage) => {
      const [one, two, three] = [operation(1, 1), operation(2, 2), operation(3, 3)] as const
      assert.deepEqual(await add(storage, []), { outcome: 'stored', added: 0 })
      assert.deepEqual(await add(storage, [one, two, one]), { outcome: 'stored', added: 2 })
      const known = { ...two, createdAt: 'another time', instant: { seconds: 9, nanoseconds: 9 }, data: bytes('other') }
      assert.deepEqual(await add(storage, [known, three]), { outcome: 'stored', added: 1 })
      assert.deepEqual(texts(await readAll(storage.dataans, 0)), texts([one, two, three]))
      const wrong = { ...two, checksum: bytes('wrong') }
      const outcome = await add(storage, [operation(4, 0), wrong, operation(5, 5)])
      assert.ok(outcome.outcome === 'conflict')
      assert.deepEqual(plain(outcome.id), plain(two.id))
      const twice = await add(storage, [operation(6, 6), { ...operation(6, 6), checksum: bytes('wrong') }])
      assert.equal(twice.outcome, 'conflict')
      assert.deepEqual(texts(await readAll(storage.dataans, 0)), texts([one, two, three]))
      await sameBlocks(storage.dataans, [one, two, three])
      assert.deepEqual(await storage.dataans.usage(), { operations: 3, operationBytes: 60, fileBytes: 0 })
    },
  ],
  [
    'dataans: blocks are right after every kind of addition, and after a restart',
    async (storage, subject) => {
      let now = storage
      const all: NewDataansOperation[] = []
      const batches = [
        [[500]],
        Array.from({ length: 15 }, (_, i) => [501 + i]),
        [[600]],
        [[400]],
        [[505], [505], [505]],
        Array.from({ length: 70 }, (_, i) => [1000 + i]),
        [[1069], [399], [700]],
        [
          [2000, 1],
          [2000, 0],
        ],
        [[1, 0]],
      ] as const
      await sameBlocks(now.dataans, all)
      for (const [round, batch] of batches.entries()) {
        const added = batch.map(([seconds = 0, nanoseconds = 0], i) => operation(100 * round + i, seconds, nanoseconds))
        all.push(...added)
        await add(now, added)
        await sameBlocks(now.dataans, all)
        if (round % 3 === 2) now = await subject.reopen()
      }
      await sameBlocks(now.dataans, all)
    },
  ],
  [
    'dataans: operations are read from any of them on, in pages of any size',
    async (storage) => {
      const all = Array.from({ length: 50 }, (_, i) => operation(i, 100 - i))
      await add(storage, all)
      const expected = texts(inOrder(all))
      for (const skip of [0, 1, 15, 16, 17, 32, 49, 50, 51, Number.MAX_SAFE_INTEGER]) {
        for (const maxBytes of [1, 20, 21, 330, 1e9]) {
          assert.deepEqual(texts(await readAll(storage.dataans, skip, maxBytes)), expected.slice(skip), `${skip}, ${maxBytes}`)
        }
      }
    },
  ],
  [
    'dataans: a reading gives what there was when it began',
    async (storage) => {
      const all = Array.from({ length: 40 }, (_, i) => operation(i, 10 * i))
      await add(storage, all)
      const page = await storage.dataans.operations(3, 100)
      assert.equal(page.operations.length, 5)
      assert.ok(page.rest)
      await add(storage, [operation(100, 5), operation(101, 205), operation(102, 1e6)])
      const rest = await readAll(storage.dataans, page.rest, 100)
      assert.deepEqual(texts([...page.operations, ...rest]), texts(all.slice(3)))
      assert.equal((await readAll(storage.dataans, 0)).length, 43)
    },
  ],
  [
    'dataans: the quota is for operations and files together, and refuses a batch as a whole',
    async (storage) => {
      const [one, two] = [operation(1, 1), operation(2, 2)] as const
      const file = (blob: string, length: number) => ({ blob, bytes: length, digest: bytes(blob) })
      const id = bytes('file', 16)
      const { dataans } = storage
      assert.equal((await add(storage, [one, two], 39)).outcome, 'quota-exceeded')
      assert.deepEqual(await dataans.usage(), { operations: 0, operationBytes: 0, fileBytes: 0 })
      assert.equal((await add(storage, [one], 39)).outcome, 'stored')
      assert.equal((await dataans.putFile(id, file('x', 20), 39)).outcome, 'quota-exceeded')
      assert.equal(await dataans.file(id), undefined)
      assert.equal((await dataans.putFile(id, file('x', 19), 39)).outcome, 'stored')
      assert.equal((await dataans.putFile(id, file('y', 18), 30)).outcome, 'stored')
      assert.deepEqual(await dataans.usage(), { operations: 1, operationBytes: 20, fileBytes: 18 })
      assert.equal((await add(storage, [two], 40)).outcome, 'quota-exceeded')
      assert.equal((await add(storage, [one], 1)).outcome, 'stored')
      await sameBlocks(dataans, [one])
    },
  ],
  [
    'dataans: a file is the blob that was put last; which one it was before is told',
    async (storage, subject) => {
      const file = (blob: string, length: number) => ({ blob, bytes: length, digest: bytes(blob) })
      const [a, b] = [bytes('a', 16), bytes('b', 16)]
      const { dataans } = storage
      assert.equal(await dataans.file(a), undefined)
      assert.deepEqual(await dataans.putFile(a, file('a1', 5), 0), { outcome: 'stored', replaced: undefined })
      assert.deepEqual(await dataans.putFile(b, file('b1', 0), 0), { outcome: 'stored', replaced: undefined })
      assert.deepEqual(await dataans.putFile(a, file('a2', 7), 0), { outcome: 'stored', replaced: 'a1' })
      const again = (await subject.reopen()).dataans
      const found = await again.file(a)
      assert.deepEqual([found?.blob, found?.bytes, plain(found?.digest ?? a)], ['a2', 7, plain(bytes('a2'))])
      assert.deepEqual([...(await again.blobs())].sort(), ['a2', 'b1'])
      assert.deepEqual(await again.usage(), { operations: 0, operationBytes: 0, fileBytes: 7 })
    },
  ],
]
