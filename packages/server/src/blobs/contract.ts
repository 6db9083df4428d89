/**
 * What every blob store must do, as cases that any test runner can run: `for (const { title, run } of blobContract(open))
 * test(title, run)`. `open` gives a new, empty store each time, and `reopen` the same data again as a restarted server sees it.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type BlobStore, BlobTooLargeError } from '#blobs/blobs'

export interface BlobSubject {
  readonly blobs: BlobStore
  reopen(): Promise<BlobStore>
  /** Removes the data. */
  dispose(): Promise<void>
}

export interface BlobCase {
  readonly title: string
  run(): Promise<void>
}

const NO_LIMIT = 1e12

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) & 0xff)
}

async function* chunks(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* chunks(bytes)
  throw new Error('broke off')
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function drain(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of stream) all.push(chunk)
  return Buffer.concat(all)
}

async function holds(blobs: BlobStore, name: string, expected: Uint8Array | undefined): Promise<void> {
  assert.equal(await blobs.exists(name), expected !== undefined)
  const blob = await blobs.open(name)
  assert.equal(blob?.bytes, expected?.length)
  if (blob !== undefined && expected !== undefined) assert.equal(digestOf(await drain(blob.stream())), digestOf(expected))
}

const CASES: readonly (readonly [title: string, body: (blobs: BlobStore, subject: BlobSubject) => Promise<void>])[] = [
  [
    'a blob comes back as it was put, of any length, also after a restart; its size and digest are told',
    async (blobs, subject) => {
      const lengths = [0, 1, 999, 1000, 131_072, 131_073, 1_000_000]
      for (const length of lengths) {
        const bytes = pattern(length, length)
        const { bytes: size, digest } = await blobs.put(`blob-${length}`, chunks(bytes, 70_000), NO_LIMIT)
        assert.deepEqual([size, Buffer.from(digest).toString('hex')], [length, digestOf(bytes)])
      }
      const again = await subject.reopen()
      for (const length of lengths) await holds(again, `blob-${length}`, pattern(length, length))
      assert.deepEqual([...(await again.list('blob-1'))].sort(), [
        'blob-1',
        'blob-1000',
        'blob-1000000',
        'blob-131072',
        'blob-131073',
      ])
    },
  ],
  [
    'what is not there is not opened, does not exist, and may be removed',
    async (blobs) => {
      await holds(blobs, 'nothing', undefined)
      await blobs.remove('nothing')
      assert.deepEqual(await blobs.list(''), [])
      await blobs.put('thing', chunks(pattern(5, 1)), NO_LIMIT)
      await blobs.remove('thing')
      await holds(blobs, 'thing', undefined)
    },
  ],
  [
    'a body that breaks off leaves nothing, or what was there before',
    async (blobs, subject) => {
      const old = pattern(5000, 1)
      await blobs.put('old', chunks(old), NO_LIMIT)
      for (const name of ['new', 'old']) {
        await assert.rejects(blobs.put(name, breaking(pattern(300_000, 2)), NO_LIMIT), /broke off/)
        await assert.rejects(blobs.put(name, breaking(new Uint8Array(0)), NO_LIMIT), /broke off/)
      }
      const again = await subject.reopen()
      await holds(again, 'old', old)
      assert.deepEqual(await again.list(''), ['old'])
    },
  ],
  [
    'a body of just the limit is stored, one of a byte more is not',
    async (blobs) => {
      const bytes = pattern(2000, 3)
      await blobs.put('a', chunks(bytes), 2000)
      await assert.rejects(blobs.put('a', chunks(pattern(2001, 4)), 2000), BlobTooLargeError)
      await assert.rejects(blobs.put('b', chunks(bytes), 1999), BlobTooLargeError)
      await holds(blobs, 'a', bytes)
      await holds(blobs, 'b', undefined)
    },
  ],
  [
    'who reads a blob reads it whole, though it is replaced and removed meanwhile',
    async (blobs) => {
      const [first, second] = [pattern(700_000, 5), pattern(10, 6)]
      await blobs.put('a', chunks(first), NO_LIMIT)
      const blob = await blobs.open('a')
      assert.ok(blob)
      await blobs.put('a', chunks(second), NO_LIMIT)
      await holds(blobs, 'a', second)
      await blobs.remove('a')
      assert.equal(digestOf(await drain(blob.stream())), digestOf(first))
    },
  ],
  [
    'a reading may be given up, before it began and in the middle',
    async (blobs) => {
      await blobs.put('a', chunks(pattern(700_000, 7)), NO_LIMIT)
      await (await blobs.open('a'))?.close()
      const reader = (await blobs.open('a'))?.stream().getReader()
      assert.equal((await reader?.read())?.done, false)
      await reader?.cancel()
      await blobs.remove('a')
    },
  ],
  [
    'of two blobs put under one name at a time one is there, whole',
    async (blobs) => {
      const bodies = [pattern(200_000, 8), pattern(200_000, 9), pattern(100, 10)]
      await Promise.all(bodies.map((bytes) => blobs.put('a', chunks(bytes), NO_LIMIT)))
      const blob = await blobs.open('a')
      assert.ok(blob)
      assert.ok(bodies.map(digestOf).includes(digestOf(await drain(blob.stream()))))
      assert.deepEqual(await blobs.list(''), ['a'])
    },
  ],
  [
    'a name is one of our own',
    async (blobs) => {
      for (const name of ['', '..', '../a', 'a/b', 'A', '-a', 'a b', 'a'.repeat(129), 'a\0', 'incoming/a']) {
        await assert.rejects(async () => blobs.put(name, chunks(pattern(1, 1)), NO_LIMIT), RangeError)
        await assert.rejects(async () => blobs.open(name), RangeError)
      }
      assert.deepEqual(await blobs.list(''), [])
    },
  ],
]

/** @param open gives a new, empty store at each call. */
export function blobContract(open: () => Promise<BlobSubject>): readonly BlobCase[] {
  return CASES.map(([title, body]) => ({
    title,
    async run() {
      const subject = await open()
      try {
        await body(subject.blobs, subject)
      } finally {
        await subject.dispose()
      }
    },
  }))
}
