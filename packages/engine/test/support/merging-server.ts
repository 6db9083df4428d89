/**
 * A {@link LogServer} that lets clients merge: runs lie over the log as it was pushed, which stays what it was, so that a test
 * can compare devices that got the one with devices that got the other. One merge at a time; its lease does not lapse.
 */
import { concatBytes, decodeUtf8, encodeUtf8, equalBytes, fromBase64Url, toBase64Url } from '@lockstep/protocol/bytes'
import { identifySegment } from '@lockstep/protocol/chain'
import {
  type DeliveredSegment,
  decodePush,
  encodeDelivery,
  encodeIndex,
  encodePosition,
  type IndexEntry,
  SEGMENT_KIND,
  type SegmentRecord,
} from '@lockstep/protocol/records'
import type { HttpClient, HttpRequest, HttpResponse } from '#http'
import { answer, LogServer, problem, sha256 } from './log-server.ts'

interface Reserved {
  readonly name: string
  readonly first: number
  readonly last: number
  readonly run: Uint8Array
  readonly parts: SegmentRecord[]
}

export class MergingServer extends LogServer {
  /** Runs that have been merged, by their first sequence number: the parts of each. */
  readonly runs = new Map<number, readonly DeliveredSegment[]>()
  /** Answers an index shows at most. */
  mostEntries = 16_384
  /** False: as a server that knows nothing of merging. */
  merging = true
  /** Called before a merge request is answered: throw to break off, return an answer to give another. */
  beforeMerge: (request: HttpRequest) => HttpResponse | undefined = () => undefined
  #reserved: Reserved | undefined
  #names = 0

  constructor() {
    super()
    const plain: HttpClient = this.http
    this.http = async (request) => {
      const { pathname, searchParams } = new URL(request.url)
      const own =
        pathname === '/v1/segments/index' ||
        pathname.startsWith('/v1/segments/merged') ||
        (pathname === '/v1/segments' && request.method === 'GET' && this.runs.size > 0)
      if (!own) return plain(request)
      const response = this.#answer(request, pathname, searchParams)
      const parts: Uint8Array[] = []
      for await (const piece of response.body) parts.push(piece)
      const body = concatBytes(...parts)
      this.exchanges.push({ method: request.method, path: pathname, sent: request.body?.length ?? 0, received: body.length })
      return answer(response.status, body, { 'content-type': response.header('content-type') ?? '' })
    }
  }

  /** What the log consists of now: plain segments and the parts of runs, in order. */
  entries(): DeliveredSegment[][] {
    const out: DeliveredSegment[][] = []
    for (let at = 1; at <= this.head; ) {
      const run = this.runs.get(at) ?? [this.log[at - 1] as DeliveredSegment]
      out.push([...run])
      at = (run[0] as DeliveredSegment).last + 1
    }
    return out
  }

  index(): IndexEntry[] {
    return this.entries().map((parts) => {
      const { first, last, kind } = parts[0] as DeliveredSegment
      const ids = parts.map((part) => identifySegment(sha256, part).id)
      const tag = ids.length === 1 ? (ids[0] as Uint8Array) : sha256(concatBytes(...ids)).slice(0, 16)
      return { first, last, kind, bytes: parts.reduce((sum, { sealed }) => sum + sealed.length, 0), tag }
    })
  }

  get bytes(): number {
    return this.index().reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Forgets a reservation, as a server does of which nothing is heard. */
  lapse(): void {
    this.#reserved = undefined
  }

  #answer(request: HttpRequest, path: string, query: URLSearchParams): HttpResponse {
    if (path === '/v1/segments') return this.#pull(query)
    if (!this.merging) return problem(404, 'not-found')
    if (path === '/v1/segments/index') {
      const from = Number(query.get('from'))
      return answer(
        200,
        encodeIndex(
          this.position(),
          this.index()
            .filter(({ last }) => last >= from)
            .slice(0, this.mostEntries),
        ),
      )
    }
    const instead = this.beforeMerge(request)
    if (instead !== undefined) return instead
    const [, , , , name, part] = path.split('/')
    if (name === undefined) return this.#reserve(request.body as Uint8Array)
    const reserved = this.#reserved
    if (reserved?.name !== name) return problem(404, 'not-found')
    if (part !== undefined) {
      reserved.parts[Number(part)] = decodePush(request.body as Uint8Array)[0] as SegmentRecord
      return answer(204, new Uint8Array(0))
    }
    return this.#commit(reserved, JSON.parse(decodeUtf8(request.body as Uint8Array)).parts)
  }

  #runTag(first: number, last: number): Uint8Array {
    const tags = this.index().filter((entry) => entry.first >= first && entry.last <= last)
    return sha256(concatBytes(...tags.map(({ tag }) => tag)))
  }

  #reserve(body: Uint8Array): HttpResponse {
    const { first, last, run } = JSON.parse(decodeUtf8(body))
    if (this.#reserved !== undefined) return problem(409, 'merge-busy')
    if (!equalBytes(this.#runTag(first, last), fromBase64Url(run))) return problem(409, 'run-changed')
    this.#reserved = { name: `m${++this.#names}`, first, last, run: fromBase64Url(run), parts: [] }
    return json(201, { merge: this.#reserved.name, seconds: 120 })
  }

  #commit({ first, last, run, parts }: Reserved, count: number): HttpResponse {
    this.#reserved = undefined
    if (!equalBytes(this.#runTag(first, last), run)) return problem(409, 'run-changed')
    if (parts.length !== count || parts.some(({ kind, counter }) => kind !== SEGMENT_KIND.merged || counter !== last)) {
      return problem(400, 'bad-segment')
    }
    const replaced = this.index().filter((entry) => entry.first >= first && entry.last <= last)
    const limit = replaced.reduce((sum, { bytes }) => sum + bytes, 0) * 1.25 + 1024 * 1024
    if (parts.reduce((sum, { sealed }) => sum + sealed.length, 0) > limit) return problem(413, 'too-large')
    for (const entry of replaced) this.runs.delete(entry.first)
    this.runs.set(
      first,
      parts.map((part) => ({ ...part, sealed: part.sealed.slice(), first, last })),
    )
    const { head, chain, generation } = this.position()
    return json(200, { head, chain: toBase64Url(chain), generation: toBase64Url(generation) })
  }

  #pull(query: URLSearchParams): HttpResponse {
    const after = Number(query.get('after'))
    const through = Number(query.get('through') ?? this.head)
    if (!equalBytes(this.chains[after] as Uint8Array, fromHexQuery(query.get('chain')))) return problem(409, 'chain-mismatch')
    const entries = this.entries().filter(
      ([part]) => (part as DeliveredSegment).last > after && (part as DeliveredSegment).first <= through,
    )
    if (query.get('order') === 'newest') entries.reverse()
    return answer(200, concatBytes(encodePosition(this.position()), ...entries.flat().map(encodeDelivery)))
  }
}

function fromHexQuery(text: string | null): Uint8Array {
  return Uint8Array.from(Buffer.from(text ?? '', 'hex'))
}

function json(status: number, value: unknown): HttpResponse {
  return answer(status, encodeUtf8(JSON.stringify(value)), { 'content-type': 'application/json' })
}
