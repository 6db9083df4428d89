/** What a test run came to, from Vitest's JSON report. */

/** The part of Vitest's JSON report that is read. */
export interface TestReport {
  readonly testResults: readonly {
    /** The file, absolute. */
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

export interface TestSummary {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** `file › title` of each test that did not run. */
  readonly skippedTests: readonly string[]
}

/**
 * A file that could not be loaded counts as one failed test, and so does a run that failed in no test (an error outside of
 * them, no report at all): a failure is never summed up as "0 failed".
 *
 * @param report Undefined when Vitest wrote none.
 * @param status Vitest's exit status.
 * @param root Taken off the files' names.
 */
export function summarise(report: TestReport | undefined, status: number, root: string): TestSummary {
  let passed = 0
  let failed = 0
  const skippedTests: string[] = []
  for (const file of report?.testResults ?? []) {
    const failedBefore = failed
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++
      else if (test.status === 'failed') failed++
      else skippedTests.push(`${file.name.startsWith(root) ? file.name.slice(root.length) : file.name} › ${test.fullName}`)
    }
    if (file.status === 'failed' && failed === failedBefore) failed++
  }
  if (failed === 0 && (status !== 0 || report === undefined)) failed = 1
  return { passed, failed, skipped: skippedTests.length, skippedTests }
}
