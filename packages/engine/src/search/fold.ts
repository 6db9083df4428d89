/**
 * Words as the search index sees them: cut and folded exactly as FTS5's `unicode61 remove_diacritics 2` does, so that a
 * query never holds a token that FTS5 would cut again, and highlights cover what matched.
 *
 * A word is a run of letters, digits and combining marks. Folding takes lower case, the ASCII base letter of a letter with
 * diacritics (ż → z, but ł stays ł: it has no base letter), and drops combining marks.
 */
import { FOLDED, KEPT, MARKS, SEPARATORS } from '#search/fold-table'

export interface Word {
  /** Folded. */
  readonly word: string
  /** UTF-16 offsets in the text, `end` exclusive. */
  readonly start: number
  readonly end: number
}

type Range = readonly [first: number, last: number]

function ranges(encoded: string): Range[] {
  let position = 0
  return encoded.split(' ').map((item) => {
    const [gap, length] = item.split('+')
    const first = position + Number.parseInt(gap as string, 36)
    position = first + (length === undefined ? 0 : Number.parseInt(length, 36))
    return [first, position]
  })
}

const characterClass = (list: readonly Range[]): string =>
  list.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join('')

const MARK_CLASS = characterClass(ranges(MARKS))
const SEPARATOR_CLASS = characterClass(ranges(SEPARATORS))
const WORD = new RegExp(`[^${SEPARATOR_CLASS}${MARK_CLASS}][^${SEPARATOR_CLASS}]*`, 'gu')
const MARK = new RegExp(`^[${MARK_CLASS}]$`, 'u')
const KEPT_LETTER = new RegExp(`^[${characterClass(ranges(KEPT))}]$`, 'u')
const NOT_ASCII = /[^\p{ASCII}]/gu
const ASCII_LETTER = /^[A-Za-z]$/

const folded = new Map<string, string>()
const pairs = [...FOLDED]
for (let i = 0; i < pairs.length; i += 2) folded.set(pairs[i] as string, pairs[i + 1] as string)

function foldLetter(letter: string): string {
  const known = folded.get(letter)
  if (known !== undefined) return known
  const result = foldNewLetter(letter)
  folded.set(letter, result)
  return result
}

function foldNewLetter(letter: string): string {
  if (KEPT_LETTER.test(letter)) return letter
  const base = String.fromCodePoint(letter.normalize('NFD').codePointAt(0) as number)
  if (base !== letter && ASCII_LETTER.test(base)) return base.toLowerCase()
  const lower = letter.toLowerCase()
  // İ becomes two code points; the tokenizer folds one to one.
  return [...lower].length === 1 ? lower : letter
}

/** A text, or one word as {@link words} cuts it, in folded form; what separates words still does. */
export function fold(text: string): string {
  const lower = text.toWellFormed().replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
  return lower.replace(NOT_ASCII, (letter) => (MARK.test(letter) ? '' : foldLetter(letter)))
}

/**
 * Finds neighbouring words in a folded text.
 * @param prefix the last word may be the beginning of a longer one
 */
export function phrasePattern(phrase: readonly string[], prefix: boolean): RegExp {
  // Words hold no character that means something in a pattern: those are separators, all of them.
  const end = prefix ? '' : `(?=$|[${SEPARATOR_CLASS}])`
  return new RegExp(`(?<=^|[${SEPARATOR_CLASS}])${phrase.join(`[${SEPARATOR_CLASS}]+`)}${end}`, 'u')
}

/** The words of a text, in order, lazily: a reader that stops early has not cut the rest. */
export function* words(text: string): Generator<Word> {
  const wellFormed = text.toWellFormed()
  // One pattern for all readers, so its position is set before each step; matchAll would compile a copy for every text.
  for (let position = 0; ; ) {
    WORD.lastIndex = position
    const match = WORD.exec(wellFormed)
    if (match === null) return
    position = WORD.lastIndex
    yield { word: fold(match[0]), start: match.index, end: position }
  }
}
