/** The storage contract's cases about what replaces the key bundle: changed credentials and revoked devices. */
import assert from 'node:assert/strict'
import { Author, bytes, type Cases, makeVault, plain, push, sequences, session, vault } from '#storage/contract/support'
import type { CredentialsUpdate, Revocation, Storage, VaultKey } from '#storage/storage'

function update(key: VaultKey, keep: string, parts: Partial<CredentialsUpdate> = {}): CredentialsUpdate {
  const { suite, salt, authHash } = vault('main')
  return {
    vault: key,
    suite,
    salt,
    authHash,
    replaces: 1,
    bundle: { version: 2, sealed: bytes('new bundle') },
    keep: bytes(keep),
    ...parts,
  }
}

async function revocation(storage: Storage, key: VaultKey, parts: Partial<Revocation> = {}): Promise<Revocation> {
  const { head, chain } = await storage.position(key)
  return {
    ...update(key, 'token main'),
    deviceId: bytes('phone', 16),
    epoch: 2,
    rotation: bytes('rotation'),
    head,
    chain,
    now: 5000,
    ...parts,
  }
}

export const CREDENTIAL_CASES: Cases = [
  [
    '[KEY-4] credentials change by compare-and-set, to a greater version, and a new auth key ends every other session of the vault',
    async (storage) => {
      const key = await makeVault(storage)
      await makeVault(storage, 'other')
      await storage.openSession(key, session('phone', 'phone'))
      await storage.openSession(key, session('tablet', 'tablet'))
      const change = (replaces: number, version: number) =>
        update(key, 'phone', {
          suite: 'pbkdf2-sha256-1200000',
          authHash: bytes(`new auth ${version}`),
          replaces,
          bundle: { version, sealed: bytes('new bundle') },
        })
      for (const [replaces, version] of [
        [0, 1],
        [1, 1],
        [2, 3],
        [2, 2],
      ] as const) {
        assert.equal(await storage.updateCredentials(change(replaces, version)), 'bundle-conflict')
      }
      assert.equal((await storage.vaultByKey(key)).bundle.version, 1)
      assert.ok(await storage.session(bytes('tablet')))
      const outcomes = await Promise.all([storage.updateCredentials(change(1, 5)), storage.updateCredentials(change(1, 5))])
      const changed = outcomes.filter((outcome) => outcome !== 'bundle-conflict')
      assert.equal(changed.length, 1)
      assert.equal(changed[0]?.ended.length, 2)
      assert.ok(await storage.session(bytes('phone')))
      assert.ok(await storage.session(bytes('token other')))
      assert.equal(await storage.session(bytes('tablet')), undefined)
      assert.equal(await storage.session(bytes('token main')), undefined)
      const stored = await storage.vaultByKey(key)
      assert.deepEqual([stored.suite, plain(stored.authHash)], ['pbkdf2-sha256-1200000', plain(bytes('new auth 5'))])
      assert.equal(stored.bundle.version, 5)
    },
  ],
  [
    '[KEY-3] another bundle under the same auth key ends no session',
    async (storage) => {
      const key = await makeVault(storage)
      await storage.openSession(key, session('phone', 'phone'))
      assert.deepEqual(await storage.updateCredentials(update(key, 'token main')), { ended: [] })
      assert.ok(await storage.session(bytes('phone')))
      assert.equal((await storage.vaultByKey(key)).bundle.version, 2)
    },
  ],
  [
    '[KEY-3] a revoked device loses its session and its cookie and gets no new one; the epoch is open and its record is kept',
    async (storage, subject) => {
      const key = await makeVault(storage)
      await storage.openSession(key, session('phone', 'p'))
      await storage.openSession(key, session('tablet', 't'))
      await sequences(storage, push(key, [new Author('a').next('one')]))
      assert.equal(await storage.knowsCookie(key, bytes('cookie phone')), true)
      const outcome = await storage.revokeDevice(await revocation(storage, key))
      assert.ok(outcome.outcome === 'revoked')
      assert.deepEqual(outcome.ended.map(plain), [plain(bytes('p'))])
      const again = await subject.reopen()
      assert.equal(await again.session(bytes('p')), undefined)
      assert.ok(await again.session(bytes('t')))
      assert.equal(await again.knowsCookie(key, bytes('cookie phone')), false)
      assert.equal(await again.openSession(key, session('phone', 'q')), 'revoked')
      assert.deepEqual(
        (await again.devices(key)).map(({ revoked }) => revoked),
        [false, true, false],
      )
      assert.deepEqual(await again.sizes(key), { segments: 1, bytes: 3, epoch: 2, bundleVersion: 2 })
      const [rotation, ...others] = await again.rotations(key, 1)
      assert.deepEqual([rotation?.epoch, plain(rotation?.record ?? bytes('none')), others], [2, plain(bytes('rotation')), []])
      assert.deepEqual(await again.rotations(key, 2), [])
    },
  ],
  [
    '[KEY-3] a revocation that changes the auth key ends every session but its own',
    async (storage) => {
      const key = await makeVault(storage)
      await storage.openSession(key, session('phone', 'p'))
      await storage.openSession(key, session('tablet', 't'))
      const outcome = await storage.revokeDevice(await revocation(storage, key, { authHash: bytes('new auth') }))
      assert.ok(outcome.outcome === 'revoked')
      assert.deepEqual(outcome.ended.map(plain).sort(), [plain(bytes('p')), plain(bytes('t'))].sort())
      assert.ok(await storage.session(bytes('token main')))
    },
  ],
  [
    '[KEY-4] a revocation that does not fit the bundle, the log or the device changes nothing at all',
    async (storage) => {
      const key = await makeVault(storage)
      await storage.openSession(key, session('phone', 'p'))
      await sequences(storage, push(key, [new Author('a').next('one')]))
      const wrong = [
        [{ deviceId: bytes('nobody', 16) }, 'no-device'],
        [{ replaces: 2, bundle: { version: 3, sealed: bytes('x') } }, 'bundle-conflict'],
        [{ bundle: { version: 1, sealed: bytes('x') } }, 'bundle-conflict'],
        [{ head: 0, chain: new Uint8Array(32) }, 'run-changed'],
        [{ head: 2 }, 'run-changed'],
        [{ chain: bytes('other') }, 'run-changed'],
        [{ epoch: 1 }, 'run-changed'],
        [{ epoch: 66 }, 'epoch-ahead'],
      ] as const
      for (const [parts, expected] of wrong) {
        assert.equal((await storage.revokeDevice(await revocation(storage, key, parts))).outcome, expected)
      }
      assert.ok(await storage.session(bytes('p')))
      assert.deepEqual(await storage.sizes(key), { segments: 1, bytes: 3, epoch: 1, bundleVersion: 1 })
      assert.deepEqual(await storage.rotations(key, 0), [])
      const two = await revocation(storage, key)
      const outcomes = await Promise.all([storage.revokeDevice(two), storage.revokeDevice({ ...two, rotation: bytes('late') })])
      assert.deepEqual(
        outcomes.map(({ outcome }) => outcome),
        ['revoked', 'no-device'],
      )
      const [stored] = await storage.rotations(key, 0)
      assert.deepEqual(plain(stored?.record ?? bytes('none')), plain(bytes('rotation')))
    },
  ],
]
