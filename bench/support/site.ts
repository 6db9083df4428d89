/**
 * A server whose data folder can be copied and put back while its address stays: what an operator does, as far as
 * devices can tell.
 */
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Actor, startActor } from './actor.ts'
import { type Proxy as CountingProxy, startProxy } from './proxy.ts'
import type { ServerActor } from './server-actor.ts'

export interface LogSize {
  /** Rows of the log that hold sealed bytes. */
  readonly segments: number
  /** Their sealed bytes. */
  readonly bytes: number
  /** All files of the data folder, the server being stopped. */
  readonly files: number
}

/** What a record adds to the sealed bytes on the wire [SEG-1]. */
const RECORD_BYTES = 4 + 1 + 4 + 16 + 8 + 32

export class Site {
  readonly data: string
  #server: Actor<ServerActor>
  #url = ''
  #proxy: CountingProxy | undefined

  private constructor(data: string) {
    this.data = data
    this.#server = startActor<ServerActor>('server-actor.ts')
  }

  static async open(data: string): Promise<Site> {
    const site = new Site(data)
    site.#url = await site.#server.call('start', { data })
    site.#proxy = await startProxy(site.#url)
    return site
  }

  get url(): string {
    return this.#url
  }

  get server(): Actor<ServerActor> {
    return this.#server
  }

  /** The same server by an address whose traffic is counted. */
  get proxy(): CountingProxy {
    return this.#proxy as CountingProxy
  }

  /** `work` runs while the server is stopped; it goes on with the folder that `work` names, or with its own. */
  async whileStopped<T>(work: () => T, data: (result: T) => string = () => this.data): Promise<T> {
    await this.#server.stop()
    const result = work()
    this.#server = startActor<ServerActor>('server-actor.ts')
    await this.#server.call('start', { data: data(result), port: Number(new URL(this.#url).port) })
    return result
  }

  copyTo(folder: string): Promise<void> {
    return this.whileStopped(() => cpSync(this.data, folder, { recursive: true }))
  }

  /** From now on the server works on another folder, for instance an earlier copy. */
  async putBack(folder: string): Promise<void> {
    await this.whileStopped(
      () => {},
      () => folder,
    )
  }

  size(): Promise<LogSize> {
    return this.whileStopped(() => {
      const db = new DatabaseSync(join(this.data, 'lockstep.db'), { readOnly: true })
      const row = db.prepare('SELECT sum(segments) AS segments, sum(bytes) AS bytes FROM logs').get()
      db.close()
      const files = readdirSync(this.data).reduce((sum, name) => sum + statSync(join(this.data, name)).size, 0)
      return { segments: Number(row?.['segments']), bytes: Number(row?.['bytes']), files }
    })
  }

  /** Bytes on the wire of the segments after a sequence number, the server being stopped meanwhile. */
  bytesAfter(sequence: number): Promise<number> {
    return this.whileStopped(() => {
      const db = new DatabaseSync(join(this.data, 'lockstep.db'), { readOnly: true })
      const row = db
        .prepare('SELECT sum(length(sealed)) AS bytes, count(*) AS count FROM segments WHERE last > ? AND part >= 0')
        .get(sequence)
      db.close()
      return Number(row?.['bytes']) + RECORD_BYTES * Number(row?.['count'])
    })
  }

  /** The data stays. */
  async stop(): Promise<void> {
    this.#proxy?.close()
    await this.#server.stop()
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.data, { recursive: true, force: true })
  }
}
