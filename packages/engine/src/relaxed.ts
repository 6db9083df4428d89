/**
 * Commits that a power cut may take back: those of what the server has. Rows, cursor and chain of a download are one
 * transaction, so a device that lost the last of them stands where it stood before and downloads them again; an answer
 * to a push that was lost is asked for again. What only this device has is always synced to the disk before it counts.
 */
import type { Driver } from '#driver'

/** SQLite's own numbers of `PRAGMA synchronous`. */
const NORMAL = 1
const FULL = 2

/**
 * Runs `body`, outside of a transaction, without an fsync at its commits. Only with a write-ahead log, where that can
 * lose the last commits and never damages the file; other databases commit as ever.
 */
export function relaxed<T>(driver: Driver, body: () => T): T {
  const wal = driver.prepare('PRAGMA journal_mode').values()[0]?.[0] === 'wal'
  if (!wal || driver.prepare('PRAGMA synchronous').values()[0]?.[0] !== FULL) return body()
  driver.exec(`PRAGMA synchronous = ${NORMAL}`)
  try {
    return body()
  } finally {
    driver.exec(`PRAGMA synchronous = ${FULL}`)
  }
}
