/** The browser of a test file: opened before the first of its tests, closed after the last. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type BrowserStage, type Built, hasChromium, openBrowser } from './chromium.ts'

interface FileStage {
  /** Whether browser tests can run here. */
  readonly available: boolean
  /** For tests and what they call: before the first of them nothing is open. */
  readonly stage: BrowserStage
}

/** @param name what does not run where there is no browser */
export function fileStage(name: string, built: Built = 'app'): FileStage {
  const available = hasChromium(name)
  let opened: BrowserStage | undefined
  beforeAll(async () => {
    if (available) opened = await openBrowser(built)
  })
  afterAll(() => opened?.close())
  const stage = new Proxy({} as BrowserStage, {
    get(_, key) {
      if (opened === undefined) throw new Error('the browser is open in tests and hooks only')
      return Reflect.get(opened, key)
    },
  })
  return { available, stage }
}

/** The same, for a file none of whose tests may leave an error in the console of a page. */
export function silentFileStage(name: string): FileStage {
  const file = fileStage(name)
  afterEach(() => {
    if (file.available) expect(file.stage.errors.splice(0)).toEqual([])
  })
  return file
}
