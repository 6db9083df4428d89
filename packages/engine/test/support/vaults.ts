/** Vaults in memory with a clock that a test moves, randomness from a seed, and a sealer with real keys. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeUtf8, toHex } from '@lockstep/protocol/bytes'
import { onTestFinished } from 'vitest'
import type { Driver, SqlValue } from '#driver'
import { nodeCompression } from '#platform/node/compression'
import { openSqlite } from '#platform/node/sqlite'
import { Remote } from '#remote'
import type { Schema, Table } from '#schema'
import { createSealer, type Sealer } from '#sealing'
import { Syncer } from '#sync'
import { openVault, type Vault } from '#vault'
import { Random } from '../../../../tests/support/random.ts'
import { type LogServer, sha256 } from './log-server.ts'
import { schema } from './tables.ts'

export { schema }
export type TestTables = (typeof schema)['tables']

export interface TestVault<T extends Record<string, Table> = TestTables> {
  readonly vault: Vault<T>
  readonly driver: Driver
  /** Wall clock, Unix milliseconds. */
  readonly clock: { now: number }
  syncer(server: LogServer, options?: { readonly token?: string }): Syncer
  readonly sealer: Sealer
}

export const START = Date.UTC(2026, 0, 1)
export const VAULT_ID = new Uint8Array(16).fill(1)
const VAULT_KEYS = new Map([[1, new Uint8Array(32).fill(2)]])

export interface TestVaultOptions {
  /** A file to open; without it the database is in memory. */
  readonly path?: string
  /** An open database of another platform. */
  readonly opened?: Driver
  readonly vaultId?: Uint8Array
  readonly vaultKeys?: ReadonlyMap<number, Uint8Array>
  readonly now?: number
}

let count = 0

export function testVault(options?: TestVaultOptions): TestVault
export function testVault<T extends Record<string, Table>>(options: TestVaultOptions, schema: Schema<T>): TestVault<T>
export function testVault<T extends Record<string, Table>>(
  { path, opened, vaultId = VAULT_ID, vaultKeys = VAULT_KEYS, now = START }: TestVaultOptions = {},
  tables: Schema<T> = schema as unknown as Schema<T>,
): TestVault<T> {
  const random = new Random(++count)
  const clock = { now }
  const driver = opened ?? openSqlite(path === undefined ? {} : { path, durability: 'normal' })
  onTestFinished(() => driver.close())
  const runtime = { now: () => clock.now, random: (length: number) => random.bytes(length) }
  const vault = openVault({ schema: tables, driver, runtime, schedule: (run) => queueMicrotask(run) })
  const sealer = createSealer({ vaultId, vaultKeys, compression: nodeCompression, random: runtime.random })
  return {
    vault,
    driver,
    clock,
    sealer,
    syncer: (server, { token = 'good' } = {}) =>
      new Syncer({
        store: vault.store,
        sealer,
        sha256,
        remote: new Remote({ server: 'http://server.test', http: server.http }),
        token,
      }),
  }
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-engine-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What a vault shows, for comparing devices. */
export function shown({ vault }: TestVault): unknown {
  const rows = (sql: string) => vault.query(sql).map((row) => Object.values(row).map(brief))
  return {
    spaces: rows('SELECT id, name, color FROM spaces ORDER BY id'),
    notes: rows('SELECT id, space, title, text, tags, weight, picture FROM notes ORDER BY id'),
    stars: rows('SELECT id, note, count FROM stars ORDER BY id'),
    trash: vault.trash().sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
}

/** Comparing megabytes value by value takes seconds. */
function brief(value: SqlValue): SqlValue {
  if (typeof value === 'string' && value.length > 1000) return toHex(sha256(encodeUtf8(value)))
  return value instanceof Uint8Array ? toHex(sha256(value)) : value
}

/** The code that `body` fails with, undefined where it does not. */
export async function codeOf(body: () => unknown): Promise<string | undefined> {
  try {
    await body()
    return undefined
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (typeof code !== 'string') throw error
    return code
  }
}
