/**
 * The log's end while it comes before its beginning: which interval's rows are here, and what each segment of it says of the
 * log (its {@link Link}), to be checked in order once nothing is missing below. Written in the transaction that stores the rows [LOG-6].
 */
import { decodeLink, encodeLink } from '#link'
import type { Link } from '#log'
import type { Store } from '#store'

export interface HeldInterval {
  readonly first: number
  /** The server's head when the first answer came. */
  readonly last: number
}

export class HeldEnd {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** The interval beyond the cursor whose rows are here. */
  held(): HeldInterval | undefined {
    const row = this.#store.driver.prepare('SELECT first, last FROM _held').get()
    return row && { first: Number(row['first']), last: Number(row['last']) }
  }

  /** The rows of a segment, or of a part of a run, are here: it came from the end, below what is held. `head`: of the server. */
  hold(link: Link, head: number): void {
    const { driver } = this.#store
    // A run may have been merged since an answer broke off: it stands for what had come of it until then.
    if ((link.run?.part ?? 0) === 0) driver.prepare('DELETE FROM _links WHERE last BETWEEN ? AND ?').run(link.first, link.last)
    driver
      .prepare('INSERT OR REPLACE INTO _links (last, part, link) VALUES (?, ?, ?)')
      .run(link.last, link.run?.part ?? 0, encodeLink(link))
    const whole = link.run === undefined || link.run.part === link.run.parts - 1
    if (!whole) return
    const last = Math.max(this.held()?.last ?? head, link.last)
    driver.exec('DELETE FROM _held')
    driver.prepare('INSERT INTO _held (first, last) VALUES (?, ?)').run(link.first, last)
  }

  /** The last segment that came of a run of which parts are missing: what a broken off answer goes on after. */
  partial(): Link | undefined {
    const first = this.held()?.first
    const row = this.#store.driver
      .prepare(`SELECT link FROM _links ${first === undefined ? '' : 'WHERE last < ?'} ORDER BY last DESC, part DESC LIMIT 1`)
      .get(...(first === undefined ? [] : [first]))
    return row && decodeLink(row['link'] as Uint8Array)
  }

  /** In the order of the log. */
  *links(): Generator<Link> {
    for (const row of this.#store.driver.prepare('SELECT link FROM _links ORDER BY last, part').iterate())
      yield decodeLink(row['link'] as Uint8Array)
  }

  /** Forgets what came from the end; its rows stay, which does no harm. */
  letGo(): void {
    this.#store.driver.exec('DELETE FROM _links; DELETE FROM _held')
  }
}
