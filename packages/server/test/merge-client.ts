/** A device that merges and seeds through the routes. */
import { concatBytes, toHex } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment } from '@lockstep/protocol/chain'
import { commonSchema, mergeSchema, SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import {
  type DeliveredSegment,
  DeliveryDecoder,
  decodeIndex,
  encodeMarks,
  encodePush,
  type Mark,
  type Position,
  type SegmentRecord,
} from '@lockstep/protocol/records'
import { b64, bearer, jsonRequest, named, sha256 } from './client.ts'

export type Send = (path: string, init?: RequestInit) => Promise<Response>

export interface Pulled {
  readonly response: Response
  readonly position: Position
  readonly segments: readonly DeliveredSegment[]
}

/** `first-last:kind` of each segment. */
export const shape = (segments: readonly DeliveredSegment[]): string[] =>
  segments.map(({ first, last, kind }) => `${first}-${last}:${kind}`)

export class MergeClient {
  readonly send: Send
  readonly token: string

  constructor(send: Send, token: string) {
    this.send = send
    this.token = token
  }

  get(path: string): Promise<Response> {
    return this.send(path, bearer(this.token))
  }

  post(path: string, body: unknown): Promise<Response> {
    return this.send(path, jsonRequest('POST', body, this.token))
  }

  async index(from = 1) {
    return decodeIndex(new Uint8Array(await (await this.get(`/v1/segments/index?from=${from}`)).arrayBuffer()))
  }

  async common(marks: readonly Mark[]) {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': SEGMENTS_MEDIA_TYPE }
    const response = await this.send('/v1/segments/common', {
      method: 'POST',
      headers,
      body: encodeMarks(marks) as Uint8Array<ArrayBuffer>,
    })
    return commonSchema.parse(await response.json())
  }

  async pull(after: number, chain: Uint8Array, query = ''): Promise<Pulled> {
    const response = await this.get(`/v1/segments?after=${after}&chain=${toHex(chain)}${query}`)
    if (response.status !== 200) throw new Error(`pull: ${response.status} ${await response.text()}`)
    const decoder = new DeliveryDecoder()
    const segments = decoder.push(new Uint8Array(await response.arrayBuffer()))
    decoder.end()
    return { response, segments, position: decoder.position as Position }
  }

  async reserveRun(first: number, last: number): Promise<Response> {
    const entries = (await this.index(first)).entries.filter((entry) => entry.last <= last)
    return this.post('/v1/segments/merged', {
      type: 'run',
      first,
      last,
      run: b64(sha256(concatBytes(...entries.map(({ tag }) => tag)))),
    })
  }

  async reserveSeeds(): Promise<Response> {
    const { position } = await this.index()
    return this.post('/v1/segments/merged', { type: 'seed', head: position.head, chain: b64(position.chain) })
  }

  put(merge: string, part: number | string, records: readonly SegmentRecord[]): Promise<Response> {
    return this.send(`/v1/segments/merged/${merge}/${part}`, {
      method: 'PUT',
      body: encodePush(records) as Uint8Array<ArrayBuffer>,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': SEGMENTS_MEDIA_TYPE },
    })
  }

  commit(merge: string, parts: number, covers: readonly unknown[] = []): Promise<Response> {
    return this.post(`/v1/segments/merged/${merge}`, { parts, covers })
  }

  /** Throws unless all of it is accepted. `previous`: the chain value before `first`. */
  async mergeRun(first: number, last: number, previous: Uint8Array, sealed: readonly Uint8Array[]): Promise<SegmentRecord[]> {
    const records = sealed.map((bytes) => mergedRecord(last, previous, bytes))
    return this.#all(await this.reserveRun(first, last), records)
  }

  async seed(head: number, chain: Uint8Array, sealed: readonly Uint8Array[]): Promise<SegmentRecord[]> {
    return this.#all(await this.reserveSeeds(), seedRecords(head, chain, sealed))
  }

  async #all(reserved: Response, records: readonly SegmentRecord[]): Promise<SegmentRecord[]> {
    if (reserved.status !== 201) throw new Error(`reserve: ${reserved.status} ${await reserved.text()}`)
    const { merge } = mergeSchema.parse(await reserved.json())
    for (const [part, record] of records.entries()) {
      const put = await this.put(merge, part, [record])
      if (put.status !== 204) throw new Error(`part: ${put.status} ${await put.text()}`)
    }
    const committed = await this.commit(merge, records.length)
    if (committed.status !== 200) throw new Error(`commit: ${committed.status} ${await committed.text()}`)
    return [...records]
  }
}

export function mergedRecord(last: number, previous: Uint8Array, sealed: Uint8Array): SegmentRecord {
  return { kind: 2, epoch: 1, replica: named('merger', 16), counter: last, previous, sealed }
}

export function seedRecords(head: number, chain: Uint8Array, sealed: readonly Uint8Array[]): SegmentRecord[] {
  let previous = chain
  return sealed.map((bytes, i) => {
    const record = { kind: 3, epoch: 1, replica: named('seeder', 16), counter: head + 1 + i, previous, sealed: bytes } as const
    previous = extendChain(sha256, previous, identifySegment(sha256, record))
    return record
  })
}

export const idHex = (record: SegmentRecord): string => toHex(identifySegment(sha256, record).id)
