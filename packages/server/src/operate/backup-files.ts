/**
 * The files of one moment of the database, while a server replaces and removes them.
 *
 * The database comes first: what it names at its moment is what belongs into the backup, and a file that came later is not
 * named. The files follow at once, by links, before the database is copied, which takes longer. In between the server may replace a
 * file: it stores the new one, names it, and removes the old one, which that moment still names. Then the moment is given
 * up for a later one, which names the new file; what is linked already stays. A file that is missing at two moments in a
 * row was not replaced: it is lost.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BLOBS_FOLDER } from '#blobs/fs/fs'
import { sync } from '#operate/files'
import { type OnProgress, OperateError, REMEDY } from '#operate/finding'
import type { Snapshot } from '#operate/snapshot'
import { linkFiles, listFiles, type StoredFile } from '#operate/stored-files'

export interface Moment {
  readonly snapshot: Snapshot
  readonly files: readonly StoredFile[]
}

export interface HoldOptions {
  readonly data: string
  /** Gets the files. */
  readonly destination: string
  /** A new one each time, of the present moment. */
  readonly open: () => Snapshot
  readonly onProgress: OnProgress
  readonly signal?: AbortSignal | undefined
}

/** The caller closes the snapshot. @throws OperateError `damaged`, and what `open` and the file system throw */
export function holdMoment({ data, destination, open, onProgress, signal }: HoldOptions): Moment {
  let lost = new Set<string>()
  for (;;) {
    const snapshot = open()
    try {
      const files = listFiles(snapshot.db)
      const missing = linkFiles(data, destination, files, (done) => {
        signal?.throwIfAborted()
        onProgress('copying', done, files.length)
      })
      const again = missing.find(({ name }) => lost.has(name))
      if (again !== undefined) throw fileLost(missing.length)
      if (missing.length === 0) {
        dropOthers(destination, files)
        return { snapshot, files }
      }
      lost = new Set(missing.map(({ name }) => name))
      snapshot.close()
    } catch (error) {
      if (snapshot.db.isOpen) snapshot.close()
      throw error
    }
  }
}

function fileLost(count: number): OperateError {
  const message = `${count === 1 ? 'a file' : `${count} files`} that the database names cannot be found`
  const finding = { severity: 'damage', code: 'file-missing', message, remedy: REMEDY.file } as const
  return new OperateError('damaged', `the server's data is damaged, and so would be its backup: ${message}`, {
    findings: [finding],
  })
}

/** What was linked for a moment that was given up. */
function dropOthers(destination: string, files: readonly StoredFile[]): void {
  if (files.length === 0) {
    rmSync(join(destination, BLOBS_FOLDER), { recursive: true, force: true })
    return
  }
  const wanted = new Set(files.map(({ name }) => name))
  const folder = join(destination, BLOBS_FOLDER)
  for (const name of readdirSync(folder)) if (!wanted.has(name)) rmSync(join(folder, name))
  sync(folder)
}
