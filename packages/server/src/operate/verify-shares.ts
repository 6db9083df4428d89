/**
 * A vault's shares: bytes that have their digest, and the sum that counts against its quota. And what is left of removed vaults: digests
 * of tokens.
 */
import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { equalBytes } from '@lockstep/protocol/bytes'
import { REMEDY } from '#operate/finding'
import type { Findings } from '#operate/findings'
import { bytes, count } from '#operate/stored'

/** @throws DamagedValue */
export function verifyShares(db: DatabaseSync, vault: number, findings: Findings): void {
  let total = 0
  for (const row of db.prepare('SELECT id, digest, sealed FROM shares WHERE vault = ? ORDER BY number').iterate(vault)) {
    bytes(row, 'id', 16)
    const sealed = bytes(row, 'sealed')
    total += sealed.length
    if (!equalBytes(hash('sha256', sealed, 'buffer'), bytes(row, 'digest', 32))) {
      findings.damage('share-altered', 'a share is not what was published: its link opens no more', REMEDY.share)
    }
  }
  const log = db.prepare('SELECT share_bytes FROM logs WHERE vault = ?').get(vault)
  if (log === undefined) return
  const said = count(log, 'share_bytes')
  if (said !== total) {
    findings.damage('totals-wrong', `its shares are said to have ${said} bytes, and have ${total}`, REMEDY.restore)
  }
}

/** @throws DamagedValue */
export function verifyRemovals(db: DatabaseSync, findings: Findings): void {
  for (const row of db.prepare('SELECT token_hash, removed_at FROM removed_sessions').iterate()) {
    bytes(row, 'token_hash', 32)
    count(row, 'removed_at')
  }
  const made = db.prepare('SELECT vaults_made, (SELECT coalesce(max(number), 0) FROM vaults) AS last FROM server').get()
  if (made === undefined) return
  if (count(made, 'vaults_made') < count(made, 'last')) {
    findings.damage('totals-wrong', 'there are more vaults than the server says were ever made', REMEDY.restore)
  }
}
