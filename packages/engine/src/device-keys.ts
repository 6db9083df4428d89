/** The public keys in the table of a vault's devices. Apart from the table itself, which every vault has: this needs cryptography. */
import { DEVICE_KEY_BYTES, deviceIdOf } from '@lockstep/crypto/device-key'
import { toRowId } from '#cell'
import { DEVICES } from '#devices'
import type { Store } from '#store'
import { rowsTable } from '#tables'

/**
 * By row id. Every device can write all of this table: a key that is not its row's own is left
 * out, as if there were none [KEY-2].
 */
export function deviceKeys(store: Store): Map<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>()
  for (const row of store.driver.prepare(`SELECT id, publicKey FROM ${rowsTable(DEVICES)}`).all()) {
    const { id, publicKey } = row
    if (!(publicKey instanceof Uint8Array) || publicKey.length !== DEVICE_KEY_BYTES) continue
    if (toRowId(deviceIdOf(publicKey)) === id) keys.set(id, publicKey)
  }
  return keys
}
