/**
 * A vault's log as a list in memory, to compare a storage with: every segment ever appended with its chain value, and what
 * stands for them now. Reading is defined here in the plainest words there are.
 */
import { concatBytes, toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import type { DeliveredSegment, SegmentRecord } from '@lockstep/protocol/records'
import type { Interval } from '#storage/storage'
import { sha256 } from './client.ts'

export interface Entry {
  readonly first: number
  readonly last: number
  readonly parts: readonly SegmentRecord[]
  /** `nameOf` each part. */
  readonly names: readonly string[]
}

export const idOf = (record: SegmentRecord): Uint8Array => identifySegment(sha256, record).id
export const nameOf = (segment: DeliveredSegment): string => `${segment.first}-${segment.last} ${toHex(idOf(segment))}`

function toEntry(first: number, last: number, parts: readonly SegmentRecord[]): Entry {
  return { first, last, parts, names: parts.map((record) => nameOf({ ...record, first, last })) }
}

export class LogModel {
  /** By sequence number. */
  readonly chains: Uint8Array[] = [CHAIN_START]
  entries: Entry[] = []
  readonly replicas = new Map<string, { counter: number; digest: Uint8Array }>()

  get head(): number {
    return this.chains.length - 1
  }

  append(record: SegmentRecord): void {
    const chain = this.chains[this.head] as Uint8Array
    this.chains.push(extendChain(sha256, chain, identifySegment(sha256, record)))
    this.entries.push(toEntry(this.head, this.head, [record]))
  }

  count(replica: Uint8Array, counter: number, digest: Uint8Array): void {
    const known = this.replicas.get(toHex(replica))
    if (known === undefined || known.counter < counter) this.replicas.set(toHex(replica), { counter, digest })
  }

  merge(first: number, last: number, parts: readonly SegmentRecord[]): void {
    const before = this.entries.filter((entry) => entry.last < first)
    const after = this.entries.filter((entry) => entry.first > last)
    this.entries = [...before, toEntry(first, last, parts), ...after]
  }

  tag({ parts }: Entry): Uint8Array {
    const ids = parts.map(idOf)
    return ids.length === 1 ? (ids[0] as Uint8Array) : sha256(concatBytes(...ids)).slice(0, 16)
  }

  bytes({ parts }: Entry): number {
    return parts.reduce((sum, { sealed }) => sum + sealed.length, 0)
  }

  runDigest(first: number, last: number): Uint8Array {
    const run = this.entries.filter((entry) => entry.first >= first && entry.last <= last)
    return sha256(concatBytes(...run.map((entry) => this.tag(entry))))
  }

  read({ after, through, newest, resume }: Interval): string[] {
    if (after >= through) return []
    const wanted = this.entries.filter((entry) => entry.first <= through && entry.last > after)
    const segments = (newest ? wanted.toReversed() : wanted).flatMap(({ names }) => names)
    const at = resume && segments.findIndex((name) => name.endsWith(` ${toHex(resume.id)}`))
    return at === undefined || at === -1 ? segments : segments.slice(at + 1)
  }
}
