/** Data folders in which the dialects hold something. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { BLOBS_FOLDER, openFolderBlobs } from '#blobs/fs/fs'
import { parseInstant } from '#dialects/dataans/instants'
import type { NewDataansOperation } from '#storage/dataans'
import type { Row } from '#storage/difflog'
import type { Storage } from '#storage/storage'
import { named } from '../client.ts'
import { temporaryFolder } from '../running.ts'
import { makeVault, openStorage, pushSome } from './data.ts'

export const OPERATIONS = 40
export const FILES = 5

function operation(n: number): NewDataansOperation {
  const createdAt = `2025-07-31T10:20:${String(n % 60).padStart(2, '0')}.123456789Z`
  const instant = parseInstant(createdAt)
  if (instant === undefined) throw new Error(`${createdAt} is no time`)
  return { id: named(`operation ${n}`, 16), createdAt, instant, checksum: named(`checksum ${n}`), data: named(`data ${n}`) }
}

let uploads = 0

/** As the dialect does it: the blob, the row, then the blob before it goes. */
export async function upload(folder: string, storage: Storage, file: string, content: string): Promise<void> {
  const blobs = openFolderBlobs({ folder: join(folder, BLOBS_FOLDER) })
  const blob = `dataans-${++uploads}`
  const stored = await blobs.put(blob, new Blob([content]).stream(), 1e9)
  const outcome = await storage.dataans.putFile(named(file, 16), { blob, ...stored }, 0)
  if (outcome.outcome !== 'stored') throw new Error(`a file was refused: ${outcome.outcome}`)
  if (outcome.replaced !== undefined) await blobs.remove(outcome.replaced)
}

const none = { rows: undefined, deleted: [], hash: undefined }

async function makeProfile(storage: Storage, id: string, rows: readonly Row[]): Promise<void> {
  const empty = { languages: null, frameworks: null, tools: null, topics: null, depth: null, custom_focus: null }
  const settings = { name: id, ...empty, resolved_sources: null }
  const keys = { sealed: 'a2V5cw==', hash: null }
  await storage.difflog.createProfile({ id, password: 'v2:1:x:y', passwordSalt: 'x', salt: 'x', keys, settings, now: 1 })
  const profile = await storage.difflog.profile(id)
  if (profile === undefined) throw new Error('the profile was not made')
  const collections = {
    diffs: { rows, deleted: [], hash: 'h' },
    stars: { ...none, rows: [{ id: 'd:1', data: 'c3Rhcg==' }] },
    tldrs: none,
  }
  const outcome = await storage.difflog.sync(profile.access, { collections, change: {}, now: 2, quota: 0 })
  if (outcome !== 'done') throw new Error(`a sync was refused: ${outcome}`)
}

async function fillDialects(folder: string, storage: Storage): Promise<void> {
  const { dataans } = storage
  await dataans.createUser({ id: '7f5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6', secretKeyHash: '$argon2id$…' })
  await dataans.addOperations(
    Array.from({ length: OPERATIONS }, (_, n) => operation(n)),
    0,
  )
  for (let n = 0; n < FILES; n++) await upload(folder, storage, `file ${n}`, `content of file ${n} `.repeat(100))
  await makeProfile(storage, 'one', [
    { id: 'd', data: 'c2VhbGVk' },
    { id: 'open', data: '{"content":"x"}' },
  ])
  await makeProfile(storage, 'two', [{ id: 'd', data: 'c2VhbGVkIHRvbw==' }])
}

let template: Promise<string> | undefined

/** Made once for all tests of a file: syncing all that to the disk takes long. */
async function makeTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-server-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const storage = openStorage(folder)
  await pushSome(storage, await makeVault(storage), 5)
  await fillDialects(folder, storage)
  await storage.close()
  return folder
}

/** A closed one, with a vault as well. */
export async function folderWithDialects(): Promise<string> {
  template ??= makeTemplate()
  const folder = temporaryFolder()
  cpSync(await template, folder, { recursive: true })
  return folder
}
