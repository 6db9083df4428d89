/** `lockstep backup` beside a server that goes on. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { createBackup } from '#operate/backup'
import { verify } from '#operate/verify'
import { ReplicaLog } from '../client.ts'
import { temporaryFolder } from '../running.ts'
import { appendOf, filledFolder, makeVault, openStorage, pushSome, tamper } from './data.ts'

const options = (data: string, destination: string) => ({ data, destination, version: '1.2.3', now: 1_700_000_000_000 })

test('[SYNC-2] a backup of a running server holds all that was answered before it began, whole, and the server goes on', async () => {
  const folder = temporaryFolder()
  const storage = openStorage(folder)
  const vault = await makeVault(storage)
  await pushSome(storage, vault, 400, 50_000)
  const author = new ReplicaLog('meanwhile')
  let running = true
  let pushed = 0
  const pushing = (async () => {
    while (running) {
      const [outcome] = await storage.append([appendOf(vault, [author.next(new Uint8Array(5000))])])
      expect(outcome?.outcome).toBe('appended')
      pushed += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const destination = join(temporaryFolder(), 'backup')
  let steps = 0
  let during = 0
  const report = await createBackup({
    ...options(folder, destination),
    onProgress: (stage) => {
      if (stage !== 'copying') return
      steps += 1
      during = pushed
    },
  })
  running = false
  await pushing
  const head = report.verified.vaults[0]?.head ?? 0
  expect(head).toBeGreaterThanOrEqual(400)
  expect(steps).toBeGreaterThan(1)
  expect(during).toBeGreaterThan(0)
  expect((await storage.position(vault)).head).toBeGreaterThan(head)
  expect(verify({ path: destination })).toMatchObject({ kind: 'backup', damaged: false, findings: [] })
  await storage.close()
})

test('a backup is for its owner alone, needs no Lockstep to be checked, and leaves nothing beside itself', async () => {
  const destination = join(temporaryFolder(), 'backup')
  await createBackup(options(await filledFolder(), destination))
  expect(readdirSync(dirname(destination))).toEqual(['backup'])
  expect(statSync(destination).mode & 0o777).toBe(0o700)
  const files = readdirSync(destination).sort()
  expect(files).toEqual(['SHA256SUMS', 'lockstep.db', 'manifest.json'])
  for (const file of files) expect([file, statSync(join(destination, file)).mode & 0o777]).toEqual([file, 0o600])
  if (process.platform === 'linux') execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: destination, stdio: 'ignore' })
  // Reading it makes no files in it either: a backup may be on a disk that cannot be written.
  verify({ path: destination })
  expect(readdirSync(destination).sort()).toEqual(files)
})

test('a backup takes the place of nothing', async () => {
  const data = await filledFolder()
  const parent = temporaryFolder()
  mkdirSync(join(parent, 'folder'))
  writeFileSync(join(parent, 'file'), 'mine')
  for (const name of ['folder', 'file']) {
    await expect(createBackup(options(data, join(parent, name)))).rejects.toMatchObject({ code: 'already-exists' })
  }
  await expect(createBackup(options(data, join(parent, 'not', 'there')))).rejects.toMatchObject({ code: 'unwritable' })
  await expect(createBackup(options(parent, join(parent, 'new')))).rejects.toMatchObject({ code: 'no-database' })
  expect(readdirSync(parent).sort()).toEqual(['file', 'folder'])
})

test.each(['copying', 'reading', 'checking'] as const)('a backup that is stopped while %s leaves nothing', async (when) => {
  const data = temporaryFolder()
  const storage = openStorage(data)
  await pushSome(storage, await makeVault(storage), 200, 50_000)
  const parent = temporaryFolder()
  const controller = new AbortController()
  const stopped = createBackup({
    ...options(data, join(parent, 'backup')),
    signal: controller.signal,
    onProgress: (stage) => {
      if (stage === when) controller.abort()
    },
  })
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
  expect(readdirSync(parent)).toEqual([])
  await storage.close()
})

test('damaged data is not backed up as if it were whole', async () => {
  const data = await filledFolder()
  tamper(data, 'UPDATE segments SET sealed = zeroblob(length(sealed)) WHERE last = 3')
  const destination = join(temporaryFolder(), 'backup')
  const failed = createBackup(options(data, destination))
  await expect(failed).rejects.toMatchObject({
    code: 'damaged',
    findings: [{ code: 'segment-altered' }, { code: 'segment-altered' }],
  })
  expect(existsSync(destination)).toBe(false)
  expect(readdirSync(dirname(destination))).toEqual([])
})
