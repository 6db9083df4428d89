/**
 * A vault's search in a browser: the index is a database of its own, attached to the vault's connection, because two
 * connections to one file of the pool would know nothing of each other's transactions. Indexing goes on in small steps
 * between the worker's other work.
 */
import { type Driver, DriverError } from '#driver'
import type { DatabaseFiles } from '#platform/browser/database-files'
import { checkIndex } from '#search/search-check'
import { INLINE_BACKLOG, SearchIndex, type SearchSource } from '#search/search-index'
import type { SearchService } from '#search/service'

const SEARCH_FILE = 'search.db'
const INDEX = 'search'
const VAULT = 'main'
/** Rows indexed in one step: some tens of milliseconds in which nothing else is answered. */
const STEP_ROWS = 250
/** The index holds nothing that is not in the vault, but half a write of it would go unnoticed: so it has a log, too. */
const PRAGMAS = `PRAGMA ${INDEX}.journal_mode = WAL; PRAGMA ${INDEX}.synchronous = NORMAL`

export interface BrowserSearchOptions {
  /** The vault's own connection. */
  readonly driver: Driver
  readonly files: DatabaseFiles
  readonly source: SearchSource
}

export function browserSearch({ driver, files, source }: BrowserSearchOptions): SearchService {
  let index: SearchIndex | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function attach(): SearchIndex {
    driver.prepare(`ATTACH ? AS ${INDEX}`).run(files.location(SEARCH_FILE))
    try {
      driver.exec(PRAGMAS)
      return new SearchIndex({ driver, source, indexSchema: INDEX, vaultSchema: VAULT })
    } catch (error) {
      driver.exec(`DETACH ${INDEX}`)
      throw error
    }
  }

  function open(): SearchIndex {
    try {
      return attach()
    } catch (error) {
      if (!(error instanceof DriverError && error.code === 'corrupt')) throw error
      files.remove(SEARCH_FILE)
      return attach()
    }
  }

  function connect(): SearchIndex {
    index ??= open()
    return index
  }

  function step(): void {
    timer = undefined
    if (!connect().catchUp({ maxRows: STEP_ROWS }).done) schedule()
  }
  function schedule(): void {
    timer ??= setTimeout(step)
  }
  function detach(): void {
    clearTimeout(timer)
    timer = undefined
    if (index !== undefined) driver.exec(`DETACH ${INDEX}`)
    index = undefined
  }
  function examine(): string | undefined {
    try {
      while (!connect().catchUp().done);
      return checkIndex(driver, source, { index: INDEX, vault: VAULT })
    } catch (error) {
      if (error instanceof DriverError && error.code !== 'busy') return `the search index cannot be read: ${error.message}`
      throw error
    }
  }

  return {
    query: (request) => connect().query(request),
    changed() {
      if (connect().backlog() > INLINE_BACKLOG) schedule()
    },
    indexedThrough: () => connect().indexedThrough(),
    async check({ heal }) {
      const wrong = examine()
      if (wrong === undefined || !heal) return wrong
      detach()
      files.remove(SEARCH_FILE)
      while (!connect().catchUp().done);
      return wrong
    },
    async close() {
      detach()
    },
  }
}
