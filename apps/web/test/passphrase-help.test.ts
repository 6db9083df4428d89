import { generatePassphrase } from '@lockstep/crypto/passphrase'
import { describe, expect, test } from 'vitest'
import { asTyped, passphraseHelp, replaceWord } from '#account/passphrase-help'
import { forEachSeed } from '../../../tests/support/random.ts'

const FILE = 'apps/web/test/passphrase-help.test.ts'
const example = 'legal winner thank year wave sausage worth useful legal winner thank yellow'
const words = example.split(' ')
const kind = (text: string) => passphraseHelp(text).advice.kind

describe('help with a passphrase while it is typed', () => {
  test('[KEY-5] no letter of a right one is ever called wrong while it is typed', async () => {
    await forEachSeed('typing', 40, FILE, (random) => {
      const text = generatePassphrase((length) => random.bytes(length))
      for (let end = 1; end < text.length; end++) {
        const { advice } = passphraseHelp(text.slice(0, end))
        expect(['typing', 'good', 'checksum'], `${text.slice(0, end)}|`).toContain(advice.kind)
      }
      expect(kind(text)).toBe('good')
    })
  })

  test('[KEY-5] a wrong word is named as soon as it is over, with words to take in its place', () => {
    const help = passphraseHelp('legal winer thank ')
    expect(help.advice).toEqual({ kind: 'unknown', position: 2, word: 'winer' })
    expect(help.offers.length).toBeGreaterThan(0)
    expect(replaceWord('legal winer thank ', help.replaces, 'winner')).toBe('legal winner thank')
  })

  test('[KEY-5] with all twelve there the likeliest word comes first', () => {
    const help = passphraseHelp(words.with(5, 'sausge').join(' '))
    expect(help.advice).toEqual({ kind: 'unknown', position: 6, word: 'sausge' })
    expect(help.offers[0]).toBe('sausage')
    expect(replaceWord(words.with(5, 'sausge').join(' '), help.replaces, 'sausage')).toBe(example)
  })

  test('[KEY-5] a word that is begun is completed, and a blank follows while more are to come', () => {
    const help = passphraseHelp('legal win')
    expect(help.advice).toEqual({ kind: 'typing', count: 2, of: 12 })
    expect(help.offers).toEqual(['win', 'window', 'wine', 'wing'])
    expect(replaceWord('legal win', help.replaces, 'wine')).toBe('legal wine ')
    expect(replaceWord(words.with(11, 'yell').join(' '), 11, 'yellow')).toBe(example)
  })

  test.each([
    ['nothing', '', 'empty'],
    ['blanks', ' \n', 'empty'],
    ['all twelve, but two have changed places', words.with(0, 'winner').with(1, 'legal').join(' '), 'checksum'],
    ['one too many', `${example} zoo`, 'count'],
    ['a sentence of somebody’s own', 'my cat Molly sleeps on 3 pillows', 'own'],
    ['a passphrase with hyphens', 'Lantern-Orchid-Basalt-Quiver-Meadow ', 'own'],
  ])('[KEY-5] %s', (_, text, expected) => {
    expect(kind(text)).toBe(expected)
  })

  test('[KEY-5] a line break that came with pasting is taken away, blanks are not', () => {
    expect(asTyped('my own \n')).toBe('my own ')
    expect(asTyped('my own ')).toBe('my own ')
  })
})
