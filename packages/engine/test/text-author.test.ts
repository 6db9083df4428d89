import { describe, expect, test } from 'vitest'
import { KIND } from '#schema'
import { Random } from '../../../tests/support/random.ts'
import { testVault } from './support/vaults.ts'

const textBytes = (vault: ReturnType<typeof testVault>['vault']): number => {
  const cell = vault.store.rows.load('notes', 'n')?.cells.get('text')
  if (cell?.kind !== KIND.text) throw new Error('not a text')
  let bytes = 0
  for (const { updates } of cell.value.values()) for (const update of updates) bytes += update.bytes.length
  return bytes
}

describe('editing one text many times', () => {
  test('[CELL-3] [CELL-4] edits while a vault is open share a client id and take less room', () => {
    const [open, reopened] = [testVault(), testVault()]
    const start = 'word '.repeat(200)
    for (const { vault } of [open, reopened]) vault.transact((tx) => tx.insert('notes', { text: start }, 'n'))
    const random = new Random(4)
    let text = start
    for (let i = 0; i < 200; i++) {
      const at = random.below(text.length)
      text = `${text.slice(0, at)}${String.fromCharCode(97 + (i % 26))}${text.slice(at)}`
      open.vault.transact((tx) => tx.update('notes', 'n', { text }))
      // As if each edit came from a process of its own.
      Object.assign(reopened.vault.store, {
        textAuthors: new (reopened.vault.store.textAuthors.constructor as new (r: unknown) => unknown)(
          reopened.vault.store.runtime.random,
        ),
      })
      reopened.vault.transact((tx) => tx.update('notes', 'n', { text }))
    }
    expect(open.vault.query('SELECT text FROM notes')).toEqual([{ text }])
    expect(reopened.vault.query('SELECT text FROM notes')).toEqual([{ text }])
    console.log(`200 scattered letters: ${textBytes(open.vault)} bytes under one client id, ${textBytes(reopened.vault)} under 200`)
    expect(textBytes(open.vault)).toBeLessThan(textBytes(reopened.vault) * 0.75)
  })

  test('[CELL-3] an edit that was rolled back gives its client id up', () => {
    const { vault } = testVault()
    vault.transact((tx) => tx.insert('notes', { text: 'one' }, 'n'))
    vault.transact((tx) => tx.update('notes', 'n', { text: 'one two' }))
    const clients = (): number => {
      const cell = vault.store.rows.load('notes', 'n')?.cells.get('text')
      return cell?.kind === KIND.text ? ([...cell.value.values()][0]?.updates.length ?? 0) : 0
    }
    expect(() =>
      vault.transact((tx) => {
        tx.update('notes', 'n', { text: 'one two three' })
        throw new Error('never mind')
      }),
    ).toThrow('never mind')
    vault.transact((tx) => tx.update('notes', 'n', { text: 'one two four' }))
    vault.transact((tx) => tx.update('notes', 'n', { text: 'one two four five' }))
    expect(vault.query('SELECT text FROM notes')).toEqual([{ text: 'one two four five' }])
    expect(clients()).toBe(3)
  })
})
