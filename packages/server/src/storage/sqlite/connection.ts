/**
 * One SQLite database file, opened for this process alone: WAL, `synchronous=FULL` (each commit is fsynced before it
 * returns), files of mode 0600. A lock database beside it is held exclusively while the server runs, because the
 * server keeps sessions in memory: a second server on the same folder is refused, and a killed one leaves no lock.
 */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StorageFullError } from '#storage/storage'

export const DATABASE_FILE = 'lockstep.db'
const LOCK_FILE = 'lockstep.lock'
/** A checkpoint copies the log into the database with two fsyncs; at 16 MiB it is rare, and a restart still reads it in no time. */
const CHECKPOINT_PAGES = 4096
const SQLITE_BUSY = 5
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14

/** Another server works on the same folder. */
export class FolderInUseError extends Error {
  readonly code = 'folder-in-use'
  constructor(options?: ErrorOptions) {
    super('another server is running on this data folder', options)
    this.name = 'FolderInUseError'
  }
}

/** SQLite's primary result code, undefined for any other error. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

function isFull(error: unknown): boolean {
  return resultCode(error) === SQLITE_FULL
}

/** The disk is full, or has no place for the temporary file of a VACUUM. */
export function hasNoRoom(error: unknown): boolean {
  return isFull(error) || resultCode(error) === SQLITE_CANTOPEN
}

/** Created by hand so that no moment exists in which others can read it; WAL and journal files take over the mode. */
function createPrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
}

/** Holds the folder for this process until the answer is closed. @throws FolderInUseError */
export function lockFolder(folder: string): DatabaseSync {
  const path = join(folder, LOCK_FILE)
  createPrivate(path)
  const lock = new DatabaseSync(path)
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw resultCode(error) === SQLITE_BUSY ? new FolderInUseError({ cause: error }) : error
  }
  return lock
}

export interface Connection {
  readonly db: DatabaseSync
  /** Runs `work` in one transaction. @throws StorageFullError when the disk is full; nothing is stored then. */
  transact<T>(work: () => T): T
  /** The same without the checkpoint that may be due: for a large transaction, so that the two do not add up. The next one makes it. */
  transactAlone<T>(work: () => T): T
  /** The same, and the pages that it frees are overwritten. Others are only overwritten where a row goes and its page stays. */
  transactErasing<T>(work: () => T): T
  /**
   * As `transactAlone`, without checking references: where all that refers to a row goes with it. Checking would read the whole log
   * of every vault for each replica, since no index leads from a replica to all its segments.
   */
  transactUnchecked<T>(work: () => T): T
  close(): void
}

/**
 * @param folder undefined for a database in memory
 * @param image what a database in memory begins with, as `db.serialize()` made it
 * @throws FolderInUseError
 */
export function openConnection(folder: string | undefined, image?: Uint8Array): Connection {
  let lock: DatabaseSync | undefined
  let path = ':memory:'
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    lock = lockFolder(folder)
    path = join(folder, DATABASE_FILE)
    createPrivate(path)
  }
  let db: DatabaseSync
  try {
    db = new DatabaseSync(path)
    if (image !== undefined) db.deserialize(image)
    // Before the first page is written: a database that has pages takes it over at its next VACUUM (schema.ts).
    db.exec('PRAGMA auto_vacuum = INCREMENTAL')
    // A merge may make the log large; it is cut back afterwards (shrinking.ts). Deleted rows are overwritten in the pages that stay,
    // which costs no page more; whole pages only where that is asked for.
    db.exec(
      `PRAGMA secure_delete = FAST; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768`,
    )
  } catch (error) {
    lock?.close()
    throw error
  }
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  function transact<T>(work: () => T): T {
    try {
      begin.run()
      const result = work()
      commit.run()
      return result
    } catch (error) {
      // SQLite has already rolled back by itself after some errors, a full disk among them.
      if (db.isTransaction) db.exec('ROLLBACK')
      throw isFull(error) ? new StorageFullError({ cause: error }) : error
    }
  }
  /** A transaction under settings of its own. */
  const under =
    (before: string, after: string) =>
    <T>(work: () => T): T => {
      db.exec(before)
      try {
        return transact(work)
      } finally {
        db.exec(after)
      }
    }
  const alone = { before: 'PRAGMA wal_autocheckpoint = 0', after: `PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}` }
  return {
    db,
    transact,
    transactAlone: under(alone.before, alone.after),
    transactErasing: under('PRAGMA secure_delete = ON', 'PRAGMA secure_delete = FAST'),
    transactUnchecked: under(`${alone.before}; PRAGMA foreign_keys = OFF`, `${alone.after}; PRAGMA foreign_keys = ON`),
    close() {
      db.close()
      lock?.close()
    },
  }
}
