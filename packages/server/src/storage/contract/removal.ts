/** The storage contract's cases about the removal of a vault. */
import assert from 'node:assert/strict'
import {
  Author,
  bytes,
  type Cases,
  Merger,
  makeVault,
  plain,
  push,
  readAll,
  sequences,
  session,
  spans,
  upTo,
  vault,
} from '#storage/contract/support'
import type { GuessTimes, Storage, VaultKey } from '#storage/storage'
import { VaultRemovedError } from '#storage/storage'

const DAY = 24 * 60 * 60_000
const NOBODY = bytes('no name', 16)

const remove = (storage: Storage, key: VaultKey, now = 5000) => storage.removeVault({ vault: key, guesses: NOBODY, now })

/** With a log, a merge under way, a share, a second device and a rotation. */
async function fillVault(storage: Storage, name: string): Promise<VaultKey> {
  const key = await makeVault(storage, name)
  await storage.openSession(key, session(`phone ${name}`, `phone ${name}`))
  const author = new Author(`a ${name}`)
  await sequences(storage, push(key, [author.next('1'), author.next('2'), author.next('3')]))
  const merger = new Merger(storage, key, `token ${name}`)
  await merger.mergeRun(1, 2, [`M ${name}`])
  assert.equal(await merger.openSeeds(), 'opened')
  const [seed] = await merger.seeds(['S'])
  assert.ok(seed)
  await merger.put(0, seed)
  const share = { vault: key, id: bytes(`share ${name}`, 16), sealed: bytes(name), now: 1000, quota: 0, most: 10 }
  assert.deepEqual(await storage.shares.put(share), { outcome: 'stored' })
  return key
}

export const REMOVAL_CASES: Cases = [
  [
    '[VAULT-1] a removed vault is gone with all that was its own, its name is free, and other vaults are as they were',
    async (storage, subject) => {
      const [key, other] = [await fillVault(storage, 'main'), await fillVault(storage, 'other')]
      const before = await storage.sizes(other)
      const { ended } = await remove(storage, key)
      assert.deepEqual(ended.map(plain).sort(), ['token main', 'phone main'].map((token) => plain(bytes(token))).sort())
      const again = await subject.reopen()
      assert.equal(await again.vaultByName('main'), undefined)
      assert.equal(await again.shares.get(bytes('share main', 16)), undefined)
      for (const token of ['token main', 'phone main']) {
        assert.equal(await again.session(bytes(token)), undefined)
        assert.equal(await again.isRemovedSession(bytes(token)), true)
      }
      assert.equal(await again.isRemovedSession(bytes('token other')), false)
      assert.equal(await again.isRemovedSession(bytes('never there')), false)
      assert.deepEqual(await again.devices(key), [])
      assert.equal(await again.knowsCookie(key, bytes('cookie phone main')), false)
      assert.deepEqual(await again.sizes(other), before)
      assert.deepEqual(spans(await readAll(again, other, upTo(0, 3))), ['1-2:M other', '3-3:3'])
      assert.ok(await again.shares.get(bytes('share other', 16)))
      assert.ok(await again.session(bytes('token other')))
      assert.equal(await again.createVault(vault('main'), session('laptop', 'new token'), false), 'created')
      const made = await again.vaultByName('main')
      assert.ok(made)
      assert.deepEqual(await again.sizes(made.key), { segments: 0, bytes: 0, bundleVersion: 1, epoch: 1 })
      assert.deepEqual(
        (await again.devices(made.key)).map(({ name }) => name),
        ['laptop'],
      )
    },
  ],
  [
    '[VAULT-1] where only one vault may be, its removal makes room for the next',
    async (storage) => {
      const key = await makeVault(storage)
      await remove(storage, key)
      assert.equal(await storage.hasVaults(), false)
      assert.equal(await storage.createVault(vault('next'), session('laptop', 'next'), true), 'created')
    },
  ],
  [
    '[VAULT-1] a key is not given twice: what is asked under the old one reaches no vault that was made later',
    async (storage, subject) => {
      const key = await makeVault(storage)
      await remove(storage, key)
      const next = await makeVault(await subject.reopen(), 'next')
      const again = await subject.reopen()
      assert.notEqual(next, key)
      const record = new Author('a').next('1')
      assert.deepEqual(await again.append([push(key, [record])]), [{ outcome: 'vault-removed' }])
      assert.equal((await again.position(next)).head, 0)
    },
  ],
  [
    '[VAULT-1] what was under way when the vault was removed is refused, and does nothing',
    async (storage) => {
      const key = await fillVault(storage, 'main')
      const { head, chain } = await storage.position(key)
      const merger = new Merger(storage, key, 'token main')
      assert.equal(await merger.openSeeds(), 'opened')
      const [seed] = await merger.seeds(['S'])
      assert.ok(seed)
      await remove(storage, key)
      const { suite, salt, authHash } = vault('main')
      const update = {
        vault: key,
        suite,
        salt,
        authHash,
        replaces: 1,
        bundle: { version: 2, sealed: bytes('b') },
        keep: bytes('token main'),
      }
      const revocation = { ...update, deviceId: bytes('phone main', 16), epoch: 2, rotation: bytes('r'), head, chain, now: 1 }
      const share = { vault: key, id: bytes('late', 16), sealed: bytes('x'), now: 1, quota: 0, most: 10 }
      const asked: Readonly<Record<string, () => Promise<unknown>>> = {
        vaultByKey: () => storage.vaultByKey(key),
        openSession: () => storage.openSession(key, session('tablet', 'late')),
        updateCredentials: () => storage.updateCredentials(update),
        revokeDevice: () => storage.revokeDevice(revocation),
        position: () => storage.position(key),
        sizes: () => storage.sizes(key),
        read: () => storage.read(key, upTo(0, 3), 1e6),
        common: () => storage.common(key, []),
        openMerge: () => merger.openSeeds(),
        putShare: () => storage.shares.put(share),
        removeVault: () => remove(storage, key),
      }
      for (const [what, ask] of Object.entries(asked)) await assert.rejects(ask(), VaultRemovedError, what)
      assert.equal((await merger.put(0, seed)).outcome, 'unknown-merge')
      assert.equal((await merger.commit(1)).outcome, 'unknown-merge')
      assert.equal(await storage.shares.remove(key, bytes('late', 16)), 'removed')
      await storage.touchDevice(key, bytes('phone main', 16), 9000)
      assert.equal(await storage.session(bytes('late')), undefined)
      assert.equal(await storage.shares.get(bytes('late', 16)), undefined)
    },
  ],
  [
    '[VAULT-1] pushes to a removed vault do not hold up those that are stored with them',
    async (storage) => {
      const [key, other] = [await makeVault(storage), await makeVault(storage, 'other')]
      await remove(storage, key)
      const pushes = [
        push(other, [new Author('a').next('1')]),
        push(key, [new Author('b').next('2')]),
        push(other, [new Author('c').next('3')]),
      ]
      const outcomes = await storage.append(pushes)
      assert.deepEqual(
        outcomes.map(({ outcome }) => outcome),
        ['appended', 'vault-removed', 'appended'],
      )
      assert.equal((await storage.position(other)).head, 2)
    },
  ],
  [
    '[VAULT-1] of two removals at once one is done',
    async (storage) => {
      const key = await fillVault(storage, 'main')
      const outcomes = await Promise.allSettled([remove(storage, key), remove(storage, key)])
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
      assert.equal(await storage.isRemovedSession(bytes('token main')), true)
    },
  ],
  [
    '[VAULT-1] [KEY-10] the guesses under its name go with a vault, others stay',
    async (storage) => {
      const key = await makeVault(storage)
      const [own, second, others] = [
        [...NOBODY, 1],
        [...NOBODY, 2],
        [...bytes('another name', 16), 1],
      ].map((k) => new Uint8Array(k))
      assert.ok(own && second && others)
      const keys = [own, second, others]
      const store = keys.map((bucket) => ({ key: bucket, times: [1], expiresAt: 1e6 }))
      await storage.changeGuesses(keys, 1, () => ({ store, result: undefined }))
      await remove(storage, key)
      const left = await storage.changeGuesses(keys, 2, (times: readonly GuessTimes[]) => ({ store: [], result: times }))
      assert.deepEqual(left, [[], [], [1]])
    },
  ],
  [
    '[VAULT-1] devices are told of a removal for at least 180 days, then their tokens are forgotten',
    async (storage, subject) => {
      await remove(storage, await makeVault(storage), 1000)
      await remove(storage, await makeVault(storage, 'other'), 1000 + DAY)
      const tidied = async (at: Storage, now: number) => {
        for (let steps = 0; await at.maintain(now); steps++) assert.ok(steps < 1000)
        return Promise.all(['token main', 'token other'].map((token) => at.isRemovedSession(bytes(token))))
      }
      assert.deepEqual(await tidied(storage, 1000 + 180 * DAY - 1), [true, true])
      const again = await subject.reopen()
      assert.deepEqual(await tidied(again, 1000 + 180 * DAY), [false, true])
      assert.deepEqual(await tidied(again, 1000 + 181 * DAY), [false, false])
    },
  ],
]
