/**
 * Files: sealed bytes under an id, in the blob store, and a row that says which blob they are. Each upload is a blob of its own, so
 * that the row is the one thing that changes when a file is replaced:
 *
 *     1. the blob is stored whole and fsynced    killed before: the old file; a part, or a blob that is nobody's
 *     2. the row names it, in one transaction    killed after: the new file; the old blob is nobody's
 *     3. the old blob is removed
 *
 * A row's blob is there, therefore, at any moment. Blobs that are nobody's are removed at the next start, if this database made
 * them: their names begin with its generation. A server that is started without its database does not take all files for
 * strays. Who reads a file while it is replaced keeps the old blob open.
 */
import { toHex } from '@lockstep/protocol/bytes'
import { type BlobStore, BlobTooLargeError, type OpenBlob } from '#blobs/blobs'
import { done, errorAnswer } from '#dialects/dataans/answers'
import { bodyChunks, declaredLength, refuseForeignPages } from '#dialects/dataans/requests'
import { formatUuid, parseUuid } from '#dialects/dataans/uuids'
import { markStreamed } from '#exchange'
import { errorFields } from '#log'
import { jsonResponse, ProblemError } from '#problems'
import type { App, Services } from '#services'
import type { PutFileOutcome } from '#storage/dataans'

/** How often a file may be replaced between looking it up and opening it. */
const TRIES = 10

/** A page of this origin must not be made of what somebody uploaded. */
const FILE_HEADERS = {
  'content-type': 'application/octet-stream',
  'content-disposition': 'attachment',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
}

export interface FilesOptions {
  readonly blobs: BlobStore
  readonly random: (length: number) => Uint8Array
  /** Of one file. */
  readonly fileBytes: number
  /** Of operations and files together, 0 for no bound. */
  readonly quotaBytes: number
}

/** @throws ProblemError `bad-request` */
function readId(text: string): Uint8Array {
  const id = parseUuid(text)
  if (id === undefined) throw new ProblemError('bad-request', 'a file is named by a UUID')
  return id
}

export function addFileRoutes(app: App, services: Services, { blobs, random, fileBytes, quotaBytes }: FilesOptions): void {
  const { storage, logger, crashPoint } = services
  const { dataans } = storage
  // Of this dialect's blobs, under this database: what another database named is none of its business, even if nobody else knows it.
  const prefix = `dataans-${toHex(storage.generation.subarray(0, 8))}-`

  /** What a process that was killed has left: an upload that the database never heard of, a file that was replaced. */
  async function removeStrays(): Promise<void> {
    const known = new Set(await dataans.blobs())
    for (const name of await blobs.list(prefix)) if (!known.has(name)) await blobs.remove(name)
  }
  // Begins before any upload does, so it takes none of theirs for a stray.
  const tidied = removeStrays().catch((error) => logger.warn('dataans-strays', errorFields(error)))

  const tooLarge = () => new ProblemError('too-large', `the file is over the limit of ${fileBytes} bytes`)
  const overQuota = () =>
    errorAnswer(507, `all data would be larger than the ${quotaBytes} bytes that this server keeps: the file was not stored`)

  /** What a file may have by the quota, if its old bytes go. */
  async function room(id: Uint8Array): Promise<number> {
    if (quotaBytes === 0) return Number.POSITIVE_INFINITY
    const { operationBytes, fileBytes: used } = await dataans.usage()
    const old = (await dataans.file(id))?.bytes ?? 0
    return Math.max(old, quotaBytes - operationBytes - used + old)
  }

  /** Not a reason for the request to fail: the next start removes it. */
  async function discard(blob: string): Promise<void> {
    await blobs.remove(blob).catch((error) => logger.warn('dataans-stray-kept', errorFields(error)))
  }

  async function store(id: Uint8Array, request: Request): Promise<Response> {
    const most = Math.min(fileBytes, await room(id))
    if (declaredLength(request) > fileBytes) throw tooLarge()
    if (declaredLength(request) > most) return overQuota()
    await tidied
    const blob = `${prefix}${formatUuid(id)}-${toHex(random(8))}`
    let outcome: PutFileOutcome
    try {
      const stored = await blobs.put(blob, bodyChunks(request.body), most)
      crashPoint('dataans-blob-stored')
      outcome = await dataans.putFile(id, { blob, ...stored }, quotaBytes)
    } catch (error) {
      await discard(blob)
      if (!(error instanceof BlobTooLargeError)) throw error
      if (most < fileBytes) return overQuota()
      throw tooLarge()
    }
    if (outcome.outcome === 'quota-exceeded') {
      await discard(blob)
      return overQuota()
    }
    crashPoint('dataans-file-committed')
    if (outcome.replaced !== undefined) await discard(outcome.replaced)
    return done()
  }

  async function openFile(id: Uint8Array): Promise<OpenBlob | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const file = await dataans.file(id)
      if (file === undefined) return undefined
      const blob = await blobs.open(file.blob)
      if (blob === undefined) continue
      if (blob.bytes === file.bytes) return blob
      await blob.close()
      break
    }
    throw new Error('a stored file is missing or has another length than it had: run lockstep verify')
  }

  app.post('/file/:id', async (context) => {
    refuseForeignPages((name) => context.req.header(name))
    return store(readId(context.req.param('id')), context.req.raw)
  })

  app.get('/file/:id', async (context) => {
    const id = readId(context.req.param('id'))
    if (context.req.method === 'HEAD') {
      const file = await dataans.file(id)
      if (file === undefined) return errorAnswer(404, 'there is no file with this id')
      return new Response(null, { headers: { ...FILE_HEADERS, 'content-length': String(file.bytes) } })
    }
    const blob = await openFile(id)
    if (blob === undefined) return errorAnswer(404, 'there is no file with this id')
    const headers = { ...FILE_HEADERS, 'content-length': String(blob.bytes) }
    return markStreamed(new Response(blob.stream(), { headers }))
  })

  app.get('/file/:id/exists', async (context) => {
    const file = await dataans.file(readId(context.req.param('id')))
    return jsonResponse(file !== undefined)
  })
}
