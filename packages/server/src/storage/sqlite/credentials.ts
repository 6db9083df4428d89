/** Changing credentials and revoking devices on SQLite: both replace the key bundle, by compare-and-set [KEY-3] [KEY-4]. */
import { equalBytes } from '@lockstep/protocol/bytes'
import { MAX_EPOCH_JUMP } from '@lockstep/protocol/limits'
import type { Connection } from '#storage/sqlite/connection'
import type { LogRows } from '#storage/sqlite/log-rows'
import {
  type CredentialsUpdate,
  type Revocation,
  type RevocationOutcome,
  type StoredRotation,
  type VaultKey,
  VaultRemovedError,
} from '#storage/storage'

export interface CredentialsOptions {
  readonly connection: Connection
  readonly rows: LogRows
  readonly crashPoint: (name: string) => void
}

export function createCredentials({ connection, rows, crashPoint }: CredentialsOptions) {
  const { db } = connection
  const sql = {
    authHash: db.prepare('SELECT auth_hash FROM vaults WHERE number = ?'),
    update: db.prepare(
      `UPDATE vaults SET suite = ?, salt = ?, auth_hash = ?, bundle_version = ?, bundle = ?
       WHERE number = ? AND bundle_version = ? AND bundle_version < ?`,
    ),
    endOthers: db.prepare('DELETE FROM sessions WHERE vault = ? AND token_hash <> ? RETURNING token_hash'),
    endOfDevice: db.prepare('DELETE FROM sessions WHERE vault = ? AND device = ? RETURNING token_hash'),
    revoke: db.prepare('UPDATE devices SET revoked_at = ? WHERE vault = ? AND id = ? AND revoked_at IS NULL'),
    isActive: db.prepare('SELECT 1 FROM devices WHERE vault = ? AND id = ? AND revoked_at IS NULL'),
    putRotation: db.prepare('INSERT INTO rotations (vault, epoch, record) VALUES (?, ?, ?)'),
    rotations: db.prepare('SELECT epoch, record FROM rotations WHERE vault = ? AND epoch > ? ORDER BY epoch'),
  }
  const hashes = (found: readonly Record<string, unknown>[]) => found.map((row) => row['token_hash'] as Uint8Array)

  /** Inside a transaction. Undefined when the stored bundle is not the one that is replaced. */
  function replace(update: CredentialsUpdate): Uint8Array[] | undefined {
    const { vault, suite, salt, authHash, bundle, replaces, keep } = update
    const before = sql.authHash.get(vault)?.['auth_hash'] as Uint8Array | undefined
    if (before === undefined) throw new VaultRemovedError()
    const { changes } = sql.update.run(suite, salt, authHash, bundle.version, bundle.sealed, vault, replaces, bundle.version)
    if (changes === 0) return undefined
    // Another bundle under the same password is no reason to sign anybody out.
    return equalBytes(before, authHash) ? [] : hashes(sql.endOthers.all(vault, keep))
  }

  return {
    update(update: CredentialsUpdate): { readonly ended: readonly Uint8Array[] } | 'bundle-conflict' {
      return connection.transact(() => {
        const ended = replace(update)
        return ended === undefined ? 'bundle-conflict' : { ended }
      })
    },

    revoke(revocation: Revocation): RevocationOutcome {
      const { vault, deviceId, epoch, rotation, head, chain, now } = revocation
      const outcome = connection.transact((): RevocationOutcome => {
        const log = rows.log(vault)
        if (sql.isActive.get(vault, deviceId) === undefined) return { outcome: 'no-device' }
        // Not "plus one": a server that was rolled back may have missed epochs, and must not stand in the way of the next.
        if (log.head !== head || !equalBytes(log.chain, chain) || epoch <= log.epoch) return { outcome: 'run-changed' }
        if (epoch > log.epoch + MAX_EPOCH_JUMP) return { outcome: 'epoch-ahead', epoch: log.epoch }
        const ended = replace(revocation)
        if (ended === undefined) return { outcome: 'bundle-conflict' }
        sql.revoke.run(now, vault, deviceId)
        sql.putRotation.run(vault, epoch, rotation)
        rows.putLog(vault, { ...log, epoch })
        ended.push(...hashes(sql.endOfDevice.all(vault, deviceId)))
        crashPoint('before-revocation-commit')
        return { outcome: 'revoked', ended }
      })
      crashPoint('after-revocation-commit')
      return outcome
    },

    rotations(vault: VaultKey, after: number): StoredRotation[] {
      return sql.rotations.all(vault, after) as unknown as StoredRotation[]
    },
  }
}
