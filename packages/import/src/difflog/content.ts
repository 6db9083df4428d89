/**
 * What diff·log's clients seal, and what is in it.
 *
 *     password_hash  = clientSalt ":" base64(SHA-256(UTF-8(clientSalt ‖ password)))            what the server checks
 *     key            = PBKDF2-HMAC-SHA-256(password, salt, 100 000, 32)
 *     encrypted_data = base64(iv 12 ‖ AES-256-GCM(key, iv, JSON))                              a public diff: the JSON itself
 *
 * | JSON of | members that are taken |
 * | --- | --- |
 * | a diff | `content`, `title`, `generated_at`, `window_days` |
 * | a star | `diff_id`, `p_index`, `added_at` |
 * | a TLDR | `diff_id`, `p_index`, `summary`, `url`, `created_at` |
 * | the keys | `{"apiKeys": {provider: key}}`; older ones `{provider: key}`, or one key of Anthropic's and no JSON |
 *
 * The server knows none of these shapes and clients changed them over time, so each is read as far as it can be; what must be there
 * is the text, and what a star or TLDR points at.
 */
import { createGcmOpener, sha256 } from '@lockstep/crypto/foreign'
import { pbkdf2Sha256 } from '@lockstep/crypto/webcrypto'
import { z } from 'zod'

const ITERATIONS = 100_000
const KEY_BYTES = 32
const IV_BYTES = 12
/** Of a time as an id: Unix milliseconds between 2001 and 2286. */
const MILLIS_ID = /^\d{13}$/

const utf8 = (text: string) => new TextEncoder().encode(text)

/** Undefined for what is not base64. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** What the server is shown in place of the password. */
export function transportHash(password: string, clientSalt: string): string {
  const digest = sha256(utf8(clientSalt + password))
  return `${clientSalt}:${btoa(String.fromCharCode(...digest))}`
}

/** Undefined where the text was not sealed with the key, or was altered. */
export type DifflogOpener = (sealed: string) => Promise<string | undefined>

/** Undefined where the salt is none. */
export async function difflogOpener(password: string, salt: string): Promise<DifflogOpener | undefined> {
  const bytes = fromBase64(salt)
  if (bytes === undefined) return undefined
  const openGcm = await createGcmOpener(await pbkdf2Sha256(utf8(password), bytes, ITERATIONS, KEY_BYTES))
  return async (sealed) => {
    const all = fromBase64(sealed)
    if (all === undefined) return undefined
    try {
      const plaintext = await openGcm(all.subarray(0, IV_BYTES), all.subarray(IV_BYTES))
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext)
    } catch {
      return undefined
    }
  }
}

/** Times are Unix milliseconds; undefined where none was kept. */
export interface ReadDiff {
  readonly text: string
  readonly title: string | undefined
  readonly generatedAt: number | undefined
  readonly windowDays: number | undefined
}

/** Where a star or a TLDR is. */
export interface Spot {
  /** diff·log's id of the diff. */
  readonly diff: string
  /** In diff·log's own counting. */
  readonly index: number
}

export interface ReadStar extends Spot {
  readonly createdAt: number | undefined
}

export interface ReadTldr extends ReadStar {
  readonly text: string
  readonly url: string
}

/** A member of another type is as good as none. */
const some = <T>(schema: z.ZodType<T>) => schema.optional().catch(undefined)
const text = some(z.string())
const time = some(z.union([z.string(), z.number()])).transform((value) => {
  const millis = typeof value === 'string' ? Date.parse(value) : value
  return millis === undefined || !Number.isFinite(millis) || Math.abs(millis) > 8.64e15 ? undefined : Math.floor(millis)
})
const id = some(z.union([z.string(), z.number()]).transform(String))
const index = some(z.int().min(0).max(999_999))

const diffSchema = z.object({
  content: text,
  text,
  markdown: text,
  title: text,
  generated_at: time,
  generatedAt: time,
  window_days: some(z.int().min(0).max(100_000)),
})
const spotSchema = z.object({ diff_id: id, p_index: index, added_at: time, created_at: time, updated_at: time })
const tldrSchema = z.object({ ...spotSchema.shape, summary: text, text, content: text, url: text })
const keysSchema = z.object({ apiKeys: z.record(z.string(), z.unknown()) })

function parseObject(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** `rowId`: what the server calls it. Undefined where there is no text in it. */
export function parseDiff(json: string, rowId: string): ReadDiff | undefined {
  const { data } = diffSchema.safeParse(parseObject(json))
  const content = data?.content ?? data?.text ?? data?.markdown
  if (data === undefined || content === undefined) return undefined
  return {
    text: content,
    title: data.title,
    generatedAt: data.generated_at ?? data.generatedAt ?? (MILLIS_ID.test(rowId) ? Number(rowId) : undefined),
    windowDays: data.window_days,
  }
}

/** `diffId:index`, which ids of stars and TLDRs are. */
export function parseSpot(rowId: string): Spot | undefined {
  const [, diff, at] = /^(.+):(\d{1,6})$/s.exec(rowId) ?? []
  return diff === undefined ? undefined : { diff, index: Number(at) }
}

export function parseStar(json: string, rowId: string): ReadStar | undefined {
  const { data } = spotSchema.safeParse(parseObject(json))
  if (data === undefined) return undefined
  const spot = spotOf(data, rowId)
  return spot && { ...spot, createdAt: data.added_at ?? data.created_at }
}

export function parseTldr(json: string, rowId: string): ReadTldr | undefined {
  const { data } = tldrSchema.safeParse(parseObject(json))
  const summary = data?.summary ?? data?.text ?? data?.content
  if (data === undefined || summary === undefined) return undefined
  const spot = spotOf(data, rowId)
  return spot && { ...spot, text: summary, url: data.url ?? '', createdAt: data.created_at ?? data.updated_at ?? data.added_at }
}

function spotOf({ diff_id, p_index }: z.output<typeof spotSchema>, rowId: string): Spot | undefined {
  return diff_id === undefined || p_index === undefined ? parseSpot(rowId) : { diff: diff_id, index: p_index }
}

/** Provider → key. */
export function parseKeys(plaintext: string): Map<string, string> {
  const object = parseObject(plaintext)
  if (object === undefined) return new Map(plaintext === '' ? [] : [['anthropic', unquoted(plaintext)]])
  const bundle = keysSchema.safeParse(object)
  return new Map(
    Object.entries(bundle.success ? bundle.data.apiKeys : object).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  )
}

function unquoted(key: string): string {
  return /^"[^"\\]*"$/.test(key) ? key.slice(1, -1) : key
}
