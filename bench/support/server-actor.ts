/** A Lockstep server in a process of its own. */
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { serveActor, usage } from './actor.ts'

let server: RunningServer | undefined

const methods = {
  async start({ data, port = 0 }: { readonly data: string; readonly port?: number }): Promise<string> {
    server = await startServer({ data, port, signUp: 'open', logLevel: 'error' })
    return server.url
  },
  usage,
}

export type ServerActor = typeof methods

serveActor(methods, async () => server?.close())
