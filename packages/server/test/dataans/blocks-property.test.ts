/**
 * Operations in any order, in batches of any size, by clients that know only some of them: blocks and pages are always those of a
 * list that is sorted and hashed from scratch, and clients that sync by them have the same in the end.
 */
import { expect, test } from 'vitest'
import { forEachSeed, type Random } from '../../../../tests/support/random.ts'
import { blocksOf, type Client, inside, operation, timeAt, type WireOperation } from './support.ts'

const FILE = 'packages/server/test/dataans/blocks-property.test.ts'

/** As texts: a list of many numbers takes long to be compared one by one. */
function expectSame(found: unknown, expected: unknown): void {
  expect(JSON.stringify(found)).toBe(JSON.stringify(expected))
}

/** By the text, which is of one shape here: sorting it is sorting the moments. */
function sorted(operations: Iterable<WireOperation>): WireOperation[] {
  const key = ({ createdAt, id }: WireOperation) => `${createdAt} ${id}`
  return [...operations].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** Mostly newer ones, some of the same moment, some of the past. */
function fresh(random: Random, count: number, clock: { now: number }, counter: { n: number }): WireOperation[] {
  return Array.from({ length: count }, () => {
    counter.n += 1
    const second = random.chance(0.8) ? clock.now++ : random.below(clock.now + 1)
    const fraction = random.pick(['000000000', '000000001', '999999999'])
    return operation(`operation ${counter.n}`, timeAt(second, fraction), random.below(40))
  })
}

test('blocks and operations are those of a list that is made from scratch', async () => {
  await forEachSeed('dataans blocks', 25, FILE, async (random) => {
    const server = inside()
    const all = new Map<string, WireOperation>()
    const [clock, counter] = [{ now: 0 }, { n: 0 }]
    for (let round = random.between(3, 9); round > 0; round--) {
      const batch = fresh(random, random.pick([0, 1, 1, 15, 16, 17, random.below(120)]), clock, counter)
      const known = all.size === 0 ? [] : [random.pick([...all.values()])]
      await server.push(random.shuffle([...batch, ...known, ...batch.slice(0, 2)]))
      for (const added of batch) all.set(added.id, added)
      const expected = sorted(all.values())
      for (const length of [16, random.between(1, 20), random.between(1, 500)]) {
        expectSame(await server.blocks(length), blocksOf(expected, length))
      }
      const skip = random.below(expected.length + 2)
      expectSame(await server.operations(skip), expected.slice(skip))
    }
  })
})

/** Syncs as the document says a client does: to the first block that differs, what is from there on, its own that the server lacks. */
async function sync(server: Client, own: Map<string, WireOperation>, random: Random): Promise<number> {
  const mine = sorted(own.values())
  const [theirs, ours] = [await server.blocks(16), blocksOf(mine, 16)]
  let same = 0
  while (same < ours.length && JSON.stringify(ours[same]) === JSON.stringify(theirs[same])) same += 1
  // A short last block is no block that the other one has.
  const skip = 16 * Math.min(same, Math.floor(mine.length / 16))
  const received = await server.operations(skip)
  const there = new Set(received.map(({ id }) => id))
  for (const added of received) own.set(added.id, added)
  const lacking = mine.slice(skip).filter(({ id }) => !there.has(id))
  if (lacking.length > 0) await server.push(random.shuffle(lacking))
  return received.length
}

test('clients that sync by blocks have the same in the end, and then fetch nothing but a last block', async () => {
  await forEachSeed('dataans incremental sync', 15, FILE, async (random) => {
    const server = inside()
    const clients = Array.from({ length: random.between(2, 3) }, () => new Map<string, WireOperation>())
    const [clock, counter] = [{ now: 0 }, { n: 0 }]
    for (let step = random.between(5, 15); step > 0; step--) {
      const own = random.pick(clients)
      for (const made of fresh(random, random.below(40), clock, counter)) own.set(made.id, made)
      if (random.chance(0.6)) await sync(server, own, random)
    }
    for (const own of [...clients, ...clients]) await sync(server, own, random)
    const all = sorted(await server.operations())
    expect(all.length).toBe(counter.n)
    for (const own of clients) {
      expectSame(sorted(own.values()), all)
      expect(await sync(server, own, random)).toBe(all.length % 16)
    }
  })
})

test('what is added while operations are read is no part of the answer, wherever it lands', async () => {
  const server = inside()
  const all = Array.from({ length: 60 }, (_, i) => operation(`${i}`, timeAt(100 + 2 * i), 20_000))
  await server.push(all)
  const response = await server.request('/data/operation?operations_to_skip=5')
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const chunks: Uint8Array[] = []
  for (let reads = 0; ; reads++) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    const name = `late ${reads}`
    await server.push([operation(`${name} a`, timeAt(1)), operation(`${name} b`, timeAt(219)), operation(`${name} c`, timeAt(900))])
  }
  expect(chunks.length).toBeGreaterThan(5)
  expect(Buffer.concat(chunks).toString()).toBe(JSON.stringify(all.slice(5)))
  expect((await server.operations()).length).toBe(60 + 3 * chunks.length)
})
