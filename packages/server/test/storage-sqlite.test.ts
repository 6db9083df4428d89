/** What the SQLite storage does beyond the contract: databases of earlier releases, a full disk, and how little a log keeps. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import type { SegmentRecord } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { Merger, readAll, spans, upTo } from '#storage/contract/support'
import { openConnection } from '#storage/sqlite/connection'
import { createSqliteStorage, openSqliteStorage } from '#storage/sqlite/sqlite'
import { type Storage, StorageFullError, type VaultKey } from '#storage/storage'
import { chainOf, named, ReplicaLog, sha256 } from './client.ts'
import { random } from './in-process.ts'
import { mergedRecord, seedRecords } from './merge-client.ts'
import { temporaryFolder } from './running.ts'
import { identified, makeVault } from './vault.ts'

const OLD_DATABASE = new URL('./fixtures/database-1.sql', import.meta.url)

function openWithDatabase() {
  const { db, ...connection } = openConnection(undefined)
  const storage = createSqliteStorage({ db, ...connection }, { random })
  const pragma = (text: string) => Object.values(db.prepare(`PRAGMA ${text}`).get() ?? {})[0]
  return {
    storage,
    pages: () => pragma('page_count') as number,
    /** SQLite then says "full", as it does on a full disk. */
    limit: (pages: number) => void pragma(`max_page_count = ${pages}`),
    check: () => pragma('integrity_check'),
    count: (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'] as number,
  }
}

test('[LOG-4] [LOG-3] a database of the first format opens with all it had, and goes on', async () => {
  const folder = temporaryFolder()
  const old = new DatabaseSync(join(folder, 'lockstep.db'))
  old.exec(readFileSync(OLD_DATABASE, 'utf8'))
  old.close()
  const storage = openSqliteStorage({ folder, random })
  const vault = await storage.vaultByName('main')
  if (vault === undefined) throw new Error('the vault is gone')
  expect([toHex(vault.vaultId), vault.bundle.version]).toEqual([toHex(named('vault', 16)), 1])
  expect((await storage.devices(vault.key)).map(({ name }) => name)).toEqual(['laptop', 'phone'])
  expect((await storage.session(named('token phone')))?.vault).toBe(vault.key)
  const { segments } = await storage.read(vault.key, upTo(0, 5), 1e6)
  expect(spans(segments)).toEqual([1, 2, 3, 4, 5].map((n) => `${n}-${n}:sealed bytes of segment ${n}`))
  expect(segments.map(({ kind }) => kind)).toEqual([0, 0, 0, 1, 0])
  expect(toHex((await storage.position(vault.key)).chain)).toBe(toHex(chainOf(segments)))
  expect(await storage.sizes(vault.key)).toEqual({ segments: 5, bytes: 125, bundleVersion: 1, epoch: 1 })
  const repeated = await storage.append([{ vault: vault.key, quota: 0, segments: segments.map(identified) }])
  expect(repeated[0]).toMatchObject({ outcome: 'appended', sequences: [1, 2, 3, 4, 5], added: [] })
  const merger = new Merger(storage, vault.key, 'token laptop')
  await merger.mergeRun(1, 5, ['merged'])
  expect(spans(await readAll(storage, vault.key, upTo(0, 5)))).toEqual(['1-5:merged'])
  await storage.close()
  const again = new DatabaseSync(join(folder, 'lockstep.db'))
  expect(again.prepare('PRAGMA foreign_key_check').all()).toEqual([])
  expect(again.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  again.close()
})

async function snapshot(storage: Storage, key: VaultKey): Promise<string> {
  const segments = await readAll(storage, key, upTo(0, 1e6))
  return JSON.stringify([
    await storage.position(key),
    await storage.sizes(key),
    segments.map((s) => [s.first, s.last, s.kind, toHex(sha256(s.sealed))]),
  ])
}

test('[SYNC-2] [LOG-10] a disk that is full at any page while a merge is uploaded or committed: nothing half, and it goes on', async () => {
  const session = named('token')
  let full = 0
  for (const isRun of [true, false]) {
    const { storage, pages, limit, check } = openWithDatabase()
    const key = await makeVault(storage)
    const log = new ReplicaLog('a')
    const records = Array.from({ length: 40 }, (_, i) => log.next(new Uint8Array(3000).fill(i)))
    await storage.append([{ vault: key, quota: 0, segments: records.map(identified) }])
    const sealed = [1, 2, 3].map((i) => new Uint8Array(20_000).fill(i))
    const { head, chain } = await storage.position(key)
    const parts = isRun ? sealed.map((bytes) => mergedRecord(40, CHAIN_START, bytes)) : seedRecords(head, chain, sealed)
    const run = sha256(new Uint8Array(Buffer.concat(records.map((record) => identifySegment(sha256, record).id))))
    const target = isRun ? ({ type: 'run', first: 1, last: 40, run } as const) : ({ type: 'seed', head, chain } as const)
    const before = await snapshot(storage, key)
    const merge = { vault: key, name: 'merge', session }
    const put = (part: number) =>
      storage.putMergePart({ ...merge, part, segment: identified(parts[part] as SegmentRecord), expiresAt: 100, quota: 0 })
    const steps: (() => Promise<unknown>)[] = [
      () => storage.openMerge({ ...merge, target, now: 0, expiresAt: 100 }),
      () => put(0),
      () => put(1),
      () => put(2),
      () => storage.commitMerge({ ...merge, parts: 3, covers: [], quota: 0 }),
    ]
    for (let step = 0, room = 0; step < steps.length; ) {
      limit(pages() + room)
      try {
        await steps[step]?.()
        step += 1
        room = 0
      } catch (error) {
        expect(error).toBeInstanceOf(StorageFullError)
        expect(await snapshot(storage, key)).toBe(before)
        full += 1
        room += 1
      }
    }
    limit(1_000_000)
    const segments = await readAll(storage, key, upTo(0, 100))
    expect(segments.slice(isRun ? 0 : 40).map((segment) => toHex(sha256(segment.sealed)))).toEqual(
      sealed.map((bytes) => toHex(sha256(bytes))),
    )
    expect(segments.length).toBe(isRun ? 3 : 43)
    expect(check()).toBe('ok')
    await storage.close()
  }
  console.log(`full disk while merging: ${full} refusals`)
  expect(full).toBeGreaterThan(10)
})

test('[LOG-6] [LOG-10] what a log keeps does not grow with its history', async () => {
  const { storage, count } = openWithDatabase()
  const key = await makeVault(storage)
  const log = new ReplicaLog('a')
  let chain = CHAIN_START
  let last = 0
  const session = named('token')
  const rows: number[] = []
  for (let round = 1; round <= 100; round++) {
    const records = Array.from({ length: 64 }, () => log.next(new Uint8Array(20)))
    await storage.append([{ vault: key, quota: 0, segments: records.map(identified) }])
    for (const record of records) chain = extendChain(sha256, chain, identifySegment(sha256, record))
    last += 64
    const entries = await storage.index(key, 1, 1e6)
    const run = sha256(new Uint8Array(Buffer.concat(entries.map(({ tag }) => tag))))
    const merge = { vault: key, name: `merge ${round}`, session }
    expect(await storage.openMerge({ ...merge, target: { type: 'run', first: 1, last, run }, now: 0, expiresAt: 9 })).toBe('opened')
    const segment = identified(mergedRecord(last, CHAIN_START, new Uint8Array(100)))
    await storage.putMergePart({ ...merge, part: 0, segment, expiresAt: 9, quota: 0 })
    expect((await storage.commitMerge({ ...merge, parts: 1, covers: [], quota: 0 })).outcome).toBe('merged')
    rows.push(count('segments'))
  }
  expect(Math.max(...rows)).toBe(1024 + 1)
  expect([count('merge_parts'), count('merges'), count('replicas')]).toEqual([0, 1, 2])
  expect(toHex((await storage.position(key)).chain)).toBe(toHex(chain))
  expect(await storage.sizes(key)).toMatchObject({ segments: 1, bytes: 100 })
  await storage.close()
})
