/** A vault's search on Node: small backlogs are indexed by whoever searches, large ones by a worker that is started for them. */
import { DriverError } from '#driver'
import { openSearch, removeSearch, type SearchConnection } from '#platform/node/search-connection'
import { type SearchWorker, startSearchWorker } from '#platform/node/search-worker'
import { INLINE_BACKLOG, type SearchSource } from '#search/search-index'
import type { SearchService } from '#search/service'

export function nodeSearch(vaultPath: string, source: SearchSource): SearchService {
  // Opened when first needed: most commands neither search nor bring enough for a worker.
  let connection: SearchConnection | undefined
  let worker: SearchWorker | undefined
  const connect = () => {
    connection ??= openSearch(vaultPath, source)
    return connection.index
  }
  return {
    query: (request) => connect().query(request),
    changed() {
      if (worker === undefined && connect().backlog() > INLINE_BACKLOG) worker = startSearchWorker({ vaultPath, source })
      worker?.work()
    },
    indexedThrough: () => connect().indexedThrough(),
    async check({ heal }) {
      const wrong = examine(() => {
        const index = connect()
        while (!index.catchUp().done);
        return (connection as SearchConnection).check()
      })
      if (wrong === undefined || !heal) return wrong
      await worker?.stop()
      worker = undefined
      connection?.close()
      connection = undefined
      removeSearch(vaultPath)
      const index = connect()
      while (!index.catchUp().done);
      return wrong
    },
    async close() {
      await worker?.stop()
      connection?.close()
    },
  }
}

/** A file that cannot be read is as damaged as one that is wrong. */
function examine(check: () => string | undefined): string | undefined {
  try {
    return check()
  } catch (error) {
    if (error instanceof DriverError && error.code !== 'busy') return `the search index cannot be read: ${error.message}`
    throw error
  }
}
