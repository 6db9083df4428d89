/** Backup, restore and verify of what the dialects hold, their files included. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createBackup } from '#operate/backup'
import { holdMoment } from '#operate/backup-files'
import { restoreBackup } from '#operate/restore'
import { openSnapshot } from '#operate/snapshot'
import { listFiles } from '#operate/stored-files'
import { verify } from '#operate/verify'
import { temporaryFolder } from '../running.ts'
import { openStorage, random, tamper } from './data.ts'
import { FILES, folderWithDialects, OPERATIONS, upload } from './dialect-data.ts'

const backupOf = async (data: string, destination = join(temporaryFolder(), 'backup')) => {
  return createBackup({ data, destination, version: '1.2.3', now: 5 })
}
const restore = (backup: string, data: string, replace = false) => restoreBackup({ backup, data, replace, random, now: 1e12 })
const blobsOf = (folder: string) => readdirSync(join(folder, 'files')).filter((name) => name !== 'incoming')
const codesOf = (path: string) => verify({ path }).findings.map(({ code }) => code)

test('what the dialects hold is found whole, and counted', async () => {
  const report = verify({ path: await folderWithDialects() })
  expect(report).toMatchObject({ damaged: false, findings: [] })
  expect(report.dialects).toEqual({
    dataans: { operations: OPERATIONS, operationBytes: 32 * OPERATIONS, files: FILES, fileBytes: FILES * 1800 },
    difflog: { profiles: 2, rows: 5, bytes: expect.any(Number) },
  })
})

const DAMAGES: readonly (readonly [what: string, sql: string, code: string])[] = [
  ['a checksum', 'UPDATE dataans_operations SET checksum = zeroblob(32) WHERE number = 3', 'block-wrong'],
  ['a block hash', 'UPDATE dataans_blocks SET hash = zeroblob(32) WHERE number = 1', 'block-wrong'],
  ['the beginning of a block', 'UPDATE dataans_blocks SET first = zeroblob(28) WHERE number = 1', 'block-wrong'],
  ['a block gone', 'DELETE FROM dataans_blocks WHERE number = 2', 'block-wrong'],
  ['a block too many', 'INSERT INTO dataans_blocks VALUES (3, zeroblob(28), zeroblob(32))', 'block-wrong'],
  ['an operation gone', 'DELETE FROM dataans_operations WHERE number = 7', 'block-wrong'],
  ['the last operation gone', 'DELETE FROM dataans_operations WHERE number = 40', 'block-wrong'],
  ['a time', "UPDATE dataans_operations SET created_at = '2025-07-31T10:20:30Z' WHERE number = 3", 'operation-misplaced'],
  ['a time that is none', "UPDATE dataans_operations SET created_at = 'soon' WHERE number = 3", 'operation-misplaced'],
  ["an operation's id", 'UPDATE dataans_operations SET id = zeroblob(16) WHERE number = 3', 'operation-misplaced'],
  ["an operation's data cut off", "UPDATE dataans_operations SET data = x'00' WHERE number = 3", 'totals-wrong'],
  ['the totals', 'UPDATE dataans_usage SET operations = operations + 1', 'totals-wrong'],
  ['the total of files', 'UPDATE dataans_usage SET file_bytes = 0', 'totals-wrong'],
  ['no totals', 'DELETE FROM dataans_usage', 'totals-wrong'],
  ['a user that is none', "UPDATE dataans_user SET id = 'me'", 'account-damaged'],
  ["a file's size", 'UPDATE dataans_files SET bytes = bytes + 1', 'file-altered'],
  ["a file's digest", 'UPDATE dataans_files SET digest = zeroblob(32)', 'file-altered'],
  ["another blob's name", "UPDATE dataans_files SET blob = blob || 'x'", 'file-missing'],
  [
    'a name that leads elsewhere',
    "UPDATE dataans_files SET blob = '../lockstep.db' WHERE blob = (SELECT max(blob) FROM dataans_files)",
    'database-damaged',
  ],
  ['a row of another profile', "UPDATE difflog_rows SET profile = 3 - profile WHERE id = 'open'", 'totals-wrong'],
  ['a row of nobody', 'UPDATE difflog_rows SET profile = 99 WHERE number = 1', 'row-wrong'],
  ['a row cut off', "UPDATE difflog_rows SET data = 'x' WHERE number = 1", 'row-wrong'],
  ['a private diff that is public', 'UPDATE difflog_rows SET public = 1 WHERE number = 1', 'row-wrong'],
  ['a collection that is none', 'UPDATE difflog_rows SET collection = 3 WHERE number = 1', 'row-wrong'],
  ["a profile's size", 'UPDATE difflog_profiles SET bytes = bytes + 1', 'totals-wrong'],
  ['settings that are no JSON', "UPDATE difflog_profiles SET settings = '{'", 'account-damaged'],
]

test.each(DAMAGES)('[G6] verify finds %s', async (_, sql, code) => {
  const folder = await folderWithDialects()
  tamper(folder, sql)
  expect(codesOf(folder)).toContain(code)
  expect(verify({ path: folder }).damaged).toBe(true)
})

function damageFiles(folder: string): void {
  const [missing, short, flipped] = blobsOf(folder).map((name) => join(folder, 'files', name))
  // Another file in its place: a backup may share the old one's bytes.
  const replace = (path: string, change: (bytes: Buffer) => void) => {
    const bytes = readFileSync(path)
    change(bytes)
    rmSync(path)
    writeFileSync(path, bytes)
  }
  rmSync(missing as string)
  replace(flipped as string, (bytes) => bytes.writeUInt8(bytes.readUInt8(50) ^ 1, 50))
  replace(short as string, () => {})
  truncateSync(short as string, 10)
}

test('[G6] a file that is missing, cut off or changed by a bit is found, in the data and in a backup; nothing damaged is backed up', async () => {
  const folder = await folderWithDialects()
  const { path } = await backupOf(folder)
  damageFiles(folder)
  expect(codesOf(folder).sort()).toEqual(['file-altered', 'file-altered', 'file-missing'])
  const destination = join(temporaryFolder(), 'backup')
  await expect(backupOf(folder, destination)).rejects.toMatchObject({ code: 'damaged' })
  expect(readdirSync(join(destination, '..'))).toEqual([])
  expect(verify({ path })).toMatchObject({ kind: 'backup', damaged: false, findings: [] })
  damageFiles(path)
  expect(new Set(codesOf(path))).toEqual(new Set(['file-altered', 'file-missing']))
  expect(() => restore(path, join(temporaryFolder(), 'data'))).toThrow(expect.objectContaining({ code: 'damaged' }))
})

test('a backup has the files that its database names, checked without Lockstep, and later uploads do not change it', async () => {
  const folder = await folderWithDialects()
  writeFileSync(join(folder, 'files', 'dataans-nobodys'), 'an upload that no row names')
  const { path, files, fileBytes } = await backupOf(folder)
  expect([files, fileBytes, blobsOf(path).length]).toEqual([FILES, FILES * 1800, FILES])
  expect(statSync(join(path, 'files')).mode & 0o777).toBe(0o700)
  if (process.platform === 'linux') execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: path, stdio: 'ignore' })
  const storage = openStorage(folder)
  for (let n = 0; n < FILES; n++) await upload(folder, storage, `file ${n}`, 'another content')
  await storage.close()
  expect(verify({ path })).toMatchObject({ damaged: false, findings: [] })
})

test('files that are replaced while a backup looks for them: it is of a later moment, with nothing of the earlier ones', async () => {
  const data = await folderWithDialects()
  const destination = temporaryFolder()
  let moments = 0
  const open = () => {
    const snapshot = openSnapshot(data)
    moments += 1
    if (moments < 4) {
      const [first = ''] = listFiles(snapshot.db).map(({ name }) => name)
      renameSync(join(data, 'files', first), join(data, 'files', `z-${moments}`))
      tamper(data, `UPDATE dataans_files SET blob = 'z-${moments}' WHERE blob = '${first}'`)
    }
    return snapshot
  }
  const { snapshot, files } = holdMoment({ data, destination, open, onProgress: () => {} })
  snapshot.close()
  expect(moments).toBe(4)
  expect(blobsOf(destination).sort()).toEqual(files.map(({ name }) => name))
  expect(blobsOf(destination).sort()).toEqual(blobsOf(data).sort())
})

test('a running server goes on replacing files while it is backed up and verified', async () => {
  const folder = await folderWithDialects()
  const storage = openStorage(folder)
  let running = true
  let replaced = 0
  const replacing = (async () => {
    while (running || replaced < 3) {
      await upload(folder, storage, `file ${replaced % FILES}`, `content ${replaced} `.repeat(50))
      replaced += 1
    }
  })()
  const { files, verified } = await backupOf(folder)
  expect([files, verified.findings, codesOf(folder)]).toEqual([FILES, [], []])
  running = false
  await replacing
  await storage.close()
  expect(verify({ path: folder }).findings).toEqual([])
})

test('a restored server has its files; what was there is moved aside with its own', async () => {
  const { path } = await backupOf(await folderWithDialects())
  const target = await folderWithDialects()
  const old = blobsOf(target).sort()
  const { movedTo = '' } = restore(path, target, true)
  expect(blobsOf(target).sort()).toEqual(blobsOf(path).sort())
  expect(blobsOf(movedTo).sort()).toEqual(old)
  expect(statSync(join(target, 'files')).mode & 0o777).toBe(0o700)
  for (const folder of [target, movedTo]) expect(verify({ path: folder })).toMatchObject({ damaged: false, findings: [] })
  const storage = openStorage(target)
  await upload(target, storage, 'file 0', 'new')
  await storage.close()
  for (const folder of [target, path]) expect(verify({ path: folder })).toMatchObject({ damaged: false, findings: [] })
  expect(readdirSync(target).filter((name) => name.includes('restoring'))).toEqual([])
})

test('a restore that was cut off anywhere is done again', async () => {
  const { path } = await backupOf(await folderWithDialects())
  for (const cut of ['files moved aside', 'all moved aside', 'files put in place'] as const) {
    const target = await folderWithDialects()
    rmSync(join(target, 'files'), { recursive: true })
    if (cut !== 'files moved aside') rmSync(join(target, 'lockstep.db'))
    if (cut === 'files put in place') cpSync(join(path, 'files'), join(target, 'files'), { recursive: true })
    cpSync(join(path, 'files'), join(target, 'files.restoring'), { recursive: true })
    writeFileSync(join(target, 'files.restoring', 'left'), 'of the restore that was cut off')
    restore(path, target, true)
    expect([cut, verify({ path: target }).findings, blobsOf(target).length]).toEqual([cut, [], FILES])
  }
})

test('a backup of the first kind, without files, is read', async () => {
  const folder = await folderWithDialects()
  tamper(folder, 'DELETE FROM dataans_files; UPDATE dataans_usage SET file_bytes = 0')
  const { path } = await backupOf(folder)
  expect(existsSync(join(path, 'files'))).toBe(false)
  const manifest = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as Record<string, unknown>
  const { files, ...first } = manifest
  expect(files).toBe(0)
  rmSync(join(path, 'manifest.json'))
  writeFileSync(join(path, 'manifest.json'), JSON.stringify({ ...first, format: 1 }))
  rmSync(join(path, 'SHA256SUMS'))
  const sums = execFileSync('sha256sum', ['lockstep.db', 'manifest.json'], { cwd: path, encoding: 'utf8' })
  writeFileSync(join(path, 'SHA256SUMS'), sums)
  expect(verify({ path })).toMatchObject({ kind: 'backup', damaged: false })
  restore(path, join(temporaryFolder(), 'data'))
})

test('[G6] a name in a damaged backup leads nowhere', async () => {
  const folder = await folderWithDialects()
  const { path } = await backupOf(folder)
  const db = new DatabaseSync(join(path, 'lockstep.db'))
  db.exec("UPDATE dataans_files SET blob = '../../outside' WHERE blob = (SELECT max(blob) FROM dataans_files)")
  db.close()
  const target = join(temporaryFolder(), 'data')
  expect(() => restore(path, target)).toThrow(expect.objectContaining({ code: 'damaged' }))
  expect(existsSync(target)).toBe(false)
})
