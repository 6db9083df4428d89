/**
 * What the devices were told is stored, and what must therefore be true in the end. The ledger knows nothing of segments or
 * merging: it has the acknowledged writes with their stamps, and one character for each piece of text ever typed.
 *
 * - A cell holds the value of its greatest stamp. So does each element of a set.
 * - A typed character is in the text, or in a conflict copy, unless somebody who saw it took it out.
 * - A character that was taken out never comes back.
 * - Of a purged row, what was written after the purge holds as above; what came before it may be gone, or be written again
 *   by the author of the row's last write [CELL-8].
 *
 * Who has a write is followed, too: the device that made it, the server once that device was in step, whoever was in step
 * with the server after that. A disk or a server that is put back to an earlier state has what it had then. Only a write that
 * nobody has any more is forgiven; as long as one device has it, it must be there in the end [LOG-9].
 *
 * The trash empties itself: a purge that nobody asked for is right where the row, or the one it hangs on, was deleted at least
 * {@link TRASH_DAYS} before the end.
 *
 * A write whose process was killed before it heard of the commit may have happened or not: either is right.
 */
import type { Scalar } from '@lockstep/engine/cell'
import type { Stamp } from '@lockstep/engine/hlc'
import { purgedAt } from '@lockstep/engine/merge'
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

/** One transaction. */
export interface Write extends Writes {
  /** Undefined where nobody knows whether it was committed. */
  readonly stamp: Stamp | undefined
  readonly author: Holder
  /** Virtual time. */
  readonly at: number
  /** Nobody has it any more, or nobody may take it from who has it: it need not be there, and may. */
  forgiven: boolean
  /** Made on a copy of a disk before that learnt of it: it may be dated again, later than it was [LOG-3]. */
  dated: boolean
}

/** A disk or a server, and the acknowledged writes that it has. */
export interface Holder {
  readonly holds: Set<Write>
}

/** Thirty, less what clocks that decide about it may be off by. */
const TRASH_DAYS = 28
const DAY = 24 * 3_600_000
const FIRST_CHARACTER = 0x4e00
const FIRST_ASTRAL = 0x20000

const keyOf = (...parts: readonly string[]): string => parts.join('\u0000')
const describeCell = ({ table, id, column, element }: CellWrite) =>
  `${table}.${column}${element === undefined ? '' : `[${element}]`} of ${id}`

function grouped<K, V>(entries: Iterable<readonly [K, V]>): Map<K, V[]> {
  const out = new Map<K, V[]>()
  for (const [key, value] of entries) {
    const group = out.get(key)
    if (group === undefined) out.set(key, [value])
    else group.push(value)
  }
  return out
}

interface DatedCell {
  readonly write: Write
  readonly cell: CellWrite
}

interface DatedText {
  readonly write: Write
  readonly text: TextWrite
}

/** When a row was purged last; `undefined` where that is not certain. */
type Purges = Map<string, Stamp | undefined>

const isCertain = ({ stamp, forgiven }: Write): boolean => stamp !== undefined && !forgiven
const later = (a: Stamp | undefined, b: Stamp | undefined): boolean => a !== undefined && (b === undefined || a > b)

export class Ledger {
  readonly #writes: Write[] = []
  readonly #clock: () => number
  #characters = 0

  /** @param clock virtual time */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** A character that no text has yet; one in eight takes two UTF-16 units. */
  newCharacter(): string {
    const n = this.#characters++
    return String.fromCodePoint((n % 8 === 7 ? FIRST_ASTRAL : FIRST_CHARACTER) + n)
  }

  /** `stamp`: of the transaction, undefined where nobody knows whether it was committed. */
  record(author: Holder, writes: Writes, stamp: Stamp | undefined, dated = false): void {
    const write: Write = { ...writes, stamp, author, at: this.#clock(), forgiven: false, dated }
    this.#writes.push(write)
    if (stamp !== undefined) author.holds.add(write)
  }

  /** After a disk or a server went back in time: what none of `holders` has is gone, and that is nobody's fault. */
  forgive(holders: readonly Holder[]): number {
    let gone = 0
    for (const write of this.#writes) {
      if (!isCertain(write) || holders.some(({ holds }) => holds.has(write))) continue
      write.forgiven = true
      gone++
    }
    return gone
  }

  /** One sentence for each promise that `vault` breaks. */
  broken(vault: LockstepVault): string[] {
    const purges: Purges = new Map()
    const wrong = [...this.#brokenPurges(vault, purges)]
    return [...wrong, ...this.#brokenCells(vault, purges), ...this.#brokenTexts(vault, purges)]
  }

  /** Fills `purges`. */
  *#brokenPurges(vault: LockstepVault, purges: Purges): Generator<string> {
    const asked = grouped(
      this.#writes.flatMap((write) => write.purges.map(({ table, id }): readonly [string, Write] => [keyOf(table, id), write])),
    )
    const rows = new Map(this.#writes.flatMap(({ cells }) => cells.map((cell) => [keyOf(cell.table, cell.id), cell] as const)))
    for (const [row, { table, id }] of rows) {
      const stored = purgedAt(vault.store.rows.load(table, id)?.cells ?? new Map())
      const own = asked.get(row) ?? []
      const certain = own.filter((write) => isCertain(write) && !write.dated).map(({ stamp }) => stamp as Stamp)
      const last = certain.sort().at(-1)
      if (last !== undefined && (stored === undefined || stored < last)) yield `the purge of ${table} ${id} at ${last} is undone`
      if (stored === undefined && own.length === 0) continue
      const isAsked = certain.some((stamp) => stamp === stored)
      if (!isAsked && own.length === 0 && !this.#mayExpire(table, id)) {
        yield `${table} ${id} was purged by nobody, and has not been deleted for long enough`
      }
      purges.set(row, isAsked || own.length === 0 ? stored : undefined)
    }
  }

  /** True if the row or one that it hangs on was deleted long enough ago. */
  #mayExpire(table: string, id: string): boolean {
    const parents = this.#writes.flatMap(({ cells }) =>
      cells.filter((cell) => cell.table === table && cell.id === id && (cell.column === 'space' || cell.column === 'diff')),
    )
    const family = new Set([id, ...parents.map(({ value }) => String(value))])
    const before = this.#clock() - TRASH_DAYS * DAY
    return this.#writes.some(
      ({ at, cells }) =>
        at <= before && cells.some((cell) => family.has(cell.id) && cell.column === '_deleted' && cell.value === 1),
    )
  }

  *#brokenCells(vault: LockstepVault, purges: Purges): Generator<string> {
    const cells = grouped(
      this.#writes.flatMap((write) =>
        write.cells.map((cell): readonly [string, DatedCell] => [
          keyOf(cell.table, cell.id, cell.column, cell.element ?? ''),
          { write, cell },
        ]),
      ),
    )
    for (const dated of cells.values()) {
      const { cell: first } = dated[0] as DatedCell
      const row = keyOf(first.table, first.id)
      const purge = purges.get(row)
      if (purges.has(row) && purge === undefined) continue
      const last = dated
        .filter(({ write }) => isCertain(write))
        .reduce<DatedCell | undefined>((a, b) => (later(b.write.stamp, a?.write.stamp) ? b : a), undefined)
      if (last === undefined || (purge !== undefined && !later(last.write.stamp, purge))) continue
      // Also what may have been written later than its stamp says: dated again, or rescued from a purge.
      const allowed = dated.filter(
        ({ write }) => !isCertain(write) || write.dated || (purge !== undefined && !later(write.stamp, purge)),
      )
      const value = shownValue(vault, first)
      if (value === last.cell.value || allowed.some(({ cell }) => cell.value === value)) continue
      yield `${describeCell(first)} is ${JSON.stringify(value)}, but ${JSON.stringify(last.cell.value)} was acknowledged last (${last.write.stamp})`
    }
  }

  *#brokenTexts(vault: LockstepVault, purges: Purges): Generator<string> {
    const texts = grouped(
      this.#writes.flatMap((write) => write.texts.map((text): readonly [string, DatedText] => [text.id, { write, text }])),
    )
    for (const [id, dated] of texts) {
      const row = keyOf('notes', id)
      const certain = dated.filter(({ write }) => isCertain(write))
      const deleted = new Set(certain.flatMap(({ text }) => text.deleted))
      const maybeDeleted = new Set(dated.filter(({ write }) => !isCertain(write)).flatMap(({ text }) => text.deleted))
      const present = shownCharacters(vault, id)
      for (const { text } of purges.has(row) ? this.#afterPurge(row, certain, purges.get(row)) : certain) {
        for (const character of text.inserted) {
          if (deleted.has(character) || maybeDeleted.has(character) || present.has(character)) continue
          yield `"${character}" was typed into note ${id} and is gone`
        }
      }
      if (purges.has(row)) continue
      for (const character of deleted) if (present.has(character)) yield `"${character}" was taken out of note ${id} and is back`
    }
  }

  /**
   * Of a note that was purged: its last text, where that was written after the purge by the author of the row's last write, and
   * nobody else wrote the row after the purge. Others' edits of the text that was purged go with it, and whoever meets the purge
   * first writes again what that device had seen.
   */
  #afterPurge(row: string, certain: readonly DatedText[], purge: Stamp | undefined): readonly DatedText[] {
    const last = certain.reduce<DatedText | undefined>((a, b) => (later(b.write.stamp, a?.write.stamp) ? b : a), undefined)
    if (last === undefined || purge === undefined || !later(last.write.stamp, purge) || last.write.dated) return []
    const others = this.#writes.filter(({ cells }) => cells.some(({ table, id }) => keyOf(table, id) === row))
    const isLast = (write: Write) =>
      isCertain(write) &&
      !later(write.stamp, last.write.stamp) &&
      (write.author === last.write.author || !later(write.stamp, purge))
    return others.every(isLast) ? [last] : []
  }
}

function shownValue(vault: LockstepVault, { table, id, column, element }: CellWrite): Scalar {
  const [row] = vault.query(`SELECT * FROM "all_${table}" WHERE id = ?`, id)
  const stored = row?.[column] ?? null
  return element === undefined ? stored : Number((JSON.parse(String(stored ?? '[]')) as string[]).includes(element))
}

function shownCharacters(vault: LockstepVault, id: string): Set<string> {
  const [row] = vault.query('SELECT text FROM all_notes WHERE id = ?', id)
  if (row === undefined) return new Set()
  return new Set([...String(row['text']), ...vault.conflicts('notes', id, 'text').join('')])
}
