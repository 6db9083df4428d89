/**
 * The suite of the engine, and of the packages it is made of, in a real browser: the files that run in Node, in a dedicated worker,
 * on the browser's storage, compression, cryptography and network, against a real server. One test here is one file there.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium } from './chromium.ts'
import { ROOT } from './suite/build.ts'
import type { CaseResult } from './suite/report.ts'
import { openSuite, type SuiteStage } from './suite/stage.ts'
import {
  allTestFiles,
  DRIVER_CONTRACT,
  FILES_LEFT_OUT,
  FILES_WITHOUT_DATA,
  filesInBrowser,
  RUNS,
  TESTS_LEFT_OUT,
  VECTORS,
} from './suite/which.ts'

const available = hasChromium("the engine's suite in Chromium")
/** Tests that ran when this was written were more: a suite that has become small is noticed. */
const AT_LEAST = 800
const LANES = 2
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')

const files = filesInBrowser()
const results = new Map<string, readonly CaseResult[]>()
let stage: SuiteStage

beforeAll(async () => {
  if (available) stage = await openSuite(files)
})
afterAll(() => stage?.close())

const titled = (file: string, state: CaseResult['state']): string[] =>
  (results.get(file) ?? []).filter((result) => result.state === state).map(({ title }) => title)

test('what is left out is there to be left out, and has a reason', () => {
  const all = allTestFiles()
  expect(Object.keys(FILES_LEFT_OUT).filter((file) => !all.includes(file))).toEqual([])
  expect(Object.keys(TESTS_LEFT_OUT).filter((file) => !files.includes(file) && !FILES_WITHOUT_DATA.includes(file))).toEqual([])
  expect(
    [...files.filter((file) => file !== DRIVER_CONTRACT), ...Object.keys(FILES_LEFT_OUT), ...FILES_WITHOUT_DATA].sort(),
  ).toEqual(all)
})

describe.skipIf(!available)('in Chromium', () => {
  let free = LANES
  const waiting: (() => void)[] = []

  /** While one file waits for Node, another goes on. */
  async function inLane<T>(work: () => Promise<T>): Promise<T> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }

  test.concurrent.each(files)('%s', async (file) => {
    const found = await inLane(() => stage.run(file, Object.keys(TESTS_LEFT_OUT[file] ?? {}), RUNS[file]))
    results.set(file, found)
    expect(found.filter(({ state }) => state === 'fail')).toEqual([])
    expect(titled(file, 'skip').sort()).toEqual(Object.keys(TESTS_LEFT_OUT[file] ?? {}).sort())
    expect(titled(file, 'pass').length).toBeGreaterThan(0)
  })
})

describe.skipIf(!available)('after that', () => {
  test('[KEY-5] [ENV-1] G12: of the known answers and published vectors, every test that Node has has run', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-listed-'))
    try {
      const listed = join(folder, 'tests.json')
      execFileSync(process.execPath, [VITEST, 'list', '--no-static-parse', `--json=${listed}`, ...VECTORS], {
        cwd: ROOT,
        stdio: 'ignore',
      })
      const inNode = JSON.parse(readFileSync(listed, 'utf8')) as { readonly name: string; readonly file: string }[]
      const named = inNode.map(({ name, file }) => `${relative(ROOT, file)}: ${name}`).sort()
      const ran = VECTORS.flatMap((file) => [...titled(file, 'pass'), ...titled(file, 'skip')].map((title) => `${file}: ${title}`))
      expect(ran.sort()).toEqual(named)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('the suite is as large as it was', () => {
    const passed = files.flatMap((file) => titled(file, 'pass')).length
    console.log(`in Chromium: ${passed} tests of ${results.size} files passed`)
    expect(passed).toBeGreaterThan(AT_LEAST)
  })
})
