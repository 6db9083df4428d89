import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Driver } from '#driver'
import { openSqlite } from '#platform/node/sqlite'
import { column, defineSchema, table } from '#schema'
import { expectFrozen } from '../../../tests/support/frozen.ts'
import { planOf } from '../../../tests/support/query-plan.ts'
import { LogServer } from './support/log-server.ts'
import { codeOf, temporaryFolder, testVault } from './support/vaults.ts'

const older = defineSchema({ notes: table({ title: column.text({ default: '' }) }) })
const newer = defineSchema({
  notes: table(
    {
      title: column.text({ default: '' }),
      text: column.collaborativeText(),
      rank: column.integer({ default: 5 }),
      tags: column.set(),
    },
    { indexes: [['rank', 'id']] },
  ),
  links: table({ note: column.reference('notes', 'cascade'), url: column.text() }, { indexes: [['note']] }),
  /** Beside them: what is kept although its note is deleted. */
  copies: table({ note: column.reference('notes', 'recover'), url: column.text() }, { indexes: [['note', 'url']] }),
})
type Newer = (typeof newer)['tables']
const NOTES = 'SELECT id, title, text, rank, tags FROM notes ORDER BY id'

describe('opening', () => {
  test('a database of a newer Lockstep is refused, and left as it is', async () => {
    const path = join(temporaryFolder(), 'vault.db')
    testVault({ path }, older)
    const driver = openSqlite({ path })
    driver.exec('PRAGMA user_version = 3')
    expect(await codeOf(() => testVault({ path }, older))).toBe('database-newer')
    expect(driver.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 })
    driver.close()
  })

  test('an up-to-date database is opened without a write', () => {
    const path = join(temporaryFolder(), 'vault.db')
    testVault({ path }, newer)
    const watcher = openSqlite({ path })
    const version = () => watcher.prepare('PRAGMA data_version').get()
    const before = version()
    testVault({ path }, newer)
    expect(version()).toEqual(before)
    watcher.close()
  })

  test('[CELL-2] the stored format is the one that is frozen', () => {
    const { driver } = testVault({}, newer)
    const objects = driver.prepare('SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name').all()
    expectFrozen('engine database', objects)
  })

  test('a column keeps its kind', async () => {
    const path = join(temporaryFolder(), 'vault.db')
    testVault({ path }, newer)
    const changed = defineSchema({ notes: table({ text: column.text() }) })
    expect(await codeOf(() => testVault({ path }, changed))).toBe('schema-invalid')
  })
})

describe('schemas that change', () => {
  test('[CELL-2] a newer schema adds tables, columns with their defaults, and views', () => {
    const path = join(temporaryFolder(), 'vault.db')
    testVault({ path }, older).vault.transact((tx) => tx.insert('notes', { title: 'a' }, 'a'))
    const { vault } = testVault({ path }, newer)
    expect(vault.query(NOTES)).toEqual([{ id: 'a', title: 'a', text: '', rank: 5, tags: '[]' }])
    vault.transact((tx) => tx.insert('links', { note: 'a', url: 'u' }, 'l'))
    expect(vault.query('SELECT url FROM links')).toEqual([{ url: 'u' }])
  })

  test('[CELL-2] an older version of the app opens what a newer one wrote, and nothing of it is lost', () => {
    const path = join(temporaryFolder(), 'vault.db')
    const write = testVault({ path }, newer).vault
    write.transact((tx) => {
      tx.insert('notes', { title: 'a', text: 'text', rank: 9 }, 'a')
      tx.setMember('notes', 'a', 'tags', 'x', true)
      tx.insert('links', { note: 'a', url: 'u' }, 'l')
    })
    const cells = write.store.rows.load('notes', 'a')?.cells
    const old = testVault({ path }, older)
    old.vault.transact((tx) => tx.update('notes', 'a', { title: 'b' }))
    const { vault } = testVault({ path }, newer)
    expect(vault.query(NOTES)).toEqual([{ id: 'a', title: 'b', text: 'text', rank: 9, tags: '["x"]' }])
    expect(vault.query('SELECT url FROM links')).toEqual([{ url: 'u' }])
    for (const name of ['text', 'rank', 'tags'])
      expect(vault.store.rows.load('notes', 'a')?.cells.get(name)).toEqual(cells?.get(name))
  })

  test('[CELL-2] a process that has the vault open with an older schema stops writing when a newer one opens it', async () => {
    const path = join(temporaryFolder(), 'vault.db')
    const old = testVault({ path }, older).vault
    old.transact((tx) => tx.insert('notes', { title: 'a' }, 'a'))
    testVault({ path }, newer)
    expect(await codeOf(() => old.transact((tx) => tx.update('notes', 'a', { title: 'b' })))).toBe('database-newer')
    const again = testVault({ path }, older).vault
    again.transact((tx) => tx.update('notes', 'a', { title: 'b' }))
    expect(again.query('SELECT title FROM notes')).toEqual([{ title: 'b' }])
  })

  const sync = async (server: LogServer, ...devices: { syncer(server: LogServer): { run(): Promise<unknown> } }[]) => {
    for (const device of devices) await device.syncer(server).run()
  }

  test('[CELL-2] an older version passes on and keeps what it does not know, and shows it once it is updated', async () => {
    const server = new LogServer()
    const path = join(temporaryFolder(), 'vault.db')
    const author = testVault({}, newer)
    const old = testVault({ path }, older)
    author.vault.transact((tx) => {
      tx.insert('notes', { title: 'a', text: 'text', rank: 9 }, 'a')
      tx.setMember('notes', 'a', 'tags', 'x', true)
      tx.insert('links', { note: 'a', url: 'u' }, 'l')
      tx.insert('links', { note: 'a', url: 'gone' }, 'g')
    })
    await sync(server, author, old)
    old.vault.transact((tx) => tx.update('notes', 'a', { title: 'by the old one' }))
    author.vault.transact((tx) => {
      tx.update('notes', 'a', { text: 'text and more', rank: 10 })
      tx.delete('links', 'g')
    })
    await sync(server, old, author, old)
    const updated = testVault({ path }, newer)
    await sync(server, updated)
    const expected = [{ id: 'a', title: 'by the old one', text: 'text and more', rank: 10, tags: '["x"]' }]
    for (const { vault } of [author, updated]) {
      expect(vault.query(NOTES)).toEqual(expected)
      expect(vault.query('SELECT id, url FROM links')).toEqual([{ id: 'l', url: 'u' }])
    }
    expect(updated.driver.prepare('SELECT * FROM _foreign').all()).toEqual([])
    // What was kept merges like what was always known.
    updated.vault.transact((tx) => tx.update('notes', 'a', { text: 'text and much more' }))
    await sync(server, updated, author)
    expect(author.vault.query(NOTES)).toEqual(updated.vault.query(NOTES))
  })

  test('[CELL-2] a crash between the new columns and the cells that waited for them loses nothing', async () => {
    const server = new LogServer()
    const path = join(temporaryFolder(), 'vault.db')
    const author = testVault({}, newer)
    const old = testVault({ path }, older)
    author.vault.transact((tx) => tx.insert('notes', { title: 'a', rank: 9 }, 'a'))
    await sync(server, author, old)
    const driver = openSqlite({ path })
    driver.exec("CREATE TRIGGER crash BEFORE DELETE ON _foreign BEGIN SELECT RAISE(ABORT, 'crash'); END")
    expect(() => testVault({ path }, newer)).toThrow('crash')
    driver.exec('DROP TRIGGER crash')
    driver.close()
    const { vault } = testVault<Newer>({ path }, newer)
    expect(vault.query(NOTES)).toEqual([{ id: 'a', title: 'a', text: '', rank: 9, tags: '[]' }])
  })
})

describe('indexes', () => {
  /** How SQLite reads the rows of a table. */
  const reading = (driver: Driver, sql: string, table: string) =>
    planOf(driver, sql).filter((step) => step.includes(`rows_${table}`))
  const indexesOf = (driver: Driver, table: string) =>
    driver.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql LIKE '%_by_%'").all(table)

  test('lists, counts and order of visible rows are read from an index alone, whatever the views filter by', () => {
    const { driver } = testVault({}, newer)
    const queries: [string, string, string][] = [
      ['notes', 'SELECT id FROM notes WHERE rank = 5 ORDER BY id', 'SEARCH r USING COVERING INDEX rows_notes_by_rank_id (rank=?)'],
      ['notes', 'SELECT rank, count(*) FROM notes GROUP BY rank', 'SCAN r USING COVERING INDEX rows_notes_by_rank_id'],
      ['links', 'SELECT id FROM links WHERE note = 1', 'SEARCH r USING COVERING INDEX rows_links_by_note (note=?)'],
      ['copies', 'SELECT id, url FROM copies WHERE note = 1', 'SEARCH r USING COVERING INDEX rows_copies_by_note_url (note=?)'],
      ['copies', 'SELECT count(*) FROM all_copies WHERE _deleted = 0', 'SCAN r USING COVERING INDEX rows_copies_by_note_url'],
    ]
    for (const [table, sql, plan] of queries) expect(reading(driver, sql, table)).toEqual([plan])
    expect(planOf(driver, String(queries[0]?.[1])).some((step) => step.includes('TEMP B-TREE'))).toBe(false)
  })

  test('a database from before has the same indexes as a new one after it was opened, and its rows in them', () => {
    const path = join(temporaryFolder(), 'vault.db')
    testVault({ path }, newer).vault.transact((tx) => tx.insert('notes', { rank: 7 }, 'a'))
    const old = openSqlite({ path })
    const made = indexesOf(old, 'rows_notes')
    // As indexes were before they covered the views; and one of a schema that is no more.
    old.exec('DROP INDEX rows_notes_by_rank_id; CREATE INDEX "rows_notes_by_rank_id" ON rows_notes ("rank", "id")')
    old.exec('CREATE INDEX "rows_notes_by_title" ON rows_notes ("title")')
    const { vault, driver } = testVault({ path }, newer)
    expect(indexesOf(driver, 'rows_notes')).toEqual(made)
    expect(driver.prepare('PRAGMA integrity_check').values()).toEqual([['ok']])
    expect(vault.query('SELECT id FROM notes WHERE rank = 7')).toEqual([{ id: 'a' }])
    old.close()
  })

  test('an index that a schema does not declare any more goes, one that it declares now comes', () => {
    const path = join(temporaryFolder(), 'vault.db')
    testVault({ path }, newer)
    const changed = defineSchema({ notes: table({ title: column.text({ default: '' }) }, { indexes: [['title']] }) })
    const { driver } = testVault({ path }, changed)
    expect(indexesOf(driver, 'rows_notes').map(({ name }) => name)).toEqual(['rows_notes_by_title'])
    // Of a table that this schema does not know nothing is changed.
    expect(indexesOf(driver, 'rows_links').map(({ name }) => name)).toEqual(['rows_links_by_note'])
  })
})
