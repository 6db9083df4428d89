/**
 * A log that was never written, told without a contradiction: sequence numbers without gaps, a chain that verifies, a
 * position that vouches for it. Nothing in it proves a lie but what is inside of the segments: this is the strongest that
 * a server can do without keys, and what most attacks are made of.
 */
import { concatBytes, equalBytes, toBase64Url, toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { type DeliveredSegment, encodeDelivery, encodePosition, type Position, SEGMENT_KIND } from '@lockstep/protocol/records'
import { problem, type Reply } from './exchange.ts'
import { sha256 } from './honest-server.ts'

/** Where the victim stood before it was lied to. */
export interface Anchor {
  readonly sequence: number
  readonly chain: Uint8Array
}

export class ShownLog {
  /** Before this the truth is told by somebody else. */
  readonly #from: number
  readonly #generation: Uint8Array
  readonly #segments: readonly DeliveredSegment[]
  readonly #chains = new Map<number, Uint8Array>()

  /**
   * `before`: the log up to `anchor`, as it is. `news`: what the victim is to see after it, in this order; sequence numbers are
   * given anew.
   */
  constructor(anchor: Anchor, generation: Uint8Array, before: readonly DeliveredSegment[], news: readonly DeliveredSegment[]) {
    this.#generation = generation
    // Only who can read a run knows the chain at its end: with one in it, what is before the anchor stays as it is.
    const whole = before.every(({ kind }) => kind !== SEGMENT_KIND.merged)
    let { sequence, chain } = whole ? { sequence: 0, chain: CHAIN_START } : anchor
    this.#from = sequence
    this.#chains.set(sequence, chain)
    this.#segments = [...(whole ? before : []), ...news].map((segment) => {
      sequence++
      chain = extendChain(sha256, chain, identifySegment(sha256, segment))
      this.#chains.set(sequence, chain)
      return { ...segment, first: sequence, last: sequence }
    })
  }

  get position(): Position {
    const head = this.#from + this.#segments.length
    return { head, chain: this.#chains.get(head) as Uint8Array, generation: this.#generation }
  }

  /** The answer to `GET /v1/segments`; undefined where what is asked for is none of this log's. */
  pull(query: URLSearchParams): Reply | undefined {
    const after = Number(query.get('after'))
    if (after < this.#from) return undefined
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
    const wanted = this.#segments.filter(({ first, last }) => last > after && first <= through)
    if (query.get('order') === 'newest') wanted.reverse()
    return segmentsReply(position, wanted)
  }

  /** The number under which `segment` is in this log. */
  numberOf(segment: Parameters<typeof identifySegment>[1]): number | undefined {
    const { id } = identifySegment(sha256, segment)
    return this.#segments.find((shown) => equalBytes(identifySegment(sha256, shown).id, id))?.last
  }
}

export function segmentsReply(position: Position, segments: readonly DeliveredSegment[]): Reply {
  const body = concatBytes(encodePosition(position), ...segments.map(encodeDelivery))
  return { status: 200, headers: { 'content-type': SEGMENTS_MEDIA_TYPE }, body }
}
