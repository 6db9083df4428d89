/**
 * What all bodies that are being collected may take of the memory together. Whoever the sender of a body is may be known only from the
 * body, so strangers can have many large ones under way, slowly. When there are too many, the one that has been under way for
 * longest is given up: those that come in steadily have long been answered by then.
 */

/** Four pushes of the largest size, hundreds of usual ones. With it the whole process stays below 256 MB. */
const BUDGET = 64 * 1024 * 1024
/** What holds less is given up only when nothing holds more: it is the small requests of many people. Bytes. */
const SMALL = 64 * 1024

interface Held {
  bytes: number
  readonly giveUp: () => void
}

export class BodyBudget {
  readonly #limit: number
  /** In the order in which they began. */
  readonly #held = new Map<object, Held>()
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes that are held. */
  get total(): number {
    return this.#total
  }

  /** @param giveUp is called at most once, after which nothing is held for the body */
  begin(body: object, giveUp: () => void): void {
    this.#held.set(body, { bytes: 0, giveUp })
  }

  /** Counts what has come of a body; gives up bodies, perhaps this one. */
  add(body: object, bytes: number): void {
    const held = this.#held.get(body)
    if (held === undefined) return
    held.bytes += bytes
    this.#total += bytes
    while (this.#total > this.#limit) this.#giveUpOne()
  }

  /** The body is whole, refused or broken off. */
  end(body: object): void {
    this.#total -= this.#held.get(body)?.bytes ?? 0
    this.#held.delete(body)
  }

  #giveUpOne(): void {
    let oldest: [object, Held] | undefined
    for (const entry of this.#held) {
      oldest ??= entry
      if (entry[1].bytes < SMALL) continue
      oldest = entry
      break
    }
    if (oldest === undefined) return
    const [body, { giveUp }] = oldest
    this.end(body)
    giveUp()
  }
}

/** Of this process: memory is the process's, not an app's. */
export const bodyBudget = new BodyBudget(BUDGET)
