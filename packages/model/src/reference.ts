/**
 * How people name a row: by its id, by its name where the table has one, or by the beginning of its id. An exact id
 * wins over a name, a name over a beginning, and what fits two rows is refused rather than guessed.
 */
import type { Row, SqlValue } from '@lockstep/engine/driver'
import { ModelError, type ModelErrorCode } from '#errors'
import type { LockstepVault } from '#schema'

/** Shorter beginnings are too easily another row tomorrow. */
const MIN_BEGINNING = 4

export interface ReferenceQuery {
  readonly vault: LockstepVault
  /** What the person typed. */
  readonly given: string
  /** What it is, for messages: "note", "space". */
  readonly noun: string
  readonly missing: ModelErrorCode
  /** A view or a parenthesised SELECT with a column `id`. */
  readonly from: string
  /** The column that holds the name, if rows have one. */
  readonly name?: string
}

/** @throws ModelError `missing` of the query, or `ambiguous` */
export function findRow({ vault, given, noun, missing, from, name }: ReferenceQuery): Row {
  const find = (condition: string, ...params: SqlValue[]) =>
    vault.query(`SELECT * FROM ${from} WHERE ${condition} LIMIT 6`, ...params)
  const [exact] = find('id = ?', given)
  if (exact !== undefined) return exact
  const named = name === undefined ? [] : find(`"${name}" = ?`, given)
  const found = named.length > 0 || given.length < MIN_BEGINNING ? named : find('substr(id, 1, ?) = ?', given.length, given)
  const [only] = found
  if (only === undefined) {
    const hint = given.length < MIN_BEGINNING && name === undefined ? `: give at least ${MIN_BEGINNING} characters of its id` : ''
    throw new ModelError(missing, `there is no ${noun} "${given}"${hint}`)
  }
  if (found.length === 1) return only
  const ids = found.map(({ id }) => String(id)).join(', ')
  throw new ModelError('ambiguous', `"${given}" fits more than one ${noun}: say which one by its id (${ids})`)
}
