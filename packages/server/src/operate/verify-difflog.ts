/** What the diff·log dialect holds: rows that belong to a profile, whose size is the sum of theirs. What is sealed stays so. */
import type { DatabaseSync } from 'node:sqlite'
import { REMEDY } from '#operate/finding'
import type { Findings } from '#operate/findings'
import { count, type StoredRow, text } from '#operate/stored'
import { COLLECTIONS } from '#storage/difflog'
import { isPublic, MAX_DIFFS, rowBytes } from '#storage/difflog-rules'

export interface DifflogSummary {
  readonly profiles: number
  readonly rows: number
  readonly bytes: number
}

/** @throws DamagedValue, and what SQLite throws for a damaged database */
export function verifyDifflog(db: DatabaseSync, findings: Findings): DifflogSummary {
  let rows = 0
  let bytes = 0
  const profiles = db.prepare('SELECT * FROM difflog_profiles ORDER BY number').all()
  for (const profile of profiles) {
    const found = verifyProfile(db, profile, findings)
    rows += found.rows
    bytes += found.bytes
  }
  const all = Number(db.prepare('SELECT count(*) AS n FROM difflog_rows').get()?.['n'])
  if (all !== rows) findings.damage('row-wrong', `diff·log: ${all - rows} rows belong to no profile`, REMEDY.restore)
  return { profiles: profiles.length, rows, bytes }
}

function verifyProfile(db: DatabaseSync, profile: StoredRow, findings: Findings): { rows: number; bytes: number } {
  const number = count(profile, 'number')
  for (const column of ['id', 'password', 'salt', 'settings', 'keys']) text(profile, column)
  if (!isJson(text(profile, 'settings'))) {
    findings.damage('account-damaged', `diff·log: the settings of profile ${number} cannot be read`, REMEDY.restore)
  }
  let rows = 0
  let bytes = 0
  let diffs = 0
  for (const row of db.prepare('SELECT * FROM difflog_rows WHERE profile = ? ORDER BY number').iterate(number)) {
    const what = wrongWith(row)
    if (what !== undefined) {
      findings.damage('row-wrong', `diff·log: row ${count(row, 'number')} of profile ${number} ${what}`, REMEDY.restore)
    }
    rows += 1
    bytes += count(row, 'bytes')
    if (COLLECTIONS[count(row, 'collection')] === 'diffs') diffs += 1
  }
  if (count(profile, 'bytes') !== bytes) {
    const message = `diff·log: profile ${number} is said to have ${count(profile, 'bytes')} bytes and has ${bytes}`
    findings.damage('totals-wrong', message, REMEDY.restore)
  }
  if (diffs > MAX_DIFFS) {
    findings.damage(
      'row-wrong',
      `diff·log: profile ${number} has ${diffs} diffs, more than the ${MAX_DIFFS} that are kept`,
      REMEDY.restore,
    )
  }
  return { rows, bytes }
}

function wrongWith(row: StoredRow): string | undefined {
  const collection = COLLECTIONS[count(row, 'collection')]
  const [id, data] = [text(row, 'id'), text(row, 'data')]
  if (collection === undefined) return 'is in no collection'
  if (count(row, 'bytes') !== rowBytes({ id, data })) return 'is of another size than was stored'
  // What makes a diff readable for everybody.
  if ((count(row, 'public') === 1) !== (collection === 'diffs' && isPublic(data)))
    return 'is public and should not be, or the reverse'
  return undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
