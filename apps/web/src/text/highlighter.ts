/** The highlighter, once it is here. */
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
