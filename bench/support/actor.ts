/**
 * Processes that a benchmark starts: servers and devices, each with its own memory to be measured. A process holds one
 * object ("actor"); the parent calls its methods one after another over Node's IPC channel.
 *
 *     const server = startActor<ServerActor>('server-actor.ts')
 *     const url = await server.call('start', { data: folder })
 *     await server.stop()
 */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'

export interface Usage {
  /** Resident memory now and at its highest, bytes. */
  readonly rss: number
  readonly peak: number
  /** Processor time so far, milliseconds. */
  readonly cpu: number
}

// biome-ignore lint/suspicious/noExplicitAny: the constraint of a table of methods; each call is typed by its own method.
type Method = (...argument: any[]) => unknown

interface Call {
  readonly method: string
  readonly argument: readonly unknown[]
}

type Reply = { readonly result: unknown } | { readonly error: string }

export class Actor<T extends Record<string, Method>> {
  readonly #child: ChildProcess
  #ended = false

  constructor(child: ChildProcess) {
    this.#child = child
    child.once('exit', () => {
      this.#ended = true
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** One call at a time: the next message is its answer. */
  call<K extends keyof T & string>(method: K, ...argument: Parameters<T[K]>): Promise<Awaited<ReturnType<T[K]>>> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`the process ended with ${code} during ${method}`))
      this.#child.once('exit', ended)
      this.#child.once('message', (reply: Reply) => {
        this.#child.off('exit', ended)
        if ('error' in reply) reject(new Error(`${method}: ${reply.error}`))
        else resolve(reply.result as Awaited<ReturnType<T[K]>>)
      })
      this.#child.send({ method, argument } satisfies Call)
    })
  }

  /** Lets the process end by itself. */
  stop(): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve())
      if (this.#child.connected) this.#child.disconnect()
    })
  }
}

/** `file` is beside this one. */
export function startActor<T extends Record<string, Method>>(file: string): Actor<T> {
  return new Actor<T>(fork(join(import.meta.dirname, file), { serialization: 'advanced' }))
}

/** In the child: answers the parent's calls until it lets go. */
export function serveActor(methods: Record<string, Method>, close: () => Promise<void>): void {
  process.on('message', async ({ method, argument }: Call) => {
    let reply: Reply
    try {
      reply = { result: await methods[method]?.(...argument) }
    } catch (error) {
      reply = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
    process.send?.(reply)
  })
  process.once('disconnect', () => void close().finally(() => process.exit(0)))
}

export function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { rss: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024, cpu: (user + system) / 1000 }
}
