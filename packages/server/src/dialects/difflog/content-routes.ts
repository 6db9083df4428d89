/** A profile's rows: downloading, uploading, asking whether either is needed, and sealing all of them under a new password. */

import { filledSettings, requireItem, saltOf, settingsIn, wireTime } from '#dialects/difflog/profile-routes'
import { itemTooLarge, profileNotFound, quotaExceeded, Refusal } from '#dialects/difflog/refusal'
import { isMissing, networkOf, parseFields, pathPart, readFields, readWithPassword } from '#dialects/difflog/request'
import { contentSchema, passwordSchema, type SyncRequest, syncSchema } from '#dialects/difflog/schemas'
import type { Tools } from '#dialects/difflog/tools'
import { jsonResponse } from '#problems'
import type { CollectionSync, PerCollection, ProfileChange, Row } from '#storage/difflog'

type WireRow = { readonly id: string; readonly encrypted_data: string }

const fromWire = (rows: readonly WireRow[]): Row[] => rows.map(({ id, encrypted_data: data }) => ({ id, data }))
const toWire = (rows: readonly Row[]): WireRow[] => rows.map(({ id, data }) => ({ id, encrypted_data: data }))

/** @throws Refusal 413 that names the row */
function requireItems(lists: Readonly<Record<string, readonly WireRow[] | undefined>>, bytes: number): void {
  for (const [name, rows] of Object.entries(lists)) {
    rows?.forEach(({ encrypted_data: data }, i) => {
      // No text has fewer bytes than characters, or more than three for each.
      if (data.length * 3 <= bytes) return
      if (Buffer.byteLength(data) > bytes) throw itemTooLarge(`${name}.${i}.encrypted_data`, bytes)
    })
  }
}

function collectionsOf(request: SyncRequest): PerCollection<CollectionSync> {
  const collection = (
    rows: readonly WireRow[] | undefined,
    deleted: readonly string[] | undefined,
    hash: string | null | undefined,
  ) => ({
    rows: rows && fromWire(rows),
    deleted: deleted ?? [],
    hash: hash || undefined,
  })
  return {
    diffs: collection(request.diffs, request.deleted_diff_ids, request.diffs_hash),
    stars: collection(request.stars, request.deleted_star_ids, request.stars_hash),
    tldrs: collection(request.tldrs, request.deleted_tldr_ids, request.tldrs_hash),
  }
}

/** Keys that are not sent are not changed, and neither is their hash: it would tell of keys that the server does not have. */
function changeOf({ profile, resolved_sources, encrypted_api_key, keys_hash }: SyncRequest): ProfileChange {
  return {
    settings: settingsIn({ ...profile, ...(!isMissing(resolved_sources) && { resolved_sources }) }),
    keys: encrypted_api_key ? { sealed: encrypted_api_key, hash: keys_hash || null } : undefined,
  }
}

function echo(request: SyncRequest): Record<string, string> {
  const names = ['diffs_hash', 'stars_hash', 'tldrs_hash'] as const
  return Object.fromEntries(names.flatMap((name) => (typeof request[name] === 'string' ? [[name, request[name]]] : [])))
}

export function addContentRoutes({ services, limits, passwords, route }: Tools): void {
  const { storage, clock } = services
  const store = storage.difflog

  route('POST', '/api/profile/:id/content', async (context) => {
    const request = await readWithPassword(context, limits, contentSchema)
    const presented = { password: request.password_hash, network: networkOf(services, context) }
    const known = {
      diffs: request.diffs_hash || undefined,
      stars: request.stars_hash || undefined,
      tldrs: request.tldrs_hash || undefined,
    }
    const content = await passwords.allow(pathPart(context, 'id'), presented, (access) => store.content(access, known))
    const { keys, salt, settings } = content.profile
    const rowsOf = (rows: typeof content.diffs) => (rows === 'same' ? [] : toWire(rows))
    const sameKeys = !isMissing(request.keys_hash) && request.keys_hash === keys.hash
    return jsonResponse({
      diffs: rowsOf(content.diffs),
      stars: rowsOf(content.stars),
      tldrs: rowsOf(content.tldrs),
      ...(content.diffs === 'same' && { diffs_skipped: true }),
      ...(content.stars === 'same' && { stars_skipped: true }),
      ...(content.tldrs === 'same' && { tldrs_skipped: true }),
      ...(sameKeys ? { keys_skipped: true } : { encrypted_api_key: keys.sealed }),
      salt,
      profile: { ...filledSettings(settings), custom_focus: settings.custom_focus },
    })
  })

  route('POST', '/api/profile/:id/sync', async (context) => {
    const request = await readWithPassword(context, limits, syncSchema)
    const { diffs, stars, tldrs } = request
    requireItems({ diffs, stars, tldrs }, limits.itemBytes)
    requireItem('encrypted_api_key', request.encrypted_api_key, limits.itemBytes)
    requireItem('resolved_sources', request.resolved_sources, limits.itemBytes)
    const presented = { password: request.password_hash, network: networkOf(services, context) }
    const sync = { collections: collectionsOf(request), change: changeOf(request), now: clock(), quota: limits.quotaBytes }
    const outcome = await passwords.allow(pathPart(context, 'id'), presented, (access) => store.sync(access, sync))
    if (outcome === 'quota-exceeded') throw quotaExceeded(limits.quotaBytes)
    return jsonResponse({
      success: true,
      ...echo(request),
      synced: {
        diffs: diffs?.length ?? 0,
        stars: stars?.length ?? 0,
        tldrs: tldrs?.length ?? 0,
        deleted_diffs: request.deleted_diff_ids?.length ?? 0,
        deleted_stars: request.deleted_star_ids?.length ?? 0,
        deleted_tldrs: request.deleted_tldr_ids?.length ?? 0,
      },
    })
  })

  route('GET', '/api/profile/:id/sync', async (context) => {
    const profile = await store.profile(pathPart(context, 'id'))
    if (profile === undefined) throw profileNotFound()
    const { hashes, contentUpdatedAt } = profile
    const differs = (name: string, stored: string | null) => {
      const given = context.req.query(name)
      return given === undefined || given === '' || given !== stored
    }
    const diffs = differs('diffs_hash', hashes.diffs)
    const stars = differs('stars_hash', hashes.stars)
    const tldrs = differs('tldrs_hash', hashes.tldrs)
    return jsonResponse({
      needs_sync: diffs || stars || tldrs,
      diffs_sync_needed: diffs,
      stars_sync_needed: stars,
      tldrs_sync_needed: tldrs,
      server_diffs_hash: hashes.diffs,
      server_stars_hash: hashes.stars,
      server_tldrs_hash: hashes.tldrs,
      server_updated_at: wireTime(contentUpdatedAt),
    })
  })

  route('POST', '/api/profile/:id/password', async (context) => {
    const fields = await readFields(context, limits)
    if (isMissing(fields['old_password_hash']) || isMissing(fields['new_password_hash'])) {
      throw new Refusal(400, 'Both old and new passwords required')
    }
    if (isMissing(fields['new_encrypted_api_key']) || isMissing(fields['new_salt'])) {
      throw new Refusal(400, 'New encrypted API key and salt required')
    }
    const request = parseFields(passwordSchema, fields)
    const { diffs, stars, tldrs = [] } = request
    requireItems({ diffs, stars, tldrs }, limits.itemBytes)
    requireItem('new_encrypted_api_key', request.new_encrypted_api_key, limits.itemBytes)
    const id = pathPart(context, 'id')
    const network = networkOf(services, context)
    let password: string | undefined
    const outcome = await passwords.allow(id, { password: request.old_password_hash, network }, async (access) => {
      password ??= await passwords.make(request.new_password_hash)
      return store.rekey(access, {
        password,
        passwordSalt: saltOf(request.new_password_hash),
        salt: request.new_salt,
        sealedKeys: request.new_encrypted_api_key,
        rows: { diffs: fromWire(diffs), stars: fromWire(stars), tldrs: fromWire(tldrs) },
        now: clock(),
        quota: limits.quotaBytes,
      })
    })
    if (outcome === 'quota-exceeded') throw quotaExceeded(limits.quotaBytes)
    if (password !== undefined) passwords.remember(id, { password: request.new_password_hash, network }, password)
    return jsonResponse({ success: true, message: 'Password updated successfully' })
  })
}
