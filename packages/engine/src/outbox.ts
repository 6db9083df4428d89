/**
 * From pending rows to sealed segments, and from there to "the server has them" [LOG-2].
 *
 * Pending is state, not a log: a row is pending `since` a stamp, and what is sent are its cells with this replica's
 * stamps from then on, as they are when the segment is made. A hundred edits of one cell while offline are one cell.
 * Counter and stamps enter the database in the transaction that stores the exact sealed bytes; a segment that was
 * sealed but not stored was never sent, so its counter is free.
 */
import { equalBytes, fromHex } from '@lockstep/protocol/bytes'
import type { Sha256 } from '@lockstep/protocol/chain'
import { DIGEST_BYTES, SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { type Gathered, Gatherer } from '#gather'
import type { Sealer } from '#sealing'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { sinceAfter } from '#transaction'

/** Bodies sealed in one transaction, bytes: one fsync for many segments. */
const SEAL_BYTES = 2 * 1024 * 1024

/** A segment that is sealed and not yet stored. */
interface SealedSegment {
  readonly counter: number
  readonly previous: Uint8Array
  readonly digest: Uint8Array
  readonly bytes: Uint8Array
}

/** A segment as it waits to be sent. */
export interface OutboxSegment {
  readonly counter: number
  readonly rows: number
  readonly record: SegmentRecord
}

export class Outbox {
  readonly #store: Store
  readonly #sealer: Sealer
  readonly #sha256: Sha256

  constructor(store: Store, sealer: Sealer, sha256: Sha256) {
    this.#store = store
    this.#sealer = sealer
    this.#sha256 = sha256
  }

  /** Counter and digest of this replica's last sealed segment. */
  last(): { readonly counter: number; readonly digest: Uint8Array } {
    const row = this.#store.driver.prepare('SELECT counter, digest FROM _segments ORDER BY counter DESC LIMIT 1').get()
    if (row === undefined) return { counter: 0, digest: new Uint8Array(DIGEST_BYTES) }
    return { counter: Number(row['counter']), digest: row['digest'] as Uint8Array }
  }

  hasPending(): boolean {
    return this.#store.driver.prepare('SELECT 1 FROM _pending LIMIT 1').get() !== undefined
  }

  /** Rows and edits that are not in a sealed segment. */
  pendingRows(): number {
    return Number(this.#store.driver.prepare('SELECT count(*) AS c FROM _pending').get()?.['c'] ?? 0)
  }

  /**
   * Seals pending rows into the outbox, up to {@link SEAL_BYTES} of bodies in one transaction. Returns the rows it took, 0
   * where nothing was pending. One call at a time; rows may be written while it waits for encryption.
   */
  async sealNext(): Promise<number> {
    const { replica, driver } = this.#store
    const start = this.last()
    const { epoch } = this.#sealer
    const gatherer = new Gatherer(this.#store, epoch)
    const done: { readonly gathered: Gathered; readonly sealed: readonly SealedSegment[] }[] = []
    let { counter, digest: previous } = start
    let bytes = 0
    for (let next = gatherer.next(); next !== undefined; ) {
      const gathered = next
      next = undefined
      const sealed: SealedSegment[] = []
      for (const encoder of gathered.encoders) {
        counter++
        const body = encoder.finish(counter, previous)
        bytes += body.length
        const sealing = this.#sealer.seal({ kind: SEGMENT_KIND.delta, epoch, replica: fromHex(replica), counter }, body)
        // The next rows are read while other threads compress and encrypt these. Only the digest has to wait for them.
        if (sealed.length === gathered.encoders.length - 1 && bytes < SEAL_BYTES) next = gatherer.next()
        const segment = { counter, previous, bytes: await sealing }
        previous = this.#sha256(segment.bytes)
        sealed.push({ ...segment, digest: previous })
      }
      if (sealed.length === 0) next = gatherer.next()
      done.push({ gathered, sealed })
    }
    if (done.length === 0) return 0
    this.#store.write('remote', () => {
      // Another process on the same home may have sealed meanwhile: then these bytes were never anybody's, and are dropped.
      // The same counter is not enough: it may have been sealed anew, with the key of another epoch.
      const now = this.last()
      if (this.#store.replica !== replica || now.counter !== start.counter || !equalBytes(now.digest, start.digest)) return
      const insert = driver.prepare(
        'INSERT INTO _segments (counter, digest, previous, epoch, time, rows, seq, sealed) VALUES (?, ?, ?, ?, ?, ?, NULL, ?)',
      )
      // A segment's time bounds the stamps of this replica in it and before it.
      let time = String(driver.prepare('SELECT time FROM _segments ORDER BY counter DESC LIMIT 1').get()?.['time'] ?? '')
      for (const { gathered, sealed } of done) {
        sealed.forEach((segment, i) => {
          // A row has arrived when its last part has.
          if (i === sealed.length - 1 && gathered.time > time) time = gathered.time
          const rows = i === 0 ? gathered.rows : 0
          insert.run(segment.counter, segment.digest, segment.previous, epoch, time, rows, segment.bytes)
        })
        this.#settle(gathered)
      }
    })
    return done.reduce((sum, { gathered }) => sum + gathered.rows, 0)
  }

  /** Takes from pending what a stored segment holds. A row that was written again since stays, with what is new. */
  #settle({ runs, edits, seen }: Gathered): void {
    const { driver } = this.#store
    for (const { table, first, last, edited } of runs) {
      const physical = rowsTable(table)
      driver
        .prepare(
          `DELETE FROM _pending WHERE tbl = ? AND n BETWEEN ? AND ? AND (SELECT _edited FROM ${physical} WHERE _n = _pending.n) = ?`,
        )
        .run(table, first, last, edited)
      driver
        .prepare('UPDATE _pending SET since = max(since, ?) WHERE tbl = ? AND n BETWEEN ? AND ?')
        .run(sinceAfter(edited), table, first, last)
    }
    for (const { table, n, seq } of edits) {
      driver.prepare('DELETE FROM _pending_text WHERE tbl = ? AND n = ? AND seq <= ?').run(table, n, seq)
    }
    for (const [replica, counter] of seen) driver.prepare('UPDATE _replicas SET told = ? WHERE replica = ?').run(counter, replica)
  }

  /** The oldest segments that the server is not known to have, up to `limit` bytes but at least one. */
  unsent(limit: number): OutboxSegment[] {
    const out: OutboxSegment[] = []
    let bytes = 0
    // The replica comes with the segments: another process may just have changed both.
    const rows = this.#store.driver.prepare(
      "SELECT *, (SELECT value FROM _meta WHERE key = 'replica') AS replica FROM _segments WHERE seq IS NULL ORDER BY counter",
    )
    for (const row of rows.iterate()) {
      const sealed = row['sealed'] as Uint8Array
      bytes += sealed.length
      if (out.length > 0 && bytes > limit) break
      const counter = Number(row['counter'])
      const record: SegmentRecord = {
        kind: SEGMENT_KIND.delta,
        epoch: Number(row['epoch']),
        replica: fromHex(String(row['replica'])),
        counter,
        previous: row['previous'] as Uint8Array,
        sealed,
      }
      out.push({ counter, rows: Number(row['rows']), record })
    }
    return out
  }

  unsentCount(): { readonly segments: number; readonly bytes: number } {
    const row = this.#store.driver
      .prepare('SELECT count(*) AS segments, coalesce(sum(length(sealed)), 0) AS bytes FROM _segments WHERE seq IS NULL')
      .get()
    return { segments: Number(row?.['segments'] ?? 0), bytes: Number(row?.['bytes'] ?? 0) }
  }

  /** Inside a transaction: the server has this replica's segment `counter` under `sequence`. */
  acknowledge(counter: number, sequence: number): void {
    this.#store.driver.prepare('UPDATE _segments SET seq = ? WHERE counter = ? AND seq IS NULL').run(sequence, counter)
  }

  /** The earliest own segment that this database remembers; those before it were confirmed long ago. */
  firstCounter(): number {
    return Number(this.#store.driver.prepare('SELECT min(counter) AS first FROM _segments').get()?.['first'] ?? 1)
  }

  /** Digest of our own segment `counter`, undefined where we never made it. */
  digestOf(counter: number): Uint8Array | undefined {
    return this.#store.driver.prepare('SELECT digest FROM _segments WHERE counter = ?').get(counter)?.['digest'] as
      | Uint8Array
      | undefined
  }
}
