/**
 * Operations and their blocks. A client compares block hashes, fetches what is from the first difference on, and sends what the
 * server lacks.
 *
 * Both directions are streams. A body is taken apart as it arrives, so that no more of it is in memory than the operations it has
 * (their bytes, a third of their JSON), and stored as a whole at its end. An answer is written page by page from what was
 * there when it began.
 */
import { encodeUtf8 } from '@lockstep/protocol/bytes'
import { done, errorAnswer } from '#dialects/dataans/answers'
import { JsonWriter, listLength } from '#dialects/dataans/byte-lists'
import { JsonElements } from '#dialects/dataans/json-elements'
import { OPERATION_LIMITS, readOperation, writeOperations } from '#dialects/dataans/operation-json'
import { bodyChunks, declaredLength, readCount, refuseForeignPages } from '#dialects/dataans/requests'
import { formatUuid } from '#dialects/dataans/uuids'
import { markStreamed } from '#exchange'
import { ProblemError } from '#problems'
import type { App, Services } from '#services'
import {
  type DataansStore,
  ITEMS_PER_BLOCK,
  type NewDataansOperation,
  type OperationsPage,
  type OperationsRest,
} from '#storage/dataans'

/** Of data that an answer has in memory at a time. */
const PAGE_BYTES = 128 * 1024
const HASH_BYTES = 32

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

export interface OperationsLimits {
  /** Of one body. */
  readonly bodyBytes: number
  /** Of operations and files together, 0 for no bound. */
  readonly quotaBytes: number
}

/** `[[1,2,…],…]`: a list for each 32 bytes. */
function writeBlocks(hashes: Uint8Array): Uint8Array<ArrayBuffer> {
  const blocks = hashes.length / HASH_BYTES
  const out = new JsonWriter(2 + blocks * (listLength(HASH_BYTES) + 1)).text('[')
  for (let block = 0; block < blocks; block++) {
    if (block > 0) out.text(',')
    out.list(hashes.subarray(block * HASH_BYTES, (block + 1) * HASH_BYTES))
  }
  return out.text(']').finish()
}

/** @throws ProblemError `too-large`, `bad-json`, `bad-request` */
async function readOperations(request: Request, limit: number): Promise<NewDataansOperation[]> {
  const tooLarge = () => new ProblemError('too-large', `the body is over the limit of ${limit} bytes`)
  if (declaredLength(request) > limit) throw tooLarge()
  const elements = new JsonElements(OPERATION_LIMITS)
  const operations: NewDataansOperation[] = []
  let bytes = 0
  for await (const chunk of bodyChunks(request.body)) {
    bytes += chunk.length
    if (bytes > limit) throw tooLarge()
    for (const element of elements.push(chunk)) operations.push(readOperation(element, operations.length))
  }
  elements.end()
  return operations
}

/** The rest of an answer whose first page has been read. */
function operationsStream(store: DataansStore, first: OperationsPage): ReadableStream<Uint8Array> {
  let page: OperationsPage = first
  let begun = false
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (begun) page = await store.operations(page.rest as OperationsRest, PAGE_BYTES)
        else controller.enqueue(encodeUtf8('['))
        controller.enqueue(writeOperations(page.operations, !begun))
        begun = true
        if (page.rest !== undefined) return
        controller.enqueue(encodeUtf8(']'))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

export function addOperationRoutes(app: App, { storage }: Services, limits: OperationsLimits): void {
  const { dataans } = storage
  /** The JSON of hashes that were given before. */
  const written = new WeakMap<Uint8Array, Uint8Array<ArrayBuffer>>()

  app.get('/data/block', async (context) => {
    const length = readCount(context.req.query('items_per_block'), 'items_per_block', { least: 1, absent: ITEMS_PER_BLOCK })
    const hashes = await dataans.blocks(length)
    const json = written.get(hashes) ?? writeBlocks(hashes)
    written.set(hashes, json)
    return new Response(json, { headers: JSON_HEADERS })
  })

  app.get('/data/operation', async (context) => {
    const skip = readCount(context.req.query('operations_to_skip'), 'operations_to_skip', { least: 0, absent: 0 })
    if (context.req.method === 'HEAD') return new Response(null, { headers: JSON_HEADERS })
    const first = await dataans.operations(skip, PAGE_BYTES)
    return markStreamed(new Response(operationsStream(dataans, first), { headers: JSON_HEADERS }))
  })

  app.post('/data/operation', async (context) => {
    refuseForeignPages((name) => context.req.header(name))
    const operations = await readOperations(context.req.raw, limits.bodyBytes)
    const outcome = await dataans.addOperations(operations, limits.quotaBytes)
    if (outcome.outcome === 'stored') return done()
    if (outcome.outcome === 'conflict') {
      return errorAnswer(409, `operation ${formatUuid(outcome.id)} is here with another checksum: nothing was stored`)
    }
    return errorAnswer(
      507,
      `all data would be larger than the ${limits.quotaBytes} bytes that this server keeps: nothing was stored`,
    )
  })
}
