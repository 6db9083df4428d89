/**
 * How much of a download goes into one transaction. The first ones are small, so that the first rows are soon to be seen; each next one
 * is twice as large, because larger ones write the pages of an index, which random ids hit all over, fewer times. Where the thread has
 * others to serve, as in a browser's worker, a transaction takes no longer than they should wait.
 */
import type { Runtime } from '#store'

/** Sealed bytes. */
const FIRST_BYTES = 16 * 1024
const MOST_BYTES = 2 * 1024 * 1024
/** And rows: small edits of long texts take their time, in which nothing else runs and the connection may be given up. */
const MOST_ROWS = 8192
/** Where others wait: how quick some rows were says little of how quick as many again will be, with a disk behind them. */
const MOST_SHARED_ROWS = 512
/** Fewer would write the same pages too often. */
const LEAST_ROWS = 64

export class Portions {
  readonly #runtime: Runtime
  #bytes = FIRST_BYTES
  #rows = MOST_ROWS

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Sealed bytes that are enough for the next transaction, while it is one of the first; undefined later. */
  get first(): number | undefined {
    return this.#bytes < MOST_BYTES ? this.#bytes : undefined
  }

  isEnough(bytes: number, rows: number): boolean {
    return bytes >= this.#bytes || rows >= this.#rows
  }

  /** Runs a transaction of that many rows; the next one is as large as this one's time allows. */
  apply(rows: number, transaction: () => void): void {
    this.#bytes = Math.min(2 * this.#bytes, MOST_BYTES)
    const { now, sharing } = this.#runtime
    const started = sharing === undefined ? 0 : now()
    transaction()
    if (sharing === undefined || rows === 0) return
    // A clock that was set back meanwhile says nothing.
    const took = Math.max(1, now() - started)
    this.#rows = Math.max(LEAST_ROWS, Math.min(Math.round((rows * sharing.patience) / took), 2 * rows, MOST_SHARED_ROWS))
  }

  /** Others who wait for this thread come first. */
  async letOthers(): Promise<void> {
    await this.#runtime.sharing?.letOthers()
  }
}
