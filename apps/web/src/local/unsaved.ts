/**
 * Notes on their way into the vault: written down with their ids before they are handed over, and forgotten once they are stored. A tab
 * that is closed in between hands them over again when it is next opened; as each has its id, it is there once.
 */
import { kept } from '#local/kept'

const START = 'unsaved/'

export interface UnsavedNote {
  readonly id: string
  readonly space: string
  readonly title: string
  readonly text: string
  /** When it was written, Unix milliseconds. */
  readonly now: number
}

function isUnsaved(value: unknown): value is UnsavedNote {
  if (typeof value !== 'object' || value === null) return false
  const { id, space, title, text, now } = value as Readonly<Record<string, unknown>>
  return [id, space, title, text].every((part) => typeof part === 'string') && typeof now === 'number'
}

export const keepUnsaved = (note: UnsavedNote): void => kept.keep(START + note.id, JSON.stringify(note))

export const forgetUnsaved = (id: string): void => kept.keep(START + id, undefined)

/** In the order in which they were written. What is not one is left where it is. */
export const unsavedNotes = (): UnsavedNote[] =>
  kept
    .names(START)
    .map(kept.readJson)
    .filter(isUnsaved)
    .sort((a, b) => a.now - b.now)
