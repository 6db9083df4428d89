/**
 * What FTS5 cannot do without positions: checking phrases and showing where a text matches. Pure functions on text; they
 * cut and fold words as the index does.
 */
import { fold, phrasePattern, type Word, words } from '#search/fold'
import type { SearchQuery, SearchTerm } from '#search/query'

export interface Snippet {
  /** One line, about as long as asked for; `…` where the text goes on. */
  readonly text: string
  /** Ascending UTF-16 offsets in `text`, `end` exclusive. */
  readonly highlights: readonly (readonly [start: number, end: number])[]
}

const SNIPPET_LENGTH = 160
/** Part of the snippet before the first match. */
const LEAD = 0.25
/** How far a cut may move to fall between words. */
const WORD_SEARCH = 24

const fits = (term: SearchTerm, index: number, word: string): boolean =>
  term.prefix && index === term.words.length - 1 ? word.startsWith(term.words[index] as string) : word === term.words[index]

/** The places of a term in a text, as lists of neighbouring words. */
function* occurrences(text: Iterable<Word>, term: SearchTerm): Generator<readonly Word[]> {
  const last: Word[] = []
  for (const word of text) {
    last.push(word)
    if (last.length > term.words.length) last.shift()
    if (last.length === term.words.length && last.every((candidate, i) => fits(term, i, candidate.word))) yield [...last]
  }
}

/**
 * A test for texts: true if each phrase of the query stands in one of them. Single words are not looked at: the index is
 * right about them. Undefined for a query without phrases.
 */
export function phraseMatcher(query: SearchQuery): ((texts: readonly string[]) => boolean) | undefined {
  const patterns = query.terms.filter((term) => term.words.length > 1).map((term) => phrasePattern(term.words, term.prefix))
  if (patterns.length === 0) return undefined
  return (texts) => {
    const folded = texts.map(fold)
    return patterns.every((pattern) => folded.some((text) => pattern.test(text)))
  }
}

/**
 * The surroundings of the first match, all matches in them marked. Without a match, the beginning of the text.
 * @param length UTF-16 units, approximately
 */
export function snippet(text: string, query: SearchQuery, length = SNIPPET_LENGTH): Snippet {
  const first = firstMatch(text, query)
  const start = first === undefined ? 0 : cutBefore(text, Math.max(0, first - Math.floor(length * LEAD)), first)
  const end = cutAfter(text, Math.min(text.length, start + length))
  const body = text.slice(start, end)
  const shown = `${start > 0 ? '…' : ''}${body.replace(/\s/g, ' ')}${end < text.length ? '…' : ''}`
  return { text: shown, highlights: highlights(body, query, start > 0 ? 1 : 0) }
}

function firstMatch(text: string, query: SearchQuery): number | undefined {
  let first: number | undefined
  for (const term of query.terms) {
    const found = occurrences(words(text), term).next()
    if (found.done === true) continue
    const { start } = found.value[0] as Word
    if (first === undefined || start < first) first = start
  }
  return first
}

function highlights(body: string, query: SearchQuery, offset: number): (readonly [number, number])[] {
  const all = [...words(body)]
  const marked = new Set<Word>()
  for (const term of query.terms) {
    for (const found of occurrences(all, term)) for (const word of found) marked.add(word)
  }
  return all.filter((word) => marked.has(word)).map((word) => [word.start + offset, word.end + offset] as const)
}

/** A cut at or after `position`, before `limit`, that stands behind white space; never inside a surrogate pair. */
function cutBefore(text: string, position: number, limit: number): number {
  if (position === 0) return 0
  for (let i = position; i < Math.min(limit, position + WORD_SEARCH); i++) if (/\s/.test(text[i - 1] as string)) return i
  return insidePair(text, position) ? position - 1 : position
}

/** A cut at or before `position` that stands before white space, if there is some near. */
function cutAfter(text: string, position: number): number {
  if (position === text.length) return position
  for (let i = position; i > position - WORD_SEARCH && i > 0; i--) if (/\s/.test(text[i] as string)) return i
  return insidePair(text, position) ? position - 1 : position
}

function insidePair(text: string, position: number): boolean {
  return /[\ud800-\udbff]/.test(text[position - 1] ?? '') && /[\udc00-\udfff]/.test(text[position] ?? '')
}
