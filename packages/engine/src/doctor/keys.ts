/**
 * The keys of this device against the segments that it has: at least one of the newest must open. Where none does the keys
 * are not this vault's (a key file from elsewhere, a damaged one), and nothing may be sealed, or judged, with them.
 */
import { CryptoError } from '@lockstep/crypto/errors'
import { FormatError } from '@lockstep/protocol/bytes'
import type { CheckResult } from '#doctor/check'
import { MissingEpochError, type Sealer } from '#sealing'
import type { Store } from '#store'
import { keptSegments } from '#tail'

/** A few may be damaged; not all of them. */
const TRIED = 16

/** `fit`: false where the keys are known not to be the vault's. */
export async function checkKeys(
  store: Store,
  sealer: Sealer | undefined,
): Promise<{ readonly result: CheckResult; readonly fit: boolean }> {
  if (sealer === undefined) {
    if (store.meta.get('vaultId') === undefined) {
      return { fit: true, result: { check: 'keys', verdict: 'skipped', detail: 'this device has not been signed in' } }
    }
    const detail = 'this device holds a vault and not its keys'
    return { fit: true, result: { check: 'keys', verdict: 'problem', detail, hint: 'sign in again' } }
  }
  const newest = [...keptSegments(store, 1, Number.MAX_SAFE_INTEGER)].slice(-TRIED).reverse()
  for (const { record } of newest) {
    try {
      await sealer.open(record, record.sealed)
      return {
        fit: true,
        result: { check: 'keys', verdict: 'ok', detail: `they open this vault, which is in epoch ${sealer.epoch}` },
      }
    } catch (error) {
      if (!(error instanceof CryptoError || error instanceof FormatError || error instanceof MissingEpochError)) throw error
    }
  }
  if (newest.length === 0) {
    return {
      fit: true,
      result: { check: 'keys', verdict: 'ok', detail: 'the key file can be read; there is nothing here to try them on' },
    }
  }
  const detail = `none of the last ${newest.length} segments opens with the keys of this device`
  return { fit: false, result: { check: 'keys', verdict: 'problem', detail, hint: 'sign in again, which fetches them anew' } }
}
