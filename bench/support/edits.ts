/**
 * A person's edits of their notes, from a seed: mostly a few words written, replaced or taken out, then titles, pins,
 * moves between spaces, and now and then a note that goes to the trash and comes back.
 */
import type { Transaction } from '@lockstep/engine/transaction'
import type { Vault } from '@lockstep/engine/vault'
import type { Tables } from '@lockstep/model/schema'
import { Random } from '../../tests/support/random.ts'
import { noteSource } from './notes.ts'
import { Writer } from './words.ts'

export const SPACES = 20
/** Shares of a hundred edits, added up; the rest are deletes. An edit of a deleted note restores it. */
const SHARES = [
  ['text', 66],
  ['title', 80],
  ['pin', 92],
  ['move', 99],
] as const

export type EditKind = (typeof SHARES)[number][0] | 'delete'

export function drawEdit(random: Random): EditKind {
  const at = random.below(100)
  return SHARES.find(([, below]) => at < below)?.[0] ?? 'delete'
}

/** One to six words more, fewer or in place of others, about as often more as fewer: notes keep their lengths. */
export function rewriteText(random: Random, writer: Writer, text: string): string {
  const words = text.split(' ')
  const at = random.below(words.length + 1)
  const count = random.between(1, 6)
  const added = Array.from({ length: count }, () => writer.word())
  const kind = words.length <= 10 ? 0 : random.below(3)
  if (kind === 0) words.splice(at, 0, ...added)
  else if (kind === 1) words.splice(at, count, ...added)
  else words.splice(at, count)
  return words.join(' ')
}

/** Edits a vault as an app does, each edit in a transaction of its own. */
export class Editor {
  readonly #vault: Vault<Tables>
  readonly #random: Random
  readonly #writer: Writer
  #notes: string[] = []

  constructor(vault: Vault<Tables>, seed: number) {
    this.#vault = vault
    this.#random = new Random(seed)
    this.#writer = new Writer(this.#random.fork())
  }

  create(count: number): void {
    const next = noteSource(this.#random.u32(), 'mixed')
    this.#vault.transact((tx) => {
      for (let i = 0; i < count; i++) {
        const now = Date.now()
        this.#notes.push(tx.insert('notes', { ...next(), createdAt: now, updatedAt: now }))
      }
    })
  }

  /** One edit of one note, drawn evenly from all. */
  edit(): void {
    if (this.#notes.length === 0) this.#notes = this.#vault.query('SELECT id FROM notes ORDER BY _n').map(({ id }) => String(id))
    const id = this.#random.pick(this.#notes)
    this.#vault.transact((tx) => this.#edit(tx, id))
  }

  #edit(tx: Transaction<Tables>, id: string): void {
    const note = tx.get('notes', id)
    if (note === undefined) throw new Error(`note ${id} is gone`)
    const updatedAt = Date.now()
    const kind = drawEdit(this.#random)
    if (note._deleted) tx.restore('notes', id, { updatedAt })
    else if (kind === 'text') tx.update('notes', id, { text: rewriteText(this.#random, this.#writer, note.text), updatedAt })
    else if (kind === 'title') tx.update('notes', id, { title: this.#writer.text(this.#random.between(12, 40)), updatedAt })
    else if (kind === 'delete') tx.delete('notes', id)
    else tx.update('notes', id, { pinned: 1 - note.pinned, updatedAt })
  }
}
