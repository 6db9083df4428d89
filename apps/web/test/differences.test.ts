import { describe, expect, test } from 'vitest'
import { type Difference, differences } from '#text/differences'
import { forEachSeed } from '../../../tests/support/random.ts'

const shown = (parts: readonly Difference[], ...kinds: readonly Difference['kind'][]) =>
  parts.map((part) => (part.kind !== 'skipped' && kinds.includes(part.kind) ? part.text : '')).join('')

describe('differences between two texts', () => {
  test('are told by words', () => {
    expect(differences('the quick fox', 'the slow fox')).toEqual([
      { kind: 'same', text: 'the ' },
      { kind: 'removed', text: 'quick' },
      { kind: 'added', text: 'slow' },
      { kind: 'same', text: ' fox' },
    ])
    expect(differences('same', 'same')).toEqual([])
    expect(differences('', 'new')).toEqual([{ kind: 'added', text: 'new' }])
    expect(differences('💧 a', '🔥 a')[0]).toEqual({ kind: 'removed', text: '💧' })
  })

  test('of long stretches that are the same only the edges are shown', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i}`)
    const parts = differences(lines.join('\n'), lines.with(20, 'another').join('\n'))
    expect(parts.filter(({ kind }) => kind === 'skipped')).toEqual([
      { kind: 'skipped', lines: 18 },
      { kind: 'skipped', lines: 17 },
    ])
    expect(shown(parts, 'same', 'added')).toContain('line 19\nanother\nline 21')
    expect(shown(parts, 'same')).not.toContain('line 5')
  })

  test('texts that have too little in common to be compared stand one after the other', () => {
    const [before, after] = ['a ', 'b '].map((word) => word.repeat(5000)) as [string, string]
    expect(differences(before, after).map(({ kind }) => kind)).toEqual(['removed', 'added'])
  })

  test('give both texts again', async () => {
    let changed = 0
    await forEachSeed('differences', 40, import.meta.url, async (random) => {
      const words = ['one', 'two', 'drei', '四', '💧', '\n', ' ', '- ']
      const make = () => Array.from({ length: random.below(12) }, () => random.pick(words)).join('')
      const [before, after] = [make(), make()]
      const parts = differences(before, after)
      if (before === after) return expect(parts).toEqual([])
      changed++
      if (parts.some(({ kind }) => kind === 'skipped')) return
      expect(shown(parts, 'same', 'removed')).toBe(before)
      expect(shown(parts, 'same', 'added')).toBe(after)
    })
    expect(changed).toBeGreaterThan(20)
  })
})
