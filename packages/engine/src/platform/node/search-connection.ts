/**
 * The search index of a vault file: `search.db` beside it, on a connection of its own that reads the vault and never
 * writes it. Attached read-only, the vault is not locked by the index's transactions either.
 *
 * A damaged `search.db` is deleted and made again: it holds nothing that is not in the vault.
 */
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DriverError } from '#driver'
import { openSqlite } from '#platform/node/sqlite'
import { checkIndex } from '#search/search-check'
import { SearchIndex, type SearchSource } from '#search/search-index'

export interface SearchConnection {
  readonly index: SearchIndex
  /** What is wrong with it, undefined where nothing is. @throws DriverError */
  check(): string | undefined
  close(): void
}

/** Milliseconds that a search waits for the worker's transaction before it answers with what is indexed. */
const BUSY_TIMEOUT = 25

export const searchPath = (vaultPath: string): string => join(dirname(vaultPath), 'search.db')

/**
 * The vault file must exist and have its tables. Open the first connection before a worker is started: only it may
 * find, and replace, a damaged file.
 * @throws DriverError
 */
export function openSearch(vaultPath: string, source: SearchSource): SearchConnection {
  try {
    return open(vaultPath, source)
  } catch (error) {
    if (!(error instanceof DriverError && error.code === 'corrupt')) throw error
    removeSearch(vaultPath)
    return open(vaultPath, source)
  }
}

/** No connection may be open. */
export function removeSearch(vaultPath: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${searchPath(vaultPath)}${suffix}`, { force: true })
}

function open(vaultPath: string, source: SearchSource): SearchConnection {
  const driver = openSqlite({ path: searchPath(vaultPath), durability: 'normal' })
  try {
    driver.prepare('ATTACH ? AS vault').run(`${pathToFileURL(vaultPath).href}?mode=ro`)
    const index = new SearchIndex({ driver, source })
    driver.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`)
    return { index, check: () => checkIndex(driver, source), close: () => driver.close() }
  } catch (error) {
    driver.close()
    throw error
  }
}
