/** A real server on a free port with a folder of its own, closed and removed when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerOptions } from '@lockstep/server/config'
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { onTestFinished } from 'vitest'

export type { RunningServer }

export async function runningServer(options: ServerOptions = {}): Promise<RunningServer> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'lockstep-server-'))
  const server = await startServer({ port: 0, signUp: 'open', ...options, data }, { log: () => {} })
  onTestFinished(async () => {
    await server.close()
    if (options.data === undefined) rmSync(data, { recursive: true, force: true })
  })
  return server
}
