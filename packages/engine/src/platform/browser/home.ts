/**
 * The home of a device in a browser, and the vault in it; it lives in a dedicated worker. One worker has it at a time: a second
 * one is told `busy`, and waits for the first one's lock or talks to it.
 *
 * | where | what |
 * | --- | --- |
 * | origin-private file system, folder `lockstep-<name>` | `vault.db`, and `search.db`, which is made anew when it is gone |
 * | IndexedDB `lockstep-<name>` | keys and session, sealed under a key that cannot be extracted; server, vault name, passphrase |
 *
 * Where the browser cannot store (a private window), the home can be held in memory: it is gone with the worker.
 *
 * What an account needs (cryptography, the protocol, syncing) is not here but in `device.ts`: a page can open a home, show and write
 * what is in it, and load the rest once somebody has an account.
 */
import type { Driver } from '#driver'
import { type DatabaseFiles, memoryFiles } from '#platform/browser/database-files'
import { openOpfsPool } from '#platform/browser/opfs-pool'
import { browserSearch } from '#platform/browser/search-service'
import { memorySecrets, openSecretStore } from '#platform/browser/secret-store'
import type { Schema, Table } from '#schema'
import type { OpenSearch } from '#search/service'
import type { SecretStore } from '#secrets'
import type { Runtime } from '#store'
import { openVault, type Vault } from '#vault'

const VAULT_FILE = 'vault.db'
/** Longest array that `getRandomValues` fills. */
const MAX_RANDOM = 65_536

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += MAX_RANDOM) crypto.getRandomValues(bytes.subarray(i, i + MAX_RANDOM))
  return bytes
}

/** A tab's question behind a transaction of a download is answered before anybody notices. Milliseconds. */
const PATIENCE = 25

/** After the messages that have come: a timer would wait for some milliseconds each time. */
function letOthers(): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

const runtime: Runtime = { now: () => Date.now(), random: randomBytes, sharing: { patience: PATIENCE, letOthers } }
const schedule = (run: () => void) => queueMicrotask(run)

export interface BrowserHomeOptions<T extends Record<string, Table>> {
  /** One of this origin's devices. */
  readonly name: string
  readonly schema: Schema<T>
  /** `memory`: nothing outlives the worker. */
  readonly storage: 'browser' | 'memory'
}

/** Open, with the parts that a device on it is made of. */
export interface BrowserHome<T extends Record<string, Table>> {
  readonly vault: Vault<T>
  /** A device has been here, perhaps one with an account. */
  readonly inhabited: boolean
  readonly driver: Driver
  readonly files: DatabaseFiles
  readonly secrets: SecretStore
  readonly runtime: Runtime
  readonly schedule: (run: () => void) => void
  readonly openSearch: OpenSearch
}

/** @throws DriverError `busy` when another worker has it, `io` where this browser cannot store; EngineError */
export async function openBrowserHome<T extends Record<string, Table>>(options: BrowserHomeOptions<T>): Promise<BrowserHome<T>> {
  const { name, schema, storage } = options
  const stored = storage === 'browser'
  const files = stored ? await openOpfsPool(`lockstep-${name}`) : await memoryFiles()
  let driver: Driver | undefined
  try {
    const opened = files.open(VAULT_FILE)
    driver = opened
    const secrets = stored ? await openSecretStore(`lockstep-${name}`) : memorySecrets()
    const inhabited = (await secrets.loadSecrets()) !== undefined
    const openSearch: OpenSearch = (source) => browserSearch({ driver: opened, files, source })
    const vault = openVault({ schema, driver, runtime, schedule, openSearch })
    return { vault, inhabited, driver, files, secrets, runtime, schedule, openSearch }
  } catch (error) {
    driver?.close()
    files.close()
    throw error
  }
}
