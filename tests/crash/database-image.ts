/** A database as bytes: what is in it, and how its write-ahead log is laid out. */
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

/** Everything that the tables hold, as one digest. Two databases with the same one hold the same. */
export function contentDigest(db: DatabaseSync): string {
  const hash = createHash('sha256')
  const tables = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name").all() as {
    name: string
    sql: string
  }[]
  for (const { name, sql } of tables) {
    hash.update(`${name}\n${sql}\n`)
    // A virtual table's content is in tables of its own.
    if (/^CREATE VIRTUAL/i.test(sql)) continue
    const statement = db.prepare(`SELECT * FROM "${name}"`)
    statement.setReadBigInts(true)
    for (const row of statement.iterate()) {
      for (const value of Object.values(row)) {
        hash.update(value instanceof Uint8Array ? value : String(value)).update(value === null ? 'null' : typeof value)
      }
    }
  }
  return hash.digest('hex')
}

const LOG_HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24

/** Where the frames of a write-ahead log end, the header's end first (https://www.sqlite.org/fileformat2.html#walformat). */
export function frameEnds(log: Uint8Array): number[] {
  if (log.length < LOG_HEADER_BYTES) return []
  const pageSize = new DataView(log.buffer, log.byteOffset).getUint32(8)
  const ends: number[] = []
  for (let at = LOG_HEADER_BYTES; at <= log.length; at += FRAME_HEADER_BYTES + pageSize) ends.push(at)
  return ends
}
