/** Writes the JSON export (json-format.ts): rows that people see, in the order of their ids. */
import { SHOWN_DIFFS } from '@lockstep/model/diffs'
import { readProfile } from '@lockstep/model/profile'
import type { LockstepVault } from '@lockstep/model/schema'
import { listSpaces } from '@lockstep/model/spaces'
import { listStars } from '@lockstep/model/stars'
import { listTldrs } from '@lockstep/model/tldrs'
import { JSON_FORMAT, JSON_VERSION, type JsonExport } from '#json-format'

const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1)

/** Holds texts and keys in the clear: it belongs where only its person can read it. `now`: Unix milliseconds. */
export function exportJson(vault: LockstepVault, now: number): JsonExport {
  const { apiKeys, ...profile } = readProfile(vault)
  return {
    format: JSON_FORMAT,
    version: JSON_VERSION,
    exportedAt: now,
    spaces: listSpaces(vault)
      .sort(byId)
      .map(({ id, name, avatar, folder, source, createdAt, updatedAt }) => ({
        id,
        name,
        avatar,
        folder,
        source,
        createdAt,
        updatedAt,
      })),
    notes: vault.query('SELECT * FROM notes ORDER BY id').map((row) => ({
      id: String(row['id']),
      space: row['space'] as string | null,
      title: String(row['title']),
      path: row['path'] as string | null,
      text: String(row['text']),
      pinned: row['pinned'] === 1,
      source: row['source'] as string | null,
      createdAt: Number(row['createdAt']),
      updatedAt: Number(row['updatedAt']),
    })),
    diffs: vault.query(`SELECT * FROM ${SHOWN_DIFFS} ORDER BY id`).map((row) => ({
      id: String(row['id']),
      title: String(row['title']),
      date: String(row['date']),
      text: String(row['text']),
      windowDays: Number(row['windowDays']),
      source: row['source'] as string | null,
      createdAt: Number(row['createdAt']),
    })),
    stars: listStars(vault)
      .sort(byId)
      .map(({ diffId, paragraph, item, text, createdAt }) => ({ diff: diffId, paragraph, item, text, createdAt })),
    tldrs: listTldrs(vault)
      .sort(byId)
      .map(({ diffId, paragraph, item, text, url, createdAt }) => ({ diff: diffId, paragraph, item, text, url, createdAt })),
    profile: vault.query('SELECT 1 FROM profile').length === 0 ? null : mutable(profile),
    apiKeys: apiKeys.map(({ provider, key, updatedAt }) => ({ provider, key, updatedAt })),
  }
}

function mutable({ languages, frameworks, tools, topics, ...scalars }: Omit<ReturnType<typeof readProfile>, 'apiKeys'>) {
  return { ...scalars, languages: [...languages], frameworks: [...frameworks], tools: [...tools], topics: [...topics] }
}
