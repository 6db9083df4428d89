import { describe, expect, test } from 'vitest'
import type { Row } from '#driver'
import { LogServer } from './support/log-server.ts'
import { codeOf, START, shown, type TestVault, testVault } from './support/vaults.ts'

const sync = (device: TestVault, server: LogServer) => device.syncer(server).run()
const ids = ({ vault }: TestVault, table: string) => vault.query(`SELECT id FROM ${table} ORDER BY id`).map(({ id }) => id)
async function round(server: LogServer, ...devices: TestVault[]): Promise<void> {
  for (let i = 0; i < 2; i++) for (const device of devices) await sync(device, server)
}

describe('deleting', () => {
  test('[CELL-7] a deleted row waits in the trash, last deleted first, and comes back as it was', () => {
    const { vault, clock } = testVault()
    vault.transact((tx) => {
      tx.insert('notes', { title: 'a', text: 'text' }, 'a')
      tx.insert('notes', { title: 'b' }, 'b')
    })
    clock.now += 1000
    vault.transact((tx) => tx.delete('notes', 'a', { weight: 5 }))
    clock.now += 1000
    vault.transact((tx) => tx.delete('notes', 'b'))
    expect(vault.query('SELECT id FROM notes')).toEqual([])
    expect(vault.trash()).toEqual([
      { table: 'notes', id: 'b', deletedAt: START + 2000 },
      { table: 'notes', id: 'a', deletedAt: START + 1000 },
    ])
    expect(vault.query('SELECT id, title, _deleted FROM all_notes ORDER BY id')).toEqual([
      { id: 'a', title: 'a', _deleted: 1 },
      { id: 'b', title: 'b', _deleted: 1 },
    ])
    vault.transact((tx) => tx.restore('notes', 'a'))
    expect(vault.query('SELECT title, text, weight FROM notes')).toEqual([{ title: 'a', text: 'text', weight: 5 }])
    expect(vault.transact((tx) => tx.get('notes', 'b'))?._deleted).toBe(true)
  })

  test('[CELL-7] an edit that is later than a delete brings the row back on every device; an earlier one goes to the trash with it', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => tx.insert('notes', { title: 't', text: 'text' }, 'n'))
    await round(server, a, b)
    a.clock.now += 1000
    a.vault.transact((tx) => tx.delete('notes', 'n'))
    b.clock.now += 2000
    b.vault.transact((tx) => tx.update('notes', 'n', { text: 'text, later' }))
    await round(server, a, b)
    for (const device of [a, b]) expect(device.vault.query('SELECT text FROM notes')).toEqual([{ text: 'text, later' }])
    a.vault.transact((tx) => tx.update('notes', 'n', { title: 'earlier' }))
    b.clock.now += 60_000
    b.vault.transact((tx) => tx.delete('notes', 'n'))
    await round(server, a, b)
    for (const device of [a, b]) {
      expect(ids(device, 'notes')).toEqual([])
      expect(device.vault.query('SELECT title FROM all_notes')).toEqual([{ title: 'earlier' }])
    }
  })

  test('[CELL-7] cascade: hidden while the parent is dead. recover: only if the last edit is earlier than the delete', () => {
    const device = testVault()
    const { vault, clock } = device
    vault.transact((tx) => {
      tx.insert('spaces', { name: 's' }, 's')
      tx.insert('notes', { space: 's', title: 'old' }, 'old')
      tx.insert('notes', { space: 's', title: 'new' }, 'new')
      tx.insert('notes', { title: 'free' }, 'free')
      for (const note of ['old', 'new', 'free', 'unseen']) tx.insert('stars', { note }, `star-${note}`)
    })
    clock.now += 1000
    vault.transact((tx) => tx.delete('spaces', 's'))
    expect(ids(device, 'notes')).toEqual(['free'])
    // A star on a note that is hidden is hidden; a parent that was never seen is loading, not dead.
    expect(ids(device, 'stars')).toEqual(['star-free', 'star-unseen'])
    clock.now += 1000
    vault.transact((tx) => tx.update('notes', 'new', { title: 'edited after the delete' }))
    expect(ids(device, 'notes')).toEqual(['free', 'new'])
    expect(ids(device, 'stars')).toEqual(['star-free', 'star-new', 'star-unseen'])
    // No deletes were written: taking the parent back takes everything back.
    vault.transact((tx) => tx.restore('spaces', 's'))
    expect(ids(device, 'notes')).toEqual(['free', 'new', 'old'])
    expect(vault.trash()).toEqual([])
  })
})

describe('purging', () => {
  test('[CELL-8] takes everything but the tombstone, on every device, and text of it is nowhere in the database', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => tx.insert('notes', { title: 'secret title', text: 'secret text' }, 'n'))
    a.vault.transact((tx) => tx.update('notes', 'n', { text: 'secret text, edited' }))
    a.vault.transact((tx) => tx.setMember('notes', 'n', 'tags', 'secret tag', true))
    await round(server, a, b)
    expect(a.vault.transact((tx) => tx.purge('notes', 'n'))).toBe(false)
    a.vault.transact((tx) => {
      tx.delete('notes', 'n')
      expect(tx.purge('notes', 'n')).toBe(true)
      expect(tx.purge('notes', 'n')).toBe(false)
    })
    await round(server, a, b)
    for (const device of [a, b]) {
      expect(ids(device, 'notes')).toEqual([])
      expect(ids(device, 'all_notes')).toEqual([])
      expect(device.vault.trash()).toEqual([])
      expect(device.vault.history('notes', 'n', 'text')).toEqual([])
      expect(device.vault.transact((tx) => tx.get('notes', 'n'))).toBeUndefined()
      for (const table of ['rows_notes', '_cells', '_history', '_pending_text', '_foreign']) {
        const rows = device.driver.prepare(`SELECT * FROM ${table}`).all()
        expect(
          JSON.stringify(
            rows.map((row) =>
              Object.values(row).map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value)),
            ),
          ),
        ).not.toContain('secret')
      }
    }
    for (const write of [
      () => a.vault.transact((tx) => tx.update('notes', 'n', { title: 'x' })),
      () => a.vault.transact((tx) => tx.restore('notes', 'n')),
      () => a.vault.transact((tx) => tx.setMember('notes', 'n', 'tags', 'x', true)),
    ]) {
      expect(await codeOf(write)).toBe('no-such-row')
    }
  })

  test('[CELL-8] a row that is put again, even in the purging transaction, is a new one everywhere', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => tx.insert('notes', { title: 'old', weight: 1, text: 'same' }, 'n'))
    await round(server, a, b)
    a.vault.transact((tx) => {
      tx.delete('notes', 'n')
      tx.purge('notes', 'n')
      tx.put('notes', 'n', { title: 'new', text: 'same' })
    })
    await round(server, a, b, testVault())
    const rows = [{ title: 'new', weight: null, text: 'same' }]
    for (const { vault } of [a, b]) expect(vault.query('SELECT title, weight, text FROM notes')).toEqual(rows)
  })

  test('[CELL-8] whoever edited later, without having seen the purge, brings the whole row back', async () => {
    const server = new LogServer()
    const [a, b, c] = [testVault(), testVault(), testVault()]
    a.vault.transact((tx) => {
      tx.insert('notes', { title: 'title', text: 'text', weight: 1 }, 'n')
      tx.setMember('notes', 'n', 'tags', 'x', true)
    })
    await round(server, a, b, c)
    a.clock.now += 1000
    a.vault.transact((tx) => tx.delete('notes', 'n'))
    a.vault.transact((tx) => tx.purge('notes', 'n'))
    b.clock.now += 5000
    b.vault.transact((tx) => tx.update('notes', 'n', { weight: 2 }))
    await round(server, a, b, c)
    for (const device of [a, b, c]) {
      expect(device.vault.query('SELECT title, text, weight, tags FROM notes')).toEqual([
        { title: 'title', text: 'text', weight: 2, tags: '["x"]' },
      ])
      expect(shown(device)).toEqual(shown(a))
      expect(device.vault.pending()).toBe(0)
    }
  })
})

describe('what a person sees of a row', () => {
  test('[LOG-8] its place: here, on the server, on other devices', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => tx.insert('notes', { title: 'x' }, 'n'))
    expect(await codeOf(() => a.vault.place('notes', 'absent'))).toBe('no-such-row')
    expect(a.vault.place('notes', 'n')).toEqual({ place: 'local' })
    expect([a.vault.pending(), a.vault.lastSyncedAt()]).toEqual([1, undefined])
    await a.syncer(server).outbox.sealNext()
    expect([a.vault.place('notes', 'n'), a.vault.pending()]).toEqual([{ place: 'local' }, 1])
    await sync(a, server)
    expect([a.vault.place('notes', 'n'), a.vault.pending(), a.vault.lastSyncedAt()]).toEqual([
      { place: 'server', replicas: 0 },
      0,
      START,
    ])
    await sync(b, server)
    expect(b.vault.place('notes', 'n')).toEqual({ place: 'server', replicas: 0 })
    // Only b's next segment tells that b has seen it.
    b.vault.transact((tx) => tx.insert('notes', { title: 'y' }))
    await round(server, b, a)
    expect(a.vault.place('notes', 'n')).toEqual({ place: 'server', replicas: 1 })
    a.vault.transact((tx) => tx.update('notes', 'n', { title: 'z' }))
    expect(a.vault.place('notes', 'n')).toEqual({ place: 'local' })
  })

  test('[CELL-3] earlier texts are kept, newest first, at most 100; typing in pieces is one', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => tx.insert('notes', { text: 'zero' }, 'n'))
    a.vault.transact((tx) => tx.update('notes', 'n', { text: 'one' }))
    a.vault.transact((tx) => tx.update('notes', 'n', { title: 'no text' }))
    a.clock.now += 5
    a.vault.transact((tx) => tx.update('notes', 'n', { text: 'two' }))
    expect(a.vault.history('notes', 'n', 'text').map(({ text, at }) => [text, at])).toEqual([
      ['one', START + 5],
      ['zero', START],
    ])
    await round(server, a, b)
    for (let i = 0; i < 5; i++) {
      a.vault.transact((tx) => tx.update('notes', 'n', { text: `piece ${i}` }))
      await round(server, a, b)
    }
    expect(b.vault.history('notes', 'n', 'text').map(({ text }) => text)).toEqual(['two'])
    for (let i = 0; i < 120; i++) a.vault.transact((tx) => tx.update('notes', 'n', { text: `version ${i}` }))
    expect(a.vault.history('notes', 'n', 'text').map(({ text }) => text)).toEqual(
      Array.from({ length: 100 }, (_, i) => `version ${118 - i}`),
    )
  })

  test('[CELL-3] two texts written from scratch under one id: the later shows, the other is a conflict copy', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => tx.insert('notes', { text: 'by a' }, 'n'))
    b.clock.now += 1
    b.vault.transact((tx) => tx.insert('notes', { text: 'by b' }, 'n'))
    await round(server, a, b)
    for (const { vault } of [a, b]) {
      expect(vault.query('SELECT text FROM notes')).toEqual([{ text: 'by b' }])
      expect(vault.conflicts('notes', 'n', 'text')).toEqual(['by a'])
    }
  })

  test('[CELL-3] the same text imported on two devices is there once, and is no conflict', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    for (const { vault } of [a, b]) vault.transact((tx) => tx.put('notes', 'n', { text: 'imported 🙂' }))
    await round(server, a, b)
    for (const { vault } of [a, b]) {
      expect(vault.query('SELECT text FROM notes')).toEqual([{ text: 'imported 🙂' }])
      expect(vault.conflicts('notes', 'n', 'text')).toEqual([])
    }
    a.vault.transact((tx) => tx.update('notes', 'n', { text: 'a imported 🙂' }))
    b.vault.transact((tx) => tx.update('notes', 'n', { text: 'imported 🙂 b' }))
    await round(server, a, b)
    for (const { vault } of [a, b]) expect(vault.query('SELECT text FROM notes')).toEqual([{ text: 'a imported 🙂 b' }])
  })
})

describe('live queries', () => {
  test('hear of writes here and of what a sync brings', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    const seen: (readonly Row[])[] = []
    const query = a.vault.live('SELECT title FROM notes ORDER BY title', [], (rows) => seen.push(rows))
    await Promise.resolve()
    a.vault.transact((tx) => tx.insert('notes', { title: 'a' }))
    await Promise.resolve()
    b.vault.transact((tx) => tx.insert('notes', { title: 'b' }))
    await round(server, b, a)
    query.stop()
    a.vault.transact((tx) => tx.insert('notes', { title: 'unheard' }))
    await Promise.resolve()
    expect(seen).toEqual([[], [{ title: 'a' }], [{ title: 'a' }, { title: 'b' }]])
  })
})

test('a query that writes is refused and changes nothing', () => {
  const { vault } = testVault()
  const id = vault.transact((tx) => tx.insert('notes', { title: 'kept', text: 'kept' }))
  const writing = [
    `UPDATE rows_notes SET title = 'gone'`,
    'DELETE FROM rows_notes',
    `INSERT INTO _meta (key, value) VALUES ('x', 1)`,
    'DROP TABLE rows_notes',
    `WITH n AS (SELECT 1) UPDATE rows_notes SET title = '' RETURNING id`,
  ]
  for (const sql of writing) {
    expect(() => vault.query(sql)).toThrow(expect.objectContaining({ code: 'not-a-query' }))
    expect(() => vault.live(sql, [], () => {})).toThrow(expect.objectContaining({ code: 'not-a-query' }))
  }
  expect(vault.query('SELECT id, title FROM notes')).toEqual([{ id, title: 'kept' }])
})
