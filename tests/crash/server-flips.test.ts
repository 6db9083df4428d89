/**
 * Damage to a server's database and to a backup [G6]. In a backup `verify` finds every flipped bit. In a data folder it finds every
 * one that would change the log: what is pushed, pulled, merged and repaired with. What it cannot know without a key, a
 * device finds: a key bundle or a rotation record that does not open, a session or an auth key that is not there. What is left is
 * what the server says about devices (their names and times): shown to people, trusted by nobody.
 *
 * The full campaign: LOCKSTEP_RUNS=20 npx vitest run tests/crash/server-flips.test.ts
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type BundleContext, openBundle, sealBundle } from '@lockstep/crypto/bundle'
import { open as openEnvelope, seal } from '@lockstep/crypto/envelope'
import { equalBytes } from '@lockstep/protocol/bytes'
import { createBackup } from '@lockstep/server/operate/backup'
import { OperateError } from '@lockstep/server/operate/finding'
import { verify } from '@lockstep/server/operate/verify'
import { NewerDatabaseError } from '@lockstep/server/storage/sqlite/schema'
import { openSqliteStorage } from '@lockstep/server/storage/sqlite/sqlite'
import type { Storage, VaultKey } from '@lockstep/server/storage/storage'
import { expect, test } from 'vitest'
import { named } from '../../packages/server/test/client.ts'
import { mergingRun, pushSome, random } from '../../packages/server/test/operate/data.ts'
import { Random, runs, seeds } from '../support/random.ts'
import { DAMAGES, damage } from './flips.ts'
import { scratch } from './scratch.ts'

const FILE = 'tests/crash/server-flips.test.ts'
const TRIES = 600
const BACKUP_TRIES = 150

const [WRAP_KEY, AUTH_HASH, TOKEN, ROTATION_KEY] = [named('wrap'), named('auth'), named('token'), named('rotation')]
const CONTEXT: BundleContext = { suite: 'argon2id-64m-3', salt: named('salt', 16), vaultId: named('vault', 16), name: 'main' }
const ROTATION_AAD = named('aad')

/** A log with a run, a tail and two epochs; two devices, of which one is revoked; everything sealed really is. */
async function makeData(): Promise<string> {
  const folder = scratch()
  const storage = openSqliteStorage({ folder, random })
  const bundleOf = async (version: number) => {
    const bundle = { version, epochs: new Map([[1, named('epoch 1')]]) }
    return { version, sealed: await sealBundle({ wrapKey: WRAP_KEY, context: CONTEXT, bundle, random }) }
  }
  const { suite, salt, vaultId, name } = CONTEXT
  const session = { deviceId: named('laptop', 16), deviceName: 'laptop', tokenHash: TOKEN, cookieHash: named('cookie'), now: 1 }
  await storage.createVault({ name, vaultId, suite, salt, authHash: AUTH_HASH, bundle: await bundleOf(1) }, session, false)
  const vault = 1 as VaultKey
  const phone = { deviceId: named('phone', 16), deviceName: 'phone', tokenHash: named('phone'), cookieHash: named('c'), now: 2 }
  await storage.openSession(vault, phone)
  await pushSome(storage, vault, 90, 1300)
  for await (const _ of mergingRun(storage, vault, [5, 30], 3, { session: TOKEN }));
  const { head, chain } = await storage.position(vault)
  const rotation = await seal(ROTATION_KEY, ROTATION_AAD, random(200), random)
  const credentials = { vault, suite, salt, authHash: AUTH_HASH, replaces: 1, bundle: await bundleOf(2), keep: TOKEN }
  await storage.revokeDevice({ ...credentials, deviceId: phone.deviceId, epoch: 2, rotation, head, chain, now: 3 })
  await storage.close()
  // Without free pages: damage there has no effect.
  const db = new DatabaseSync(join(folder, 'lockstep.db'))
  db.exec('VACUUM')
  db.close()
  return folder
}

/** What a server tells of the log, as one value. */
async function logAnswers(storage: Storage): Promise<string> {
  const vault = 1 as VaultKey
  const position = await storage.position(vault)
  const pages: unknown[] = []
  for (const newest of [false, true]) {
    const { segments } = await storage.read(vault, { after: 0, through: position.head, newest }, 1e9)
    pages.push(segments.map(({ sealed, ...header }) => [header, Buffer.from(sealed).toString('base64')]))
  }
  const chains: unknown[] = []
  for (let at = 0; at <= position.head; at++) chains.push(await storage.chainAt(vault, at), await storage.isInsideRun(vault, at))
  const { generation: _, ...where } = position
  return JSON.stringify([
    where,
    pages,
    chains,
    await storage.index(vault, 1, 1e6),
    await storage.coverage(vault),
    await storage.sizes(vault),
  ])
}

/** Signing in, as a device does it, with what a damaged server says. Throws, or all was as it should be. */
async function signIn(storage: Storage): Promise<void> {
  const vault = await storage.vaultByName(CONTEXT.name)
  if (vault === undefined) throw new Error('wrong-credentials')
  if (!equalBytes(vault.authHash, AUTH_HASH)) throw new Error('wrong-credentials')
  const { suite, salt, vaultId } = vault
  const { version, sealed } = vault.bundle
  const bundle = await openBundle({ wrapKey: WRAP_KEY, context: { ...CONTEXT, suite, salt, vaultId }, version, sealed })
  expect([...bundle.epochs.values()]).toEqual([named('epoch 1')])
  const session = await storage.session(TOKEN)
  if (session === undefined) throw new Error('unauthorized')
  expect([session.vault, session.deviceId]).toEqual([1, named('laptop', 16)])
  for (const { record } of await storage.rotations(1 as VaultKey, 1)) await openEnvelope(ROTATION_KEY, ROTATION_AAD, record)
}

const deviceAnswers = async (storage: Storage): Promise<string> => JSON.stringify(await storage.devices(1 as VaultKey))

/** Whether verify says that something is wrong, in findings or with an error that has a name. */
function isFound(path: string): boolean {
  try {
    return verify({ path }).damaged
  } catch (error) {
    if (error instanceof OperateError || error instanceof NewerDatabaseError) return true
    throw error
  }
}

function place(folder: string, name: string, bytes: Uint8Array): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  writeFileSync(join(folder, name), bytes)
}

test('[G6] [LOG-4] [KEY-4] no damage to a database changes what devices read without being found by verify or by them', async () => {
  const data = await makeData()
  const database = readFileSync(join(data, 'lockstep.db'))
  const whole = openSqliteStorage({ folder: data, random })
  const [log, devices] = [await logAnswers(whole), await deviceAnswers(whole)]
  await signIn(whole)
  await whole.close()
  expect(isFound(data)).toBe(false)
  const counts = { verify: 0, device: 0, devices: 0, nothing: 0, silent: 0 }
  const [seed = 1] = seeds('damage to a database', 1)
  const draw = new Random(seed)
  const folder = scratch()
  for (let i = runs(TRIES); i > 0; i--) {
    const { damaged, what } = damage(database, draw.pick(DAMAGES), draw)
    place(folder, 'lockstep.db', damaged)
    const found = isFound(folder)
    if (found) {
      counts.verify += 1
      continue
    }
    const outcome = await answersOf(folder)
    counts[outcome] += 1
    expect(outcome, `${what}; repeat it: LOCKSTEP_SEED=${seed} npx vitest run ${FILE}`).not.toBe('silent')
  }

  /** Of damage that verify did not find. */
  async function answersOf(path: string): Promise<keyof typeof counts> {
    const storage = openSqliteStorage({ folder: path, random })
    try {
      if ((await logAnswers(storage)) !== log) return 'silent'
      try {
        await signIn(storage)
      } catch {
        return 'device'
      }
      return (await deviceAnswers(storage)) === devices ? 'nothing' : 'devices'
    } finally {
      await storage.close()
    }
  }

  console.log(
    `G6: ${counts.verify} found by verify, ${counts.device} by a device, ${counts.devices} in names and times of devices, ` +
      `${counts.nothing} without effect, ${counts.silent} silent; database of ${database.length} bytes`,
  )
  expect(counts.verify).toBeGreaterThan(runs(TRIES) / 2)
})

test('[G6] verify finds every flipped bit in a backup', async () => {
  const backup = join(scratch(), 'backup')
  await createBackup({ data: await makeData(), destination: backup, version: '1', now: 1 })
  const files = readdirSync(backup).map((name) => ({ name, bytes: readFileSync(join(backup, name)) }))
  expect(files.length).toBe(3)
  const [seed = 1] = seeds('damage to a backup', 1)
  const draw = new Random(seed)
  let tried = 0
  for (let i = runs(BACKUP_TRIES); i > 0; i--) {
    // The small files as often as the large one.
    const { name, bytes } = draw.pick(files)
    const { damaged, what } = damage(bytes, draw.pick(DAMAGES), draw)
    writeFileSync(join(backup, name), damaged)
    expect(isFound(backup), `${name}: ${what}; LOCKSTEP_SEED=${seed} npx vitest run ${FILE}`).toBe(true)
    writeFileSync(join(backup, name), bytes)
    tried += 1
  }
  expect(isFound(backup)).toBe(false)
  console.log(`G6: ${tried} of ${tried} damaged backups found`)
})
