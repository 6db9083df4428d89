/**
 * Writes the JSON export (json-format.ts): rows that people see, in the order of their ids, piece by piece, so that a vault of any size
 * is never in memory as a whole. What is written into the vault meanwhile may be in it or not.
 */
import { SHOWN_DIFFS } from '@lockstep/model/diffs'
import { readProfile } from '@lockstep/model/profile'
import { listPublications } from '@lockstep/model/publications'
import type { LockstepVault } from '@lockstep/model/schema'
import { findSpace, listSpaces } from '@lockstep/model/spaces'
import { listStars } from '@lockstep/model/stars'
import { listTldrs } from '@lockstep/model/tldrs'
import { ImportError } from '#errors'
import { JSON_FORMAT, JSON_VERSION, type JsonExport } from '#json-format'

/** Notes that are read at once. */
const BATCH_NOTES = 100

export interface JsonExportOptions {
  /** Unix milliseconds. */
  readonly now: number
  /** Takes the document's text, piece by piece. */
  readonly write: (text: string) => void | Promise<void>
  /** Id of the one space that is wanted: then it and its notes are all there is. */
  readonly space?: string | undefined
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  readonly signal?: AbortSignal
}

export interface JsonExportSummary {
  readonly spaces: number
  readonly notes: number
  readonly diffs: number
  readonly stars: number
}

/**
 * The document holds texts and keys in the clear: it belongs where only its person can read it.
 *
 * @throws ImportError `cancelled`; ModelError `no-such-space`; and what `write` throws
 */
export async function exportJson(vault: LockstepVault, options: JsonExportOptions): Promise<JsonExportSummary> {
  const { now, write, space } = options
  const head = { format: JSON_FORMAT, version: JSON_VERSION, exportedAt: now }
  await write(indented(head, '').slice(0, -'\n}'.length))
  async function list(name: keyof JsonExport, batches: Iterable<readonly unknown[]>): Promise<number> {
    await write(`,\n  "${name}": [`)
    let count = 0
    for (const rows of batches) {
      for (const row of rows) await write(`${count++ === 0 ? '' : ','}\n    ${indented(row, '    ')}`)
    }
    await write(count === 0 ? ']' : '\n  ]')
    return count
  }
  const everything = space === undefined
  const spaces = await list('spaces', [spaceRows(vault, space)])
  const notes = await list('notes', noteRows(vault, options))
  const diffs = await list('diffs', everything ? [diffRows(vault)] : [])
  const stars = await list('stars', everything ? [starRows(vault)] : [])
  await list('tldrs', everything ? [tldrRows(vault)] : [])
  await list('reading', everything ? [readingRows(vault)] : [])
  await list('publications', everything ? [publicationRows(vault)] : [])
  const { apiKeys, ...profile } = readProfile(vault)
  const isWritten = everything && vault.query('SELECT 1 FROM profile').length > 0
  await write(`,\n  "profile": ${isWritten ? indented(mutable(profile), '  ') : 'null'}`)
  const keys: JsonExport['apiKeys'] = apiKeys.map(({ provider, key, updatedAt }) => ({ provider, key, updatedAt }))
  await list('apiKeys', everything ? [keys] : [])
  await write('\n}\n')
  return { spaces, notes, diffs, stars }
}

const indented = (value: unknown, by: string) => JSON.stringify(value, null, 2).replaceAll('\n', `\n${by}`)
const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1)

function spaceRows(vault: LockstepVault, only: string | undefined): JsonExport['spaces'] {
  const spaces = only === undefined ? listSpaces(vault) : [findSpace(vault, only)]
  return spaces.sort(byId).map(({ id, name, avatar, folder, source, createdAt, updatedAt }) => ({
    id,
    name,
    avatar,
    folder,
    source,
    createdAt,
    updatedAt,
  }))
}

function* noteRows(vault: LockstepVault, { space, signal, onProgress }: JsonExportOptions): Generator<JsonExport['notes']> {
  const [where, given] = space === undefined ? ['1', []] : ['space = ?', [space]]
  const total = Number(vault.query(`SELECT count(*) AS notes FROM notes WHERE ${where}`, ...given)[0]?.['notes'])
  let done = 0
  for (let last = ''; ; ) {
    if (signal?.aborted) throw new ImportError('cancelled', `the export was stopped after ${done} of ${total} notes`)
    const batch = vault.query(`SELECT * FROM notes WHERE ${where} AND id > ? ORDER BY id LIMIT ${BATCH_NOTES}`, ...given, last)
    if (batch.length === 0) return
    last = String(batch.at(-1)?.['id'])
    yield batch.map((row) => ({
      id: String(row['id']),
      space: row['space'] as string | null,
      title: String(row['title']),
      path: row['path'] as string | null,
      text: String(row['text']),
      pinned: row['pinned'] === 1,
      source: row['source'] as string | null,
      createdAt: Number(row['createdAt']),
      updatedAt: Number(row['updatedAt']),
    }))
    done += batch.length
    onProgress?.({ done, total: Math.max(done, total) })
  }
}

function diffRows(vault: LockstepVault): JsonExport['diffs'] {
  return vault.query(`SELECT * FROM ${SHOWN_DIFFS} ORDER BY id`).map((row) => ({
    id: String(row['id']),
    title: String(row['title']),
    date: String(row['date']),
    text: String(row['text']),
    windowDays: Number(row['windowDays']),
    source: row['source'] as string | null,
    createdAt: Number(row['createdAt']),
  }))
}

function starRows(vault: LockstepVault): JsonExport['stars'] {
  return listStars(vault)
    .sort(byId)
    .map(({ diffId, paragraph, item, text, createdAt }) => ({ diff: diffId, paragraph, item, text, createdAt }))
}

function tldrRows(vault: LockstepVault): JsonExport['tldrs'] {
  return listTldrs(vault)
    .sort(byId)
    .map(({ diffId, paragraph, item, text, url, createdAt }) => ({ diff: diffId, paragraph, item, text, url, createdAt }))
}

function readingRows(vault: LockstepVault): JsonExport['reading'] {
  return vault
    .query(`SELECT r.diff, r.readAt FROM reading r JOIN ${SHOWN_DIFFS} d ON d.id = r.diff WHERE r.readAt > 0 ORDER BY r.id`)
    .map((row) => ({ diff: String(row['diff']), readAt: Number(row['readAt']) }))
}

function publicationRows(vault: LockstepVault): JsonExport['publications'] {
  return listPublications(vault)
    .sort(byId)
    .map(({ id, server, key, diffId, title, date, publishedAt }) => ({
      id,
      server,
      key,
      diff: diffId,
      title,
      date,
      publishedAt: publishedAt ?? 0,
    }))
}

function mutable({ languages, frameworks, tools, topics, ...scalars }: Omit<ReturnType<typeof readProfile>, 'apiKeys'>) {
  return { ...scalars, languages: [...languages], frameworks: [...frameworks], tools: [...tools], topics: [...topics] }
}
