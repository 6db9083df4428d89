/**
 * A device whose home is a browser's storage for one origin; it lives in a dedicated worker. One worker has it at a time: a
 * second one is told `busy`, and waits for the first one's lock or talks to it.
 *
 * | where | what |
 * | --- | --- |
 * | origin-private file system, folder `lockstep-<name>` | `vault.db`, and `search.db`, which is made anew when it is gone |
 * | IndexedDB `lockstep-<name>` | keys and session, sealed under a key that cannot be extracted; server, vault name, passphrase |
 *
 * Where the browser cannot store (a private window), the device can be held in memory: it is gone with the worker.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { Device, type Platform } from '#device'
import type { Driver } from '#driver'
import { browserCompression } from '#platform/browser/compression'
import { type DatabaseFiles, memoryFiles } from '#platform/browser/database-files'
import { browserHttp } from '#platform/browser/http'
import { openOpfsPool } from '#platform/browser/opfs-pool'
import { browserSearch } from '#platform/browser/search-service'
import { memorySecrets, openSecretStore } from '#platform/browser/secret-store'
import { connectSocket } from '#platform/browser/socket'
import type { Schema, Table } from '#schema'
import type { SecretStore } from '#secrets'
import type { Runtime } from '#store'
import type { Timers } from '#watch'

const VAULT_FILE = 'vault.db'
/** Longest array that `getRandomValues` fills. */
const MAX_RANDOM = 65_536

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += MAX_RANDOM) crypto.getRandomValues(bytes.subarray(i, i + MAX_RANDOM))
  return bytes
}

const browserRuntime: Runtime = { now: () => Date.now(), random: randomBytes }

const browserTimers: Timers = {
  after(millis, run) {
    const timer = setTimeout(run, millis)
    return () => clearTimeout(timer)
  },
  jitter: () => Math.random(),
}

export interface BrowserDeviceOptions<T extends Record<string, Table>> {
  /** One of this origin's devices. */
  readonly name: string
  readonly schema: Schema<T>
  /** `memory`: nothing outlives the worker. */
  readonly storage: 'browser' | 'memory'
}

/** @throws DriverError `busy` when another worker has the device, `io` where this browser cannot store; EngineError */
export async function openBrowserDevice<T extends Record<string, Table>>(options: BrowserDeviceOptions<T>): Promise<Device<T>> {
  const { name, schema, storage } = options
  const stored = storage === 'browser'
  const files = stored ? await openOpfsPool(`lockstep-${name}`) : await memoryFiles()
  let driver: Driver | undefined
  try {
    driver = files.open(VAULT_FILE)
    return await Device.open(
      platformOf(driver, files, stored ? await openSecretStore(`lockstep-${name}`) : memorySecrets()),
      schema,
    )
  } catch (error) {
    driver?.close()
    files.close()
    throw error
  }
}

function platformOf(driver: Driver, files: DatabaseFiles, secrets: SecretStore): Platform {
  return {
    driver,
    secrets,
    runtime: browserRuntime,
    schedule: (run) => queueMicrotask(run),
    timers: browserTimers,
    compression: browserCompression,
    sha256,
    http: browserHttp,
    connect: connectSocket,
    openSearch: (source) => browserSearch({ driver, files, source }),
    close: () => files.close(),
    wipe: () => files.wipe(),
  }
}
