/** Codes of the diff·log dialect on SQLite. Those that have run out are dropped with every write. */
import type { CodeKind, NewCode } from '#storage/difflog'
import type { Connection } from '#storage/sqlite/connection'

export function createDifflogCodes(connection: Connection) {
  const { db } = connection
  const sql = {
    prune: db.prepare('DELETE FROM difflog_codes WHERE expires_at <= ?'),
    get: db.prepare('SELECT value FROM difflog_codes WHERE kind = ? AND code = ? AND expires_at > ?'),
    count: db.prepare('SELECT count(*) AS n FROM difflog_codes WHERE kind = ? AND code <> ?'),
    put: db.prepare('INSERT OR REPLACE INTO difflog_codes (kind, code, expires_at, value) VALUES (?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM difflog_codes WHERE kind = ? AND code = ?'),
    removeOf: db.prepare("DELETE FROM difflog_codes WHERE kind = 'share' AND value = ?"),
  }

  function get(kind: CodeKind, code: string, now: number): string | undefined {
    return sql.get.get(kind, code, now)?.['value'] as string | undefined
  }

  return {
    get,
    put({ kind, code, value, expiresAt, now, most }: NewCode, fresh: boolean): 'stored' | 'taken' | 'full' {
      return connection.transact(() => {
        sql.prune.run(now)
        if (fresh && get(kind, code, now) !== undefined) return 'taken'
        if ((sql.count.get(kind, code)?.['n'] as number) >= most) return 'full'
        sql.put.run(kind, code, expiresAt, value)
        return 'stored'
      })
    },
    take(kind: CodeKind, code: string, now: number): string | undefined {
      // Nothing else runs between the two; a code that is not there costs no transaction.
      const value = get(kind, code, now)
      if (value === undefined) return undefined
      connection.transact(() => {
        sql.prune.run(now)
        sql.remove.run(kind, code)
      })
      return value
    },
    /** Inside a transaction. */
    removeOfProfile(id: string): void {
      sql.removeOf.run(id)
    },
  }
}
