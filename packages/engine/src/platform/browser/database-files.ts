/** Where a browser device's databases are: in the browser's storage (`opfs-pool.ts`) or in memory. */
import type { Driver } from '#driver'
import { loadSqlite, openWasmDatabase } from '#platform/browser/sqlite'

export interface DatabaseFiles {
  /** Opens or makes a database. @throws DriverError `corrupt`, `io`, `full` */
  open(name: string): Driver
  /** What `ATTACH` calls a database here. */
  location(name: string): string
  /** Removes a database that is not open, with its journal. */
  remove(name: string): void
  /** Lets go of all files; every database must be closed. */
  close(): void
  /** Removes all of them, also after `close`. */
  wipe(): Promise<void>
}

/** Each `open` and each attaching makes a new, empty database; closing it removes it. */
export async function memoryFiles(): Promise<DatabaseFiles> {
  const sqlite3 = await loadSqlite()
  return {
    open: () => openWasmDatabase(sqlite3),
    location: () => ':memory:',
    remove() {},
    close() {},
    async wipe() {},
  }
}
