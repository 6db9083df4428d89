/**
 * One vault's log, checked without any key [LOG-4] [LOG-6]. Read once, in order, in constant memory:
 *
 *     every stored segment     its bytes have the stored digest, its header and digest the stored id
 *     spans                    1 … head without gap or overlap
 *     the chain                goes on by every plain segment; at a merged run, from its `previous` to its last's value
 *     identities               of segments that were merged away lately: they continue the chain inside of their run
 *     parts of a run           0 … k−1, with one span
 *     counters                 verify-counters.ts
 *     head, chain, sizes       what the log's own row says
 *
 * What a run covers is sealed, so what was merged away long ago is the devices' to check.
 */
import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { equalBytes } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import { encodeRecordHeader, isCounted, SEGMENT_KIND, type SegmentKind } from '@lockstep/protocol/records'
import { REMEDY } from '#operate/finding'
import type { Findings } from '#operate/findings'
import { bytes, count, type StoredRow } from '#operate/stored'
import { CounterCheck } from '#operate/verify-counters'
import { KEPT_IDENTITIES } from '#storage/sqlite/schema'

const sha256 = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer')

export interface LogSummary {
  readonly head: number
  /** Stored segments: each part of a run counts. */
  readonly segments: number
  /** Sealed bytes. */
  readonly bytes: number
  readonly runs: number
  /** The highest epoch that a segment was sealed in, 0 for an empty log. */
  readonly epoch: number
}

interface Entry {
  readonly first: number
  readonly last: number
  /** −1: merged away. */
  readonly part: number
  readonly kind: SegmentKind
  readonly epoch: number
  readonly replica: number
  readonly counter: number
  readonly previous: Uint8Array
  readonly id: Uint8Array
  readonly digest: Uint8Array
  /** The chain value at `last`. */
  readonly chain: Uint8Array
  /** Undefined for what was merged away. */
  readonly sealed: Uint8Array | undefined
  readonly replicaId: Uint8Array
}

function readEntry(row: StoredRow): Entry {
  const kind = count(row, 'kind')
  return {
    first: count(row, 'first'),
    last: count(row, 'last'),
    part: row['part'] as number,
    kind: kind as SegmentKind,
    epoch: count(row, 'epoch'),
    replica: count(row, 'replica'),
    counter: count(row, 'counter'),
    previous: bytes(row, 'previous', 32),
    id: bytes(row, 'id', 16),
    digest: bytes(row, 'digest', 32),
    chain: bytes(row, 'chain', 32),
    sealed: row['sealed'] === null ? undefined : bytes(row, 'sealed'),
    replicaId: bytes(row, 'replica_id', 16),
  }
}

const ENTRIES = `
  SELECT s.first, s.last, s.part, s.kind, s.epoch, s.replica, s.counter, s.previous, s.id, s.digest, s.chain, s.sealed, r.id AS replica_id
  FROM segments s JOIN replicas r ON r.number = s.replica
  WHERE s.vault = ? ORDER BY s.last, s.part`

/** Walks a log; what does not fit is reported and taken as it is, so that one damage is one finding. */
class Walk {
  readonly #findings: Findings
  readonly #head: number
  readonly #counters = new CounterCheck()
  /** The last sequence number whose chain value is known, and that value. */
  #at = 0
  #chain: Uint8Array = CHAIN_START
  /** The end of the last stored segment, and the chain value there. */
  #covered = 0
  #coveredChain: Uint8Array = CHAIN_START
  /** The run whose parts are being read. */
  #run: { readonly first: number; readonly last: number; readonly chain: Uint8Array; parts: number } | undefined
  segments = 0
  bytes = 0
  runs = 0
  epoch = 0

  constructor(findings: Findings, head: number) {
    this.#findings = findings
    this.#head = head
  }

  get counters(): CounterCheck {
    return this.#counters
  }

  get chain(): Uint8Array {
    return this.#coveredChain
  }

  get covered(): number {
    return this.#covered
  }

  add(entry: Entry): void {
    this.#checkIdentity(entry)
    this.epoch = Math.max(this.epoch, entry.epoch)
    if (entry.sealed === undefined) {
      this.#addMergedAway(entry)
      return
    }
    this.segments += 1
    this.bytes += entry.sealed.length
    if (entry.kind === SEGMENT_KIND.merged) {
      this.#addPart(entry)
      return
    }
    this.#goTo(entry)
    this.#continueChain(entry)
    this.#count(entry)
    this.#cover(entry)
  }

  /** Bytes against digest, header and digest against id. */
  #checkIdentity(entry: Entry): void {
    const { sealed, last } = entry
    const record = { ...entry, replica: entry.replicaId }
    if (sealed !== undefined) {
      const { id, digest } = identifySegment(sha256, { ...record, sealed })
      if (!equalBytes(digest, entry.digest)) this.#altered(`the bytes of segment ${last} are not those that were pushed`)
      else if (!equalBytes(id, entry.id)) this.#altered(`the header of segment ${last} is not the one that was pushed`)
    } else if (!equalBytes(sha256(Buffer.concat([encodeRecordHeader(record), entry.digest])).subarray(0, 16), entry.id)) {
      this.#altered(`what is kept of segment ${last}, which was merged away, is not what was pushed`)
    }
  }

  #altered(message: string): void {
    this.#findings.damage('segment-altered', message, REMEDY.restore)
  }

  #addMergedAway(entry: Entry): void {
    const { last } = entry
    if (last <= this.#covered) {
      this.#findings.damage('segment-missing', `sequence number ${last} is taken twice`, REMEDY.restore)
      return
    }
    this.#reach(last - 1)
    this.#continueChain(entry)
    this.#count(entry)
  }

  /** The identities up to `sequence` are known, or were dropped for their age. */
  #reach(sequence: number): void {
    if (this.#at === sequence) return
    this.#counters.passUnseen()
    if (sequence > this.#head - KEPT_IDENTITIES) {
      const from = Math.max(this.#at + 1, this.#head - KEPT_IDENTITIES + 1)
      this.#findings.damage('segment-missing', `nothing is kept of the segments ${from} to ${sequence}`, REMEDY.restore)
    }
  }

  #addPart(entry: Entry): void {
    const { first, last, part, counter, previous, chain } = entry
    const run = this.#run
    if (run !== undefined && run.last === last) {
      if (part !== run.parts)
        this.#findings.damage('segment-missing', `the run ${first} to ${last} has no part ${run.parts}`, REMEDY.restore)
      if (first !== run.first || !equalBytes(chain, run.chain)) this.#altered(`the parts of the run to ${last} do not agree`)
      run.parts = part + 1
    } else {
      if (part !== 0) this.#findings.damage('segment-missing', `the run ${first} to ${last} has no part 0`, REMEDY.restore)
      const before = this.#coveredChain
      this.#reach(last)
      this.#expectSpan(first, last)
      if (this.#at === last && !equalBytes(this.#chain, chain)) this.#broken(last)
      if (!equalBytes(previous, before)) this.#broken(first - 1)
      this.#run = { first, last, chain, parts: part + 1 }
      this.runs += 1
      this.#at = last
      this.#chain = chain
      this.#cover(entry)
    }
    if (counter !== last) this.#altered(`a part of the run to ${last} is counted ${counter}`)
  }

  /** A plain segment stands where the one before it ends. */
  #goTo({ first, last }: Entry): void {
    this.#expectSpan(first, last)
    if (first !== last) this.#altered(`segment ${last} is no merged one and spans ${first} to ${last}`)
    if (this.#at !== last - 1) this.#counters.passUnseen()
  }

  #expectSpan(first: number, last: number): void {
    const expected = this.#covered + 1
    if (first > expected) {
      this.#findings.damage('segment-missing', `the segments ${expected} to ${first - 1} are missing`, REMEDY.restore)
    } else if (first < expected || last < first) {
      this.#findings.damage('segment-missing', `the segment ${first} to ${last} overlaps the one before it`, REMEDY.restore)
    }
  }

  #continueChain(entry: Entry): void {
    const { last, chain, kind } = entry
    // A merged segment has no part in the chain.
    const follows = this.#at === last - 1 && kind !== SEGMENT_KIND.merged
    if (follows && !equalBytes(extendChain(sha256, this.#chain, entry), chain)) this.#broken(last)
    this.#at = last
    this.#chain = chain
  }

  #broken(sequence: number): void {
    this.#findings.damage('chain-broken', `the chain does not lead to its value at ${sequence}`, REMEDY.restore)
  }

  #count(entry: Entry): void {
    if (!isCounted(entry.kind)) {
      // What a seed stands for is sealed.
      this.#counters.passUnseen()
      return
    }
    const wrong = this.#counters.add(entry)
    if (wrong !== undefined) {
      this.#findings.damage('counter-hole', `segment ${entry.last} does not continue its replica: ${wrong}`, REMEDY.restore)
    }
  }

  #cover({ last, chain }: Entry): void {
    this.#covered = last
    this.#coveredChain = chain
  }
}

/**
 * @param onBytes is told of sealed bytes as they are read.
 * @throws DamagedValue, and what SQLite throws for a damaged database.
 */
export function verifyLog(db: DatabaseSync, vault: number, findings: Findings, onBytes: (bytes: number) => void): LogSummary {
  const log = db.prepare('SELECT head, chain, segments, bytes FROM logs WHERE vault = ?').get(vault)
  if (log === undefined) {
    findings.damage('totals-wrong', 'the vault has no log', REMEDY.restore)
    return { head: 0, segments: 0, bytes: 0, runs: 0, epoch: 0 }
  }
  const head = count(log, 'head')
  const walk = new Walk(findings, head)
  for (const row of db.prepare(ENTRIES).iterate(vault)) {
    const entry = readEntry(row)
    walk.add(entry)
    onBytes(entry.sealed?.length ?? 0)
  }
  const { covered, segments, bytes: sealedBytes, runs, epoch } = walk
  if (covered !== head) {
    findings.damage('segment-missing', `the log is said to end at ${head}, but what is stored ends at ${covered}`, REMEDY.restore)
  } else if (!equalBytes(walk.chain, bytes(log, 'chain', 32))) {
    findings.damage('chain-broken', `the chain does not lead to its value at the head, ${head}`, REMEDY.restore)
  }
  for (const [what, said, found] of [
    ['segments', count(log, 'segments'), segments],
    ['bytes', count(log, 'bytes'), sealedBytes],
  ] as const) {
    if (said !== found) findings.damage('totals-wrong', `the log is said to have ${said} ${what} and has ${found}`, REMEDY.restore)
  }
  for (const row of db.prepare('SELECT number, id, counter, digest FROM replicas WHERE vault = ?').iterate(vault)) {
    const id = Buffer.from(bytes(row, 'id', 16)).toString('hex')
    const wrong = walk.counters.end(count(row, 'number'), count(row, 'counter'), bytes(row, 'digest', 32))
    if (wrong !== undefined)
      findings.damage('counter-hole', `the replica ${id} does not end where the log does: ${wrong}`, REMEDY.restore)
  }
  return { head, segments, bytes: sealedBytes, runs, epoch }
}
