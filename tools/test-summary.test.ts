import { describe, expect, it } from 'vitest'
import { summarise, type TestReport } from './test-summary.ts'

const file = (name: string, status: string, tests: readonly string[]) => ({
  name: `/root/${name}`,
  status,
  assertionResults: tests.map((state, index) => ({ status: state, fullName: `test ${index}` })),
})
const report = (...testResults: TestReport['testResults']): TestReport => ({ testResults })

describe('summarise', () => {
  it('counts tests over all files and names those that did not run', () => {
    const all = report(
      file('a.test.ts', 'passed', ['passed', 'skipped']),
      file('b.test.ts', 'failed', ['failed', 'failed', 'passed', 'todo']),
    )
    expect(summarise(all, 1, '/root/')).toEqual({
      passed: 2,
      failed: 2,
      skipped: 2,
      skippedTests: ['a.test.ts › test 1', 'b.test.ts › test 3'],
    })
  })

  it('counts a file that could not be loaded as a failure', () => {
    expect(summarise(report(file('a.test.ts', 'passed', ['passed']), file('b.test.ts', 'failed', [])), 1, '/root/')).toMatchObject({
      passed: 1,
      failed: 1,
    })
  })

  it('never calls a failed run free of failures', () => {
    expect(summarise(report(file('a.test.ts', 'passed', ['passed'])), 1, '/root/').failed).toBe(1)
    expect(summarise(undefined, 0, '/root/').failed).toBe(1)
    expect(summarise(report(file('a.test.ts', 'passed', ['passed'])), 0, '/root/').failed).toBe(0)
  })
})
