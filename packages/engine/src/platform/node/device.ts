/**
 * A device whose home is a folder:
 *
 * | file | what | mode |
 * | --- | --- | --- |
 * | `vault.db` | the vault, readable by whoever can read the file (the threat model says so) | 0600 |
 * | `search.db` | the search index, made anew when it is gone | 0600 |
 * | `keys.json` | vault keys, session token, this device's key | 0600 |
 * | `profile.json` | server, vault name, passphrase | 0600 |
 */
import { hash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256 } from '@lockstep/protocol/chain'
import { Device, type Platform } from '#device'
import { nodeCompression } from '#platform/node/compression'
import { createNodeHttp } from '#platform/node/http'
import { nodeSearch } from '#platform/node/search-service'
import { secretFiles } from '#platform/node/secret-files'
import { connectSocket } from '#platform/node/socket'
import { openSqlite } from '#platform/node/sqlite'
import { timers } from '#platform/timers'
import type { Schema, Table } from '#schema'
import type { Runtime } from '#store'

const nodeRuntime: Runtime = {
  now: () => Date.now(),
  random: (length) => new Uint8Array(randomBytes(length)),
}

const nodeSha256: Sha256 = (bytes) => hash('sha256', bytes, 'buffer')

export interface DeviceFolder<T extends Record<string, Table>> {
  /** Created with mode 0700 where it does not exist. */
  readonly home: string
  readonly schema: Schema<T>
}

export async function openDevice<T extends Record<string, Table>>({ home, schema }: DeviceFolder<T>): Promise<Device<T>> {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const path = join(home, 'vault.db')
  const driver = openSqlite({ path })
  const { http, close } = createNodeHttp()
  const platform: Platform = {
    driver,
    secrets: secretFiles(home),
    runtime: nodeRuntime,
    schedule: (run) => queueMicrotask(run),
    timers,
    compression: nodeCompression,
    sha256: nodeSha256,
    http,
    connect: connectSocket,
    openSearch: (source) => nodeSearch(path, source),
    close,
    async wipe() {
      for (const name of ['vault.db', 'search.db']) {
        for (const suffix of ['', '-wal', '-shm']) await rm(join(home, name + suffix), { force: true })
      }
    },
  }
  try {
    return await Device.open(platform, schema)
  } catch (error) {
    driver.close()
    close()
    throw error
  }
}
