/**
 * Reads the segments of a run: what they wrote, which counters they stand for, and the chain values at both ends. From the
 * sealed bytes that the device has kept where it can, else from the server; each is checked against the index, so that what
 * is merged is what was reserved, and opened like any other: a run of which something cannot be read is not merged [LOG-10].
 */
import { concatBytes, equalBytes, toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import { type DeliveredSegment, type IndexEntry, isCounted, SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { CoverSum } from '#compaction/covers'
import type { Run } from '#compaction/policy'
import { Touched } from '#compaction/touched'
import type { Content, Cover } from '#content'
import { decodeContent } from '#content-decoder'
import type { ReplicaId } from '#hlc'
import { isGenuine } from '#inbox'
import type { DeviceLog } from '#log'
import type { Remote } from '#remote'
import type { Sealer } from '#sealing'
import type { Store } from '#store'
import { keptSegments } from '#tail'

/** The server's run is not the one of the index any more, or not what its chain says. */
export class RunChangedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RunChangedError'
  }
}

/** A segment of the run cannot be read here, so that nobody may merge it here. */
export class UnreadableRunError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'UnreadableRunError'
  }
}

export interface ReadRunOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly sha256: Sha256
  readonly remote: Remote
  readonly token: string
  readonly log: DeviceLog
  readonly signal?: AbortSignal | undefined
}

export interface ReadRun {
  readonly touched: Touched
  readonly covers: readonly Cover[]
  /** Chain value before the run, and at its last sequence number. */
  readonly before: Uint8Array
  readonly after: Uint8Array
  /** Bytes of bodies that came from the server. */
  readonly downloaded: number
}

/** Where reading begins: at the run, or at the nearest place before it where the chain is known. */
interface Beginning {
  readonly sequence: number
  readonly chain: Uint8Array
}

function beginningOf({ store, log }: ReadRunOptions, first: number): Beginning {
  const before = log.chainAt(first - 1)
  if (before !== undefined) return { sequence: first - 1, chain: before }
  const mark = store.driver.prepare('SELECT seq, chain FROM _marks WHERE seq < ? ORDER BY seq DESC LIMIT 1').get(first - 1)
  return mark === undefined
    ? { sequence: 0, chain: CHAIN_START }
    : { sequence: Number(mark['seq']), chain: mark['chain'] as Uint8Array }
}

/** @throws RunChangedError, UnreadableRunError, EngineError */
export async function readRun(options: ReadRunOptions, run: Run): Promise<ReadRun> {
  const reader = new RunReader(options, run)
  return reader.read()
}

class RunReader {
  readonly #options: ReadRunOptions
  readonly #run: Run
  readonly #touched = new Touched()
  readonly #covers = new CoverSum()
  #downloaded = 0
  #chain: Uint8Array
  #at: number
  #before: Uint8Array | undefined
  /** Position of the entry that comes next, and the ids of its parts that have come. */
  #entry = 0
  #ids: Uint8Array[] = []

  constructor(options: ReadRunOptions, run: Run) {
    this.#options = options
    this.#run = run
    const { sequence, chain } = beginningOf(options, run.first)
    this.#at = sequence
    this.#chain = chain
    if (sequence === run.first - 1) this.#before = chain
  }

  async read(): Promise<ReadRun> {
    const { first, last, entries } = this.#run
    for await (const delivery of this.#deliveries()) await this.#take(delivery)
    const known = this.#options.log.chainAt(last)
    const covers = this.#covers.result()
    if (this.#entry < entries.length || this.#before === undefined)
      throw new RunChangedError(`the server left out a part of ${first} to ${last}`)
    if (known !== undefined && !equalBytes(known, this.#chain))
      throw new RunChangedError(`the chain over ${first} to ${last} is another one`)
    if (covers === undefined) throw new UnreadableRunError(`the counters in ${first} to ${last} have a gap`)
    return { touched: this.#touched, covers, before: this.#before, after: this.#chain, downloaded: this.#downloaded }
  }

  /** The segments after where reading begins: from the server up to the last that is not at hand, then those that are. */
  async *#deliveries(): AsyncGenerator<DeliveredSegment> {
    const { store, remote, token, signal } = this.#options
    const { first, last, entries } = this.#run
    const kept = new Map<number, SegmentRecord>()
    for (const { sequence, record } of keptSegments(store, first, last)) kept.set(sequence, record)
    const missing = entries.findLast(({ kind, last: end }) => kind === SEGMENT_KIND.merged || !kept.has(end))
    const through = Math.max(missing?.last ?? 0, this.#at < first - 1 ? first - 1 : 0)
    if (through > 0) {
      for await (const { segments, bytes } of remote.pull(token, { after: this.#at, chain: this.#chain, through, signal })) {
        this.#downloaded += bytes
        yield* segments
      }
    }
    for (const { first: sequence } of entries) {
      const record = kept.get(sequence)
      if (sequence > through && record !== undefined) yield { ...record, first: sequence, last: sequence }
    }
  }

  async #take(delivery: DeliveredSegment): Promise<void> {
    const { sha256 } = this.#options
    const inRun = delivery.last >= this.#run.first
    const identity = identifySegment(sha256, delivery)
    if (delivery.kind === SEGMENT_KIND.merged) {
      const content = await this.#open(delivery)
      const { run } = content.header
      if (run === undefined) throw new UnreadableRunError('a merged segment does not say what it stands for')
      // One that begins before the place where reading begins says nothing that could be checked here.
      if (delivery.first === this.#at + 1 && !equalBytes(delivery.previous, this.#chain))
        throw new RunChangedError(`the merged segments ${delivery.first} to ${delivery.last} do not continue the log`)
      if (inRun) this.#note(delivery, content, identity.id)
      if (run.part < run.parts - 1) return
      this.#chain = run.chain
    } else {
      if (delivery.first !== this.#at + 1) throw new RunChangedError(`the server left out segment ${this.#at + 1}`)
      if (inRun) this.#note(delivery, await this.#open(delivery), identity.id)
      if (inRun && isCounted(delivery.kind)) {
        const replica = toHex(delivery.replica) as ReplicaId
        this.#covers.add({ replica, first: delivery.counter, last: delivery.counter, digest: identity.digest })
      }
      this.#chain = extendChain(sha256, this.#chain, identity)
    }
    this.#at = delivery.last
    if (inRun) this.#closeEntry()
    else if (this.#at === this.#run.first - 1) this.#before = this.#chain
  }

  #note({ first, last, kind }: DeliveredSegment, content: Content, id: Uint8Array): void {
    const entry = this.#run.entries[this.#entry]
    if (entry === undefined || entry.first !== first || entry.last !== last || entry.kind !== kind) {
      throw new RunChangedError(`the server has other segments from ${first} to ${last} than its index says`)
    }
    this.#ids.push(id)
    this.#touched.add(content)
    for (const cover of content.header.covers) this.#covers.add(cover)
  }

  #closeEntry(): void {
    const { tag, first, last } = this.#run.entries[this.#entry] as IndexEntry
    const [only] = this.#ids
    const found =
      this.#ids.length === 1 ? (only as Uint8Array) : this.#options.sha256(concatBytes(...this.#ids)).subarray(0, tag.length)
    if (!equalBytes(found, tag))
      throw new RunChangedError(`the server has other segments from ${first} to ${last} than its index says`)
    this.#ids = []
    this.#entry++
  }

  async #open(delivery: DeliveredSegment): Promise<Content> {
    let content: Content
    try {
      content = decodeContent(await this.#options.sealer.open(delivery, delivery.sealed))
    } catch (cause) {
      throw new UnreadableRunError(`the segments ${delivery.first} to ${delivery.last} cannot be read`, cause)
    }
    if (!isGenuine(content.header, delivery))
      throw new UnreadableRunError(`the content of ${delivery.last} belongs to another place`)
    return content
  }
}
