/** `lockstep doctor` on homes with real files, and a real server: flipped bits anywhere in the files. */
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { expect, it } from 'vitest'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { runningServer } from '../../../tests/support/running-server.ts'
import { scratchFolder, TestHome, testHome } from './support/run.ts'

const FILE = 'packages/cli/test/doctor.test.ts'
const PASSWORD = { input: 'long enough to be quiet\n' }

interface Report {
  readonly well: boolean
  readonly checks: readonly {
    readonly check: string
    readonly verdict: string
    readonly detail: string
    readonly hint: string | null
    readonly rows: readonly { readonly table: string; readonly id: string; readonly outcome: string }[]
  }[]
}

async function doctor(home: TestHome, ...options: string[]): Promise<Report & { readonly status: number }> {
  const { status, out, err } = await home.try(['doctor', '--json', ...options], { env: { LOCKSTEP_DEBUG: '1' } })
  if (out === '') throw new Error(`doctor said nothing but ${err}`)
  return { ...(JSON.parse(out) as Report), status }
}

const of = ({ checks }: Report, name: string) => checks.find(({ check }) => check === name)

/** A synced home with notes of several pages, edits, and one note that was never synced. */
async function syncedHome(): Promise<TestHome> {
  const server = await runningServer()
  const home = await testHome()
  await home.json(['sign-in', '--server', server.url, '--password-stdin'], PASSWORD)
  await home.json(['space', 'add', 'Space'])
  for (let i = 0; i < 6; i++) {
    await home.json(['note', 'add', '--space', 'Space', '--title', `Note ${i}`, '--file', '-'], {
      input: `${`the text of note ${i}, which is long enough. `.repeat(120 * (i + 1))}\n`,
    })
  }
  await home.json(['sync'])
  return home
}

const everything = async (home: TestHome) => {
  const notes = await home.json<{ id: string }[]>(['note', 'list'])
  return Promise.all(notes.map(async ({ id }) => home.json(['note', 'show', id])))
}

it('says that all is well, with no server too', async () => {
  const home = await testHome()
  await home.json(['space', 'add', 'A'])
  const report = await doctor(home)
  expect(report).toMatchObject({ status: 0, well: true })
  expect(report.checks.map(({ check, verdict }) => [check, verdict])).toEqual([
    ['database', 'ok'],
    ['keys', 'skipped'],
    ['rows', 'ok'],
    ['outbox', 'ok'],
    ['tail', 'ok'],
    ['search', 'ok'],
    ['server', 'skipped'],
    ['clock', 'skipped'],
    ['devices', 'skipped'],
    ['problems', 'ok'],
  ])
  expect(await home.text(['doctor'])).toContain('Server    left out  this device is not signed in\n')
})

it('with a server every check is made, and a damaged row healed', async () => {
  const home = await syncedHome()
  const well = await doctor(home)
  expect(well.checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([])
  const before = await everything(home)
  const driver = openSqlite({ path: join(home.folder, 'vault.db') })
  driver.exec("UPDATE rows_notes SET text = 'gone', title = 'gone' WHERE title = 'Note 3'")
  driver.close()
  const note = (before as { id: string; title: string }[]).find(({ title }) => title === 'Note 3')?.id as string
  expect(await home.failure(['note', 'edit', note, '--title', 'x'])).toMatchObject({
    code: 'database-corrupt',
    message: expect.stringContaining('lockstep doctor'),
  })
  const looked = await doctor(home, '--no-heal')
  expect(looked).toMatchObject({ status: 1, well: false })
  const healed = await doctor(home)
  expect(healed).toMatchObject({ status: 0, well: true })
  expect(of(healed, 'rows')).toMatchObject({ verdict: 'healed', rows: [{ id: note, outcome: 'server' }] })
  expect(await everything(home)).toEqual(before)
})

it('a damaged search index is made anew, however it was damaged', async () => {
  const home = await syncedHome()
  const path = join(home.folder, 'search.db')
  const found = await home.json(['search', 'text'])
  expect(found).toHaveLength(6)
  const intact = readFileSync(path)
  const damages: (() => void)[] = [
    () => writeFileSync(path, 'no database at all'.repeat(500)),
    () => writeFileSync(path, intact.fill(0, 4096, 16_384)),
    () => {
      const driver = openSqlite({ path })
      driver.exec('DELETE FROM fts_rows_notes_0 WHERE rowid = 2')
      driver.close()
    },
    () => {
      const driver = openSqlite({ path })
      driver.exec('DROP TABLE fts_rows_notes_0')
      driver.close()
    },
  ]
  for (const damage of damages) {
    damage()
    expect(await doctor(home)).toMatchObject({ status: 0, well: true })
    expect(await home.json(['search', 'text'])).toEqual(found)
  }
})

it('a file that is no database, or keys that are none, end in a sentence that says what to do', async () => {
  const home = await syncedHome()
  const keys = join(home.folder, 'keys.json')
  const good = readFileSync(keys)
  writeFileSync(keys, good.subarray(0, 40))
  const locked = await doctor(home)
  expect(locked).toMatchObject({ status: 1, well: false })
  expect(of(locked, 'keys')?.hint).toContain('sign in')
  writeFileSync(keys, good)
  await home.json(['note', 'add', '--space', 'Space', '--title', 'not synced', '--file', '-'], { input: 'x' })
  writeFileSync(join(home.folder, 'vault.db'), 'no database at all'.repeat(500))
  for (const suffix of ['-wal', '-shm']) rmSync(join(home.folder, `vault.db${suffix}`), { force: true })
  const gone = await doctor(home)
  expect(gone).toMatchObject({ status: 1, well: false })
  expect(of(gone, 'database')).toMatchObject({ verdict: 'problem', hint: expect.stringContaining('move this home away') })
})

/** Flips bits of the database file itself, where a disk would. */
function flipInFile(path: string, random: Random, bits: number): void {
  const bytes = readFileSync(path)
  // The first page's header says what the file is: without it there is no database, which another test tries.
  for (let i = 0; i < bits; i++) {
    const at = random.between(100, bytes.length - 1)
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
  }
  writeFileSync(path, bytes)
}

it('bits that flip anywhere in the file: everything is as it was, or the damage is named', async () => {
  const home = await syncedHome()
  await home.json(['note', 'add', '--space', 'Space', '--title', 'never synced', '--file', '-'], { input: 'only here\n' })
  // All that is in the write-ahead log goes to the file.
  const path = join(home.folder, 'vault.db')
  const driver = openSqlite({ path })
  driver.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  driver.close()
  const truth = await everything(home)
  const count = { flips: 0, well: 0, healed: 0, named: 0 }
  await forEachSeed('bits flipped in the file', 12, FILE, async (random) => {
    const copy = new TestHome(join(await scratchFolder()))
    for (const name of ['vault.db', 'keys.json', 'profile.json']) copyFileSync(join(home.folder, name), join(copy.folder, name))
    const bits = random.pick([1, 1, 1, 2, 8])
    flipInFile(join(copy.folder, 'vault.db'), random, bits)
    count.flips += bits
    const report = await doctor(copy)
    if (report.status !== 0) {
      expect(report.checks.some(({ verdict }) => verdict === 'problem')).toBe(true)
      count.named++
      return
    }
    expect(await everything(copy)).toEqual(truth)
    if (report.checks.some(({ verdict }) => verdict === 'healed')) count.healed++
    else count.well++
  })
  console.log(
    `bits flipped in the file (${statSync(path).size} bytes): ${count.flips}; healed: ${count.healed}; without effect: ${count.well}; named: ${count.named}; silent: 0`,
  )
})
