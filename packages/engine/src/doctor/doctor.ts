/**
 * Examines a device from its pages to its server, heals what can be healed, and says what is left and what to do.
 * Works without a server: what needs one is left out, by name. Nothing that it does can lose what only this device has.
 */
import type { Sha256 } from '@lockstep/protocol/chain'
import { type CheckName, type CheckProgress, type CheckResult, counted, type DoctoredRow } from '#doctor/check'
import { checkDatabase, START_OVER } from '#doctor/database'
import { type Healing, healRows } from '#doctor/heal-rows'
import { checkKeys } from '#doctor/keys'
import { checkOutbox } from '#doctor/outbox'
import { scanRows } from '#doctor/row-scan'
import { checkServer, leftOut } from '#doctor/server'
import { checkTail, dropUnreadable } from '#doctor/tail'
import { DriverError } from '#driver'
import type { Remote } from '#remote'
import type { Sealer } from '#sealing'
import type { SearchService } from '#search/service'
import type { Store } from '#store'

export interface Patient {
  readonly store: Store
  readonly sha256: Sha256
  readonly search: SearchService | undefined
  /** Absent on a device without keys. */
  readonly sealer: Sealer | undefined
  /** Absent on a device without a session. */
  readonly session: { readonly remote: Remote; readonly token: string } | undefined
}

export interface ExamineOptions {
  /** Default true. */
  readonly heal?: boolean | undefined
  /** Each result as soon as there is one. */
  readonly onResult?: ((result: CheckResult) => void) | undefined
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
}

/** True where nothing is left to do. */
export function isWell(results: readonly CheckResult[]): boolean {
  return results.every(({ verdict }) => verdict !== 'problem')
}

export async function examine(
  patient: Patient,
  { heal = true, onResult, onProgress }: ExamineOptions = {},
): Promise<CheckResult[]> {
  const { store, sealer, session } = patient
  const results: CheckResult[] = []
  const add = (...more: CheckResult[]) => {
    for (const result of more) {
      results.push(result)
      onResult?.(result)
    }
  }
  const database = checkDatabase(store.driver, { schema: store.schema, heal })
  add(database)
  if (database.verdict === 'problem') {
    const why = 'the database has to be whole first'
    add(...(['keys', 'rows', 'outbox', 'tail', 'search'] as const).map((check) => leftOut(check, why)))
  } else {
    const dropped = heal ? store.write('remote', () => dropUnreadable(store)) : 0
    let trusted = patient
    add(
      await guarded('keys', async () => {
        const keys = await checkKeys(store, sealer)
        // Keys that are not the vault's must neither judge nor seal anything.
        if (!keys.fit) trusted = { ...patient, sealer: undefined }
        return keys.result
      }),
    )
    add(await guarded('rows', () => checkRows(trusted, { heal, onProgress })))
    add(await guarded('outbox', () => checkOutbox({ ...trusted, heal: heal && trusted.sealer === sealer })))
    add(await guarded('tail', () => checkTail({ ...trusted, heal, dropped })))
    add(await guarded('search', () => checkSearch(patient, heal)))
  }
  if (session === undefined) {
    const why = sealer === undefined ? 'this device is not signed in' : 'the session has ended: sign in again'
    add(...(['server', 'clock', 'devices'] as const).map((check) => leftOut(check, why)))
  } else add(...(await checkServer({ ...session, store })))
  add(await guarded('problems', async () => checkProblems(store)))
  return results
}

async function checkRows({ store, sealer, sha256, session }: Patient, { heal, onProgress }: ExamineOptions): Promise<CheckResult> {
  const { scanned, damaged, unreadable } = scanRows(store, onProgress)
  if (unreadable.length > 0) {
    return { check: 'rows', verdict: 'problem', detail: `of ${unreadable.join(', ')} not all rows can be read` }
  }
  if (damaged.length === 0) return { check: 'rows', verdict: 'ok', detail: `${counted(scanned, 'row')}, each as it was stored` }
  const found = `${damaged.length} of ${counted(scanned, 'row')} ${damaged.length === 1 ? 'is' : 'are'} not as stored`
  if (heal !== true) return { check: 'rows', verdict: 'problem', detail: found, hint: 'run it without --no-heal' }
  const log = sealer === undefined || session === undefined ? undefined : { ...session, sealer, sha256, onProgress }
  return describe(found, await healRows(damaged, { store, log }), log === undefined)
}

function describe(found: string, { rows, failure }: Healing, alone: boolean): CheckResult {
  const count = (outcome: DoctoredRow['outcome']) => rows.filter((row) => row.outcome === outcome).length
  const parts = [
    [count('bit'), 'put right by the checksum'],
    [count('server'), 'made again from the server’s log'],
    [count('kept'), 'with changes that only this device has, kept as they are'],
    [count('none'), 'not healed'],
  ] as const
  const detail = `${found}: ${parts.flatMap(([many, what]) => (many === 0 ? [] : [`${many} ${what}`])).join(', ')}`
  const hints = [
    ...(count('kept') > 0 ? ['look at the rows that were kept: a letter or number in them may be wrong'] : []),
    ...(count('none') > 0 && failure !== undefined ? [failure.message] : []),
    ...(count('none') > 0 && alone ? ['sign in, so that they can be made again from the server’s log'] : []),
    ...(count('none') > 0 && !alone && failure === undefined
      ? ['the server does not know them either: copy what you need of them by hand']
      : []),
  ]
  const verdict = count('kept') + count('none') > 0 ? 'problem' : 'healed'
  return { check: 'rows', verdict, detail, hint: hints.length === 0 ? undefined : hints.join('; '), rows }
}

async function checkSearch({ search }: Patient, heal: boolean): Promise<CheckResult> {
  if (search?.check === undefined) return leftOut('search', 'there is no search index here')
  let wrong: string | undefined
  try {
    wrong = await search.check({ heal })
  } catch (error) {
    if (error instanceof DriverError && error.code === 'busy') return leftOut('search', 'another process is busy with the index')
    throw error
  }
  if (wrong === undefined) return { check: 'search', verdict: 'ok', detail: 'the index has every row' }
  if (!heal) return { check: 'search', verdict: 'problem', detail: wrong, hint: 'run it without --no-heal' }
  return { check: 'search', verdict: 'healed', detail: `${wrong}: made anew` }
}

function checkProblems(store: Store): CheckResult {
  const problems = store.problems()
  if (problems.length === 0) return { check: 'problems', verdict: 'ok', detail: 'no sync has left a complaint' }
  return { check: 'problems', verdict: 'problem', detail: problems.map(({ detail }) => detail).join(' ') }
}

/** A check that stumbles over damage that nobody thought of is a problem with a name, and does not end the others. */
async function guarded(check: CheckName, run: () => Promise<CheckResult>): Promise<CheckResult> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { check, verdict: 'problem', detail: `it could not be finished: ${error.message}`, hint: START_OVER }
  }
}
