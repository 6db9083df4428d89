/** The real program in processes of its own, as a person starts it: `lockstep …` through its launcher. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../packages/cli/bin/lockstep.js', import.meta.url))

export interface Outcome {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** A variable of the machine that runs the tests must not change what they do. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LOCKSTEP_')))
}

/** Runs one command to its end. */
async function lockstep(args: readonly string[], input = ''): Promise<Outcome> {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: environment() })
  const output = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  // Who does not read its input may be gone before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [out, err, [status]] = await output
  return { status: status as number | null, out, err }
}

/** One device: a home folder. Every command must succeed unless it is said otherwise. */
export class Home {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  try(args: readonly string[], input = ''): Promise<Outcome> {
    return lockstep(['--home', this.folder, ...args], input)
  }

  async text(args: readonly string[], input = ''): Promise<string> {
    const { status, out, err } = await this.try(args, input)
    if (status !== 0) throw new Error(`lockstep ${args.join(' ')} ended with ${status}: ${err}`)
    return out
  }

  async json<T>(args: readonly string[], input = ''): Promise<T> {
    return JSON.parse(await this.text([...args, '--json'], input)) as T
  }
}

export interface ServerProcess {
  readonly url: string
  /** Ends it with SIGTERM and returns its exit status. */
  stop(): Promise<number | null>
  /** Ends it with SIGKILL: it has no say in it. */
  kill(): Promise<void>
}

/** `lockstep serve` on a free port; resolves when it says that it is ready. */
export async function serve(data: string, flags: readonly string[] = []): Promise<ServerProcess> {
  const args = [BIN, 'serve', '--port', '0', '--data', data, '--json', '--log-level', 'warn', ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() })
  const errors = text(child.stderr)
  const ended = once(child, 'close').then(([status]) => status as number | null)
  const ready = once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(String(line)) as { url: string })
  const failed = ended.then(async (status) => Promise.reject(new Error(`lockstep serve ended with ${status}: ${await errors}`)))
  failed.catch(() => {})
  const { url } = await Promise.race([ready, failed])
  return {
    url,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
