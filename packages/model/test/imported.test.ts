import { describe, expect, it } from 'vitest'
import { addDiff, listDiffs, removeDiff, restoreDiff } from '#diffs'
import { addStar, listStars, starId } from '#stars'
import { listTldrs } from '#tldrs'
import { emptyTrash, listTrash } from '#trash'
import { memoryVault } from '../../../tests/support/memory-vault.ts'

const NOW = 1_800_000_000_000

/** A diff as an importer leaves it, with two starred items of one paragraph and a TLDR. */
function imported(date: string) {
  const { vault } = memoryVault()
  const id = vault.transact((tx) => {
    const diff = tx.insert('diffs', { title: 'from elsewhere', date, text: '- a\n- b\n\np1', createdAt: 1 })
    for (const [item, text] of ['a', 'b'].entries()) tx.put('stars', starId(diff, 0, item), { diff, paragraph: 0, item, text })
    tx.put('tldrs', starId(diff, 1, 2), { diff, paragraph: 1, item: 2, text: 'short', url: 'https://example.org' })
    return diff
  })
  return { vault, id }
}

describe('what importers leave', () => {
  it('several stars in one paragraph stand beside one that is set here', () => {
    const { vault, id } = imported('2026-01-01')
    addStar(vault, { diff: id, paragraph: 0, now: NOW })
    expect(listStars(vault).map(({ item, text }) => [item, text])).toEqual([
      [null, '- a\n- b'],
      [0, 'a'],
      [1, 'b'],
    ])
  })

  it('[CELL-7] a TLDR goes with its diff and comes back with it, and is dropped with it', () => {
    const { vault, id } = imported('2026-01-01')
    expect(listTldrs(vault)).toMatchObject([{ diffId: id, paragraph: 1, item: 2, text: 'short', url: 'https://example.org' }])
    expect(listTldrs(vault, 'another')).toEqual([])
    removeDiff(vault, id)
    expect(listTldrs(vault)).toEqual([])
    restoreDiff(vault, id)
    expect(listTldrs(vault, id)).toHaveLength(1)
    removeDiff(vault, id)
    expect(emptyTrash(vault)).toBe(4)
    const left = vault.query(`SELECT text, url FROM all_tldrs WHERE text <> '' OR url <> ''`)
    expect([left, listTrash(vault)]).toEqual([[], []])
  })

  it('[CELL-6] diffs without a day replace nobody, and nobody replaces them', () => {
    const { vault, id } = imported('')
    vault.transact((tx) => tx.insert('diffs', { title: 'another', date: '', text: 'x', createdAt: 2 }))
    addDiff(vault, { title: 'of a day', date: '2026-01-01', text: 'y', now: NOW })
    expect(listDiffs(vault)).toHaveLength(3)
    removeDiff(vault, id)
    restoreDiff(vault, id)
    expect(listDiffs(vault)).toHaveLength(3)
  })
})
