/**
 * Files that the database names: each is a blob of its own name in a folder beside the database, written once and never changed.
 * A blob that no row names is an upload under way, or one that was replaced a moment ago: nobody's concern.
 */
import { constants, copyFileSync, linkSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { toHex } from '@lockstep/protocol/bytes'
import { blobName } from '#blobs/blobs'
import { BLOBS_FOLDER } from '#blobs/fs/fs'
import { errorCode, sync } from '#operate/files'
import { bytes, count, DamagedValue, text } from '#operate/stored'

export interface StoredFile {
  /** Of its blob: letters, digits and hyphens. */
  readonly name: string
  readonly bytes: number
  /** SHA-256 in hexadecimal. */
  readonly digest: string
}

/** @throws DamagedValue for a row that cannot be what was stored: above all a name that leads out of the folder */
export function listFiles(db: DatabaseSync): StoredFile[] {
  const files: StoredFile[] = []
  for (const row of db.prepare('SELECT blob, bytes, digest FROM dataans_files ORDER BY blob').iterate()) {
    const name = text(row, 'blob')
    try {
      blobName(name)
    } catch {
      throw new DamagedValue('blob')
    }
    files.push({ name, bytes: count(row, 'bytes'), digest: toHex(bytes(row, 'digest', 32)) })
  }
  return files
}

/** As a backup's list of digests names it. */
export function listedName(name: string): string {
  return `${BLOBS_FOLDER}/${name}`
}

export function filePath(folder: string, name: string): string {
  return join(folder, BLOBS_FOLDER, name)
}

/** What a link cannot be made for: another disk, a file system without links, too many of them. */
const UNLINKABLE = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EACCES']

/**
 * Puts files of a data folder into another folder, by name where they are on one disk, else by copying. One that is there already
 * is taken as it is: it has the same name.
 *
 * @returns the files that are not there (any more)
 */
export function linkFiles(from: string, to: string, files: readonly StoredFile[], onFile: (done: number) => void): StoredFile[] {
  if (files.length > 0) mkdirSync(join(to, BLOBS_FOLDER), { recursive: true, mode: 0o700 })
  const missing: StoredFile[] = []
  for (const [at, file] of files.entries()) {
    if (!linkOrCopy(filePath(from, file.name), filePath(to, file.name))) missing.push(file)
    onFile(at + 1)
  }
  return missing
}

/** Whether it was there. @throws what the file system throws */
function linkOrCopy(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    const code = errorCode(error) ?? ''
    if (code === 'EEXIST') return true
    if (code === 'ENOENT') return false
    if (!UNLINKABLE.includes(code)) throw error
  }
  return copyWhole(from, to)
}

/** Leaves nothing where it fails. Whether it was there. */
function copyWhole(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    sync(to)
    return true
  } catch (error) {
    rmSync(to, { force: true })
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}
