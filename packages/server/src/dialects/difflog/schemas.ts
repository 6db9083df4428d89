/**
 * Bodies of requests, checked at the edge. Unknown fields are ignored; what is wrong is named by its field. `null` stands for "not
 * set" where clients send what they do not have: hashes and optional settings.
 */
import { z } from 'zod'
import { MAX_DEPTH, MAX_ENTRIES, MAX_FOCUS, MAX_ID, MAX_LISTED, MAX_SESSION, MAX_TEXT } from '#dialects/difflog/limits'

/** A database stores UTF-8: half of a surrogate pair would come back as something else. */
const text = (maximum: number) =>
  z
    .string()
    .max(maximum)
    .refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'must be well-formed text')

const id = text(MAX_ID).min(1)
const hash = text(MAX_TEXT)
const sealed = z.string().refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'must be well-formed text')
const optionalHash = hash.nullish()
/** No format is enforced beyond the colon that ends the client's salt. */
const newPasswordHash = hash.refine((value) => value.includes(':'), 'must be salt:hash')

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Level by level: what is nested by the thousand would be too deep for a function that calls itself. */
function isNestedDeeper(value: unknown, most: number): boolean {
  let level = [value].filter(isContainer)
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > most) return true
    level = level.flatMap((one) => Object.values(one).filter(isContainer))
  }
  return false
}
const anyJson = z.unknown().refine((value) => !isNestedDeeper(value, MAX_DEPTH), `must not be nested deeper than ${MAX_DEPTH}`)

const entries = z.array(text(MAX_TEXT)).max(MAX_ENTRIES).nullable()
const settingsFields = {
  name: text(MAX_TEXT).min(1),
  languages: entries,
  frameworks: entries,
  tools: entries,
  topics: entries,
  depth: text(MAX_TEXT).nullable(),
  custom_focus: text(MAX_FOCUS).nullable(),
}
const settings = z.object(settingsFields).partial()

const row = z.object({ id, encrypted_data: sealed })
const rows = z.array(row).max(MAX_LISTED)
const ids = z.array(id).max(MAX_LISTED)

export const createSchema = settings.extend({
  id: id.optional(),
  name: settingsFields.name,
  password_hash: newPasswordHash,
  encrypted_api_key: sealed.min(1),
  salt: hash.min(1),
  keys_hash: optionalHash,
})

export const updateSchema = settings.extend({ password_hash: hash, resolved_sources: anyJson.optional() })

export const contentSchema = z.object({
  password_hash: hash,
  diffs_hash: optionalHash,
  stars_hash: optionalHash,
  tldrs_hash: optionalHash,
  keys_hash: optionalHash,
})

export const syncSchema = contentSchema.extend({
  diffs: rows.optional(),
  stars: rows.optional(),
  tldrs: rows.optional(),
  deleted_diff_ids: ids.optional(),
  deleted_star_ids: ids.optional(),
  deleted_tldr_ids: ids.optional(),
  encrypted_api_key: sealed.nullish(),
  resolved_sources: anyJson.optional(),
  profile: settings.nullish(),
})
export type SyncRequest = z.infer<typeof syncSchema>

export const passwordSchema = z.object({
  old_password_hash: hash,
  new_password_hash: newPasswordHash,
  new_encrypted_api_key: sealed.min(1),
  new_salt: hash.min(1),
  diffs: rows,
  stars: rows,
  tldrs: rows.optional(),
})

export const shareCodeSchema = z.object({ profile_id: id })

export const loginSchema = z.object({
  encrypted_session: text(MAX_SESSION).min(1),
  /** Unix milliseconds. */
  expires: z.number(),
})

/** Query parameters and path parts that stand for texts of a request. */
export const passwordHashSchema = hash
