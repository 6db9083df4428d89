/**
 * Vaults that a password alone opens, shared between homes as the diff·log document shares profiles: a server whose clock the
 * test holds, reached through a proxy that counts.
 */
import { join } from 'node:path'
import { startServer } from '@lockstep/server/serve'
import { onTestFinished } from 'vitest'
import { type CountingProxy, countingProxy } from './counting-proxy.ts'
import { scratchFolder, TestHome } from './run.ts'

export const PASSWORD = 'correct horse battery'
export const typed = (password = PASSWORD) => ({ input: `${password}\n` })

export interface ProfileStage {
  readonly network: CountingProxy
  /** The server's data. */
  readonly data: string
  readonly home: (name: string) => ProfileHome
  /** Lets the server's time pass; milliseconds. */
  readonly pass: (millis: number) => void
  /** The server is stopped and started on the same data. */
  readonly restart: () => Promise<void>
}

export async function profileStage(signUp: 'single' | 'open' = 'single'): Promise<ProfileStage> {
  const folder = await scratchFolder()
  const data = join(folder, 'server')
  let ahead = 0
  const start = () => startServer({ port: 0, data, signUp, logLevel: 'error' }, { log: () => {}, clock: () => Date.now() + ahead })
  let server = await start()
  onTestFinished(() => server.close())
  const network = await countingProxy(() => server.url)
  return {
    network,
    data,
    home: (name) => new ProfileHome(join(folder, name), network.url),
    pass: (millis) => {
      ahead += millis
    },
    restart: async () => {
      await server.close()
      server = await start()
    },
  }
}

export interface Listed {
  readonly id: string
  readonly title: string
  readonly date: string
  readonly stars: number
}

export class ProfileHome extends TestHome {
  readonly #server: string

  constructor(folder: string, server: string) {
    super(folder)
    this.#server = server
  }

  /** Arguments of the sign-in that shares this home's profile, or imports one. */
  signInArgs(...more: string[]): string[] {
    return ['sign-in', '--server', this.#server, '--password-stdin', '--password-only', ...more]
  }

  signIn(...more: string[]): Promise<{ created: boolean }> {
    return this.json(this.signInArgs(...more), typed())
  }

  sync(): Promise<{ uploaded: { segments: number }; downloaded: { segments: number } }> {
    return this.json(['sync'])
  }

  /** Signs in with the right password, and syncs. */
  async share(...more: string[]): Promise<{ created: boolean }> {
    const result = await this.signIn(...more)
    await this.sync()
    return result
  }

  async addDiff(date: string, title: string, text = `${title}\n\nfirst ${title}\n\nsecond ${title}\n`): Promise<string> {
    const { id } = await this.json<{ id: string }>(['diff', 'add', '--title', title, '--date', date, '--file', '-'], {
      input: text,
    })
    return id
  }

  async star(diff: string, paragraph: number): Promise<string> {
    return (await this.json<{ id: string }>(['star', 'add', diff, String(paragraph)])).id
  }

  diffs(): Promise<Listed[]> {
    return this.json(['diff', 'list'])
  }

  async titles(): Promise<string[]> {
    return (await this.diffs()).map(({ title }) => title)
  }

  async stars(): Promise<string[]> {
    return (await this.json<{ id: string }[]>(['star', 'list'])).map(({ id }) => id)
  }

  status(): Promise<{ state: string; pending: number; lastSyncedAt: number | null; offlineSince: number | null }> {
    return this.json(['status'])
  }

  /** The first line of `status`, as a person reads it. */
  async state(): Promise<string> {
    const [line = ''] = (await this.text(['status'])).split('\n')
    return line.replace(/^State +/, '')
  }

  /** All that it holds of diffs, stars, profile and keys. */
  async everything(): Promise<unknown> {
    const diffs = await this.diffs()
    const texts = await Promise.all(diffs.map(({ id }) => this.text(['diff', 'show', id])))
    return { diffs, texts, stars: await this.json(['star', 'list']), profile: await this.json(['profile', 'show', '--keys']) }
  }
}

interface WatchLine {
  readonly event: string
  readonly at: number
  readonly uploaded?: { readonly segments: number }
  readonly downloaded?: { readonly segments: number }
  readonly code?: string
}

export interface RunningWatch {
  /** What it has printed so far. */
  readonly lines: readonly WatchLine[]
  /** The first line from now on that fits, or one that nobody has waited for yet. */
  readonly next: (fits: (line: WatchLine) => boolean) => Promise<WatchLine>
  readonly ended: Promise<{ readonly status: number; readonly err: string }>
  readonly stop: () => Promise<{ readonly status: number; readonly err: string }>
}

/** `sync --mode auto` in a home, ended with the test at the latest. */
export function watchAutomatically(home: ProfileHome): RunningWatch {
  const lines: WatchLine[] = []
  let looked = 0
  let wake = Promise.withResolvers<void>()
  const stop = new AbortController()
  const ended = home.try(['sync', '--mode', 'auto', '--json'], {
    signal: stop.signal,
    onOutput: (text) => {
      for (const line of text.trimEnd().split('\n')) lines.push(JSON.parse(line) as WatchLine)
      wake.resolve()
      wake = Promise.withResolvers()
    },
  })
  const stopped = () => {
    stop.abort()
    return ended
  }
  onTestFinished(async () => void (await stopped()))
  return {
    lines,
    async next(fits) {
      for (;;) {
        while (looked < lines.length) {
          const line = lines[looked++] as WatchLine
          if (fits(line)) return line
        }
        const over = await Promise.race([ended, wake.promise])
        if (over !== undefined) throw new Error(`the watch ended with ${over.status}: ${over.err}`)
      }
    },
    ended,
    stop: stopped,
  }
}
