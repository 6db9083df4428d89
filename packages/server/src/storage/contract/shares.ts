/** The storage contract's cases about shares. */
import assert from 'node:assert/strict'
import { Author, appendOne, bytes, type Cases, Merger, makeVault, plain, push, sequences } from '#storage/contract/support'
import type { NewShare } from '#storage/shares'
import type { Storage, VaultKey } from '#storage/storage'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

function share(vault: VaultKey, id: string, sealed: string, parts: Partial<NewShare> = {}): NewShare {
  return { vault, id: bytes(id, 16), sealed: text(sealed), now: 1000, quota: 0, most: 10, ...parts }
}

async function read(storage: Storage, id: string): Promise<string | undefined> {
  const sealed = await storage.shares.get(bytes(id, 16))
  return sealed && new TextDecoder().decode(sealed)
}

export const SHARE_CASES: Cases = [
  [
    '[SHR-1] a share is given as it was put, until it is removed, over a restart',
    async (storage, subject) => {
      const key = await makeVault(storage)
      assert.equal(await read(storage, 'one'), undefined)
      assert.deepEqual(await storage.shares.put(share(key, 'one', 'sealed')), { outcome: 'stored' })
      assert.deepEqual(await storage.shares.put(share(key, 'two', 'x'.repeat(100_000))), { outcome: 'stored' })
      const again = await subject.reopen()
      assert.equal(await read(again, 'one'), 'sealed')
      assert.equal((await read(again, 'two'))?.length, 100_000)
      assert.equal(await again.shares.remove(key, bytes('one', 16)), 'removed')
      assert.equal(await read(again, 'one'), undefined)
      assert.equal(await again.shares.remove(key, bytes('one', 16)), 'removed')
      assert.equal(await again.shares.remove(key, bytes('never there', 16)), 'removed')
      assert.equal((await again.sizes(key)).bytes, 100_000)
    },
  ],
  [
    '[SHR-1] an id belongs to the vault that put it first, until that removes it',
    async (storage) => {
      const [key, other] = [await makeVault(storage), await makeVault(storage, 'other')]
      await storage.shares.put(share(key, 'one', 'mine'))
      assert.deepEqual(await storage.shares.put(share(other, 'one', 'theirs')), { outcome: 'taken' })
      assert.equal(await storage.shares.remove(other, bytes('one', 16)), 'taken')
      assert.equal(await read(storage, 'one'), 'mine')
      assert.deepEqual([(await storage.sizes(key)).bytes, (await storage.sizes(other)).bytes], [4, 0])
      await storage.shares.remove(key, bytes('one', 16))
      assert.deepEqual(await storage.shares.put(share(other, 'one', 'theirs')), { outcome: 'stored' })
      assert.deepEqual([(await storage.sizes(key)).bytes, (await storage.sizes(other)).bytes], [0, 6])
    },
  ],
  [
    '[SHR-1] the same vault may put a share again, and put other bytes there',
    async (storage) => {
      const key = await makeVault(storage)
      const put = (sealed: string) => storage.shares.put(share(key, 'one', sealed, { most: 1 }))
      for (const sealed of ['first', 'first', 'the second', 'third']) assert.deepEqual(await put(sealed), { outcome: 'stored' })
      assert.equal(await read(storage, 'one'), 'third')
      assert.equal((await storage.sizes(key)).bytes, 5)
    },
  ],
  [
    '[SHR-1] a vault has no more shares than it may, however many are put at once',
    async (storage) => {
      const [key, other] = [await makeVault(storage), await makeVault(storage, 'other')]
      const ids = ['a', 'b', 'c', 'd', 'e']
      const outcomes = await Promise.all(ids.map((id) => storage.shares.put(share(key, id, id, { most: 3 }))))
      assert.deepEqual(
        outcomes.map(({ outcome }) => outcome),
        ['stored', 'stored', 'stored', 'too-many', 'too-many'],
      )
      assert.deepEqual(await storage.shares.put(share(other, 'f', 'f', { most: 3 })), { outcome: 'stored' })
      await storage.shares.remove(key, bytes('b', 16))
      assert.deepEqual(await storage.shares.put(share(key, 'd', 'd', { most: 3 })), { outcome: 'stored' })
      assert.equal((await storage.sizes(key)).bytes, 3)
    },
  ],
  [
    '[SHR-1] shares and the log have the quota together',
    async (storage) => {
      const key = await makeVault(storage)
      const author = new Author('a')
      await sequences(storage, push(key, [author.next('12345')]))
      const put = (sealed: string) => storage.shares.put(share(key, 'one', sealed, { quota: 10 }))
      assert.deepEqual(await put('123456'), { outcome: 'quota-exceeded', bytes: 11 })
      assert.equal(await read(storage, 'one'), undefined)
      assert.deepEqual(await put('1234'), { outcome: 'stored' })
      assert.deepEqual(await appendOne(storage, push(key, [new Author('b').next('12')], 10)), {
        outcome: 'quota-exceeded',
        bytes: 11,
      })
      await sequences(storage, push(key, [author.next('1')], 10))
      const merger = new Merger(storage, key)
      merger.quota = 10
      assert.equal(await merger.openSeeds(), 'opened')
      const [seed] = await merger.seeds(['1'])
      assert.ok(seed)
      assert.deepEqual(await merger.put(0, seed), { outcome: 'quota-exceeded', bytes: 11 })
      // What takes no more room is taken, even when there is none.
      await sequences(storage, push(key, [author.next('too much')]))
      assert.deepEqual(await put('abcd'), { outcome: 'stored' })
      assert.deepEqual(await put('abcde'), { outcome: 'quota-exceeded', bytes: 19 })
      assert.equal(await read(storage, 'one'), 'abcd')
      assert.deepEqual(plain((await storage.shares.get(bytes('one', 16))) ?? bytes('none')), plain(text('abcd')))
      assert.equal((await storage.sizes(key)).bytes, 18)
    },
  ],
]
