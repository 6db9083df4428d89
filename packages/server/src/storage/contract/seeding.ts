/** The storage contract's cases about seeds: a whole state, appended where a log has lost it. */
import assert from 'node:assert/strict'
import {
  Author,
  bytes,
  type Cases,
  chainOf,
  Merger,
  makeVault,
  plain,
  push,
  readAll,
  sequences,
  sha256,
  spans,
  upTo,
} from '#storage/contract/support'

export const SEEDING_CASES: Cases = [
  [
    '[LOG-9] seeds are appended with the next sequence numbers and the chain, and replicas count on from what they cover',
    async (storage, subject) => {
      const key = await makeVault(storage)
      const [a, b, c] = [new Author('a'), new Author('b'), new Author('c')]
      const known = [a.next('1'), b.next('2'), a.next('3')]
      await sequences(storage, push(key, known))
      // What the server has lost.
      const lost = [b.next('lost'), c.next('lost too')]
      const merger = new Merger(storage, key)
      assert.equal(await merger.openSeeds(), 'opened')
      const seeds = await merger.seeds(['S0', 'S1'])
      // In any order.
      for (const part of [1, 0]) assert.equal((await merger.put(part, seeds[part] as (typeof seeds)[number])).outcome, 'stored')
      const covers = [
        { replica: bytes('a', 16), counter: 1, digest: bytes('older, so not taken') },
        { replica: bytes('b', 16), counter: 2, digest: sha256(lost[0]?.sealed ?? bytes('none')) },
        { replica: bytes('c', 16), counter: 1, digest: sha256(lost[1]?.sealed ?? bytes('none')) },
      ]
      const outcome = await merger.commit(2, covers)
      assert.ok(outcome.outcome === 'merged')
      assert.deepEqual([outcome.grown, outcome.position.head], [true, 5])
      const again = await subject.reopen()
      const log = [...known, ...seeds]
      for (let at = 0; at <= 5; at++) {
        assert.deepEqual(plain((await again.chainAt(key, at)) ?? bytes('none')), plain(chainOf(log.slice(0, at))))
      }
      assert.deepEqual(plain((await again.position(key)).chain), plain(chainOf(log)))
      assert.deepEqual(spans(await readAll(again, key, upTo(2, 5))), ['3-3:3', '4-4:S0', '5-5:S1'])
      assert.deepEqual(await again.sizes(key), { segments: 5, bytes: 7, bundleVersion: 1, epoch: 1 })
      const coverage = (await again.coverage(key)).map(({ replica, ranges, digest }) => [plain(replica), ranges, plain(digest)])
      // The seeds' own author counts nothing.
      assert.deepEqual(coverage, [
        [plain(bytes('a', 16)), [[1, 2]], plain(a.previous)],
        [plain(bytes('b', 16)), [[1, 2]], plain(b.previous)],
        [plain(bytes('c', 16)), [[1, 1]], plain(c.previous)],
      ])
      assert.deepEqual(await sequences(again, push(key, [b.next('next'), c.next('next'), a.next('next')])), [6, 7, 8])
      assert.deepEqual(await sequences(again, push(key, [new Author('seeder').next('first')])), [9])
    },
  ],
  [
    '[LOG-9] of many devices one uploads the vault: seeds are compare-and-set on head and chain',
    async (storage) => {
      const key = await makeVault(storage)
      const author = new Author('a')
      const merger = new Merger(storage, key)
      assert.equal(await merger.openSeeds(), 'opened')
      const [seed] = await merger.seeds(['S'])
      assert.ok(seed)
      await merger.put(0, seed)
      await sequences(storage, push(key, [author.next('1')]))
      assert.equal((await merger.commit(1)).outcome, 'run-changed')
      assert.deepEqual(spans(await readAll(storage, key, upTo(0, 9))), ['1-1:1'])
      assert.equal((await storage.sizes(key)).bytes, 1)
      assert.equal(await merger.openSeeds(), 'opened')
      const [next] = await merger.seeds(['T'])
      assert.ok(next)
      assert.equal((await merger.put(0, seed)).outcome, 'misplaced')
      await merger.put(0, next)
      const first = await merger.commit(1)
      const repeated = await merger.commit(1)
      assert.ok(first.outcome === 'merged' && repeated.outcome === 'merged')
      assert.deepEqual([first.position, repeated.grown], [repeated.position, false])
      assert.equal((await storage.position(key)).head, 2)
    },
  ],
  [
    '[LOG-9] seeds that do not continue each other, or the log, are not committed',
    async (storage) => {
      const key = await makeVault(storage)
      await sequences(storage, push(key, [new Author('a').next('1')]))
      const merger = new Merger(storage, key)
      assert.equal(await merger.openSeeds(), 'opened')
      const [one, two] = await merger.seeds(['S0', 'S1'])
      assert.ok(one && two)
      assert.equal((await merger.put(0, two)).outcome, 'misplaced')
      assert.equal((await merger.put(0, { ...one, kind: 2 })).outcome, 'misplaced')
      await merger.put(0, { ...one, previous: bytes('other') })
      await merger.put(1, two)
      assert.equal((await merger.commit(2)).outcome, 'misplaced')
      await merger.put(0, one)
      await merger.put(1, { ...two, previous: one.previous })
      assert.equal((await merger.commit(2)).outcome, 'misplaced')
      assert.equal((await storage.position(key)).head, 1)
      await merger.put(1, two)
      assert.equal((await merger.commit(2)).outcome, 'merged')
    },
  ],
  [
    '[LOG-9] seeds count against the quota, while they are uploaded and when they are committed',
    async (storage) => {
      const key = await makeVault(storage)
      await sequences(storage, push(key, [new Author('a').next('12345')]))
      const merger = new Merger(storage, key)
      merger.quota = 10
      assert.equal(await merger.openSeeds(), 'opened')
      const [one, two] = await merger.seeds(['123', '456'])
      assert.ok(one && two)
      assert.equal((await merger.put(0, one)).outcome, 'stored')
      assert.deepEqual(await merger.put(1, two), { outcome: 'quota-exceeded', bytes: 11 })
      merger.quota = 11
      assert.equal((await merger.put(1, two)).outcome, 'stored')
      merger.quota = 10
      assert.deepEqual(await merger.commit(2), { outcome: 'quota-exceeded', bytes: 11 })
      assert.equal((await storage.sizes(key)).bytes, 5)
    },
  ],
  [
    '[LOG-10] seeds are merged like what was pushed, and keep their chain value',
    async (storage) => {
      const key = await makeVault(storage)
      const merger = new Merger(storage, key)
      assert.equal(await merger.openSeeds(), 'opened')
      const seeds = await merger.seeds(['S0', 'S1', 'S2'])
      for (const [part, record] of seeds.entries()) await merger.put(part, record)
      assert.equal((await merger.commit(3)).outcome, 'merged')
      await merger.mergeRun(1, 3, ['M'])
      assert.deepEqual(spans(await readAll(storage, key, upTo(0, 3))), ['1-3:M'])
      assert.deepEqual(plain((await storage.chainAt(key, 2)) ?? bytes('none')), plain(chainOf(seeds.slice(0, 2))))
      assert.deepEqual(await storage.sizes(key), { segments: 1, bytes: 1, bundleVersion: 1, epoch: 1 })
    },
  ],
]
