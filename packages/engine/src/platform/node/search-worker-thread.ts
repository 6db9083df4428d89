/** The thread of `search-worker.ts`: indexes in transactions of one shard at most, and listens between them. */
import { parentPort, workerData } from 'node:worker_threads'
import { DriverError } from '#driver'
import { openSearch, type SearchConnection } from '#platform/node/search-connection'
import type { SearchCommand, SearchReport, SearchWorkerData } from '#platform/node/search-worker'

/** Milliseconds until another try while the main thread is writing the index itself. */
const BUSY_PAUSE = 20

if (parentPort === null) throw new Error('search-worker-thread.ts runs as a worker only')
const port = parentPort
const { vaultPath, source } = workerData as SearchWorkerData
let connection: SearchConnection | undefined
let scheduled = false

const report = (message: SearchReport): void => port.postMessage(message)

function schedule(milliseconds = 0): void {
  if (scheduled) return
  scheduled = true
  setTimeout(step, milliseconds)
}

function step(): void {
  scheduled = false
  if (connection === undefined) return
  try {
    const { indexed, done } = connection.index.catchUp()
    if (indexed > 0) report({ type: 'progress', indexed, backlog: done ? 0 : connection.index.backlog() })
    if (done) report({ type: 'idle' })
    else schedule()
  } catch (error) {
    if (error instanceof DriverError && error.code === 'busy') schedule(BUSY_PAUSE)
    else fail(error)
  }
}

function fail(error: unknown): void {
  report({
    type: 'failed',
    code: error instanceof DriverError ? error.code : 'other',
    message: error instanceof Error ? error.message : String(error),
  })
}

port.on('message', (command: SearchCommand) => {
  if (command.type === 'work') {
    try {
      connection ??= openSearch(vaultPath, source)
      schedule()
    } catch (error) {
      fail(error)
    }
    return
  }
  connection?.close()
  connection = undefined
  port.close()
})
