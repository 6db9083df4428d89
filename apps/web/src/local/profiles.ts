/**
 * The profiles of this browser, as people call them: each is a vault with a database, an account and drafts of its own. A tab shows one;
 * which, it remembers for itself, and a new tab shows the one that was chosen last. The others rest: what is told of them is what their
 * own tab knew when it was last open.
 */
import type { DeviceStatus } from '@lockstep/engine/device'
import { createChoice } from '#local/choice'
import { browserShelf } from '#local/shelf'

export const FIRST_PROFILE = 'main'

/** What the tab of a profile knew last. */
export interface ProfileNews {
  readonly state: DeviceStatus['state']
  /** Changes that wait. */
  readonly pending: number
  /** Unix milliseconds. */
  readonly lastSyncedAt: number | undefined
}

export interface KnownProfile {
  /** Of its device in this browser. */
  readonly id: string
  /** '' as long as it has none. */
  readonly name: string
  readonly news: ProfileNews | undefined
}

const STATES: Readonly<Record<string, ProfileNews['state'] | undefined>> = {
  local: 'local',
  'not-on-server': 'not-on-server',
  pending: 'pending',
  synced: 'synced',
  'needs-password': 'needs-password',
  'needs-gate': 'needs-gate',
  problem: 'problem',
} satisfies { readonly [S in ProfileNews['state']]: S }

const ID = /^[\w-]{1,64}$/
const SHOWN = 'profile'

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

function parseNews(json: unknown): ProfileNews | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { state: said, pending, lastSyncedAt } = json as Readonly<Record<string, unknown>>
  const state = STATES[String(said)]
  if (state === undefined || typeof pending !== 'number') return undefined
  return { state, pending, lastSyncedAt: typeof lastSyncedAt === 'number' ? lastSyncedAt : undefined }
}

function parseProfile(json: unknown): KnownProfile[] {
  if (typeof json !== 'object' || json === null) return []
  const { id, name, news } = json as Readonly<Record<string, unknown>>
  return isId(id) ? [{ id, name: typeof name === 'string' ? name : '', news: parseNews(news) }] : []
}

/** The first is there always. */
export function parseProfiles(json: unknown): readonly KnownProfile[] {
  const known = Array.isArray(json) ? json.flatMap(parseProfile) : []
  return known.some(({ id }) => id === FIRST_PROFILE) ? known : [{ id: FIRST_PROFILE, name: '', news: undefined }, ...known]
}

const profiles = createChoice<readonly KnownProfile[]>({
  shelf: browserShelf,
  name: 'profiles',
  parse: parseProfiles,
  toJson: (known) => known,
})

export const useProfiles = profiles.use

function readShown(): string {
  let own: string | null = null
  try {
    own = sessionStorage.getItem(SHOWN)
  } catch {
    // A browser that keeps nothing has the first one.
  }
  const isKnown = (id: unknown): id is string => isId(id) && profiles.current().some((profile) => profile.id === id)
  return [own, browserShelf.read(SHOWN)].find(isKnown) ?? FIRST_PROFILE
}

/** Id of the one that this tab shows: for as long as the page lives. */
export const shownProfile: string = readShown()

/** From the next time that the page is loaded. */
export function showNext(id: string): void {
  browserShelf.keep(SHOWN, id)
  try {
    sessionStorage.setItem(SHOWN, id)
  } catch {
    // As above.
  }
}

/** @param id by who adds it, so that it is there once */
export function addProfile(id: string, name: string): void {
  profiles.set([...profiles.current().filter((known) => known.id !== id), { id, name, news: undefined }])
}

export function learnOfProfile(id: string, learned: Partial<Omit<KnownProfile, 'id'>>): void {
  profiles.set(profiles.current().map((known) => (known.id === id ? { ...known, ...learned } : known)))
}

/** Its data are gone: so is all that was known of it. The first is there anew, and empty. */
export function forgetProfile(id: string): void {
  profiles.set(parseProfiles(profiles.current().filter((known) => known.id !== id)))
  if (profiles.current().length === 1) browserShelf.clear()
  showNext(FIRST_PROFILE)
}
