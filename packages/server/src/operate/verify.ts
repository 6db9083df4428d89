/**
 * `lockstep verify`: a data folder, whose server may be running, or a backup is checked for completeness without any key.
 *
 * It finds what a disk, a copy or a person damaged. What only a key can tell is not its business: whether sealed bytes open,
 * and what a merged run covers, is checked by every device that reads them.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type CheckedFiles, checkFiles, isBackup } from '#operate/backup-folder'
import { type Finding, type OnProgress, OperateError, REMEDY } from '#operate/finding'
import { Findings } from '#operate/findings'
import { openSnapshot, type Snapshot } from '#operate/snapshot'
import { count, DamagedValue, type StoredRow, text } from '#operate/stored'
import { listFiles } from '#operate/stored-files'
import { asOperateError, describeDamage } from '#operate/trouble'
import { verifyAccount } from '#operate/verify-account'
import { type DataansSummary, verifyDataans } from '#operate/verify-dataans'
import { type DifflogSummary, verifyDifflog } from '#operate/verify-difflog'
import { verifyFiles } from '#operate/verify-files'
import { type LogSummary, verifyLog } from '#operate/verify-log'
import { verifySchema } from '#operate/verify-schema'
import { verifyRemovals, verifyShares } from '#operate/verify-shares'
import { DATABASE_FORMAT, NewerDatabaseError } from '#storage/sqlite/schema'

/** Findings of SQLite's own check that are looked for before it stops. */
const INTEGRITY_FINDINGS = 100

export interface VerifyOptions {
  /** A data folder or a backup. */
  readonly path: string
  readonly onProgress?: OnProgress
}

export interface VaultSummary extends LogSummary {
  readonly name: string
}

export interface VerifyReport {
  readonly kind: 'data' | 'backup'
  readonly vaults: readonly VaultSummary[]
  /** What the dialects hold; undefined where the database was too damaged to say. */
  readonly dialects: { readonly dataans: DataansSummary; readonly difflog: DifflogSummary } | undefined
  readonly findings: readonly Finding[]
  /** Whether any finding is damage. */
  readonly damaged: boolean
}

/**
 * @throws OperateError `no-database`; `unreadable` when the folder or its files cannot be opened; `old-database` before this
 *   release's first start on it; NewerDatabaseError.
 */
export function verify({ path, onProgress = () => {} }: VerifyOptions): VerifyReport {
  const kind = isBackup(path) ? 'backup' : 'data'
  const { findings: ofFiles, digests } = kind === 'backup' ? checkFiles(path, onProgress) : NOTHING_CHECKED
  const general = new Findings()
  const ofVaults: Finding[] = []
  const vaults: VaultSummary[] = []
  let snapshot: Snapshot | undefined
  let dialects: VerifyReport['dialects']
  try {
    snapshot = openSnapshot(path)
    checkFormat(snapshot.db)
    verifySchema(snapshot.db, general)
    checkStructure(snapshot.db, general)
    verifyRemovals(snapshot.db, general)
    verifyVaults(snapshot.db, vaults, ofVaults, onProgress)
    const files = listFiles(snapshot.db)
    dialects = { dataans: verifyDataans(snapshot.db, files, general), difflog: verifyDifflog(snapshot.db, general) }
    const isCurrent = (name: string) => kind === 'backup' || isNamed(path, name)
    const onBytes = (done: number, total: number) => onProgress('reading', done, total)
    verifyFiles({ folder: path, files, known: digests, isCurrent, findings: general, onProgress: onBytes })
  } catch (error) {
    const sentence = damageIn(error)
    if (sentence === undefined) throw asOperateError(error, path)
    general.damage('database-damaged', sentence, REMEDY.restore)
  } finally {
    snapshot?.close()
  }
  const findings = [...ofFiles, ...general.list(), ...ofVaults]
  return { kind, vaults, dialects, findings, damaged: findings.some(({ severity }) => severity === 'damage') }
}

const NOTHING_CHECKED: CheckedFiles = { findings: [], digests: new Map() }

/** Whether a running server's database names the blob at this moment. */
function isNamed(data: string, blob: string): boolean {
  const { db, close } = openSnapshot(data)
  try {
    return db.prepare('SELECT 1 FROM dataans_files WHERE blob = ?').get(blob) !== undefined
  } finally {
    close()
  }
}

/** @throws NewerDatabaseError, OperateError `old-database` */
export function checkFormat(db: DatabaseSync): void {
  const format = db.prepare('PRAGMA user_version').get()?.['user_version'] as number
  if (format > DATABASE_FORMAT) throw new NewerDatabaseError(format)
  if (format < DATABASE_FORMAT) {
    throw new OperateError(
      'old-database',
      'the database is of an older release: its server, started once with this one, brings it up to date (restore a backup with the release that made it)',
    )
  }
}

function checkStructure(db: DatabaseSync, findings: Findings): void {
  for (const row of db.prepare(`PRAGMA integrity_check(${INTEGRITY_FINDINGS})`).iterate()) {
    const said = String(row['integrity_check'])
    if (said !== 'ok') findings.damage('database-damaged', `SQLite finds: ${said.replaceAll('\n', ' ')}`, REMEDY.restore)
  }
  for (const row of db.prepare('PRAGMA foreign_key_check').iterate()) {
    findings.damage(
      'database-damaged',
      `a row of ${String(row['table'])} belongs to none of ${String(row['parent'])}`,
      REMEDY.restore,
    )
  }
  if (
    db
      .prepare('SELECT length(generation) AS g, length(secret) AS s FROM server')
      .all()
      .every((row) => row['g'] !== 16 || row['s'] !== 32)
  ) {
    findings.damage('account-damaged', "the server's own row is missing or cut off", REMEDY.restore)
  }
}

function verifyVaults(db: DatabaseSync, vaults: VaultSummary[], findings: Finding[], onProgress: OnProgress): void {
  const total = Number(db.prepare('SELECT coalesce(sum(bytes), 0) AS n FROM logs').get()?.['n'])
  let done = 0
  const onBytes = (bytes: number) => {
    done += bytes
    onProgress('checking', done, total)
  }
  for (const row of db.prepare('SELECT * FROM vaults ORDER BY number').all()) {
    const name = nameOf(row)
    const found = new Findings(name)
    try {
      const summary = verifyLog(db, count(row, 'number'), found, onBytes)
      vaults.push({ name, ...summary })
      verifyAccount(db, row, summary.epoch, found)
      verifyShares(db, count(row, 'number'), found)
    } catch (error) {
      const sentence = damageIn(error)
      if (sentence === undefined) throw error
      found.damage('database-damaged', sentence, REMEDY.restore)
    }
    findings.push(...found.list())
  }
}

function nameOf(row: StoredRow): string {
  try {
    return text(row, 'name')
  } catch {
    return '(a name that cannot be read)'
  }
}

/** A sentence where the error shows that the database is damaged; undefined for any other. */
function damageIn(error: unknown): string | undefined {
  if (error instanceof DamagedValue) return error.message
  return describeDamage(error)
}
