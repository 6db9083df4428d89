/**
 * Guess buckets on SQLite. Times are stored as big-endian u64. Buckets that have run out are dropped with every write,
 * so that the table holds no more than the attempts of the last hour.
 */
import { ByteReader, ByteWriter } from '@lockstep/protocol/bytes'
import type { Connection } from '#storage/sqlite/connection'
import type { GuessBucket, GuessTimes } from '#storage/storage'

function encodeTimes(times: GuessTimes): Uint8Array {
  const out = new ByteWriter(8 * times.length)
  for (const time of times) out.u64(time)
  return out.finish()
}

function decodeTimes(bytes: Uint8Array): GuessTimes {
  const reader = new ByteReader(bytes)
  const times: number[] = []
  while (reader.remaining > 0) times.push(reader.u64())
  return times
}

export function createGuessTable(connection: Connection) {
  const { db } = connection
  const get = db.prepare('SELECT times FROM guesses WHERE bucket = ? AND expires_at > ?')
  const put = db.prepare('INSERT OR REPLACE INTO guesses (bucket, times, expires_at) VALUES (?, ?, ?)')
  const remove = db.prepare('DELETE FROM guesses WHERE bucket = ?')
  const prune = db.prepare('DELETE FROM guesses WHERE expires_at <= ?')

  return {
    change<T>(
      keys: readonly Uint8Array[],
      now: number,
      change: (times: readonly GuessTimes[]) => { readonly store: readonly GuessBucket[]; readonly result: T },
    ): T {
      const read = () =>
        change(
          keys.map((key) => {
            const row = get.get(key, now)
            return row === undefined ? [] : decodeTimes(row['times'] as Uint8Array)
          }),
        )
      // JavaScript runs this without interruption and the database has one connection, so what is read outside the
      // transaction cannot be old. A refused guess, the case a flood consists of, then writes nothing.
      const { store, result } = read()
      if (store.length === 0) return result
      connection.transact(() => {
        prune.run(now)
        for (const { key, times, expiresAt } of store) {
          if (times.length === 0) remove.run(key)
          else put.run(key, encodeTimes(times), expiresAt)
        }
      })
      return result
    },
  }
}
