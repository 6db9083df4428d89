/** The database as SQLite sees it: pages, trees, indexes. An index is derived data and is made again; a tree is not. */
import type { CheckResult } from '#doctor/check'
import { remakeViews, structureOf } from '#doctor/structure'
import { type Driver, DriverError } from '#driver'
import type { Schema } from '#schema'

/** Complaints that SQLite may make before it stops looking. */
const MOST_COMPLAINTS = 100
/** Complaints about an index: the table beside it is whole. */
const ABOUT_INDEX = /missing from index|wrong # of entries in index|non-unique entry in index|values differ from index/

/** What to do about a file that cannot be healed. */
export const START_OVER =
  'what the server has is safe there: move this home away, sign in anew in an empty one, and take over by hand what was never synced'

/** `heal`: indexes may be made again. Never throws a DriverError. */
export function checkDatabase(driver: Driver, { schema, heal }: { readonly schema: Schema; readonly heal: boolean }): CheckResult {
  try {
    const structure = structureOf(driver, schema)
    if (structure.broken.length > 0) return broken(driver, `the definition of ${structure.broken.join(', ')} is not what it was`)
    if (structure.views.length > 0) {
      const detail = `the definition of ${structure.views.map(([name]) => name).join(', ')} is not what it was`
      if (!heal) return { check: 'database', verdict: 'problem', detail, hint: 'run it without --no-heal' }
      remakeViews(driver, structure.views)
      const rest = checkDatabase(driver, { schema, heal })
      return rest.verdict === 'ok' ? { check: 'database', verdict: 'healed', detail: `${detail}: made again` } : rest
    }
    const complaints = integrity(driver)
    if (complaints.length === 0) return { check: 'database', verdict: 'ok', detail: 'every page, tree and index is whole' }
    if (!complaints.every((complaint) => ABOUT_INDEX.test(complaint))) return broken(driver, complaints[0] as string)
    if (!heal)
      return {
        check: 'database',
        verdict: 'problem',
        detail: `an index is damaged: ${complaints[0]}`,
        hint: 'run it without --no-heal',
      }
    driver.exec('REINDEX')
    const left = integrity(driver)
    if (left.length > 0) return broken(driver, left[0] as string)
    return { check: 'database', verdict: 'healed', detail: 'a damaged index was made again' }
  } catch (error) {
    if (!(error instanceof DriverError)) throw error
    return broken(driver, error.message)
  }
}

function integrity(driver: Driver): string[] {
  const rows = driver.prepare(`PRAGMA integrity_check(${MOST_COMPLAINTS})`).values()
  return rows.map(([line]) => String(line)).filter((line) => line !== 'ok')
}

function broken(driver: Driver, complaint: string): CheckResult {
  const unsent = unsentIn(driver)
  return {
    check: 'database',
    verdict: 'problem',
    detail: `the file is damaged where SQLite cannot read past it (${complaint}); ${unsent}`,
    hint: START_OVER,
  }
}

/** A sentence on what only this file has, as far as it can be read. */
export function unsentIn(driver: Driver): string {
  const count = (sql: string): number | undefined => {
    try {
      return Number(driver.prepare(sql).values()[0]?.[0])
    } catch {
      return undefined
    }
  }
  const rows = count('SELECT count(*) FROM _pending')
  const segments = count('SELECT count(*) FROM _segments WHERE seq IS NULL')
  if (rows === undefined || segments === undefined) return 'what was not synced cannot be counted any more'
  if (rows === 0 && segments === 0) return 'everything that can be read was synced'
  return `not synced: ${rows} changed rows and ${segments} sealed segments`
}
