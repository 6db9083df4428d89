/**
 * `lockstep backup`: a copy of the database as it is at one moment, made by another process while the server goes on.
 *
 * A read transaction is held for the whole copy. Without it SQLite starts the copy anew with each commit of the server,
 * and on a busy one never ends; with it the server's write-ahead log grows by what is pushed meanwhile and shrinks again
 * afterwards. Files of the dialects are linked before (backup-files.ts). The copy is made under another name beside its destination, synced, verified as `lockstep verify` would,
 * and only then given its name: a folder of that name is a complete backup.
 */
import { closeSync, lstatSync, mkdtempSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { backup } from 'node:sqlite'
import { holdMoment, type Moment } from '#operate/backup-files'
import { sealBackup } from '#operate/backup-folder'
import { errorCode, sync } from '#operate/files'
import { type OnProgress, OperateError } from '#operate/finding'
import { openSnapshot, type Snapshot } from '#operate/snapshot'
import { asOperateError } from '#operate/trouble'
import { checkFormat, type VerifyReport, verify } from '#operate/verify'
import { DATABASE_FILE } from '#storage/sqlite/connection'

/** Pages copied at a time: 4 MiB, between which progress is told and a signal is heeded. */
const PAGES_AT_A_TIME = 1024

export interface BackupOptions {
  /** The data folder, whose server may be running. */
  readonly data: string
  /** Must not exist; its parent must. */
  readonly destination: string
  /** The release that makes it. */
  readonly version: string
  /** Unix milliseconds. */
  readonly now: number
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
}

export interface BackupReport {
  readonly path: string
  /** Of the database. */
  readonly bytes: number
  readonly files: number
  readonly fileBytes: number
  readonly verified: VerifyReport
}

/** @throws OperateError `no-database`, `already-exists`, `unwritable`, `damaged`; the signal's reason when it is aborted. */
export async function createBackup(options: BackupOptions): Promise<BackupReport> {
  const destination = resolve(options.destination)
  const { onProgress = () => {} } = options
  if (lstatSync(destination, { throwIfNoEntry: false }) !== undefined) {
    throw new OperateError('already-exists', `${destination} exists already: a backup never takes the place of something else`)
  }
  // A folder without a database is told before anything is made.
  openData(options.data).close()
  let partial: string | undefined
  let moment: Moment | undefined
  try {
    partial = makePartial(destination)
    const open = () => openData(options.data)
    moment = holdMoment({ data: options.data, destination: partial, open, onProgress, signal: options.signal })
    const { snapshot, files } = moment
    const file = join(partial, DATABASE_FILE)
    closeSync(openSync(file, 'wx', 0o600))
    options.signal?.throwIfAborted()
    await backup(snapshot.db, file, {
      rate: PAGES_AT_A_TIME,
      progress: ({ totalPages, remainingPages }) => {
        options.signal?.throwIfAborted()
        onProgress('copying', totalPages - remainingPages, totalPages)
      },
    })
    const vaults = Number(snapshot.db.prepare('SELECT count(*) AS n FROM vaults').get()?.['n'])
    // The server's log may be emptied again while the copy is being checked.
    snapshot.close()
    sync(file)
    sealBackup(partial, files, { version: options.version, createdAt: options.now, vaults })
    sync(partial)
    const verified = verify({ path: partial, onProgress })
    if (verified.damaged) {
      throw new OperateError(
        'damaged',
        `the server's data is damaged, and so would be its backup: run lockstep verify ${options.data}`,
        {
          findings: verified.findings,
        },
      )
    }
    options.signal?.throwIfAborted()
    renameSync(partial, destination)
    sync(dirname(destination))
    const fileBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
    return { path: destination, bytes: statSync(join(destination, DATABASE_FILE)).size, files: files.length, fileBytes, verified }
  } catch (error) {
    if (partial !== undefined) rmSync(partial, { recursive: true, force: true })
    throw asOperateError(error, partial ?? options.data)
  } finally {
    if (moment?.snapshot.db.isOpen) moment.snapshot.close()
  }
}

function makePartial(destination: string): string {
  try {
    // Mode 0700, by mkdtemp's own promise.
    return mkdtempSync(`${destination}.partial-`)
  } catch (error) {
    throw new OperateError('unwritable', `no folder can be made in ${dirname(destination)} (${errorCode(error)})`, { cause: error })
  }
}

function openData(data: string): Snapshot {
  try {
    const snapshot = openSnapshot(data)
    try {
      checkFormat(snapshot.db)
      return snapshot
    } catch (error) {
      snapshot.close()
      throw error
    }
  } catch (error) {
    throw asOperateError(error, data)
  }
}
