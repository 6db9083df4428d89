/** What an import could not take, with the reason. A hostile source could name millions: past a thousand they are counted. */
import type { Refused } from '#source-tree'

const MOST_LISTED = 1000

export class Refusals {
  readonly #listed: Refused[] = []
  #count = 0

  /** @param path What it is: "note 1f…", "operation 7f…". */
  add(path: string, reason: string): void {
    this.#count++
    if (this.#listed.length < MOST_LISTED) this.#listed.push({ path, reason })
  }

  get listed(): readonly Refused[] {
    return this.#listed
  }

  /** Beyond those that are listed. */
  get more(): number {
    return this.#count - this.#listed.length
  }
}
