/**
 * Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014) and the stamps it gives out [CELL-1] [CELL-9].
 *
 * A stamp is (milliseconds, counter, replica) written as a string that sorts like the triple, so that JavaScript and
 * SQL compare stamps with `<`:
 *
 *     mmmmmmmmmmmm cccc rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr      12 + 4 + 32 hexadecimal digits, no spaces
 *     48-bit ms    16   replica id, 16 bytes
 *
 * The wall clock is a parameter: this module has no clock of its own.
 */

export type Stamp = string & { readonly __brand: 'Stamp' }
/** 16 bytes as 32 lower-case hexadecimal digits. */
export type ReplicaId = string & { readonly __brand: 'ReplicaId' }

const MILLIS_DIGITS = 12
const COUNTER_DIGITS = 4
const HLC_DIGITS = MILLIS_DIGITS + COUNTER_DIGITS
const STAMP_LENGTH = HLC_DIGITS + 32
const MAX_MILLIS = 2 ** 48 - 1
const MAX_COUNTER = 0xffff

/** Deltas further ahead of the wall clock than this are set aside, not merged [CELL-9]. */
export const MAX_AHEAD_MILLIS = 100 * 365.25 * 24 * 60 * 60 * 1000

export interface HlcTime {
  readonly millis: number
  readonly counter: number
}

// A bulk decode asks for the same few milliseconds over and over.
let lastMillis = -1
let lastMillisText = ''

export function makeStamp(millis: number, counter: number, replica: ReplicaId): Stamp {
  if (millis !== lastMillis) {
    lastMillis = millis
    lastMillisText = millis.toString(16).padStart(MILLIS_DIGITS, '0')
  }
  return (lastMillisText + counter.toString(16).padStart(COUNTER_DIGITS, '0') + replica) as Stamp
}

export function stampMillis(stamp: Stamp): number {
  return Number.parseInt(stamp.slice(0, MILLIS_DIGITS), 16)
}

export function stampCounter(stamp: Stamp): number {
  return Number.parseInt(stamp.slice(MILLIS_DIGITS, HLC_DIGITS), 16)
}

export function stampReplica(stamp: Stamp): ReplicaId {
  return stamp.slice(HLC_DIGITS) as ReplicaId
}

/** The time part of a stamp, sortable; two stamps of one replica are equal if and only if these are. */
export function stampTime(stamp: Stamp): string {
  return stamp.slice(0, HLC_DIGITS)
}

/** True for a well-formed stamp: what a database or a decoder may hand to the merge. */
export function isStamp(text: string): text is Stamp {
  return text.length === STAMP_LENGTH && /^[0-9a-f]+$/.test(text)
}

/**
 * The clock of one replica. `last` survives restarts: it is stored in the transaction that stores the stamps.
 * A local write is never refused: a full counter carries into the milliseconds.
 */
export class HybridClock {
  readonly replica: ReplicaId
  #millis: number
  #counter: number

  constructor(replica: ReplicaId, last: HlcTime = { millis: 0, counter: 0 }) {
    this.replica = replica
    this.#millis = last.millis
    this.#counter = last.counter
  }

  get last(): HlcTime {
    return { millis: this.#millis, counter: this.#counter }
  }

  /** A stamp after every stamp given out or seen so far. `wall` in Unix milliseconds; before 1970 counts as 1970. */
  tick(wall: number): Stamp {
    const now = Math.min(Math.max(0, Math.floor(wall)), MAX_MILLIS)
    if (now > this.#millis) {
      this.#millis = now
      this.#counter = 0
    } else if (this.#counter < MAX_COUNTER) {
      this.#counter++
    } else {
      this.#millis++
      this.#counter = 0
    }
    return makeStamp(this.#millis, this.#counter, this.replica)
  }

  /** Moves the clock to at least `time`: whoever has seen an edit writes after it. */
  observe(time: HlcTime): void {
    if (time.millis > this.#millis || (time.millis === this.#millis && time.counter > this.#counter)) {
      this.#millis = time.millis
      this.#counter = time.counter
    }
  }
}
