/**
 * Wycheproof's published files, read from beside the repository and never copied into it. A clone that stands alone has none: then
 * the tests are skipped and say so.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FOLDER = new URL('../../../../../shared/vectors/', import.meta.url)

export interface WycheproofCase {
  readonly tcId: number
  readonly comment: string
  readonly flags: readonly string[]
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

export interface WycheproofGroup<T> {
  readonly ivSize?: number
  readonly tagSize?: number
  readonly tests: readonly (T & WycheproofCase)[]
}

/** Undefined, with a printed line, where the file is not there. */
export function wycheproof<T>(file: string): readonly WycheproofGroup<T>[] | undefined {
  const url = new URL(file, FOLDER)
  if (!existsSync(url)) {
    if (process.env['LOCKSTEP_REQUIRE_ALL'] === '1') throw new Error(`${fileURLToPath(url)} is needed and not there`)
    console.log(`skipped: ${file} is not beside this repository (../shared/vectors)`)
    return undefined
  }
  return (JSON.parse(readFileSync(url, 'utf8')) as { testGroups: WycheproofGroup<T>[] }).testGroups
}
