import { expect, test } from 'vitest'
import { matchRank } from '#text/match-rank'

test('what is typed is found at the beginning first, then at words, then anywhere, then as letters in order', () => {
  expect(['Search all', 'All searches', 'Research', 'See a rich cat, ha'].map((name) => matchRank(name, 'SEARCH'))).toEqual([
    0, 1, 2, 3,
  ])
  expect(matchRank('Trash', 'x')).toBeUndefined()
  expect(matchRank('Trash', 'hsart')).toBeUndefined()
  expect(matchRank('anything', '  ')).toBe(0)
})
