/**
 * A log that was never written, told without a contradiction: sequence numbers without gaps, a chain that verifies, a
 * position that vouches for it. Nothing in it proves a lie but what is inside of the segments: this is the strongest that
 * a server can do without keys, and what most attacks are made of.
 */
import { concatBytes, equalBytes, toBase64Url, toHex } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment } from '@lockstep/protocol/chain'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { type DeliveredSegment, encodeDelivery, encodePosition, type Position } from '@lockstep/protocol/records'
import { problem, type Reply } from './exchange.ts'
import { sha256 } from './honest-server.ts'

/** Where the victim stood before it was lied to. */
export interface Anchor {
  readonly sequence: number
  readonly chain: Uint8Array
}

export class ShownLog {
  readonly #anchor: Anchor
  readonly #generation: Uint8Array
  readonly segments: readonly DeliveredSegment[]
  readonly #chains = new Map<number, Uint8Array>()

  /** `news`: what the victim is to see after `anchor`, in this order; sequence numbers are given anew. */
  constructor(anchor: Anchor, generation: Uint8Array, news: readonly DeliveredSegment[]) {
    this.#anchor = anchor
    this.#generation = generation
    this.#chains.set(anchor.sequence, anchor.chain)
    let { sequence, chain } = anchor
    this.segments = news.map((segment) => {
      sequence++
      chain = extendChain(sha256, chain, identifySegment(sha256, segment))
      this.#chains.set(sequence, chain)
      return { ...segment, first: sequence, last: sequence }
    })
  }

  get position(): Position {
    const head = this.#anchor.sequence + this.segments.length
    return { head, chain: this.#chains.get(head) as Uint8Array, generation: this.#generation }
  }

  /** The answer to `GET /v1/segments`; undefined where what is asked for lies before the anchor. */
  pull(query: URLSearchParams): Reply | undefined {
    const after = Number(query.get('after'))
    if (after < this.#anchor.sequence) return undefined
    const { position } = this
    const chain = this.#chains.get(after)
    if (chain === undefined || toHex(chain) !== query.get('chain')) {
      const { head, generation } = position
      return problem('chain-mismatch', {
        head,
        chain: toBase64Url(position.chain),
        generation: toBase64Url(generation),
        coverage: [],
      })
    }
    const through = Number(query.get('through') ?? position.head)
    const wanted = this.segments.filter(({ first, last }) => last > after && first <= through)
    if (query.get('order') === 'newest') wanted.reverse()
    return segmentsReply(position, wanted)
  }

  /** The number under which `segment` is in this log. */
  numberOf(segment: Parameters<typeof identifySegment>[1]): number | undefined {
    const { id } = identifySegment(sha256, segment)
    return this.segments.find((shown) => equalBytes(identifySegment(sha256, shown).id, id))?.last
  }
}

export function segmentsReply(position: Position, segments: readonly DeliveredSegment[]): Reply {
  const body = concatBytes(encodePosition(position), ...segments.map(encodeDelivery))
  return { status: 200, headers: { 'content-type': SEGMENTS_MEDIA_TYPE }, body }
}
