/** Small named values of the local database. Typed, so that a key has one type everywhere. */
import type { Driver, SqlValue } from '#driver'

interface MetaTypes {
  /** Fingerprint of the schema that the tables follow. */
  schema: string
  /** 1 from a migration that brought new columns until the cells that waited for them are in. */
  adoptForeign: number
  /** This database's replica id, hexadecimal. */
  replica: string
  /** JSON of ids that it had before, when it turned out to be a copy [LOG-3]: what it wrote under them is still its own. */
  formerReplicas: string
  /** 1 where this home is a copy of another one and goes on as a device of its own at the next sign-in. */
  copied: number
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
  /** When the server could first not be reached; absent since it answered. */
  offlineSince: number
  /** When the gate in front of the server refused this device; absent since it let it through. */
  gateRefusedAt: number
  /** When the whole log was last read again because something of it was missing. */
  rereadAt: number
  /** When the trash was last looked through to its end, by this device's clock [CELL-8]. */
  trashSweptAt: number
  bundleVersion: number
  /** The greatest that any segment has named [KEY-4]. */
  bundleVersionSeen: number
  /** JSON list of the row ids of all devices that a rotation record has revoked. */
  revokedDevices: string
  /** 1 from the moment at which a vault that was removed from its server is left until its keys are gone, too. */
  leaving: number
  /** 1 where this database was in such a vault once: what others wrote there is its own to send since [VAULT-2]. */
  leftServer: number
  /** 1 from the moment at which a server's log turned out to lack something until it has it again [LOG-9]. */
  repairing: number
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
