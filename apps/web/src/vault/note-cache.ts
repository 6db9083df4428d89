/** The notes that are on the screen and near it: fetched in batches as they come into view, and again when notes have changed. */
import type { HostClient } from '#host/methods'
import type { ShownNote } from '#host/note-methods'

/** Kept besides those in view, the longest unseen go first. */
const MOST = 400

export class NoteCache {
  readonly #vault: Pick<HostClient, 'notes'>
  readonly #notes = new Map<string, ShownNote>()
  readonly #listeners = new Set<() => void>()
  /** In view, and perhaps no longer right: shown until it has been fetched anew. */
  readonly #stale = new Set<string>()
  #wanted: readonly string[] = []
  #asking = false
  #again = false
  #version = 0

  constructor(vault: Pick<HostClient, 'notes'>) {
    this.#vault = vault
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Grows with every change. */
  readonly version = (): number => this.#version

  get(id: string): ShownNote | undefined {
    return this.#notes.get(id)
  }

  /** These are in view. */
  want(ids: readonly string[]): void {
    this.#wanted = ids
    if (ids.some((id) => this.#isDue(id))) void this.#fetch(false)
  }

  /** Fetches these before they come into view, so that their heights are right at once. */
  async load(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !this.#notes.has(id))
    if (missing.length > 0) this.#take(missing, await this.#vault.notes(missing), false)
  }

  /** Some notes are others now. */
  changed(): void {
    void this.#fetch(true)
  }

  #isDue(id: string): boolean {
    return !this.#notes.has(id) || this.#stale.has(id)
  }

  async #fetch(all: boolean): Promise<void> {
    if (this.#asking) {
      this.#again ||= all
      return
    }
    this.#asking = true
    try {
      for (let round = all; ; round = this.#again) {
        this.#again = false
        const wanted = this.#wanted
        const ids = round ? wanted : wanted.filter((id) => this.#isDue(id))
        if (ids.length > 0) this.#take(ids, await this.#vault.notes(ids), round)
        if (!this.#again && this.#wanted.every((id) => !this.#isDue(id) || ids.includes(id))) return
      }
    } finally {
      this.#asking = false
    }
  }

  #take(asked: readonly string[], notes: readonly ShownNote[], all: boolean): void {
    if (all) {
      for (const id of this.#notes.keys()) {
        if (asked.includes(id)) continue
        if (this.#wanted.includes(id)) this.#stale.add(id)
        else this.#notes.delete(id)
      }
    }
    for (const id of asked) this.#stale.delete(id)
    for (const note of notes) {
      this.#notes.delete(note.id)
      this.#notes.set(note.id, note)
    }
    for (const id of [...this.#notes.keys()].slice(0, Math.max(0, this.#notes.size - MOST))) this.#notes.delete(id)
    this.#version++
    for (const listener of this.#listeners) listener()
  }
}
