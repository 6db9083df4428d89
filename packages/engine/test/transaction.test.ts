import { describe, expect, test } from 'vitest'
import { MAX_ELEMENT_LENGTH, MAX_VALUE_BYTES, type Transaction } from '#transaction'
import { codeOf, type TestTables, testVault } from './support/vaults.ts'

/** Everything that a write could have changed. */
function contents({ driver }: ReturnType<typeof testVault>): unknown {
  return driver
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
    .all()
    .map(({ name }) => [name, driver.prepare(`SELECT * FROM "${name}"`).all()])
}

describe('writing', () => {
  test('[CELL-6] a generated id is 26 characters of base32; given ones are checked', async () => {
    const { vault } = testVault()
    expect(vault.transact((tx) => tx.insert('notes', {}))).toMatch(/^[a-z2-7]{26}$/)
    for (const id of ['a', 'A-Z.0_9:x', 'x'.repeat(64)]) expect(vault.transact((tx) => tx.insert('notes', {}, id))).toBe(id)
    for (const id of ['', 'x'.repeat(65), 'a b', 'ü', 'a/b', 'a\0']) {
      expect(await codeOf(() => vault.transact((tx) => tx.insert('notes', {}, id)))).toBe('bad-id')
      expect(await codeOf(() => vault.transact((tx) => tx.put('notes', id, {})))).toBe('bad-id')
    }
  })

  test('values come back as they were written', () => {
    const { vault } = testVault()
    const picture = Uint8Array.of(0, 255, 0)
    const text = '\ufeffa\0b\r\n🙂'
    const id = vault.transact((tx) => tx.insert('notes', { title: text, text, weight: -0, picture }))
    const row = vault.transact((tx) => tx.get('notes', id))
    expect(row).toMatchObject({ id, title: text, text, weight: 0, picture, space: null, tags: '[]', _deleted: false })
    for (const weight of [1.5, 1e300, -1e-300, 2 ** 53, 3]) {
      vault.transact((tx) => tx.update('notes', id, { weight }))
      expect(vault.transact((tx) => tx.get('notes', id))?.weight).toBe(weight)
    }
    // A half of a surrogate pair has no UTF-8; it becomes what every decoder makes of it.
    vault.transact((tx) => tx.update('notes', id, { title: 'x\ud800' }))
    expect(vault.transact((tx) => tx.get('notes', id))?.title).toBe('x\ufffd')
  })

  test('bytes are copied: changing the array afterwards changes nothing', () => {
    const { vault } = testVault()
    const picture = Uint8Array.of(1, 2, 3)
    const id = vault.transact((tx) => {
      const made = tx.insert('notes', { picture })
      picture[0] = 9
      return made
    })
    expect(vault.transact((tx) => tx.get('notes', id))?.picture).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('[CELL-1] all cells of one transaction have one stamp', () => {
    const { vault, driver } = testVault()
    vault.transact((tx) => {
      tx.insert('notes', { title: 'a' }, 'a')
      tx.insert('spaces', { name: 's' }, 's')
      tx.update('notes', 'a', { weight: 1 })
    })
    const stamps = driver.prepare('SELECT _edited FROM rows_notes UNION SELECT _edited FROM rows_spaces').all()
    expect(stamps).toHaveLength(1)
  })

  test('[CELL-1] the bookkeeping is one stamp a row, and exceptions', () => {
    const { vault, driver } = testVault()
    vault.transact((tx) => tx.insert('notes', { title: 'a', weight: 1, space: 's' }, 'a'))
    const row = () => driver.prepare('SELECT _edited, _stamp, _own, _shape FROM rows_notes').get()
    expect(row()).toMatchObject({ _stamp: null, _own: null })
    const first = row()?.['_edited'] as string
    vault.transact((tx) => tx.update('notes', 'a', { title: 'b' }))
    const second = row()?.['_edited'] as string
    expect(row()).toMatchObject({ _stamp: first, _own: JSON.stringify({ title: second }) })
    vault.transact((tx) => tx.update('notes', 'a', { weight: 2, space: 't' }))
    const third = row()?.['_edited']
    expect(row()).toMatchObject({ _stamp: null, _own: JSON.stringify({ title: second }) })
    const cells = vault.store.rows.load('notes', 'a')?.cells ?? new Map()
    expect(['title', 'weight', 'space', '_deleted'].map((name) => cells.get(name)?.stamp)).toEqual([second, third, third, third])
  })

  test('[CELL-5] an element is in a set, or not', () => {
    const { vault } = testVault()
    const tags = () => JSON.parse(String(vault.query('SELECT tags FROM notes')[0]?.['tags']))
    vault.transact((tx) => {
      tx.insert('notes', {}, 'a')
      for (const tag of ['z', 'a', 'z', '"quoted"']) tx.setMember('notes', 'a', 'tags', tag, true)
    })
    expect(tags()).toEqual(['"quoted"', 'a', 'z'])
    vault.transact((tx) => tx.setMember('notes', 'a', 'tags', 'z', false))
    expect(tags()).toEqual(['"quoted"', 'a'])
  })

  test('many rows in one transaction keep their order', () => {
    const { vault } = testVault()
    const ids = vault.transact((tx) => Array.from({ length: 3000 }, (_, i) => tx.insert('spaces', { name: String(i) })))
    expect(vault.query('SELECT id FROM spaces ORDER BY _n').map(({ id }) => id)).toEqual(ids)
  })
})

describe('what changes nothing', () => {
  test('writes nothing: not a row, not a stamp, not a change for search', () => {
    const made = testVault()
    const { vault, clock } = made
    vault.transact((tx) => {
      tx.insert('notes', { title: 'a', text: 'b', weight: 1, picture: Uint8Array.of(1) }, 'a')
      tx.setMember('notes', 'a', 'tags', 'x', true)
      tx.insert('notes', {}, 'dead')
      tx.delete('notes', 'dead')
    })
    const before = contents(made)
    let told = 0
    vault.onChange(() => told++)
    clock.now += 1000
    vault.transact((tx) => {
      expect(tx.put('notes', 'a', { title: 'a', text: 'b', weight: 1, picture: Uint8Array.of(1), space: undefined })).toBe(
        'unchanged',
      )
      tx.update('notes', 'a', { text: 'b' })
      tx.setMember('notes', 'a', 'tags', 'x', true)
      tx.setMember('notes', 'a', 'tags', 'never', false)
      expect(tx.delete('notes', 'dead')).toBe(false)
      expect(tx.delete('notes', 'absent')).toBe(false)
      expect(tx.purge('notes', 'a')).toBe(false)
    })
    expect(contents(made)).toEqual(before)
    expect(told).toBe(0)
  })
})

describe('refusals', () => {
  type Tx = Transaction<TestTables>
  const refused: [string, string, (tx: Tx) => unknown][] = [
    ['an unknown table', 'unknown-table', (tx) => tx.insert('nothing' as 'notes', {})],
    ['an unknown table with put', 'unknown-table', (tx) => tx.put('nothing' as 'notes', 'x', {})],
    ['a table that every object has', 'unknown-table', (tx) => tx.insert('constructor' as 'notes', {})],
    ['an unknown column', 'unknown-column', (tx) => tx.insert('notes', { nothing: 1 } as object)],
    ['a column that every object has', 'unknown-column', (tx) => tx.insert('notes', { constructor: 1 } as object)],
    ['a column of the bookkeeping', 'unknown-column', (tx) => tx.update('notes', 'a', { _deleted: 1 } as object)],
    ['a second row with one id', 'row-exists', (tx) => tx.insert('notes', {}, 'a')],
    ['an update of nothing', 'no-such-row', (tx) => tx.update('notes', 'absent', { title: 'x' })],
    ['a restore of nothing', 'no-such-row', (tx) => tx.restore('notes', 'absent')],
    ['an element for no row', 'no-such-row', (tx) => tx.setMember('notes', 'absent', 'tags', 'x', true)],
    ['an element for a column of another kind', 'bad-value', (tx) => tx.setMember('notes', 'a', 'title', 'x', true)],
    ['an element that is no text', 'bad-value', (tx) => tx.setMember('notes', 'a', 'tags', 1 as unknown as string, true)],
    [
      'an element that is too long',
      'value-too-large',
      (tx) => tx.setMember('notes', 'a', 'tags', 'x'.repeat(MAX_ELEMENT_LENGTH + 1), true),
    ],
    ['a set given as a value', 'bad-value', (tx) => tx.insert('notes', { tags: '["x"]' })],
    ['null where there is a default', 'bad-value', (tx) => tx.insert('notes', { title: null } as unknown as object)],
    ['a number for a text', 'bad-value', (tx) => tx.insert('notes', { title: 1 } as unknown as object)],
    ['a text for bytes', 'bad-value', (tx) => tx.insert('notes', { picture: 'x' } as unknown as object)],
    ['a text for a number', 'bad-value', (tx) => tx.insert('notes', { weight: '1' } as unknown as object)],
    ['no number', 'bad-value', (tx) => tx.insert('notes', { weight: Number.NaN })],
    ['an infinite number', 'bad-value', (tx) => tx.insert('notes', { weight: Number.POSITIVE_INFINITY })],
    ['a fraction for an integer', 'bad-value', (tx) => tx.insert('stars', { count: 1.5 })],
    ['an integer that is not safe', 'bad-value', (tx) => tx.insert('stars', { count: 2 ** 53 })],
    ['a text that is too large', 'value-too-large', (tx) => tx.insert('notes', { text: 'é'.repeat(MAX_VALUE_BYTES / 2 + 1) })],
    ['bytes that are too many', 'value-too-large', (tx) => tx.insert('notes', { picture: new Uint8Array(MAX_VALUE_BYTES + 1) })],
  ]
  test.each(refused)('%s is refused as %s, and nothing of the transaction remains', async (_what, code, body) => {
    const made = testVault()
    const { vault } = made
    vault.transact((tx) => tx.insert('notes', { title: 'a' }, 'a'))
    const before = contents(made)
    const failing = () =>
      vault.transact((tx) => {
        tx.insert('spaces', { name: 'new shape', color: 7 }, 's')
        tx.update('notes', 'a', { title: 'changed', text: 'changed' })
        body(tx)
      })
    expect(await codeOf(failing)).toBe(code)
    expect(contents(made)).toEqual(before)
    // And the vault still works, with what was rolled back forgotten.
    vault.transact((tx) => tx.insert('spaces', { name: 'new shape', color: 7 }, 's'))
    expect(vault.query('SELECT name, color FROM spaces')).toEqual([{ name: 'new shape', color: 7 }])
  })

  test('a transaction neither nests nor waits, and ends with its body', async () => {
    const { vault } = testVault()
    expect(await codeOf(() => vault.transact(() => vault.transact(() => 1)))).toBe('nested-transaction')
    const waiting = async (tx: Tx) => {
      tx.insert('notes', {}, 'early')
      await Promise.resolve()
      tx.insert('notes', {}, 'late')
    }
    expect(await codeOf(() => vault.transact(waiting))).toBe('async-transaction')
    let kept: Tx | undefined
    vault.transact((tx) => {
      kept = tx
    })
    expect(await codeOf(() => kept?.insert('notes', {}))).toBe('async-transaction')
    await Promise.resolve()
    expect(vault.query('SELECT id FROM notes')).toEqual([])
  })

  test('[CELL-9] a transaction that fails takes its stamp back', () => {
    const { vault, driver } = testVault()
    vault.transact((tx) => tx.insert('notes', {}, 'a'))
    const { last } = vault.store.clock
    expect(() =>
      vault.transact((tx) => {
        tx.insert('notes', {}, 'b')
        throw new Error('mine')
      }),
    ).toThrow('mine')
    expect(vault.store.clock.last).toEqual(last)
    expect(driver.prepare("SELECT value FROM _meta WHERE key = 'clockCounter'").get()).toEqual({ value: last.counter })
  })

  test('a listener that fails does not fail the transaction that it hears of', async () => {
    const { vault } = testVault()
    const heard: string[] = []
    vault.onChange(() => {
      throw new Error('a bug of the app')
    })
    vault.onChange((tables, origin) => heard.push(`${[...tables]} ${origin}`))
    const surfaced = new Promise((resolve) => process.once('uncaughtException', resolve))
    const others = process.listeners('uncaughtException').slice(0, -1)
    for (const other of others) process.off('uncaughtException', other)
    try {
      expect(vault.transact((tx) => tx.insert('notes', {}, 'a'))).toBe('a')
      expect(heard).toEqual(['rows_notes local'])
      expect(((await surfaced) as Error).message).toBe('a bug of the app')
    } finally {
      for (const other of others) process.on('uncaughtException', other)
    }
  })
})
