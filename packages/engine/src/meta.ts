/** Small named values of the local database. Typed, so that a key has one type everywhere. */
import type { Driver, SqlValue } from '#driver'

interface MetaTypes {
  /** Fingerprint of the schema that the tables follow. */
  schema: string
  /** 1 from a migration that brought new columns until the cells that waited for them are in. */
  adoptForeign: number
  /** This database's replica id, hexadecimal. */
  replica: string
  /** Last time given out or seen by the clock. */
  clockMillis: number
  clockCounter: number
  /** Id of the vault this database belongs to, 16 bytes. */
  vaultId: Uint8Array
  /** Last sequence number applied and the chain value there [LOG-4]. */
  cursor: number
  chain: Uint8Array
  /** The server's generation as last seen; only a hint. */
  generation: Uint8Array
  lastSyncedAt: number
  bundleVersion: number
}

export class Meta {
  readonly #driver: Driver

  constructor(driver: Driver) {
    this.#driver = driver
  }

  get<K extends keyof MetaTypes>(key: K): MetaTypes[K] | undefined {
    const value = this.#driver.prepare('SELECT value FROM _meta WHERE key = ?').get(key)?.['value']
    return value === undefined || value === null ? undefined : (value as MetaTypes[K])
  }

  set<K extends keyof MetaTypes>(key: K, value: MetaTypes[K]): void {
    this.#driver.prepare('INSERT OR REPLACE INTO _meta (key, value) VALUES (?, ?)').run(key, value as SqlValue)
  }

  delete(key: keyof MetaTypes): void {
    this.#driver.prepare('DELETE FROM _meta WHERE key = ?').run(key)
  }
}
