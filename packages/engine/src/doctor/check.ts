/** What the doctor finds: one result for each check, in the words that a person reads. */

export type CheckName = 'database' | 'rows' | 'outbox' | 'tail' | 'search' | 'keys' | 'server' | 'clock' | 'devices' | 'problems'

/** `skipped`: it could not be looked at, and `detail` says why. */
export type Verdict = 'ok' | 'healed' | 'problem' | 'skipped'

/** A row that was damaged. */
export interface DoctoredRow {
  readonly table: string
  readonly id: string
  /** `bit`: one flipped bit was put right; `server`: made again from the server's log; `kept`: as it was found; `none`: still damaged. */
  readonly outcome: 'bit' | 'server' | 'kept' | 'none'
  /** What its columns show: of a row that nobody can vouch for, so that the person can. */
  readonly shown: Readonly<Record<string, unknown>>
}

export interface CheckResult {
  readonly check: CheckName
  readonly verdict: Verdict
  readonly detail: string
  /** What the person can do. */
  readonly hint?: string | undefined
  readonly rows?: readonly DoctoredRow[] | undefined
}

export interface CheckProgress {
  readonly check: CheckName
  readonly done: number
  readonly total: number
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
