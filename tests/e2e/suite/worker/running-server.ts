/** `tests/support/running-server.ts` in a worker: the real server, in the process that runs the browser. */
import type { ServerOptions } from '@lockstep/server/config'
import type { RunningServer } from '@lockstep/server/serve'
import { onTestFinished } from 'vitest'
import { askNodeAside } from './ask-node.ts'

export type { RunningServer }

export async function runningServer(options: ServerOptions = {}): Promise<RunningServer> {
  const started = (await askNodeAside('startServer', options)) as { url: string; setupToken: string | undefined }
  const close = async (): Promise<void> => void (await askNodeAside('closeServer', started.url))
  onTestFinished(close)
  return { ...started, close }
}
