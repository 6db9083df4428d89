/** The storage contract's cases about appending to the log and reading it. */
import assert from 'node:assert/strict'
import type { SegmentRecord } from '@lockstep/protocol/records'
import {
  Author,
  appendOne,
  bytes,
  type Cases,
  chainOf,
  makeVault,
  plain,
  push,
  sequences,
  sha256,
  upTo,
} from '#storage/contract/support'

export const LOG_CASES: Cases = [
  [
    '[LOG-5] sequence numbers go up by one per vault, and the chain with them',
    async (storage, subject) => {
      const key = await makeVault(storage)
      const other = await makeVault(storage, 'other')
      const [a, b, c] = [new Author('a'), new Author('b'), new Author('c')]
      const records = [a.next('one'), b.next('two'), a.next('three'), a.next('four')]
      assert.deepEqual(await sequences(storage, push(key, records.slice(0, 3))), [1, 2, 3])
      assert.deepEqual(await sequences(storage, push(other, [c.next('elsewhere')])), [1])
      assert.deepEqual(await sequences(storage, push(key, records.slice(3))), [4])
      const again = await subject.reopen()
      const position = await again.position(key)
      assert.deepEqual([position.head, plain(position.chain)], [4, plain(chainOf(records))])
      for (let at = 0; at <= 4; at++) {
        assert.deepEqual(plain((await again.chainAt(key, at)) as Uint8Array), plain(chainOf(records.slice(0, at))))
      }
      assert.equal(await again.chainAt(key, 5), undefined)
      assert.deepEqual(await again.sizes(key), { segments: 4, bytes: 15, bundleVersion: 1, epoch: 1 })
    },
  ],
  [
    '[LOG-3] the same segment again has the stored answer, in any later push',
    async (storage) => {
      const key = await makeVault(storage)
      const author = new Author('a')
      const [one, two, three] = [author.next('one'), author.next('two'), author.next('three')]
      assert.deepEqual(await sequences(storage, push(key, [one, two])), [1, 2])
      assert.deepEqual(await sequences(storage, push(key, [two, three, three, one])), [2, 3, 3, 1])
      assert.equal((await storage.position(key)).head, 3)
      assert.equal((await storage.sizes(key)).segments, 3)
    },
  ],
  [
    '[LOG-3] a segment that does not continue its replica refuses the whole push and names what is stored',
    async (storage) => {
      const key = await makeVault(storage)
      const author = new Author('a')
      const [one, two, three] = [author.next('one'), author.next('two'), author.next('three')]
      await storage.append([push(key, [one])])
      const conflict = { outcome: 'replica-conflict', counter: 1, previous: plain(sha256(one.sealed)) }
      const wrong: (readonly SegmentRecord[])[] = [
        [three],
        [{ ...two, counter: 3 }],
        [{ ...two, previous: bytes('other') }],
        [{ ...one, sealed: bytes('another one') }],
        [{ ...one, epoch: 2 }],
        [two, { ...three, previous: bytes('other') }],
        [new Author('b').next('new'), { ...two, counter: 4 }],
      ]
      for (const records of wrong) {
        const outcome = await appendOne(storage, push(key, records))
        assert.ok(outcome.outcome === 'replica-conflict')
        assert.deepEqual({ ...outcome, previous: plain(outcome.previous) }, conflict)
      }
      const first = { ...new Author('c').next('x'), counter: 2 }
      const unknown = await appendOne(storage, push(key, [first]))
      assert.ok(unknown.outcome === 'replica-conflict')
      assert.deepEqual([unknown.counter, plain(unknown.previous)], [0, plain(new Uint8Array(32))])
      assert.equal((await storage.position(key)).head, 1)
      assert.equal((await storage.coverage(key)).length, 1)
    },
  ],
  [
    '[SYNC-2] in a group each push stands or falls by itself',
    async (storage) => {
      const key = await makeVault(storage)
      const other = await makeVault(storage, 'other')
      const [a, b, c] = [new Author('a'), new Author('b'), new Author('c')]
      const [a1, a2] = [a.next('a1'), a.next('a2')]
      const outcomes = await storage.append([
        push(key, [a1]),
        push(key, [b.next('b1'), { ...b.next('b2'), previous: bytes('other') }]),
        push(other, [c.next('c1')]),
        push(key, [a2]),
        push(key, [new Author('big').next('x'.repeat(100))], 50),
      ])
      assert.deepEqual(
        outcomes.map(({ outcome }) => outcome),
        ['appended', 'replica-conflict', 'appended', 'appended', 'quota-exceeded'],
      )
      const heads = outcomes.map((outcome) => (outcome.outcome === 'appended' ? outcome.position.head : undefined))
      assert.deepEqual(heads, [1, undefined, 1, 2, undefined])
      const { segments } = await storage.read(key, upTo(0, 2), 1e6)
      assert.deepEqual(
        segments.map(({ sealed }) => plain(sealed)),
        [plain(a1.sealed), plain(a2.sealed)],
      )
    },
  ],
  [
    'a vault over its quota takes nothing more, and what it has is still known',
    async (storage) => {
      const key = await makeVault(storage)
      const author = new Author('a')
      const [one, two] = [author.next('12345'), author.next('678901')]
      assert.deepEqual(await sequences(storage, push(key, [one], 10)), [1])
      assert.equal((await appendOne(storage, push(key, [two], 10))).outcome, 'quota-exceeded')
      assert.deepEqual(await sequences(storage, push(key, [one], 10)), [1])
      assert.deepEqual(await sequences(storage, push(key, [two], 11)), [2])
    },
  ],
  [
    '[LOG-6] reading gives every segment of (after, through], in pages, as it was pushed',
    async (storage, subject) => {
      const key = await makeVault(storage)
      const author = new Author('a')
      const records = Array.from({ length: 20 }, (_, i) => author.next(`segment ${i}`.padEnd(100, '.')))
      await storage.append([push(key, records)])
      const again = await subject.reopen()
      const read: SegmentRecord[] = []
      for (let after = 3; after < 17; ) {
        const page = await again.read(key, upTo(after, 17), 250)
        assert.equal(page.segments.length, Math.min(3, 17 - after))
        after = page.segments.at(-1)?.last ?? 99
        assert.deepEqual(plain(page.chain as Uint8Array), plain(chainOf(records.slice(0, after))))
        read.push(...page.segments)
      }
      const comparable = ({ kind, epoch, replica, counter, previous, sealed }: SegmentRecord) => {
        return [kind, epoch, counter, plain(replica), plain(previous), plain(sealed)]
      }
      assert.deepEqual(read.map(comparable), records.slice(3, 17).map(comparable))
      assert.deepEqual((await again.read(key, upTo(17, 17), 250)).segments, [])
      assert.equal((await again.read(key, upTo(0, 20), 1)).segments.length, 1)
    },
  ],
  [
    '[LOG-4] coverage names each replica with its counters and the digest of its last',
    async (storage) => {
      const key = await makeVault(storage)
      const [a, b] = [new Author('a'), new Author('b')]
      await storage.append([push(key, [a.next('1'), b.next('2'), a.next('3')])])
      const coverage = (await storage.coverage(key)).map(({ replica, ranges, digest }) => [plain(replica), ranges, plain(digest)])
      assert.deepEqual(coverage, [
        [plain(bytes('a', 16)), [[1, 2]], plain(a.previous)],
        [plain(bytes('b', 16)), [[1, 1]], plain(b.previous)],
      ])
    },
  ],
  [
    '[KEY-4] a record of a closed epoch is refused whole, a repeated one is still known, and a later one opens its epoch',
    async (storage, subject) => {
      const key = await makeVault(storage)
      const [a, b] = [new Author('a'), new Author('b')]
      const one = a.next('one')
      const two = a.next('two')
      assert.deepEqual(await sequences(storage, push(key, [one])), [1])
      const later = { ...b.next('later'), epoch: 4 }
      assert.deepEqual(await sequences(storage, push(key, [later])), [2])
      const again = await subject.reopen()
      assert.equal((await again.sizes(key)).epoch, 4)
      assert.deepEqual(await sequences(again, push(key, [one])), [1])
      const refused = await appendOne(
        again,
        push(key, [
          { ...two, epoch: 4 },
          { ...a.next('three'), epoch: 3 },
        ]),
      )
      assert.ok(refused.outcome === 'epoch-closed')
      assert.deepEqual([refused.epoch, refused.counter, plain(refused.previous)], [4, 1, plain(sha256(one.sealed))])
      const fresh = await appendOne(again, push(key, [new Author('c').next('x')]))
      assert.ok(fresh.outcome === 'epoch-closed')
      assert.deepEqual([fresh.epoch, fresh.counter, plain(fresh.previous)], [4, 0, plain(new Uint8Array(32))])
      assert.equal((await again.position(key)).head, 2)
      assert.deepEqual(await sequences(again, push(key, [{ ...two, epoch: 4 }])), [3])
    },
  ],
  [
    '[KEY-4] a record more than 64 epochs later than the vault is refused whole and opens nothing; 64 later it opens its epoch',
    async (storage) => {
      const key = await makeVault(storage)
      const author = new Author('a')
      const [one, two] = [author.next('one'), author.next('two')]
      for (const epoch of [66, 0xffff_ffff]) {
        const refused = await appendOne(storage, push(key, [one, { ...two, epoch }]))
        assert.deepEqual(refused, { outcome: 'epoch-ahead', epoch: 1 })
      }
      const { epoch, segments } = await storage.sizes(key)
      assert.deepEqual([epoch, segments, (await storage.coverage(key)).length], [1, 0, 0])
      assert.deepEqual(await sequences(storage, push(key, [one, { ...two, epoch: 65 }])), [1, 2])
      assert.equal((await storage.sizes(key)).epoch, 65)
      const three = { ...author.next('three'), epoch: 130 }
      assert.deepEqual(await appendOne(storage, push(key, [three])), { outcome: 'epoch-ahead', epoch: 65 })
    },
  ],
  [
    '[LOG-9] the greatest mark that is in the log is found, with all that a repair starts from',
    async (storage) => {
      const key = await makeVault(storage)
      const author = new Author('a')
      const records = Array.from({ length: 9 }, (_, i) => author.next(`${i}`))
      await storage.append([push(key, records)])
      const mark = (sequence: number) => ({ sequence, chain: chainOf(records.slice(0, sequence)) })
      const wrong = (sequence: number) => ({ sequence, chain: bytes(`wrong ${sequence}`) })
      const cases = [
        [[], 0],
        [[wrong(3)], 0],
        [[mark(2), wrong(5), mark(4)], 4],
        [[mark(9), mark(1)], 9],
        [[{ sequence: 10, chain: mark(9).chain }, mark(8)], 8],
        [[{ sequence: 0, chain: new Uint8Array(32) }], 0],
      ] as const
      for (const [marks, expected] of cases) {
        const common = await storage.common(key, marks)
        assert.deepEqual([common.sequence, common.epoch, common.bundleVersion], [expected, 1, 1])
        assert.deepEqual(common.position, await storage.position(key))
        assert.deepEqual(common.coverage, await storage.coverage(key))
      }
    },
  ],
]
