/** What a change took out of a text and what it put in, each short enough for one line: the first of it, with the words that it is in. */

/** UTF-16 units. */
const MOST = 60
/** So far back a word may begin that a change is in. */
const WORD = 20

/** Both empty where nothing but white space changed. */
export interface ChangeExcerpt {
  readonly removed: string
  readonly added: string
}

export function changeExcerpt(before: string, after: string): ChangeExcerpt {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start] === after[start]) start++
  let same = 0
  while (same < shorter - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same++
  const from = wordStart(before, start)
  const middle = (text: string) => shortened(text.slice(from, wordEnd(text, text.length - same)))
  const [removed, added] = [middle(before), middle(after)]
  return removed === added ? { removed: '', added: '' } : { removed, added }
}

const isWord = (unit: string | undefined) => unit !== undefined && /[\p{L}\p{N}\p{M}\ud800-\udfff]/u.test(unit)

/** A pair of surrogates counts as a word, so that none is parted. */
function wordStart(text: string, at: number): number {
  let start = at
  while (start > 0 && at - start < WORD && isWord(text[start - 1])) start--
  return isLow(text, start) ? start - 1 : start
}

function wordEnd(text: string, at: number): number {
  let end = at
  while (end < text.length && end - at < WORD && isWord(text[end])) end++
  return isLow(text, end) ? end + 1 : end
}

const isLow = (text: string, at: number) => /[\udc00-\udfff]/.test(text[at] ?? '')

function shortened(text: string): string {
  const line = text
    .slice(0, 4 * MOST)
    .replace(/\s+/g, ' ')
    .trim()
  return line.length <= MOST ? line.toWellFormed() : `${line.slice(0, isLow(line, MOST) ? MOST - 1 : MOST)}…`
}
