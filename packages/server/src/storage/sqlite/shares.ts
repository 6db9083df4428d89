/** Shares on SQLite. What is taken away is overwritten where it lay: every transaction here erases. */
import { equalBytes } from '@lockstep/protocol/bytes'
import type { NewShare, ShareOutcome } from '#storage/shares'
import type { Connection } from '#storage/sqlite/connection'
import { type LogRows, sha256 } from '#storage/sqlite/log-rows'
import type { VaultKey } from '#storage/storage'

export interface SharesOptions {
  readonly connection: Connection
  readonly rows: LogRows
  readonly crashPoint: (name: string) => void
}

interface Known {
  readonly vault: VaultKey
  readonly digest: Uint8Array
  readonly bytes: number
}

export function createShares({ connection, rows, crashPoint }: SharesOptions) {
  const { db } = connection
  const sql = {
    known: db.prepare('SELECT vault, digest, length(sealed) AS bytes FROM shares WHERE id = ?'),
    get: db.prepare('SELECT sealed FROM shares WHERE id = ?'),
    count: db.prepare('SELECT count(*) AS n FROM shares WHERE vault = ?'),
    insert: db.prepare('INSERT INTO shares (id, vault, created_at, digest, sealed) VALUES (?, ?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM shares WHERE id = ?'),
  }
  const known = (id: Uint8Array) => sql.known.get(id) as Known | undefined

  function putInTransaction({ vault, id, sealed, now, quota, most }: NewShare): ShareOutcome {
    const log = rows.log(vault)
    const old = known(id)
    if (old !== undefined && old.vault !== vault) return { outcome: 'taken' }
    const digest = sha256(sealed)
    if (old !== undefined && equalBytes(old.digest, digest)) return { outcome: 'stored' }
    if (old === undefined && (sql.count.get(vault)?.['n'] as number) >= most) return { outcome: 'too-many' }
    const grown = sealed.length - (old?.bytes ?? 0)
    const bytes = log.bytes + log.shareBytes + grown
    if (quota > 0 && grown > 0 && bytes > quota) return { outcome: 'quota-exceeded', bytes }
    sql.remove.run(id)
    sql.insert.run(id, vault, now, digest, sealed)
    rows.addShareBytes(vault, grown)
    return { outcome: 'stored' }
  }

  return {
    put(share: NewShare): ShareOutcome {
      const outcome = connection.transactErasing(() => {
        const result = putInTransaction(share)
        crashPoint('before-share-commit')
        return result
      })
      crashPoint('after-share-commit')
      return outcome
    },
    get: (id: Uint8Array) => sql.get.get(id)?.['sealed'] as Uint8Array | undefined,
    remove(vault: VaultKey, id: Uint8Array): 'removed' | 'taken' {
      const outcome = connection.transactErasing(() => {
        const old = known(id)
        if (old === undefined) return 'removed'
        if (old.vault !== vault) return 'taken'
        sql.remove.run(id)
        rows.addShareBytes(vault, -old.bytes)
        crashPoint('before-share-commit')
        return 'removed'
      })
      crashPoint('after-share-commit')
      return outcome
    },
  }
}
