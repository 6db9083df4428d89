/** `lockstep restore`: what was backed up is served again, what was there is kept. */
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createBackup } from '#operate/backup'
import { restoreBackup } from '#operate/restore'
import { verify } from '#operate/verify'
import { FolderInUseError } from '#storage/sqlite/connection'
import type { VaultKey } from '#storage/storage'
import { named } from '../client.ts'
import { temporaryFolder } from '../running.ts'
import { filledFolder, makeVault, openStorage, pushSome, random } from './data.ts'

const NOW = Date.UTC(2026, 1, 3, 4, 5, 6)

async function backupOf(data: string): Promise<string> {
  const destination = join(temporaryFolder(), 'backup')
  await createBackup({ data, destination, version: '1.2.3', now: 5 })
  return destination
}

const restore = (backup: string, data: string, replace = false) => restoreBackup({ backup, data, replace, random, now: NOW })

test('[LOG-4] a restored server has the log, the sessions and a generation of its own', async () => {
  const data = await filledFolder()
  const backup = await backupOf(data)
  const before = openStorage(data)
  const target = join(temporaryFolder(), 'deep', 'data')
  expect(restore(backup, target)).toMatchObject({ createdAt: 5, movedTo: undefined })
  expect(statSync(target).mode & 0o777).toBe(0o700)
  expect(readdirSync(target).sort()).toEqual(['lockstep.db', 'lockstep.lock'])
  expect(statSync(join(target, 'lockstep.db')).mode & 0o777).toBe(0o600)
  const after = openStorage(target)
  expect(after.generation).not.toEqual(before.generation)
  expect(after.secret).toEqual(before.secret)
  const session = await after.session(named('token main'))
  expect(session?.vault).toBeDefined()
  if (session === undefined) return
  const [was, is] = [await before.position(session.vault), await after.position(session.vault)]
  expect([is.head, is.chain]).toEqual([was.head, was.chain])
  await pushSome(after, await makeVault(after, 'new'), 2)
  await Promise.all([before.close(), after.close()])
  expect(verify({ path: target }).findings).toEqual([])
})

test('a database that is there is refused, or moved aside as it was', async () => {
  const backup = await backupOf(await filledFolder(10))
  const target = await filledFolder(7)
  const old = readFileSync(join(target, 'lockstep.db'))
  expect(() => restore(backup, target)).toThrow(expect.objectContaining({ code: 'has-database' }))
  expect(readFileSync(join(target, 'lockstep.db'))).toEqual(old)
  const { movedTo } = restore(backup, target, true)
  expect(movedTo).toBe(join(target, 'replaced-20260203T040506Z'))
  expect(readFileSync(join(movedTo ?? '', 'lockstep.db'))).toEqual(old)
  expect(verify({ path: target }).vaults[0]?.head).toBe(10)
  expect(verify({ path: movedTo ?? '' }).vaults[0]?.head).toBe(7)
})

test('a log that was not yet written into the database goes aside with it', async () => {
  const backup = await backupOf(await filledFolder(10))
  const target = temporaryFolder()
  const running = openStorage(target)
  await pushSome(running, await makeVault(running), 6)
  // As after a power cut: the files as they are while the server runs.
  const cut = temporaryFolder()
  for (const name of ['lockstep.db', 'lockstep.db-wal']) writeFileSync(join(cut, name), readFileSync(join(target, name)))
  await running.close()
  const { movedTo } = restore(backup, cut, true)
  expect(verify({ path: cut }).vaults[0]?.head).toBe(10)
  expect(verify({ path: movedTo ?? '' }).vaults[0]?.head).toBe(6)
})

test('a folder whose server runs is left alone', async () => {
  const backup = await backupOf(await filledFolder())
  const target = await filledFolder(3)
  const running = openStorage(target)
  expect(() => restore(backup, target, true)).toThrow(FolderInUseError)
  await running.close()
})

test('a damaged backup is not restored, and what is there stays', async () => {
  const backup = await backupOf(await filledFolder())
  const target = await filledFolder(3)
  const old = readFileSync(join(target, 'lockstep.db'))
  appendFileSync(join(backup, 'lockstep.db'), 'x')
  expect(() => restore(backup, target, true)).toThrow(expect.objectContaining({ code: 'damaged' }))
  expect(() => restore(target, temporaryFolder())).toThrow(expect.objectContaining({ code: 'not-a-backup' }))
  expect(readFileSync(join(target, 'lockstep.db'))).toEqual(old)
  expect(readdirSync(target).filter((name) => name.startsWith('replaced'))).toEqual([])
})

test('a restore that was cut off at any step is done again', async () => {
  const backup = await backupOf(await filledFolder(10))
  const whole = await filledFolder(4)
  const files = ['lockstep.db', 'lockstep.db-wal', 'lockstep.db.restoring', 'lockstep.db.restoring-wal'] as const
  // Which of its files an interrupted restore has left: a stale log of the old database is the dangerous one.
  for (let left = 0; left < 2 ** files.length; left++) {
    const target = temporaryFolder()
    for (const [bit, name] of files.entries()) {
      if ((left >> bit) % 2 === 1) writeFileSync(join(target, name), readFileSync(join(whole, 'lockstep.db')))
    }
    restore(backup, target, true)
    const storage = openStorage(target)
    await storage.close()
    expect(verify({ path: target })).toMatchObject({ findings: [], vaults: [{ head: 10 }, { head: 5 }] })
  }
})

test('[LOG-10] merges that were under way do not outlive the server they were on', async () => {
  const data = await filledFolder(4)
  const running = openStorage(data)
  const { head, chain } = await running.position(1 as VaultKey)
  const lease = { vault: 1 as VaultKey, name: 'm', session: named('token main'), now: 0, expiresAt: 9e15 }
  expect(await running.openMerge({ ...lease, target: { type: 'seed', head, chain } })).toBe('opened')
  await running.close()
  const target = join(temporaryFolder(), 'data')
  restore(await backupOf(data), target)
  const restored = new DatabaseSync(join(target, 'lockstep.db'), { readOnly: true })
  expect(restored.prepare('SELECT count(*) AS n FROM merges').get()).toEqual({ n: 0 })
  restored.close()
  expect(existsSync(join(target, 'lockstep.db.restoring'))).toBe(false)
})
