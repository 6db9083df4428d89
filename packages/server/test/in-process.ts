/** The app without sockets: storage in memory, clock and network in the test's hands. */
import { randomBytes } from 'node:crypto'
import { type AppOptions, createApp, type ServerApp } from '#app'
import { limitsWith } from '#limits'
import { parseTrustedProxies } from '#network'
import type { Policy } from '#services'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import type { Storage } from '#storage/storage'

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

export interface InProcess {
  readonly app: ServerApp
  readonly storage: Storage
  /** Unix milliseconds; the test moves it. */
  readonly time: { now: number }
  request(path: string, init?: RequestInit, peer?: string): Promise<Response>
}

function testPolicy(policy: Partial<Policy> = {}): Policy {
  return {
    version: '0.0.0',
    signUp: 'open',
    setupToken: undefined,
    metricsToken: undefined,
    trustedProxies: parseTrustedProxies([]),
    limits: limitsWith(0),
    insecure: false,
    ...policy,
  }
}

export function inProcess(policy: Partial<Policy> = {}, options: Partial<AppOptions> = {}): InProcess {
  const storage = options.storage ?? openSqliteStorage({ random })
  const time = { now: Date.UTC(2026, 0, 1) }
  const app = createApp({
    storage,
    policy: testPolicy(policy),
    clock: () => time.now,
    random,
    schedule: queueMicrotask,
    ...options,
  })
  const request = (path: string, init: RequestInit = {}, peer = '127.0.0.1') => {
    return app.fetch(new Request(`http://server${path}`, init), { peer })
  }
  return { app, storage, time, request }
}
