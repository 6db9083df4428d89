/**
 * Push and pull: what a device does every day. They carry no more than they must, in bytes and in work: the answer to
 * an up-to-date pull is the 57 bytes of a position [SYNC-1].
 */
import { concatBytes, equalBytes, FormatError, fromHex, toBase64Url } from '@lockstep/protocol/bytes'
import { identifySegment } from '@lockstep/protocol/chain'
import { pullQuerySchema, SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import {
  decodePush,
  encodeDelivery,
  encodePosition,
  encodePushAnswer,
  type Position,
  SEGMENT_KIND,
  type SegmentRecord,
} from '@lockstep/protocol/records'
import { requireSession } from '#access'
import { describeIssue } from '#body'
import { type Answer, type Exchange, requireMediaType } from '#exchange'
import { ProblemError } from '#problems'
import type { Services } from '#services'
import type { AppendOutcome, VaultKey } from '#storage/storage'

/** Sealed bytes read from the database at a time: what one pull holds in memory. */
const PAGE_BYTES = 1024 * 1024

// The answer to a POST is not cached unless it says so; a GET's might be.
const PUSH_HEADERS = { 'content-type': SEGMENTS_MEDIA_TYPE }
const PULL_HEADERS = { 'content-type': SEGMENTS_MEDIA_TYPE, 'cache-control': 'no-store' }

export interface SegmentRoutes {
  /** `POST /v1/segments` @throws ProblemError */
  push(exchange: Exchange): Promise<Answer>
  /** `GET /v1/segments` @throws ProblemError */
  pull(exchange: Exchange): Promise<Answer>
}

export function createSegmentRoutes(services: Services): SegmentRoutes {
  const { storage, secrets, commits, policy, metrics, crashPoint, clock } = services
  const { limits } = policy

  /** @throws ProblemError `bad-segment`, `too-large` */
  function decodeRecords(body: Uint8Array): SegmentRecord[] {
    let records: SegmentRecord[]
    try {
      records = decodePush(body)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      throw new ProblemError(error.code === 'too-large' ? 'too-large' : 'bad-segment', error.message)
    }
    if (records.length === 0) throw new ProblemError('bad-segment', 'a push has at least one segment')
    if (records.length > limits.pushSegments) {
      throw new ProblemError('too-large', `a push has at most ${limits.pushSegments} segments`)
    }
    for (const { kind, sealed } of records) {
      if (kind === SEGMENT_KIND.merged) throw new ProblemError('bad-segment', 'a merged segment cannot be appended')
      if (sealed.length > limits.segmentBytes) {
        throw new ProblemError('too-large', `a segment is over the limit of ${limits.segmentBytes} bytes`)
      }
    }
    return records
  }

  function pushAnswer(outcome: AppendOutcome): Answer {
    metrics.count('lockstep_pushes_total', 1, { outcome: outcome.outcome })
    switch (outcome.outcome) {
      case 'appended': {
        let bytes = 0
        for (const { sealed } of outcome.added) bytes += sealed.length
        metrics.count('lockstep_segments_total', outcome.added.length)
        metrics.count('lockstep_segment_bytes_total', bytes)
        // A device whose clock is far off is told by its answers: most devices ask for nothing else.
        const headers = { ...PUSH_HEADERS, date: new Date(clock()).toUTCString() }
        return { status: 200, headers, body: encodePushAnswer(outcome) as Uint8Array<ArrayBuffer> }
      }
      case 'replica-conflict':
        throw new ProblemError('replica-conflict', 'the segment does not continue what is stored of its replica', {
          extra: { counter: outcome.counter, previous: toBase64Url(outcome.previous) },
        })
      case 'quota-exceeded':
        throw new ProblemError('quota-exceeded', `the vault may hold ${limits.quotaBytes} bytes`, {
          extra: { quota: limits.quotaBytes },
        })
      case 'storage-full':
        throw new ProblemError('storage-full', 'the server has no room left; nothing of this push was stored')
    }
  }

  async function chainMismatch(vault: VaultKey, { head, chain, generation }: Position): Promise<ProblemError> {
    const coverage = await storage.coverage(vault)
    return new ProblemError('chain-mismatch', 'the cursor is not of this log', {
      extra: {
        head,
        chain: toBase64Url(chain),
        generation: toBase64Url(generation),
        coverage: coverage.map(({ replica, ranges }) => ({ replica: toBase64Url(replica), ranges })),
      },
    })
  }

  /** The deliveries of (after, head], a page at a time and only as fast as they are taken. */
  function deliveryStream(vault: VaultKey, after: number, head: number, start: Uint8Array): ReadableStream<Uint8Array> {
    let cursor = after
    let first: Uint8Array | undefined = start
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (first !== undefined) {
            controller.enqueue(first)
            first = undefined
            return
          }
          crashPoint('during-stream')
          const { segments } = await storage.read(vault, cursor, head, PAGE_BYTES)
          const last = segments.at(-1)
          if (last === undefined) throw new Error('the log ends before its head')
          cursor = last.last
          controller.enqueue(concatBytes(...segments.map(encodeDelivery)))
          if (cursor >= head) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
  }

  return {
    async push(exchange) {
      const { vault } = await requireSession(services, exchange.header('authorization'))
      requireMediaType(exchange.header('content-type'), SEGMENTS_MEDIA_TYPE)
      const records = decodeRecords(await exchange.body(limits.pushBytes))
      const segments = records.map((record) => ({ ...identifySegment(secrets.hash, record), record }))
      const outcome = await commits.push({ vault, segments, quota: limits.quotaBytes })
      crashPoint('before-answer')
      return pushAnswer(outcome)
    },

    async pull(exchange) {
      const { vault } = await requireSession(services, exchange.header('authorization'))
      const query = pullQuerySchema.safeParse({ after: exchange.query('after'), chain: exchange.query('chain') })
      if (!query.success) throw new ProblemError('bad-request', describeIssue(query.error))
      const { after } = query.data
      const position = await storage.position(vault)
      const chain = after === position.head ? position.chain : await storage.chainAt(vault, after)
      if (after > position.head || chain === undefined || !equalBytes(chain, fromHex(query.data.chain))) {
        throw await chainMismatch(vault, position)
      }
      const start = encodePosition(position)
      if (after === position.head) return { status: 200, headers: PULL_HEADERS, body: start as Uint8Array<ArrayBuffer> }
      const { segments } = await storage.read(vault, after, position.head, PAGE_BYTES)
      const cursor = segments.at(-1)?.last ?? after
      const page = concatBytes(start, ...segments.map(encodeDelivery))
      // What fits into one page goes out with its length; the rest is streamed.
      const body = cursor >= position.head ? (page as Uint8Array<ArrayBuffer>) : deliveryStream(vault, cursor, position.head, page)
      return { status: 200, headers: PULL_HEADERS, body }
    },
  }
}
