/** The synced system table of a vault's devices [CELL-10]: names for people, keys for later epochs [KEY-2], replicas for naming authors. */

import { DEVICE_KEY_BYTES, deviceIdOf } from '@lockstep/crypto/device-key'
import { equalBytes } from '@lockstep/protocol/bytes'
import { toRowId } from '#cell'
import { column, table } from '#schema'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { Transaction } from '#transaction'

const DEVICES = '_devices'

export const systemTables = {
  [DEVICES]: table({
    name: column.text({ default: '' }),
    publicKey: column.blob(),
    replicas: column.set(),
  }),
} as const

export interface DeviceDescription {
  /** Row id: 26 characters. */
  readonly id: string
  readonly name: string
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array
}

/** Publishes this device's name, key and replica; writes nothing when they are published already. */
export function publishDevice(store: Store, device: DeviceDescription): void {
  const row = store.rows.load(DEVICES, device.id)?.shown
  const known =
    row !== undefined &&
    row['_deleted'] === 0 &&
    row['name'] === device.name &&
    row['publicKey'] instanceof Uint8Array &&
    equalBytes(row['publicKey'], device.publicKey) &&
    (JSON.parse(String(row['replicas'])) as string[]).includes(store.replica)
  if (known) return
  store.write('local', () => {
    const tx = new Transaction<typeof systemTables>(store)
    tx.put(DEVICES, device.id, { name: device.name, publicKey: device.publicKey })
    tx.setMember(DEVICES, device.id, 'replicas', store.replica, true)
    tx.close()
  })
}

/** A name for the author of a segment: the device's where it is known. */
export function authorName(store: Store, replica: string): string {
  for (const row of store.driver.prepare(`SELECT name, replicas FROM ${DEVICES}`).all()) {
    if ((JSON.parse(String(row['replicas'])) as string[]).includes(replica)) return String(row['name'])
  }
  return `a device (replica ${replica.slice(0, 8)})`
}

/**
 * The public keys of the vault's devices by row id. Every device can write all of this table: a key that is not its row's own is left
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
