/**
 * Imports a JSON export: what is missing is added, what is older is updated, what was changed here later stays as it is.
 * What is in the trash comes back. Importing the same again changes nothing.
 *
 * A diff of a day that has a newer one here is left out; an older one here is replaced by it, as when it is made again.
 */
import type { Transaction } from '@lockstep/engine/transaction'
import { replaceDay } from '@lockstep/model/diffs'
import { editProfile, PROFILE_ID, readProfile } from '@lockstep/model/profile'
import type { LockstepVault, Tables } from '@lockstep/model/schema'
import { starId } from '@lockstep/model/stars'
import { ImportError } from '#errors'
import { type JsonExport, parseJsonExport } from '#json-format'
import { NO_PACE, type OnAdded, type Pace } from '#pace'

const BATCH_LENGTH = 8 * 1024 * 1024

export interface JsonImportSummary {
  readonly added: number
  readonly updated: number
  readonly unchanged: number
  /** Rows that were changed here after the export. */
  readonly kept: number
}

export interface JsonImportOptions {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  readonly signal?: AbortSignal
  readonly pace?: Pace | undefined
  /** Told of each space and note that was not there before. */
  readonly onAdded?: OnAdded | undefined
}

type Writer = Transaction<Tables>
type Outcome = keyof JsonImportSummary
/** Writes one row. */
type Job = { readonly length: number; readonly run: (tx: Writer) => Outcome }

/** @throws ImportError `source-invalid`, before anything is written; `cancelled`, what was imported until then stays */
export async function importJson(
  vault: LockstepVault,
  text: string,
  { onProgress, signal, pace = NO_PACE, onAdded }: JsonImportOptions = {},
): Promise<JsonImportSummary> {
  const content = parseJsonExport(text)
  const jobs = jobsOf(vault, content, onAdded)
  const summary = { added: 0, updated: 0, unchanged: 0, kept: 0 }
  if (content.profile !== null) summary[takeProfile(vault, content.profile)]++
  let done = 0
  while (done < jobs.length) {
    if (signal?.aborted)
      throw new ImportError('cancelled', `the import was stopped after ${done} of ${jobs.length} rows; import again for the rest`)
    let to = done
    let length = 0
    while (to < jobs.length && to - done < pace.rows && length < BATCH_LENGTH) length += (jobs[to++] as Job).length
    vault.transact((tx) => {
      for (const { run } of jobs.slice(done, to)) summary[run(tx)]++
    })
    done = to
    onProgress?.({ done, total: jobs.length })
    await pace.pause()
  }
  return summary
}

function takeProfile(vault: LockstepVault, profile: NonNullable<JsonExport['profile']>): Outcome {
  const { updatedAt } = readProfile(vault)
  if (updatedAt > profile.updatedAt) return 'kept'
  const first = vault.query('SELECT 1 FROM profile').length === 0
  if (first) vault.transact((tx) => tx.put('profile', PROFILE_ID, { updatedAt: profile.updatedAt }))
  const changed = editProfile(vault, { ...profile, now: profile.updatedAt })
  return first ? 'added' : changed ? 'updated' : 'unchanged'
}

function jobsOf(vault: LockstepVault, content: JsonExport, onAdded: OnAdded | undefined): Job[] {
  const { spaces, notes, diffs, stars, tldrs, reading, publications, apiKeys } = content
  const timed = (table: 'spaces' | 'notes' | 'apiKeys', id: string, values: { readonly updatedAt: number }) => (tx: Writer) => {
    const outcome = takeTimed(tx, table, id, values)
    if (outcome === 'added' && table !== 'apiKeys') onAdded?.(table, id)
    return outcome
  }
  return [
    ...spaces.map(({ id, ...values }) => ({ length: values.name.length, run: timed('spaces', id, values) })),
    ...notes.map(({ id, pinned, ...values }) => ({
      length: values.text.length,
      run: timed('notes', id, { ...values, pinned: Number(pinned) } as { updatedAt: number }),
    })),
    // In the order they were made, so that of two of one day the later one is left.
    ...[...diffs]
      .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
      .map((diff) => ({ length: diff.text.length, run: (tx: Writer) => takeDiff(vault, tx, diff) })),
    ...stars.map((star) => ({ length: star.text.length, run: (tx: Writer) => takeStar(vault, tx, 'stars', star) })),
    ...tldrs.map((tldr) => ({ length: tldr.text.length, run: (tx: Writer) => takeStar(vault, tx, 'tldrs', tldr) })),
    ...reading.map((mark) => ({ length: 0, run: (tx: Writer) => takeReading(vault, tx, mark) })),
    ...publications.map((row) => ({ length: row.title.length, run: (tx: Writer) => takePublication(tx, row) })),
    ...apiKeys.map(({ provider, ...values }) => ({ length: values.key.length, run: timed('apiKeys', provider, values) })),
  ]
}

type Written = 'spaces' | 'notes' | 'apiKeys' | 'diffs' | 'stars' | 'tldrs' | 'reading' | 'publications'

function put(tx: Writer, table: Written, id: string, values: object): Outcome {
  const known: object | undefined = tx.get(table, id)
  // A default that was never written is no cell: writing it would be a change to every device.
  const shown = new Map(Object.entries(known ?? {}))
  const changed =
    known === undefined ? values : Object.fromEntries(Object.entries(values).filter(([name, value]) => shown.get(name) !== value))
  const outcome = tx.put(table, id, changed)
  return outcome === 'inserted' ? 'added' : outcome
}

function takeTimed(tx: Writer, table: 'spaces' | 'notes' | 'apiKeys', id: string, values: { readonly updatedAt: number }): Outcome {
  const known = tx.get(table, id)
  if (known === undefined || known.updatedAt <= values.updatedAt) return put(tx, table, id, values)
  if (!known._deleted) return 'kept'
  tx.restore(table, id)
  return 'updated'
}

function takeDiff(vault: LockstepVault, tx: Writer, { id, ...values }: JsonExport['diffs'][number]): Outcome {
  const newer = vault.query(
    "SELECT 1 FROM diffs WHERE date = ? AND date <> '' AND id <> ? AND (createdAt > ? OR (createdAt = ? AND id > ?)) LIMIT 1",
    values.date,
    id,
    values.createdAt,
    values.createdAt,
    id,
  )
  if (newer.length > 0) return 'kept'
  const outcome = put(tx, 'diffs', id, values)
  replaceDay(vault, tx, { date: values.date, kept: id })
  return outcome
}

function takeStar(
  vault: LockstepVault,
  tx: Writer,
  table: 'stars' | 'tldrs',
  { diff, ...values }: JsonExport['stars'][number],
): Outcome {
  // What belongs to a diff that was left out, or that is not in the export, would point at nothing.
  if (vault.query('SELECT 1 FROM diffs WHERE id = ?', diff).length === 0) return 'kept'
  return put(tx, table, starId(diff, values.paragraph, values.item), { diff, ...values })
}

/** What is read here already keeps the time of that; what was made unread again stays so. */
function takeReading(vault: LockstepVault, tx: Writer, { diff, readAt }: JsonExport['reading'][number]): Outcome {
  if (vault.query('SELECT 1 FROM diffs WHERE id = ?', diff).length === 0) return 'kept'
  const known = tx.get('reading', diff)
  if (known === undefined) return put(tx, 'reading', diff, { diff, readAt })
  return known.readAt === readAt ? 'unchanged' : 'kept'
}

/** What was taken back here stays taken back. */
function takePublication(tx: Writer, { id, ...values }: JsonExport['publications'][number]): Outcome {
  const known = tx.get('publications', id)
  if (known === undefined || (known.key === values.key && known.publishedAt <= values.publishedAt)) {
    return put(tx, 'publications', id, values)
  }
  return 'kept'
}
