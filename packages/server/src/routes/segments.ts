/**
 * Push, pull and status: the routes of every day. Push and pull carry no more than they must, in bytes and in work:
 * the answer to an up-to-date pull is the 57 bytes of a position [SYNC-1].
 */
import { concatBytes, equalBytes, FormatError, fromHex, toBase64Url } from '@lockstep/protocol/bytes'
import { identifySegment } from '@lockstep/protocol/chain'
import { type Coverage, pullQuerySchema, SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
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
import { describeIssue, readBytes } from '#body'
import { jsonResponse, ProblemError } from '#problems'
import type { App, Services } from '#services'
import type { AppendOutcome, VaultKey } from '#storage/storage'

/** Sealed bytes read from the database at a time: what one pull holds in memory. */
const PAGE_BYTES = 1024 * 1024

const PUSH_HEADERS = { 'content-type': SEGMENTS_MEDIA_TYPE }
const PULL_HEADERS = { 'content-type': SEGMENTS_MEDIA_TYPE, 'cache-control': 'no-store' }

function coverageJson(coverage: Coverage) {
  return coverage.map(({ replica, ranges }) => ({ replica: toBase64Url(replica), ranges }))
}

export function addSegmentRoutes(app: App, services: Services): void {
  const { storage, secrets, commits, policy, metrics, clock, crashPoint } = services
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

  function pushAnswer(outcome: AppendOutcome): Response {
    metrics.count('lockstep_pushes_total', 1, { outcome: outcome.outcome })
    switch (outcome.outcome) {
      case 'appended': {
        let bytes = 0
        for (const { sealed } of outcome.added) bytes += sealed.length
        metrics.count('lockstep_segments_total', outcome.added.length)
        metrics.count('lockstep_segment_bytes_total', bytes)
        return new Response(encodePushAnswer(outcome), { headers: PUSH_HEADERS })
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

  app.post('/v1/segments', async (context) => {
    const { vault } = await requireSession(services, context)
    const records = decodeRecords(await readBytes(context.req.raw, SEGMENTS_MEDIA_TYPE, limits.pushBytes))
    const segments = records.map((record) => ({ ...identifySegment(secrets.hash, record), record }))
    const outcome = await commits.push({ vault, segments, quota: limits.quotaBytes })
    crashPoint('before-answer')
    return pushAnswer(outcome)
  })

  async function chainMismatch(vault: VaultKey, { head, chain, generation }: Position): Promise<ProblemError> {
    return new ProblemError('chain-mismatch', 'the cursor is not of this log', {
      extra: {
        head,
        chain: toBase64Url(chain),
        generation: toBase64Url(generation),
        coverage: coverageJson(await storage.coverage(vault)),
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
          const { segments } = await storage.read(vault, cursor, head, PAGE_BYTES)
          crashPoint('during-stream')
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

  app.get('/v1/segments', async (context) => {
    const { vault } = await requireSession(services, context)
    const query = pullQuerySchema.safeParse({ after: context.req.query('after'), chain: context.req.query('chain') })
    if (!query.success) throw new ProblemError('bad-request', describeIssue(query.error))
    const { after } = query.data
    const position = await storage.position(vault)
    const chain = after === position.head ? position.chain : await storage.chainAt(vault, after)
    if (after > position.head || chain === undefined || !equalBytes(chain, fromHex(query.data.chain))) {
      throw await chainMismatch(vault, position)
    }
    const start = encodePosition(position)
    if (after === position.head) return new Response(start, { headers: PULL_HEADERS })
    const { segments } = await storage.read(vault, after, position.head, PAGE_BYTES)
    const last = segments.at(-1)
    const page = concatBytes(start, ...segments.map(encodeDelivery))
    if (last !== undefined && last.last >= position.head) return new Response(page, { headers: PULL_HEADERS })
    const rest = deliveryStream(vault, last?.last ?? after, position.head, page)
    return new Response(rest, { headers: PULL_HEADERS })
  })

  app.get('/v1/status', async (context) => {
    const { vault } = await requireSession(services, context)
    const { head, chain, generation } = await storage.position(vault)
    return jsonResponse({
      head,
      chain: toBase64Url(chain),
      generation: toBase64Url(generation),
      ...(await storage.sizes(vault)),
      quota: limits.quotaBytes,
      time: clock(),
    })
  })
}
