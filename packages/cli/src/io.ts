/** What the commands see of the process that runs them; tests supply their own. */
import type { Readable, Writable } from 'node:stream'

export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(on: boolean): unknown }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Unix milliseconds. */
  readonly now: () => number
  /** Aborted when the process is asked to end; who listens ends in an orderly way. */
  readonly interrupted: () => AbortSignal
}

export function processIo(): Io {
  // `lockstep note list | head` ends the pipe early: that is no failure, there is just nobody left to tell.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit()
      // Half of an answer would pass for the whole.
      if (stream === process.stdout) process.stderr.write(`The output cannot be written: ${error.message}.\n`)
      process.exit(1)
    })
  }
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: () => Date.now(),
    interrupted: () => {
      const controller = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort())
      return controller.signal
    },
  }
}
