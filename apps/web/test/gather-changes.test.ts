import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { gatherChanges } from '#host/gather-changes'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function stage() {
  const told: (readonly string[])[] = []
  return { told, changed: gatherChanges((tables) => told.push(tables)) }
}

test('the first change is told at once, those of a burst together, the last one too', () => {
  const { told, changed } = stage()
  for (let i = 0; i < 1000; i++) {
    changed([i % 2 === 0 ? 'notes' : 'spaces'])
    vi.advanceTimersByTime(10)
  }
  expect(told[0]).toEqual(['notes'])
  expect(told[1]).toEqual(['spaces', 'notes'])
  // After 100, 200, 400, 800 and then every 1 600 ms.
  expect(told).toHaveLength(10)
  changed(['stars'])
  vi.advanceTimersByTime(2000)
  expect(told.at(-1)).toContain('stars')
  const after = told.length
  vi.advanceTimersByTime(10_000)
  expect(told).toHaveLength(after)
})

test('changes as far apart as letters that somebody types are each told at once', () => {
  const { told, changed } = stage()
  for (let i = 0; i < 20; i++) {
    changed(['notes'])
    expect(told).toHaveLength(i + 1)
    vi.advanceTimersByTime(120)
  }
})
