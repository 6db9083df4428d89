import { describe, expect, test } from 'vitest'
import { addDays, dayName, dayOf, streakOf, weekdayOf } from '#text/days'

test('a day has a name in every format, and what is no day has none', () => {
  expect(dayName('2026-03-04', 'month')).toContain('2026')
  expect(dayName('2026-03-04', 'medium')).toMatch(/4/)
  for (const day of ['', 'today', '2026-13-01']) expect(dayName(day, 'long')).toBe('')
})

test('days are counted on over months and years, and begin the week on Monday', () => {
  expect(addDays('2026-02-27', 2)).toBe('2026-03-01')
  expect(addDays('2027-01-01', -1)).toBe('2026-12-31')
  expect(['2026-03-02', '2026-03-08'].map(weekdayOf)).toEqual([0, 6])
  expect(dayOf(new Date(2026, 2, 4, 23, 59).getTime())).toBe('2026-03-04')
})

describe('a streak', () => {
  const streak = (days: readonly number[], today: number) =>
    streakOf(new Set(days.map((day) => addDays('2026-03-01', day))), addDays('2026-03-01', today))

  test.each([
    [[], 0, 0, 0],
    [[0], 0, 1, 1],
    // Today's may still come.
    [[0, 1, 2], 3, 3, 3],
    [[0, 1, 2], 4, 0, 3],
    [[0, 1, 2, 9, 10], 10, 2, 3],
    // One of tomorrow, from another time zone.
    [[9, 10, 11], 10, 2, 3],
  ])('of %j at day %i is %i, the longest %i', (days, today, current, longest) => {
    expect(streak(days, today)).toEqual({ current, longest })
  })
})
