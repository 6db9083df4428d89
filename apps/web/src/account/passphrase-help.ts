/**
 * Help with a passphrase while it is typed: how far one is, which word is not of the list, and what is wrong with all twelve together.
 * Advice only: somebody's own passphrase is as good as one of ours, and only the key bundle tells which is right [KEY-5].
 */
import { checkPassphrase, PASSPHRASE_WORDS, typedWords, wordsBeginning } from '@lockstep/crypto/passphrase'

const MAX_OFFERED = 4

export type PassphraseAdvice =
  | { readonly kind: 'empty' }
  /** Fewer words than there have to be, none of them wrong so far. */
  | { readonly kind: 'typing'; readonly count: number; readonly of: number }
  /** Twelve words that fit together. */
  | { readonly kind: 'good' }
  /** A word that is not of the list; `position` from 1, as people count. */
  | { readonly kind: 'unknown'; readonly position: number; readonly word: string }
  | { readonly kind: 'count'; readonly count: number; readonly of: number }
  | { readonly kind: 'checksum' }
  | { readonly kind: 'own' }

export interface PassphraseHelp {
  readonly advice: PassphraseAdvice
  /** Words that may stand in the place of `replaces`, which is a word's position from 0. */
  readonly offers: readonly string[]
  readonly replaces: number
}

/** From so many letters on, words are offered. */
const FEW_LETTERS = 2

export function passphraseHelp(text: string): PassphraseHelp {
  const words = typedWords(text)
  if (words.length === 0) return { advice: { kind: 'empty' }, offers: [], replaces: 0 }
  const of = PASSPHRASE_WORDS
  const last = words.length - 1
  const isTyping = !/\p{White_Space}$/u.test(text)
  const check = checkPassphrase(text)
  if (check.kind === 'generated') return { advice: { kind: 'good' }, offers: [], replaces: last }
  const lastWord = words[last]?.word ?? ''
  const completions = isTyping ? wordsBeginning(lastWord, MAX_OFFERED) : []
  const wrong = words.findIndex(({ known }, i) => !known && !(i === last && completions.length > 0))
  if (check.kind === 'typo' && check.reason === 'unknown-word' && wrong >= 0) {
    const found = check.words.find(({ position }) => position === wrong + 1)
    return unknown(wrong, words[wrong]?.word ?? '', found?.suggestions ?? [])
  }
  if (check.kind === 'typo' && check.reason === 'checksum') return { advice: { kind: 'checksum' }, offers: [], replaces: last }
  if (words.length > of || (wrong >= 0 && isOwn(words.map(({ known }) => known)))) {
    const advice = check.kind === 'typo' ? ({ kind: 'count', count: words.length, of } as const) : ({ kind: 'own' } as const)
    return { advice, offers: [], replaces: last }
  }
  if (wrong >= 0) return unknown(wrong, words[wrong]?.word ?? '', [])
  const isEnough = lastWord.length < FEW_LETTERS || (completions.length === 1 && completions[0] === lastWord)
  const offers = isEnough ? [] : completions
  return { advice: { kind: 'typing', count: words.length, of }, offers, replaces: last }
}

/** As many words that are not of the list as there are of it: somebody's own sentence. */
function isOwn(known: readonly boolean[]): boolean {
  return known.filter((is) => !is).length * 2 >= known.length
}

function unknown(position: number, word: string, suggestions: readonly string[]): PassphraseHelp {
  const start = word.slice(0, 3)
  const offers = suggestions.length > 0 ? suggestions : start.length === 3 ? wordsBeginning(start, MAX_OFFERED) : []
  return { advice: { kind: 'unknown', position: position + 1, word }, offers, replaces: position }
}

/** `text` with another word at a position, from 0; what follows the last word is a blank, ready for the next one. */
export function replaceWord(text: string, position: number, word: string): string {
  const words = typedWords(text).map(({ word }) => word)
  const replaced = words.with(position, word).join(' ')
  return position === words.length - 1 && words.length < PASSPHRASE_WORDS ? `${replaced} ` : replaced
}

/** Of a pasted or typed passphrase: a line break at the end was not meant. */
export const asTyped = (text: string): string => text.replace(/[\r\n]+$/, '')
