/**
 * Text that compresses and is searched like people's notes: real words whose frequency falls with their rank (Zipf),
 * sentences and paragraphs, everything from a seed.
 *
 * The vocabulary is the BIP-39 English list, which the crypto package carries for passphrases, with common endings, and
 * the most frequent function words of English in front: about ten thousand different words.
 */
import { generatePassphrase } from '@lockstep/crypto/passphrase'
import type { Random } from '../../tests/support/random.ts'

const FREQUENT = `the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which
one you were all her she there would their we him been has when who will no more if out so up said what its about than into them
can only other time new some could these two may first then do any like my now over such our man me even most made after also did
many off before must well back through years much where your way down should because long each just those people too`.split(/\s+/)
const ENDINGS = ['', 's', 'ed', 'ing', 'er']

/** All words of the BIP-39 list in its alphabetical order, read out of passphrases. */
function passphraseWords(): string[] {
  const words = new Set<string>()
  let state = 1
  const random = (length: number) => {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      bytes[i] = state >>> 24
    }
    return bytes
  }
  while (words.size < 2048) for (const word of generatePassphrase(random).split(' ')) words.add(word)
  return [...words].sort()
}

/** Cumulative weights of ranks 1 to `size` under Zipf's law. */
function zipf(size: number): Float64Array {
  const sums = new Float64Array(size)
  let sum = 0
  for (let rank = 1; rank <= size; rank++) {
    sum += 1 / (rank + 2)
    sums[rank - 1] = sum
  }
  return sums
}

function rankOf(sums: Float64Array, at: number): number {
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] as number) < at) low = middle + 1
    else high = middle
  }
  return low
}

export class Writer {
  readonly #random: Random
  readonly #words: readonly string[]
  readonly #sums: Float64Array

  constructor(random: Random) {
    this.#random = random
    // The order of the rarer words is drawn too: not every vault is about "abandon" and "ability".
    const rare = random.shuffle(passphraseWords()).flatMap((word) => ENDINGS.map((ending) => word + ending))
    this.#words = [...FREQUENT, ...rare]
    this.#sums = zipf(this.#words.length)
  }

  word(): string {
    const total = this.#sums[this.#sums.length - 1] as number
    return this.#words[rankOf(this.#sums, this.#random.float() * total)] as string
  }

  /** Exactly `length` characters of sentences in paragraphs, one byte each in UTF-8. */
  text(length: number): string {
    let out = ''
    let inSentence = 0
    let sentences = 0
    while (out.length < length) {
      const word = this.word()
      if (inSentence === 0) out += (word[0] as string).toUpperCase() + word.slice(1)
      else out += ` ${word}`
      inSentence++
      if (inSentence > 4 && this.#random.chance(0.12)) {
        inSentence = 0
        sentences++
        out += sentences % 4 === 0 ? '.\n\n' : '. '
      }
    }
    return out.slice(0, length)
  }
}
