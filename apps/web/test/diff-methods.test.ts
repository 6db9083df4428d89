/** What the worker answers about diffs, without a browser. */
import { describe, expect, test } from 'vitest'
import { diffMethods } from '#host/diff-methods'
import { memoryVault } from '../../../tests/support/memory-vault.ts'

const NOW = 1_800_000_000_000
const TEXT = 'one\n\ntwo\n\nthree'

function stage() {
  const { vault } = memoryVault()
  const methods = diffMethods(vault)
  const add = (id: string, date: string) => methods.addDiff({ id, title: id, date, text: TEXT, now: NOW })
  return { vault, methods, add }
}

describe('asked twice', () => {
  test('diffs come, go and come back once', () => {
    const { methods, add } = stage()
    for (let i = 0; i < 2; i++) add('a', '2026-01-01')
    expect(methods.diffs()).toHaveLength(1)
    for (let i = 0; i < 2; i++) methods.removeDiff('a')
    expect(methods.diffs()).toEqual([])
    for (let i = 0; i < 2; i++) methods.restoreDiff('a')
    expect(methods.diffs()).toHaveLength(1)
  })

  test('stars too, also several of one paragraph at once', () => {
    const { vault, methods, add } = stage()
    add('a', '2026-01-01')
    for (let i = 0; i < 2; i++) methods.addStar({ diff: 'a', paragraph: 1, now: NOW })
    vault.transact((tx) => tx.put('stars', 'a:i7', { diff: 'a', paragraph: 1, item: 7, text: 'imported' }))
    const both = methods.starsOf('a')
    expect(both).toEqual([
      { id: 'a:1', paragraph: 1 },
      { id: 'a:i7', paragraph: 1 },
    ])
    const ids = both.map(({ id }) => id)
    for (let i = 0; i < 2; i++) methods.removeStars(ids)
    expect(methods.stars()).toEqual([])
    for (let i = 0; i < 2; i++) methods.restoreStars(ids)
    expect(methods.starsOf('a')).toEqual(both)
  })
})

test('a diff that its day has no longer tells which one it has instead', () => {
  const { methods, add } = stage()
  add('a', '2026-01-01')
  expect(methods.diff('a')).toMatchObject({ diff: { id: 'a', text: TEXT } })
  add('b', '2026-01-01')
  expect(methods.diff('a')).toEqual({ instead: 'b' })
  methods.removeDiff('b')
  expect(methods.diff('b')).toEqual({ instead: undefined })
  expect(methods.diff('never there')).toEqual({ instead: undefined })
})

test('words that go into a list at the same time are all there, and nothing goes that nobody took away', () => {
  const methods = diffMethods(memoryVault().vault)
  const change = (add: readonly string[], remove: readonly string[]) =>
    methods.changeInterest({ interest: 'languages', add, remove, now: NOW })
  expect([change(['Rust'], []), change(['Zig'], [])]).toEqual([true, true])
  expect(methods.profile().languages).toEqual(['Rust', 'Zig'])
  expect([change(['Go'], ['Zig']), change(['Go'], ['Zig'])]).toEqual([true, false])
  expect(methods.profile().languages).toEqual(['Go', 'Rust'])
})

test('a profile is shown without its keys and without what importers remember', () => {
  const { methods } = stage()
  methods.editProfile({ name: 'Ada', source: 'remembered', apiKeys: { service: 'secret' }, now: NOW })
  expect(methods.profile()).toMatchObject({ name: 'Ada', apiKeys: [{ provider: 'service', updatedAt: NOW }] })
  expect(JSON.stringify(methods.profile())).not.toMatch(/secret|remembered/)
})
