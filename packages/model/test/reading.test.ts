import { describe, expect, it } from 'vitest'
import { addDiff, findDiff, listDiffs, removeDiff, restoreDiff } from '#diffs'
import { markRead, markUnread } from '#reading'
import { addStar, listStars, removeStar, restoreStar } from '#stars'
import { emptyTrash } from '#trash'
import { memoryVault } from '../../../tests/support/memory-vault.ts'

const NOW = 1_800_000_000_000

function stage() {
  const { vault } = memoryVault()
  const add = (date: string) => addDiff(vault, { title: date, date, text: 'one\n\ntwo', now: NOW }).id
  const readAt = () => listDiffs(vault).map((diff) => diff.readAt)
  return { vault, add, readAt }
}

describe('what has been read', () => {
  it('is marked once, and can be made unread again', () => {
    const { vault, add, readAt } = stage()
    const [a, b] = [add('2026-01-01'), add('2026-01-02')]
    expect(readAt()).toEqual([0, 0])
    markRead(vault, [a, 'not there'], NOW)
    markRead(vault, [a, b], NOW + 1)
    expect(readAt()).toEqual([NOW + 1, NOW])
    expect(findDiff(vault, a).readAt).toBe(NOW)
    markUnread(vault, [a, 'not there'])
    expect(readAt()).toEqual([NOW + 1, 0])
    expect(vault.query('SELECT id FROM all_reading')).toHaveLength(2)
  })

  it('is no write where nothing changes', () => {
    const { vault, add } = stage()
    const id = add('2026-01-01')
    markUnread(vault, [id])
    expect(vault.query('SELECT id FROM all_reading')).toEqual([])
    markRead(vault, [id], NOW)
    const written = () => vault.query('SELECT _edited FROM all_reading')
    const before = written()
    markRead(vault, [id], NOW + 1)
    expect(written()).toEqual(before)
  })

  it('[CELL-7] goes with its diff, comes back with it, and is dropped with it', () => {
    const { vault, add, readAt } = stage()
    const id = add('2026-01-01')
    markRead(vault, [id], NOW)
    removeDiff(vault, id)
    expect(vault.query('SELECT id FROM reading')).toEqual([])
    restoreDiff(vault, id)
    expect(readAt()).toEqual([NOW])
    removeDiff(vault, id)
    expect(emptyTrash(vault)).toBe(2)
    expect(vault.query('SELECT 1 FROM all_reading WHERE readAt > 0')).toEqual([])
  })

  it('[CELL-6] a day made again is unread', () => {
    const { vault, add, readAt } = stage()
    markRead(vault, [add('2026-01-01')], NOW)
    add('2026-01-01')
    expect(readAt()).toEqual([0])
  })
})

describe('asked twice', () => {
  it('a diff with an id of its own is added once', () => {
    const { vault, add } = stage()
    const before = add('2026-01-01')
    const diff = { id: 'mine', title: 'one', date: '2026-01-01', text: 'a', now: NOW }
    expect(addDiff(vault, diff)).toEqual({ id: 'mine', replaced: [before] })
    expect(addDiff(vault, { ...diff, text: 'b' })).toEqual({ id: 'mine', replaced: [] })
    expect(findDiff(vault, 'mine').text).toBe('a')
  })

  it('a star that was taken away comes back as it was', () => {
    const { vault, add } = stage()
    const id = addStar(vault, { diff: add('2026-01-01'), paragraph: 1, now: NOW })
    const before = listStars(vault)
    removeStar(vault, id)
    for (let i = 0; i < 2; i++) restoreStar(vault, id)
    expect(listStars(vault)).toEqual(before)
    expect(() => restoreStar(vault, 'none')).toThrow('there was no star')
  })
})
