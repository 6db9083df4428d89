/** A Lockstep server in a process of its own. */
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { serveActor, usage } from './actor.ts'

let server: RunningServer | undefined

const methods = {
  async start({ data }: { readonly data: string }): Promise<string> {
    server = await startServer({ data, port: 0, signUp: 'open', logLevel: 'error' })
    return server.url
  },
  usage,
}

export type ServerActor = typeof methods

serveActor(methods, async () => server?.close())
