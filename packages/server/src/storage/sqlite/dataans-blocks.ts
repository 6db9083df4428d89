/**
 * Block hashes of the Dataans dialect on SQLite. Those for 16 operations a block are kept, each with the place of its first
 * operation, so that a change makes anew only the blocks from the one it lands in:
 *
 *     before   |aaaaaaaaaaaaaaaa|bbbbbbbbbbbbbbbb|cccc|       one more after the last c:  the block of c
 *     after    |aaaaaaaaaaaaaaaa|bbbNbbbbbbbbbbbb|bcccc|      one in the middle of b:     b and what follows
 *
 * They are made of the checksums in the index, once for each batch of operations, in the batch's transaction. This process has
 * them in memory too (2 MB for a million operations). For other lengths they are made when they are asked for and
 * remembered until something is added.
 */
import { compareBytes } from '@lockstep/protocol/bytes'
import { ITEMS_PER_BLOCK } from '#storage/dataans'
import type { Connection } from '#storage/sqlite/connection'

const HASH_BYTES = 32
export const PLACE_BYTES = 28
const ENTRY_BYTES = PLACE_BYTES + HASH_BYTES
/** Operations whose place and checksum are read at once. */
const READ_AT_ONCE = 4096
/** Of hashes that are remembered as they were given. */
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
    // Answered by the index alone, as one value: a row for each would take most of the time.
    entries: db.prepare(
      `SELECT unhex(group_concat(hex(place) || hex(checksum), '' ORDER BY place)) AS entries
       FROM (SELECT place, checksum FROM dataans_operations WHERE place > ? ORDER BY place LIMIT ${READ_AT_ONCE})`,
    ),
    placeBefore: db.prepare('SELECT place FROM dataans_operations WHERE place < ? ORDER BY place DESC LIMIT 1'),
  }
}

/** The first `length` bytes, with room for `extra` behind them. */
function grown(bytes: Uint8Array<ArrayBuffer>, length: number, extra: number): Uint8Array<ArrayBuffer> {
  if (length + extra <= bytes.length) return bytes
  const larger = new Uint8Array(Math.max(2 * bytes.length, length + extra))
  larger.set(bytes.subarray(0, length))
  return larger
}

/** Hashes one after another. */
class HashList {
  #bytes = new Uint8Array(0)
  #length = 0

  /** Goes on behind the hash number `count`. */
  cut(count: number): void {
    this.#length = HASH_BYTES * count
  }

  push(hash: Uint8Array): void {
    this.#bytes = grown(this.#bytes, this.#length, HASH_BYTES)
    this.#bytes.set(hash, this.#length)
    this.#length += HASH_BYTES
  }

  /** A copy. */
  all(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }
}

export function createDataansBlocks({ connection, sha256 }: BlocksOptions) {
  const sql = prepare(connection)
  const remembered = new Map<number, Uint8Array>()
  let kept: HashList | undefined

  function firstOf(block: number): Uint8Array {
    const row = sql.first.get(block)
    if (row === undefined) throw new Error('a block of operations is missing')
    return row['first'] as Uint8Array
  }

  /** Runs of the operations behind a place: the place of each run's first one, and the hash. */
  function* runs(after: Uint8Array, length: number): Generator<readonly [first: Uint8Array, hash: Uint8Array]> {
    let checksums = new Uint8Array(HASH_BYTES * ITEMS_PER_BLOCK)
    let filled = 0
    let first = after
    let place = after
    for (;;) {
      const entries = sql.entries.get(place)?.['entries'] as Uint8Array | null
      if (entries === null) break
      for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
        place = entries.subarray(at, at + PLACE_BYTES)
        if (filled === 0) first = place
        checksums = grown(checksums, filled, HASH_BYTES)
        checksums.set(entries.subarray(at + PLACE_BYTES, at + ENTRY_BYTES), filled)
        filled += HASH_BYTES
        if (filled < HASH_BYTES * length) continue
        yield [first, sha256(checksums.subarray(0, filled))]
        filled = 0
      }
      if (entries.length < ENTRY_BYTES * READ_AT_ONCE) break
    }
    if (filled > 0) yield [first, sha256(checksums.subarray(0, filled))]
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

  function keptHashes(): HashList {
    if (kept === undefined) {
      kept = new HashList()
      for (const row of sql.hashes.all()) kept.push(row['hash'] as Uint8Array)
    }
    return kept
  }

  function madeHashes(itemsPerBlock: number): Uint8Array {
    const list = new HashList()
    for (const [, hash] of runs(new Uint8Array(0), itemsPerBlock)) list.push(hash)
    return list.all()
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
      const { operations, greatest } = before
      const isBehind = greatest === undefined || compareBytes(least, greatest) > 0
      const blocks = Math.ceil(operations / ITEMS_PER_BLOCK)
      let block = isBehind ? Math.floor(operations / ITEMS_PER_BLOCK) : blockAt(least, blocks)
      const first = block < blocks ? firstOf(block) : least
      const from = compareBytes(least, first) < 0 ? least : first
      const after = sql.placeBefore.get(from)?.['place'] as Uint8Array | undefined
      const hashes = keptHashes()
      hashes.cut(block)
      for (const [place, hash] of runs(after ?? new Uint8Array(0), ITEMS_PER_BLOCK)) {
        sql.put.run(block, place, hash)
        hashes.push(hash)
        block += 1
      }
      remembered.clear()
    },

    /** What is in memory may not be what is stored: a transaction that made it was rolled back. */
    forget(): void {
      kept = undefined
      remembered.clear()
    },

    /** Hashes of blocks of any length, one after another: the same bytes again until something is added. */
    hashes(itemsPerBlock: number): Uint8Array {
      const known = remembered.get(itemsPerBlock)
      if (known !== undefined) return known
      const made = itemsPerBlock === ITEMS_PER_BLOCK ? keptHashes().all() : madeHashes(itemsPerBlock)
      let bytes = made.length
      for (const { length } of remembered.values()) bytes += length
      if (bytes > REMEMBERED_BYTES) remembered.clear()
      if (made.length <= REMEMBERED_BYTES) remembered.set(itemsPerBlock, made)
      return made
    },
  }
}

export type DataansBlocks = ReturnType<typeof createDataansBlocks>
