import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDevice } from '#platform/node/device'
import { column, defineSchema, table } from '#schema'

const schema = defineSchema({
  spaces: table({ name: column.text({ default: '' }) }),
  notes: table(
    { space: column.reference('spaces', 'recover'), title: column.text({ default: '' }), text: column.collaborativeText() },
    { search: ['title', 'text'] },
  ),
})

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lockstep-search-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

test('a vault finds its notes as they are now, the newest first, without the deleted ones', async () => {
  const device = await openDevice({ home, schema })
  const { vault } = device
  const [first, second, third] = vault.transact((tx) =>
    ['apple pie', 'apple tart', 'pear cake'].map((text) => tx.insert('notes', { title: text, text: `How to bake ${text}` })),
  ) as [string, string, string]
  expect(vault.search('notes', 'app', { limit: 10 })).toEqual({ ids: [second, first], backlog: 0 })
  vault.transact((tx) => {
    tx.update('notes', third, { title: 'apple cake' })
    tx.delete('notes', second)
  })
  expect(vault.search('notes', 'apple', { limit: 10 }).ids).toEqual([third, first])
  vault.transact((tx) => tx.restore('notes', second))
  expect(vault.search('notes', 'apple', { limit: 2 }).ids).toEqual([third, second])
  expect(vault.search('notes', '"bake apple pie"', { limit: 10 }).ids).toEqual([first])
  await device.close()
})

test('a search may be for rows with one value in one column, which do not make room for others', async () => {
  const device = await openDevice({ home, schema })
  const { vault } = device
  const [here] = vault.transact((tx) => {
    const spaces = ['a', 'b'].map((name) => tx.insert('spaces', { name })) as [string, string]
    const inFirst = tx.insert('notes', { space: spaces[0], title: 'apple' })
    for (let i = 0; i < 5; i++) tx.insert('notes', { space: spaces[1], title: 'apple' })
    return [{ space: spaces[0], id: inFirst }]
  }) as [{ space: string; id: string }]
  const where = { column: 'space', value: here.space }
  expect(vault.search('notes', 'apple', { limit: 2, where }).ids).toEqual([here.id])
  expect(vault.search('notes', 'apple', { limit: 10 }).ids).toHaveLength(6)
  expect(vault.search('notes', 'pear', { limit: 10, where }).ids).toEqual([])
  await device.close()
})

test('a deleted or damaged index is made again, a large one by the worker', async () => {
  const device = await openDevice({ home, schema })
  device.vault.transact((tx) => {
    for (let i = 0; i < 5000; i++) tx.insert('notes', { title: `note ${i}`, text: `word${i % 10} common` })
  })
  for (;;) {
    const { ids, backlog } = device.vault.search('notes', 'word7', { limit: 5000 })
    if (backlog === 0) {
      expect(ids.length).toBe(500)
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await device.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(home, `search.db${suffix}`), { force: true })
  const again = await openDevice({ home, schema })
  again.vault.transact((tx) => tx.insert('notes', { title: 'one more', text: 'word7' }))
  for (;;) {
    const { ids, backlog } = again.vault.search('notes', 'word7', { limit: 5000 })
    if (backlog === 0) {
      expect(ids.length).toBe(501)
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await again.close()
})
