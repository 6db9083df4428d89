/**
 * Answers that stay right: each question is asked once for all who want to know, and again when a table that it reads has changed.
 * What was known is shown until the new answer is there, so that nothing flickers.
 */
export interface Question<T> {
  /** Two questions with one key are the same. */
  readonly key: string
  /** Tables that it reads. */
  readonly tables: readonly string[]
  readonly ask: () => Promise<T>
}

export interface Known<T> {
  /** Undefined while the first answer is on its way. */
  readonly value: T | undefined
  readonly error: Error | undefined
}

interface Entry {
  readonly question: Question<unknown>
  readonly listeners: Set<() => void>
  known: Known<unknown>
  asking: boolean
  /** Something changed while it was being asked. */
  again: boolean
}

const NOTHING: Known<never> = { value: undefined, error: undefined }

export class LiveAnswers {
  readonly #entries = new Map<string, Entry>()
  readonly #watchers = new Set<{ readonly tables: readonly string[]; readonly listener: () => void }>()

  /** @returns how to stop listening */
  subscribe<T>(question: Question<T>, listener: () => void): () => void {
    let entry = this.#entries.get(question.key)
    if (entry === undefined) {
      entry = { question, listeners: new Set(), known: NOTHING, asking: false, again: false }
      this.#entries.set(question.key, entry)
      void this.#ask(entry)
    }
    const { listeners } = entry
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#entries.delete(question.key)
    }
  }

  known<T>(key: string): Known<T> {
    return (this.#entries.get(key)?.known ?? NOTHING) as Known<T>
  }

  /** @returns how to stop listening */
  onChange(tables: readonly string[], listener: () => void): () => void {
    const watcher = { tables, listener }
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Asks again whatever reads one of these tables. */
  changed(tables: readonly string[]): void {
    for (const watcher of this.#watchers) if (watcher.tables.some((table) => tables.includes(table))) watcher.listener()
    for (const entry of this.#entries.values()) {
      if (!entry.question.tables.some((table) => tables.includes(table))) continue
      if (entry.asking) entry.again = true
      else void this.#ask(entry)
    }
  }

  async #ask(entry: Entry): Promise<void> {
    entry.asking = true
    do {
      entry.again = false
      try {
        entry.known = { value: await entry.question.ask(), error: undefined }
      } catch (error) {
        entry.known = { value: entry.known.value, error: error as Error }
      }
      for (const listener of entry.listeners) listener()
    } while (entry.again)
    entry.asking = false
  }
}
