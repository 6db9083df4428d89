import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DriverError, type DriverErrorCode, driverErrorCode } from '#driver'
import { driverContract } from '#driver-contract'
import { openSqliteWasm } from '#platform/browser/sqlite'
import { openSqlite } from '#platform/node/sqlite'

let folder: string
let files = 0
const newPath = (): string => join(folder, `${files++}.db`)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-driver-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

driverContract('node, file', async () => openSqlite({ path: newPath() }))
driverContract('node, memory', async () => openSqlite())
driverContract('wasm, memory', openSqliteWasm)

function codeOf(body: () => unknown): DriverErrorCode | undefined {
  try {
    body()
  } catch (error) {
    expect(error).toBeInstanceOf(DriverError)
    return (error as DriverError).code
  }
  return undefined
}

describe('node files', () => {
  test('a database and its log are readable by their owner alone', () => {
    const path = newPath()
    const driver = openSqlite({ path })
    driver.exec('CREATE TABLE t (a)')
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(driver.path).toBe(path)
    driver.close()
  })

  test('durability chooses what a commit waits for', () => {
    const path = newPath()
    for (const [durability, synchronous] of [
      ['full', 2],
      ['normal', 1],
      ['cache', 0],
    ] as const) {
      const driver = openSqlite({ path, durability })
      expect(driver.prepare('PRAGMA synchronous').values()).toEqual([[synchronous]])
      expect(driver.prepare('PRAGMA journal_mode').values()).toEqual([['wal']])
      driver.close()
    }
    const driver = openSqlite({ path })
    expect(driver.prepare('PRAGMA synchronous').values()).toEqual([[2]])
    driver.close()
  })

  test('a reader does not wait for a writer, a second writer is told busy', () => {
    const path = newPath()
    const writer = openSqlite({ path })
    const other = openSqlite({ path })
    writer.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    other.exec('PRAGMA busy_timeout = 0')
    writer.transaction(() => {
      writer.exec('INSERT INTO t VALUES (2)')
      expect(other.prepare('SELECT a FROM t').all()).toEqual([{ a: 1 }])
      expect(codeOf(() => other.exec('INSERT INTO t VALUES (3)'))).toBe('busy')
      expect(codeOf(() => other.transaction(() => 1))).toBe('busy')
    })
    other.transaction(() => other.exec('INSERT INTO t VALUES (3)'))
    expect(writer.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 3 })
    writer.close()
    other.close()
  })

  test('what is no database is corrupt, and is left as it is', () => {
    const path = newPath()
    const text = 'not a database, but somebody may need it. '.repeat(100)
    writeFileSync(path, text)
    expect(codeOf(() => openSqlite({ path }))).toBe('corrupt')
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  test('a damaged page is corrupt', () => {
    const path = newPath()
    const driver = openSqlite({ path })
    driver.exec('CREATE TABLE t (a)')
    driver.transaction(() => {
      for (let i = 0; i < 100; i++) driver.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(500))
    })
    driver.close()
    const bytes = readFileSync(path)
    bytes.fill(0xff, 4096, 8192)
    writeFileSync(path, bytes)
    const damaged = openSqlite({ path })
    expect(codeOf(() => damaged.prepare('SELECT count(a) FROM t').all())).toBe('corrupt')
    damaged.close()
  })

  test('a folder in the place of a file, and a folder that is not there, are io', () => {
    const path = newPath()
    mkdirSync(path)
    expect(codeOf(() => openSqlite({ path }))).toBe('io')
    expect(codeOf(() => openSqlite({ path: join(folder, 'nowhere', 'a.db') }))).toBe('io')
  })

  test('a path is a path, whatever it looks like', () => {
    for (const name of ['file:a?mode=memory', 'b.db?mode=ro', 'ü #%20.db']) {
      const path = join(folder, name)
      const driver = openSqlite({ path })
      driver.exec('CREATE TABLE t (a)')
      driver.close()
      expect(statSync(path).size).toBeGreaterThan(0)
    }
  })
})

test('every result code has a code of ours, extended ones by their low byte', () => {
  expect(driverErrorCode(5)).toBe('busy')
  expect(driverErrorCode(5 | (2 << 8))).toBe('busy')
  expect(driverErrorCode(10 | (3 << 8))).toBe('io')
  expect(driverErrorCode(13)).toBe('full')
  expect(driverErrorCode(7)).toBe('other')
  expect(driverErrorCode(undefined)).toBe('other')
})
