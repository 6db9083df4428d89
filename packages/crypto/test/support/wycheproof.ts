/** Wycheproof's published files, read from beside the repository and never copied into it. */
import { readFileSync } from 'node:fs'
import { shared } from '../../../../tests/support/optional.ts'

export interface WycheproofCase {
  readonly tcId: number
  readonly flags: readonly string[]
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

export interface WycheproofGroup<T> {
  /** Sizes in bits, where the primitive has them. */
  readonly ivSize?: number
  readonly keySize?: number
  readonly tagSize?: number
  readonly tests: readonly (T & WycheproofCase)[]
}

/** Undefined, with a printed line, where the file is not there. */
export function wycheproof<T>(file: string): readonly WycheproofGroup<T>[] | undefined {
  const path = shared(`vectors/${file}`)
  if (path === undefined) return undefined
  return (JSON.parse(readFileSync(path, 'utf8')) as { testGroups: WycheproofGroup<T>[] }).testGroups
}
