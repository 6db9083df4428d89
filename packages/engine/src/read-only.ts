/**
 * Keeps reading to reading: what apps query with must not write a synced table past `transact`, or the write would never
 * leave the device. SQLite itself says which statements write: their compiled program begins a write transaction.
 */
import type { Driver } from '#driver'
import { EngineError } from '#errors'

/** Queries known to read, kept per connection. */
const KNOWN_QUERIES = 512
const known = new WeakMap<Driver, Set<string>>()

/** @throws EngineError `not-a-query` for SQL that writes; DriverError for wrong SQL. */
export function assertReads(driver: Driver, sql: string): void {
  let reads = known.get(driver)
  if (reads === undefined || reads.size >= KNOWN_QUERIES) {
    reads = new Set()
    known.set(driver, reads)
  }
  if (reads.has(sql)) return
  // Opcode Transaction: P2 is 0 for reading (https://www.sqlite.org/opcode.html).
  const writes = driver
    .prepare(`EXPLAIN ${sql}`)
    .all()
    .some(({ opcode, p2 }) => opcode === 'Transaction' && p2 !== 0)
  if (writes) throw new EngineError('not-a-query', 'this SQL writes: synced tables are written in `transact` only')
  reads.add(sql)
}
