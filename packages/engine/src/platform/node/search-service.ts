/** A vault's search on Node: small backlogs are indexed by whoever searches, large ones by a worker that is started for them. */
import { openSearch } from '#platform/node/search-connection'
import { type SearchWorker, startSearchWorker } from '#platform/node/search-worker'
import { INLINE_BACKLOG, type SearchSource } from '#search/search-index'
import type { SearchService } from '#search/service'

export function nodeSearch(vaultPath: string, source: SearchSource): SearchService {
  // Opened when first needed: most commands neither search nor bring enough for a worker.
  let connection: ReturnType<typeof openSearch> | undefined
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
    async close() {
      await worker?.stop()
      connection?.close()
    },
  }
}
