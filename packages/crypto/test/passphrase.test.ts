import { wordlist } from '@scure/bip39/wordlists/english.js'
import { describe, expect, test } from 'vitest'
import { canonicalPassphrase, checkPassphrase, generatePassphrase, PASSPHRASE_WORDS, typedWords, wordsBeginning } from '#passphrase'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'

const FILE = 'packages/crypto/test/passphrase.test.ts'
const example = 'legal winner thank year wave sausage worth useful legal winner thank yellow'
const generate = (random: Random) => generatePassphrase((length) => random.bytes(length))
const replaced = (text: string, position: number, word: string) =>
  text
    .split(' ')
    .with(position - 1, word)
    .join(' ')

describe('generated passphrases', () => {
  test('[KEY-5] 12 words of the list, from 16 random bytes, whose checksum fits', async () => {
    const seen = new Set<string>()
    const count = await forEachSeed('passphrases', 500, FILE, (random) => {
      const text = generate(random)
      const words = text.split(' ')
      expect(words).toHaveLength(PASSPHRASE_WORDS)
      expect(words.every((word) => wordlist.includes(word))).toBe(true)
      expect(checkPassphrase(text)).toEqual({ kind: 'generated', canonical: text })
      expect(canonicalPassphrase(text)).toBe(text)
      seen.add(text)
    })
    expect(seen.size).toBe(count)
  })

  test('[KEY-5] a random source that falls short is refused', async () => {
    for (const length of [0, 12, 15, 17, 32])
      expect(await codeOf(() => generatePassphrase(() => new Uint8Array(length)))).toBe('bad-argument')
  })

  test('[KEY-5] it opens the same vault however it was typed: case, blanks, line breaks, no-break spaces', async () => {
    await forEachSeed('careless typing', 300, FILE, (random) => {
      const text = generate(random)
      const blanks = [' ', '  ', '\t', '\n', '\r\n', '\u00a0', '\u3000', '\u2009', '\u0085', ' \u00a0 ']
      const end = () => (random.chance(0.5) ? random.pick(blanks) : '')
      const typed = text
        .split(' ')
        .map((word) => [...word].map((letter) => (random.chance(0.3) ? letter.toUpperCase() : letter)).join(''))
        .reduce((joined, word) => joined + random.pick(blanks) + word)
      expect(canonicalPassphrase(end() + typed + end())).toBe(text)
      expect(checkPassphrase(end() + typed + end())).toEqual({ kind: 'generated', canonical: text })
    })
  })
})

describe('what the key is derived from', () => {
  test.each([
    ['any number of words of the list', ' Zoo  ABANDON ', 'zoo abandon'],
    ['one word of the list', 'ZOO', 'zoo'],
    ['one word that is not', ' Zoo  abandonn ', ' Zoo  abandonn '],
    ['hyphens are not blanks', 'Zoo-Abandon', 'Zoo-Abandon'],
    ['a Dataans passphrase', 'Lantern-Orchid-Basalt-Quiver-Meadow', 'Lantern-Orchid-Basalt-Quiver-Meadow'],
    ['nothing', '', ''],
    ['blanks only', '  \n', '  \n'],
    ['no normalisation', 'e\u0301te\u0301 ', 'e\u0301te\u0301 '],
    ['lower case is of A to Z only: the Kelvin sign is not a k', 'bi\u212ae', 'bi\u212ae'],
    ['nor is the dotted capital I an i', '\u0130ce', '\u0130ce'],
    ['a zero-width space is not a blank', 'zoo\u200bzoo', 'zoo\u200bzoo'],
    ['a byte order mark is not a blank', '\ufeffZoo', '\ufeffZoo'],
  ])('[KEY-5] %s', (_, typed, canonical) => {
    expect(canonicalPassphrase(typed)).toBe(canonical)
  })

  test('[KEY-5] it is idempotent, for any text', async () => {
    await forEachSeed('canonical form', 1000, FILE, (random) => {
      const pieces = ['zoo', 'Abandon', 'ABOUT', ' ', '  ', '\n', '\u00a0', '-', 'ä', '\ud800', 'x']
      const text = Array.from({ length: random.below(12) }, () => random.pick(pieces)).join('')
      const once = canonicalPassphrase(text)
      expect(canonicalPassphrase(once)).toBe(once)
    })
  })
})

describe('slips', () => {
  test('[KEY-5] a word that is not of the list is named, with what it may have been', () => {
    const check = (word: string) => checkPassphrase(replaced(example, 6, word))
    const typo = (word: string, suggestions: unknown) => ({
      kind: 'typo',
      reason: 'unknown-word',
      words: [{ position: 6, word, suggestions }],
    })
    for (const word of ['sausge', 'sausagee', 'suasage', 'sausahe', 'saus', 'sausages']) {
      expect(check(word), word).toEqual(typo(word, expect.arrayContaining(['sausage'])))
    }
    expect(check('SAUSAG')).toEqual(typo('sausag', expect.arrayContaining(['sausage'])))
    expect(check('qqqqqqqq')).toEqual(typo('qqqqqqqq', []))
    expect(check('x'.repeat(10_000))).toEqual(typo('x'.repeat(10_000), []))
  })

  test('[KEY-5] several such words are all named; four are somebody’s own sentence', () => {
    let text = example
    for (const [i, word] of ['legall', 'winer', 'thnak'].entries()) text = replaced(text, i + 1, word)
    expect(checkPassphrase(text)).toEqual({
      kind: 'typo',
      reason: 'unknown-word',
      words: [
        { position: 1, word: 'legall', suggestions: expect.arrayContaining(['legal']) },
        { position: 2, word: 'winer', suggestions: expect.arrayContaining(['winner']) },
        { position: 3, word: 'thnak', suggestions: expect.arrayContaining(['thank']) },
      ],
    })
    expect(checkPassphrase(replaced(text, 4, 'yeer'))).toEqual({ kind: 'custom' })
  })

  test('[KEY-5] one slip of the finger in a random word: found, and the word is among at most three suggestions', async () => {
    let found = 0
    const count = await forEachSeed('slips', 1000, FILE, (random) => {
      const text = generate(random)
      const position = random.between(1, 12)
      const word = text.split(' ')[position - 1] as string
      const at = random.below(word.length)
      const letter = String.fromCharCode(97 + random.below(26))
      const slip = random.pick([
        word.slice(0, at) + word.slice(at + 1),
        word.slice(0, at) + letter + word.slice(at),
        word.slice(0, at) + letter + word.slice(at + 1),
      ])
      if (slip === word) return
      const check = checkPassphrase(replaced(text, position, slip))
      if (wordlist.includes(slip)) {
        // Another word of the list: only the checksum can tell, 15 times in 16.
        expect(check.kind === 'generated' || (check.kind === 'typo' && check.reason === 'checksum')).toBe(true)
        return
      }
      if (check.kind !== 'typo' || check.reason !== 'unknown-word') expect.fail(`${slip}: ${JSON.stringify(check)}`)
      expect(check.words).toHaveLength(1)
      expect(check.words[0]?.position).toBe(position)
      expect(check.words[0]?.suggestions.length).toBeLessThanOrEqual(3)
      if (check.words[0]?.suggestions.includes(word)) found++
    })
    console.log(`slips: the meant word was suggested ${found} times of ${count}`)
    if (count >= 100) expect(found / count).toBeGreaterThan(0.75)
  })

  test('[KEY-5] a word left out or written twice', () => {
    const words = example.split(' ')
    expect(checkPassphrase(words.slice(1).join(' '))).toEqual({ kind: 'typo', reason: 'word-count', count: 11 })
    expect(checkPassphrase([...words, 'zoo'].join(' '))).toEqual({ kind: 'typo', reason: 'word-count', count: 13 })
  })

  test('[KEY-5] 12 words of the list with another checksum: about 15 of 16 swaps and replacements are noticed', async () => {
    const swapped = replaced(replaced(example, 1, 'winner'), 2, 'legal')
    for (const text of [swapped, 'abandon '.repeat(12), replaced(example, 12, 'zoo')]) {
      expect(checkPassphrase(text)).toEqual({ kind: 'typo', reason: 'checksum' })
    }
    let noticed = 0
    let tried = 0
    await forEachSeed('checksum', 2000, FILE, (random) => {
      const text = generate(random)
      const words = text.split(' ')
      const [i, j] = [random.below(12), random.below(12)]
      const other = random.chance(0.5)
        ? words.with(i, words[j] as string).with(j, words[i] as string)
        : words.with(i, random.pick(wordlist))
      if (other.join(' ') === text) return
      tried++
      const check = checkPassphrase(other.join(' '))
      if (check.kind === 'typo' && check.reason === 'checksum') noticed++
      else expect(check).toEqual({ kind: 'generated', canonical: other.join(' ') })
    })
    console.log(`checksum: ${noticed} of ${tried} noticed`)
    if (tried >= 1500) expect(noticed / tried).toBeGreaterThan(0.9)
  })

  test.each([
    ['a sentence', 'my cat sleeps on the warm radiator every single winter evening at home'],
    ['two words', 'open sesame'],
    ['nothing', ''],
    ['a Dataans passphrase', 'Lantern-Orchid-Basalt-Quiver-Meadow'],
    ['five words of the list', 'zoo zoo zoo zoo zoo'],
    ['a 24-word passphrase of another program', 'zoo '.repeat(23).concat('vote')],
  ])('[KEY-5] somebody’s own text is let be: %s', (_, text) => {
    expect(checkPassphrase(text)).toEqual({ kind: 'custom' })
  })
})

describe('help while somebody types', () => {
  test('[KEY-5] each word is told to be of the list or not', () => {
    expect(typedWords(' Legal \n winer than')).toEqual([
      { word: 'legal', known: true },
      { word: 'winer', known: false },
      { word: 'than', known: false },
    ])
    expect(typedWords(' \u00a0 ')).toEqual([])
  })

  test('[KEY-5] words are offered by how they begin', () => {
    expect(wordsBeginning('than', 3)).toEqual(['thank'])
    expect(wordsBeginning('a', 2)).toEqual(['abandon', 'ability'])
    expect(wordsBeginning('xq', 3)).toEqual([])
  })
})
