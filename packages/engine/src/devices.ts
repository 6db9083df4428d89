/** The synced system table of a vault's devices [CELL-10]: names for people, keys for later epochs [KEY-2], replicas for naming authors. */
import { equalBytes } from '@lockstep/protocol/bytes'
import { column, table } from '#schema'
import type { Store } from '#store'
import { Transaction } from '#transaction'

export const DEVICES = '_devices'

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
