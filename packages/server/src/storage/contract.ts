/**
 * What every storage must do, as cases that any test runner can run: `for (const { title, run } of
 * storageContract(open)) test(title, run)`. `open` gives a new, empty storage each time, and `reopen` the same data
 * again after a close, as a restarted server would see it.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import type { SegmentRecord } from '@lockstep/protocol/records'
import type { Append, AppendOutcome, GuessBucket, NewSession, Storage, VaultKey } from '#storage/storage'

export interface ContractSubject {
  readonly storage: Storage
  /** Closes the storage and opens it again on the same data. */
  reopen(): Promise<Storage>
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>
}

export interface ContractCase {
  readonly title: string
  run(): Promise<void>
}

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
const bytes = (text: string, length = 32): Uint8Array => sha256(new TextEncoder().encode(text)).slice(0, length)
const plain = (value: Uint8Array): number[] => [...value]

function vault(name: string) {
  const bundle = { version: 1, sealed: bytes(`bundle ${name}`) }
  const suite = 'argon2id-64m-3' as const
  return { name, vaultId: bytes(name, 16), suite, salt: bytes(`salt ${name}`, 16), authHash: bytes(`auth ${name}`), bundle }
}

function session(device: string, token: string, now = 1000): NewSession {
  return {
    deviceId: bytes(device, 16),
    deviceName: device,
    tokenHash: bytes(token),
    cookieHash: bytes(`cookie ${device}`),
    now,
  }
}

async function makeVault(storage: Storage, name = 'main'): Promise<VaultKey> {
  assert.equal(await storage.createVault(vault(name), session('laptop', `token ${name}`), false), 'created')
  const stored = await storage.vaultByName(name)
  assert.ok(stored)
  return stored.key
}

class Author {
  counter = 0
  previous: Uint8Array = new Uint8Array(32)
  readonly name: string
  constructor(name: string) {
    this.name = name
  }

  next(text: string): SegmentRecord {
    const sealed = new TextEncoder().encode(text)
    const { previous } = this
    this.counter += 1
    this.previous = sha256(sealed)
    return { kind: 0, epoch: 1, replica: bytes(this.name, 16), counter: this.counter, previous, sealed }
  }
}

function push(vaultKey: VaultKey, records: readonly SegmentRecord[], quota = 0): Append {
  return { vault: vaultKey, quota, segments: records.map((record) => ({ ...identifySegment(sha256, record), record })) }
}

function chainOf(records: readonly SegmentRecord[]): Uint8Array {
  return records.reduce((chain, record) => extendChain(sha256, chain, identifySegment(sha256, record)), CHAIN_START)
}

async function appendOne(storage: Storage, append: Append): Promise<AppendOutcome> {
  const [outcome] = await storage.append([append])
  assert.ok(outcome)
  return outcome
}

async function sequences(storage: Storage, append: Append): Promise<readonly number[]> {
  const outcome = await appendOne(storage, append)
  assert.equal(outcome.outcome, 'appended')
  return outcome.outcome === 'appended' ? outcome.sequences : []
}

type Body = (storage: Storage, subject: ContractSubject) => Promise<void>

const CASES: readonly (readonly [title: string, body: Body])[] = [
  [
    'a new storage has a generation, a secret and no vault, and keeps both over a restart',
    async (storage, subject) => {
      assert.equal(storage.generation.length, 16)
      assert.equal(storage.secret.length, 32)
      assert.equal(await storage.hasVaults(), false)
      assert.equal(await storage.vaultByName('main'), undefined)
      const { generation, secret } = storage
      const again = await subject.reopen()
      assert.deepEqual([plain(again.generation), plain(again.secret)], [plain(generation), plain(secret)])
    },
  ],
  [
    '[KEY-5] a vault is made once per name, and as the only one where that is asked for',
    async (storage) => {
      assert.equal(await storage.createVault(vault('main'), session('laptop', 'one'), true), 'created')
      assert.equal(await storage.createVault(vault('other'), session('laptop', 'two'), true), 'not-first')
      assert.equal(await storage.createVault(vault('main'), session('phone', 'three'), false), 'name-taken')
      assert.equal(await storage.session(bytes('two')), undefined)
      assert.equal(await storage.session(bytes('three')), undefined)
      assert.equal(await storage.createVault(vault('Main'), session('laptop', 'four'), false), 'created')
      assert.equal(await storage.hasVaults(), true)
    },
  ],
  [
    'concurrent first sign-ups make one vault',
    async (storage) => {
      const names = ['a', 'b', 'c', 'd']
      const outcomes = await Promise.all(names.map((name) => storage.createVault(vault(name), session('laptop', name), true)))
      assert.deepEqual(outcomes.sort(), ['created', 'not-first', 'not-first', 'not-first'])
    },
  ],
  [
    'a vault is found by name and by key as it was made',
    async (storage, subject) => {
      const key = await makeVault(storage)
      const again = await subject.reopen()
      const stored = await again.vaultByName('main')
      const { name, vaultId, suite, salt, authHash, bundle } = vault('main')
      assert.ok(stored)
      assert.deepEqual([stored.name, stored.suite, stored.bundle.version], [name, suite, bundle.version])
      assert.deepEqual(plain(stored.vaultId), plain(vaultId))
      assert.deepEqual(plain(stored.salt), plain(salt))
      assert.deepEqual(plain(stored.authHash), plain(authHash))
      assert.deepEqual(plain(stored.bundle.sealed), plain(bundle.sealed))
      assert.deepEqual(await again.vaultByKey(key), stored)
    },
  ],
  [
    'sessions are found by their hash, end one by one, and a device has one',
    async (storage, subject) => {
      const key = await makeVault(storage)
      assert.deepEqual(await storage.openSession(key, session('phone', 'phone 1')), { ended: [] })
      const opened = await storage.openSession(key, session('phone', 'phone 2', 2000))
      assert.ok(opened !== 'revoked')
      assert.deepEqual(opened.ended.map(plain), [plain(bytes('phone 1'))])
      assert.equal(await storage.session(bytes('phone 1')), undefined)
      const again = await subject.reopen()
      const found = await again.session(bytes('phone 2'))
      assert.equal(found?.vault, key)
      assert.deepEqual(plain(found.deviceId), plain(bytes('phone', 16)))
      assert.equal(found.lastSeenAt, 2000)
      await again.endSession(bytes('phone 2'))
      await again.endSession(bytes('never there'))
      assert.equal(await again.session(bytes('phone 2')), undefined)
      assert.ok(await again.session(bytes('token main')))
    },
  ],
  [
    'devices are listed in the order they came, with what they last said',
    async (storage) => {
      const key = await makeVault(storage)
      const other = await makeVault(storage, 'other')
      await storage.openSession(key, session('phone', 'p', 2000))
      await storage.openSession(other, session('tablet', 't', 2500))
      await storage.openSession(key, { ...session('laptop', 'again', 3000), deviceName: 'old laptop' })
      await storage.touchDevice(key, bytes('phone', 16), 4000)
      const listed = (await storage.devices(key)).map(({ name, createdAt, lastSeenAt }) => [name, createdAt, lastSeenAt])
      assert.deepEqual(listed, [
        ['old laptop', 1000, 3000],
        ['phone', 2000, 4000],
      ])
    },
  ],
  [
    'a revoked device loses its session and its cookie and gets no new one',
    async (storage) => {
      const key = await makeVault(storage)
      await storage.openSession(key, session('phone', 'p'))
      assert.equal(await storage.knowsCookie(key, bytes('cookie phone')), true)
      const ended = await storage.revokeDevice(key, bytes('phone', 16), 5000)
      assert.deepEqual(ended.map(plain), [plain(bytes('p'))])
      assert.equal(await storage.session(bytes('p')), undefined)
      assert.equal(await storage.knowsCookie(key, bytes('cookie phone')), false)
      assert.equal(await storage.openSession(key, session('phone', 'q')), 'revoked')
      assert.deepEqual(
        (await storage.devices(key)).map(({ revoked }) => revoked),
        [false, true],
      )
    },
  ],
  [
    '[KEY-10] a cookie is known to its own vault only',
    async (storage) => {
      const key = await makeVault(storage)
      const other = await makeVault(storage, 'other')
      await storage.openSession(key, session('phone', 'p'))
      assert.equal(await storage.knowsCookie(key, bytes('cookie phone')), true)
      assert.equal(await storage.knowsCookie(other, bytes('cookie phone')), false)
      assert.equal(await storage.knowsCookie(key, bytes('cookie nobody')), false)
    },
  ],
  [
    '[KEY-4] credentials change by compare-and-set and end every other session of the vault',
    async (storage) => {
      const key = await makeVault(storage)
      await makeVault(storage, 'other')
      await storage.openSession(key, session('phone', 'phone'))
      await storage.openSession(key, session('tablet', 'tablet'))
      const change = (version: number) => ({
        vault: key,
        suite: 'pbkdf2-sha256-1200000' as const,
        salt: bytes('new salt', 16),
        authHash: bytes(`new auth ${version}`),
        bundle: { version, sealed: bytes('new bundle') },
        keep: bytes('phone'),
      })
      for (const wrong of [1, 3]) assert.equal(await storage.updateCredentials(change(wrong)), 'bundle-conflict')
      assert.equal((await storage.vaultByKey(key)).bundle.version, 1)
      assert.ok(await storage.session(bytes('tablet')))
      const outcomes = await Promise.all([storage.updateCredentials(change(2)), storage.updateCredentials(change(2))])
      const changed = outcomes.filter((outcome) => outcome !== 'bundle-conflict')
      assert.equal(changed.length, 1)
      assert.equal(changed[0]?.ended.length, 2)
      assert.ok(await storage.session(bytes('phone')))
      assert.ok(await storage.session(bytes('token other')))
      assert.equal(await storage.session(bytes('tablet')), undefined)
      assert.equal(await storage.session(bytes('token main')), undefined)
      const stored = await storage.vaultByKey(key)
      assert.deepEqual([stored.suite, plain(stored.authHash)], ['pbkdf2-sha256-1200000', plain(bytes('new auth 2'))])
    },
  ],
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
      assert.deepEqual(await again.sizes(key), { segments: 4, bytes: 15, bundleVersion: 1 })
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
      const { segments } = await storage.read(key, 0, 2, 1e6)
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
        const page = await again.read(key, after, 17, 250)
        assert.equal(page.segments.length, Math.min(3, 17 - after))
        after = page.segments.at(-1)?.last ?? 99
        assert.deepEqual(plain(page.chain as Uint8Array), plain(chainOf(records.slice(0, after))))
        read.push(...page.segments)
      }
      const comparable = ({ kind, epoch, replica, counter, previous, sealed }: SegmentRecord) => {
        return [kind, epoch, counter, plain(replica), plain(previous), plain(sealed)]
      }
      assert.deepEqual(read.map(comparable), records.slice(3, 17).map(comparable))
      assert.deepEqual((await again.read(key, 17, 17, 250)).segments, [])
      assert.equal((await again.read(key, 0, 20, 1)).segments.length, 1)
    },
  ],
  [
    '[LOG-4] coverage names each replica with its counters',
    async (storage) => {
      const key = await makeVault(storage)
      const [a, b] = [new Author('a'), new Author('b')]
      await storage.append([push(key, [a.next('1'), b.next('2'), a.next('3')])])
      const coverage = (await storage.coverage(key)).map(({ replica, ranges }) => [plain(replica), ranges])
      assert.deepEqual(coverage, [
        [plain(bytes('a', 16)), [[1, 2]]],
        [plain(bytes('b', 16)), [[1, 1]]],
      ])
    },
  ],
  [
    '[KEY-10] guess buckets are read and written in one step, survive a restart and expire',
    async (storage, subject) => {
      const key = bytes('bucket', 16)
      const add = (at: Storage, time: number) =>
        at.changeGuesses([key, bytes('empty', 16)], time, ([times = [], none = []]) => {
          const store: GuessBucket[] = [{ key, times: [...times, time], expiresAt: time + 1000 }]
          return { store, result: [times.length, none.length] }
        })
      const seen = await Promise.all(Array.from({ length: 8 }, () => add(storage, 5000)))
      assert.deepEqual(seen.map(([count]) => count).sort(), [0, 1, 2, 3, 4, 5, 6, 7])
      const again = await subject.reopen()
      assert.deepEqual(await add(again, 5500), [8, 0])
      const unchanged = await again.changeGuesses([key], 5600, ([times = []]) => ({ store: [], result: times.length }))
      assert.equal(unchanged, 9)
      assert.deepEqual(await add(again, 6500), [0, 0])
    },
  ],
]

/** @param open gives a new, empty storage at each call. */
export function storageContract(open: () => Promise<ContractSubject>): readonly ContractCase[] {
  return CASES.map(([title, body]) => ({
    title,
    async run() {
      const subject = await open()
      try {
        await body(subject.storage, subject)
      } finally {
        await subject.dispose()
      }
    },
  }))
}
