import { describe, expect, it } from 'vitest'
import { coverageOf, mentionsOf, rulesOf } from './rule-coverage.ts'

const rules = (source: string) => mentionsOf('a.test.ts', source).map(({ rule }) => rule)
const mention = (rule: string) => ({ rule, file: 'a.test.ts', line: 1 })

describe('rulesOf', () => {
  it('finds definitions, not mentions', () => {
    expect(rulesOf('- **[KEY-1]** A device\n- **[SEG-2]** see [KEY-9] and **MUST**')).toEqual(['KEY-1', 'SEG-2'])
  })

  it('refuses a rule that is defined twice', () => {
    expect(() => rulesOf('**[KEY-1]** a **[KEY-1]** b')).toThrow('[KEY-1] twice')
  })
})

describe('mentionsOf', () => {
  it('reads the start of titles', () => {
    expect(rules("it('[KEY-6] a', () => {})")).toEqual(['KEY-6'])
    expect(rules("test.each(cases)('[KEY-6] [ENV-1] a', f)")).toEqual(['KEY-6', 'ENV-1'])
    expect(rules("describe('[KEY-6, KEY-7] a', f)")).toEqual(['KEY-6', 'KEY-7'])
    expect(rules("it('a [KEY-6]', f)")).toEqual([])
    expect(rules("// it('[KEY-6] a', f)")).toEqual([])
  })

  it('does not count tests that do not run', () => {
    expect(rules("it.skip('[KEY-6] a', f)\nit.todo('[KEY-7] a')\nit.skip.each(x)('[KEY-8] a', f)")).toEqual([])
    expect(rules("it.skipIf(x)('[KEY-6] a', f)")).toEqual(['KEY-6'])
  })

  it('tells the line', () => {
    expect(mentionsOf('a.test.ts', "\nit('[KEY-6] a', f)")).toEqual([{ rule: 'KEY-6', file: 'a.test.ts', line: 2 }])
  })
})

describe('coverageOf', () => {
  it('counts titles and lists rules without one', () => {
    const { counts, missing, problems } = coverageOf(['KEY-1', 'KEY-2', 'KEY-3'], [mention('KEY-1'), mention('KEY-1')], {
      'KEY-3': 'later',
    })
    expect(Object.fromEntries(counts)).toEqual({ 'KEY-1': 2, 'KEY-2': 0, 'KEY-3': 0 })
    expect(missing).toEqual(['KEY-2'])
    expect(problems).toEqual([])
  })

  it('reports a test that names an unknown rule', () => {
    expect(coverageOf(['KEY-1'], [mention('KEY-1'), mention('KEY-9')], {}).problems).toEqual([
      'a.test.ts:1 names [KEY-9], which docs/protocol.md does not define',
    ])
  })

  it('lets the list of known gaps only shrink', () => {
    const { problems } = coverageOf(['KEY-1', 'KEY-2'], [mention('KEY-1')], { 'KEY-1': 'later', 'KEY-2': ' ', 'KEY-3': 'later' })
    expect(problems).toEqual([
      '[KEY-1] is a known gap but has a test now: remove it from the list',
      '[KEY-2] is a known gap without a reason',
      '[KEY-3] is a known gap but docs/protocol.md does not define it: remove it from the list',
    ])
  })
})
