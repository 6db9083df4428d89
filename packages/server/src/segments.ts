/**
 * Push and pull: what a device does every day. They carry no more than they must, in bytes and in work: the answer to
 * an up-to-date pull is the 57 bytes of a position [SYNC-1].
 */
import { concatBytes, equalBytes, FormatError, fromHex, toBase64Url } from '@lockstep/protocol/bytes'
import { identifySegment } from '@lockstep/protocol/chain'
import { type PullQuery, pullQuerySchema, SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import {
  type DeliveredSegment,
  decodePush,
  encodeDelivery,
  encodePosition,
  encodePushAnswer,
  isCounted,
  type Position,
  type SegmentRecord,
} from '@lockstep/protocol/records'
import { requireSession } from '#access'
import { describeIssue } from '#body'
import { type Answer, type Exchange, requireMediaType } from '#exchange'
import { ProblemError } from '#problems'
import { coverageToJson, epochAhead, epochClosed, quotaExceeded, vaultRemoved } from '#refusals'
import type { Services } from '#services'
import type { AppendOutcome, Interval, VaultKey } from '#storage/storage'

/** Sealed bytes read from the database at a time: what one pull holds in memory. */
const PAGE_BYTES = 1024 * 1024

// The answer to a POST is not cached unless it says so; a GET's might be.
const PUSH_HEADERS = { 'content-type': SEGMENTS_MEDIA_TYPE }
const PULL_HEADERS = { 'content-type': SEGMENTS_MEDIA_TYPE, 'cache-control': 'no-store' }
const PULL_PARAMETERS = ['after', 'chain', 'through', 'order', 'resume'] as const

export interface SegmentRoutes {
  /** `POST /v1/segments` @throws ProblemError */
  push(exchange: Exchange): Promise<Answer>
  /** `GET /v1/segments` @throws ProblemError */
  pull(exchange: Exchange): Promise<Answer>
}

/** @throws ProblemError `bad-segment`, `too-large` */
export function decodeRecords(body: Uint8Array, segmentBytes: number): SegmentRecord[] {
  let records: SegmentRecord[]
  try {
    records = decodePush(body)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new ProblemError(error.code === 'too-large' ? 'too-large' : 'bad-segment', error.message)
  }
  if (records.length === 0) throw new ProblemError('bad-segment', 'there is no segment in the body')
  for (const { sealed } of records) {
    if (sealed.length > segmentBytes) {
      throw new ProblemError('too-large', `a segment is over the limit of ${segmentBytes} bytes`)
    }
  }
  return records
}

/** @throws ProblemError `bad-request` */
function parsePull(exchange: Exchange): PullQuery {
  const query = pullQuerySchema.safeParse(Object.fromEntries(PULL_PARAMETERS.map((name) => [name, exchange.query(name)])))
  if (!query.success) throw new ProblemError('bad-request', describeIssue(query.error))
  return query.data
}

function toInterval({ after, through, order, resume }: PullQuery, head: number): Interval {
  const end = Math.min(through ?? head, head)
  return {
    after,
    through: end,
    newest: order === 'newest',
    resume: resume === undefined ? undefined : { at: end, id: fromHex(resume) },
  }
}

/** A run that was merged across the head since it was read: what is in it is not all of this answer's position. */
function reachesBeyond(segments: readonly DeliveredSegment[], head: number): boolean {
  return segments.some(({ last }) => last > head)
}

export function createSegmentRoutes(services: Services): SegmentRoutes {
  const { storage, secrets, commits, policy, metrics, crashPoint, clock } = services
  const { limits } = policy

  // A device whose clock is far off is told by its answers: most devices ask for nothing else.
  const date = () => new Date(clock()).toUTCString()

  function pushAnswer(outcome: AppendOutcome): Answer {
    metrics.count('lockstep_pushes_total', 1, { outcome: outcome.outcome })
    switch (outcome.outcome) {
      case 'appended': {
        let bytes = 0
        for (const { sealed } of outcome.added) bytes += sealed.length
        metrics.count('lockstep_segments_total', outcome.added.length)
        metrics.count('lockstep_segment_bytes_total', bytes)
        const headers = { ...PUSH_HEADERS, date: date() }
        return { status: 200, headers, body: encodePushAnswer(outcome) as Uint8Array<ArrayBuffer> }
      }
      case 'replica-conflict':
        throw new ProblemError('replica-conflict', 'the segment does not continue what is stored of its replica', {
          extra: { counter: outcome.counter, previous: toBase64Url(outcome.previous) },
        })
      case 'epoch-closed':
        throw epochClosed(outcome)
      case 'epoch-ahead':
        throw epochAhead(outcome)
      case 'quota-exceeded':
        throw quotaExceeded(limits)
      case 'vault-removed':
        throw vaultRemoved()
      case 'storage-full':
        throw new ProblemError('storage-full', 'the server has no room left; nothing of this push was stored')
    }
  }

  /** @throws ProblemError `chain-mismatch` [LOG-4] */
  async function requireCursor(vault: VaultKey, { after, chain }: PullQuery, position: Position): Promise<void> {
    const { head, generation } = position
    if (after <= head) {
      const own = after === head ? position.chain : await storage.chainAt(vault, after)
      if (own !== undefined && equalBytes(own, fromHex(chain))) return
      // Its value is gone: the client checks the run by what it covers [LOG-6].
      if (own === undefined && (await storage.isInsideRun(vault, after))) return
    }
    throw new ProblemError('chain-mismatch', 'the cursor is not of this log', {
      extra: {
        head,
        chain: toBase64Url(position.chain),
        generation: toBase64Url(generation),
        coverage: coverageToJson(await storage.coverage(vault)),
      },
    })
  }

  /** The deliveries of an interval, a page at a time and only as fast as they are taken. */
  function deliveryStream(vault: VaultKey, start: Uint8Array, interval: Interval, head: number): ReadableStream<Uint8Array> {
    let first: Uint8Array | undefined = start
    let left = interval
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (first !== undefined) {
            controller.enqueue(first)
            first = undefined
            return
          }
          crashPoint('during-stream')
          const { segments, rest } = await storage.read(vault, left, PAGE_BYTES)
          // Broken off, the answer is asked for again and then has that run whole.
          if (reachesBeyond(segments, head)) throw new Error('the log was merged beyond the end of an answer that is on its way')
          if (segments.length > 0) controller.enqueue(concatBytes(...segments.map(encodeDelivery)))
          if (rest === undefined) controller.close()
          else left = rest
        },
      },
      { highWaterMark: 0 },
    )
  }

  return {
    async push(exchange) {
      const { vault } = await requireSession(services, exchange.header('authorization'))
      requireMediaType(exchange.header('content-type'), SEGMENTS_MEDIA_TYPE)
      const records = decodeRecords(await exchange.body(limits.pushBytes), limits.segmentBytes)
      if (records.length > limits.pushSegments) {
        throw new ProblemError('too-large', `a push has at most ${limits.pushSegments} segments`)
      }
      if (!records.every(({ kind }) => isCounted(kind))) {
        throw new ProblemError('bad-segment', 'merged segments and seeds are not pushed but merged')
      }
      const segments = records.map((record) => ({ ...identifySegment(secrets.hash, record), record }))
      const outcome = await commits.push({ vault, segments, quota: limits.quotaBytes })
      crashPoint('before-answer')
      return pushAnswer(outcome)
    },

    async pull(exchange) {
      const { vault } = await requireSession(services, exchange.header('authorization'))
      const query = parsePull(exchange)
      for (;;) {
        const position = await storage.position(vault)
        const { head } = position
        await requireCursor(vault, query, position)
        const headers = { ...PULL_HEADERS, date: date() }
        const start = encodePosition(position)
        const interval = toInterval(query, head)
        if (interval.after >= interval.through) return { status: 200, headers, body: start as Uint8Array<ArrayBuffer> }
        const { segments, rest } = await storage.read(vault, interval, PAGE_BYTES)
        if (reachesBeyond(segments, head)) continue
        const page = concatBytes(start, ...segments.map(encodeDelivery))
        // What fits into one page goes out with its length; the rest is streamed.
        const body = rest === undefined ? (page as Uint8Array<ArrayBuffer>) : deliveryStream(vault, page, rest, head)
        return { status: 200, headers, body }
      }
    },
  }
}
