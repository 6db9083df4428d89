import { describe, expect, test } from 'vitest'
import { diffTexts } from '#text'

function apply(text: string, splices: readonly { at: number; remove: number; insert: string }[]): string {
  let out = text
  for (const { at, remove, insert } of splices) out = out.slice(0, at) + insert + out.slice(at + remove)
  return out
}

describe('[CELL-3] a whole-text write is applied as a diff of characters', () => {
  test('a character that stays is neither taken out nor written again, beside ones that share half a surrogate pair', () => {
    const before = '专且丕世\u{20017}丘'
    const after = '\u{20041}买乱丕丘乲'
    const splices = diffTexts(before, after)
    expect(apply(before, splices)).toBe(after)
    expect(splices.map(({ insert }) => insert).join('')).not.toContain('丕')
  })

  test('private-use characters of the text itself stay what they are', () => {
    const before = 'a\ue000b\u{1f600}c\ue001'
    const after = '\ue001a\ue000\u{1f601}bc'
    expect(apply(before, diffTexts(before, after))).toBe(after)
  })
})
