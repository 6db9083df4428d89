/**
 * What a run's segments wrote, cell by cell, and what is left of it [LOG-6] [CELL-4].
 *
 * Only places and stamps are remembered of what the segments hold (and the updates of texts): the values come from the
 * device's own database, which has merged all of them. What the run wrote and something else in the log has superseded
 * is left out. "In the log" is all with a stamp up to `limit`, the clock when merging began, because it begins only when
 * nothing waits to be sent; a later write may be nowhere else yet, so it goes in place of what it supersedes.
 */
import { type Cell, type Cells, DELETED, PURGED, type SetState, type TextBase, type TextState, type TextUpdate } from '#cell'
import { compactRun } from '#compaction/text-run'
import { type Content, toDelta } from '#content'
import { type Stamp, stampTime } from '#hlc'
import { purgedAt } from '#merge'
import { KIND } from '#schema'

interface TouchedText {
  readonly bases: Map<number, Stamp>
  readonly updates: Map<number, TextUpdate[]>
}

/** What a run wrote of one cell. */
type TouchedCell =
  | { readonly kind: typeof KIND.lww; stamp: Stamp }
  | { readonly kind: typeof KIND.text; readonly text: TouchedText }
  | { readonly kind: typeof KIND.set; readonly elements: Map<string, Stamp> }

export interface TouchedRow {
  /** Of the row's latest write in the run. */
  newest: Stamp
  readonly cells: Map<string, TouchedCell>
}

export interface TouchedKey {
  readonly table: string
  readonly id: string
}

/** The database lacks what a segment wrote that it is said to have merged. */
export class NotHeldError extends Error {
  constructor(table: string, id: string, column: string) {
    super(`the database does not hold what the log says of ${column} in row ${id} of ${table}`)
    this.name = 'NotHeldError'
  }
}

export class Touched {
  readonly #tables = new Map<string, Map<string, TouchedRow>>()

  add({ rows }: Content): void {
    for (const row of rows) {
      const { table, id, cells } = toDelta(row)
      let ids = this.#tables.get(table)
      if (ids === undefined) {
        ids = new Map()
        this.#tables.set(table, ids)
      }
      let touched = ids.get(id)
      if (touched === undefined) {
        touched = { newest: row.stamp, cells: new Map() }
        ids.set(id, touched)
      }
      for (const [name, cell] of cells) {
        const newest = noteCell(touched.cells, name, cell)
        if (newest !== undefined && newest > touched.newest) touched.newest = newest
      }
    }
  }

  row({ table, id }: TouchedKey): TouchedRow | undefined {
    return this.#tables.get(table)?.get(id)
  }

  /** The rows, those that were written last first. */
  newestFirst(): TouchedKey[] {
    const all = [...this.#tables].flatMap(([table, ids]) => [...ids].map(([id, { newest }]) => ({ table, id, newest })))
    return all.sort((a, b) => (a.newest > b.newest ? -1 : a.newest < b.newest ? 1 : 0))
  }
}

/** Returns the latest stamp in `cell`; undefined where it holds nothing that counts. */
function noteCell(cells: Map<string, TouchedCell>, name: string, cell: Cell): Stamp | undefined {
  const known = cells.get(name)
  // Writers that disagree on a column's kind: the smaller one stays [CELL-2].
  if (known !== undefined && known.kind < cell.kind) return undefined
  const same = known?.kind === cell.kind ? known : undefined
  let newest: Stamp | undefined
  const later = (stamp: Stamp) => {
    if (newest === undefined || stamp > newest) newest = stamp
  }
  if (cell.kind === KIND.lww) {
    later(cell.stamp)
    if (same?.kind !== KIND.lww) cells.set(name, { kind: KIND.lww, stamp: cell.stamp })
    else if (cell.stamp > same.stamp) same.stamp = cell.stamp
  } else if (cell.kind === KIND.set) {
    const elements = same?.kind === KIND.set ? same.elements : new Map<string, Stamp>()
    for (const [element, { stamp }] of cell.value) {
      later(stamp)
      if (stamp > (elements.get(element) ?? '')) elements.set(element, stamp)
    }
    cells.set(name, { kind: KIND.set, elements })
  } else {
    const text = same?.kind === KIND.text ? same.text : { bases: new Map(), updates: new Map() }
    for (const [key, { base, updates }] of cell.value) {
      if (base !== undefined) {
        later(base.stamp)
        if (base.stamp > (text.bases.get(key) ?? '')) text.bases.set(key, base.stamp)
      }
      if (updates.length > 0) text.updates.set(key, [...(text.updates.get(key) ?? []), ...updates])
    }
    cells.set(name, { kind: KIND.text, text })
  }
  return newest
}

export interface Survival {
  /** The row as it is in the database. */
  readonly current: Cells
  readonly key: TouchedKey
  /** Time part of a stamp. */
  readonly limit: string
}

/**
 * What is left of what the run wrote of a row; undefined where that is nothing.
 * @throws NotHeldError
 */
export function survivors({ cells }: TouchedRow, { current, key, limit }: Survival): Map<string, Cell> | undefined {
  const purge = purgedAt(current)
  const isNew = (stamp: Stamp) => stampTime(stamp) > limit
  const gone = (stamp: Stamp) => purge !== undefined && stamp <= purge
  const out = new Map<string, Cell>()
  let lives = false
  for (const [name, touched] of cells) {
    const cell = current.get(name)
    const lacks = (stamp: Stamp) => {
      if (!gone(stamp)) throw new NotHeldError(key.table, key.id, name)
    }
    if (cell !== undefined && cell.kind !== touched.kind) {
      if (cell.kind > touched.kind) throw new NotHeldError(key.table, key.id, name)
      out.set(name, cell)
    } else if (touched.kind === KIND.lww) {
      if (cell?.kind !== KIND.lww || cell.stamp < touched.stamp) {
        lacks(touched.stamp)
        continue
      }
      if (cell.stamp !== touched.stamp && !isNew(cell.stamp)) continue
      if (name === DELETED || name === PURGED) lives = true
      else out.set(name, cell)
    } else if (touched.kind === KIND.set) {
      const value = leftOfSet(touched.elements, cell?.kind === KIND.set ? cell.value : new Map(), lacks)
      if (value.size > 0) out.set(name, { kind: KIND.set, value })
    } else {
      const value = leftOfText(touched.text, cell?.kind === KIND.text ? cell.value : new Map(), gone, lacks)
      if (value.size > 0) out.set(name, { kind: KIND.text, value })
    }
  }
  if (out.size === 0 && !lives) return undefined
  // A row always says whether it lives.
  for (const name of [DELETED, PURGED]) {
    const cell = current.get(name)
    if (cell !== undefined) out.set(name, cell)
  }
  return out
}

function leftOfSet(elements: ReadonlyMap<string, Stamp>, state: SetState, lacks: (stamp: Stamp) => void): SetState {
  const out = new Map<string, { readonly stamp: Stamp; readonly present: boolean }>()
  for (const [element, stamp] of elements) {
    const now = state.get(element)
    if (now === undefined || now.stamp < stamp) lacks(stamp)
    else out.set(element, now)
  }
  return out
}

function leftOfText(
  { bases, updates }: TouchedText,
  state: TextState,
  gone: (stamp: Stamp) => boolean,
  lacks: (stamp: Stamp) => void,
): TextState {
  const out = new Map<number, TextBase>()
  for (const key of new Set([...bases.keys(), ...updates.keys()])) {
    const entry = state.get(key)
    const stamp = bases.get(key)
    if (stamp !== undefined && (entry?.base === undefined || entry.base.stamp < stamp)) lacks(stamp)
    const made = (updates.get(key) ?? []).filter(({ base }) => !gone(base))
    if (entry === undefined) {
      for (const { base } of made) lacks(base)
      continue
    }
    const base = stamp === undefined ? undefined : entry.base
    const left = { base, updates: compactRun(key, entry, made, base !== undefined) }
    if (left.base !== undefined || left.updates.length > 0) out.set(key, left)
  }
  return out
}
