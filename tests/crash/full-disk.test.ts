/**
 * The disk is full at every statement of every kind of work [G5], on the server's storage and on a device: once, for good, and as
 * SQLite finds it by itself at every page. Whatever says that it failed has changed nothing, whatever says that it
 * worked has changed all, the error says what it is, and when there is room the same work is done.
 */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DriverError } from '@lockstep/engine/driver'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { openVault } from '@lockstep/engine/vault'
import { type LockstepVault, schema } from '@lockstep/model/schema'
import { verify } from '@lockstep/server/operate/verify'
import { openSqliteStorage } from '@lockstep/server/storage/sqlite/sqlite'
import { type Storage, StorageFullError, type VaultKey } from '@lockstep/server/storage/storage'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { named, ReplicaLog } from '../../packages/server/test/client.ts'
import { appendOf, makeVault, mergingRun, pushSome, reservation } from '../../packages/server/test/operate/data.ts'
import { contentDigest } from './database-image.ts'
import { FullDisk } from './full-disk.ts'
import { scratch } from './scratch.ts'

let disk: FullDisk
beforeAll(() => {
  disk = new FullDisk()
})
afterAll(() => disk.remove())

/** Something that is open on a folder, and what is being tried on it. */
interface Subject {
  /** Rejects with the error for a full disk, or does all of it. */
  attempt(): Promise<void>
  close(): Promise<void>
}

interface Case {
  readonly folder: string
  readonly file: string
  open(folder: string): Promise<Subject>
  isFull(error: unknown): boolean
}

function content(folder: string, file: string): string {
  const db = new DatabaseSync(join(folder, file), { readOnly: true })
  try {
    return contentDigest(db)
  } finally {
    db.close()
  }
}

const counts = { statements: 0, lasting: 0, pages: 0 }

/** Fills the disk at every place there is, until the work no longer comes across it. */
async function everywhere(subject: Case): Promise<void> {
  const { folder, file } = subject
  const before = content(folder, file)
  const copy = scratch()
  const fresh = async () => {
    rmSync(copy, { recursive: true, force: true })
    cpSync(folder, copy, { recursive: true })
    return subject.open(copy)
  }
  const undisturbed = await fresh()
  await undisturbed.attempt()
  const after = content(copy, file)
  await undisturbed.close()
  expect(after).not.toBe(before)

  /** Answers whether the full disk was met. */
  async function once(fill: () => void, kind: keyof typeof counts, at: number): Promise<boolean> {
    const place = `${kind} ${at}`
    const work = await fresh()
    const initial = content(copy, file)
    fill()
    let error: unknown
    try {
      await work.attempt()
    } catch (caught) {
      error = caught
    }
    disk.makeRoom()
    if (error !== undefined) {
      expect(subject.isFull(error), `${place}: ${String(error)}`).toBe(true)
      expect(content(copy, file), place).toBe(initial)
      await work.attempt()
    }
    expect(content(copy, file), place).toBe(after)
    await work.close()
    counts[kind] += error === undefined ? 0 : 1
    return error !== undefined
  }

  for (const lasting of [false, true]) {
    for (let n = 1; ; n++) {
      await once(() => disk.fillAt(n, lasting), lasting ? 'lasting' : 'statements', n)
      if (disk.failed === 0) break
    }
  }
  for (let pages = 0; await once(() => disk.leave(pages), 'pages', pages); pages++);
}

const random = (length: number) => new Uint8Array(length).fill(7)

/** A data folder with a log that has a run, and what some device pushes next. */
async function serverFolder(): Promise<{ folder: string; vault: VaultKey }> {
  const folder = scratch()
  const storage = openSqliteStorage({ folder, random })
  const vault = await makeVault(storage)
  await pushSome(storage, vault, 12, 3000)
  for await (const _ of mergingRun(storage, vault, [2, 5], 2));
  // Another one is uploaded and waits for its commit.
  const merging = mergingRun(storage, vault, [6, 9], 2)
  for (let step = 0; step < 3; step++) await merging.next()
  await storage.close()
  return { folder, vault }
}

/** What is done with the storage; it throws where that is not answered by an outcome. */
const SERVER_WORK: Readonly<Record<string, (storage: Storage, vault: VaultKey) => Promise<unknown>>> = {
  push: (storage, vault) => {
    const author = new ReplicaLog('new')
    return storage.append([appendOf(vault, [author.next(random(9000)), author.next(random(100))])])
  },
  'sign-up': (storage) => makeVault(storage, 'another'),
  'sign-in': (storage, vault) => {
    const session = { deviceId: named('phone', 16), deviceName: 'p', tokenHash: named('t'), cookieHash: named('c'), now: 5 }
    return storage.openSession(vault, session)
  },
  'new credentials': async (storage, vault) => {
    const { suite, salt, authHash, bundle } = await storage.vaultByKey(vault)
    const next = { version: bundle.version + 1, sealed: random(9000) }
    return storage.updateCredentials({
      vault,
      suite,
      salt,
      authHash,
      replaces: bundle.version,
      bundle: next,
      keep: named('token main'),
    })
  },
  'the commit of a merge': (storage, vault) => storage.commitMerge({ ...reservation(vault), parts: 2, covers: [], quota: 0 }),
  'a revocation': async (storage, vault) => {
    const { suite, salt, bundle } = await storage.vaultByKey(vault)
    const { head, chain } = await storage.position(vault)
    const next = { version: bundle.version + 1, sealed: random(5000) }
    const credentials = {
      vault,
      suite,
      salt,
      authHash: named('new'),
      replaces: bundle.version,
      bundle: next,
      keep: named('token main'),
    }
    return storage.revokeDevice({ ...credentials, deviceId: named('d', 16), epoch: 2, rotation: random(3000), head, chain, now: 5 })
  },
  'a guess': (storage) => {
    const bucket = { key: named('bucket'), times: [1, 2, 3], expiresAt: 1e12 }
    return storage.changeGuesses([bucket.key], 1, () => ({ store: [bucket], result: undefined }))
  },
}

function serverCase(folder: string, work: (storage: Storage) => Promise<unknown>): Case {
  return {
    folder,
    file: 'lockstep.db',
    async open(copy) {
      const storage = openSqliteStorage({ folder: copy, random })
      return {
        async attempt() {
          const outcomes = await work(storage)
          if (!Array.isArray(outcomes)) return
          if (outcomes.some(({ outcome }) => outcome === 'storage-full')) throw new StorageFullError()
        },
        async close() {
          await storage.close()
          expect(verify({ path: copy }).findings).toEqual([])
        },
      }
    },
    isFull: (error) => error instanceof StorageFullError,
  }
}

describe('[G5] the disk of a server is full', () => {
  for (const [name, work] of Object.entries(SERVER_WORK)) {
    test(`[SYNC-2] ${name}: all of it or nothing, said by name, and done when there is room`, async () => {
      const { folder, vault } = await serverFolder()
      await everywhere(serverCase(folder, (storage) => work(storage, vault)))
    })
  }
})

/** Local work on a device; each is one transaction. */
const DEVICE_WORK: Readonly<Record<string, (vault: LockstepVault, note: string, space: string) => void>> = {
  'a new note': (vault, _, space) => {
    vault.transact((tx) => {
      tx.insert('notes', { space, title: 'New', text: 'x'.repeat(20_000), createdAt: 1, updatedAt: 1 })
    })
  },
  'a changed text': (vault, note) => vault.transact((tx) => tx.update('notes', note, { text: 'y'.repeat(9000), updatedAt: 2 })),
  'a deleted space': (vault, _, space) => vault.transact((tx) => tx.delete('spaces', space)),
}

describe('[G5] the disk of a device is full', () => {
  for (const [name, work] of Object.entries(DEVICE_WORK)) {
    test(`[LOG-2] ${name}: written as a whole or refused, and written when there is room`, async () => {
      const folder = scratch()
      const clock = { now: 1_700_000_000_000 }
      // The same ids each time, but not those that are taken.
      const open = (home: string, byte = 8) => {
        const driver = openSqlite({ path: join(home, 'vault.db') })
        const runtime = { now: () => clock.now, random: (length: number) => new Uint8Array(length).fill(byte) }
        return openVault({ schema, driver, runtime, schedule: (run) => queueMicrotask(run) })
      }
      const vault = open(folder, 7)
      const ids = vault.transact((tx) => {
        const space = tx.insert('spaces', { name: 'Inbox', createdAt: 1, updatedAt: 1 })
        return { space, note: tx.insert('notes', { space, title: 'T', text: 'text', createdAt: 1, updatedAt: 1 }) }
      })
      vault.close()
      await everywhere({
        folder,
        file: 'vault.db',
        async open(copy) {
          const opened = open(copy)
          return { attempt: async () => work(opened, ids.note, ids.space), close: async () => opened.close() }
        },
        isFull: (error) => error instanceof DriverError && error.code === 'full',
      })
    })
  }
})

test('[G5] [LOG-2] [SYNC-2] the disk was full at every kind of place', () => {
  console.log(`G5: ${counts.statements} statements once, ${counts.lasting} for good, ${counts.pages} pages`)
  expect(counts.statements).toBeGreaterThan(10)
  expect(counts.lasting).toBeGreaterThan(10)
  // A commit of these takes a few pages each.
  expect(counts.pages).toBeGreaterThan(6)
})
