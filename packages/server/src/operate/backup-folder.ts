/**
 * What a backup is: a folder with
 *
 *     lockstep.db     the database, as it was at one moment
 *     files/<name>    the files that it names, if there are any
 *     manifest.json   what it is, when it was made and by which release
 *     SHA256SUMS      digests of the other files, as `sha256sum -c` reads them: an old backup can be checked without Lockstep
 *
 * A flipped bit anywhere in it is found by the digests; a flipped bit in SHA256SUMS is a digest that does not match or a line
 * that is none.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { errorCode, hashFile, writePrivate } from '#operate/files'
import { type Finding, type OnProgress, OperateError, REMEDY } from '#operate/finding'
import { filePath, listedName, type StoredFile } from '#operate/stored-files'
import { DATABASE_FILE } from '#storage/sqlite/connection'

const MANIFEST_FILE = 'manifest.json'
const SUMS_FILE = 'SHA256SUMS'
const BLOB_PREFIX = listedName('')
const LISTED = [DATABASE_FILE, MANIFEST_FILE] as const

const manifestSchema = z.object({
  product: z.literal('lockstep'),
  /** 1 has no files. */
  format: z.literal([1, 2]),
  /** The release that made it. */
  version: z.string(),
  /** Unix milliseconds. */
  createdAt: z.int(),
  vaults: z.int().min(0),
  files: z.int().min(0).default(0),
})
export type Manifest = z.infer<typeof manifestSchema>

/** Whether the folder is meant to be a backup, in whatever state. */
export function isBackup(folder: string): boolean {
  return existsSync(join(folder, SUMS_FILE)) || existsSync(join(folder, MANIFEST_FILE))
}

/** Completes a folder that already holds the database and its files, whose digests are taken from the database. */
export function sealBackup(
  folder: string,
  files: readonly StoredFile[],
  manifest: Omit<Manifest, 'product' | 'format' | 'files'>,
): void {
  const whole: Manifest = { product: 'lockstep', format: 2, ...manifest, files: files.length }
  writePrivate(join(folder, MANIFEST_FILE), `${JSON.stringify(whole, undefined, 2)}\n`)
  const lines = [
    ...LISTED.map((name) => `${hashFile(join(folder, name))}  ${name}\n`),
    ...files.map(({ name, digest }) => `${digest}  ${listedName(name)}\n`),
  ]
  writePrivate(join(folder, SUMS_FILE), lines.join(''))
}

/** @throws OperateError `not-a-backup` */
export function readManifest(folder: string): Manifest {
  const path = join(folder, MANIFEST_FILE)
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new OperateError('not-a-backup', `${folder} is no backup that this release can read: its ${MANIFEST_FILE} is not valid`, {
      cause: error,
    })
  }
}

/** The digest of the database as the backup was made. @throws OperateError `not-a-backup` */
export function databaseDigest(folder: string): string {
  const digest = readSums(folder)?.get(DATABASE_FILE)
  if (digest === undefined) throw new OperateError('not-a-backup', `${folder} has no ${SUMS_FILE} that names its database`)
  return digest
}

/** Undefined when the file is not there or is not as it was written. */
function readSums(folder: string): Map<string, string> | undefined {
  const path = join(folder, SUMS_FILE)
  if (!existsSync(path)) return undefined
  const sums = new Map<string, string>()
  for (const line of readFileSync(path, 'latin1').split(/(?<=\n)/)) {
    const [, digest, name] = /^([0-9a-f]{64}) {2}([\w.]+|files\/[a-z0-9-]+)\n$/.exec(line) ?? []
    if (digest === undefined || name === undefined || sums.has(name)) return undefined
    sums.set(name, digest)
  }
  return sums
}

export interface CheckedFiles {
  readonly findings: readonly Finding[]
  /** Digests of the files that were read, by blob name. */
  readonly digests: ReadonlyMap<string, string>
}

/** Compares every file with its digest. */
export function checkFiles(folder: string, onProgress: OnProgress): CheckedFiles {
  const altered = (message: string): Finding => ({
    severity: 'damage',
    code: 'file-altered',
    message,
    remedy: REMEDY.otherBackup,
  })
  const sums = readSums(folder)
  const digests = new Map<string, string>()
  if (sums === undefined || LISTED.some((name) => !sums.has(name))) {
    return { findings: [altered(`the list of digests, ${SUMS_FILE}, is damaged`)], digests }
  }
  const findings: Finding[] = []
  for (const [name, sum] of sums) {
    const path = name.startsWith(BLOB_PREFIX) ? filePath(folder, name.slice(BLOB_PREFIX.length)) : join(folder, name)
    try {
      const size = statSync(path).size
      const digest = hashFile(path, (done) => onProgress('reading', done, size))
      if (name.startsWith(BLOB_PREFIX)) digests.set(name.slice(BLOB_PREFIX.length), digest)
      if (digest !== sum) findings.push(altered(`${name} is not what it was when the backup was made`))
    } catch (error) {
      findings.push(altered(`${name} cannot be read (${errorCode(error) ?? 'unknown reason'})`))
    }
  }
  return { findings, digests }
}
