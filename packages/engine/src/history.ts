/**
 * Earlier texts of a row, on this device only: a person can look back and take one back. Kept through merging, because
 * a version is a plain text, not a state that merges.
 */
import type { Driver } from '#driver'

/** Versions kept for one cell; the oldest go first. */
const MAX_VERSIONS = 100
/** Versions made by typing within this time of the last one are left out: the one before them is kept. */
const COALESCE_MILLIS = 10 * 60 * 1000
/** Characters that go at once: a text before such a loss is kept, whatever it came in. */
const LOSS = 20

export interface Version {
  readonly version: number
  /** When the text was replaced, Unix milliseconds by this device's clock. */
  readonly at: number
  readonly text: string
}

export interface VersionToKeep {
  readonly table: string
  readonly id: string
  readonly column: string
  /** As it was before the change. */
  readonly text: string
  /** Characters that it is shorter by afterwards. */
  readonly lost: number
  readonly at: number
  /** The change came in small pieces (typing, a live device), not as one whole text. */
  readonly coalesce: boolean
}

export function keepVersion(driver: Driver, { table, id, column, text, lost, at, coalesce }: VersionToKeep): void {
  if (text === '') return
  const last = driver
    .prepare('SELECT at, text FROM _history WHERE tbl = ? AND id = ? AND col = ? ORDER BY seq DESC LIMIT 1')
    .get(table, id, column)
  if (last !== undefined) {
    const age = at - Number(last['at'])
    if (last['text'] === text || (coalesce && lost < LOSS && age >= 0 && age < COALESCE_MILLIS)) return
  }
  driver.prepare('INSERT INTO _history (tbl, id, col, at, text) VALUES (?, ?, ?, ?, ?)').run(table, id, column, at, text)
  driver
    .prepare(
      `DELETE FROM _history WHERE tbl = ? AND id = ? AND col = ? AND seq <=
        (SELECT seq FROM _history WHERE tbl = ? AND id = ? AND col = ? ORDER BY seq DESC LIMIT 1 OFFSET ${MAX_VERSIONS})`,
    )
    .run(table, id, column, table, id, column)
}

/** Newest first. */
export function listVersions(driver: Driver, table: string, id: string, column: string): Version[] {
  return driver
    .prepare('SELECT seq, at, text FROM _history WHERE tbl = ? AND id = ? AND col = ? ORDER BY seq DESC')
    .all(table, id, column)
    .map((row) => ({ version: Number(row['seq']), at: Number(row['at']), text: String(row['text']) }))
}

/** A purged row's versions go with it. */
export function dropVersions(driver: Driver, table: string, id: string): void {
  driver.prepare('DELETE FROM _history WHERE tbl = ? AND id = ?').run(table, id)
}
