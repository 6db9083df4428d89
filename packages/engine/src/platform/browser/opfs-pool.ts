/**
 * Databases in a browser's origin-private file system, through SQLite's pool of synchronous access handles (the "SAH
 * pool"): it needs a dedicated worker and no cross-origin isolation. One worker at a time can hold a pool; whoever comes second is
 * told `busy`.
 *
 * A handle is opened for each file when the pool is, because opening one later is asynchronous and SQLite is not. So a
 * pool has a fixed number of places, enough for the vault, its search index and what each needs beside it.
 */
import type { SAHPoolUtil } from '@sqlite.org/sqlite-wasm'
import { DriverError } from '#driver'
import type { DatabaseFiles } from '#platform/browser/database-files'
import { loadSqlite, openWasmDatabase } from '#platform/browser/sqlite'

/** Places for a device: two databases, a log for each; a journal for each and one that binds both, as earlier versions had; one to spare. */
const PLACES = 8

/**
 * A commit waits until the browser has handed the bytes to the system (`flush`). The pool has no shared memory for the index of a
 * write-ahead log; with the lock held for good SQLite keeps that in its own, so the lock comes before the log
 * (https://www.sqlite.org/wal.html#noshm). The log goes into the database when it has some 2 MB: what a tab waits for that
 * is less, and oftener, than with SQLite's own 4 MB.
 */
const FILE_PRAGMAS = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA wal_autocheckpoint = 512;
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
      for (const suffix of ['', '-journal', '-wal']) pool.unlink(`/${name}${suffix}`)
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
