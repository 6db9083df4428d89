/** A device of Lockstep's engine whose home can be copied, and whose network is the hostile server. */
import { randomBytes } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { Device, type Platform } from '@lockstep/engine/device'
import { EngineError } from '@lockstep/engine/errors'
import type { HttpClient } from '@lockstep/engine/http'
import { nodeCompression } from '@lockstep/engine/platform/node/compression'
import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import type { SecretStore } from '@lockstep/engine/secrets'
import type { Timers } from '@lockstep/engine/watch'
import { schema, type Tables } from '@lockstep/model/schema'
import { sha256 } from '../honest-server.ts'
import type { HostileServer } from '../hostile-server.ts'
import { type Listener, listenFor } from '../listener.ts'

export const SERVER = 'http://server'
/** The clock of all devices and of the server. */
export const NOW = Date.UTC(2026, 0, 1)

export const failure = (reason: string): Error => new EngineError('offline', reason)

/** What is in a home besides the database. */
export interface Files {
  secrets: unknown
  profile: unknown
}

function memoryFiles(files: Files): SecretStore {
  return {
    loadSecrets: async () => structuredClone(files.secrets),
    saveSecrets: async (value) => {
      files.secrets = structuredClone(value)
    },
    loadProfile: async () => structuredClone(files.profile),
    saveProfile: async (value) => {
      files.profile = structuredClone(value)
    },
    wipe: async () => {
      files.secrets = undefined
      files.profile = undefined
    },
  }
}

/** Timers that run when the test says so. */
export class ManualTimers implements Timers {
  readonly waiting: { readonly millis: number; readonly run: () => void }[] = []
  /** Every wait that was asked for, milliseconds. */
  readonly asked: number[] = []

  after = (millis: number, run: () => void): (() => void) => {
    const timer = { millis, run }
    this.asked.push(millis)
    this.waiting.push(timer)
    return () => {
      const at = this.waiting.indexOf(timer)
      if (at >= 0) this.waiting.splice(at, 1)
    }
  }

  jitter = (): number => 0
}

export interface TestDevice {
  readonly name: string
  readonly device: Device<Tables>
  readonly timers: ManualTimers
  readonly files: Files
  readonly http: HttpClient
  /** Method, address and body of all that left this device. */
  readonly sent: string[]
  /** A copy of the database is at `path`; the device must be idle. */
  save(path: string): Files
  close(): Promise<void>
}

export interface TestDeviceOptions {
  readonly name: string
  readonly hostile: HostileServer
  /** Folder for the database. */
  readonly folder: string
  /** A home to start from: what `save` made. */
  readonly home?: { readonly path: string; readonly files: Files } | undefined
  /** By real HTTP. */
  readonly wire?: boolean | undefined
}

interface Wire {
  readonly http: HttpClient
  readonly close: () => Promise<void>
}

async function wireTo(hostile: HostileServer, name: string): Promise<Wire> {
  const listener: Listener = await listenFor(hostile, name)
  const node = createNodeHttp()
  return {
    http: (request) => node.http({ ...request, url: request.url.replace(SERVER, listener.url) }),
    close: async () => {
      node.close()
      await listener.close()
    },
  }
}

export async function openTestDevice({ name, hostile, folder, home, wire = false }: TestDeviceOptions): Promise<TestDevice> {
  const path = join(folder, `${name}-${randomBytes(6).toString('hex')}.db`)
  const files: Files = structuredClone(home?.files ?? { secrets: undefined, profile: undefined })
  if (home !== undefined) copyFileSync(home.path, path)
  const driver = openSqlite({ path, durability: 'normal' })
  const sent: string[] = []
  const network: Wire = wire ? await wireTo(hostile, name) : { http: hostile.client(name), close: async () => {} }
  const timers = new ManualTimers()
  const http: HttpClient = (request) => {
    sent.push(`${request.method} ${request.url}\n${Buffer.from(request.body ?? []).toString('latin1')}`)
    return network.http(request)
  }
  const platform: Platform = {
    driver,
    secrets: memoryFiles(files),
    runtime: { now: () => NOW, random: (length) => new Uint8Array(randomBytes(length)) },
    schedule: (run) => queueMicrotask(run),
    timers,
    compression: nodeCompression,
    sha256,
    http,
    connect: (_url, _headers, handlers) => hostile.connect(name, handlers),
    openSearch: () => ({ changed() {}, query: () => ({ rows: [], backlog: 0 }), indexedThrough: () => 0, close: async () => {} }),
    close: () => {},
    wipe: async () => {},
  }
  const device = await Device.open(platform, schema)
  return {
    name,
    device,
    timers,
    files,
    http,
    sent,
    save(copy) {
      driver.exec(`VACUUM INTO '${copy}'`)
      return structuredClone(files)
    },
    async close() {
      await device.close()
      await network.close()
    },
  }
}
