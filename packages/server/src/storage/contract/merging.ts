/** The storage contract's cases about merged runs: what reading gives, what is kept, who may merge. */
import assert from 'node:assert/strict'
import { concatBytes } from '@lockstep/protocol/bytes'
import { identifySegment } from '@lockstep/protocol/chain'
import type { SegmentRecord } from '@lockstep/protocol/records'
import {
  Author,
  appendOne,
  bytes,
  type Cases,
  chainOf,
  Merger,
  makeVault,
  plain,
  push,
  readAll,
  sequences,
  session,
  sha256,
  spans,
  upTo,
} from '#storage/contract/support'
import type { Storage, VaultKey } from '#storage/storage'

/** A vault with the segments "1" … by two authors in turn. */
async function filled(storage: Storage, count: number) {
  const key = await makeVault(storage)
  const authors = [new Author('a'), new Author('b')] as const
  const records = Array.from({ length: count }, (_, i) => authors[i % 2 === 0 ? 0 : 1].next(String(i + 1)))
  await sequences(storage, push(key, records))
  return { key, records, authors, merger: new Merger(storage, key) }
}

const unchanged = async (storage: Storage, key: VaultKey) =>
  JSON.stringify([
    await storage.position(key),
    await storage.sizes(key),
    spans(await readAll(storage, key, upTo(0, 1e6))),
    await storage.coverage(key),
  ])

export const MERGING_CASES: Cases = [
  [
    '[LOG-6] [LOG-10] a merged run takes the place of its segments: head, chain and coverage stay, sizes and index follow',
    async (storage, subject) => {
      const { key, records, authors, merger } = await filled(storage, 8)
      const before = [await storage.position(key), await storage.coverage(key)]
      const parts = await merger.mergeRun(3, 6, ['first part', 'second part'])
      const again = await subject.reopen()
      assert.deepEqual([await again.position(key), await again.coverage(key)], before)
      assert.deepEqual(await again.sizes(key), { segments: 6, bytes: 4 + 21, bundleVersion: 1, epoch: 1 })
      assert.deepEqual(spans(await readAll(again, key, upTo(0, 8))), [
        '1-1:1',
        '2-2:2',
        '3-6:first part',
        '3-6:second part',
        '7-7:7',
        '8-8:8',
      ])
      const ids = parts.map((record) => identifySegment(sha256, record).id)
      const index = await again.index(key, 2, 3)
      assert.deepEqual(
        index.map(({ first, last, kind, bytes: size }) => [first, last, kind, size]),
        [
          [2, 2, 0, 1],
          [3, 6, 2, 21],
          [7, 7, 0, 1],
        ],
      )
      const tags = [identifySegment(sha256, records[1] as SegmentRecord).id, sha256(concatBytes(...ids)).slice(0, 16)]
      assert.deepEqual(
        index.slice(0, 2).map(({ tag }) => plain(tag)),
        tags.map(plain),
      )
      assert.deepEqual(
        (await again.index(key, 5, 1)).map(({ first }) => first),
        [3],
      )
      assert.deepEqual(await again.index(key, 9, 5), [])
      for (let at = 0; at <= 8; at++) {
        assert.deepEqual(plain((await again.chainAt(key, at)) ?? bytes('none')), plain(chainOf(records.slice(0, at))))
        assert.equal(await again.isInsideRun(key, at), at >= 3 && at <= 5)
      }
      assert.deepEqual(await sequences(again, push(key, records.slice(2, 5))), [3, 4, 5])
      assert.deepEqual(await sequences(again, push(key, [authors[0].next('9')])), [9])
    },
  ],
  [
    '[LOG-6] a run that intersects the wanted interval is read whole, its parts in their order, from either end and in any pages',
    async (storage) => {
      const { key, merger } = await filled(storage, 9)
      await merger.mergeRun(1, 3, ['A0', 'A1', 'A2'])
      await merger.mergeRun(5, 7, ['B0', 'B1'])
      const A = ['1-3:A0', '1-3:A1', '1-3:A2']
      const B = ['5-7:B0', '5-7:B1']
      const cases: [number, number, string[][]][] = [
        [0, 9, [A, ['4-4:4'], B, ['8-8:8'], ['9-9:9']]],
        [2, 5, [A, ['4-4:4'], B]],
        [3, 6, [['4-4:4'], B]],
        [5, 6, [B]],
        [7, 8, [['8-8:8']]],
        [1, 2, [A]],
        [9, 9, []],
        [4, 3, []],
      ]
      for (const [after, through, expected] of cases) {
        for (const maxBytes of [1, 3, 5, 1e9]) {
          assert.deepEqual(spans(await readAll(storage, key, upTo(after, through), maxBytes)), expected.flat())
          const newest = await readAll(storage, key, { after, through, newest: true }, maxBytes)
          assert.deepEqual(spans(newest), expected.toReversed().flat())
        }
      }
    },
  ],
  [
    '[LOG-6] a broken off answer goes on behind the segment that arrived last, where it is still in the log',
    async (storage) => {
      const { key, merger } = await filled(storage, 6)
      const [b0, b1, b2] = await merger.mergeRun(3, 5, ['B0', 'B1', 'B2'])
      const id = (record: SegmentRecord | undefined) => identifySegment(sha256, record as SegmentRecord).id
      const resume = async (newest: boolean, at: number, part: Uint8Array) =>
        spans(await readAll(storage, key, { after: 1, through: at, newest, resume: { at, id: part } }))
      assert.deepEqual(await resume(true, 5, id(b0)), ['3-5:B1', '3-5:B2', '2-2:2'])
      assert.deepEqual(await resume(true, 5, id(b1)), ['3-5:B2', '2-2:2'])
      assert.deepEqual(await resume(true, 5, id(b2)), ['2-2:2'])
      assert.deepEqual(await resume(false, 5, id(b1)), ['3-5:B2'])
      const whole = ['3-5:B0', '3-5:B1', '3-5:B2']
      assert.deepEqual(await resume(true, 5, bytes('gone', 16)), [...whole, '2-2:2'])
      await merger.mergeRun(2, 5, ['C'])
      assert.deepEqual(await resume(true, 5, id(b1)), ['2-5:C'])
    },
  ],
  [
    '[LOG-6] what is left of an interval stays right while it is merged',
    async (storage) => {
      for (const newest of [false, true]) {
        const vault = `vault ${newest}`
        const key = await makeVault(storage, vault)
        const author = new Author(vault)
        await sequences(
          storage,
          push(
            key,
            Array.from({ length: 6 }, (_, i) => author.next(`${i + 1}`)),
          ),
        )
        const merger = new Merger(storage, key, `token ${vault}`)
        await merger.mergeRun(3, 4, ['A0', 'A1'])
        const page = await storage.read(key, { after: 2, through: 4, newest }, 1)
        assert.deepEqual(spans(page.segments), ['3-4:A0'])
        await merger.mergeRun(2, 5, ['B0', 'B1'])
        assert.ok(page.rest)
        assert.deepEqual(spans(await readAll(storage, key, page.rest)), ['2-5:B0', '2-5:B1'])
      }
    },
  ],
  [
    '[LOG-10] runs are merged again into larger ones',
    async (storage) => {
      const { key, records, merger } = await filled(storage, 9)
      await merger.mergeRun(1, 3, ['A'])
      await merger.mergeRun(4, 6, ['B0', 'B1'])
      await merger.mergeRun(1, 8, ['C'])
      await merger.mergeRun(1, 8, ['D0', 'D1'])
      assert.deepEqual(spans(await readAll(storage, key, upTo(0, 9))), ['1-8:D0', '1-8:D1', '9-9:9'])
      assert.deepEqual(await storage.sizes(key), { segments: 3, bytes: 5, bundleVersion: 1, epoch: 1 })
      assert.deepEqual(await sequences(storage, push(key, records)), [1, 2, 3, 4, 5, 6, 7, 8, 9])
    },
  ],
  [
    '[LOG-10] a run that is not what the log holds is refused, when it is reserved and when it is committed',
    async (storage) => {
      const { key, merger } = await filled(storage, 9)
      await merger.mergeRun(4, 6, ['A'])
      const before = await unchanged(storage, key)
      const refused = [
        [1, 4],
        [5, 6],
        [6, 7],
        [8, 10],
        [10, 12],
      ] as const
      for (const [first, last] of refused) assert.equal(await merger.openRun(first, last), 'run-changed')
      assert.equal(await merger.open({ type: 'run', first: 1, last: 3, run: bytes('other') }), 'run-changed')
      assert.equal(await merger.open({ type: 'seed', head: 9, chain: bytes('other') }), 'run-changed')
      assert.equal(
        await merger.open({ type: 'seed', head: 8, chain: (await storage.chainAt(key, 8)) ?? bytes('none') }),
        'run-changed',
      )
      assert.equal(await unchanged(storage, key), before)

      // Another device merges after the reservation has run out; the first one comes back.
      await storage.openSession(key, session('phone', 'phone'))
      const late = new Merger(storage, key)
      assert.equal(await late.openRun(1, 3), 'opened')
      await late.put(0, await late.merged(1, 3, 'late'))
      const other = new Merger(storage, key, 'phone')
      other.now = 2000
      await other.mergeRun(1, 6, ['B'])
      const after = await unchanged(storage, key)
      assert.equal((await late.commit(1)).outcome, 'unknown-merge')
      assert.equal((await late.put(1, await merger.merged(1, 6, 'late'))).outcome, 'unknown-merge')
      assert.equal(await unchanged(storage, key), after)
    },
  ],
  [
    '[LOG-10] one session of a vault merges at a time, until its reservation runs out or it ends',
    async (storage, subject) => {
      const { key, merger } = await filled(storage, 4)
      const other = await makeVault(storage, 'other')
      await storage.openSession(key, session('phone', 'phone'))
      const phone = new Merger(storage, key, 'phone')
      const both = await Promise.all([merger.openRun(1, 2), phone.openRun(1, 2)])
      assert.deepEqual(both, ['opened', 'merge-busy'])
      assert.equal(await phone.openSeeds(), 'merge-busy')
      assert.equal(await new Merger(storage, other, 'token other').openSeeds(), 'opened')
      const again = await subject.reopen()
      const later = new Merger(again, key, 'phone')
      assert.equal(await later.openRun(3, 4), 'merge-busy')
      // A part renews the reservation.
      const same = new Merger(again, key)
      same.name = merger.name
      same.now = 1090
      assert.equal((await same.put(0, await same.merged(1, 2, 'x'))).outcome, 'stored')
      later.now = 1150
      assert.equal(await later.openRun(3, 4), 'merge-busy')
      later.now = 1190
      assert.equal(await later.openRun(3, 4), 'opened')
      assert.equal((await same.commit(1)).outcome, 'unknown-merge')
      assert.equal(await same.openRun(1, 2), 'merge-busy')
      await again.endSession(bytes('phone'))
      assert.equal(await same.openRun(1, 2), 'opened')
    },
  ],
  [
    '[LOG-10] a session that begins anew drops what it had uploaded; parts and commits of others are not found',
    async (storage) => {
      const { key, merger } = await filled(storage, 4)
      await storage.openSession(key, session('phone', 'phone'))
      assert.equal(await merger.openRun(1, 2), 'opened')
      await merger.put(0, await merger.merged(1, 2, 'one'))
      const thief = new Merger(storage, key, 'phone')
      thief.name = merger.name
      assert.equal((await thief.put(0, await merger.merged(1, 2, 'two'))).outcome, 'unknown-merge')
      assert.equal((await thief.commit(1)).outcome, 'unknown-merge')
      assert.equal(await merger.openRun(1, 2), 'opened')
      assert.equal((await merger.commit(1)).outcome, 'incomplete')
      assert.equal((await merger.put(0, await merger.merged(1, 2, 'new'))).outcome, 'stored')
      assert.equal((await merger.commit(1)).outcome, 'merged')
      assert.deepEqual(spans(await readAll(storage, key, upTo(0, 2))), ['1-2:new'])
    },
  ],
  [
    '[LOG-10] a push while a run is uploaded does not disturb the merge',
    async (storage) => {
      const { key, authors, merger } = await filled(storage, 4)
      assert.equal(await merger.openRun(1, 3), 'opened')
      await merger.put(0, await merger.merged(1, 3, 'merged'))
      assert.deepEqual(await sequences(storage, push(key, [authors[0].next('5')])), [5])
      const position = await storage.position(key)
      const outcome = await merger.commit(1)
      assert.ok(outcome.outcome === 'merged')
      assert.deepEqual([outcome.position, outcome.grown], [position, false])
      assert.deepEqual(spans(await readAll(storage, key, upTo(0, 5))), ['1-3:merged', '4-4:4', '5-5:5'])
    },
  ],
  [
    '[LOG-6] [LOG-10] a part that has no place in its merge is refused, and so is a commit without all of its parts',
    async (storage) => {
      const { key, merger } = await filled(storage, 6)
      const before = await unchanged(storage, key)
      assert.equal(await merger.openRun(2, 4), 'opened')
      const good = await merger.merged(2, 4, 'good')
      const wrong: SegmentRecord[] = [
        { ...good, kind: 0 },
        { ...good, kind: 3 },
        { ...good, counter: 3 },
        { ...good, previous: bytes('other') },
      ]
      for (const record of wrong) assert.equal((await merger.put(0, record)).outcome, 'misplaced')
      assert.equal((await merger.commit(1)).outcome, 'incomplete')
      await merger.put(1, good)
      assert.equal((await merger.commit(1)).outcome, 'incomplete')
      assert.equal((await merger.commit(2)).outcome, 'incomplete')
      await merger.put(0, good)
      assert.equal((await merger.commit(1)).outcome, 'incomplete')
      assert.equal((await merger.commit(3)).outcome, 'incomplete')
      assert.equal(await unchanged(storage, key), before)
      assert.equal((await merger.commit(2)).outcome, 'merged')
    },
  ],
  [
    '[LOG-10] a repeated commit is answered as the first, and its parts are gone',
    async (storage) => {
      const { key, merger } = await filled(storage, 3)
      await merger.mergeRun(1, 2, ['A'])
      const after = await unchanged(storage, key)
      assert.equal((await merger.commit(1)).outcome, 'merged')
      assert.equal((await merger.put(0, await merger.merged(1, 2, 'again'))).outcome, 'unknown-merge')
      assert.equal(await unchanged(storage, key), after)
      // What is done keeps nobody waiting.
      await storage.openSession(key, session('phone', 'phone'))
      assert.equal(await new Merger(storage, key, 'phone').openRun(1, 3), 'opened')
    },
  ],
  [
    '[LOG-10] what is uploaded for a run is bounded by the run, counts against no quota, and a part counts once',
    async (storage) => {
      const { key, merger } = await filled(storage, 4)
      const MiB = 1024 * 1024
      merger.quota = 4
      assert.equal(await merger.openRun(1, 4), 'opened')
      const half = await merger.merged(1, 4, 'x'.repeat(MiB / 2))
      for (let i = 0; i < 3; i++) assert.equal((await merger.put(0, half)).outcome, 'stored')
      assert.equal((await merger.put(1, half)).outcome, 'stored')
      const over = await merger.put(2, await merger.merged(1, 4, '123456'))
      assert.deepEqual(over, { outcome: 'too-large', room: MiB + 5 })
      assert.equal((await merger.put(2, await merger.merged(1, 4, '12345'))).outcome, 'stored')
      assert.equal((await merger.commit(3)).outcome, 'merged')
      assert.deepEqual(await storage.sizes(key), { segments: 3, bytes: MiB + 5, bundleVersion: 1, epoch: 1 })
      assert.equal((await appendOne(storage, push(key, [new Author('c').next('x')], 4))).outcome, 'quota-exceeded')
    },
  ],
  [
    '[LOG-3] [LOG-4] of what was merged away the last 1 024 sequence numbers are kept, and nothing older',
    async (storage) => {
      const { key, records, authors, merger } = await filled(storage, 1100)
      await merger.mergeRun(1, 1090, ['A'])
      const known = async (sequence: number) => (await storage.chainAt(key, sequence)) !== undefined
      assert.deepEqual([await known(76), await known(77), await known(1089), await known(1090)], [false, true, true, true])
      assert.deepEqual([await storage.isInsideRun(key, 76), await storage.isInsideRun(key, 1090)], [true, false])
      assert.deepEqual(await sequences(storage, push(key, [records[76] as SegmentRecord])), [77])
      const forgotten = await appendOne(storage, push(key, [records[75] as SegmentRecord]))
      assert.ok(forgotten.outcome === 'replica-conflict')
      assert.deepEqual([forgotten.counter, plain(forgotten.previous)], [550, plain(authors[1].previous)])
      await sequences(
        storage,
        push(
          key,
          Array.from({ length: 100 }, (_, i) => authors[0].next(`${1101 + i}`)),
        ),
      )
      await merger.mergeRun(1091, 1200, ['B'])
      assert.deepEqual([await known(176), await known(177), await known(1090)], [false, true, true])
      assert.deepEqual(await storage.index(key, 1, 10).then((entries) => entries.map(({ last }) => last)), [1090, 1200])
    },
  ],
  [
    '[KEY-4] a part of a closed epoch is refused, also at the commit; one of a later epoch opens it',
    async (storage) => {
      const { key, authors, merger } = await filled(storage, 4)
      assert.equal(await merger.openRun(1, 2), 'opened')
      await merger.put(0, await merger.merged(1, 2, 'old'))
      await sequences(storage, push(key, [{ ...authors[0].next('5'), epoch: 2 }]))
      const before = await unchanged(storage, key)
      const refused = [await merger.commit(1), await merger.put(0, await merger.merged(1, 2, 'old'))]
      for (const outcome of refused) {
        assert.ok(outcome.outcome === 'epoch-closed')
        assert.deepEqual([outcome.epoch, outcome.counter], [2, 0])
      }
      assert.equal(await unchanged(storage, key), before)
      merger.epoch = 67
      const ahead = await merger.put(0, await merger.merged(1, 2, 'far ahead'))
      assert.deepEqual([ahead, await storage.sizes(key).then(({ epoch }) => epoch)], [{ outcome: 'epoch-ahead', epoch: 2 }, 2])
      merger.epoch = 3
      assert.equal((await merger.put(0, await merger.merged(1, 2, 'new'))).outcome, 'stored')
      assert.equal((await merger.commit(1)).outcome, 'merged')
      assert.equal((await storage.sizes(key)).epoch, 3)
    },
  ],
]
