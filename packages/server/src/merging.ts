/**
 * Merging and repair: what the log consists of, what two logs have in common, and the three steps of a merge [LOG-9] [LOG-10].
 *
 *     reserve    POST …/merged            a run by its digest, or the head by its chain value
 *     upload     PUT  …/merged/NAME/PART  as often and in any order
 *     commit     POST …/merged/NAME       everything in place in one transaction, or nothing
 */
import { FormatError, toBase64Url } from '@lockstep/protocol/bytes'
import { identifySegment } from '@lockstep/protocol/chain'
import { indexQuerySchema, mergeCommitSchema, mergeRequestSchema, SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { MAX_INDEX_ENTRIES, MAX_MARKS, MAX_MERGE_PARTS } from '@lockstep/protocol/limits'
import { decodeMarks, encodeIndex, type Mark, type Position } from '@lockstep/protocol/records'
import { requireSession } from '#access'
import { describeIssue, readJson } from '#body'
import { type Answer, type Exchange, requireMediaType } from '#exchange'
import { ProblemError } from '#problems'
import { coverageToJson, epochAhead, epochClosed, quotaExceeded } from '#refusals'
import { decodeRecords } from '#segments'
import type { Services } from '#services'
import type { EpochAhead, EpochClosed } from '#storage/storage'

/** How long a reservation stands without a sign of life, in seconds. */
const LEASE_SECONDS = 120
const NAME_BYTES = 16
const MARK_BYTES = 40
/** A record's length and header. */
const RECORD_OVERHEAD = 65

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

function json(body: unknown, status = 200): Answer {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(body) }
}

function positionToJson({ head, chain, generation }: Position) {
  return { head, chain: toBase64Url(chain), generation: toBase64Url(generation) }
}

export interface MergeRoutes {
  /** `GET /v1/segments/index` */
  index(exchange: Exchange): Promise<Answer>
  /** `POST /v1/segments/common` */
  common(exchange: Exchange): Promise<Answer>
  /** `POST /v1/segments/merged` */
  reserve(exchange: Exchange): Promise<Answer>
  /** `PUT /v1/segments/merged/:merge/:part` */
  upload(exchange: Exchange, merge: string, part: string): Promise<Answer>
  /** `POST /v1/segments/merged/:merge` */
  commit(exchange: Exchange, merge: string): Promise<Answer>
}

export function createMergeRoutes(services: Services, random: (length: number) => Uint8Array): MergeRoutes {
  const { storage, secrets, policy, metrics, live, tidying, clock } = services
  const { limits } = policy
  const session = (exchange: Exchange) => requireSession(services, exchange.header('authorization'))
  const expiry = () => clock() + LEASE_SECONDS * 1000

  /** Why a merge cannot go on, as it is told and as it is counted. */
  function refuse(
    refusal:
      | {
          readonly outcome:
            | 'unknown-merge'
            | 'misplaced'
            | 'incomplete'
            | 'run-changed'
            | 'merge-busy'
            | 'quota-exceeded'
            | 'too-large'
        }
      | EpochClosed
      | EpochAhead,
  ): ProblemError {
    metrics.count('lockstep_merges_total', 1, { outcome: refusal.outcome })
    switch (refusal.outcome) {
      case 'unknown-merge':
        return new ProblemError('not-found', 'there is no such merge of this device, or it has ended: begin again')
      case 'misplaced':
        return new ProblemError('bad-segment', 'the segment has no place in this merge: kind, counter or previous are not its own')
      case 'incomplete':
        return new ProblemError('bad-request', 'parts: not just these parts were uploaded')
      case 'run-changed':
        return new ProblemError('run-changed', 'the log is not the one that was merged: read it again')
      case 'merge-busy':
        return new ProblemError('merge-busy', 'another device is merging')
      case 'too-large':
        return new ProblemError('too-large', 'a merged run may not be that much larger than what it replaces')
      case 'quota-exceeded':
        return quotaExceeded(limits)
      case 'epoch-closed':
        return epochClosed(refusal)
      case 'epoch-ahead':
        return epochAhead(refusal)
    }
  }

  return {
    async index(exchange) {
      const { vault } = await session(exchange)
      const query = indexQuerySchema.safeParse({ from: exchange.query('from') })
      if (!query.success) throw new ProblemError('bad-request', describeIssue(query.error))
      const position = await storage.position(vault)
      const entries = await storage.index(vault, query.data.from, MAX_INDEX_ENTRIES)
      const headers = { 'content-type': SEGMENTS_MEDIA_TYPE, 'cache-control': 'no-store' }
      return { status: 200, headers, body: encodeIndex(position, entries) as Uint8Array<ArrayBuffer> }
    },

    async common(exchange) {
      const { vault } = await session(exchange)
      requireMediaType(exchange.header('content-type'), SEGMENTS_MEDIA_TYPE)
      const body = await exchange.body(MAX_MARKS * MARK_BYTES)
      let marks: Mark[]
      try {
        marks = decodeMarks(body)
      } catch (error) {
        if (!(error instanceof FormatError)) throw error
        throw new ProblemError('bad-request', error.message)
      }
      const { sequence, position, epoch, bundleVersion, coverage } = await storage.common(vault, marks)
      return json({ sequence, ...positionToJson(position), epoch, bundleVersion, coverage: coverageToJson(coverage) })
    },

    async reserve(exchange) {
      const { vault, tokenHash } = await session(exchange)
      const target = await readJson(exchange, mergeRequestSchema, limits.jsonBytes)
      if (target.type === 'run' && target.first > target.last) {
        throw new ProblemError('bad-request', 'first: a run does not begin behind its last segment')
      }
      const name = toBase64Url(random(NAME_BYTES))
      const merge = { vault, name, session: tokenHash, target, now: clock(), expiresAt: expiry() }
      const outcome = await storage.openMerge(merge)
      if (outcome !== 'opened') throw refuse({ outcome })
      return json({ merge: name, seconds: LEASE_SECONDS }, 201)
    },

    async upload(exchange, name, number) {
      const { vault, tokenHash } = await session(exchange)
      requireMediaType(exchange.header('content-type'), SEGMENTS_MEDIA_TYPE)
      const part = /^(0|[1-9]\d{0,3})$/.test(number) ? Number(number) : MAX_MERGE_PARTS
      if (part >= MAX_MERGE_PARTS) throw new ProblemError('bad-request', `part: must be 0 to ${MAX_MERGE_PARTS - 1}`)
      const [record, ...others] = decodeRecords(await exchange.body(limits.segmentBytes + RECORD_OVERHEAD), limits.segmentBytes)
      if (record === undefined || others.length > 0) throw new ProblemError('bad-segment', 'a part is one segment')
      const outcome = await storage.putMergePart({
        vault,
        name,
        session: tokenHash,
        part,
        segment: { ...identifySegment(secrets.hash, record), record },
        expiresAt: expiry(),
        quota: limits.quotaBytes,
      })
      if (outcome.outcome !== 'stored') throw refuse(outcome)
      return { status: 204, headers: {}, body: null }
    },

    async commit(exchange, name) {
      const { vault, tokenHash } = await session(exchange)
      const { parts, covers } = await readJson(exchange, mergeCommitSchema, limits.jsonBytes)
      const outcome = await storage.commitMerge({ vault, name, session: tokenHash, parts, covers, quota: limits.quotaBytes })
      if (outcome.outcome !== 'merged') throw refuse(outcome)
      metrics.count('lockstep_merges_total', 1, { outcome: 'merged' })
      tidying.wake()
      const { position, grown } = outcome
      // Seeds may be a whole vault: each connection reads them page by page.
      if (grown) live.announce({ vault, segments: [], position })
      return json(positionToJson(position))
    },
  }
}
