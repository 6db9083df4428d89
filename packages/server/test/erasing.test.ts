/** What was unpublished, and what a removed vault held, is on no disk: not in the database, its write-ahead log or a file. */
import { expect, test } from 'vitest'
import { openSnapshot } from '#operate/snapshot'
import { verify } from '#operate/verify'
import { Merger } from '#storage/contract/support'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import type { Storage, VaultKey } from '#storage/storage'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { named, ReplicaLog } from './client.ts'
import { foundOnDisk } from './disk.ts'
import { random } from './in-process.ts'
import { temporaryFolder } from './running.ts'
import { identified } from './vault.ts'

const FILE = 'packages/server/test/erasing.test.ts'
const utf8 = (text: string) => new TextEncoder().encode(text)
const nameOf = (vault: string) => `the-vault-called-${vault}`
const deviceOf = (vault: string) => `the laptop of ${vault}, at home`

async function makeVault(storage: Storage, name: string): Promise<VaultKey> {
  const session = {
    deviceId: named(`device ${name}`, 16),
    deviceName: deviceOf(name),
    tokenHash: named(`token ${name}`),
    cookieHash: named('c'),
    now: 1,
  }
  const bundle = { version: 1, sealed: named(`bundle ${name}`) }
  const ids = { vaultId: named(`vault ${name}`, 16), salt: named(`salt ${name}`, 16), authHash: named(`auth ${name}`) }
  await storage.createVault({ name: nameOf(name), suite: 'argon2id-64m-3', ...ids, bundle }, session, false)
  const key = (await storage.vaultByName(nameOf(name)))?.key
  if (key === undefined) throw new Error('the vault was not made')
  return key
}

const shareOf = (vault: VaultKey, name: string, sealed: Uint8Array) => ({
  vault,
  id: named(name, 16),
  sealed,
  now: 1,
  quota: 0,
  most: 1000,
})
const removalOf = (vault: VaultKey, now = 5) => ({ vault, guesses: named('no name', 16), now })

async function tidyUp(storage: Storage): Promise<void> {
  while (await storage.maintain(10));
}

async function push(storage: Storage, vault: VaultKey, log: ReplicaLog, sealed: Uint8Array): Promise<void> {
  const [outcome] = await storage.append([{ vault, quota: 0, segments: [identified(log.next(sealed))] }])
  expect(outcome?.outcome).toBe('appended')
}

function open(): { folder: string; storage: Storage } {
  const folder = temporaryFolder()
  return { folder, storage: openSqliteStorage({ folder, random }) }
}

test('[SHR-1] nothing of an unpublished share is left on the disk, whatever its size, nor of what was replaced', async () => {
  const { folder, storage } = open()
  const vault = await makeVault(storage, 'main')
  const sizes = [25, 300, 3000, 4000, 5000, 70_000, 1024 * 1024]
  const sealed = Object.fromEntries(sizes.map((size) => [`${size}`, random(size)]))
  const replaced = Object.fromEntries(sizes.map((size) => [`old ${size}`, random(size)]))
  const names = Object.keys(sealed)
  for (const size of names) await storage.shares.put(shareOf(vault, size, replaced[`old ${size}`] as Uint8Array))
  expect(foundOnDisk(folder, replaced).length).toBe(sizes.length)
  for (const size of names) await storage.shares.put(shareOf(vault, size, sealed[size] as Uint8Array))
  await tidyUp(storage)
  expect(foundOnDisk(folder, { ...sealed, ...replaced })).toEqual(names)
  for (const size of names) {
    await storage.shares.remove(vault, named(size, 16))
    await tidyUp(storage)
    expect(foundOnDisk(folder, sealed)).not.toContain(size)
  }
  expect(foundOnDisk(folder, { ...sealed, ...replaced })).toEqual([])
  await storage.close()
  expect(foundOnDisk(folder, { ...sealed, ...replaced })).toEqual([])
})

/** What a vault keeps on a server, by what it is. */
async function fillVault(storage: Storage, name: string): Promise<{ vault: VaultKey; kept: Record<string, Uint8Array> }> {
  const vault = await makeVault(storage, name)
  const kept: Record<string, Uint8Array> = {
    name: utf8(nameOf(name)),
    device: utf8(deviceOf(name)),
    bundle: named(`bundle ${name}`),
    rotation: random(300),
    share: random(50_000),
    'small share': random(200),
    'part of an unfinished merge': random(9000),
  }
  const log = new ReplicaLog(name)
  for (let n = 0; n < 60; n++) {
    const sealed = random(n % 5 === 0 ? 9000 : 300)
    kept[n < 40 ? `merged away ${n}` : `segment ${n}`] = sealed
    await push(storage, vault, log, sealed)
  }
  const merger = new Merger(storage, vault, `token ${name}`)
  const parts = await merger.mergeRun(1, 40, [Buffer.from(random(20_000)).toString('base64')])
  kept['merged'] = parts[0]?.sealed as Uint8Array
  await merger.openRun(1, 60)
  await merger.put(0, { ...(await merger.merged(1, 60, '')), sealed: kept['part of an unfinished merge'] as Uint8Array })
  await storage.shares.put(shareOf(vault, `share ${name}`, kept['share'] as Uint8Array))
  await storage.shares.put(shareOf(vault, `small share ${name}`, kept['small share'] as Uint8Array))
  const { head, chain } = await storage.position(vault)
  const { salt, suite, authHash } = await storage.vaultByKey(vault)
  const second = {
    deviceId: named(`second ${name}`, 16),
    deviceName: 'second',
    tokenHash: named(`s ${name}`),
    cookieHash: named('c'),
    now: 1,
  }
  await storage.openSession(vault, second)
  const bundle = { version: 2, sealed: kept['bundle'] as Uint8Array }
  const change = { vault, salt, suite, authHash, replaces: 1, bundle, keep: named(`token ${name}`) }
  const revoked = await storage.revokeDevice({
    ...change,
    deviceId: second.deviceId,
    epoch: 2,
    rotation: kept['rotation'] as Uint8Array,
    head,
    chain,
    now: 2,
  })
  expect(revoked.outcome).toBe('revoked')
  return { vault, kept }
}

test('[VAULT-1] nothing of a removed vault is left on the disk, and all of another one', async () => {
  const { folder, storage } = open()
  const [own, other] = [await fillVault(storage, 'main'), await fillVault(storage, 'other')]
  const stays = Object.keys(other.kept).filter((what) => !what.startsWith('merged away'))
  expect(foundOnDisk(folder, own.kept)).toEqual(expect.arrayContaining(stays))
  await storage.removeVault(removalOf(own.vault))
  await tidyUp(storage)
  expect(foundOnDisk(folder, own.kept)).toEqual([])
  expect(foundOnDisk(folder, other.kept)).toEqual(expect.arrayContaining(stays))
  await storage.close()
  expect(verify({ path: folder })).toMatchObject({ damaged: false, findings: [], vaults: [{ name: nameOf('other') }] })
})

test('[SHR-1] [VAULT-1] while a backup reads, what was removed is kept for it; afterwards it goes', async () => {
  const { folder, storage } = open()
  const { vault, kept } = await fillVault(storage, 'main')
  const [share, late] = [random(30_000), random(30_000)]
  const other = await makeVault(storage, 'other')
  await storage.shares.put(shareOf(other, 'one', share))
  await tidyUp(storage)
  const backup = openSnapshot(folder)
  await storage.shares.remove(other, named('one', 16))
  await storage.shares.put(shareOf(other, 'two', late))
  await storage.shares.remove(other, named('two', 16))
  await storage.removeVault(removalOf(vault))
  await tidyUp(storage)
  expect(backup.db.prepare('SELECT count(*) AS n FROM shares').get()).toEqual({ n: 3 })
  expect(foundOnDisk(folder, { share, late }).length).toBeGreaterThan(0)
  backup.close()
  await tidyUp(storage)
  expect(foundOnDisk(folder, { share, late, ...kept })).toEqual([])
  await storage.close()
})

test('[VAULT-1] what a server that was killed had not yet taken off the disk, the next one takes off', async () => {
  const { folder, storage } = open()
  const { vault, kept } = await fillVault(storage, 'main')
  await storage.removeVault(removalOf(vault))
  // Free pages are left, and the log.
  await storage.close()
  expect(foundOnDisk(folder, kept).length).toBeGreaterThan(0)
  const again = openSqliteStorage({ folder, random })
  await tidyUp(again)
  expect(foundOnDisk(folder, kept)).toEqual([])
  await again.close()
})

interface Kept {
  readonly vault: string
  readonly sealed: Uint8Array
}

/** Vaults by name, shares by id, and everything that was ever taken away. */
class Model {
  readonly vaults = new Map<string, VaultKey>()
  readonly shares = new Map<string, Kept>()
  readonly gone: Uint8Array[] = []
  made = 0

  drop(id: string): void {
    const share = this.shares.get(id)
    if (share !== undefined) this.gone.push(share.sealed)
    this.shares.delete(id)
  }

  async step(storage: Storage, chance: Random): Promise<string> {
    const { vaults, shares } = this
    const name = vaults.size === 0 ? undefined : chance.pick([...vaults.keys()])
    const choice = chance.below(20)
    if (name === undefined || (choice < 2 && vaults.size < 4)) {
      const made = `vault ${++this.made}`
      vaults.set(made, await makeVault(storage, made))
      return 'vault'
    }
    const vault = vaults.get(name) as VaultKey
    const id = `share ${chance.below(12)}`
    const owner = shares.get(id)?.vault
    if (choice < 9) {
      const sealed = chance.bytes(chance.pick([40, 200, 1000, 3000, 4090, 9000]))
      const { outcome } = await storage.shares.put(shareOf(vault, id, sealed))
      expect(outcome).toBe(owner === undefined || owner === name ? 'stored' : 'taken')
      if (outcome !== 'stored') return 'taken'
      this.drop(id)
      shares.set(id, { vault: name, sealed })
      return 'share'
    }
    if (choice < 15) {
      const outcome = await storage.shares.remove(vault, named(id, 16))
      expect(outcome).toBe(owner === undefined || owner === name ? 'removed' : 'taken')
      if (owner === name) this.drop(id)
      return outcome
    }
    if (choice < 19) {
      await push(storage, vault, new ReplicaLog(`${Math.floor(chance.float() * 2 ** 32)}`), chance.bytes(500))
      return 'push'
    }
    await storage.removeVault(removalOf(vault))
    for (const [own, share] of [...shares]) if (share.vault === name) this.drop(own)
    vaults.delete(name)
    return 'removal'
  }

  async check(storage: Storage, folder: string): Promise<void> {
    for (let n = 0; n < 12; n++) {
      const sealed = await storage.shares.get(named(`share ${n}`, 16))
      expect(sealed && Buffer.from(sealed).toString('hex')).toBe(toHex(this.shares.get(`share ${n}`)?.sealed))
    }
    for (let n = 1; n <= this.made; n++) {
      const key = this.vaults.get(`vault ${n}`)
      expect((await storage.vaultByName(nameOf(`vault ${n}`)))?.key).toBe(key)
    }
    await tidyUp(storage)
    expect(foundOnDisk(folder, Object.fromEntries(this.gone.map((sealed, n) => [`${n} of ${sealed.length}`, sealed])))).toEqual([])
  }
}

const toHex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

test('[SHR-1] [VAULT-1] shares and vaults come and go in any order: as a list of them would, and nothing of what went is left', async () => {
  const seen: Record<string, number> = {}
  await forEachSeed('shares and vaults against a list', 8, FILE, async (chance) => {
    const { folder, storage } = open()
    const model = new Model()
    for (let step = 0; step < 120; step++) {
      const what = await model.step(storage, chance)
      seen[what] = (seen[what] ?? 0) + 1
      if (step % 30 === 29) await model.check(storage, folder)
    }
    await storage.close()
    expect(verify({ path: folder })).toMatchObject({ damaged: false, findings: [] })
  })
  console.log(`shares and vaults against a list: ${JSON.stringify(seen)}`)
  for (const what of ['vault', 'share', 'taken', 'removed', 'push', 'removal'])
    expect([what, (seen[what] ?? 0) > 10]).toEqual([what, true])
})
