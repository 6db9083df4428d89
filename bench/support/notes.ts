/** Vaults of notes from a seed. */
import { Random } from '../../tests/support/random.ts'
import { Writer } from './words.ts'

/** `mixed`: 100 to 2000 characters, spread evenly over the orders of magnitude (634 on average). `500`: all of 500 bytes. */
export type NoteSize = 'mixed' | '500'

export interface GeneratedNote {
  readonly title: string
  readonly text: string
}

const SHORTEST = 100
const LONGEST = 2000

/** Gives one note after another, the same ones for the same seed. */
export function noteSource(seed: number, size: NoteSize): () => GeneratedNote {
  const random = new Random(seed)
  const writer = new Writer(random.fork())
  return () => {
    const length = size === '500' ? 500 : Math.round(SHORTEST * (LONGEST / SHORTEST) ** random.float())
    return { title: size === '500' ? '' : writer.text(random.between(12, 40)), text: writer.text(length) }
  }
}

export function generateNotes(seed: number, count: number, size: NoteSize): GeneratedNote[] {
  const next = noteSource(seed, size)
  return Array.from({ length: count }, next)
}
