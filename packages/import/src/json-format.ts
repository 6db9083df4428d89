/**
 * The JSON export: everything in a vault that people see, in one document that other programs can read. Times are Unix
 * milliseconds. Rows keep their ids, so importing it again finds them.
 *
 * The version goes up when a reader of the old one would misunderstand the new one; added fields do not raise it.
 */
import { isRowId } from '@lockstep/engine/cell'
import { MAX_VALUE_BYTES } from '@lockstep/engine/transaction'
import { isDay } from '@lockstep/model/diffs'
import { starId } from '@lockstep/model/stars'
import { parseShareLink, printShareLink, type ShareLink } from '@lockstep/protocol/share'
import { z } from 'zod'
import { ImportError } from '#errors'

export const JSON_FORMAT = 'lockstep-export'
export const JSON_VERSION = 1

const id = z.string().refine(isRowId, 'must be 1 to 64 letters, digits and . _ : -')
/** Leaves room for the colon and the paragraph of a star's id. */
const diffId = id.refine((text) => text.length <= 50, 'must be at most 50 characters')
const time = z.int().min(0).default(0)
const value = z
  .string()
  .refine(
    (text) => new TextEncoder().encode(text).length <= MAX_VALUE_BYTES,
    `is over the limit of ${MAX_VALUE_BYTES / 1024 / 1024} MiB`,
  )
const interests = z.array(z.string().min(1).max(1000)).max(10_000).default([])

/** One that reads as it is written. */
function isLink(parts: ShareLink): boolean {
  try {
    const { server, id, key } = parseShareLink(printShareLink(parts))
    return server === parts.server && id === parts.id && key === parts.key
  } catch {
    return false
  }
}

function unique<T>(key: (row: T) => string) {
  return (rows: readonly T[], context: z.RefinementCtx) => {
    const seen = new Set<string>()
    for (const [i, row] of rows.entries()) {
      if (seen.has(key(row))) context.addIssue({ code: 'custom', path: [i], message: `"${key(row)}" is there twice` })
      seen.add(key(row))
    }
  }
}

const space = z.object({
  id,
  name: value,
  avatar: value.nullable().default(null),
  folder: value.nullable().default(null),
  source: value.nullable().default(null),
  createdAt: time,
  updatedAt: time,
})
const note = z.object({
  id,
  space: id.nullable(),
  title: value,
  path: value.nullable().default(null),
  text: value,
  pinned: z.boolean().default(false),
  source: value.nullable().default(null),
  createdAt: time,
  updatedAt: time,
})
const diff = z.object({
  id: diffId,
  title: value,
  date: z.string().refine((text) => text === '' || isDay(text), 'must be a day, YYYY-MM-DD, or empty'),
  text: value,
  windowDays: z.int().min(0).default(1),
  source: value.nullable().default(null),
  createdAt: time,
})
const index = z.int().min(0).max(999_999)
const star = z.object({ diff: diffId, paragraph: index, item: index.nullable().default(null), text: value, createdAt: time })
const tldr = z.object({ ...star.shape, url: value.default('') })
const reading = z.object({ diff: diffId, readAt: z.int().min(1) })
const publication = z
  .object({
    id,
    server: z.string(),
    key: z.string(),
    diff: id,
    title: value,
    date: z.string(),
    /** 0: begun, and perhaps not done. */
    publishedAt: time,
  })
  .refine(isLink, 'must be a public link in parts')
const profile = z.object({
  name: value.default(''),
  languages: interests,
  frameworks: interests,
  tools: interests,
  topics: interests,
  depth: value.default('standard'),
  customFocus: value.default(''),
  source: value.nullable().default(null),
  updatedAt: time,
})
const apiKey = z.object({ provider: id, key: value, updatedAt: time })

const schema = z.object({
  format: z.literal(JSON_FORMAT),
  version: z.literal(JSON_VERSION),
  exportedAt: time,
  spaces: z
    .array(space)
    .superRefine(unique((row) => row.id))
    .default([]),
  notes: z
    .array(note)
    .superRefine(unique((row) => row.id))
    .default([]),
  diffs: z
    .array(diff)
    .superRefine(unique((row) => row.id))
    .default([]),
  stars: z
    .array(star)
    .superRefine(unique((row) => starId(row.diff, row.paragraph, row.item)))
    .default([]),
  tldrs: z
    .array(tldr)
    .superRefine(unique((row) => starId(row.diff, row.paragraph, row.item)))
    .default([]),
  /** What has been read. */
  reading: z
    .array(reading)
    .superRefine(unique((row) => row.diff))
    .default([]),
  publications: z
    .array(publication)
    .superRefine(unique((row) => row.id))
    .default([]),
  /** Null where none was ever written. */
  profile: profile.nullable().default(null),
  apiKeys: z
    .array(apiKey)
    .superRefine(unique((row) => row.provider))
    .default([]),
})

export type JsonExport = z.output<typeof schema>

/** Issues shown of a document that has many. */
const SHOWN_ISSUES = 5

/** @throws ImportError `source-invalid` */
export function parseJsonExport(text: string): JsonExport {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ImportError('source-invalid', `this is not JSON: ${(error as Error).message}`, { cause: error })
  }
  const { format, version } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<string, unknown>>
  if (format !== JSON_FORMAT)
    throw new ImportError('source-invalid', `this is not a Lockstep export: its "format" is not "${JSON_FORMAT}"`)
  if (typeof version === 'number' && version > JSON_VERSION) {
    throw new ImportError(
      'source-invalid',
      `this export has version ${version}, this release reads ${JSON_VERSION}: update Lockstep`,
    )
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`)
  const more = issues.length > SHOWN_ISSUES ? ` and ${issues.length - SHOWN_ISSUES} more` : ''
  throw new ImportError('source-invalid', `this export cannot be read: ${issues.slice(0, SHOWN_ISSUES).join('; ')}${more}`)
}
