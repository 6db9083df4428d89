/** Decisions about diff·log rows that are the same on every database; pure. */
import type { Row } from '#storage/difflog'

/** Of one profile. */
export const MAX_DIFFS = 50

/** What a row costs beyond its texts: about what a database needs for a short one. */
const ROW_OVERHEAD = 64

/** What counts towards a profile's quota. */
export function rowBytes({ id, data }: Row): number {
  return Buffer.byteLength(id) + Buffer.byteLength(data) + ROW_OVERHEAD
}

export interface HashQuestion {
  readonly stored: string | null
  /** The hash the client sent, if it did. */
  readonly sent: string | undefined
  /** A row of the collection was put with other data, added or removed. */
  readonly changed: boolean
  /** The ids that the request put are those of all rows that there are after it; where it put none, it said so or removed the last. */
  readonly exact: boolean
}

/**
 * The hash to store for a collection after a request.
 *
 * Only clients can compute a hash; what one sends tells of its own view. It is stored where that view is known to be the server's rows,
 * because the client has just listed them all: then no other client that has the same hash lacks a row or holds one too many. After
 * any other change nobody's hash is known to be right. Where nothing changed, the stored one still is.
 */
export function hashAfter({ stored, sent, changed, exact }: HashQuestion): string | null {
  if (exact && sent !== undefined) return sent
  return changed ? null : stored
}

/** What a request did to a collection as a whole: a row that it added and removed again is no change. */
export class Tally {
  readonly #put = new Set<string>()
  readonly #added = new Set<string>()
  #changed = false
  #putIsGone = false

  put(id: string, outcome: 'added' | 'changed' | 'same'): void {
    this.#put.add(id)
    if (outcome === 'added') this.#added.add(id)
    if (outcome === 'changed') this.#changed = true
  }

  /** A row that was there. */
  remove(id: string): void {
    if (this.#put.has(id)) this.#putIsGone = true
    if (!this.#added.delete(id)) this.#changed = true
  }

  get changed(): boolean {
    return this.#changed || this.#added.size > 0
  }

  /** Whether the rows that were put are all there are, by their number. */
  isAllOf(rows: number): boolean {
    return !this.#putIsGone && this.#put.size === rows
  }
}

const EARLIEST_TIME_ID = Date.UTC(2015, 0, 1)
const DAY = 24 * 60 * 60_000

/**
 * When a diff was made, Unix milliseconds, as well as the server can know it: the time that its id is where clients made it from the
 * clock, else when it first came. A client that uploads what it wrote long ago does not push out what is newer.
 */
export function ageOf(diffId: string, now: number): number {
  const time = /^\d{13}$/.test(diffId) ? Number(diffId) : Number.NaN
  return time >= EARLIEST_TIME_ID && time <= now + DAY ? time : now
}

/** TLDRs are named `diffId:paragraph`; an id of a diff may hold colons itself. */
export function isTldrOf(diffId: string, tldrId: string): boolean {
  return tldrId.length > diffId.length && tldrId.lastIndexOf(':') === diffId.length && tldrId.startsWith(diffId)
}

/** A public diff is plain JSON, a private one is base64. */
export function isPublic(data: string): boolean {
  return data.startsWith('{')
}
