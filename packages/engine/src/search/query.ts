/**
 * What a person types into the search field, and its form for FTS5. There is no syntax to get wrong:
 *
 * - words are looked for together (AND), in any order, in any column; case and diacritics do not matter;
 * - the last word is also found as the beginning of a longer one, since people see results while they type;
 * - `"two words"` are looked for next to each other. While the closing quote is missing, the last word may be a beginning;
 * - everything else only separates words. A text without any word finds nothing.
 *
 * The index knows no positions (`detail=none`), so a phrase is its words for FTS5 and is checked on the text afterwards.
 */
import { words } from '#search/fold'

/** Words beyond this many are ignored; it bounds the work of a pasted page. */
export const MAX_QUERY_WORDS = 64

export interface SearchTerm {
  /** Folded; two or more are a phrase. */
  readonly words: readonly string[]
  /** The last word may be the beginning of a longer one. */
  readonly prefix: boolean
}

export interface SearchQuery {
  readonly terms: readonly SearchTerm[]
}

const QUOTES = /["“”„«»]/

export function parseQuery(text: string): SearchQuery {
  const terms: SearchTerm[] = []
  const parts = text.split(QUOTES)
  let room = MAX_QUERY_WORDS
  for (const [i, part] of parts.entries()) {
    const quoted = i % 2 === 1
    const found: string[] = []
    for (const { word } of words(part)) {
      if (room === 0) break
      room--
      found.push(word)
    }
    if (found.length === 0) continue
    const open = i === parts.length - 1
    if (quoted) terms.push({ words: found, prefix: open })
    else for (const [k, word] of found.entries()) terms.push({ words: [word], prefix: open && k === found.length - 1 })
  }
  return { terms }
}

/** The MATCH expression, undefined for a query without words. Words hold no quotes: those separate words. */
export function matchExpression(query: SearchQuery): string | undefined {
  const parts = new Set<string>()
  for (const term of query.terms) {
    for (const [i, word] of term.words.entries()) parts.add(`"${word}"${term.prefix && i === term.words.length - 1 ? '*' : ''}`)
  }
  return parts.size === 0 ? undefined : [...parts].join(' ')
}
