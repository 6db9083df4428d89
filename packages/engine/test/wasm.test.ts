import { expect, test } from 'vitest'
import { openSqliteWasm } from '#platform/browser/sqlite'
import { LogServer } from './support/log-server.ts'
import { shown, testVault } from './support/vaults.ts'

test('[CELL-3] [SYNC-3] a vault on SQLite WASM and one on Node keep in step', async () => {
  const server = new LogServer()
  const browser = testVault({ opened: await openSqliteWasm() })
  const laptop = testVault()
  const note = browser.vault.transact((tx) => {
    const space = tx.insert('spaces', { name: 'Café 😀', color: 3 })
    const id = tx.insert('notes', { space, title: 'Shared', text: 'one two three\n', weight: 1.5, picture: Uint8Array.of(0, 255) })
    tx.setMember('notes', id, 'tags', 'x', true)
    tx.insert('stars', { note: id, count: 2 })
    return id
  })
  await browser.syncer(server).run()
  await laptop.syncer(server).run()
  expect(shown(laptop)).toEqual(shown(browser))

  browser.vault.transact((tx) => {
    tx.update('notes', note, { text: 'one two three four\n', title: 'Renamed' })
    tx.setMember('notes', note, 'tags', 'y', true)
  })
  laptop.vault.transact((tx) => {
    tx.update('notes', note, { text: 'zero one two three\n' })
    tx.setMember('notes', note, 'tags', 'x', false)
  })
  for (const device of [browser, laptop, browser]) await device.syncer(server).run()
  expect(shown(browser)).toEqual(shown(laptop))
  expect(browser.vault.query('SELECT title, text, tags FROM notes')).toEqual([
    { title: 'Renamed', text: 'zero one two three four\n', tags: '["y"]' },
  ])

  laptop.vault.transact((tx) => tx.delete('notes', note))
  await laptop.syncer(server).run()
  await browser.syncer(server).run()
  expect(browser.vault.query('SELECT id FROM stars')).toEqual([])
  expect(browser.vault.trash().map(({ id }) => id)).toEqual([note])
  expect(browser.vault.history('notes', note, 'text').map(({ text }) => text)).toContain('one two three\n')
})
