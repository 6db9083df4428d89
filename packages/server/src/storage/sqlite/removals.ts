/**
 * Removing a vault on SQLite: one transaction that deletes all its rows, leaves the digests of its tokens, and notes that free
 * pages are to be given back until none is left (shrinking.ts), because what they held stays in them until then.
 */
import type { Connection } from '#storage/sqlite/connection'
import { type Removal, VaultRemovedError } from '#storage/storage'

/** How long a device may stay away and still be told that its vault was removed. Milliseconds. */
const REMOVED_SESSIONS_KEPT = 180 * 24 * 60 * 60_000

/** Everything that belongs to a vault, in an order that leaves no row without the one it refers to. */
const TABLES = ['merge_parts', 'merges', 'segments', 'replicas', 'rotations', 'shares', 'sessions', 'devices', 'logs'] as const

export function createRemovals(connection: Connection, crashPoint: (name: string) => void) {
  const { db } = connection
  const sql = {
    keepTokens: db.prepare(
      `INSERT OR REPLACE INTO removed_sessions (token_hash, removed_at) SELECT token_hash, ? FROM sessions WHERE vault = ?`,
    ),
    tokens: db.prepare('SELECT token_hash FROM sessions WHERE vault = ?'),
    tables: TABLES.map((table) => db.prepare(`DELETE FROM ${table} WHERE vault = ?`)),
    vault: db.prepare('DELETE FROM vaults WHERE number = ?'),
    guesses: db.prepare('DELETE FROM guesses WHERE substr(bucket, 1, ?) = ?'),
    erase: db.prepare('UPDATE server SET erasing = 1'),
    isRemoved: db.prepare('SELECT 1 FROM removed_sessions WHERE token_hash = ?'),
    oldest: db.prepare('SELECT min(removed_at) AS time FROM removed_sessions'),
    forget: db.prepare('DELETE FROM removed_sessions WHERE removed_at <= ?'),
  }

  return {
    remove({ vault, guesses, now }: Removal): { readonly ended: readonly Uint8Array[] } {
      const result = connection.transactUnchecked(() => {
        const ended = sql.tokens.all(vault).map((row) => row['token_hash'] as Uint8Array)
        sql.keepTokens.run(now, vault)
        for (const table of sql.tables) table.run(vault)
        if (sql.vault.run(vault).changes === 0) throw new VaultRemovedError()
        sql.guesses.run(guesses.length, guesses)
        sql.erase.run()
        crashPoint('before-removal-commit')
        return { ended }
      })
      crashPoint('after-removal-commit')
      return result
    },
    isRemoved: (tokenHash: Uint8Array) => sql.isRemoved.get(tokenHash) !== undefined,
    /** Drops what was kept long enough. */
    forgetOld(now: number): void {
      const until = now - REMOVED_SESSIONS_KEPT
      const oldest = sql.oldest.get()?.['time'] as number | null
      if (oldest === null || oldest > until) return
      connection.transact(() => sql.forget.run(until))
    },
  }
}
