/**
 * What waits to be sent, sealed: does each segment have its digest, its place behind the one before it, and a content that
 * opens? Where one does not, nothing was lost yet: the rows are here. All that was sealed and not confirmed becomes pending
 * again, and is sealed anew under the same counters; should the server have got one of them after all, it says so [LOG-3].
 */
import { CryptoError } from '@lockstep/crypto/errors'
import { equalBytes, FormatError, fromHex } from '@lockstep/protocol/bytes'
import type { Sha256 } from '@lockstep/protocol/chain'
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import type { Cells } from '#cell'
import { decodeContent } from '#content-decoder'
import { type CheckResult, counted } from '#doctor/check'
import { DriverError, type Row } from '#driver'
import { type Stamp, stampReplica, stampTime } from '#hlc'
import { KIND } from '#schema'
import { MissingEpochError, type Sealer } from '#sealing'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { pendWhole } from '#whole-rows'

export interface OutboxCheckOptions {
  readonly store: Store
  readonly sha256: Sha256
  /** Absent on a device without keys: contents are not opened then. */
  readonly sealer: Sealer | undefined
  readonly heal: boolean
}

export async function checkOutbox(options: OutboxCheckOptions): Promise<CheckResult> {
  const { store, heal } = options
  const waiting = store.driver.prepare('SELECT * FROM _segments WHERE seq IS NULL ORDER BY counter').all()
  const pending = Number(store.driver.prepare('SELECT count(*) FROM _pending').values()[0]?.[0])
  const what = `${counted(waiting.length, 'sealed segment')} and ${counted(pending, 'changed row')} wait to be sent`
  const wrong = await firstWrong(options, waiting)
  if (wrong === undefined) return { check: 'outbox', verdict: 'ok', detail: what }
  if (!heal) return { check: 'outbox', verdict: 'problem', detail: `${what}; ${wrong}`, hint: 'run it without --no-heal' }
  const rows = sealAgain(store)
  return { check: 'outbox', verdict: 'healed', detail: `${wrong}: ${counted(rows, 'row')} will be sealed again` }
}

async function firstWrong({ store, sha256, sealer }: OutboxCheckOptions, waiting: readonly Row[]): Promise<string | undefined> {
  const replica = fromHex(store.replica)
  let before = store.driver
    .prepare('SELECT counter, digest FROM _segments WHERE seq IS NOT NULL ORDER BY counter DESC LIMIT 1')
    .get()
  for (const row of waiting) {
    const counter = Number(row['counter'])
    const sealed = row['sealed']
    const name = `sealed segment ${counter} is damaged`
    if (!(sealed instanceof Uint8Array) || !equalBytes(sha256(sealed), row['digest'] as Uint8Array)) return name
    const continues =
      before === undefined || (Number(before['counter']) === counter - 1 && sameBytes(before['digest'], row['previous']))
    if (!continues) return name
    before = row
    if (sealer === undefined) continue
    try {
      const { header } = decodeContent(
        await sealer.open({ kind: SEGMENT_KIND.delta, epoch: Number(row['epoch']), replica, counter }, sealed),
      )
      if (header.counter !== counter || !sameBytes(header.previous, row['previous'])) return name
    } catch (error) {
      // The key of an epoch that a rotation has taken away meanwhile: the next sync seals it again.
      if (error instanceof MissingEpochError) continue
      if (error instanceof CryptoError || error instanceof FormatError) return name
      throw error
    }
  }
  return undefined
}

function sameBytes(a: unknown, b: unknown): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array && equalBytes(a, b)
}

/** What this replica has written after its last confirmed segment is pending again. Returns how many rows that are. */
function sealAgain(store: Store): number {
  const { driver } = store
  return store.write('remote', () => {
    const confirmed = driver.prepare('SELECT time FROM _segments WHERE seq IS NOT NULL ORDER BY counter DESC LIMIT 1').get()
    // A segment's time bounds the stamps of this replica in it and before it.
    const after = String(confirmed?.['time'] ?? '')
    let rows = 0
    for (const table of Object.keys(store.schema.tables)) {
      const ids = driver.prepare(`SELECT _n FROM ${rowsTable(table)} WHERE _edited > ?`).values(after)
      for (const [n] of ids) if (pendAgain(store, table, Number(n), after)) rows++
    }
    driver.exec('DELETE FROM _segments WHERE seq IS NULL; UPDATE _replicas SET told = 0')
    return rows
  })
}

function pendAgain(store: Store, table: string, n: number, after: string): boolean {
  const cells = stateOf(store, table, n)
  if (cells === undefined) {
    store.driver.prepare('INSERT OR REPLACE INTO _pending (tbl, n, since) VALUES (?, ?, ?)').run(table, n, after)
    return true
  }
  if (store.meta.get('leftServer') !== undefined) {
    pendWhole(store, table, n)
    return true
  }
  const since = firstOwn(store, cells, after)
  if (since === undefined) return false
  store.markPending(table, n, since)
  store.driver.prepare('UPDATE _pending SET since = min(since, ?) WHERE tbl = ? AND n = ?').run(since, table, n)
  // Which edits were in the segment cannot be told any more: all of the text are sent, and merging is union.
  const insert = store.driver.prepare('INSERT INTO _pending_text (tbl, n, col, base, base_stamp, edit) VALUES (?, ?, ?, ?, ?, ?)')
  for (const [column, cell] of cells) {
    if (cell.kind !== KIND.text) continue
    store.driver.prepare('DELETE FROM _pending_text WHERE tbl = ? AND n = ? AND col = ?').run(table, n, column)
    for (const [key, { updates }] of cell.value)
      for (const { base, bytes } of updates) insert.run(table, n, column, key, base, bytes)
  }
  return true
}

/** Undefined for a row that is damaged itself: all that this replica wrote in it is pending until it can be read. */
function stateOf(store: Store, table: string, n: number): Cells | undefined {
  try {
    return store.rows.loadByRowid(table, n)?.cells
  } catch (error) {
    if (error instanceof DriverError && error.code === 'corrupt') return undefined
    throw error
  }
}

/** The least stamp of this replica that is later than `after`. */
function firstOwn(store: Store, cells: Cells, after: string): Stamp | undefined {
  let first: Stamp | undefined
  const own = store.ownReplicas()
  const look = (stamp: Stamp | undefined) => {
    if (stamp === undefined || !own.has(stampReplica(stamp)) || stampTime(stamp) <= after) return
    if (first === undefined || stamp < first) first = stamp
  }
  for (const cell of cells.values()) {
    if (cell.kind === KIND.lww) look(cell.stamp)
    else if (cell.kind === KIND.set) for (const { stamp } of cell.value.values()) look(stamp)
    else for (const { base } of cell.value.values()) look(base?.stamp)
  }
  return first
}
