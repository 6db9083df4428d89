/**
 * Indexing off the main thread. The worker has connections of its own; SQLite's write-ahead log lets it read the vault
 * while the main thread writes it, and lets the main thread search while the worker indexes.
 *
 * | to the worker | from the worker |
 * | --- | --- |
 * | `work`: the vault has changed | `progress`: a transaction is committed |
 * | `stop`: finish the transaction and end | `idle`: nothing is left to index |
 * | | `failed`: indexing ended with an error; the next `work` tries again |
 *
 * Ending it at any moment, by force too, loses at most the running transaction.
 */
import { Worker } from 'node:worker_threads'
import type { DriverErrorCode } from '#driver'
import type { SearchSource } from '#search/search-index'

export interface SearchWorkerOptions {
  readonly vaultPath: string
  readonly source: SearchSource
  readonly onReport?: (report: SearchReport) => void
}

export interface SearchWorkerData {
  readonly vaultPath: string
  readonly source: SearchSource
}

export type SearchCommand = { readonly type: 'work' } | { readonly type: 'stop' }

export type SearchReport =
  | { readonly type: 'progress'; readonly indexed: number; readonly backlog: number }
  | { readonly type: 'idle' }
  | { readonly type: 'failed'; readonly code: DriverErrorCode | 'crashed'; readonly message: string }

export interface SearchWorker {
  /** Tells that there is something to index; cheap, so call it after each commit. */
  work(): void
  /** Resolves when the worker has ended; the files are closed then. */
  stop(): Promise<void>
  /** Ends it without waiting for its transaction. */
  kill(): Promise<void>
}

/** The worker does not keep the process alive. */
export function startSearchWorker(options: SearchWorkerOptions): SearchWorker {
  const data: SearchWorkerData = { vaultPath: options.vaultPath, source: options.source }
  const worker = new Worker(new URL('./search-worker-thread.ts', import.meta.url), { workerData: data, name: 'lockstep-search' })
  worker.unref()
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('message', (report: SearchReport) => options.onReport?.(report))
  worker.on('error', (error) => options.onReport?.({ type: 'failed', code: 'crashed', message: String(error) }))
  const send = (command: SearchCommand): void => worker.postMessage(command)
  return {
    work: () => send({ type: 'work' }),
    async stop() {
      worker.ref()
      send({ type: 'stop' })
      await ended
    },
    async kill() {
      await worker.terminate()
    },
  }
}
