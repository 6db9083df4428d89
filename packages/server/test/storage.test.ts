import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { identifySegment } from '@lockstep/protocol/chain'
import { describe, expect, test } from 'vitest'
import { storageContract } from '#storage/contract'
import { createAccounts } from '#storage/sqlite/accounts'
import { FolderInUseError, openConnection } from '#storage/sqlite/connection'
import { createSegmentLog } from '#storage/sqlite/log'
import { createLogRows } from '#storage/sqlite/log-rows'
import { createLogReader } from '#storage/sqlite/reading'
import { migrate, NewerDatabaseError } from '#storage/sqlite/schema'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import { named, ReplicaLog, sha256 } from './client.ts'
import { temporaryFolder } from './running.ts'

const random = (length: number) => new Uint8Array(randomBytes(length))

describe('storage contract: SQLite in a folder', () => {
  const cases = storageContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-contract-'))
    let storage = openSqliteStorage({ folder, random })
    return {
      storage,
      async reopen() {
        await storage.close()
        storage = openSqliteStorage({ folder, random })
        return storage
      },
      async dispose() {
        await storage.close()
        rmSync(folder, { recursive: true })
      },
    }
  })
  for (const { title, run } of cases) test(title, run)
})

describe('storage contract: SQLite in memory', () => {
  const cases = storageContract(async () => {
    const storage = openSqliteStorage({ random })
    return { storage, reopen: async () => storage, dispose: () => storage.close() }
  })
  for (const { title, run } of cases) test(title, run)
})

test('the folder and every file in it are for their owner alone', async () => {
  const folder = join(temporaryFolder(), 'deep', 'data')
  const storage = openSqliteStorage({ folder, random })
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  const files = readdirSync(folder)
  expect(files).toContain('lockstep.db-wal')
  for (const file of files) expect([file, statSync(join(folder, file)).mode & 0o777]).toEqual([file, 0o600])
  await storage.close()
})

test('a second server on the same folder is refused, and may start after the first has ended', async () => {
  const folder = temporaryFolder()
  const storage = openSqliteStorage({ folder, random })
  expect(() => openSqliteStorage({ folder, random })).toThrow(FolderInUseError)
  await storage.close()
  await openSqliteStorage({ folder, random }).close()
})

test('a database of a newer release is refused and left as it is', async () => {
  const folder = temporaryFolder()
  await openSqliteStorage({ folder, random }).close()
  const path = join(folder, 'lockstep.db')
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 99')
  db.close()
  expect(() => openSqliteStorage({ folder, random })).toThrow(NewerDatabaseError)
  const again = new DatabaseSync(path)
  expect(again.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 })
  again.close()
})

test('[SYNC-2] each commit is synced: WAL with synchronous=FULL', () => {
  const connection = openConnection(temporaryFolder())
  expect(connection.db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  expect(connection.db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
  connection.close()
})

test('a full disk refuses what does not fit, stores nothing of it, and goes on when there is room', async () => {
  const connection = openConnection(temporaryFolder())
  migrate(connection.db, random)
  const accounts = createAccounts(connection)
  const vault = {
    name: 'main',
    vaultId: named('v', 16),
    suite: 'argon2id-64m-3' as const,
    salt: named('s', 16),
    authHash: named('a'),
  }
  const session = { deviceId: named('d', 16), deviceName: 'd', tokenHash: named('t'), cookieHash: named('c'), now: 1 }
  accounts.createVault({ ...vault, bundle: { version: 1, sealed: named('b') } }, session, true)
  const key = accounts.vaultByName('main')?.key
  if (key === undefined) throw new Error('the vault was not made')
  const rows = createLogRows(connection.db)
  const log = createSegmentLog({ connection, rows, generation: named('g', 16), crashPoint: () => {} })
  const reader = createLogReader(connection.db)
  const pages = (connection.db.prepare('PRAGMA page_count').get()?.['page_count'] as number) + 20
  connection.db.exec(`PRAGMA max_page_count = ${pages}`)

  const append = (author: ReplicaLog, length: number) => {
    const record = author.next(new Uint8Array(length).fill(7))
    return { vault: key, quota: 0, segments: [{ ...identifySegment(sha256, record), record }] }
  }
  const [small, large] = [new ReplicaLog('small'), new ReplicaLog('large')]
  const tooMuch = append(large, 1_000_000)
  const outcomes = log.append([append(small, 100), tooMuch, append(small, 100)])
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['appended', 'storage-full', 'appended'])
  expect(log.position(key).head).toBe(2)
  expect(reader.coverage(key).length).toBe(1)
  expect(connection.db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  connection.db.exec('PRAGMA max_page_count = 1000000')
  expect(log.append([tooMuch]).map(({ outcome }) => outcome)).toEqual(['appended'])
  connection.close()
})
