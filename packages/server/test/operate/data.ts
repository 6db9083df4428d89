/** Data folders with something in them, for the tests of the operator's commands. */
import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { concatBytes } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment } from '@lockstep/protocol/chain'
import { SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import type { Append, MergeTarget, Storage, VaultKey } from '#storage/storage'
import { named, ReplicaLog, sha256 } from '../client.ts'
import { temporaryFolder } from '../running.ts'

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

export function openStorage(folder: string): Storage {
  return openSqliteStorage({ folder, random })
}

export async function makeVault(storage: Storage, name = 'main'): Promise<VaultKey> {
  const bundle = { version: 1, sealed: named(`bundle ${name}`) }
  const credentials = { name, vaultId: named(name, 16), suite: 'argon2id-64m-3' as const, salt: named('salt', 16) }
  const session = {
    deviceId: named('d', 16),
    deviceName: 'laptop',
    tokenHash: named(`token ${name}`),
    cookieHash: named('c'),
    now: 1,
  }
  await storage.createVault({ ...credentials, authHash: named(`auth ${name}`), bundle }, session, false)
  const vault = await storage.vaultByName(name)
  if (vault === undefined) throw new Error('the vault was not made')
  return vault.key
}

export function appendOf(vault: VaultKey, records: readonly SegmentRecord[]): Append {
  return { vault, quota: 0, segments: records.map((record) => ({ ...identifySegment(sha256, record), record })) }
}

/** Pushes one segment after another, by two replicas in turn. @returns the bytes of each, in order */
export async function pushSome(storage: Storage, vault: VaultKey, count: number, size = 300): Promise<Uint8Array[]> {
  const logs = [new ReplicaLog(`a ${vault}`), new ReplicaLog(`b ${vault}`)] as const
  const pushed: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const sealed = random(size)
    const log = i % 3 === 0 ? logs[1] : logs[0]
    const [outcome] = await storage.append([appendOf(vault, [log.next(sealed)])])
    if (outcome?.outcome !== 'appended') throw new Error(`a push was refused: ${outcome?.outcome}`)
    pushed.push(sealed)
  }
  return pushed
}

interface Staged {
  readonly storage: Storage
  readonly vault: VaultKey
  readonly target: MergeTarget
  readonly records: readonly SegmentRecord[]
  /** Token digest; that of `makeVault` if there is none. */
  readonly session?: Uint8Array
  readonly covers?: readonly { readonly replica: Uint8Array; readonly counter: number; readonly digest: Uint8Array }[]
}

/** What names the merges of these tests. */
export const reservation = (vault: VaultKey) => ({ vault, name: 'merge', session: named('token main'), expiresAt: 9e15 })

/** One call of the storage at a time: each is a commit of its own. */
async function* merging({
  storage,
  vault,
  target,
  records,
  session = named('token main'),
  covers = [],
}: Staged): AsyncGenerator<void> {
  const reserved = { ...reservation(vault), session }
  const opened = await storage.openMerge({ ...reserved, target, now: 0 })
  if (opened !== 'opened') throw new Error(`a merge was refused: ${opened}`)
  yield
  for (const [part, record] of records.entries()) {
    const segment = { ...identifySegment(sha256, record), record }
    const { outcome } = await storage.putMergePart({ ...reserved, part, segment, quota: 0 })
    if (outcome !== 'stored') throw new Error(`a part was refused: ${outcome}`)
    yield
  }
  const { outcome } = await storage.commitMerge({ ...reserved, parts: records.length, covers, quota: 0 })
  if (outcome !== 'merged') throw new Error(`a merge was not committed: ${outcome}`)
  yield
}

/** Puts a merged run of `parts` parts in the place of the entries first … last. */
export async function* mergingRun(
  storage: Storage,
  vault: VaultKey,
  [first, last]: readonly [number, number],
  parts = 2,
  by: Pick<Staged, 'session'> = {},
): AsyncGenerator<void> {
  const entries = (await storage.index(vault, first, 1e6)).filter((entry) => entry.last <= last)
  const run = sha256(concatBytes(...entries.map(({ tag }) => tag)))
  const previous = await storage.chainAt(vault, first - 1)
  if (previous === undefined) throw new Error('a run begins where there is no chain value')
  const record = { kind: SEGMENT_KIND.merged, epoch: 1, replica: named('merger', 16), counter: last, previous }
  const records = Array.from({ length: parts }, () => ({ ...record, sealed: random(400) }))
  yield* merging({ storage, vault, target: { type: 'run', first, last, run }, records, ...by })
}

/** Appends seeds, as a device that heals a server does, which stand for a replica that nobody has seen here. */
export async function* seeding(storage: Storage, vault: VaultKey, count = 2): AsyncGenerator<void> {
  const { head, chain } = await storage.position(vault)
  const records: SegmentRecord[] = []
  let previous = chain
  for (let i = 1; i <= count; i++) {
    const record = {
      kind: SEGMENT_KIND.seed,
      epoch: 1,
      replica: named('seeder', 16),
      counter: head + i,
      previous,
      sealed: random(500),
    }
    previous = extendChain(sha256, previous, identifySegment(sha256, record))
    records.push(record)
  }
  const covers = [{ replica: named(`covered by ${head}`, 16), counter: 7, digest: named('digest') }]
  yield* merging({ storage, vault, target: { type: 'seed', head, chain }, records, covers })
}

export async function drain(steps: AsyncGenerator<void>): Promise<void> {
  for await (const _ of steps);
}

/** A closed data folder with two vaults. */
export async function filledFolder(segments = 40): Promise<string> {
  const folder = temporaryFolder()
  const storage = openStorage(folder)
  await pushSome(storage, await makeVault(storage), segments)
  await pushSome(storage, await makeVault(storage, 'other'), 5)
  await storage.close()
  return folder
}

/** Changes a closed data folder's database behind everybody's back. */
export function tamper(folder: string, sql: string): void {
  const db = new DatabaseSync(`${folder}/lockstep.db`)
  try {
    db.exec(`PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; ${sql}`)
  } finally {
    db.close()
  }
}
