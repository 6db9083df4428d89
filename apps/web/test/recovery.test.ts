import { describe, expect, test } from 'vitest'
import { qrPath } from '#account/qr'
import { pickWords, recoveryFile, recoveryText, sheetWords, wrongWords } from '#account/recovery'
import { forEachSeed } from '../../../tests/support/random.ts'

const FILE = 'apps/web/test/recovery.test.ts'
const passphrase = 'legal winner thank year wave sausage worth useful legal winner thank yellow'
const recovery = { server: 'https://notes.example', vault: 'main', passphrase }

describe('the recovery sheet', () => {
  test('it has all that it takes to come back, on lines of their own', () => {
    const lines = recoveryText(recovery).split('\n')
    for (const line of ['Server: https://notes.example', 'Vault: main', `Passphrase: ${passphrase}`]) expect(lines).toContain(line)
    expect(recoveryFile('main')).toBe('lockstep-recovery-main.txt')
  })

  test('it asks for two different words, in their order, wherever chance falls', async () => {
    const seen = new Set<number>()
    await forEachSeed('two words', 200, FILE, (random) => {
      const picked = pickWords(12, () => random.below(1000) / 1000)
      expect(picked).toHaveLength(2)
      expect(picked[0]).toBeLessThan(picked[1] as number)
      for (const position of picked) seen.add(position)
    })
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i))
  })

  test('of one word it asks for that one', () => {
    expect(pickWords(sheetWords('Lantern-Orchid').length, () => 0.9)).toEqual([0])
  })

  test('words are right however they are written, and wrong ones are told', () => {
    const answers = new Map([
      [1, ' Winner'],
      [11, 'yellow '],
    ])
    expect(wrongWords(passphrase, answers)).toEqual([])
    expect(wrongWords(passphrase, answers.set(1, 'legal'))).toEqual([1])
    expect(wrongWords(passphrase, answers.set(11, ''))).toEqual([1, 11])
  })
})

describe('a passphrase as a QR code', () => {
  test('it has the three finders, a quiet zone of four modules, and takes any letters', () => {
    for (const text of [passphrase, 'Grüße, 世界']) {
      const { size, path } = qrPath(text)
      const dark = new Set(path.match(/M\d+ \d+/g))
      expect((size - 8 - 17) % 4).toBe(0)
      const far = size - 5
      for (const corner of ['M4 4', `M${far} 4`, `M4 ${far}`]) expect(dark).toContain(corner)
      for (const module of dark) {
        const [x = 0, y = 0] = module.slice(1).split(' ').map(Number)
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(4)
        expect(Math.max(x, y)).toBeLessThanOrEqual(far)
      }
    }
  })
})
