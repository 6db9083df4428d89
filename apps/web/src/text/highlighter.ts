/** What colours code, once it is here, and whether a text wants it. */

const FENCE = /^ {0,3}(?:```|~~~)\w/m

/** Whether a text has code of a language. */
export const hasFence = (text: string): boolean => FENCE.test(text)

type Highlight = (code: string, language: string) => string | undefined

let loaded: Highlight | undefined
let loading = false
const listeners = new Set<() => void>()

async function load(): Promise<void> {
  loading = true
  try {
    loaded = (await import('#text/highlight')).highlight
    for (const listener of listeners) listener()
  } catch {
    // Offline before its first use: the code is shown in one colour, and the next note with code tries again.
    loading = false
  }
}

/** Undefined until it has been asked for and has come. */
export const highlighter = (): Highlight | undefined => loaded

export function needHighlighter(): void {
  if (!loading) void load()
}

export function onHighlighter(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
