/**
 * What a backup is: a folder with
 *
 *     lockstep.db     the database, as it was at one moment
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
import { DATABASE_FILE } from '#storage/sqlite/connection'

const MANIFEST_FILE = 'manifest.json'
const SUMS_FILE = 'SHA256SUMS'
const LISTED = [DATABASE_FILE, MANIFEST_FILE] as const

const manifestSchema = z.object({
  product: z.literal('lockstep'),
  format: z.literal(1),
  /** The release that made it. */
  version: z.string(),
  /** Unix milliseconds. */
  createdAt: z.int(),
  vaults: z.int().min(0),
})
export type Manifest = z.infer<typeof manifestSchema>

/** Whether the folder is meant to be a backup, in whatever state. */
export function isBackup(folder: string): boolean {
  return existsSync(join(folder, SUMS_FILE)) || existsSync(join(folder, MANIFEST_FILE))
}

/** Completes a folder that already holds the database. */
export function sealBackup(folder: string, manifest: Omit<Manifest, 'product' | 'format'>): void {
  const whole: Manifest = { product: 'lockstep', format: 1, ...manifest }
  writePrivate(join(folder, MANIFEST_FILE), `${JSON.stringify(whole, undefined, 2)}\n`)
  const lines = LISTED.map((name) => `${hashFile(join(folder, name))}  ${name}\n`)
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
    const [, digest, name] = /^([0-9a-f]{64}) {2}([\w.]+)\n$/.exec(line) ?? []
    if (digest === undefined || name === undefined || sums.has(name)) return undefined
    sums.set(name, digest)
  }
  return sums
}

/** Compares every file with its digest. */
export function checkFiles(folder: string, onProgress: OnProgress): Finding[] {
  const altered = (message: string): Finding => ({
    severity: 'damage',
    code: 'file-altered',
    message,
    remedy: REMEDY.otherBackup,
  })
  const sums = readSums(folder)
  if (sums === undefined || sums.size !== LISTED.length) return [altered(`the list of digests, ${SUMS_FILE}, is damaged`)]
  const findings: Finding[] = []
  for (const name of LISTED) {
    const path = join(folder, name)
    try {
      const size = statSync(path).size
      if (hashFile(path, (done) => onProgress('reading', done, size)) !== sums.get(name)) {
        findings.push(altered(`${name} is not what it was when the backup was made`))
      }
    } catch (error) {
      findings.push(altered(`${name} cannot be read (${errorCode(error) ?? 'unknown reason'})`))
    }
  }
  return findings
}
