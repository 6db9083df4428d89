/**
 * Passphrases [KEY-5]. A generated one is 12 words of the BIP-39 English list: 128 random bits and a 4-bit checksum, which
 * notices 15 of 16 typing errors that still are words of the list. A custom one is any text.
 *
 * Three answers about a typed text, which must not be mixed up:
 * - {@link canonicalPassphrase}: what the key is derived from. A text whose words are all of the list is written in lower case with
 *   single spaces; any other is taken as it is, to the last blank. It is total and says nothing about right or wrong.
 * - {@link checkPassphrase}: whether it looks like a generated passphrase with a slip in it, and where. Advice before a
 *   derivation that would end in "wrong password or passphrase".
 * - Only opening the key bundle tells whether it is the right one.
 *
 * Words are separated by one or more characters of Unicode's White_Space (so a pasted line break or no-break space does no harm);
 * lower case is of A to Z only. Both are independent of language and platform.
 */
import { entropyToMnemonic, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { type RandomBytes, takeRandom } from '#random'

export const PASSPHRASE_WORDS = 12
const ENTROPY_BYTES = 16
/** With at least so many words of the list, a text is a passphrase with slips rather than somebody's own sentence. */
const MIN_KNOWN_WORDS = 9
const MAX_SUGGESTIONS = 3
const LONGEST_WORD = 8

const WORDS: ReadonlySet<string> = new Set(wordlist)

/** @throws CryptoError `bad-argument` when the random source falls short. */
export function generatePassphrase(random: RandomBytes): string {
  return entropyToMnemonic(takeRandom(random, ENTROPY_BYTES), wordlist)
}

/** Split and in lower case. */
function wordsOf(text: string): string[] {
  return text
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .split(/\p{White_Space}+/u)
    .filter((word) => word !== '')
}

/** The text that the key is derived from. */
export function canonicalPassphrase(text: string): string {
  const words = wordsOf(text)
  return words.length > 0 && words.every((word) => WORDS.has(word)) ? words.join(' ') : text
}

export interface UnknownWord {
  /** From 1, as a person counts. */
  readonly position: number
  /** As typed, in lower case. */
  readonly word: string
  /** Words of the list that look like it, the likeliest first; may be empty. */
  readonly suggestions: readonly string[]
}

export type PassphraseCheck =
  /** 12 words of the list with a checksum that fits. */
  | { readonly kind: 'generated'; readonly canonical: string }
  /** Somebody's own text. */
  | { readonly kind: 'custom' }
  /** 11 to 13 words, most of them of the list, and some are not. */
  | { readonly kind: 'typo'; readonly reason: 'unknown-word'; readonly words: readonly UnknownWord[] }
  /** 11 or 13 words, all of the list: one is missing, or one is too many. */
  | { readonly kind: 'typo'; readonly reason: 'word-count'; readonly count: number }
  /** 12 words, all of the list, but one is another one, or two have changed places. */
  | { readonly kind: 'typo'; readonly reason: 'checksum' }

/** Never throws. */
export function checkPassphrase(text: string): PassphraseCheck {
  const words = wordsOf(text)
  if (Math.abs(words.length - PASSPHRASE_WORDS) > 1) return { kind: 'custom' }
  const unknown = words.flatMap((word, index) => (WORDS.has(word) ? [] : [{ position: index + 1, word }]))
  if (words.length - unknown.length < MIN_KNOWN_WORDS) return { kind: 'custom' }
  if (unknown.length > 0) {
    return { kind: 'typo', reason: 'unknown-word', words: unknown.map((item) => ({ ...item, suggestions: suggest(item.word) })) }
  }
  if (words.length !== PASSPHRASE_WORDS) return { kind: 'typo', reason: 'word-count', count: words.length }
  const canonical = words.join(' ')
  return validateMnemonic(canonical, wordlist) ? { kind: 'generated', canonical } : { kind: 'typo', reason: 'checksum' }
}

export interface TypedWord {
  /** In lower case. */
  readonly word: string
  /** It is of the list. */
  readonly known: boolean
}

/** Word by word, for help while somebody types: the last one may not be whole yet. Never throws. */
export function typedWords(text: string): readonly TypedWord[] {
  return wordsOf(text).map((word) => ({ word, known: WORDS.has(word) }))
}

/** The list's words that begin so, in the order of the list, at most `limit`. */
export function wordsBeginning(start: string, limit: number): readonly string[] {
  return wordlist.filter((word) => word.startsWith(start)).slice(0, limit)
}

/** The list's words within two slips of `word`. Its first four letters name a word of the list, so they are enough. */
function suggest(word: string): string[] {
  if (word.length > LONGEST_WORD + 2) return []
  const start = word.slice(0, 4)
  const scored: { readonly candidate: string; readonly slips: number }[] = []
  for (const candidate of wordlist) {
    const slips = start.length === 4 && candidate.startsWith(start) ? 0 : countSlips(word, candidate)
    if (slips <= 2) scored.push({ candidate, slips })
  }
  scored.sort((a, b) => a.slips - b.slips)
  return scored.slice(0, MAX_SUGGESTIONS).map(({ candidate }) => candidate)
}

/** Optimal string alignment distance: letters added, left out, replaced, or swapped with a neighbour. */
function countSlips(a: string, b: string): number {
  const width = b.length + 1
  const rows = new Uint8Array((a.length + 1) * width)
  const at = (i: number, j: number) => rows[i * width + j] as number
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      let slips: number
      if (i === 0 || j === 0) slips = i + j
      else {
        slips = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1))
        const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        if (swapped) slips = Math.min(slips, at(i - 2, j - 2) + 1)
      }
      rows[i * width + j] = slips
    }
  }
  return at(a.length, b.length)
}
