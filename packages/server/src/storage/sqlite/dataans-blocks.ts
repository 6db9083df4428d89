/**
 * Block hashes of the Dataans dialect on SQLite. Those for 16 operations a block are kept, each with the place of its first
 * operation, so that a change makes anew only the blocks from the one it lands in:
 *
 *     before   |aaaaaaaaaaaaaaaa|bbbbbbbbbbbbbbbb|cccc|       one more after the last c:  the block of c
 *     after    |aaaaaaaaaaaaaaaa|bbbNbbbbbbbbbbbb|bcccc|      one in the middle of b:     b and what follows
 *
 * They are made of the checksums in the index, once for each batch of operations, in the batch's transaction. For other
 * lengths they are made when they are asked for and remembered until something is added.
 */
import { compareBytes } from '@lockstep/protocol/bytes'
import { ITEMS_PER_BLOCK } from '#storage/dataans'
import type { Connection } from '#storage/sqlite/connection'

const HASH_BYTES = 32
/** Of hashes that are remembered for other lengths. */
const REMEMBERED_BYTES = 8 * 1024 * 1024

export interface BlocksOptions {
  readonly connection: Connection
  readonly sha256: (bytes: Uint8Array) => Uint8Array
}

function prepare({ db }: Connection) {
  return {
    hashes: db.prepare('SELECT hash FROM dataans_blocks ORDER BY number'),
    first: db.prepare('SELECT first FROM dataans_blocks WHERE number = ?'),
    put: db.prepare(
      `INSERT INTO dataans_blocks (number, first, hash) VALUES (?, ?, ?)
       ON CONFLICT (number) DO UPDATE SET first = excluded.first, hash = excluded.hash`,
    ),
    // Answered by the index alone.
    checksums: db.prepare('SELECT place, checksum FROM dataans_operations WHERE place >= ? ORDER BY place'),
  }
}

function joined(hashes: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(HASH_BYTES * hashes.length)
  hashes.forEach((hash, i) => {
    out.set(hash, HASH_BYTES * i)
  })
  return out
}

export function createDataansBlocks({ connection, sha256 }: BlocksOptions) {
  const sql = prepare(connection)
  const remembered = new Map<number, Uint8Array>()

  function firstOf(block: number): Uint8Array {
    const row = sql.first.get(block)
    if (row === undefined) throw new Error('a block of operations is missing')
    return row['first'] as Uint8Array
  }

  /** Runs of the operations from a place on: the place of each run's first one, and the hash. */
  function* runs(from: Uint8Array, length: number): Generator<readonly [first: Uint8Array, hash: Uint8Array]> {
    let room = new Uint8Array(HASH_BYTES * Math.min(length, ITEMS_PER_BLOCK))
    let first: Uint8Array | undefined
    let filled = 0
    for (const row of sql.checksums.iterate(from)) {
      first ??= row['place'] as Uint8Array
      if (filled === room.length) {
        const grown = new Uint8Array(2 * filled)
        grown.set(room)
        room = grown
      }
      room.set(row['checksum'] as Uint8Array, filled)
      filled += HASH_BYTES
      if (filled < HASH_BYTES * length) continue
      yield [first, sha256(room.subarray(0, filled))]
      first = undefined
      filled = 0
    }
    if (first !== undefined) yield [first, sha256(room.subarray(0, filled))]
  }

  /** The greatest of `blocks` blocks that does not begin after a place; 0 when all do. */
  function blockAt(place: Uint8Array, blocks: number): number {
    let low = 0
    let high = blocks - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (compareBytes(firstOf(middle), place) <= 0) low = middle
      else high = middle - 1
    }
    return low
  }

  return {
    firstOf,

    /**
     * Makes anew what the operations that were just added have changed; part of the transaction that added them.
     *
     * @param least the least place of those added
     * @param before how many operations there were before, and the greatest place among them
     */
    update(least: Uint8Array, before: { readonly operations: number; readonly greatest: Uint8Array | undefined }): void {
      remembered.clear()
      const { operations, greatest } = before
      const isBehind = greatest === undefined || compareBytes(least, greatest) > 0
      let block = isBehind ? Math.floor(operations / ITEMS_PER_BLOCK) : blockAt(least, Math.ceil(operations / ITEMS_PER_BLOCK))
      const isNew = isBehind && operations % ITEMS_PER_BLOCK === 0
      const first = isNew ? least : firstOf(block)
      for (const [place, hash] of runs(compareBytes(least, first) < 0 ? least : first, ITEMS_PER_BLOCK)) {
        sql.put.run(block, place, hash)
        block += 1
      }
    },

    /** Hashes of blocks of any length, one after another. */
    hashes(itemsPerBlock: number): Uint8Array {
      if (itemsPerBlock === ITEMS_PER_BLOCK) {
        return joined(sql.hashes.all().map((row) => row['hash'] as Uint8Array))
      }
      const known = remembered.get(itemsPerBlock)
      if (known !== undefined) return known
      const made = joined(Array.from(runs(new Uint8Array(0), itemsPerBlock), ([, hash]) => hash))
      let bytes = made.length
      for (const { length } of remembered.values()) bytes += length
      if (bytes > REMEMBERED_BYTES) remembered.clear()
      if (made.length <= REMEMBERED_BYTES) remembered.set(itemsPerBlock, made)
      return made
    },
  }
}

export type DataansBlocks = ReturnType<typeof createDataansBlocks>
