/**
 * What every storage must do, as cases that any test runner can run: `for (const { title, run } of
 * storageContract(open)) test(title, run)`. `open` gives a new, empty storage each time, and `reopen` the same data
 * again after a close, as a restarted server would see it.
 */
import { ACCOUNT_CASES } from '#storage/contract/accounts'
import { CREDENTIAL_CASES } from '#storage/contract/credentials'
import { DATAANS_CASES } from '#storage/contract/dataans'
import { DIFFLOG_CASES } from '#storage/contract/difflog'
import { LOG_CASES } from '#storage/contract/log'
import { MERGING_CASES } from '#storage/contract/merging'
import { REMOVAL_CASES } from '#storage/contract/removal'
import { SEEDING_CASES } from '#storage/contract/seeding'
import { SHARE_CASES } from '#storage/contract/shares'
import type { ContractSubject } from '#storage/contract/support'

export interface ContractCase {
  readonly title: string
  run(): Promise<void>
}

const CASES = [
  ...ACCOUNT_CASES,
  ...CREDENTIAL_CASES,
  ...LOG_CASES,
  ...MERGING_CASES,
  ...SEEDING_CASES,
  ...SHARE_CASES,
  ...REMOVAL_CASES,
  ...DATAANS_CASES,
  ...DIFFLOG_CASES,
]

/** @param open gives a new, empty storage at each call. */
export function storageContract(open: () => Promise<ContractSubject>): readonly ContractCase[] {
  return CASES.map(([title, body]) => ({
    title,
    async run() {
      const subject = await open()
      try {
        await body(subject.storage, subject)
      } finally {
        await subject.dispose()
      }
    },
  }))
}
