/**
 * Notes on their way into the vault: written down with their ids before they are handed over, and forgotten once they are stored. A tab
 * that is closed in between hands them over again when it is next opened; as each has its id, it is there once.
 */
const PREFIX = 'lockstep/unsaved/'

export interface UnsavedNote {
  readonly id: string
  readonly space: string
  readonly title: string
  readonly text: string
  /** When it was written, Unix milliseconds. */
  readonly now: number
}

export type KeptTexts = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>

const NOTHING: KeptTexts = { getItem: () => null, setItem() {}, removeItem() {}, key: () => null, length: 0 }

/** What this browser keeps for the page; nothing where it refuses to. */
export function browserTexts(): KeptTexts {
  try {
    return localStorage
  } catch {
    return NOTHING
  }
}

function isUnsaved(value: unknown): value is UnsavedNote {
  if (typeof value !== 'object' || value === null) return false
  const { id, space, title, text, now } = value as Readonly<Record<string, unknown>>
  return [id, space, title, text].every((part) => typeof part === 'string') && typeof now === 'number'
}

export function keepUnsaved(kept: KeptTexts, note: UnsavedNote): void {
  try {
    kept.setItem(PREFIX + note.id, JSON.stringify(note))
  } catch {
    // Storage is denied or full: the text goes back to the composer if the vault cannot take it.
  }
}

export function forgetUnsaved(kept: KeptTexts, id: string): void {
  try {
    kept.removeItem(PREFIX + id)
  } catch {
    // It could not be written down either.
  }
}

/** In the order in which they were written. */
export function unsavedNotes(kept: KeptTexts): UnsavedNote[] {
  const found: UnsavedNote[] = []
  try {
    for (let i = 0; i < kept.length; i++) {
      const key = kept.key(i)
      if (key?.startsWith(PREFIX) !== true) continue
      const value: unknown = JSON.parse(kept.getItem(key) ?? 'null')
      if (isUnsaved(value)) found.push(value)
    }
  } catch {
    // What cannot be read is left where it is.
  }
  return found.sort((a, b) => a.now - b.now)
}
