/**
 * Which rules of docs/protocol.md have a test. A rule is written `**[KEY-6]**` on the page; a test names the rules that
 * it proves at the start of its title: `it('[KEY-6] [ENV-1] the auth key …')`. Decides only; `check-rules.ts` reads the files.
 */
import { lineOf, scanSource } from './source.ts'

export interface RuleMention {
  readonly rule: string
  readonly file: string
  readonly line: number
}

export interface Coverage {
  /** Each rule of the page with the number of test titles that name it. */
  readonly counts: ReadonlyMap<string, number>
  /** Rules without a test that nobody listed as a known gap. */
  readonly missing: readonly string[]
  /** What must be mended, one sentence each. */
  readonly problems: readonly string[]
}

const RULE = /[A-Z]{2,5}-\d+/g

/** In the order of the page. @throws Error when a rule is defined twice. */
export function rulesOf(page: string): string[] {
  const rules = [...page.matchAll(/\*\*\[([A-Z]{2,5}-\d+)\]\*\*/g)].map((match) => match[1] as string)
  const twice = rules.find((rule, index) => rules.indexOf(rule) !== index)
  if (twice !== undefined) throw new Error(`docs/protocol.md defines [${twice}] twice`)
  return rules
}

/** Rules named by the titles of tests in a file. Titles of tests that are skipped or to be written prove nothing and do not count. */
export function mentionsOf(file: string, source: string): RuleMention[] {
  const { code, strings } = scanSource(source)
  return strings.flatMap(({ start, value }) => {
    const brackets = /^(?:\[[A-Z]{2,5}-\d+(?:,? [A-Z]{2,5}-\d+)*\]\s*)+/.exec(value)
    if (brackets === null) return []
    if (/\.(?:skip|todo)(?:\.\w+)*(?:\([^()]*\))?\(\s*$/.test(code.slice(0, start))) return []
    return [...brackets[0].matchAll(RULE)].map(([rule]) => ({ rule, file, line: lineOf(code, start) }))
  })
}

/** @param gaps Rules that are known to have no test, each with the reason. The list may only shrink. */
export function coverageOf(
  rules: readonly string[],
  mentions: readonly RuleMention[],
  gaps: Readonly<Record<string, string>>,
): Coverage {
  const counts = new Map(rules.map((rule) => [rule, 0]))
  const problems: string[] = []
  for (const { rule, file, line } of mentions) {
    const count = counts.get(rule)
    if (count === undefined) problems.push(`${file}:${line} names [${rule}], which docs/protocol.md does not define`)
    else counts.set(rule, count + 1)
  }
  for (const [rule, reason] of Object.entries(gaps)) {
    const count = counts.get(rule)
    if (count === undefined)
      problems.push(`[${rule}] is a known gap but docs/protocol.md does not define it: remove it from the list`)
    else if (count > 0) problems.push(`[${rule}] is a known gap but has a test now: remove it from the list`)
    if (reason.trim() === '') problems.push(`[${rule}] is a known gap without a reason`)
  }
  const missing = rules.filter((rule) => counts.get(rule) === 0 && !Object.hasOwn(gaps, rule))
  return { counts, missing, problems }
}
