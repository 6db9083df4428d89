import { describe, expect, it } from 'vitest'
import { readRepositoryFile, repositoryFiles } from '../../tools/files.ts'
import { canonicalJson, compareFrozen, type Frozen, frozenHash } from './frozen.ts'

describe('canonicalJson', () => {
  it('does not depend on the order of keys, members of sets and entries of maps', () => {
    expect(canonicalJson({ b: [1, null], a: 'x' })).toBe('{"a":"x","b":[1,null]}')
    expect(canonicalJson(new Set(['b', 'a']))).toBe(canonicalJson(new Set(['a', 'b'])))
    const entries: [string, number][] = [
      ['b', 1],
      ['a', 2],
    ]
    expect(canonicalJson(new Map(entries))).toBe(canonicalJson(new Map(entries.toReversed())))
  })

  it('tells different values apart', () => {
    const values = [
      null,
      undefined,
      0,
      -0,
      1,
      1n,
      '1',
      '',
      true,
      [],
      [[]],
      {},
      { a: undefined },
      new Uint8Array(),
      new Uint8Array([0]),
      new Map(),
      new Set(),
    ]
    expect(new Set(values.map(canonicalJson)).size).toBe(values.length)
  })

  it('refuses what is no data', () => {
    for (const value of [() => 0, Symbol('a'), Number.NaN, Number.POSITIVE_INFINITY, new Date(0), /a/]) {
      expect(() => canonicalJson({ a: value })).toThrow(TypeError)
    }
  })
})

describe('compareFrozen', () => {
  const frozen = { hash: frozenHash({ a: 1 }), version: 3, note: 'with a' }

  it('accepts the frozen value', () => {
    expect(() => compareFrozen('format', { a: 1 }, { format: frozen })).not.toThrow()
  })

  it('refuses a changed value and gives the next version', () => {
    expect(() => compareFrozen('format', { a: 2 }, { format: frozen })).toThrow(
      `"format": {"hash":"${frozenHash({ a: 2 })}","version":4,"note":"what changed"}`,
    )
  })

  it('refuses what is not frozen yet and gives the first version', () => {
    expect(() => compareFrozen('toString', { a: 1 }, {})).toThrow(
      `"toString": {"hash":"${frozen.hash}","version":1,"note":"what it is"}`,
    )
  })
})

describe('tests/frozen.json', () => {
  const entries = Object.entries(JSON.parse(readRepositoryFile('tests/frozen.json')) as Record<string, Frozen>)
  const tests = repositoryFiles('{packages,apps,tests}/**/*.test.{ts,tsx}').map(readRepositoryFile).join('\n')

  it('has only entries that a test compares, with hash, version and note', () => {
    for (const [name, { hash, version, note }] of entries) {
      expect(tests, `no test compares ${name}`).toContain(`expectFrozen('${name}'`)
      expect(hash, name).toMatch(/^[0-9a-f]{64}$/)
      expect(Number.isInteger(version) && version >= 1, name).toBe(true)
      expect(note.trim(), name).not.toBe('')
    }
  })
})
