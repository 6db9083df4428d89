import { expect, test } from 'vitest'
import { avatarSigns } from '#text/avatar-signs'

test('a picture is one emoji, however many parts it has, or up to two letters', () => {
  expect(['🌱 plant', '👩‍🔬x', '🇺🇦ok', 'wörk', ' a b c', 'Z', ' '].map((text) => avatarSigns(text))).toEqual([
    '🌱',
    '👩‍🔬',
    '🇺🇦',
    'wö',
    'ab',
    'Z',
    '',
  ])
  expect(avatarSigns('Work', 1)).toBe('W')
})
