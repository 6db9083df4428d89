/**
 * What the log's rules cost a push: identity, counters and digests of each replica, chain, epoch, idempotence. Measured without disk and
 * network, which cost more than all of them, against a database that stores the same bytes and a sequence number and checks nothing.
 *
 *     node bench/push-cost.ts --replicas 20 --pushes 20000
 */
import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { ENVELOPE_BYTES } from '@lockstep/crypto/envelope'
import { ContentEncoder } from '@lockstep/engine/content-encoder'
import type { ReplicaId } from '@lockstep/engine/hlc'
import { toHex } from '@lockstep/protocol/bytes'
import { identifySegment } from '@lockstep/protocol/chain'
import { encodeRecordHeader, SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { openSqliteStorage } from '@lockstep/server/storage/sqlite/sqlite'
import type { Storage, VaultKey } from '@lockstep/server/storage/storage'
import { ask, type Figure } from './support/report.ts'

/** A sealed note of one edit. */
const SEGMENT = 400
const WARM_UP = 2000

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer')

/** Segments of many replicas in turn. */
function makeRecords(count: number, replicas: number): SegmentRecord[] {
  const authors = Array.from({ length: replicas }, () => ({
    id: random(16),
    counter: 0,
    previous: new Uint8Array(32) as Uint8Array,
  }))
  return Array.from({ length: count }, (_, i) => {
    const author = authors[i % replicas] as (typeof authors)[number]
    const sealed = random(SEGMENT)
    author.counter += 1
    const { id: replica, counter, previous } = author
    author.previous = sha256(sealed)
    return { kind: SEGMENT_KIND.delta, epoch: 1, replica, counter, previous, sealed }
  })
}

async function makeVault(storage: Storage): Promise<VaultKey> {
  const bundle = { version: 1, sealed: random(160) }
  const vault = {
    name: 'main',
    vaultId: random(16),
    suite: 'argon2id-64m-3' as const,
    salt: random(16),
    authHash: random(32),
    bundle,
  }
  const session = { deviceId: random(16), deviceName: 'bench', tokenHash: random(32), cookieHash: random(32), now: 0 }
  await storage.createVault(vault, session, true)
  const key = (await storage.vaultByName('main'))?.key
  if (key === undefined) throw new Error('the vault was not made')
  return key
}

/** Microseconds of this process for each item, after a warm-up: what else the machine does is not counted. */
async function micros<T>(items: readonly T[], work: (item: T) => unknown): Promise<number> {
  for (const item of items.slice(0, WARM_UP)) await work(item)
  const started = process.cpuUsage()
  for (const item of items.slice(WARM_UP)) await work(item)
  const { user, system } = process.cpuUsage(started)
  return (user + system) / (items.length - WARM_UP)
}

async function withRules(records: readonly SegmentRecord[]): Promise<number> {
  const storage = openSqliteStorage({ random })
  const vault = await makeVault(storage)
  const cost = await micros(records, (record) =>
    storage.append([{ vault, quota: 0, segments: [{ ...identifySegment(sha256, record), record }] }]),
  )
  await storage.close()
  return cost
}

async function withoutRules(records: readonly SegmentRecord[]): Promise<number> {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE logs (vault INTEGER PRIMARY KEY, head INTEGER); INSERT INTO logs VALUES (1, 0)')
  db.exec('CREATE TABLE segments (vault INTEGER, last INTEGER, sealed BLOB, PRIMARY KEY (vault, last))')
  const [begin, commit] = [db.prepare('BEGIN IMMEDIATE'), db.prepare('COMMIT')]
  const [head, update] = [
    db.prepare('SELECT head FROM logs WHERE vault = 1'),
    db.prepare('UPDATE logs SET head = ? WHERE vault = 1'),
  ]
  const insert = db.prepare('INSERT INTO segments VALUES (1, ?, ?)')
  const cost = await micros(records, async ({ sealed }) => {
    begin.run()
    const next = (head.get()?.['head'] as number) + 1
    insert.run(next, sealed)
    update.run(next)
    commit.run()
  })
  db.close()
  return cost
}

/** Bytes of a segment that are there for the rules: record header, envelope, and the content's own header. */
function headerBytes(replicas: number): number {
  const ids = Array.from({ length: replicas }, () => toHex(random(16)) as ReplicaId)
  const [replica, ...others] = ids as [ReplicaId, ...ReplicaId[]]
  const seen = others.map((id) => [id, 1000] as const)
  const header = { replica, wallClock: Date.now(), epoch: 1, bundleVersion: 1, seen, covers: [], run: undefined }
  const body = new ContentEncoder(header).finish(1000, random(32)).length
  const record = { kind: SEGMENT_KIND.delta, epoch: 1, replica: random(16), counter: 1, previous: random(32) }
  return 4 + encodeRecordHeader(record).length + ENVELOPE_BYTES + body
}

async function measure({ replicas, pushes }: { readonly replicas: number; readonly pushes: number }): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const count of [1, replicas]) {
    const records = makeRecords(pushes + WARM_UP, count)
    const label = count === 1 ? '1 replica' : `${count} replicas`
    const limit = { label: 'µs, the bytes and a number, no rules', value: await withoutRules(records) }
    figures.push({ label: `a push, ${label}`, value: await withRules(records), unit: 'µs', better: 'less', limit })
    figures.push({
      label: `headers of a segment, ${label} heard of since the last`,
      value: headerBytes(count),
      unit: 'bytes',
      better: 'less',
    })
  }
  const hashing = await micros(makeRecords(pushes + WARM_UP, 1), async (record) => identifySegment(sha256, record))
  figures.push({ label: 'of it, identity and digest (SHA-256)', value: hashing, unit: 'µs', better: 'less' })
  return figures
}

await ask({
  title: ({ replicas, pushes }) => `the rules of a push, ${replicas} replicas, ${pushes} pushes`,
  file: 'push-cost.ts',
  numbers: { replicas: 20, pushes: 20_000 },
  run: measure,
})
