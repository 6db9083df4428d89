/**
 * `lockstep restore`: a backup becomes a server's data.
 *
 * The backup is verified first. The copy is made beside the data under another name and gets a generation of its own, so
 * that devices know at once that this is not the server they talked to last; merges that were under way are dropped. What was
 * in the folder is moved aside within it, never deleted. Files come first, under another name as well: a database that is there finds
 * the files that it names. Until the last step, a rename, the folder has either its old
 * database or none; a restore that was cut off is simply done again.
 *
 * Sessions are kept: devices stay signed in. So are those of devices revoked after the backup was made, which the
 * operator has to be told.
 */
import { chmodSync, constants, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BLOBS_FOLDER } from '#blobs/fs/fs'
import { databaseDigest, readManifest } from '#operate/backup-folder'
import { databaseFiles, errorCode, hashFile, sync } from '#operate/files'
import { type OnProgress, OperateError } from '#operate/finding'
import { openSnapshot } from '#operate/snapshot'
import { filePath, listFiles } from '#operate/stored-files'
import { asOperateError } from '#operate/trouble'
import { type VerifyReport, verify } from '#operate/verify'
import { DATABASE_FILE, lockFolder } from '#storage/sqlite/connection'
import { migrate } from '#storage/sqlite/schema'

const RESTORING_FILES = `${BLOBS_FOLDER}.restoring`
const RESTORING_FILE = `${DATABASE_FILE}.restoring`

export interface RestoreOptions {
  readonly backup: string
  /** Made if missing. */
  readonly data: string
  /** Moves a database that is there aside instead of refusing. */
  readonly replace: boolean
  readonly random: (length: number) => Uint8Array
  /** Unix milliseconds. */
  readonly now: number
  readonly onProgress?: OnProgress
}

export interface RestoreReport {
  readonly data: string
  /** When the backup was made, Unix milliseconds. */
  readonly createdAt: number
  /** Where the database that was there is now. */
  readonly movedTo: string | undefined
  readonly verified: VerifyReport
}

/**
 * @throws OperateError `not-a-backup`, `no-database`, `damaged`, `has-database`, `unwritable`; FolderInUseError while a
 *   server runs on the folder; NewerDatabaseError.
 */
export function restoreBackup(options: RestoreOptions): RestoreReport {
  const { backup, replace, random, now, onProgress = () => {} } = options
  const data = resolve(options.data)
  const { createdAt } = readManifest(backup)
  const verified = verify({ path: backup, onProgress })
  if (verified.damaged) {
    throw new OperateError('damaged', 'the backup is damaged and was not restored: use another one', {
      findings: verified.findings,
    })
  }
  makeFolder(data)
  const lock = lockFolder(data)
  try {
    const target = join(data, DATABASE_FILE)
    const present = databaseFiles(target)
    if (present.length > 0 && !replace) {
      throw new OperateError('has-database', `${data} already holds a database: --replace moves it aside`)
    }
    const restoring = join(data, RESTORING_FILE)
    copyDatabase(backup, restoring)
    copyFiles(backup, data)
    renew(restoring, random)
    const blobs = join(data, BLOBS_FOLDER)
    // Those of the database that is there, or what a restore that was cut off had put there.
    // They go first: a server that is started on files without their database removes them.
    const aside = existsSync(blobs) ? [blobs, ...present] : present
    let movedTo: string | undefined
    if (aside.length > 0) {
      movedTo = join(data, `replaced-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}`)
      mkdirSync(movedTo, { mode: 0o700 })
      for (const file of aside) renameSync(file, join(movedTo, basename(file)))
      sync(movedTo)
    }
    if (existsSync(join(data, RESTORING_FILES))) renameSync(join(data, RESTORING_FILES), blobs)
    renameSync(restoring, target)
    sync(data)
    return { data, createdAt, movedTo, verified }
  } catch (error) {
    throw asOperateError(error, data)
  } finally {
    lock.close()
  }
}

function makeFolder(data: string): void {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
    chmodSync(data, 0o700)
  } catch (error) {
    throw new OperateError('unwritable', `the data folder ${data} cannot be made (${errorCode(error)})`, { cause: error })
  }
}

/** Leaves nothing of an earlier attempt, and takes over nothing but the bytes that were verified. */
function copyDatabase(backup: string, restoring: string): void {
  for (const file of databaseFiles(restoring)) rmSync(file)
  copyFileSync(join(backup, DATABASE_FILE), restoring, constants.COPYFILE_FICLONE)
  chmodSync(restoring, 0o600)
  if (hashFile(restoring) !== databaseDigest(backup)) {
    throw new OperateError('unwritable', `the copy in ${restoring} is not what was written: look at the disk`)
  }
}

/** The same for the files that the backup's database names. */
function copyFiles(backup: string, data: string): void {
  const restoring = join(data, RESTORING_FILES)
  rmSync(restoring, { recursive: true, force: true })
  const snapshot = openSnapshot(backup)
  try {
    const files = listFiles(snapshot.db)
    if (files.length > 0) mkdirSync(restoring, { mode: 0o700 })
    for (const { name, digest } of files) {
      const copy = join(restoring, name)
      copyFileSync(filePath(backup, name), copy, constants.COPYFILE_FICLONE)
      chmodSync(copy, 0o600)
      sync(copy)
      if (hashFile(copy) !== digest) {
        throw new OperateError('unwritable', `the copy in ${copy} is not what was written: look at the disk`)
      }
    }
    if (files.length > 0) sync(restoring)
  } finally {
    snapshot.close()
  }
}

function renew(path: string, random: RestoreOptions['random']): void {
  const db = new DatabaseSync(path)
  try {
    db.exec('PRAGMA synchronous = FULL')
    migrate(db, random)
    db.prepare('UPDATE server SET generation = ?').run(random(16))
    // A device that was merging holds its lease on the server that was, not on this one.
    db.exec('DELETE FROM merge_parts; DELETE FROM merges')
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
  sync(path)
}
