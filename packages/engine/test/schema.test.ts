import { describe, expect, test } from 'vitest'
import { type Column, column, defineSchema, type Table, table } from '#schema'
import { codeOf } from './support/vaults.ts'

const plain = (columns: Record<string, Column> = {}) => table(columns)

describe('defineSchema', () => {
  const refused: [string, Record<string, Table>][] = [
    ['a table that starts with a capital', { Notes: plain() }],
    ['a table that starts with an underscore', { _notes: plain() }],
    ['a table with a quote', { 'no"tes': plain() }],
    ['a table of 64 characters', { ['a'.repeat(64)]: plain() }],
    ['a table that looks like a physical one', { rows_notes: plain() }],
    ['a table that looks like a view', { all_notes: plain() }],
    ["a table of SQLite's", { sqlite_notes: plain() }],
    ['tables that differ in case', { notes: plain(), nOtes: plain() }],
    ['a column named id', { notes: plain({ id: column.integer() }) }],
    ['a column named like the rowid', { notes: plain({ rowId: column.integer() }) }],
    ["a column of the engine's own", { notes: plain({ _deleted: column.integer() }) }],
    ['columns that differ in case', { notes: plain({ title: column.integer(), tiTle: column.integer() }) }],
    ['a reference to nothing', { notes: table({ space: column.reference('spaces', 'recover') }) }],
    ['a reference to what every object has', { notes: table({ space: column.reference('toString', 'recover') }) }],
    ['a reference to itself', { notes: table({ parent: column.reference('notes', 'cascade') }) }],
    [
      'references in a circle',
      { a: table({ b: column.reference('b', 'cascade') }), b: table({ a: column.reference('a', 'recover') }) },
    ],
    ['search in a column that is not there', { notes: table({}, { search: ['title'] as never[] }) }],
    ['an index of a column that is not there', { notes: table({}, { indexes: [['constructor']] as never[] }) }],
  ]
  test.each(refused)('[CELL-6] refuses %s', async (_what, tables) => {
    expect(await codeOf(() => defineSchema(tables))).toBe('schema-invalid')
  })

  test('takes references to one table over two ways', () => {
    const tables = {
      a: table({ n: column.integer() }),
      b: table({ a: column.reference('a', 'cascade') }),
      c: table({ a: column.reference('a', 'recover'), b: column.reference('b', 'cascade') }),
    }
    expect(Object.keys(defineSchema(tables).tables)).toEqual(['a', 'b', 'c'])
  })
})
