/**
 * Puts right a row in which one bit has flipped, from its digest alone: of all rows that are one bit away, the one with
 * that digest is the one that was stored. Needs no server, and no other copy, so it helps what was never synced, too.
 *
 * With 53 bits of digest and at most a few hundred thousand tries, a wrong row passes once in 10¹⁰ damaged ones.
 */
import type { DamagedRow } from '#doctor/row-scan'
import type { Row, SqlValue } from '#driver'
import { type RowParts, type StoredShape, storedDigest } from '#row-state'
import type { Store } from '#store'
import { rowsTable } from '#tables'

/** Beyond this many bytes in a row the tries, and the time of each, are too many: some seconds at this size. */
const MOST_BYTES = 24 * 1024
/** Bits of an integer that are tried: SQLite stores no more of a safe one. */
const INTEGER_BITS = 53

/** Where a value was, and what it is to be. */
interface Correction {
  readonly sql: string
  readonly params: readonly SqlValue[]
}

/** Inside a transaction. True if the row is as it was stored now. */
export function flipBack(store: Store, { table, n, row }: DamagedRow): boolean {
  const correction = search(store, table, n, row)
  if (correction === undefined) return false
  store.driver.prepare(correction.sql).run(...correction.params)
  const now = store.driver.prepare(`SELECT * FROM ${rowsTable(table)} WHERE _n = ?`).get(n)
  return now !== undefined && store.rows.isIntact(table, now)
}

function search(store: Store, table: string, n: number, row: Row): Correction | undefined {
  const digest = row['_digest']
  const rows = rowsTable(table)
  const parts = store.rows.parts(table, row)
  const shape = shapeOf(store, row)
  if (typeof digest !== 'number' || shape === undefined) return undefined
  const raw = rawTexts(store, table, n, row)
  if (sizeOf(row, raw, parts) > MOST_BYTES) return undefined
  const same = (changed: Row, changedParts: RowParts = parts) => digestOf(changed, shape, changedParts) === digest
  const update = (column: string, value: SqlValue): Correction => ({
    sql: `UPDATE ${rows} SET "${column}" = ? WHERE _n = ?`,
    params: [value, n],
  })
  const found = digestOf(row, shape, parts)
  if (found !== undefined && differByOneBit(found, digest)) return update('_digest', found)
  for (const [column, value] of Object.entries(row)) {
    if (column === '_n' || column === '_shape' || column === '_digest') continue
    for (const candidate of candidates(value, raw.get(column))) {
      if (same({ ...row, [column]: candidate })) return update(column, candidate)
    }
  }
  for (const [name, key] of [
    ['cells', 'n'],
    ['foreign', 'id'],
  ] as const) {
    for (const [at, { col, cell }] of parts[name].entries()) {
      for (const candidate of flippedBytes(cell)) {
        const list = parts[name].map((part, i) => (i === at ? { col, cell: candidate } : part))
        if (!same(row, { ...parts, [name]: list })) continue
        const sql = `UPDATE _${name} SET cell = ? WHERE tbl = ? AND ${key} = ? AND col = ?`
        return { sql, params: [candidate.slice(), table, key === 'n' ? n : (row['id'] as string), col] }
      }
    }
  }
  return undefined
}

function shapeOf(store: Store, row: Row): StoredShape | undefined {
  try {
    return store.rows.storedShape(Number(row['_shape']))
  } catch {
    return undefined
  }
}

/** Undefined where the row is too damaged to have a digest. */
function digestOf(row: Row, shape: StoredShape, parts: RowParts): number | undefined {
  try {
    return storedDigest(row, shape, parts)
  } catch {
    return undefined
  }
}

/** Texts byte by byte: what is no UTF-8 any more is read as replacement characters otherwise. */
function rawTexts({ driver }: Store, table: string, n: number, row: Row): ReadonlyMap<string, Uint8Array> {
  const names = Object.entries(row).flatMap(([name, value]) => (typeof value === 'string' ? [name] : []))
  const list = names.map((name) => `CAST("${name}" AS BLOB)`).join(', ')
  const [values] = driver.prepare(`SELECT ${list} FROM ${rowsTable(table)} WHERE _n = ?`).values(n)
  return new Map(names.map((name, i) => [name, values?.[i] as Uint8Array]))
}

function sizeOf(row: Row, raw: ReadonlyMap<string, Uint8Array>, { cells, foreign }: RowParts): number {
  let bytes = 0
  for (const value of [...Object.values(row), ...raw.values(), ...[...cells, ...foreign].map(({ cell }) => cell)]) {
    bytes += value instanceof Uint8Array ? value.length : 8
  }
  return bytes
}

function* candidates(value: SqlValue, raw: Uint8Array | undefined): Generator<SqlValue> {
  if (typeof value === 'number') yield* flippedNumbers(value)
  else if (value instanceof Uint8Array) for (const bytes of flippedBytes(value)) yield bytes.slice()
  else if (raw !== undefined) {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    for (const bytes of flippedBytes(raw)) {
      try {
        yield decoder.decode(bytes)
      } catch {
        // No text: not what was stored.
      }
    }
  }
}

/** The same array again and again, each time with another bit flipped. */
function* flippedBytes(bytes: Uint8Array): Generator<Uint8Array> {
  const copy = bytes.slice()
  for (let i = 0; i < copy.length; i++) {
    const byte = copy[i] as number
    for (let bit = 0; bit < 8; bit++) {
      copy[i] = byte ^ (1 << bit)
      yield copy
    }
    copy[i] = byte
  }
}

/** One bit of the integer, or of the float, that SQLite stores. */
function* flippedNumbers(value: number): Generator<number> {
  if (Number.isSafeInteger(value)) {
    for (let bit = 0n; bit < INTEGER_BITS; bit++) {
      const flipped = Number(BigInt(value) ^ (1n << bit))
      if (Number.isSafeInteger(flipped)) yield flipped
    }
    // A sign bit stands wherever the integer's 1, 2, 3, 4, 6 or 8 bytes end.
    for (const bits of [8, 16, 24, 32, 48]) yield value + (value < 0 ? 2 ** bits : -(2 ** bits))
  }
  const view = new DataView(new ArrayBuffer(8))
  for (let bit = 0n; bit < 64n; bit++) {
    view.setFloat64(0, value)
    view.setBigUint64(0, view.getBigUint64(0) ^ (1n << bit))
    const flipped = view.getFloat64(0)
    if (!Number.isNaN(flipped)) yield flipped
  }
}

function differByOneBit(a: number, b: number): boolean {
  const difference = BigInt(a) ^ BigInt(b)
  return difference !== 0n && (difference & (difference - 1n)) === 0n
}
