/** What the page's side asks a worker to run, and what it hears of it. */
export interface RunRequest {
  /** Path from the root of the repository. */
  readonly file: string
  /** Where this page's server answers for Node. */
  readonly node: string
  readonly env: Readonly<Record<string, string>>
  /** Full titles of tests to leave out. */
  readonly skip: readonly string[]
}

export interface CaseResult {
  /** With the groups around it, ` > ` between them. */
  readonly title: string
  readonly state: 'pass' | 'fail' | 'skip'
  readonly error?: string
}
