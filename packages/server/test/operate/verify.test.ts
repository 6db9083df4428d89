/** `lockstep verify`: what is whole is found whole, and each kind of damage is found by name. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OperateError } from '#operate/finding'
import { verify } from '#operate/verify'
import { NewerDatabaseError } from '#storage/sqlite/schema'
import { forEachSeed } from '../../../../tests/support/random.ts'
import { ReplicaLog, sha256 } from '../client.ts'
import { temporaryFolder } from '../running.ts'
import { appendOf, drain, filledFolder, makeVault, mergingRun, openStorage, pushSome, random, seeding, tamper } from './data.ts'

/** Segments 1 … 20 in a run of three parts, 21 … 30 in another, 31 … 50 as they came. */
async function mergedFolder(): Promise<string> {
  const folder = temporaryFolder()
  const storage = openStorage(folder)
  const vault = await makeVault(storage)
  await pushSome(storage, vault, 50)
  await drain(mergingRun(storage, vault, [1, 20], 3))
  await drain(mergingRun(storage, vault, [21, 30], 2))
  await storage.close()
  return folder
}

test('[LOG-4] [LOG-6] whatever was pushed, merged and seeded is found whole, beside a running server too', async () => {
  let checked = 0
  await forEachSeed('verify after random work', 12, 'packages/server/test/operate/verify.test.ts', async (draw) => {
    const folder = temporaryFolder()
    const storage = openStorage(folder)
    const vault = await makeVault(storage)
    const authors = Array.from({ length: 3 }, (_, i) => new ReplicaLog(`author ${i}`))
    for (let step = 0; step < 40; step++) {
      const { head } = await storage.position(vault)
      const action = draw.below(10)
      if (action < 7 || head < 3) {
        const records = Array.from({ length: draw.between(1, draw.chance(0.1) ? 700 : 8) }, () =>
          draw.pick(authors).next(random(40)),
        )
        await storage.append([appendOf(vault, records)])
      } else if (action < 9) {
        const entries = await storage.index(vault, 1, 1e6)
        const from = draw.below(entries.length)
        const to = draw.between(from, entries.length - 1)
        await drain(mergingRun(storage, vault, [entries[from]?.first ?? 0, entries[to]?.last ?? 0], draw.between(1, 3)))
      } else {
        await drain(seeding(storage, vault, draw.between(1, 3)))
      }
      if (step % 10 !== 9) continue
      const report = verify({ path: folder })
      expect(report).toMatchObject({ kind: 'data', damaged: false, findings: [] })
      expect(report.vaults[0]).toMatchObject({ head: (await storage.position(vault)).head, ...(await storedSizes(storage, vault)) })
      checked += 1
    }
    await storage.close()
  })
  expect(checked).toBeGreaterThan(0)
})

async function storedSizes(storage: ReturnType<typeof openStorage>, vault: Parameters<typeof storage.sizes>[0]) {
  const { segments, bytes } = await storage.sizes(vault)
  return { segments, bytes }
}

/** [what was done to the database, the finding that names it, beside which others may stand]. */
const DAMAGES: readonly (readonly [what: string, sql: string, code: string])[] = [
  ['bytes of a segment', 'UPDATE segments SET sealed = zeroblob(300) WHERE last = 40', 'segment-altered'],
  ['bytes of a part', 'UPDATE segments SET sealed = zeroblob(400) WHERE last = 20 AND part = 1', 'segment-altered'],
  ['a digest', 'UPDATE segments SET digest = zeroblob(32) WHERE last = 40', 'segment-altered'],
  ['an id', 'UPDATE segments SET id = zeroblob(16) WHERE last = 40', 'segment-altered'],
  ['an epoch', 'UPDATE segments SET epoch = 2 WHERE last = 40', 'segment-altered'],
  ['an author', 'UPDATE segments SET replica = 3 - replica WHERE last = 41 AND replica < 3', 'segment-altered'],
  ['a counter', 'UPDATE segments SET counter = counter + 1000 WHERE last = 40', 'segment-altered'],
  ['what is left of a segment', 'UPDATE segments SET digest = zeroblob(32) WHERE last = 25', 'segment-altered'],
  ['a chain value in the tail', 'UPDATE segments SET chain = zeroblob(32) WHERE last = 40', 'chain-broken'],
  ['a chain value inside of a run', 'UPDATE segments SET chain = zeroblob(32) WHERE last = 25', 'chain-broken'],
  ['chain values at the end of a run', 'UPDATE segments SET chain = zeroblob(32) WHERE last = 30', 'chain-broken'],
  ['chain value of one part', 'UPDATE segments SET chain = zeroblob(32) WHERE last = 20 AND part = 2', 'segment-altered'],
  ['a segment gone', 'DELETE FROM segments WHERE last = 40', 'segment-missing'],
  ['the last segment gone', 'DELETE FROM segments WHERE last = 50', 'segment-missing'],
  ['a run gone', 'DELETE FROM segments WHERE last = 20', 'segment-missing'],
  ['the bytes of a run gone', 'DELETE FROM segments WHERE last = 30 AND part >= 0', 'segment-missing'],
  ['a part in the middle gone', 'DELETE FROM segments WHERE last = 20 AND part = 1', 'segment-missing'],
  ['a first part gone', 'DELETE FROM segments WHERE last = 20 AND part = 0', 'segment-missing'],
  ['a last part gone', 'DELETE FROM segments WHERE last = 20 AND part = 2', 'totals-wrong'],
  ['what was left of a segment gone', 'DELETE FROM segments WHERE last = 25', 'segment-missing'],
  ['a run over another', 'UPDATE segments SET first = 15 WHERE last = 30 AND part >= 0', 'segment-missing'],
  ['a run too short', 'UPDATE segments SET first = 23 WHERE last = 30 AND part >= 0', 'segment-missing'],
  ['a segment that spans', 'UPDATE segments SET first = 39 WHERE last = 40', 'segment-altered'],
  ['an older head', 'UPDATE logs SET head = 45', 'segment-missing'],
  ['another chain at the head', 'UPDATE logs SET chain = zeroblob(32)', 'chain-broken'],
  ['another size', 'UPDATE logs SET bytes = bytes + 1', 'totals-wrong'],
  ['another number of segments', 'UPDATE logs SET segments = segments - 1', 'totals-wrong'],
  ['no log', 'DELETE FROM logs', 'totals-wrong'],
  ["a replica's counter behind", 'UPDATE replicas SET counter = counter - 1 WHERE number = 1', 'counter-hole'],
  ["a replica's counter ahead", 'UPDATE replicas SET counter = counter + 1 WHERE number = 1', 'counter-hole'],
  ["a replica's last digest", 'UPDATE replicas SET digest = zeroblob(32) WHERE number = 1', 'counter-hole'],
  ['a column by another name', 'ALTER TABLE devices RENAME COLUMN last_seen_at TO last_teen_at', 'database-damaged'],
  ['an index gone', 'DROP INDEX segments_by_author', 'database-damaged'],
  ['no key bundle', "UPDATE vaults SET bundle = x''", 'account-damaged'],
  ['a suite that is none', "UPDATE vaults SET suite = 'argon2id-64m-4'", 'database-damaged'],
  ['a short vault id', 'UPDATE vaults SET id = zeroblob(15)', 'database-damaged'],
  ['no row of the server', 'DELETE FROM server', 'account-damaged'],
  ['a session of nobody', 'UPDATE sessions SET device = zeroblob(16)', 'database-damaged'],
  ['a closed epoch that is in use', 'UPDATE logs SET epoch = 0', 'rotation-wrong'],
  ['an epoch that nothing opened', 'UPDATE logs SET epoch = 1 << 40', 'rotation-wrong'],
  ['a record of an epoch to come', "INSERT INTO rotations VALUES (1, 3, x'01')", 'rotation-wrong'],
]

test.each(DAMAGES)('[LOG-4] verify finds %s', async (_, sql, code) => {
  const folder = await mergedFolder()
  expect(verify({ path: folder })).toMatchObject({ damaged: false, findings: [] })
  tamper(folder, sql)
  const { damaged, findings } = verify({ path: folder })
  expect(damaged).toBe(true)
  expect(findings.map((finding) => finding.code)).toContain(code)
  for (const { message, remedy } of findings) expect([message, remedy]).not.toContain('')
})

test('[LOG-1] a log whose chain fits and whose counters do not is found', async () => {
  const folder = temporaryFolder()
  const storage = openStorage(folder)
  const vault = await makeVault(storage)
  const author = new ReplicaLog('a')
  const [one, , three] = [author.next(random(9)), author.next(random(9)), author.next(random(9))]
  const other = new ReplicaLog('b')
  // A server's database in which a segment was dropped before it was chained.
  await storage.append([appendOf(vault, [one, other.next(random(9))])])
  await storage.close()
  tamper(folder, 'UPDATE replicas SET counter = 2, digest = (SELECT digest FROM replicas WHERE number = 1) WHERE number = 1')
  const again = openStorage(folder)
  const [outcome] = await again.append([appendOf(vault, [{ ...three, previous: sha256(one.sealed) }])])
  expect(outcome?.outcome).toBe('appended')
  await again.close()
  expect(verify({ path: folder }).findings.map(({ code }) => code)).toEqual(['counter-hole'])
})

test('[KEY-4] an epoch that a rolled back server learned of from its devices is no damage', async () => {
  const folder = temporaryFolder()
  const storage = openStorage(folder)
  const vault = await makeVault(storage)
  await storage.append([appendOf(vault, [{ ...new ReplicaLog('a').next(random(99)), epoch: 3 }])])
  await storage.close()
  const { damaged, findings } = verify({ path: folder })
  expect(damaged).toBe(false)
  expect(findings.map(({ severity, code, vault: name }) => [severity, code, name])).toEqual([['note', 'rotation-missing', 'main']])
})

test('many findings alike are counted, not listed', async () => {
  const folder = await filledFolder(40)
  tamper(folder, 'UPDATE segments SET sealed = zeroblob(300) WHERE vault = 1')
  const { findings } = verify({ path: folder })
  expect(findings.filter(({ code }) => code === 'segment-altered').length).toBe(5)
  expect(findings.at(-1)?.message).toMatch(/and 35 more like this$/)
})

test('what is no database, or none of this release, is said so', async () => {
  const empty = temporaryFolder()
  expect(() => verify({ path: empty })).toThrow(expect.objectContaining({ code: 'no-database' }))
  expect(() => verify({ path: join(empty, 'nowhere') })).toThrow(OperateError)
  writeFileSync(join(empty, 'lockstep.db'), 'this is not a database, however long it may be '.repeat(40))
  expect(verify({ path: empty }).findings.map(({ code }) => code)).toEqual(['database-damaged'])
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'lockstep.db'))
  expect(() => verify({ path: folder })).toThrow(expect.objectContaining({ code: 'unreadable' }))
  const newer = await filledFolder(3)
  tamper(newer, 'PRAGMA user_version = 99')
  expect(() => verify({ path: newer })).toThrow(NewerDatabaseError)
  tamper(newer, 'PRAGMA user_version = 1')
  expect(() => verify({ path: newer })).toThrow(expect.objectContaining({ code: 'old-database' }))
})
