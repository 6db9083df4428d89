import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commandExists, needs, shared } from './optional.ts'

let folder: string
let printed: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-optional-'))
  printed = []
  vi.stubEnv('LOCKSTEP_NOT_RUN_FILE', join(folder, 'not-run'))
  vi.stubEnv('LOCKSTEP_REQUIRE_ALL', undefined)
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line))
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const recorded = () =>
  readFileSync(join(folder, 'not-run'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('needs', () => {
  it('says nothing about what is there', () => {
    vi.stubEnv('LOCKSTEP_REQUIRE_ALL', '1')
    expect(needs('a', true, 'b')).toBe(true)
    expect(printed).toEqual([])
  })

  it('prints and records what is missing', () => {
    expect(needs('a', false, 'b')).toBe(false)
    expect(needs('c', false, 'd')).toBe(false)
    expect(printed).toEqual(['not run: a: b', 'not run: c: d'])
    expect(recorded()).toEqual([
      { name: 'a', why: 'b' },
      { name: 'c', why: 'd' },
    ])
  })

  it('fails when all is required', () => {
    vi.stubEnv('LOCKSTEP_REQUIRE_ALL', '1')
    expect(() => needs('a', false, 'b')).toThrow('a cannot run and LOCKSTEP_REQUIRE_ALL=1: b')
  })
})

describe('shared', () => {
  it('tells what is absent, also when all is required', () => {
    vi.stubEnv('LOCKSTEP_REQUIRE_ALL', '1')
    expect(shared('nothing/of/this/name')).toBe(undefined)
    expect(printed).toEqual(['not run: tests on ../shared/nothing/of/this/name: it is not beside the repository'])
    expect(recorded()).toHaveLength(1)
  })
})

describe('commandExists', () => {
  it('looks along the path', () => {
    expect(commandExists('sh')).toBe(true)
    expect(commandExists('no-command-is-called-this')).toBe(false)
    vi.stubEnv('PATH', folder)
    expect(commandExists('sh')).toBe(false)
  })
})
