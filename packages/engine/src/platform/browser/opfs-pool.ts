/**
 * Databases in a browser's origin-private file system, through SQLite's pool of synchronous access handles (the "SAH
 * pool"): it needs a dedicated worker and no cross-origin isolation, and knows no write-ahead log. One worker at a time can
 * hold a pool; whoever comes second is told `busy`.
 *
 * A handle is opened for each file when the pool is, because opening one later is asynchronous and SQLite is not. So a
 * pool has a fixed number of places, enough for the vault, its search index and a journal for each.
 */
import type { SAHPoolUtil } from '@sqlite.org/sqlite-wasm'
import { DriverError } from '#driver'
import type { DatabaseFiles } from '#platform/browser/database-files'
import { loadSqlite, openWasmDatabase } from '#platform/browser/sqlite'

/** Places for a device: two databases, two journals, the journal that would bind both, and one to spare. */
const PLACES = 6

/**
 * A commit waits until the browser has handed the bytes to the system (`flush`). The journal is kept and cut to nothing
 * after each commit: making and removing a file costs more here. Locks would be asked of nobody: the pool has one owner.
 */
const FILE_PRAGMAS = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = TRUNCATE;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -16384;
`

/** The access handles belong to another worker, of this page or of another. */
const TAKEN = 'NoModificationAllowedError'

function refusal(error: unknown): DriverError {
  const name = (error as { name?: unknown }).name
  if (name === TAKEN) {
    return new DriverError('busy', 'this vault is open in another tab of this browser', { cause: error })
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new DriverError('io', `this browser cannot store files for this page: ${reason}`, { cause: error })
}

/**
 * @param directory below the origin's root; made if missing
 * @param places files at once, journals among them
 * @throws DriverError `busy` when another worker has it, `io` where the browser has no such storage (a private window, a
 *   page that is not a secure context)
 */
export async function openOpfsPool(directory: string, places = PLACES): Promise<DatabaseFiles> {
  const sqlite3 = await loadSqlite()
  let pool: SAHPoolUtil
  try {
    const options = {
      name: `opfs-${directory}`,
      directory,
      initialCapacity: places,
      // A tab that closes lets go of its handles a moment later: the caller may try again. Missing in the package's types.
      forceReinitIfPreviouslyFailed: true,
      preserveOnInitFailure: true,
    }
    pool = await sqlite3.installOpfsSAHPoolVfs(options)
    if (pool.isPaused()) await pool.unpauseVfs()
    await pool.reserveMinimumCapacity(places)
  } catch (error) {
    throw refusal(error)
  }
  return {
    open: (name) => openWasmDatabase(sqlite3, { file: `/${name}`, vfs: pool.vfsName, pragmas: FILE_PRAGMAS }),
    remove(name) {
      for (const suffix of ['', '-journal']) pool.unlink(`/${name}${suffix}`)
    },
    location: (name) => `file:/${name}?vfs=${pool.vfsName}`,
    close() {
      pool.pauseVfs()
    },
    async wipe() {
      if (pool.isPaused()) await pool.unpauseVfs()
      await pool.wipeFiles()
      pool.pauseVfs()
    },
  }
}
