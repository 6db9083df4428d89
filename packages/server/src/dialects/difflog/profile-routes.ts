/** Profiles: making, reading, changing and removing them, and what anybody may know of one. */
import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { itemTooLarge, profileNotFound, Refusal, tooMany } from '#dialects/difflog/refusal'
import {
  isMissing,
  networkOf,
  parseFields,
  pathPart,
  presentedInQuery,
  type RequestContext,
  readFields,
  readWithPassword,
} from '#dialects/difflog/request'
import { createSchema, updateSchema } from '#dialects/difflog/schemas'
import type { Tools } from '#dialects/difflog/tools'
import type { GuessRule } from '#guesses'
import { jsonResponse } from '#problems'
import type { Access, Settings, StoredProfile } from '#storage/difflog'

const HOUR = 60 * 60_000
const REQUIRED = ['name', 'password_hash', 'encrypted_api_key', 'salt'] as const

/** `YYYY-MM-DDTHH:MM:SSZ` */
export function wireTime(time: number | null): string | null {
  return time === null ? null : `${new Date(time).toISOString().slice(0, 19)}Z`
}

/** The client's salt: what is before the first colon of the transport hash. */
export function saltOf(passwordHash: string): string {
  return passwordHash.slice(0, passwordHash.indexOf(':'))
}

type SettingsFields = { readonly [K in keyof Settings]?: Settings[K] | undefined }

/** The settings among a request's fields: only those that are there. */
export function settingsIn(fields: SettingsFields): Partial<Settings> {
  const names = ['name', 'languages', 'frameworks', 'tools', 'topics', 'depth', 'custom_focus', 'resolved_sources'] as const
  return Object.fromEntries(names.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])))
}

/** What is shown where a profile is about to be brought to a device: what was never set has the value that the app begins with. */
export function filledSettings({
  name,
  languages,
  frameworks,
  tools,
  topics,
  depth,
}: Settings): Omit<Settings, 'custom_focus' | 'resolved_sources'> {
  return {
    name,
    languages: languages ?? [],
    frameworks: frameworks ?? [],
    tools: tools ?? [],
    topics: topics ?? [],
    depth: depth ?? 'standard',
  }
}

/** @throws Refusal 413 */
export function requireItem(field: string, value: unknown, bytes: number): void {
  if (value === undefined || value === null) return
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (Buffer.byteLength(text) > bytes) throw itemTooLarge(field, bytes)
}

const EMPTY_SETTINGS: Omit<Settings, 'name'> = {
  languages: null,
  frameworks: null,
  tools: null,
  topics: null,
  depth: null,
  custom_focus: null,
  resolved_sources: null,
}

export function addProfileRoutes({ services, limits, passwords, route }: Tools): void {
  const { storage, guesses, clock } = services
  const store = storage.difflog
  const newProfiles: GuessRule = { count: limits.profilesAnHour, window: HOUR, burst: 0 }

  async function known(context: RequestContext): Promise<StoredProfile> {
    const profile = await store.profile(pathPart(context, 'id'))
    if (profile === undefined) throw profileNotFound()
    return profile
  }

  async function withRows(access: Access): Promise<{ profile: StoredProfile; data: Record<string, string[]> } | 'stale'> {
    const content = await store.content(access, { diffs: undefined, stars: undefined, tldrs: undefined })
    if (content === 'stale') return 'stale'
    const dataOf = (rows: typeof content.diffs) => (rows === 'same' ? [] : rows.map(({ data }) => data))
    return { profile: content.profile, data: { encrypted_diffs: dataOf(content.diffs), encrypted_stars: dataOf(content.stars) } }
  }

  type Created = z.infer<typeof createSchema> & { readonly id: string }

  async function makeNew(request: Created, network: string): Promise<'created' | 'taken'> {
    const counted = await guesses.at([{ rule: newProfiles, key: guesses.key('difflog-create', network) }])
    if (!counted.allowed) throw tooMany('Too many new profiles from your network', counted.retryAfter)
    const password = await passwords.make(request.password_hash)
    const outcome = await store.createProfile({
      id: request.id,
      password,
      passwordSalt: saltOf(request.password_hash),
      salt: request.salt,
      keys: { sealed: request.encrypted_api_key, hash: request.keys_hash || null },
      settings: { ...EMPTY_SETTINGS, ...settingsIn(request), name: request.name },
      now: clock(),
    })
    if (outcome === 'taken') await counted.withdraw()
    return outcome
  }

  route('POST', '/api/profile/create', async (context) => {
    const fields = await readFields(context, limits)
    if (REQUIRED.some((name) => isMissing(fields[name]))) throw new Refusal(400, 'Missing required fields')
    const parsed = parseFields(createSchema, fields)
    requireItem('encrypted_api_key', parsed.encrypted_api_key, limits.itemBytes)
    const request: Created = { ...parsed, id: parsed.id ?? randomUUID() }
    const network = networkOf(services, context)
    const exists = (await store.profile(request.id)) !== undefined
    if (exists || (await makeNew(request, network)) === 'taken') {
      await passwords.allow(request.id, { password: request.password_hash, network }, (access) =>
        store.changeProfile(access, {
          settings: settingsIn(request),
          keys: { sealed: request.encrypted_api_key, hash: request.keys_hash || null },
          salt: request.salt,
        }),
      )
    }
    return jsonResponse({ id: request.id, name: request.name }, 201)
  })

  route('GET', '/api/share/:id', async (context) => {
    const { id, settings, passwordSalt } = await known(context)
    const response = jsonResponse({ id, ...filledSettings(settings), password_salt: passwordSalt })
    response.headers.set('cache-control', 'no-cache')
    return response
  })

  route('GET', '/api/profile/:id/status', async (context) => {
    const profile = await store.profile(pathPart(context, 'id'))
    if (profile === undefined) return jsonResponse({ exists: false })
    const { hashes, keys, contentUpdatedAt } = profile
    return jsonResponse({
      exists: true,
      diffs_hash: hashes.diffs,
      stars_hash: hashes.stars,
      tldrs_hash: hashes.tldrs,
      keys_hash: keys.hash,
      content_updated_at: wireTime(contentUpdatedAt),
    })
  })

  route('GET', '/api/profile/:id', async (context) => {
    const presented = presentedInQuery(services, context)
    const withData = context.req.query('include_data') === 'true'
    const { profile, data } = await passwords.allow(pathPart(context, 'id'), presented, async (access) => {
      if (withData) return withRows(access)
      const found = await store.profileFor(access)
      return found === 'stale' ? 'stale' : { profile: found, data: {} }
    })
    const { id, settings, keys, salt, contentUpdatedAt } = profile
    const { name, languages, frameworks, tools, topics, depth, custom_focus, resolved_sources } = settings
    return jsonResponse({
      id,
      name,
      encrypted_api_key: keys.sealed,
      salt,
      languages,
      frameworks,
      tools,
      topics,
      depth,
      custom_focus,
      resolved_sources,
      content_updated_at: wireTime(contentUpdatedAt),
      ...data,
    })
  })

  route('PUT', '/api/profile/:id', async (context) => {
    const request = await readWithPassword(context, limits, updateSchema)
    requireItem('resolved_sources', request.resolved_sources, limits.itemBytes)
    const presented = { password: request.password_hash, network: networkOf(services, context) }
    await passwords.allow(pathPart(context, 'id'), presented, (access) =>
      store.changeProfile(access, { settings: settingsIn(request) }),
    )
    return jsonResponse({ success: true })
  })

  route('DELETE', '/api/profile/:id', async (context) => {
    const presented = presentedInQuery(services, context)
    await passwords.allow(pathPart(context, 'id'), presented, (access) => store.removeProfile(access))
    return jsonResponse({ success: true })
  })
}
