/** The Dataans dialect's operations on SQLite: added in batches, read in pages. */
import { ByteWriter, compareBytes, equalBytes } from '@lockstep/protocol/bytes'
import {
  type AddOutcome,
  type DataansOperation,
  ITEMS_PER_BLOCK,
  type NewDataansOperation,
  type OperationsPage,
  type OperationsRest,
} from '#storage/dataans'
import type { Connection } from '#storage/sqlite/connection'
import { type DataansBlocks, PLACE_BYTES } from '#storage/sqlite/dataans-blocks'
import type { DataansTotals } from '#storage/sqlite/dataans-totals'

type Row = Record<string, unknown>

const SECONDS_BIAS = 2 ** 40
const ID_BYTES = 16
const BEFORE_ALL = new Uint8Array(0)

export interface OperationsOptions {
  readonly connection: Connection
  readonly blocks: DataansBlocks
  readonly totals: DataansTotals
  readonly crashPoint: (name: string) => void
}

/** Rolls a batch back. */
class Refused extends Error {
  readonly outcome: Exclude<AddOutcome, { outcome: 'stored' }>
  constructor(outcome: Refused['outcome']) {
    super(outcome.outcome)
    this.outcome = outcome
  }
}

/** Where an operation stands among all: 28 bytes that sort as operations do. */
export function placeOf({ instant: { seconds, nanoseconds }, id }: Pick<NewDataansOperation, 'instant' | 'id'>): Uint8Array {
  return new ByteWriter(PLACE_BYTES)
    .u64(seconds + SECONDS_BIAS)
    .u32(nanoseconds)
    .raw(id)
    .finish()
}

function toOperation(row: Row): DataansOperation {
  return {
    id: (row['place'] as Uint8Array).subarray(PLACE_BYTES - ID_BYTES),
    createdAt: row['created_at'] as string,
    checksum: row['checksum'] as Uint8Array,
    data: row['data'] as Uint8Array,
  }
}

function prepare({ db }: Connection) {
  return {
    known: db.prepare('SELECT checksum FROM dataans_operations WHERE id = ?'),
    insert: db.prepare('INSERT INTO dataans_operations (place, id, checksum, created_at, data) VALUES (?, ?, ?, ?, ?)'),
    greatest: db.prepare('SELECT place FROM dataans_operations ORDER BY place DESC LIMIT 1'),
    newest: db.prepare('SELECT max(number) AS number FROM dataans_operations'),
    placeAt: db.prepare('SELECT place FROM dataans_operations WHERE place >= ? ORDER BY place LIMIT 1 OFFSET ?'),
    page: db.prepare(
      `SELECT place, created_at, checksum, data FROM dataans_operations INDEXED BY dataans_operations_in_order
       WHERE place > ? AND number <= ? ORDER BY place`,
    ),
  }
}

export function createDataansOperations({ connection, blocks, totals, crashPoint }: OperationsOptions) {
  const sql = prepare(connection)

  function addBatch(operations: readonly NewDataansOperation[], quota: number): AddOutcome {
    const before = totals.read()
    const greatest = sql.greatest.get()?.['place'] as Uint8Array | undefined
    let least: Uint8Array | undefined
    let added = 0
    let bytes = 0
    for (const operation of operations) {
      const { id, checksum, createdAt, data } = operation
      const known = sql.known.get(id)?.['checksum'] as Uint8Array | undefined
      if (known !== undefined) {
        if (!equalBytes(known, checksum)) throw new Refused({ outcome: 'conflict', id })
        continue
      }
      const place = placeOf(operation)
      sql.insert.run(place, id, checksum, createdAt, data)
      if (least === undefined || compareBytes(place, least) < 0) least = place
      added += 1
      bytes += data.length
    }
    if (least === undefined) return { outcome: 'stored', added }
    const all = before.operationBytes + before.fileBytes + bytes
    if (quota > 0 && all > quota) throw new Refused({ outcome: 'quota-exceeded', bytes: all })
    blocks.update(least, { operations: before.operations, greatest })
    totals.addOperations(added, bytes)
    crashPoint('dataans-before-commit')
    return { outcome: 'stored', added }
  }

  /** The place of the last operation that is skipped; undefined when there are no more. */
  function placeBefore(skip: number): Uint8Array | undefined {
    if (skip === 0) return BEFORE_ALL
    if (skip >= totals.read().operations) return undefined
    const last = skip - 1
    const first = blocks.firstOf(Math.floor(last / ITEMS_PER_BLOCK))
    return sql.placeAt.get(first, last % ITEMS_PER_BLOCK)?.['place'] as Uint8Array | undefined
  }

  function begin(skip: number): OperationsRest | undefined {
    const after = placeBefore(skip)
    const through = sql.newest.get()?.['number'] as number | null
    return after === undefined || through === null ? undefined : { after, through }
  }

  return {
    add(operations: readonly NewDataansOperation[], quota: number): AddOutcome {
      try {
        const outcome = connection.transact(() => addBatch(operations, quota))
        crashPoint('dataans-after-commit')
        return outcome
      } catch (error) {
        blocks.forget()
        if (error instanceof Refused) return error.outcome
        throw error
      }
    },

    page(from: number | OperationsRest, maxBytes: number): OperationsPage {
      const start = typeof from === 'number' ? begin(from) : from
      const operations: DataansOperation[] = []
      if (start === undefined) return { operations, rest: undefined }
      let bytes = 0
      for (const row of sql.page.iterate(start.after, start.through)) {
        const operation = toOperation(row)
        operations.push(operation)
        bytes += operation.data.length
        if (bytes >= maxBytes) return { operations, rest: { ...start, after: row['place'] as Uint8Array } }
      }
      return { operations, rest: undefined }
    },
  }
}
