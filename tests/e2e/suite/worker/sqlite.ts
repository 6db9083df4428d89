/** `openSqlite` in a worker: files in the browser's storage, where Node has files; in memory, where Node is in memory. */
import type { Driver } from '@lockstep/engine/driver'
import type { DatabaseFiles } from '@lockstep/engine/platform/browser/database-files'
import { openOpfsPool } from '@lockstep/engine/platform/browser/opfs-pool'
import { loadSqlite, openWasmDatabase } from '@lockstep/engine/platform/browser/sqlite'

/** Databases of one test and their logs. */
const PLACES = 32

let files: DatabaseFiles
const open = new Map<string, Driver>()
let sqlite3: Awaited<ReturnType<typeof loadSqlite>>

/** The pool's names start without a slash. */
const placeOf = (path: string): string => path.replace(/^\/+/, '')

/** Once, before any database is opened: that cannot wait. */
export async function openStorage(): Promise<void> {
  sqlite3 = await loadSqlite()
  files = await openOpfsPool('tests', PLACES)
}

/**
 * A file has one connection at a time, which is how the browser's storage has it: a test that opens it again means that the
 * process before has ended.
 */
export function openSqlite({ path }: { readonly path?: string; readonly durability?: string } = {}): Driver {
  if (path === undefined) return openWasmDatabase(sqlite3)
  open.get(path)?.close()
  const driver = files.open(placeOf(path))
  open.set(path, driver)
  return driver
}

/** Removes a database, or all below a folder. */
export function removeDatabases(path: string): void {
  for (const [name, driver] of open) {
    if (name !== path && !name.startsWith(`${path}/`)) continue
    driver.close()
    files.remove(placeOf(name))
    open.delete(name)
  }
}
