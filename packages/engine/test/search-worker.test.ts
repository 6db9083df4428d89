import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Driver } from '#driver'
import { openSearch, searchPath } from '#platform/node/search-connection'
import { type SearchReport, startSearchWorker } from '#platform/node/search-worker'
import { openSqlite } from '#platform/node/sqlite'
import type { SearchIndex } from '#search/search-index'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { createVault, type Note, SOURCE, vaultWriter } from './support/search-vault.ts'

const FILE = 'packages/engine/test/search-worker.test.ts'
const EVERYTHING = Number.MAX_SAFE_INTEGER

let folder: string
let vaultPath: string
let vault: Driver
let writer: ReturnType<typeof vaultWriter>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-search-'))
  vaultPath = join(folder, 'vault #1?.db')
  vault = openSqlite({ path: vaultPath, durability: 'normal' })
  createVault(vault)
  writer = vaultWriter(vault)
})
afterEach(() => {
  vault.close()
  rmSync(folder, { recursive: true, force: true })
})

const makeNotes = (random: Random, count: number): Note[] =>
  Array.from({ length: count }, () => ({
    title: 'every',
    body: Array.from({ length: 20 }, () => `w${random.below(1000)}`).join(' '),
  }))

const findAll = (index: SearchIndex): readonly number[] =>
  index.query({ table: 'rows_notes', text: 'every', limit: EVERYTHING }).rows
const newestFirst = (count: number): number[] => Array.from({ length: count }, (_, i) => count - i)

/** A worker and a promise of its next report of a type. */
function startWorker() {
  const reports: SearchReport[] = []
  let heard: (() => void) | undefined
  const worker = startSearchWorker({
    vaultPath,
    source: SOURCE,
    onReport(report) {
      reports.push(report)
      heard?.()
    },
  })
  const next = async (type: SearchReport['type']): Promise<SearchReport> => {
    while (true) {
      const found = reports.findIndex((report) => report.type === type)
      if (found >= 0) return reports.splice(0, found + 1)[found] as SearchReport
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
  }
  return { worker, reports, next }
}

test('the worker indexes while the main thread writes and searches, and neither waits for the other', async () => {
  const search = openSearch(vaultPath, SOURCE)
  const { worker, reports, next } = startWorker()
  // A wait would be an error now.
  vault.exec('PRAGMA busy_timeout = 0')
  await forEachSeed('search worker', 1, FILE, async (random) => {
    vault.exec('DELETE FROM rows_notes; DELETE FROM _changes')
    search.index.reset()
    const total = 20_000
    for (let n = 1; n <= total; n += 500) {
      writer.load(n, makeNotes(random, 500))
      worker.work()
      expect(findAll(search.index).length).toBeLessThanOrEqual(n + 499)
      await new Promise((resolve) => setImmediate(resolve))
    }
    while (search.index.backlog() > 0) {
      worker.work()
      await next('idle')
    }
    expect(findAll(search.index)).toEqual(newestFirst(total))
  })
  await worker.stop()
  expect(reports.filter((report) => report.type === 'failed')).toEqual([])
  search.close()
})

test('a worker ended at any moment leaves an index that is right as far as it goes; the next one goes on', async () => {
  const search = openSearch(vaultPath, SOURCE)
  const total = 6000
  await forEachSeed('search worker ended', 8, FILE, async (random) => {
    vault.exec('DELETE FROM rows_notes; DELETE FROM _changes')
    writer.load(1, makeNotes(random, total))
    search.index.reset()
    const first = startWorker()
    first.worker.work()
    await new Promise((resolve) => setTimeout(resolve, random.below(150)))
    await (random.chance(0.5) ? first.worker.kill() : first.worker.stop())
    const found = search.index.query({ table: 'rows_notes', text: 'every', limit: EVERYTHING })
    expect(found.rows.length + found.backlog).toBe(total)
    const second = startWorker()
    second.worker.work()
    await second.next('idle')
    await second.worker.stop()
    expect(findAll(search.index)).toEqual(newestFirst(total))
  })
  search.close()
})

test('a process killed while it indexes: indexed rows and backlog make up the vault, and the rest is indexed later', async () => {
  const script = fileURLToPath(new URL('./support/index-until-killed.ts', import.meta.url))
  const total = 8000
  let midway = 0
  const count = await forEachSeed('search killed', 10, FILE, async (random) => {
    vault.exec('DELETE FROM rows_notes; DELETE FROM _changes')
    writer.load(1, makeNotes(random, total))
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${searchPath(vaultPath)}${suffix}`, { force: true })
    const child = spawn(process.execPath, [script, vaultPath, '250'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const batches = random.between(1, 25)
    let heard = 0
    child.stdout.on('data', (data: Buffer) => {
      heard += data.length
      if (heard >= batches) setTimeout(() => child.kill('SIGKILL'), random.below(8))
    })
    await new Promise((resolve) => child.once('close', resolve))
    const search = openSearch(vaultPath, SOURCE)
    const backlog = search.index.backlog()
    if (backlog > 0) midway++
    const count = (): number => findAllIndexed(searchPath(vaultPath))
    expect(count() + backlog).toBe(total)
    while (!search.index.catchUp({ maxRows: 1000 }).done) {}
    expect(findAll(search.index)).toEqual(newestFirst(total))
    search.close()
  })
  console.log(`search killed: ${midway} of ${count} processes ended in the middle of their work`)
  if (count >= 10) expect(midway).toBeGreaterThan(0)
})

/** Rows in the index's file, without indexing any. */
function findAllIndexed(path: string): number {
  const driver = openSqlite({ path, durability: 'normal' })
  const rows = driver
    .prepare('SELECT tbl, shard FROM search_shards')
    .values()
    .map(
      ([table, shard]) =>
        driver.prepare(`SELECT count(*) FROM fts_${table}_${shard} WHERE fts_${table}_${shard} MATCH 'every'`).values()[0]?.[0],
    )
  driver.close()
  return rows.reduce<number>((sum, n) => sum + Number(n), 0)
}

test('a search index that is no database is made again; a deleted one as well; it is private', () => {
  writer.put(1, { title: 'every', body: null })
  writeFileSync(searchPath(vaultPath), 'not a database at all '.repeat(1000))
  for (let round = 0; round < 2; round++) {
    const search = openSearch(vaultPath, SOURCE)
    expect(findAll(search.index)).toEqual([1])
    expect(statSync(searchPath(vaultPath)).mode & 0o777).toBe(0o600)
    search.close()
    rmSync(searchPath(vaultPath))
  }
})

test('the index never writes the vault and never locks it', () => {
  const search = openSearch(vaultPath, SOURCE)
  vault.exec('PRAGMA busy_timeout = 0')
  writer.put(1, { title: 'every', body: null })
  vault.transaction(() => {
    vault.exec("INSERT INTO rows_notes (_n, title) VALUES (2, 'every')")
    // Indexing goes on beside an open transaction of the vault, of which it sees nothing.
    expect(search.index.catchUp()).toEqual({ indexed: 1, done: true })
    expect(findAll(search.index)).toEqual([1])
  })
  search.close()
})

test('while another connection indexes, a search answers with what there is and tells the backlog', () => {
  const search = openSearch(vaultPath, SOURCE)
  writer.put(1, { title: 'every', body: null })
  expect(findAll(search.index)).toEqual([1])
  writer.put(2, { title: 'every', body: null })
  const other = openSqlite({ path: searchPath(vaultPath) })
  other.transaction(() => {
    expect(search.index.query({ table: 'rows_notes', text: 'every', limit: 5 })).toEqual({ rows: [1], backlog: 1 })
  })
  expect(search.index.query({ table: 'rows_notes', text: 'every', limit: 5 })).toEqual({ rows: [2, 1], backlog: 0 })
  other.close()
  search.close()
})

test('a worker that cannot open its vault says so and can be stopped', async () => {
  vault.close()
  rmSync(vaultPath)
  const { worker, next } = startWorker()
  worker.work()
  expect(await next('failed')).toMatchObject({ type: 'failed' })
  await worker.stop()
})
