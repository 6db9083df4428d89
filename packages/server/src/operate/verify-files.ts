/** The files that the database names: there, of their size, with their digest. */
import { statSync } from 'node:fs'
import { errorCode, hashFile } from '#operate/files'
import { REMEDY } from '#operate/finding'
import type { Findings } from '#operate/findings'
import { filePath, type StoredFile } from '#operate/stored-files'

export interface FilesToVerify {
  /** A data folder or a backup. */
  readonly folder: string
  readonly files: readonly StoredFile[]
  /** Digests that were computed just now, by the blob's name: those are not read again. */
  readonly known: ReadonlyMap<string, string>
  /** Whether the database still names it. A running server replaces files. */
  readonly isCurrent: (name: string) => boolean
  readonly findings: Findings
  readonly onProgress: (done: number, total: number) => void
}

export function verifyFiles({ folder, files, known, isCurrent, findings, onProgress }: FilesToVerify): void {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  for (const { name, bytes, digest } of files) {
    const path = filePath(folder, name)
    try {
      const { size } = statSync(path)
      const found = size === bytes ? (known.get(name) ?? hashFile(path, (read) => onProgress(done + read, total))) : undefined
      if (found !== digest) {
        const how = size === bytes ? 'other bytes than' : `${size} bytes in place of`
        findings.damage('file-altered', `the file ${name} has ${how} the ${bytes} that were stored`, REMEDY.file)
      }
    } catch (error) {
      const code = errorCode(error)
      if (code === undefined) throw error
      if (code !== 'ENOENT') findings.damage('file-altered', `the file ${name} cannot be read (${code})`, REMEDY.file)
      else if (isCurrent(name)) findings.damage('file-missing', `the file ${name} is missing`, REMEDY.file)
    }
    done += bytes
  }
}
