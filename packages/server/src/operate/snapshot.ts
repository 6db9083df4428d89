/**
 * A database opened to be read at one moment, without any say in it: beside a running server, which goes on writing, or
 * a backup's copy, which may lie on a disk that cannot be written.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { isBackup } from '#operate/backup-folder'
import { OperateError } from '#operate/finding'
import { DATABASE_FILE } from '#storage/sqlite/connection'

export interface Snapshot {
  readonly kind: 'data' | 'backup'
  readonly db: DatabaseSync
  close(): void
}

/**
 * @param folder a data folder or a backup.
 * @throws OperateError `no-database`, and what SQLite throws for a file that is no database.
 */
export function openSnapshot(folder: string): Snapshot {
  const path = join(folder, DATABASE_FILE)
  if (!existsSync(path))
    throw new OperateError('no-database', `there is no ${DATABASE_FILE} in ${folder}: name a data folder or a backup`)
  const backup = isBackup(folder)
  // Nothing writes to a backup, and saying so keeps SQLite from making files beside it.
  const location = backup ? new URL(`${pathToFileURL(path).href}?immutable=1`) : path
  const db = new DatabaseSync(location, { readOnly: true })
  try {
    db.exec('PRAGMA cache_size = -32768')
    // The read transaction is what holds the moment: it begins with the first read.
    db.exec('BEGIN')
    db.prepare('PRAGMA user_version').get()
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
  } catch (error) {
    db.close()
    throw error
  }
  return { kind: backup ? 'backup' : 'data', db, close: () => db.close() }
}
