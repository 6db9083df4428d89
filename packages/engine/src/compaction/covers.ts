/**
 * Which counters a run stands for [LOG-6]: of each replica the segments in it, and what merged segments and seeds in it
 * stand for. Neither more nor less: who covers too much hides that something was withheld, who covers too little is refused.
 */
import type { Cover } from '#content'
import type { ReplicaId } from '#hlc'

export class CoverSum {
  readonly #covers = new Map<ReplicaId, Cover>()
  #gap = false

  /** In the order of the log. */
  add(cover: Cover): void {
    const known = this.#covers.get(cover.replica)
    if (known === undefined) {
      this.#covers.set(cover.replica, cover)
      return
    }
    // The log has a replica's counters in order; a seed may tell again what it has.
    if (cover.first > known.last + 1 || cover.last < known.first) this.#gap = true
    const latest = cover.last > known.last ? cover : known
    this.#covers.set(cover.replica, {
      replica: cover.replica,
      first: Math.min(known.first, cover.first),
      last: latest.last,
      digest: latest.digest,
    })
  }

  /** Undefined where a replica's counters have a gap: nobody could say that in one range, and no sound log has one. */
  result(): readonly Cover[] | undefined {
    if (this.#gap) return undefined
    return [...this.#covers.values()].sort((a, b) => (a.replica < b.replica ? -1 : 1))
  }
}
