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

/** What came; `keys` is undefined where they could not be read. */
export interface ProfileFrom extends Readonly<Record<Interest, readonly string[]>> {
  readonly id: string
  readonly name: string
  readonly depth: string
  readonly customFocus: string
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
  const scalars = SCALARS.map((name) => {
    const follows = last === undefined ? mine[name] === UNSET[name] : theirs[name] !== last[name]
    return [name, follows ? theirs[name] : mine[name]]
  })
  const interests = INTERESTS.map((interest) => {
    const before = new Set(last?.[interest])
    const now = new Set(theirs[interest])
    const stays = mine[interest].filter((element) => now.has(element) || !before.has(element))
    return [
      interest,
      [...stays, ...theirs[interest].filter((element) => !before.has(element) && !mine[interest].includes(element))],
    ]
  })
  const { apiKeys, otherKeys } = mergeKeys(mine, theirs, last)
  const { keys = new Map<string, string>(), ...rest } = theirs
  const snapshot: Snapshot = {
    ...rest,
    languages: [...rest.languages],
    frameworks: [...rest.frameworks],
    tools: [...rest.tools],
    topics: [...rest.topics],
    keys:
      theirs.keys === undefined
        ? (last?.keys ?? {})
        : Object.fromEntries([...keys].map(([provider, key]) => [provider, digest(key)])),
  }
  return { edit: { ...Object.fromEntries([...scalars, ...interests]), apiKeys, source: JSON.stringify(snapshot) }, otherKeys }
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
