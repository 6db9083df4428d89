import { expect, test } from 'vitest'
import { hashOf, type Place, parsePlace } from '#places/place'

test.each<[string, Place]>([
  ['', { kind: 'space' }],
  ['#space/0190a1b2-0000:x', { kind: 'space', id: '0190a1b2-0000:x' }],
  ['#diffs', { kind: 'diffs' }],
  ['#stars', { kind: 'stars' }],
  ['#profile', { kind: 'profile' }],
  ['#diff/1771234567890', { kind: 'diff', id: '1771234567890' }],
  ['#diff/a.b_c-d:e/12', { kind: 'diff', id: 'a.b_c-d:e', paragraph: 12 }],
])('%s is a place, and its address', (hash, place) => {
  expect(parsePlace(hash)).toEqual(place)
  expect(hashOf(place)).toBe(hash)
})

test.each([
  '#',
  '#nowhere',
  '#space',
  '#space/',
  '#space/a/b',
  '#space/a b',
  '#diff',
  '#diff/',
  '#diff/a/b',
  '#diff/a/1234567',
  '#diff/a b',
  '#stars/1',
  `#diff/${'a'.repeat(65)}`,
])('%s is no place of its own', (hash) => {
  expect(parsePlace(hash)).toEqual({ kind: 'space' })
})
