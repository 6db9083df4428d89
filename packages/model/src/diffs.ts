/**
 * Diffs: generated digests of a day's news. A day has one: making it again replaces the earlier one, whose stars go
 * with it. Where two devices each made one apart, the one written last is shown, on every device alike [CELL-6].
 */
import type { Row } from '@lockstep/engine/driver'
import type { Transaction } from '@lockstep/engine/transaction'
import { ModelError } from '#errors'
import { findRow } from '#reference'
import type { LockstepVault, Tables } from '#schema'

/** One diff of each day, the last written. Stars of the others are hidden with them. */
export const SHOWN_DIFFS = `(
  SELECT d.* FROM diffs d WHERE d.date = '' OR NOT EXISTS (
    SELECT 1 FROM diffs o WHERE o.date = d.date AND (o._edited > d._edited OR (o._edited = d._edited AND o.id > d.id))
  )
)`

export interface DiffSummary {
  readonly id: string
  readonly title: string
  /** YYYY-MM-DD, or '' for one that has no day. */
  readonly date: string
  readonly windowDays: number
  readonly createdAt: number
  readonly stars: number
  /** When it was read, on whichever device; 0: it was not. */
  readonly readAt: number
}

export interface Diff extends DiffSummary {
  readonly text: string
}

const COUNTED = `(SELECT count(*) FROM stars s WHERE s.diff = d.id) AS stars,
  coalesce((SELECT readAt FROM reading r WHERE r.id = d.id), 0) AS readAt`
const SUMMARY = `d.id, d.title, d.date, d.windowDays, d.createdAt, ${COUNTED}`

function toSummary(row: Row): DiffSummary {
  return {
    id: String(row['id']),
    title: String(row['title']),
    date: String(row['date']),
    windowDays: Number(row['windowDays']),
    createdAt: Number(row['createdAt']),
    stars: Number(row['stars']),
    readAt: Number(row['readAt']),
  }
}

/** The latest day first. */
export function listDiffs(vault: LockstepVault): DiffSummary[] {
  return vault.query(`SELECT ${SUMMARY} FROM ${SHOWN_DIFFS} d ORDER BY d.date DESC, d.id`).map(toSummary)
}

/** By id or the beginning of it. @throws ModelError `no-such-diff`, `ambiguous` */
export function findDiff(vault: LockstepVault, given: string): Diff {
  const row = findRow({ vault, given, noun: 'diff', missing: 'no-such-diff', from: SHOWN_DIFFS })
  const [counted] = vault.query(`SELECT ${COUNTED} FROM diffs d WHERE d.id = ?`, String(row['id']))
  return { ...toSummary({ ...row, ...counted }), text: String(row['text']) }
}

/** True for a day that exists, as YYYY-MM-DD. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const time = Date.parse(`${text}T00:00:00Z`)
  // Date.parse takes the 31st of February for the 3rd of March on some engines.
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === text
}

export interface NewDiff {
  /** Made by whoever asks, where it may have to ask again: what is there already stays as it is. Absent: a random one. */
  readonly id?: string | undefined
  readonly title: string
  readonly date: string
  readonly text: string
  readonly windowDays?: number | undefined
  readonly now: number
}

/** Deletes all diffs of a day but `kept`, the hidden ones too; those without a day stand alone. Returns their ids. */
export function replaceDay(
  vault: LockstepVault,
  tx: Transaction<Tables>,
  { date, kept }: { date: string; kept: string },
): string[] {
  if (date === '') return []
  const others = vault.query('SELECT id FROM diffs WHERE date = ? AND id <> ?', date, kept).map(({ id }) => String(id))
  for (const id of others) tx.delete('diffs', id)
  return others
}

/** Returns its id and the ids of what it replaced. @throws ModelError `bad-date` */
export function addDiff(
  vault: LockstepVault,
  { id: given, title, date, text, windowDays, now }: NewDiff,
): { id: string; replaced: string[] } {
  if (!isDay(date)) throw new ModelError('bad-date', `"${date}" is not a day: write it as YYYY-MM-DD`)
  return vault.transact((tx) => {
    if (given !== undefined && tx.get('diffs', given) !== undefined) return { id: given, replaced: [] }
    const id = tx.insert('diffs', { title, date, text, windowDays, createdAt: now }, given)
    return { id, replaced: replaceDay(vault, tx, { date, kept: id }) }
  })
}

/** Moves a diff to the trash, its stars with it. Returns its id. @throws ModelError `no-such-diff`, `ambiguous` */
export function removeDiff(vault: LockstepVault, given: string): string {
  const { id } = findDiff(vault, given)
  vault.transact((tx) => tx.delete('diffs', id))
  return id
}

/** Takes a diff and its stars out of the trash; it replaces the day's present one. @throws ModelError `no-such-diff`, `ambiguous` */
export function restoreDiff(vault: LockstepVault, given: string): string {
  const from = '(SELECT * FROM all_diffs WHERE _deleted = 1)'
  const row = findRow({ vault, given, noun: 'deleted diff', missing: 'no-such-diff', from })
  const id = String(row['id'])
  vault.transact((tx) => {
    tx.restore('diffs', id)
    replaceDay(vault, tx, { date: String(row['date']), kept: id })
  })
  return id
}
