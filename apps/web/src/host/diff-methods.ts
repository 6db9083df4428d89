/** What a tab may ask about diffs, their stars and what has been read. */
import { parseQuery, type SearchQuery } from '@lockstep/engine/search/query'
import { type Snippet, snippet } from '@lockstep/engine/search/snippet'
import {
  addDiff,
  type Diff,
  type DiffSummary,
  findDiff,
  listDiffs,
  type NewDiff,
  removeDiff,
  restoreDiff,
} from '@lockstep/model/diffs'
import { paragraphs } from '@lockstep/model/paragraphs'
import { editProfile, type Interest, type Profile, type ProfileEdit, readProfile } from '@lockstep/model/profile'
import { markRead, markUnread } from '@lockstep/model/reading'
import type { LockstepVault } from '@lockstep/model/schema'
import { addStar, listStars, type NewStar, removeStar, restoreStar, type Star } from '@lockstep/model/stars'
import { listTldrs } from '@lockstep/model/tldrs'

export interface FoundDiff {
  readonly id: string
  readonly date: string
  /** With the found words marked, as in `text`. */
  readonly title: Snippet
  readonly text: Snippet
  /** Where most of the words are; undefined: in the title alone. */
  readonly paragraph: number | undefined
}

export interface FoundStar {
  readonly id: string
  readonly diffId: string
  readonly diffTitle: string
  readonly date: string
  readonly paragraph: number
  /** With the found words marked. */
  readonly text: Snippet
}

export interface FoundDiffs {
  readonly diffs: readonly FoundDiff[]
  readonly stars: readonly FoundStar[]
}

/** What is shown of one that is not there: the diff that its day has instead, if any. */
export type ShownDiff = { readonly diff: Diff } | { readonly instead: string | undefined }

/** A profile whose keys stay here: nobody who looks at a screen learns them. */
export interface ShownProfile extends Omit<Profile, 'apiKeys' | 'source'> {
  readonly apiKeys: readonly { readonly provider: string; readonly updatedAt: number }[]
}

/** Words that go into a list of interests, or out of it; the others stay, whoever put them there meanwhile. */
export interface InterestChange {
  readonly interest: Interest
  readonly add: readonly string[]
  readonly remove: readonly string[]
  readonly now: number
}

const MAX_TITLE = 200

const isShown = (vault: LockstepVault, table: 'diffs' | 'stars', id: string): boolean =>
  vault.query(`SELECT 1 FROM ${table} WHERE id = ?`, id).length > 0

/** The first of those paragraphs that have most of the words. */
function bestParagraph(text: string, query: SearchQuery): { readonly paragraph: number | undefined; readonly shown: Snippet } {
  let best: { readonly paragraph: number | undefined; readonly shown: Snippet; readonly marks: number } | undefined
  for (const [paragraph, part] of paragraphs(text).entries()) {
    const shown = snippet(part, query)
    const marks = new Set(shown.highlights.map(([start, end]) => shown.text.slice(start, end).toLocaleLowerCase())).size
    if (marks > (best?.marks ?? 0)) best = { paragraph, shown, marks }
  }
  return best ?? { paragraph: undefined, shown: snippet(text, query) }
}

function searchDiffs(vault: LockstepVault, text: string, limit: number): FoundDiffs {
  const query = parseQuery(text)
  const shown = new Map(listDiffs(vault).map((diff) => [diff.id, diff]))
  const diffs = vault.search('diffs', text, { limit }).ids.flatMap((id) => {
    if (!shown.has(id)) return []
    const diff = findDiff(vault, id)
    const { paragraph, shown: found } = bestParagraph(diff.text, query)
    return [{ id, date: diff.date, title: snippet(diff.title, query, MAX_TITLE), text: found, paragraph }]
  })
  const stars = vault.search('stars', text, { limit }).ids.flatMap((id) => {
    const [row] = vault.query('SELECT diff, paragraph, text FROM stars WHERE id = ?', id)
    const diff = shown.get(String(row?.['diff']))
    if (row === undefined || diff === undefined) return []
    const { id: diffId, title: diffTitle, date } = diff
    return [{ id, diffId, diffTitle, date, paragraph: Number(row['paragraph']), text: snippet(String(row['text']), query) }]
  })
  const latestFirst = (a: { readonly date: string }, b: { readonly date: string }) =>
    a.date > b.date ? -1 : Number(a.date < b.date)
  return { diffs: diffs.sort(latestFirst), stars: stars.sort(latestFirst) }
}

function shownDiff(vault: LockstepVault, id: string): ShownDiff {
  const shown = listDiffs(vault)
  if (shown.some((diff) => diff.id === id)) return { diff: findDiff(vault, id) }
  const [row] = vault.query('SELECT date FROM all_diffs WHERE id = ?', id)
  const date = String(row?.['date'] ?? '')
  return { instead: date === '' ? undefined : shown.find((diff) => diff.date === date)?.id }
}

export function diffMethods(vault: LockstepVault) {
  return {
    /** The latest day first. */
    diffs: (): DiffSummary[] => listDiffs(vault),
    diff: (id: string): ShownDiff => shownDiff(vault, id),
    tldrs: (diff: string) => listTldrs(vault, diff),
    addDiff: (diff: NewDiff & { readonly id: string }) => addDiff(vault, diff),
    /** One that went already is where it should be. */
    removeDiff(id: string): void {
      if (isShown(vault, 'diffs', id)) removeDiff(vault, id)
    },
    /** One that came back already is where it should be. */
    restoreDiff(id: string): void {
      if (!isShown(vault, 'diffs', id)) restoreDiff(vault, id)
    },
    stars: (): Star[] => listStars(vault),
    /** Those of a diff: paragraph and id. */
    starsOf: (diff: string) =>
      vault
        .query('SELECT id, paragraph FROM stars WHERE diff = ?', diff)
        .map((row) => ({ id: String(row['id']), paragraph: Number(row['paragraph']) })),
    addStar: (star: NewStar): string => addStar(vault, star),
    /** Those that went already are where they should be. */
    removeStars(ids: readonly string[]): void {
      for (const id of ids) if (isShown(vault, 'stars', id)) removeStar(vault, id)
    },
    restoreStars(ids: readonly string[]): void {
      for (const id of ids) if (!isShown(vault, 'stars', id)) restoreStar(vault, id)
    },
    markRead: (ids: readonly string[], now: number) => markRead(vault, ids, now),
    markUnread: (ids: readonly string[]) => markUnread(vault, ids),
    searchDiffs: ({ text, limit }: { readonly text: string; readonly limit: number }): FoundDiffs =>
      searchDiffs(vault, text, limit),
    profile(): ShownProfile {
      const { apiKeys, source: _source, ...shown } = readProfile(vault)
      return { ...shown, apiKeys: apiKeys.map(({ provider, updatedAt }) => ({ provider, updatedAt })) }
    },
    changeInterest({ interest, add, remove, now }: InterestChange): boolean {
      const kept = readProfile(vault)[interest].filter((item) => !remove.includes(item))
      return editProfile(vault, { [interest]: [...new Set([...kept, ...add])], now })
    },
    editProfile: (edit: ProfileEdit): boolean => editProfile(vault, edit),
  }
}
