/**
 * What was typed into a note and is not stored yet, as Yjs updates: written down before it is handed over, and forgotten once it is
 * stored. A tab that is closed in between hands it over again when it is next opened; as handing over twice changes nothing, another
 * tab may do it too, while the one that it was typed in still waits.
 */
import { fromBase64Url, toBase64Url } from '@lockstep/protocol/bytes'
import { kept } from '#local/kept'

const START = 'unsaved-typing/'

export interface UnsavedTyping {
  /** Of the note. */
  readonly id: string
  /** Key and stamp of the base that was typed on. */
  readonly key: number
  readonly base: string
  /** Yjs update. */
  readonly update: Uint8Array
  /** The note's title with it; none where it has one of its own. */
  readonly title?: string | undefined
  /** When the last of it was typed, Unix milliseconds. */
  readonly now: number
}

/** What one editor has not stored; undefined as soon as that is nothing. */
export function keepTyping(editor: string, typing: UnsavedTyping | undefined): void {
  kept.keep(START + editor, typing && JSON.stringify({ ...typing, update: toBase64Url(typing.update) }))
}

function typingIn(value: unknown): UnsavedTyping | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, key, base, update, title, now } = value as Readonly<Record<string, unknown>>
  if (typeof id !== 'string' || typeof base !== 'string' || typeof update !== 'string') return undefined
  if (title !== undefined && typeof title !== 'string') return undefined
  if (typeof key !== 'number' || typeof now !== 'number') return undefined
  try {
    return { id, key, base, update: fromBase64Url(update), title, now }
  } catch {
    return undefined
  }
}

/**
 * Hands over everything that is kept, each until `store` resolves. What is no typing of ours is left where it is.
 * @param store resolves when it is stored, or never can be; rejects where it may be tried again
 */
export async function handOverTyping(store: (typing: UnsavedTyping) => Promise<void>): Promise<void> {
  for (const name of kept.names(START)) {
    const text = kept.read(name)
    const typing = typingIn(kept.readJson(name))
    if (typing === undefined) continue
    await store(typing)
    // The tab that it was typed in may be there, and have gone on.
    if (kept.read(name) === text) kept.keep(name, undefined)
  }
}
