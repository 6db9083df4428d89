/**
 * As much of Vitest as contract suites need, for a browser's worker, where Vitest itself does not run: it gathers the tests, and
 * a matcher that is not here fails its test instead of passing it.
 */
interface Case {
  readonly title: string
  readonly body: () => unknown
}

const cases: Case[] = []
const groups: string[] = []

export function describe(title: string, body: () => void): void {
  groups.push(title)
  body()
  groups.pop()
}

export function test(title: string, body: () => unknown): void {
  cases.push({ title: [...groups, title].join(' > '), body })
}

export interface CaseResult {
  readonly title: string
  /** Why it failed; absent when it passed. */
  readonly error?: string
}

export async function runCases(): Promise<CaseResult[]> {
  const results: CaseResult[] = []
  for (const { title, body } of cases) {
    try {
      await body()
      results.push({ title })
    } catch (error) {
      results.push({ title, error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) })
    }
  }
  return results
}

function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Uint8Array !== b instanceof Uint8Array || Array.isArray(a) !== Array.isArray(b)) return false
  const defined = (value: object) => Object.entries(value).filter(([, item]) => item !== undefined)
  const [left, right] = [defined(a), defined(b)]
  return left.length === right.length && left.every(([key, value]) => Object.hasOwn(b, key) && equal(value, Reflect.get(b, key)))
}

const shown = (value: unknown): string => {
  const text = typeof value === 'function' ? value.name : JSON.stringify(value)
  return text === undefined ? String(value) : text.slice(0, 200)
}

type Matcher = (actual: unknown, expected: unknown) => boolean

const MATCHERS: Readonly<Record<string, Matcher>> = {
  toBe: (actual, expected) => Object.is(actual, expected),
  toEqual: equal,
  toBeUndefined: (actual) => actual === undefined,
  toBeInstanceOf: (actual, expected) => actual instanceof (expected as new () => unknown),
  toContain: (actual, expected) => (actual as { includes(item: unknown): boolean }).includes(expected),
  toHaveLength: (actual, expected) => (actual as { length: number }).length === expected,
}

export function expect(actual: unknown): Record<string, (expected?: unknown) => void> {
  return new Proxy(
    {},
    {
      get(_, name) {
        const matcher = MATCHERS[String(name)]
        if (matcher === undefined) throw new Error(`expect(…).${String(name)} is not known here`)
        return (expected: unknown) => {
          if (!matcher(actual, expected)) throw new Error(`expect(${shown(actual)}).${String(name)}(${shown(expected)})`)
        }
      },
    },
  )
}
