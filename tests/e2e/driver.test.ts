/** The SQLite driver's contract in a real browser's storage. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BrowserStage, hasChromium, openBrowser } from './chromium.ts'
import type { CaseResult } from './pages/mini-test.ts'

const available = hasChromium("the driver's contract in Chromium")
let stage: BrowserStage

beforeAll(async () => {
  if (available) stage = await openBrowser()
})
afterAll(() => stage?.close())

test.skipIf(!available)('the SQLite driver keeps its contract on files of a browser', async () => {
  const page = await stage.newPage(await stage.newDevice())
  const worker = await stage.startWorker(page, 'contract', 'contract')
  const results = await worker.ask<CaseResult[]>('run')
  expect(results.filter(({ error }) => error !== undefined)).toEqual([])
  expect(results.length).toBeGreaterThanOrEqual(28)
  expect(stage.errors).toEqual([])
})
