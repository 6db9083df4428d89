/**
 * What the devices were told is stored, and what must therefore be true in the end. The ledger knows nothing of segments or
 * merging: it has the acknowledged writes with their stamps, and one character for each piece of text ever typed.
 *
 * - A cell holds the value of its greatest stamp. So does each element of a set.
 * - A typed character is in the text, or in a conflict copy, unless somebody who saw it took it out.
 * - A character that was taken out never comes back.
 *
 * A write whose process was killed before it heard of the commit may have happened or not: either is right. A purge that
 * was ever asked for makes a row's contents anybody's guess but not their agreement, which is checked elsewhere.
 */
import type { Scalar } from '@lockstep/engine/cell'
import type { Stamp } from '@lockstep/engine/hlc'
import type { LockstepVault } from '@lockstep/model/schema'

export interface CellWrite {
  readonly table: string
  readonly id: string
  readonly column: string
  /** Of a set: the element that `value` (1 or 0) is about. */
  readonly element?: string
  readonly value: Scalar
}

export interface TextWrite {
  readonly id: string
  readonly inserted: readonly string[]
  readonly deleted: readonly string[]
}

export interface Writes {
  readonly cells: CellWrite[]
  readonly texts: TextWrite[]
  readonly purges: { readonly table: string; readonly id: string }[]
}

interface CellRecord extends CellWrite {
  stamp: Stamp | undefined
  expected: Scalar
  readonly possible: Set<Scalar>
}

interface Character {
  typed: boolean
  deleted: boolean
  maybeDeleted: boolean
}

const FIRST_CHARACTER = 0x4e00
const FIRST_ASTRAL = 0x20000

const keyOf = (...parts: readonly string[]): string => parts.join('\u0000')
const describeCell = ({ table, id, column, element }: CellWrite) =>
  `${table}.${column}${element === undefined ? '' : `[${element}]`} of ${id}`

export class Ledger {
  readonly #cells = new Map<string, CellRecord>()
  readonly #texts = new Map<string, Map<string, Character>>()
  readonly #purged = new Set<string>()
  #characters = 0

  /** A character that no text has yet; one in eight takes two UTF-16 units. */
  newCharacter(): string {
    const n = this.#characters++
    return String.fromCodePoint((n % 8 === 7 ? FIRST_ASTRAL : FIRST_CHARACTER) + n)
  }

  /** `stamp`: of the transaction, undefined where nobody knows whether it was committed. */
  record({ cells, texts, purges }: Writes, stamp: Stamp | undefined): void {
    for (const { table, id } of purges) this.#purged.add(keyOf(table, id))
    for (const write of cells) this.#recordCell(write, stamp)
    for (const { id, inserted, deleted } of texts) {
      const known = this.#texts.get(id) ?? new Map<string, Character>()
      this.#texts.set(id, known)
      const character = (text: string): Character => {
        const found = known.get(text) ?? { typed: false, deleted: false, maybeDeleted: false }
        known.set(text, found)
        return found
      }
      for (const text of inserted) if (stamp !== undefined) character(text).typed = true
      for (const text of deleted) {
        if (stamp === undefined) character(text).maybeDeleted = true
        else character(text).deleted = true
      }
    }
  }

  #recordCell(write: CellWrite, stamp: Stamp | undefined): void {
    const key = keyOf(write.table, write.id, write.column, write.element ?? '')
    let record = this.#cells.get(key)
    if (record === undefined) {
      record = { ...write, stamp: undefined, expected: null, possible: new Set() }
      this.#cells.set(key, record)
    }
    if (stamp === undefined) record.possible.add(write.value)
    else if (record.stamp === undefined || stamp > record.stamp) {
      record.stamp = stamp
      record.expected = write.value
    }
  }

  /** One sentence for each promise that `vault` breaks. */
  broken(vault: LockstepVault): string[] {
    return [...this.#brokenCells(vault), ...this.#brokenTexts(vault)]
  }

  *#brokenCells(vault: LockstepVault): Generator<string> {
    for (const record of this.#cells.values()) {
      const { table, id, column, element, stamp, expected, possible } = record
      if (this.#purged.has(keyOf(table, id)) || stamp === undefined) continue
      const [row] = vault.query(`SELECT * FROM "all_${table}" WHERE id = ?`, id)
      const stored = row?.[column] ?? null
      const value = element === undefined ? stored : Number((JSON.parse(String(stored ?? '[]')) as string[]).includes(element))
      if (value === expected || possible.has(value)) continue
      yield `${describeCell(record)} is ${JSON.stringify(value)}, but ${JSON.stringify(expected)} was acknowledged last (${stamp})`
    }
  }

  *#brokenTexts(vault: LockstepVault): Generator<string> {
    for (const [id, characters] of this.#texts) {
      if (this.#purged.has(keyOf('notes', id))) continue
      const [row] = vault.query('SELECT text FROM all_notes WHERE id = ?', id)
      const shown = new Set(row === undefined ? '' : String(row['text']))
      const kept = new Set(row === undefined ? '' : vault.conflicts('notes', id, 'text').join(''))
      for (const [character, { typed, deleted, maybeDeleted }] of characters) {
        const present = shown.has(character) || kept.has(character)
        if (typed && !deleted && !maybeDeleted && !present) yield `"${character}" was typed into note ${id} and is gone`
        if (deleted && present) yield `"${character}" was taken out of note ${id} and is back`
      }
    }
  }
}
