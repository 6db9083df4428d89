/**
 * Imports a profile of diff·log from its server: diffs, stars, TLDRs, interests and API keys. Ids of rows follow from the
 * profile and what diff·log calls a thing, so importing again makes no duplicates.
 *
 * | | the first time | again |
 * | --- | --- | --- |
 * | a diff | is added | follows what changed there; in the trash here it stays there until it changes |
 * | a diff that is no longer there | | stays: a server keeps fifty, so that says nothing. Only where another of its day came, it goes to the trash, as in diff·log |
 * | a star, a TLDR | is added, with the text it points at | goes where it was taken away there; taken away here it stays away |
 * | the profile, API keys | profile-merge.ts | |
 *
 * A day has one diff here. One whose day is taken, by a later one or by one that was made here, is kept without a day, and told.
 */
import { sha256 } from '@lockstep/crypto/foreign'
import { isRowId, toRowId } from '@lockstep/engine/cell'
import { MAX_VALUE_BYTES, type Transaction } from '@lockstep/engine/transaction'
import { titleOf } from '@lockstep/model/markdown-title'
import { editProfile, INTERESTS, readProfile } from '@lockstep/model/profile'
import type { LockstepVault, Tables } from '@lockstep/model/schema'
import { starId } from '@lockstep/model/stars'
import { z } from 'zod'
import {
  type DifflogOpener,
  difflogOpener,
  parseDiff,
  parseKeys,
  parseSpot,
  parseStar,
  parseTldr,
  type ReadDiff,
  type ReadStar,
  type ReadTldr,
} from '#difflog/content'
import { type DifflogParagraph, difflogParagraphs } from '#difflog/paragraphs'
import { mergeProfile, type ProfileFrom } from '#difflog/profile-merge'
import { type DifflogContent, DifflogSource } from '#difflog/source'
import { ImportError } from '#errors'
import { Refusals } from '#refusals'
import type { Refused } from '#source-tree'
import type { WebSource } from '#web-source'

const LABEL = 'lockstep/import/difflog'
const MAX_TITLE = 300
/** UTF-16 units of diffs in one transaction. */
const BATCH_LENGTH = 4 * 1024 * 1024

export interface DifflogImportOptions {
  readonly web: WebSource
  readonly profile: string
  readonly password: string
  /** Unix milliseconds. */
  readonly now: () => number
  /** The day of a time for this person, YYYY-MM-DD. */
  readonly dayOf: (millis: number) => string
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

export interface Counts {
  added: number
  updated: number
  unchanged: number
  /** Of the unchanged ones, those that are in the trash here. */
  inTrash: number
  /** Taken away there since: they went to the trash here. */
  removed: number
}

export interface DifflogImportSummary {
  readonly diffs: Readonly<Counts>
  readonly stars: Readonly<Counts>
  readonly tldrs: Readonly<Counts>
  /** Whether anything of the profile or its API keys was written. */
  readonly profileChanged: boolean
  /** Ids of diffs that were added without a day. */
  readonly withoutDay: readonly string[]
  readonly refused: readonly Refused[]
  readonly moreRefused: number
}

type Writer = Transaction<Tables>

const itemSchema = z.object({ id: z.string().min(1).max(512), encrypted_data: z.string() })
const digest = (text: string) => toRowId(sha256(new TextEncoder().encode(text)).subarray(0, 16))
const isTooLarge = (text: string) => new TextEncoder().encode(text).length > MAX_VALUE_BYTES
const TOO_LARGE = `is over the limit of ${MAX_VALUE_BYTES / 1024 / 1024} MiB`
const noCounts = (): Counts => ({ added: 0, updated: 0, unchanged: 0, inTrash: 0, removed: 0 })

/**
 * @throws ImportError `wrong-password`, `source-refused`, `source-invalid`; EngineError `offline`, `gate-refused`: nothing was
 *   imported. ImportError `cancelled`: what was imported until then stays
 */
export async function importDifflog(vault: LockstepVault, options: DifflogImportOptions): Promise<DifflogImportSummary> {
  const content = await new DifflogSource(options.web).content(options.profile, options.password)
  const open = await difflogOpener(options.password, content.salt)
  if (open === undefined) throw new ImportError('source-invalid', "the profile's salt is not base64")
  const refusals = new Refusals()
  const diffs = await readItems('diff', content.diffs, open, parseDiff, refusals)
  const stars = await readItems('star', content.stars, open, parseStar, refusals)
  const tldrs = await readItems('TLDR', content.tldrs, open, parseTldr, refusals)
  const profile = await readProfileFrom(content, open, options.profile, refusals)

  const import_ = new DifflogImport(vault, options, refusals)
  import_.diffs(diffs)
  import_.spots('stars', 'star', stars)
  import_.spots('tldrs', 'TLDR', tldrs)
  const merge = mergeProfile(readProfile(vault), profile)
  for (const provider of merge.otherKeys) refusals.add(`API key of ${provider}`, 'is another one here, which stays')
  const profileChanged = editProfile(vault, { ...merge.edit, now: options.now() })
  return { ...import_.summary, profileChanged, refused: refusals.listed, moreRefused: refusals.more }
}

interface Items<T> {
  /** Ids of all that are there, those that could not be read too. */
  readonly ids: readonly string[]
  readonly read: ReadonlyMap<string, T>
}

async function readItems<T>(
  noun: string,
  items: readonly unknown[],
  open: DifflogOpener,
  parse: (json: string, id: string) => T | undefined,
  refusals: Refusals,
): Promise<Items<T>> {
  const ids: string[] = []
  const read = new Map<string, T>()
  for (const [i, raw] of items.entries()) {
    const item = itemSchema.safeParse(raw)
    if (!item.success) {
      refusals.add(`${noun} number ${i + 1}`, 'has no id or no content')
      continue
    }
    const { id, encrypted_data } = item.data
    ids.push(id)
    // A public diff is not sealed.
    const json = noun === 'diff' && encrypted_data.startsWith('{') ? encrypted_data : await open(encrypted_data)
    const parsed = json === undefined ? undefined : parse(json, id)
    if (parsed !== undefined) read.set(id, parsed)
    else
      refusals.add(
        `${noun} ${id}`,
        json === undefined ? 'does not open with this password, or was altered' : 'holds no text that this release knows',
      )
  }
  return { ids, read }
}

/** What `profile.source` remembers of it must fit into one value. */
const MOST_INTERESTS = 1000
const MAX_INTEREST = 200
const MAX_PROFILE_TEXT = 100_000
const MOST_KEYS = 1000
const MAX_KEY = 10_000
const interestsSchema = z
  .array(z.string().max(MAX_INTEREST))
  .max(MOST_INTERESTS)
  .nullable()
  .transform((list) => [...new Set((list ?? []).map((element) => element.trim().toWellFormed()).filter(Boolean))])

async function readProfileFrom(
  { profile, encrypted_api_key: sealed }: DifflogContent,
  open: DifflogOpener,
  id: string,
  refusals: Refusals,
): Promise<ProfileFrom> {
  const read = <T>(name: string, schema: z.ZodType<T>): T | undefined => {
    if (profile[name] === undefined) return undefined
    const { success, data } = schema.safeParse(profile[name])
    if (!success) refusals.add(`the profile's ${name}`, 'is of another kind, or too long')
    return data
  }
  const text = (name: string) => read(name, z.string().max(MAX_PROFILE_TEXT).nullable()) ?? undefined
  const interests = Object.fromEntries(INTERESTS.map((interest) => [interest, read(interest, interestsSchema)]))
  const { languages, frameworks, tools, topics } = interests
  const scalars = { name: text('name'), depth: text('depth') || undefined, customFocus: text('custom_focus') }
  return { id, ...scalars, languages, frameworks, tools, topics, keys: await readKeys(sealed ?? '', open, refusals) }
}

async function readKeys(sealed: string, open: DifflogOpener, refusals: Refusals): Promise<Map<string, string> | undefined> {
  const plaintext = sealed === '' ? '' : await open(sealed)
  if (plaintext === undefined) {
    refusals.add('the API keys', 'do not open with this password, or were altered')
    return undefined
  }
  const keys = parseKeys(plaintext)
  for (const [i, [provider, key]] of [...keys].entries()) {
    if (isRowId(provider) && key.length <= MAX_KEY && i < MOST_KEYS) continue
    refusals.add(`API key of ${provider.slice(0, 100)}`, 'is too long or too many, or has a name that cannot be one here')
    keys.delete(provider)
  }
  return keys
}

class DifflogImport {
  readonly #vault: LockstepVault
  readonly #options: DifflogImportOptions
  readonly #refusals: Refusals
  readonly #now: number
  /** Begins `source` of every diff of this profile. */
  readonly #tag: string
  readonly #counts = { diffs: noCounts(), stars: noCounts(), tldrs: noCounts() }
  readonly #withoutDay: string[] = []
  /** Row ids of diffs that are there, those that could not be read too. */
  #present: ReadonlySet<string> = new Set()
  readonly #paragraphs = new Map<string, readonly DifflogParagraph[]>()

  constructor(vault: LockstepVault, options: DifflogImportOptions, refusals: Refusals) {
    this.#vault = vault
    this.#options = options
    this.#refusals = refusals
    this.#now = options.now()
    this.#tag = `${digest(options.profile)}.`
  }

  get summary() {
    return { ...this.#counts, withoutDay: this.#withoutDay }
  }

  #rowId(diff: string): string {
    return digest(JSON.stringify([LABEL, 'diff', this.#options.profile, diff]))
  }

  diffs({ ids, read }: Items<ReadDiff>): void {
    this.#present = new Set(ids.map((id) => this.#rowId(id)))
    // The newest of a day gets it.
    const sorted = [...read].sort(([, a], [, b]) => (b.generatedAt ?? 0) - (a.generatedAt ?? 0))
    let done = 0
    while (done < sorted.length) {
      if (this.#options.signal?.aborted) {
        throw new ImportError(
          'cancelled',
          `the import was stopped after ${done} of ${sorted.length} diffs; import again for the rest`,
        )
      }
      let to = done
      let length = 0
      while (to < sorted.length && length < BATCH_LENGTH) length += sorted[to++]?.[1].text.length ?? 0
      this.#vault.transact((tx) => {
        for (const [id, diff] of sorted.slice(done, to)) this.#takeDiff(tx, id, diff)
      })
      done = to
      this.#options.onProgress?.(done, sorted.length)
    }
  }

  #takeDiff(tx: Writer, sourceId: string, diff: ReadDiff): void {
    if (isTooLarge(diff.text)) {
      this.#refusals.add(`diff ${sourceId}`, TOO_LARGE)
      return
    }
    const id = this.#rowId(sourceId)
    const createdAt = this.#time(diff.generatedAt)
    const text = diff.text.toWellFormed()
    const title = (diff.title?.trim().slice(0, MAX_TITLE) || titleOf(text, 'Untitled')).toWellFormed()
    const { windowDays = 1 } = diff
    const source = this.#tag + digest(JSON.stringify([title, text, windowDays, diff.generatedAt]))
    const known = tx.get('diffs', id)
    const counts = this.#counts.diffs
    if (known?.source === source) {
      counts.unchanged++
      if (known._deleted) counts.inTrash++
      return
    }
    const isNew = known === undefined || known._deleted
    const date = isNew ? this.#freeDay(tx, this.#options.dayOf(createdAt)) : known.date
    tx.put('diffs', id, { title, text, date, windowDays, source, createdAt })
    counts[known === undefined ? 'added' : 'updated']++
    if (isNew && date === '') this.#withoutDay.push(id)
  }

  /** The day, or '' where another diff has it. One that came from there and is there no more makes room. */
  #freeDay(tx: Writer, day: string): string {
    const others = this.#vault.query('SELECT id, source FROM diffs WHERE date = ?', day)
    const isReplaced = (source: unknown, id: unknown) => String(source).startsWith(this.#tag) && !this.#present.has(String(id))
    if (!others.every(({ id, source }) => isReplaced(source, id))) return ''
    for (const { id } of others) if (tx.delete('diffs', String(id))) this.#counts.diffs.removed++
    return day
  }

  spots(table: 'stars' | 'tldrs', noun: string, { ids, read }: Items<ReadStar | ReadTldr>): void {
    const counts = this.#counts[table]
    const there = new Set<string>()
    for (const id of ids) {
      const spot = read.get(id) ?? parseSpot(id)
      if (spot !== undefined) there.add(starId(this.#rowId(spot.diff), 0, spot.index))
    }
    this.#vault.transact((tx) => {
      for (const [id, spot] of read) this.#takeSpot(tx, table, `${noun} ${id}`, spot)
      const imported = this.#vault.query(`SELECT id, diff FROM ${table} WHERE item IS NOT NULL`)
      for (const { id, diff } of imported) {
        if (!this.#present.has(String(diff)) || there.has(String(id))) continue
        tx.delete(table, String(id))
        counts.removed++
      }
    })
  }

  #takeSpot(tx: Writer, table: 'stars' | 'tldrs', name: string, spot: ReadStar | ReadTldr): void {
    const diffId = this.#rowId(spot.diff)
    const diff = tx.get('diffs', diffId)
    const pointedAt = diff && this.#paragraphsOf(diffId, diff.text)[spot.index]
    const isTldr = 'url' in spot
    if (diff === undefined || pointedAt === undefined || (isTldr && isTooLarge(spot.text))) {
      const missing =
        diff === undefined
          ? `belongs to the diff ${spot.diff}, which is not there`
          : 'points at a paragraph that its diff does not have'
      this.#refusals.add(name, pointedAt === undefined ? missing : TOO_LARGE)
      return
    }
    const id = starId(diffId, 0, spot.index)
    const createdAt = this.#time(spot.createdAt)
    const counts = this.#counts[table]
    const known = tx.get(table, id)
    // Taken away here, or with its diff: it comes back only when it was set again there.
    const isAgain = spot.createdAt !== undefined && createdAt > (known?.createdAt ?? 0)
    if (diff._deleted || (known?._deleted === true && !isAgain)) {
      counts.unchanged++
      counts.inTrash++
      return
    }
    const at = {
      diff: diffId,
      paragraph: pointedAt.run,
      item: spot.index,
      createdAt: known?._deleted === false ? known.createdAt : createdAt,
    }
    const outcome = isTldr
      ? tx.put('tldrs', id, { ...at, text: spot.text.toWellFormed(), url: spot.url.toWellFormed().slice(0, 10_000) })
      : tx.put('stars', id, { ...at, text: pointedAt.text })
    counts[outcome === 'inserted' ? 'added' : outcome]++
  }

  #paragraphsOf(diff: string, text: string): readonly DifflogParagraph[] {
    const known = this.#paragraphs.get(diff) ?? difflogParagraphs(text)
    this.#paragraphs.set(diff, known)
    return known
  }

  /** What comes from the future would stay ahead of everything in lists by time. */
  #time(millis: number | undefined): number {
    return Math.max(0, Math.min(this.#now, millis ?? this.#now))
  }
}
