/** The server's file becomes as small as the log after a merge: how far, while pushes go on, and when the process dies over it. */
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START } from '@lockstep/protocol/chain'
import type { SegmentRecord } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { createBackup } from '#operate/backup'
import { openSnapshot } from '#operate/snapshot'
import { verify } from '#operate/verify'
import { readAll, upTo } from '#storage/contract/support'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import { type Storage, StorageFullError, type VaultKey } from '#storage/storage'
import { createTidying } from '#tidying'
import { spawnServer } from './child.ts'
import { jsonRequest, named, push, pushRequest, ReplicaLog, sha256, signUpBody } from './client.ts'
import { inProcess, random } from './in-process.ts'
import { MergeClient, mergedRecord } from './merge-client.ts'
import { running, signUp, temporaryFolder, type WireSession } from './running.ts'
import { identified, makeVault } from './vault.ts'

const EDITS = 6400
/** Sealed bytes of an edit, and of what is left of all. */
const EDIT_BYTES = 300
const PARTS = 4
const PART_BYTES = 100_000
const MERGED_BYTES = PARTS * PART_BYTES
/** With the identities of the last 1 024 segments, and what a new database has: a page or two for each of its tables. */
const LARGEST = MERGED_BYTES + 430_000
const OLD_DATABASE = new URL('./fixtures/database-1.sql', import.meta.url)

const sizeOf = (folder: string, file = 'lockstep.db'): number => statSync(join(folder, file)).size
const parts = (last: number) => Array.from({ length: PARTS }, () => mergedRecord(last, CHAIN_START, randomBytes(PART_BYTES)))

function pragma(folder: string, name: string): unknown {
  const { db, close } = openSnapshot(folder)
  const value = Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  close()
  return value
}

async function pushEdits(storage: Storage, vault: VaultKey, log: ReplicaLog): Promise<void> {
  for (let i = 0; i < EDITS; i += 64) {
    const segments = Array.from({ length: 64 }, () => identified(log.next(randomBytes(EDIT_BYTES))))
    const [outcome] = await storage.append([{ vault, quota: 0, segments }])
    expect(outcome?.outcome).toBe('appended')
  }
}

/** Merges all of the log. */
async function mergeEdits(storage: Storage, vault: VaultKey): Promise<SegmentRecord[]> {
  const { head } = await storage.position(vault)
  const entries = await storage.index(vault, 1, 1e6)
  const run = sha256(new Uint8Array(Buffer.concat(entries.map(({ tag }) => tag))))
  const merge = { vault, name: 'merge', session: named('token') }
  const target = { type: 'run', first: 1, last: head, run } as const
  expect(await storage.openMerge({ ...merge, target, now: 0, expiresAt: 9 })).toBe('opened')
  const records = parts(head)
  for (const [part, record] of records.entries()) {
    const put = await storage.putMergePart({ ...merge, part, segment: identified(record), expiresAt: 9, quota: 0 })
    expect(put.outcome).toBe('stored')
  }
  const committed = await storage.commitMerge({ ...merge, parts: PARTS, covers: [], quota: 0 })
  expect(committed.outcome).toBe('merged')
  return records
}

/** Answers the number of steps. */
async function tidyUp(storage: Storage): Promise<number> {
  for (let steps = 1; ; steps++) if (!(await storage.maintain(0))) return steps
}

const digests = async (storage: Storage, vault: VaultKey) =>
  (await readAll(storage, vault, upTo(0, 1e6))).map(({ sealed }) => toHex(sha256(sealed)))

test('[LOG-10] the file is as small as the log after 6 400 edits were merged, the write-ahead log is empty, and all is there', async () => {
  const folder = temporaryFolder()
  const storage = openSqliteStorage({ folder, random })
  const vault = await makeVault(storage)
  expect(await tidyUp(storage)).toBe(1)
  await pushEdits(storage, vault, new ReplicaLog('a'))
  const records = await mergeEdits(storage, vault)
  const before = Number(pragma(folder, 'page_count')) * 4096
  expect(before).toBeGreaterThan(EDITS * EDIT_BYTES + MERGED_BYTES)
  const steps = await tidyUp(storage)
  // One frees 256 pages of 4 KiB, the last one cuts the write-ahead log.
  expect(steps).toBeGreaterThan(3)
  expect(sizeOf(folder)).toBeLessThan(LARGEST)
  expect(sizeOf(folder, 'lockstep.db-wal')).toBe(0)
  expect(await digests(storage, vault)).toEqual(records.map(({ sealed }) => toHex(sha256(sealed))))
  expect(await tidyUp(storage)).toBe(1)
  await storage.close()
  expect(await storage.maintain(0)).toBe(false)
  expect(pragma(folder, 'freelist_count')).toBe(0)
  expect(pragma(folder, 'integrity_check')).toBe('ok')
  expect(verify({ path: folder })).toMatchObject({ damaged: false, findings: [] })
  console.log(`merging ${EDITS} edits: file ${before} → ${sizeOf(folder)} bytes in ${steps} steps, sealed ${MERGED_BYTES}`)
})

test('[LOG-10] what little a merge of a few edits frees is kept for the next ones', async () => {
  const folder = temporaryFolder()
  const storage = openSqliteStorage({ folder, random })
  const vault = await makeVault(storage)
  await pushEdits(storage, vault, new ReplicaLog('a'))
  const entries = await storage.index(vault, 1, 500)
  const run = sha256(new Uint8Array(Buffer.concat(entries.map(({ tag }) => tag))))
  const merge = { vault, name: 'merge', session: named('token') }
  await storage.openMerge({ ...merge, target: { type: 'run', first: 1, last: 500, run }, now: 0, expiresAt: 9 })
  const segment = identified(mergedRecord(500, CHAIN_START, random(1000)))
  await storage.putMergePart({ ...merge, part: 0, segment, expiresAt: 9, quota: 0 })
  expect((await storage.commitMerge({ ...merge, parts: 1, covers: [], quota: 0 })).outcome).toBe('merged')
  expect(await tidyUp(storage)).toBe(1)
  await storage.close()
  expect(pragma(folder, 'freelist_count')).toBeGreaterThan(0)
})

test('[LOG-10] while a backup reads, nothing is cut off under it; afterwards the next merge does it', async () => {
  const folder = temporaryFolder()
  const storage = openSqliteStorage({ folder, random })
  const vault = await makeVault(storage)
  await pushEdits(storage, vault, new ReplicaLog('a'))
  const reader = new DatabaseSync(join(folder, 'lockstep.db'), { readOnly: true })
  reader.exec('BEGIN')
  const rows = () => reader.prepare('SELECT count(*) AS n, sum(length(sealed)) AS bytes FROM segments').get()
  const before = rows()
  expect(before).toEqual({ n: EDITS, bytes: EDITS * EDIT_BYTES })
  await mergeEdits(storage, vault)
  await tidyUp(storage)
  expect(rows()).toEqual(before)
  reader.exec('COMMIT')
  expect(rows()).toMatchObject({ bytes: MERGED_BYTES })
  reader.close()
  await storage.close()
  expect(sizeOf(folder)).toBeLessThan(LARGEST)
})

test('[LOG-10] backups and images can be shrunk as well', async () => {
  const first = openSqliteStorage({ random })
  const copy = openSqliteStorage({ image: first.image(), random })
  await first.close()
  const db = new DatabaseSync(':memory:')
  db.deserialize(copy.image())
  expect(db.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 2 })
  db.close()
  await copy.close()
  const folder = temporaryFolder()
  const storage = openSqliteStorage({ folder, random })
  const backup = join(temporaryFolder(), 'backup')
  await createBackup({ data: folder, destination: backup, version: '1.2.3', now: 1_700_000_000_000 })
  await storage.close()
  expect([pragma(folder, 'auto_vacuum'), pragma(backup, 'auto_vacuum')]).toEqual([2, 2])
})

test('[LOG-10] [SYNC-2] between two steps the pushes that have arrived are stored', async () => {
  const storage = openSqliteStorage({ folder: temporaryFolder(), random })
  const events: ('step' | 'push')[] = []
  let more = false
  const noted: Storage = {
    ...storage,
    async maintain() {
      events.push('step')
      more = await storage.maintain(0)
      return more
    },
  }
  const { request } = inProcess({}, { storage: noted, schedule: setImmediate })
  const { token } = (await (await request('/v1/vaults', jsonRequest('POST', signUpBody()))).json()) as WireSession
  const client = new MergeClient((path, init) => request(path, init), token)
  const log = new ReplicaLog('a')
  const vault = (await storage.vaultByName('main'))?.key as VaultKey
  await pushEdits(storage, vault, log)
  await turn()
  events.length = 0
  await client.mergeRun(
    1,
    EDITS,
    CHAIN_START,
    parts(EDITS).map(({ sealed }) => sealed),
  )
  do {
    expect((await request('/v1/segments', pushRequest(token, [log.next(random(100))]))).status).toBe(200)
    events.push('push')
  } while (more)
  // What a push waits for: the step under way, and at most one more while its group gathers.
  expect(events.join(' ')).not.toContain('step step step')
  expect(events.indexOf('push')).toBeLessThan(events.lastIndexOf('step'))
  expect((await storage.position(vault)).head).toBe(log.counter)
  await storage.close()
})

test('[LOG-10] [SYNC-2] killed between two steps: the log is whole, and the next start goes on', async () => {
  const data = temporaryFolder()
  const setUp = await running({ data })
  const { token } = await signUp(setUp.url)
  const log = new ReplicaLog('a')
  for (let i = 0; i < EDITS; i += 400) {
    const records = Array.from({ length: 400 }, () => log.next(randomBytes(EDIT_BYTES)))
    await push(setUp.url, token, records)
  }
  await setUp.close()
  const sealed = parts(EDITS).map((part) => part.sealed)
  const server = await spawnServer(data, { crashAt: 'after-shrinking-step:1' })
  const client = new MergeClient((path, init) => fetch(`${server.url}${path}`, init), token)
  // The answer may still get out.
  await client.mergeRun(1, EDITS, CHAIN_START, sealed).catch(() => undefined)
  await server.exited
  expect(server.child.signalCode).toBe('SIGKILL')
  // Opens what the process left behind, its write-ahead log with it.
  const killed = new DatabaseSync(join(data, 'lockstep.db'))
  expect(killed.prepare('PRAGMA freelist_count').get()?.['freelist_count']).toBeGreaterThan(0)
  expect(killed.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  killed.close()
  const again = await running({ data })
  const { segments } = await new MergeClient((path, init) => fetch(`${again.url}${path}`, init), token).pull(0, CHAIN_START)
  expect(segments.map((segment) => toHex(sha256(segment.sealed)))).toEqual(sealed.map((bytes) => toHex(sha256(bytes))))
  while (sizeOf(data) > LARGEST) await turn()
  await again.close()
  expect(pragma(data, 'freelist_count')).toBe(0)
  expect(verify({ path: data })).toMatchObject({ damaged: false, findings: [] })
})

test('[SYNC-2] a database of the first format is written anew once, also when the process dies before or right after that', async () => {
  for (const point of ['before-rewriting', 'after-rewriting'] as const) {
    const data = temporaryFolder()
    const old = new DatabaseSync(join(data, 'lockstep.db'))
    old.exec(readFileSync(OLD_DATABASE, 'utf8'))
    old.close()
    expect(pragma(data, 'auto_vacuum')).toBe(0)
    await expect(spawnServer(data, { crashAt: `${point}:1` })).rejects.toThrow('ended before it listened')
    const storage = openSqliteStorage({ folder: data, random })
    const vault = (await storage.vaultByName('main'))?.key as VaultKey
    expect((await storage.position(vault)).head).toBe(5)
    expect(await digests(storage, vault)).toHaveLength(5)
    await storage.close()
    expect([pragma(data, 'auto_vacuum'), pragma(data, 'integrity_check')]).toEqual([2, 'ok'])
    expect(verify({ path: data })).toMatchObject({ damaged: false, findings: [] })
  }
})

test('[LOG-10] tidying up stops where the disk is full, is told of where it fails, and begins anew when it is woken', async () => {
  const queue: (() => void)[] = []
  const errors: unknown[] = []
  const answers: (boolean | Error)[] = [true, new StorageFullError(), true, new Error('broken'), false]
  const storage = {
    async maintain() {
      const answer = answers.shift() as boolean | Error
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  const tidying = createTidying({
    storage,
    clock: () => 0,
    schedule: (run) => void queue.push(run),
    onError: (error) => errors.push(error),
  })
  const left: number[] = []
  for (let wakes = 0; wakes < 3; wakes++) {
    tidying.wake()
    tidying.wake()
    expect(queue).toHaveLength(1)
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
      run()
      await turn()
    }
    left.push(answers.length)
  }
  expect(left).toEqual([3, 1, 0])
  expect(errors).toEqual([new Error('broken')])
})
