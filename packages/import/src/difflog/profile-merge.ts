/**
 * A profile from elsewhere meets the one that is here. The row `profile` remembers what was last imported, so that what was
 * changed there can be told from what was changed here:
 *
 * | | the first time | again |
 * | --- | --- | --- |
 * | name, depth, focus | fill what is empty here | follow what changed there, else stay |
 * | languages, frameworks, tools, topics | are added | what was added there is added, what was removed there goes |
 * | an API key | is added; another one that is here stays, and is told | follows what changed there, else stays |
 */
import { sha256 } from '@lockstep/crypto/foreign'
import { toRowId } from '@lockstep/engine/cell'
import { INTERESTS, type Interest, type Profile, type ProfileEdit } from '@lockstep/model/profile'
import { z } from 'zod'

const SCALARS = ['name', 'depth', 'customFocus'] as const
const UNSET = { name: '', depth: 'standard', customFocus: '' } as const

const lists = {
  languages: z.array(z.string()),
  frameworks: z.array(z.string()),
  tools: z.array(z.string()),
  topics: z.array(z.string()),
}
const snapshotSchema = z.object({
  /** Which profile it was. */
  id: z.string(),
  name: z.string(),
  depth: z.string(),
  customFocus: z.string(),
  ...lists,
  /** Provider → digest of its key. */
  keys: z.record(z.string(), z.string()),
})
type Snapshot = z.output<typeof snapshotSchema>

type Scalar = (typeof SCALARS)[number]

/** What came; undefined is what was not there or could not be read, and changes nothing. */
export interface ProfileFrom
  extends Readonly<Record<Interest, readonly string[] | undefined>>,
    Readonly<Record<Scalar, string | undefined>> {
  readonly id: string
  /** Provider → key. */
  readonly keys: ReadonlyMap<string, string> | undefined
}

export interface ProfileMerge {
  /** Without the time. */
  readonly edit: Omit<ProfileEdit, 'now'>
  /** Providers of which another key is here, which stays. */
  readonly otherKeys: readonly string[]
}

const digest = (text: string) => toRowId(sha256(new TextEncoder().encode(text)).subarray(0, 16))

export function mergeProfile(mine: Profile, theirs: ProfileFrom): ProfileMerge {
  const last = readSnapshot(mine.source, theirs.id)
  const edit: Partial<Record<Scalar, string> & Record<Interest, string[]>> = {}
  const empty = { ...UNSET, languages: [], frameworks: [], tools: [], topics: [], keys: {} }
  const snapshot: Snapshot = { ...empty, ...last, id: theirs.id }
  for (const name of SCALARS) {
    const value = theirs[name]
    if (value === undefined) continue
    if (last === undefined ? mine[name] === UNSET[name] : value !== last[name]) edit[name] = value
    snapshot[name] = value
  }
  for (const interest of INTERESTS) {
    const now = theirs[interest]
    if (now === undefined) continue
    const before = new Set(last?.[interest])
    const stays = mine[interest].filter((element) => now.includes(element) || !before.has(element))
    edit[interest] = [...stays, ...now.filter((element) => !before.has(element) && !mine[interest].includes(element))]
    snapshot[interest] = [...now]
  }
  const { apiKeys, otherKeys } = mergeKeys(mine, theirs, last)
  if (theirs.keys !== undefined) {
    snapshot.keys = Object.fromEntries(
      [...theirs.keys].map(([provider, key]) => [provider, digest(key)] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
  // Parsed once more for its members to be in one order: the same content must be the same text.
  return { edit: { ...edit, apiKeys, source: JSON.stringify(snapshotSchema.parse(snapshot)) }, otherKeys }
}

/** Of this profile: one of another is as good as none. */
function readSnapshot(source: string | null, id: string): Snapshot | undefined {
  if (source === null) return undefined
  try {
    const { data } = snapshotSchema.safeParse(JSON.parse(source))
    return data?.id === id ? data : undefined
  } catch {
    return undefined
  }
}

function mergeKeys(mine: Profile, { keys }: ProfileFrom, last: Snapshot | undefined) {
  const apiKeys: Record<string, string | null> = {}
  const otherKeys: string[] = []
  if (keys === undefined) return { apiKeys, otherKeys }
  const here = new Map(mine.apiKeys.map(({ provider, key }) => [provider, key]))
  const before = new Map(Object.entries(last?.keys ?? {}))
  for (const [provider, key] of keys) {
    const known = before.get(provider)
    const present = here.get(provider)
    if (known === undefined ? present === undefined : known !== digest(key)) apiKeys[provider] = key
    else if (known === undefined && present !== key) otherKeys.push(provider)
  }
  for (const [provider, known] of before) {
    const present = here.get(provider)
    if (!keys.has(provider) && present !== undefined && digest(present) === known) apiKeys[provider] = null
  }
  return { apiKeys, otherKeys }
}
