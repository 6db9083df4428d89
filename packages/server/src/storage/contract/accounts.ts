/** The storage contract's cases about vaults, sessions, devices, credentials and guesses. */
import assert from 'node:assert/strict'
import { bytes, type Cases, makeVault, plain, session, vault } from '#storage/contract/support'
import type { GuessBucket, Storage } from '#storage/storage'

export const ACCOUNT_CASES: Cases = [
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
