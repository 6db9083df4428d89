/** Errors of SQLite and of the file system in an operator's words. */
import { errorCode } from '#operate/files'
import { OperateError } from '#operate/finding'
import { resultCode } from '#storage/sqlite/connection'

const SQLITE_ERROR = 1
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

/** One sentence where the error shows that a database is damaged; undefined for any other. */
export function describeDamage(error: unknown): string | undefined {
  switch (resultCode(error)) {
    case SQLITE_CORRUPT:
      return 'SQLite cannot read all of the database: pages of it are damaged'
    case SQLITE_NOTADB:
      return 'the file is no database any more: its first page is damaged'
    case SQLITE_ERROR:
      // A table or a column that every database of this format has.
      return `the database lacks something that it was made with (${(error as Error).message})`
    default:
      return undefined
  }
}

/** The error itself where it is none of SQLite's or of the file system's. @param path what was being read or written */
export function asOperateError(error: unknown, path: string): unknown {
  const damage = describeDamage(error)
  if (damage !== undefined) return new OperateError('damaged', `${path}: ${damage}`, { cause: error })
  const system = errorCode(error)
  if (resultCode(error) === SQLITE_FULL || system === 'ENOSPC') {
    return new OperateError('unwritable', `the disk of ${path} is full: nothing was changed; make room and try again`, {
      cause: error,
    })
  }
  const isSystem = error instanceof Error && 'syscall' in error
  if (resultCode(error) === undefined && !isSystem) return error
  return new OperateError('unreadable', `${path} cannot be used: ${(error as Error).message}`, { cause: error })
}
