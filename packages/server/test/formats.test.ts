/** Databases of earlier formats become this release's, with all that they held. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { toHex } from '@lockstep/protocol/bytes'
import { expect, test } from 'vitest'
import { verify } from '#operate/verify'
import { readAll, spans, upTo } from '#storage/contract/support'
import { DATABASE_FORMAT, migrate } from '#storage/sqlite/schema'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import { expectFrozen } from '../../../tests/support/frozen.ts'
import { named } from './client.ts'
import { random } from './in-process.ts'
import { temporaryFolder } from './running.ts'

function folderOf(format: number): string {
  const folder = temporaryFolder()
  const old = new DatabaseSync(join(folder, 'lockstep.db'))
  old.exec(readFileSync(new URL(`./fixtures/database-${format}.sql`, import.meta.url), 'utf8'))
  old.close()
  return folder
}

function declarations(db: DatabaseSync): unknown[] {
  return db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all()
}

test('the tables of this format are frozen, and an old database has the same ones', async () => {
  const fresh = new DatabaseSync(':memory:')
  migrate(fresh, random)
  expectFrozen('server database', declarations(fresh))
  for (let format = 1; format < DATABASE_FORMAT; format++) {
    const folder = folderOf(format)
    await openSqliteStorage({ folder, random }).close()
    const db = new DatabaseSync(join(folder, 'lockstep.db'))
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: DATABASE_FORMAT })
    expect([format, declarations(db)]).toEqual([format, declarations(fresh)])
    db.close()
    expect([format, verify({ path: folder }).findings]).toEqual([format, []])
  }
})

test('[LOG-4] [KEY-4] a database of the second format opens with its merged run, its epochs and the merge under way, and goes on', async () => {
  const folder = folderOf(2)
  expect(() => verify({ path: folder })).toThrow(expect.objectContaining({ code: 'old-database' }))
  const storage = openSqliteStorage({ folder, random })
  const vault = await storage.vaultByName('main')
  if (vault === undefined) throw new Error('the vault is gone')
  expect([toHex(vault.vaultId), vault.bundle.version]).toEqual([toHex(named('vault', 16)), 2])
  const devices = await storage.devices(vault.key)
  expect(devices.map(({ name }) => name)).toEqual(['laptop', 'phone', 'stolen'])
  expect((await storage.session(named('token phone')))?.vault).toBe(vault.key)
  expect(await storage.session(named('token stolen'))).toBeUndefined()
  const plain = [5, 6, 7, 8, 9].map((n) => `${n}-${n}:sealed bytes of segment ${n}`)
  expect(spans(await readAll(storage, vault.key, upTo(0, 9)))).toEqual(['1-4:part 0 of 1 to 4', '1-4:part 1 of 1 to 4', ...plain])
  expect(await storage.sizes(vault.key)).toEqual({ segments: 7, bytes: 157, bundleVersion: 2, epoch: 2 })
  expect((await storage.rotations(vault.key, 0)).length).toBe(1)
  const merge = { vault: vault.key, name: 'under way', session: named('token laptop'), expiresAt: 9e15 }
  const outcome = await storage.commitMerge({ ...merge, parts: 1, covers: [], quota: 0 })
  expect(outcome).toMatchObject({ outcome: 'merged', position: { head: 9 } })
  await storage.dataans.createUser({ id: '7f5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6', secretKeyHash: 'x' })
  expect(await storage.difflog.profile('nobody')).toBeUndefined()
  await storage.close()
  expect(verify({ path: folder })).toMatchObject({ damaged: false, findings: [] })
})

test('[SHR-1] [VAULT-1] a database of the third format opens with its vaults and dialects, and takes shares and removals', async () => {
  const folder = folderOf(3)
  const storage = openSqliteStorage({ folder, random })
  const [main, second] = [await storage.vaultByName('main'), await storage.vaultByName('second')]
  if (main === undefined || second === undefined) throw new Error('a vault is gone')
  expect((await storage.sizes(main.key)).bytes).toBe(157)
  expect((await storage.dataans.user())?.id).toBe('7f5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6')
  expect((await storage.difflog.profile('p'))?.hashes.diffs).toBe('h')
  const share = { vault: main.key, id: named('share', 16), sealed: named('sealed share'), now: 4, quota: 157 + 32, most: 1 }
  expect(await storage.shares.put(share)).toEqual({ outcome: 'stored' })
  expect((await storage.sizes(main.key)).bytes).toBe(157 + 32)
  await storage.removeVault({ vault: second.key, guesses: named('no name', 16), now: 5 })
  expect(await storage.isRemovedSession(named('token second'))).toBe(true)
  const { salt, suite, authHash, bundle, vaultId } = main
  const session = { deviceId: named('d', 16), deviceName: 'd', tokenHash: named('t'), cookieHash: named('c'), now: 6 }
  await storage.createVault({ name: 'third', vaultId, suite, salt, authHash, bundle }, session, false)
  expect((await storage.vaultByName('third'))?.key).toBe(3)
  while (await storage.maintain(7));
  await storage.close()
  expect(verify({ path: folder })).toMatchObject({ damaged: false, findings: [] })
})
