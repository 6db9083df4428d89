/**
 * A Dataans server: its user, its operations as they arrive, and which files it has. What it sends is believed only as far as it
 * opens with the person's key: each operation's id, time and checksum must be those of the plaintext.
 */
import { z } from 'zod'
import type { DataansKey } from '#dataans/envelope'
import { checksumOf, type DataansOperation, parseOperation, uuid } from '#dataans/operation'
import { OperationStream, type StreamedOperation } from '#dataans/operation-stream'
import { parseTimestamp } from '#dataans/timestamp'
import { ImportError } from '#errors'
import type { Answer, WebSource } from '#web-source'

const SMALL_ANSWER = 64 * 1024
/** Of all block hashes: a hundred and odd bytes for sixteen operations. */
const BLOCKS_ANSWER = 64 * 1024 * 1024
/** What clients ask for. */
const ITEMS_PER_BLOCK = 16
/** Opened at once. */
const BATCH = 64
/** Upstream's database keeps microseconds. */
const MAX_TIME_DIFFERENCE = 1000n

const userSchema = z.object({ id: uuid, secretKeyHash: z.string().max(1000) })

/** `operation` is undefined for one that cannot be read, with the reason. */
export type OpenedOperation =
  | { readonly operation: DataansOperation }
  | { readonly operation?: undefined; readonly id: string | undefined; readonly reason: string }

/** What a server can make an import read. */
export interface SourceLimits {
  readonly operations: number
  /** Bytes of JSON from one operation to the next. */
  readonly bytesBetween: number
  /** Bytes of one sealed operation; a larger one is left out. */
  readonly sealedBytes: number
}

/** No person has more operations; a sealed note of the largest size may have every character written as `\uXXXX`. */
const LIMITS: SourceLimits = { operations: 2_000_000, bytesBetween: 2 ** 32, sealedBytes: 32 * 1024 * 1024 }

export class DataansSource {
  readonly #web: WebSource
  readonly #limits: SourceLimits

  constructor(web: WebSource, limits: Partial<SourceLimits> = {}) {
    this.#web = web
    this.#limits = { ...LIMITS, ...limits }
  }

  /** @throws ImportError `source-refused` where there is no user yet, `source-invalid`; EngineError `gate-refused` */
  async user(): Promise<{ readonly id: string; readonly secretKeyHash: string }> {
    const answer = await this.#web.get('/user')
    if (answer.status === 404) {
      throw new ImportError(
        'source-refused',
        `${this.#web.server} has no Dataans user: either nobody signed in there yet, or it is no Dataans server`,
      )
    }
    const parsed = userSchema.safeParse(await this.#web.json(this.#checked(answer, 'for the user'), SMALL_ANSWER))
    if (!parsed.success) throw new ImportError('source-invalid', `${this.#web.server} did not answer as a Dataans server does`)
    return parsed.data
  }

  /** About how many operations there are, for a progress bar; 0 where the server does not say. */
  async countOperations(): Promise<number> {
    const answer = await this.#web.get(`/data/block?items_per_block=${ITEMS_PER_BLOCK}`)
    const blocks = await this.#web.json(this.#checked(answer, 'for the blocks'), BLOCKS_ANSWER)
    return Array.isArray(blocks) ? blocks.length * ITEMS_PER_BLOCK : 0
  }

  /** All operations, or those with the wanted ids, in batches. @throws ImportError `source-invalid` also where the answer was cut off */
  async *operations(key: DataansKey, wanted?: ReadonlySet<string>): AsyncGenerator<OpenedOperation[]> {
    const { body } = this.#checked(await this.#web.get('/data/operation?operations_to_skip=0'), 'for the operations')
    const stream = new OperationStream(this.#limits.sealedBytes)
    let waiting: StreamedOperation[] = []
    let count = 0
    let between = 0
    for await (const chunk of body) {
      const arrived = stream.push(chunk)
      between = arrived.length > 0 ? 0 : between + chunk.length
      if (between > this.#limits.bytesBetween)
        throw new ImportError('source-invalid', `${this.#web.server} sends an operation that has no end`)
      count += arrived.length
      if (count > this.#limits.operations) {
        throw new ImportError(
          'source-invalid',
          `${this.#web.server} has more than ${this.#limits.operations} operations: that is no person's`,
        )
      }
      waiting.push(
        ...arrived.filter(({ sealed }) => wanted === undefined || (sealed !== undefined && wanted.has(sealed.id.toLowerCase()))),
      )
      while (waiting.length >= BATCH) {
        yield await Promise.all(waiting.slice(0, BATCH).map((one) => open(key, one)))
        waiting = waiting.slice(BATCH)
      }
    }
    stream.end()
    yield await Promise.all(waiting.map((one) => open(key, one)))
  }

  /** Whether the server has the file. */
  async hasFile(id: string): Promise<boolean> {
    const answer = await this.#web.get(`/file/${id}/exists`)
    return (await this.#web.json(this.#checked(answer, 'for a file'), SMALL_ANSWER)) === true
  }

  #checked(answer: Answer, what: string): Answer {
    if (answer.status === 401 || answer.status === 403) throw this.#web.gateRefused(answer.status)
    if (answer.status !== 200) throw this.#web.refused(answer.status, what)
    return answer
  }
}

async function open(key: DataansKey, { sealed, ...rest }: StreamedOperation): Promise<OpenedOperation> {
  if (sealed === undefined) return rest as { id: string | undefined; reason: string }
  const refuse = (reason: string) => ({ id: sealed.id, reason })
  const plaintext = await key.open(sealed.data)
  if (plaintext === undefined) return refuse('does not open with this password and passphrase, or was altered')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext)
  } catch {
    return refuse('is not UTF-8')
  }
  const operation = parseOperation(text)
  if (operation === undefined) return refuse('is of a kind that this release does not know')
  if (operation.id !== sealed.id.toLowerCase()) return refuse('is kept under the id of another')
  const created = parseTimestamp(sealed.createdAt)
  const difference = created === undefined ? undefined : created - operation.at
  if (difference === undefined || difference > MAX_TIME_DIFFERENCE || difference < -MAX_TIME_DIFFERENCE) {
    return refuse('is kept under another time')
  }
  if (!checksumOf(operation).every((byte, i) => byte === sealed.checksum[i])) return refuse('does not match its checksum')
  return { operation }
}
