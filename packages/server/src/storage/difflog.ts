/**
 * What the diff·log dialect needs from a database: profiles, the three collections of each, and short-lived codes. Same terms as
 * storage.ts: every method is one atomic step and durable when its promise resolves. An adapter proves itself with the cases in
 * contract/difflog.ts and takes the decisions in difflog-rules.ts.
 *
 * Rows belong to their profile: the key of a row is (profile, collection, id), and no method reaches a row of another profile but
 * `publicDiff`, which reads only rows that their owner made public.
 *
 * A password is checked before and outside of the step that it allows, because that takes long. The step is given what was checked
 * (an access) and does nothing, answering `stale`, when the profile is gone or its password is another one by then.
 */

/** The adapter's own handle of a profile: an integer that means nothing outside one database and is never used twice. */
export type ProfileKey = number & { readonly __brand: 'ProfileKey' }

export const COLLECTIONS = ['diffs', 'stars', 'tldrs'] as const
export type Collection = (typeof COLLECTIONS)[number]
export type PerCollection<T> = Readonly<Record<Collection, T>>

/** What a right password gives access to. */
export interface Access {
  readonly key: ProfileKey
  /** The slow hash that the password was checked against, as stored. */
  readonly password: string
}

/** What a person set; `null` where nothing was. */
export interface Settings {
  readonly name: string
  readonly languages: readonly string[] | null
  readonly frameworks: readonly string[] | null
  readonly tools: readonly string[] | null
  readonly topics: readonly string[] | null
  readonly depth: string | null
  readonly custom_focus: string | null
  /** Any JSON value. */
  readonly resolved_sources: unknown
}

/** The profile's API keys as the client sealed them, and its hash of them where it sent one with them. */
export interface SealedKeys {
  readonly sealed: string
  readonly hash: string | null
}

export interface StoredProfile {
  readonly access: Access
  readonly id: string
  readonly settings: Settings
  /** The client's own salt of the password, as it was sent. */
  readonly passwordSalt: string
  /** The client's salt of its content key. */
  readonly salt: string
  readonly keys: SealedKeys
  /** By the rule of `hashAfter`. */
  readonly hashes: PerCollection<string | null>
  /** Of the last sync or change of password, Unix milliseconds; `null` before the first. */
  readonly contentUpdatedAt: number | null
}

export interface NewProfile {
  readonly id: string
  readonly password: string
  readonly passwordSalt: string
  readonly salt: string
  readonly keys: SealedKeys
  readonly settings: Settings
  /** Unix milliseconds. */
  readonly now: number
}

/** What is absent stays as it is. */
export interface ProfileChange {
  readonly settings?: Partial<Settings>
  readonly keys?: SealedKeys | undefined
  readonly salt?: string
  /** The same password under another slow hash. */
  readonly password?: string
}

export interface Row {
  readonly id: string
  /** As the client sent it: sealed, or the plain JSON of a diff that was made public. */
  readonly data: string
}

/** What a sync says about one collection. */
export interface CollectionSync {
  /** Undefined where the request did not list any, not even none. */
  readonly rows: readonly Row[] | undefined
  readonly deleted: readonly string[]
  /** The client's hash of all it has. Not empty. */
  readonly hash: string | undefined
}

export interface Sync {
  readonly collections: PerCollection<CollectionSync>
  readonly change: ProfileChange
  /** Unix milliseconds. */
  readonly now: number
  /** The most bytes a profile may hold, as `rowBytes` counts them; 0 for no bound. */
  readonly quota: number
}

/** A new password, and everything sealed anew under it. */
export interface Rekey {
  readonly password: string
  readonly passwordSalt: string
  readonly salt: string
  readonly sealedKeys: string
  /** All rows there are from now on. */
  readonly rows: PerCollection<readonly Row[]>
  readonly now: number
  readonly quota: number
}

/** `same`: the stored hash is the one that was asked with, so the client has these rows. */
export type Content = PerCollection<readonly Row[] | 'same'> & { readonly profile: StoredProfile }

export type CodeKind = 'share' | 'login'

export interface NewCode {
  readonly kind: CodeKind
  readonly code: string
  readonly value: string
  /** Unix milliseconds. */
  readonly expiresAt: number
  readonly now: number
  /** The most codes of this kind at one time. */
  readonly most: number
}

export interface DifflogStore {
  profile(id: string): Promise<StoredProfile | undefined>
  createProfile(profile: NewProfile): Promise<'created' | 'taken'>
  /** Sealed keys that differ from the stored ones replace their hash too. The collections and their time stay as they are. */
  changeProfile(access: Access, change: ProfileChange): Promise<'done' | 'stale'>
  /** Rows, settings and codes that name it: nothing of the profile is left. */
  removeProfile(access: Access): Promise<'done' | 'stale'>

  profileFor(access: Access): Promise<StoredProfile | 'stale'>
  /** Rows in the order in which they first came. */
  content(access: Access, known: PerCollection<string | undefined>): Promise<Content | 'stale'>
  /**
   * Puts the listed rows, then deletes the listed ids; a deleted diff takes its TLDRs with it (`isTldrOf`). Then diffs beyond
   * `MAX_DIFFS` are dropped, the oldest by `ageOf` first and the earlier stored of the same age, their TLDRs with them. Hashes follow
   * `hashAfter`. Nothing is stored when the profile would be over its quota.
   */
  sync(access: Access, sync: Sync): Promise<'done' | 'stale' | 'quota-exceeded'>
  /** Sets the password and the rows; rows that stay keep their place in the order. Stored hashes are forgotten. */
  rekey(access: Access, rekey: Rekey): Promise<'done' | 'stale' | 'quota-exceeded'>

  /** The public diff with this id. Where several profiles have one, the row that was stored first; a private row is none. */
  publicDiff(id: string): Promise<string | undefined>

  /** Takes the place of a code of the same kind and name, unless `fresh` is asked for. */
  putCode(code: NewCode, fresh: boolean): Promise<'stored' | 'taken' | 'full'>
  code(kind: CodeKind, code: string, now: number): Promise<string | undefined>
  /** The same, and removes it: of several callers one gets it. */
  takeCode(kind: CodeKind, code: string, now: number): Promise<string | undefined>
}
