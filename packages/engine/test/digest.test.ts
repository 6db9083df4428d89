/** The checksum over stored rows: what it notices, and that every way of writing a row writes it. */
import { describe, expect, test } from 'vitest'
import { type DigestedRow, digestRow } from '#digest'
import type { Row, SqlValue } from '#driver'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'

const FILE = 'packages/engine/test/digest.test.ts'

function randomRow(random: Random): DigestedRow {
  const word = (length: number) =>
    Array.from({ length }, () => random.pick(['a', 'b', ' ', 'é', '漢', '\u0000', '🙂', 'z'])).join('')
  const value = (): SqlValue =>
    random.pick<() => SqlValue>([
      () => null,
      () => random.between(-5, 5),
      () => random.float() * 1e9,
      () => word(random.below(60)),
      () => random.bytes(random.below(40)),
    ])()
  const cell = () => ({ col: word(3), cell: random.bytes(random.between(1, 60)) })
  return {
    n: random.between(-100, 1_000_000),
    id: word(26),
    deleted: random.below(2),
    edited: word(48),
    stamp: random.chance(0.5) ? null : word(48),
    own: random.chance(0.5) ? null : word(70),
    state: random.below(16),
    shape: '["a","b"]',
    values: Array.from({ length: random.below(6) }, value),
    cells: random.chance(0.5) ? [] : [cell(), cell()],
    foreign: random.chance(0.8) ? [] : [cell()],
  }
}

/** The row with one bit of one of its bytes, code units or numbers flipped, or one part replaced by another type. */
function flipped(row: DigestedRow, random: Random): DigestedRow {
  const text = (value: string): string => {
    if (value === '') return 'x'
    const at = random.below(value.length)
    // Kept well-formed: what is not has no place in a database.
    const unit = value.charCodeAt(at) ^ (1 << random.below(7))
    const changed = value.slice(0, at) + String.fromCharCode(unit) + value.slice(at + 1)
    return changed.toWellFormed() === value.toWellFormed() ? `${value}x` : changed
  }
  const bytes = (value: Uint8Array): Uint8Array => {
    if (value.length === 0) return new Uint8Array(1)
    const out = value.slice()
    const at = random.below(out.length)
    out[at] = (out[at] as number) ^ (1 << random.below(8))
    return out
  }
  const number = (value: number): number => {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, value)
    const at = random.below(8)
    view.setUint8(at, view.getUint8(at) ^ (1 << random.below(8)))
    const changed = view.getFloat64(0)
    return Number.isNaN(changed) ? value + 1 : changed + 0 === value + 0 ? value + 1 : changed
  }
  const value = (old: SqlValue): SqlValue => {
    if (random.chance(0.1)) return old === null ? 0 : null
    if (old === null) return ''
    return typeof old === 'string' ? text(old) : typeof old === 'number' ? number(old) : bytes(old)
  }
  const within = <T>(list: readonly T[], change: (item: T) => T): T[] => {
    const at = random.below(list.length)
    return list.map((item, i) => (i === at ? change(item) : item))
  }
  const { values, cells = [], foreign = [] } = row
  const changes: (() => Partial<DigestedRow>)[] = [
    () => ({ n: row.n ^ (1 << random.below(30)) }),
    () => ({ id: text(row.id) }),
    () => ({ deleted: 1 - row.deleted }),
    () => ({ edited: text(row.edited) }),
    () => ({ stamp: row.stamp === null ? '' : text(row.stamp) }),
    () => ({ own: row.own === null ? '' : text(row.own) }),
    () => ({ state: row.state ^ (1 << random.below(6)) }),
    () => ({ shape: text(row.shape) }),
    ...(values.length === 0 ? [] : [() => ({ values: within(values, value) }), () => ({ values: values.slice(1) })]),
    ...(cells.length === 0
      ? []
      : [
          () => ({ cells: within(cells, ({ col, cell }) => ({ col, cell: bytes(cell) })) }),
          () => ({ cells: within(cells, ({ col, cell }) => ({ col: text(col), cell })) }),
          () => ({ cells: cells.slice(1) }),
        ]),
    ...(foreign.length === 0 ? [() => ({ foreign: [{ col: 'x', cell: new Uint8Array(1) }] })] : [() => ({ foreign: [] })]),
  ]
  return { ...row, ...random.pick(changes)() }
}

describe('digestRow', () => {
  test('is one number for one row, within what SQLite and JavaScript both hold exactly', async () => {
    await forEachSeed('digests of equal rows', 500, FILE, (random) => {
      const row = randomRow(random)
      const digest = digestRow(row)
      expect(Number.isSafeInteger(digest) && digest >= 0).toBe(true)
      // What was digested in between, and how large it was, leaves no trace.
      digestRow({ ...row, values: ['x'.repeat(random.below(100_000))] })
      expect(digestRow(structuredClone(row))).toBe(digest)
    })
  })

  test('notices every one of 100 000 random flips', async () => {
    let flips = 0
    await forEachSeed('flips in digested rows', 1000, FILE, (random) => {
      const row = randomRow(random)
      const digest = digestRow(row)
      for (let i = 0; i < 100; i++, flips++) {
        const changed = flipped(row, random)
        if (digestRow(changed) === digest) expect(changed).toEqual(row)
      }
    })
    console.log(`flips noticed: ${flips} of ${flips}`)
  })

  test('notices each single bit of a text and of a blob', () => {
    const text = 'The quick brown fox jumps over the lazy dog, twice.'.repeat(4)
    const blob = new TextEncoder().encode(text)
    const row = (value: SqlValue): DigestedRow => ({
      n: 1,
      id: 'a',
      deleted: 0,
      edited: '',
      stamp: null,
      own: null,
      state: 0,
      shape: '[]',
      values: [value],
    })
    const seen = new Set([digestRow(row(text)), digestRow(row(blob))])
    for (let bit = 0; bit < 8 * blob.length; bit++) {
      const bytes = blob.slice()
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      seen.add(digestRow(row(bytes)))
      // The eighth bit makes UTF-8 invalid: it is read back as a replacement character.
      if ((bit & 7) < 7) seen.add(digestRow(row(new TextDecoder().decode(bytes))))
    }
    expect(seen.size).toBe(2 + 15 * blob.length)
  })

  test('a column that somebody adds changes no digest, its number in this database neither', () => {
    const { vault } = memoryVault()
    vault.transact((tx) => tx.insert('notes', { title: 'one', text: 'two' }, 'n'))
    const row = vault.store.driver.prepare('SELECT * FROM rows_notes').get() as Row
    vault.store.driver.exec('UPDATE _shapes SET id = 77; UPDATE rows_notes SET _shape = 77')
    const { rows } = vault.store
    rows.forgetUncommitted()
    expect(rows.isIntact('notes', { ...row, _shape: 77, later: 'x' })).toBe(true)
    expect(rows.isIntact('notes', { ...row, _shape: 77, title: 'onf' })).toBe(false)
  })
})
