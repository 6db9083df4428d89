/**
 * A profile on one device: what it holds, and what of that the server has not been told. Nothing here talks to anybody.
 *
 * A diff takes its stars and TLDRs along when it goes, and a day has one diff: generating it again replaces the day's.
 */
import type { Metadata } from './server.ts'

export interface Diff {
  readonly id: string
  readonly title: string
  readonly content: string
  /** RFC 3339. */
  readonly generated_at: string
  readonly isPublic?: boolean
  /** Of a public diff only: who published it. */
  readonly profile_name?: string
}

/** Its id is `diff_id:p_index`. */
export interface Star {
  readonly id: string
  readonly diff_id: string
  readonly p_index: number
  readonly added_at: string
}

/** Its id is `diff_id:p_index`. */
export interface Tldr {
  readonly id: string
  readonly diff_id: string
  readonly p_index: number
  readonly text: string
}

export type Kind = 'diffs' | 'stars' | 'tldrs'
export const KINDS: readonly Kind[] = ['diffs', 'stars', 'tldrs']

interface Items {
  readonly diffs: Diff
  readonly stars: Star
  readonly tldrs: Tldr
}

/** Ids to be told to the server, by collection. An id is never in both lists of its collection. */
export interface Pending {
  readonly modified: Readonly<Record<Kind, Set<string>>>
  readonly deleted: Readonly<Record<Kind, Set<string>>>
  profileModified: boolean
  keysModified: boolean
}

const sets = () => ({ diffs: new Set<string>(), stars: new Set<string>(), tldrs: new Set<string>() })

const nothing = (): Pending => ({ modified: sets(), deleted: sets(), profileModified: false, keysModified: false })

export interface ProfileOptions {
  readonly id: string
  readonly metadata: Metadata
  readonly apiKeys: Readonly<Record<string, string>>
}

export class Profile {
  readonly id: string
  metadata: Metadata
  apiKeys: Readonly<Record<string, string>>
  /** Collection hashes of when this device last knew that it and the server hold the same. */
  readonly syncedHashes: Partial<Record<Kind, string>> = {}
  /** Undefined: never synced. Null: was, and is not on the server any more. */
  syncedAt: string | null | undefined
  passwordSalt: string | undefined
  salt: string | undefined
  #pending = nothing()
  readonly #items = { diffs: new Map<string, Diff>(), stars: new Map<string, Star>(), tldrs: new Map<string, Tldr>() }

  constructor({ id, metadata, apiKeys }: ProfileOptions) {
    this.id = id
    this.metadata = metadata
    this.apiKeys = apiKeys
  }

  get pending(): Pending {
    return this.#pending
  }

  get hasPending(): boolean {
    const { modified, deleted, profileModified, keysModified } = this.#pending
    return profileModified || keysModified || KINDS.some((kind) => modified[kind].size > 0 || deleted[kind].size > 0)
  }

  all<K extends Kind>(kind: K): readonly Items[K][] {
    return [...(this.#items[kind] as Map<string, Items[K]>).values()]
  }

  has(kind: Kind, id: string): boolean {
    return this.#items[kind].has(id)
  }

  ids(kind: Kind): readonly string[] {
    return [...this.#items[kind].keys()].sort()
  }

  /** What the person did. */
  put<K extends Kind>(kind: K, item: Items[K]): void {
    this.take(kind, item)
    this.#pending.modified[kind].add(item.id)
    this.#pending.deleted[kind].delete(item.id)
  }

  /** What the person did; a diff's stars and TLDRs go with it. */
  delete(kind: Kind, id: string): void {
    if (!this.#items[kind].delete(id)) return
    this.#pending.modified[kind].delete(id)
    this.#pending.deleted[kind].add(id)
    if (kind !== 'diffs') return
    for (const { id: star } of this.all('stars').filter(({ diff_id }) => diff_id === id)) this.delete('stars', star)
    for (const { id: tldr } of this.all('tldrs').filter(({ diff_id }) => diff_id === id)) this.delete('tldrs', tldr)
  }

  /** A day has one diff. */
  generate(diff: Diff): void {
    const sameDay = this.all('diffs').filter((other) => other.generated_at.slice(0, 10) === diff.generated_at.slice(0, 10))
    for (const { id } of sameDay) this.delete('diffs', id)
    this.put('diffs', diff)
  }

  edit(change: Partial<Metadata>): void {
    this.metadata = { ...this.metadata, ...change }
    this.#pending.profileModified = true
  }

  setApiKeys(apiKeys: Readonly<Record<string, string>>): void {
    this.apiKeys = apiKeys
    this.#pending.keysModified = true
  }

  /** What the server sent. */
  take<K extends Kind>(kind: K, item: Items[K]): void {
    const items = this.#items[kind] as Map<string, Items[K]>
    items.set(item.id, item)
  }

  /** What is no longer on the server, and was not made here since. */
  drop(kind: Kind, id: string): void {
    this.#items[kind].delete(id)
  }

  /** Before the first upload: the server knows nothing of this. */
  markAllModified(): void {
    for (const kind of KINDS) for (const id of this.#items[kind].keys()) this.#pending.modified[kind].add(id)
  }

  /** Takes what is pending for an upload; what the person does meanwhile is pending anew. */
  startUpload(): Pending {
    const sent = this.#pending
    this.#pending = nothing()
    return sent
  }

  /** The upload failed, or nobody knows: all of it is still pending, under what was done since. */
  putBack(sent: Pending): void {
    const since = this.#pending
    for (const kind of KINDS) {
      for (const id of sent.modified[kind]) if (!since.deleted[kind].has(id)) since.modified[kind].add(id)
      for (const id of sent.deleted[kind]) if (!since.modified[kind].has(id)) since.deleted[kind].add(id)
    }
    since.profileModified ||= sent.profileModified
    since.keysModified ||= sent.keysModified
  }
}
