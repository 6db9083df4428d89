/**
 * What a vault needs besides its log: a name, what signing in is checked against, the key bundle, and the records that opened its
 * epochs [KEY-4]. All but shapes and sizes of it is sealed; devices find what is wrong inside.
 */
import type { DatabaseSync } from 'node:sqlite'
import { SUITES } from '@lockstep/protocol/http'
import { REMEDY } from '#operate/finding'
import type { Findings } from '#operate/findings'
import { bytes, count, DamagedValue, type StoredRow, text } from '#operate/stored'

/** @param row of `vaults`. @param usedEpoch the highest that a segment is sealed in. @throws DamagedValue */
export function verifyAccount(db: DatabaseSync, row: StoredRow, usedEpoch: number, findings: Findings): void {
  bytes(row, 'id', 16)
  bytes(row, 'salt', 16)
  bytes(row, 'auth_hash', 32)
  if (!(SUITES as readonly string[]).includes(text(row, 'suite'))) throw new DamagedValue('suite')
  if (count(row, 'bundle_version') < 1) throw new DamagedValue('bundle_version')
  if (bytes(row, 'bundle').length === 0) {
    findings.damage('account-damaged', 'the key bundle is missing: no new device can sign in', REMEDY.restore)
  }
  verifyEpochs(db, count(row, 'number'), usedEpoch, findings)
}

/** The epoch that is open was opened by a record, or, where that was lost with an older state, by the first segment sealed in it. */
function verifyEpochs(db: DatabaseSync, vault: number, usedEpoch: number, findings: Findings): void {
  const log = db.prepare('SELECT epoch FROM logs WHERE vault = ?').get(vault)
  if (log === undefined) return
  const open = count(log, 'epoch')
  let recorded = 1
  let unrecorded = 0
  for (const row of db.prepare('SELECT epoch, record FROM rotations WHERE vault = ? ORDER BY epoch').iterate(vault)) {
    const opened = count(row, 'epoch')
    unrecorded += opened - recorded - 1
    recorded = opened
    if (bytes(row, 'record').length === 0) {
      findings.damage('rotation-wrong', `the record that opens epoch ${opened} is missing`, REMEDY.restore)
    }
  }
  const opened = Math.max(recorded, usedEpoch)
  if (open !== opened) {
    findings.damage(
      'rotation-wrong',
      `epoch ${open} is said to be open, but nothing opened an epoch after ${opened}`,
      REMEDY.restore,
    )
    return
  }
  unrecorded += open - recorded
  if (unrecorded > 0) {
    findings.note(
      'rotation-missing',
      `there is no record of how ${unrecorded} of its ${open} epochs were opened: that was after the backup that this server was restored from`,
      'devices that lack a key of them ask for the password once',
    )
  }
}
