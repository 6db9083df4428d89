/**
 * Exports and imports that run: each by an id that its tab has made, so that a tab which asks twice has one. How far one is, is
 * asked for: the answer comes as soon as there is something new.
 */
export interface TransferProgress {
  /** Of the worker that does it: another one means that it was begun again. */
  readonly host: string
  readonly step: TransferStep
  readonly done: number
  /** 0: not known yet. */
  readonly total: number
}

export type TransferStep = 'reading' | 'importing' | 'exporting' | 'files'

export interface RunningTransfer {
  readonly signal: AbortSignal
  report(step: TransferStep, done: number, total: number): void
}

interface Entry {
  readonly result: Promise<unknown>
  progress: TransferProgress
  /** Who waits for the next progress. */
  readonly waiting: Set<(progress: TransferProgress | undefined) => void>
}

/** So often progress is told at most. Milliseconds. */
const TELL_EVERY = 100

export class Transfers {
  readonly #host = crypto.randomUUID()
  readonly #running = new Map<string, Entry>()
  readonly #stops = new Map<string, AbortController>()

  run<T>(id: string, work: (transfer: RunningTransfer) => Promise<T>): Promise<T> {
    const before = this.#running.get(id)
    if (before !== undefined) return before.result as Promise<T>
    let toldAt = 0
    const report = (step: TransferStep, done: number, total: number) => {
      const now = Date.now()
      entry.progress = { ...entry.progress, step, done, total }
      if (now - toldAt < TELL_EVERY && done < total) return
      toldAt = now
      this.#tell(entry, entry.progress)
    }
    const begin = () => work({ signal: this.#stop(id).signal, report })
    const result = Promise.resolve()
      .then(begin)
      .finally(() => {
        this.#running.delete(id)
        this.#stops.delete(id)
        this.#tell(entry, undefined)
      })
    const entry: Entry = {
      result,
      progress: { host: this.#host, step: 'reading', done: 0, total: 0 },
      waiting: new Set(),
    }
    this.#running.set(id, entry)
    return result
  }

  /**
   * Where it stands: at once for who has heard nothing from this worker, else when there is news. Undefined when it has ended, or was
   * never begun here.
   */
  follow(id: string, host: string | undefined): Promise<TransferProgress | undefined> {
    const entry = this.#running.get(id)
    if (entry === undefined) return Promise.resolve(undefined)
    if (host !== this.#host) return Promise.resolve(entry.progress)
    return new Promise((resolve) => entry.waiting.add(resolve))
  }

  /** Also one that is not begun yet. */
  stop(id: string): void {
    this.#stop(id).abort()
  }

  #stop(id: string): AbortController {
    const stop = this.#stops.get(id) ?? new AbortController()
    this.#stops.set(id, stop)
    return stop
  }

  #tell({ waiting }: Entry, progress: TransferProgress | undefined): void {
    for (const resolve of waiting) resolve(progress)
    waiting.clear()
  }
}
