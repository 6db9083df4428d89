/** A Lockstep server in a process of its own. */
import type { DialectName } from '@lockstep/server/dialects/dialect'
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { serveActor, usage } from './actor.ts'

interface Start {
  readonly data: string
  readonly port?: number
  readonly dialect?: readonly DialectName[]
  /** Folder of the built web app. */
  readonly web?: string
}

let server: RunningServer | undefined

const methods = {
  /** A dialect that wants a gate does without one. */
  async start({ data, port = 0, dialect = [], web }: Start): Promise<string> {
    const insecureNoGate = dialect.includes('dataans')
    server = await startServer({
      data,
      port,
      dialect: [...dialect],
      insecureNoGate,
      signUp: 'open',
      logLevel: 'error',
      ...(web && { web }),
    })
    return server.url
  },
  usage,
}

export type ServerActor = typeof methods

serveActor(methods, async () => server?.close())
