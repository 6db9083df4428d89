/** A server with a dialect, which can be ended and started anew on its data, and the wire that leads to it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerOptions } from '@lockstep/server/config'
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { onTestFinished } from 'vitest'
import { Wire } from './wire.ts'

export class Stage {
  readonly wire = new Wire('')
  /** What the server's clock is ahead of the machine's, in milliseconds. */
  ahead = 0
  readonly #options: ServerOptions
  #server: RunningServer | undefined

  constructor(options: ServerOptions) {
    const data = mkdtempSync(join(tmpdir(), 'lockstep-dialect-'))
    onTestFinished(async () => {
      await this.close()
      rmSync(data, { recursive: true, force: true })
    })
    this.#options = { port: 0, ...options, data }
  }

  readonly clock = (): number => Date.now() + this.ahead

  async start(): Promise<void> {
    this.#server = await startServer(this.#options, { clock: this.clock, log: () => {} })
    this.wire.url = this.#server.url
  }

  get url(): string {
    return this.wire.url
  }

  async close(): Promise<void> {
    await this.#server?.close()
  }

  /** It listens at another port afterwards. */
  async restart(): Promise<void> {
    await this.close()
    await this.start()
  }
}
