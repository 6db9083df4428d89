/**
 * The replicas' counters along a log [LOG-1] [LOG-3]: each segment continues its author's last one. Where a stretch of the
 * log cannot be looked into (a merged run whose segments' identities are gone, a seed that stands for others) counters
 * may only have grown.
 */
import { equalBytes } from '@lockstep/protocol/bytes'
import { DIGEST_BYTES } from '@lockstep/protocol/records'

const NO_DIGEST = new Uint8Array(DIGEST_BYTES)

interface Known {
  readonly counter: number
  readonly digest: Uint8Array
  /** How many unseen stretches lay behind it. */
  readonly unseen: number
}

export interface CountedSegment {
  /** The replica's row. */
  readonly replica: number
  readonly counter: number
  readonly previous: Uint8Array
  readonly digest: Uint8Array
}

export class CounterCheck {
  readonly #replicas = new Map<number, Known>()
  #unseen = 0

  /** A stretch of the log cannot be looked into. */
  passUnseen(): void {
    this.#unseen += 1
  }

  /** What does not fit, or undefined. */
  add({ replica, counter, previous, digest }: CountedSegment): string | undefined {
    const known = this.#replicas.get(replica) ?? { counter: 0, digest: NO_DIGEST, unseen: 0 }
    this.#replicas.set(replica, { counter, digest, unseen: this.#unseen })
    if (counter <= known.counter) return `counter ${counter} comes after ${known.counter}`
    if (counter === known.counter + 1) {
      return equalBytes(previous, known.digest) ? undefined : `counter ${counter} does not continue the segment before it`
    }
    return known.unseen === this.#unseen ? `counter ${counter} comes after ${known.counter}` : undefined
  }

  /** Compares with what a replica's row says of its last segment. */
  end(replica: number, counter: number, digest: Uint8Array): string | undefined {
    const known = this.#replicas.get(replica) ?? { counter: 0, digest: NO_DIGEST, unseen: 0 }
    if (counter < known.counter) return `its last counter is said to be ${counter}, but the log has ${known.counter}`
    if (counter === known.counter)
      return equalBytes(digest, known.digest) ? undefined : `its last segment is said to be another one`
    return known.unseen === this.#unseen
      ? `its last counter is said to be ${counter}, but the log ends at ${known.counter}`
      : undefined
  }
}
