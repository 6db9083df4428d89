/** Devices with a home on disk and a real server, whose requests a test can watch, lose and forge. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Device, type Platform } from '#device'
import type { HttpClient } from '#http'
import { nodeCompression } from '#platform/node/compression'
import { createNodeHttp } from '#platform/node/http'
import { secretFiles } from '#platform/node/secret-files'
import { connectSocket } from '#platform/node/socket'
import { openSqlite } from '#platform/node/sqlite'
import type { SignInRequest } from '#sign-in'
import type { Runtime } from '#store'
import type { Timers } from '#watch'
import type { RunningServer } from '../../../../tests/support/running-server.ts'
import { sha256 } from './log-server.ts'
import { schema, type TestTables, temporaryFolder } from './vaults.ts'

const runtime: Runtime = { now: () => Date.now(), random: (length) => new Uint8Array(randomBytes(length)) }
const realTimers: Timers = {
  after(millis, run) {
    const timer = setTimeout(run, millis)
    return () => clearTimeout(timer)
  },
  jitter: () => 0.5,
}

export interface TestDeviceOptions extends Partial<Pick<Platform, 'timers' | 'connect'>> {
  readonly home?: string
  /** What stands between the device and the network. */
  readonly network?: (http: HttpClient) => HttpClient
}

export async function testDevice({
  home = temporaryFolder(),
  network = (http) => http,
  ...parts
}: TestDeviceOptions = {}): Promise<Device<TestTables> & { readonly home: string }> {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const { http, close } = createNodeHttp()
  const driver = openSqlite({ path: join(home, 'vault.db'), durability: 'normal' })
  const platform: Platform = {
    driver,
    secrets: secretFiles(home),
    runtime,
    schedule: (run) => queueMicrotask(run),
    timers: realTimers,
    compression: nodeCompression,
    sha256,
    http: network(http),
    connect: connectSocket,
    openSearch: () => ({ changed() {}, query: () => ({ rows: [], backlog: 0 }), indexedThrough: () => 0, close: async () => {} }),
    close,
    wipe: async () => rmSync(join(home, 'vault.db')),
    ...parts,
  }
  onTestFinished(() => {
    driver.close()
    close()
  })
  return Object.assign(await Device.open(platform, schema), { home })
}

export const PASSPHRASE = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

export function signIn(server: RunningServer, more: Partial<SignInRequest> = {}): SignInRequest {
  return {
    server: server.url,
    vault: 'main',
    password: 'correct horse',
    intent: 'create',
    passphrase: PASSPHRASE,
    passwordOnly: false,
    deviceName: 'laptop',
    ...more,
  }
}
