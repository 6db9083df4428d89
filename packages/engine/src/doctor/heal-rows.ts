/**
 * Heals damaged rows, each by the first of these that works:
 *
 * 1. A single flipped bit is found by the digest and put right (`flip-back.ts`).
 * 2. The row's state is made again: what the server's log says of it, joined with what this device has sealed and not sent,
 *    its unsent text edits, and of the damaged row the cells that are not sealed yet, which are nowhere else. The rowid stays.
 * 3. A row of which only this device knows is kept as it is found, and shown, so that the person can look at it.
 *
 * Where the id itself was damaged the row is one of those that the log has and this database lacks.
 */
import { fromHex } from '@lockstep/protocol/bytes'
import { type Cell, type Cells, DELETED, lwwCell, PURGED, type TextUpdate } from '#cell'
import type { DoctoredRow } from '#doctor/check'
import { flipBack } from '#doctor/flip-back'
import { type ReplayOptions, replayRows, rowKey, unsentDeltas } from '#doctor/replay'
import type { DamagedRow } from '#doctor/row-scan'
import { salvage } from '#doctor/salvage'
import type { Row } from '#driver'
import { EngineError } from '#errors'
import { type Stamp, stampReplica } from '#hlc'
import { editedAt, joinRow, purgedAt } from '#merge'
import { KIND } from '#schema'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { WHOLE } from '#whole-rows'

/** Rows in which a single flipped bit is looked for before the server is asked: a tenth of a second each. */
const MOST_TRIES = 32

export interface HealOptions {
  readonly store: Store
  /** Absent: only what needs neither server nor keys is tried. */
  readonly log?: Omit<ReplayOptions, 'store' | 'isWanted'> | undefined
}

export interface Healing {
  readonly rows: readonly DoctoredRow[]
  /** Why the server's log was of no use. */
  readonly failure?: EngineError | undefined
}

export async function healRows(damaged: readonly DamagedRow[], { store, log }: HealOptions): Promise<Healing> {
  const rows: DoctoredRow[] = []
  // With the server at hand thousands of rows are had from it sooner than by trying all bits of each.
  let tries = log === undefined ? Number.POSITIVE_INFINITY : MOST_TRIES
  const left = store.write('remote', () =>
    damaged.filter((row) => {
      if (!store.rows.isIntact(row.table, row.row) && (tries-- <= 0 || !flipBack(store, row))) return true
      saveAgain(store, row)
      rows.push(told(store, row, 'bit'))
      return false
    }),
  )
  if (left.length === 0) return { rows }
  if (log === undefined) return { rows: [...rows, ...left.map((row) => told(store, row, 'none'))] }
  try {
    const wanted = new Set(left.map(({ table, row }) => rowKey(table, String(row['id']))))
    const known = await replayRows({ ...log, store, isWanted: (table, id) => wanted.has(rowKey(table, id)) })
    const unsent = await gatherUnsent(store, log)
    const lost = store.write('remote', () =>
      left.filter((row) => {
        const outcome = heal(store, row, known, unsent)
        if (outcome === undefined) return true
        rows.push(told(store, row, outcome))
        return false
      }),
    )
    if (lost.length > 0) rows.push(...(await healRenamed(store, log, lost)))
    return { rows }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const done = new Set(rows.map(({ table, id }) => rowKey(table, id)))
    const rest = left.filter(({ table, row }) => !done.has(rowKey(table, String(row['id']))))
    return { rows: [...rows, ...rest.map((row) => told(store, row, 'none'))], failure: error }
  }
}

/** Columns that nobody has written are in no digest; where all else fits they get their defaults back. */
function saveAgain(store: Store, { table, n }: DamagedRow): void {
  const stored = store.rows.loadByRowid(table, n)
  if (stored === undefined) return
  store.rows.save(table, stored.id, n, stored.cells)
  store.touch(table)
}

async function gatherUnsent(store: Store, { sealer }: { readonly sealer: ReplayOptions['sealer'] }): Promise<Map<string, Cells>> {
  const out = new Map<string, Cells>()
  for (const { table, id, cells } of await unsentDeltas(store, sealer, fromHex(store.replica))) {
    const key = rowKey(table, id)
    out.set(key, joinRow(out.get(key) ?? new Map(), cells))
  }
  return out
}

/** Undefined where nothing is known of a row of this id. */
function heal(
  store: Store,
  damaged: DamagedRow,
  known: ReadonlyMap<string, Cells>,
  unsent: ReadonlyMap<string, Cells>,
): DoctoredRow['outcome'] | undefined {
  const { table, n, row } = damaged
  const id = String(row['id'])
  const pending = store.driver.prepare('SELECT since FROM _pending WHERE tbl = ? AND n = ?').get(table, n)
  const sealed = [known.get(rowKey(table, id)), unsent.get(rowKey(table, id))].filter((cells) => cells !== undefined)
  if (sealed.length === 0 && pending === undefined) return undefined
  const found = salvage(store.rows, table, store.schema.tables[table]?.columns ?? {}, row)
  const own = pending === undefined ? new Map() : unsealed(found, String(pending['since']), store.ownReplicas())
  // With no sealed copy at all everything that can be read of it counts.
  const state = withEdits(store, table, n, sealed.length === 0 ? alive(store, found) : [...sealed, own].reduce(joinRow))
  if (editedAt(state) === undefined && purgedAt(state) === undefined) return undefined
  store.rows.save(table, id, n, state)
  store.touch(table)
  return own.size === 0 && sealed.length > 0 ? 'server' : 'kept'
}

/** A state must say whether the row lives; where that cannot be read it does. */
function alive(store: Store, cells: Cells): Cells {
  if (cells.has(DELETED) || cells.has(PURGED)) return cells
  return new Map<string, Cell>([...cells, [DELETED, lwwCell(store.clock.tick(store.runtime.now()), 0)]])
}

/** Cells that this replica has written and not sealed. Texts come as edits, or as a base of its own. */
function unsealed(cells: Cells, since: string, own: ReadonlySet<string>): Cells {
  if (since === WHOLE) return cells
  const isOwn = (stamp: Stamp) => stamp >= since && own.has(stampReplica(stamp))
  const out = new Map<string, Cell>()
  for (const [name, cell] of cells) {
    if (cell.kind === KIND.lww) {
      if (isOwn(cell.stamp)) out.set(name, cell)
    } else if (cell.kind === KIND.set) {
      const own = [...cell.value].filter(([, { stamp }]) => isOwn(stamp))
      if (own.length > 0) out.set(name, { kind: KIND.set, value: new Map(own) })
    } else {
      const own = [...cell.value].filter(([, { base }]) => base !== undefined && isOwn(base.stamp))
      if (own.length > 0) out.set(name, { kind: KIND.text, value: new Map(own) })
    }
  }
  return out
}

/** The state with the text edits that wait to be sealed. */
function withEdits(store: Store, table: string, n: number, cells: Cells): Cells {
  let out = cells
  const edits = store.driver.prepare('SELECT col, base, base_stamp, edit FROM _pending_text WHERE tbl = ? AND n = ? ORDER BY seq')
  for (const { col, base, base_stamp: stamp, edit } of edits.all(table, n)) {
    const update: TextUpdate = { base: stamp as Stamp, bytes: edit as Uint8Array }
    const value = new Map([[Number(base), { base: undefined, updates: [update] }]])
    out = joinRow(out, new Map([[String(col), { kind: KIND.text, value }]]))
  }
  return out
}

/** Rows of whose id nothing is known: it may be the id that was damaged. */
async function healRenamed(
  store: Store,
  log: NonNullable<HealOptions['log']>,
  lost: readonly DamagedRow[],
): Promise<DoctoredRow[]> {
  const here = (table: string, id: string) =>
    store.rows.knows(table) && store.driver.prepare(`SELECT 1 FROM ${rowsTable(table)} WHERE id = ?`).get(id) !== undefined
  const missing = await replayRows({ ...log, store, isWanted: (table, id) => store.rows.knows(table) && !here(table, id) })
  return store.write('remote', () => {
    const fits = (row: DamagedRow, id: string) => store.rows.isIntact(row.table, { ...row.row, id })
    const pairs = pairUp(lost, [...missing.keys()], fits)
    return lost.map((damaged) => {
      const { table, n, row } = damaged
      const id = pairs.get(damaged)
      const state = id === undefined ? undefined : missing.get(rowKey(table, id))
      if (id === undefined || state === undefined) return told(store, damaged, 'none')
      store.driver.prepare(`UPDATE ${rowsTable(table)} SET id = ? WHERE _n = ?`).run(id, n)
      store.rows.save(table, id, n, state)
      store.touch(table)
      return told(store, { ...damaged, row: { ...row, id } }, 'server')
    })
  })
}

/**
 * Which row of the log each nameless row is: the one whose id gives it its digest, else any that is left of its table: all
 * of them are missing here, each is made from the log, and the rowid is all that they keep.
 */
function pairUp(
  lost: readonly DamagedRow[],
  keys: readonly string[],
  fits: (row: DamagedRow, id: string) => boolean,
): Map<DamagedRow, string> {
  const out = new Map<DamagedRow, string>()
  const free = new Set(keys)
  const pair = (row: DamagedRow, suits: (id: string) => boolean) => {
    for (const key of free) {
      const [table, id] = key.split('\u0000') as [string, string]
      if (table !== row.table || !suits(id)) continue
      out.set(row, id)
      free.delete(key)
      return
    }
  }
  for (const row of lost) pair(row, (id) => fits(row, id))
  for (const row of lost) if (!out.has(row)) pair(row, () => true)
  return out
}

function told(store: Store, { table, n, row }: DamagedRow, outcome: DoctoredRow['outcome']): DoctoredRow {
  const now: Row = store.driver.prepare(`SELECT * FROM ${rowsTable(table)} WHERE _n = ?`).get(n) ?? row
  const columns = Object.keys(store.schema.tables[table]?.columns ?? {})
  return { table, id: String(now['id']), outcome, shown: Object.fromEntries(columns.map((name) => [name, now[name]])) }
}
