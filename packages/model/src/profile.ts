/**
 * What a person is interested in, and the keys of the services that write diffs. Interests are sets: what two devices
 * add at the same time is all kept [CELL-5].
 */

import { isRowId } from '@lockstep/engine/cell'
import type { Transaction } from '@lockstep/engine/transaction'
import { ModelError } from '#errors'
import type { LockstepVault, Tables } from '#schema'

/** Id of the one row. */
export const PROFILE_ID = 'profile'

export const INTERESTS = ['languages', 'frameworks', 'tools', 'topics'] as const
export type Interest = (typeof INTERESTS)[number]

export interface ApiKey {
  readonly provider: string
  readonly key: string
  readonly updatedAt: number
}

export interface Profile extends Readonly<Record<Interest, readonly string[]>> {
  readonly name: string
  readonly depth: string
  readonly customFocus: string
  readonly apiKeys: readonly ApiKey[]
  /** What the importer of a profile remembers; null where none was imported. */
  readonly source: string | null
  /** 0 for one that was never written. */
  readonly updatedAt: number
}

function members(json: unknown): string[] {
  return typeof json === 'string' ? (JSON.parse(json) as string[]) : []
}

export function readProfile(vault: LockstepVault): Profile {
  const [row = {}] = vault.query('SELECT * FROM profile WHERE id = ?', PROFILE_ID)
  const keys = vault.query('SELECT id, key, updatedAt FROM apiKeys ORDER BY id')
  return {
    name: String(row['name'] ?? ''),
    languages: members(row['languages']),
    frameworks: members(row['frameworks']),
    tools: members(row['tools']),
    topics: members(row['topics']),
    depth: String(row['depth'] ?? 'standard'),
    customFocus: String(row['customFocus'] ?? ''),
    apiKeys: keys.map((key) => ({
      provider: String(key['id']),
      key: String(key['key']),
      updatedAt: Number(key['updatedAt']),
    })),
    source: (row['source'] ?? null) as string | null,
    updatedAt: Number(row['updatedAt'] ?? 0),
  }
}

export interface ProfileEdit extends Partial<Readonly<Record<Interest, readonly string[] | undefined>>> {
  readonly name?: string | undefined
  readonly depth?: string | undefined
  readonly customFocus?: string | undefined
  readonly source?: string | null | undefined
  /** Provider → key; null removes it. Providers that are not named stay. */
  readonly apiKeys?: Readonly<Record<string, string | null>> | undefined
  readonly now: number
}

/** Writes what is given and differs; a list given is the whole new list. Returns whether anything changed. @throws ModelError `bad-provider` */
export function editProfile(vault: LockstepVault, edit: ProfileEdit): boolean {
  const { apiKeys = {}, now } = edit
  const before = readProfile(vault)
  for (const provider of Object.keys(apiKeys)) {
    if (!isRowId(provider)) {
      throw new ModelError('bad-provider', `"${provider}" cannot name a provider: use 1 to 64 letters, digits and . _ : -`)
    }
  }
  const scalars = (['name', 'depth', 'customFocus', 'source'] as const).filter(
    (name) => edit[name] !== undefined && edit[name] !== before[name],
  )
  const lists = INTERESTS.flatMap((interest) => memberEdits(interest, before[interest], edit[interest]))
  const keys = Object.entries(apiKeys).filter(
    ([provider, key]) => (before.apiKeys.find((known) => known.provider === provider)?.key ?? null) !== key,
  )
  if (scalars.length + lists.length + keys.length === 0) return false
  vault.transact((tx) => {
    if (scalars.length + lists.length > 0) {
      tx.put('profile', PROFILE_ID, { ...Object.fromEntries(scalars.map((name) => [name, edit[name]])), updatedAt: now })
    }
    for (const { interest, element, present } of lists) tx.setMember('profile', PROFILE_ID, interest, element, present)
    for (const [provider, key] of keys) writeKey(tx, provider, key, now)
  })
  return true
}

interface MemberEdit {
  readonly interest: Interest
  readonly element: string
  readonly present: boolean
}

function memberEdits(interest: Interest, before: readonly string[], after: readonly string[] | undefined): MemberEdit[] {
  if (after === undefined) return []
  const wanted = new Set(after.map((element) => element.trim().toWellFormed()).filter((element) => element !== ''))
  return [
    ...before.filter((element) => !wanted.has(element)).map((element) => ({ interest, element, present: false })),
    ...[...wanted].filter((element) => !before.includes(element)).map((element) => ({ interest, element, present: true })),
  ]
}

function writeKey(tx: Transaction<Tables>, provider: string, key: string | null, now: number): void {
  if (key === null) tx.delete('apiKeys', provider)
  else tx.put('apiKeys', provider, { key, updatedAt: now })
}
