/** A piece of a text with the words that were looked for marked in it. */
import type { FoundNote } from '#host/note-methods'

export function FoundText({ found: { text, highlights } }: { readonly found: FoundNote['text'] }) {
  const parts: (string | readonly [number, string])[] = []
  let at = 0
  for (const [start, end] of highlights) {
    parts.push(text.slice(at, start), [start, text.slice(start, end)])
    at = end
  }
  parts.push(text.slice(at))
  return parts.map((part) => (typeof part === 'string' ? part : <mark key={part[0]}>{part[1]}</mark>))
}
