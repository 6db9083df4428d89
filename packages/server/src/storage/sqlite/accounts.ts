/** Vaults, sessions and devices on SQLite. Every function is one transaction; see the storage interface for what they promise. */

import { CHAIN_START } from '@lockstep/protocol/chain'
import type { Suite } from '@lockstep/protocol/http'
import type { Connection } from '#storage/sqlite/connection'
import {
  type NewSession,
  type StoredDevice,
  type StoredSession,
  type StoredVault,
  type VaultCredentials,
  type VaultKey,
  VaultRemovedError,
} from '#storage/storage'

type Row = Record<string, unknown>

const VAULT_COLUMNS = 'number, name, id, suite, salt, auth_hash, bundle_version, bundle'

function toVault(row: Row): StoredVault {
  return {
    key: row['number'] as VaultKey,
    name: row['name'] as string,
    vaultId: row['id'] as Uint8Array,
    suite: row['suite'] as Suite,
    salt: row['salt'] as Uint8Array,
    authHash: row['auth_hash'] as Uint8Array,
    bundle: { version: row['bundle_version'] as number, sealed: row['bundle'] as Uint8Array },
  }
}

function prepare({ db }: Connection) {
  return {
    anyVault: db.prepare('SELECT 1 FROM vaults LIMIT 1'),
    byName: db.prepare(`SELECT ${VAULT_COLUMNS} FROM vaults WHERE name = ?`),
    byKey: db.prepare(`SELECT ${VAULT_COLUMNS} FROM vaults WHERE number = ?`),
    newNumber: db.prepare('UPDATE server SET vaults_made = vaults_made + 1 RETURNING vaults_made AS number'),
    insertVault: db.prepare(
      `INSERT INTO vaults (number, name, id, suite, salt, auth_hash, bundle_version, bundle, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertLog: db.prepare('INSERT INTO logs (vault, head, chain, segments, bytes) VALUES (?, 0, ?, 0, 0)'),
    upsertDevice: db.prepare(
      `INSERT INTO devices (vault, id, name, cookie_hash, created_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (vault, id) DO UPDATE
       SET name = excluded.name, cookie_hash = excluded.cookie_hash, last_seen_at = excluded.last_seen_at`,
    ),
    isRevoked: db.prepare('SELECT 1 FROM devices WHERE vault = ? AND id = ? AND revoked_at IS NOT NULL'),
    devices: db.prepare(
      'SELECT id, name, created_at, last_seen_at, revoked_at FROM devices WHERE vault = ? ORDER BY created_at, rowid',
    ),
    touch: db.prepare('UPDATE devices SET last_seen_at = ? WHERE vault = ? AND id = ?'),
    cookies: db.prepare('SELECT 1 FROM devices WHERE vault = ? AND cookie_hash = ? AND revoked_at IS NULL'),
    insertSession: db.prepare('INSERT INTO sessions (token_hash, vault, device, created_at) VALUES (?, ?, ?, ?)'),
    session: db.prepare(
      `SELECT s.vault, s.device, d.last_seen_at FROM sessions s JOIN devices d ON d.vault = s.vault AND d.id = s.device
       WHERE s.token_hash = ?`,
    ),
    endSession: db.prepare('DELETE FROM sessions WHERE token_hash = ?'),
    endOfDevice: db.prepare('DELETE FROM sessions WHERE vault = ? AND device = ? RETURNING token_hash'),
  }
}

export function createAccounts(connection: Connection) {
  const sql = prepare(connection)
  const hashes = (rows: readonly Row[]) => rows.map((row) => row['token_hash'] as Uint8Array)

  function startSession(vault: VaultKey, session: NewSession): Uint8Array[] {
    const { deviceId, deviceName, tokenHash, cookieHash, now } = session
    const ended = hashes(sql.endOfDevice.all(vault, deviceId))
    sql.upsertDevice.run(vault, deviceId, deviceName, cookieHash, now, now)
    sql.insertSession.run(tokenHash, vault, deviceId, now)
    return ended
  }

  return {
    createVault(vault: VaultCredentials & { readonly name: string }, session: NewSession, onlyFirst: boolean) {
      return connection.transact(() => {
        if (onlyFirst && sql.anyVault.get() !== undefined) return 'not-first'
        if (sql.byName.get(vault.name) !== undefined) return 'name-taken'
        const { name, vaultId, suite, salt, authHash, bundle } = vault
        const key = sql.newNumber.get()?.['number'] as VaultKey
        sql.insertVault.run(key, name, vaultId, suite, salt, authHash, bundle.version, bundle.sealed, session.now)
        sql.insertLog.run(key, CHAIN_START)
        startSession(key, session)
        return 'created'
      })
    },
    hasVaults: () => sql.anyVault.get() !== undefined,
    vaultByName(name: string): StoredVault | undefined {
      const row = sql.byName.get(name)
      return row && toVault(row)
    },
    vaultByKey(vault: VaultKey): StoredVault {
      const row = sql.byKey.get(vault)
      if (row === undefined) throw new VaultRemovedError()
      return toVault(row)
    },
    openSession(vault: VaultKey, session: NewSession) {
      return connection.transact(() => {
        if (sql.byKey.get(vault) === undefined) throw new VaultRemovedError()
        if (sql.isRevoked.get(vault, session.deviceId) !== undefined) return 'revoked'
        return { ended: startSession(vault, session) }
      })
    },
    session(tokenHash: Uint8Array): StoredSession | undefined {
      const row = sql.session.get(tokenHash)
      return (
        row && {
          vault: row['vault'] as VaultKey,
          deviceId: row['device'] as Uint8Array,
          lastSeenAt: row['last_seen_at'] as number,
        }
      )
    },
    endSession(tokenHash: Uint8Array): void {
      connection.transact(() => sql.endSession.run(tokenHash))
    },
    knowsCookie: (vault: VaultKey, cookieHash: Uint8Array) => sql.cookies.get(vault, cookieHash) !== undefined,
    devices(vault: VaultKey): StoredDevice[] {
      return sql.devices.all(vault).map((row) => ({
        id: row['id'] as Uint8Array,
        name: row['name'] as string,
        createdAt: row['created_at'] as number,
        lastSeenAt: row['last_seen_at'] as number,
        revoked: row['revoked_at'] !== null,
      }))
    },
    touchDevice(vault: VaultKey, deviceId: Uint8Array, now: number): void {
      connection.transact(() => sql.touch.run(now, vault, deviceId))
    },
  }
}
