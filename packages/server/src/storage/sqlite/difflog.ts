/** The diff·log dialect's store on SQLite; see its interface for what it promises. */
import {
  type Access,
  COLLECTIONS,
  type Collection,
  type Content,
  type DifflogStore,
  type NewProfile,
  type PerCollection,
  type ProfileChange,
  type ProfileKey,
  type Rekey,
  type Settings,
  type StoredProfile,
  type Sync,
} from '#storage/difflog'
import { hashAfter, Tally } from '#storage/difflog-rules'
import type { Connection } from '#storage/sqlite/connection'
import { createDifflogCodes } from '#storage/sqlite/difflog-codes'
import { createDifflogRows } from '#storage/sqlite/difflog-rows'

type Found = Record<string, unknown>

/** Thrown inside a transaction to undo it. */
class OverQuota extends Error {}

function toProfile(row: Found): StoredProfile {
  return {
    access: { key: row['number'] as ProfileKey, password: row['password'] as string },
    id: row['id'] as string,
    settings: JSON.parse(row['settings'] as string) as Settings,
    passwordSalt: row['password_salt'] as string,
    salt: row['salt'] as string,
    keys: { sealed: row['keys'] as string, hash: row['keys_hash'] as string | null },
    hashes: {
      diffs: row['diffs_hash'] as string | null,
      stars: row['stars_hash'] as string | null,
      tldrs: row['tldrs_hash'] as string | null,
    },
    contentUpdatedAt: row['content_updated_at'] as number | null,
  }
}

export function createDifflogStore(connection: Connection): DifflogStore {
  const { db } = connection
  const rows = createDifflogRows(db)
  const codes = createDifflogCodes(connection)
  const sql = {
    byId: db.prepare('SELECT * FROM difflog_profiles WHERE id = ?'),
    byAccess: db.prepare('SELECT * FROM difflog_profiles WHERE number = ? AND password = ?'),
    insert: db.prepare(
      `INSERT INTO difflog_profiles (id, password, password_salt, salt, keys_hash, keys, settings, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    ),
    update: db.prepare(
      'UPDATE difflog_profiles SET password = ?, salt = ?, keys_hash = ?, keys = ?, settings = ? WHERE number = ?',
    ),
    setContent: db.prepare(
      'UPDATE difflog_profiles SET diffs_hash = ?, stars_hash = ?, tldrs_hash = ?, content_updated_at = ? WHERE number = ?',
    ),
    rekey: db.prepare(
      `UPDATE difflog_profiles SET password = ?, password_salt = ?, salt = ?, keys_hash = NULL, keys = ?, diffs_hash = NULL,
       stars_hash = NULL, tldrs_hash = NULL, content_updated_at = ? WHERE number = ?`,
    ),
    remove: db.prepare('DELETE FROM difflog_profiles WHERE number = ?'),
  }

  function profileOf({ key, password }: Access): StoredProfile | undefined {
    const row = sql.byAccess.get(key, password)
    return row && toProfile(row)
  }

  /** Runs `work` in a transaction on the profile that the access is for, if it still is. */
  function within<T>(access: Access, work: (profile: StoredProfile) => T): T | 'stale' {
    return connection.transact(() => {
      const profile = profileOf(access)
      return profile === undefined ? 'stale' : work(profile)
    })
  }

  function bounded(work: () => 'done' | 'stale'): 'done' | 'stale' | 'quota-exceeded' {
    try {
      return work()
    } catch (error) {
      if (error instanceof OverQuota) return 'quota-exceeded'
      throw error
    }
  }

  function requireQuota(profile: ProfileKey, before: number, quota: number): void {
    const bytes = rows.bytes(profile)
    // What makes a profile smaller is welcome at any size.
    if (quota > 0 && bytes > quota && bytes > before) throw new OverQuota()
  }

  function applyChange({ access, settings, keys, salt }: StoredProfile, change: ProfileChange): void {
    const newKeys =
      change.keys === undefined || (change.keys.sealed === keys.sealed && change.keys.hash === null) ? keys : change.keys
    sql.update.run(
      change.password ?? access.password,
      change.salt ?? salt,
      newKeys.hash,
      newKeys.sealed,
      JSON.stringify({ ...settings, ...change.settings }),
      access.key,
    )
  }

  function applySync({ access: { key }, hashes }: StoredProfile, { collections, now, quota }: Sync): void {
    const before = rows.bytes(key)
    const tallies = { diffs: new Tally(), stars: new Tally(), tldrs: new Tally() }
    for (const collection of COLLECTIONS) {
      // Of rows with one id the last counts.
      for (const row of new Map(collections[collection].rows?.map((listed) => [listed.id, listed])).values()) {
        tallies[collection].put(row.id, rows.put(key, collection, row, now))
      }
    }
    const remove = (collection: Collection, id: string): void => {
      if (rows.remove(key, collection, id)) tallies[collection].remove(id)
      if (collection === 'diffs') for (const tldr of rows.tldrsOf(key, id)) remove('tldrs', tldr)
    }
    for (const collection of COLLECTIONS) {
      for (const id of collections[collection].deleted) remove(collection, id)
    }
    for (const id of rows.surplus(key)) remove('diffs', id)
    requireQuota(key, before, quota)
    const hashOf = (collection: Collection): string | null => {
      const { rows: listed, hash: sent } = collections[collection]
      const tally = tallies[collection]
      const exact = tally.isAllOf(rows.count(key, collection)) && (listed !== undefined || tally.changed)
      return hashAfter({ stored: hashes[collection], sent, changed: tally.changed, exact })
    }
    sql.setContent.run(hashOf('diffs'), hashOf('stars'), hashOf('tldrs'), now, key)
  }

  function applyRekey({ access: { key } }: StoredProfile, rekey: Rekey): void {
    const before = rows.bytes(key)
    for (const collection of COLLECTIONS) {
      const listed = new Set(rekey.rows[collection].map(({ id }) => id))
      for (const id of rows.ids(key, collection)) {
        if (!listed.has(id)) rows.remove(key, collection, id)
      }
      for (const row of rekey.rows[collection]) rows.put(key, collection, row, rekey.now)
    }
    for (const id of rows.surplus(key)) {
      rows.remove(key, 'diffs', id)
      for (const tldr of rows.tldrsOf(key, id)) rows.remove(key, 'tldrs', tldr)
    }
    requireQuota(key, before, rekey.quota)
    sql.rekey.run(rekey.password, rekey.passwordSalt, rekey.salt, rekey.sealedKeys, rekey.now, key)
  }

  function createProfile({ id, password, passwordSalt, salt, keys, settings, now }: NewProfile): 'created' | 'taken' {
    const values = [id, password, passwordSalt, salt, keys.hash, keys.sealed, JSON.stringify(settings), now] as const
    return connection.transact(() => (sql.insert.run(...values).changes === 0 ? 'taken' : 'created'))
  }

  function content(access: Access, known: PerCollection<string | undefined>): Content | 'stale' {
    const profile = profileOf(access)
    if (profile === undefined) return 'stale'
    const { key } = access
    const of = (collection: Collection) => {
      const same = known[collection] !== undefined && known[collection] === profile.hashes[collection]
      return same ? 'same' : rows.all(key, collection)
    }
    return { profile, diffs: of('diffs'), stars: of('stars'), tldrs: of('tldrs') }
  }

  return {
    async profile(id) {
      const row = sql.byId.get(id)
      return row && toProfile(row)
    },
    createProfile: async (profile) => createProfile(profile),
    changeProfile: async (access, change) =>
      within(access, (profile) => {
        applyChange(profile, change)
        return 'done'
      }),
    removeProfile: async (access) =>
      within(access, ({ id }) => {
        rows.clear(access.key)
        codes.removeOfProfile(id)
        sql.remove.run(access.key)
        return 'done'
      }),
    profileFor: async (access) => profileOf(access) ?? 'stale',
    content: async (access, known) => content(access, known),
    sync: async (access, sync) =>
      bounded(() =>
        within(access, (profile) => {
          applyChange(profile, sync.change)
          applySync(profile, sync)
          return 'done'
        }),
      ),
    rekey: async (access, rekey) =>
      bounded(() =>
        within(access, (profile) => {
          applyRekey(profile, rekey)
          return 'done'
        }),
      ),
    publicDiff: async (id) => rows.publicDiff(id),
    putCode: async (code, fresh) => codes.put(code, fresh),
    code: async (kind, code, now) => codes.get(kind, code, now),
    takeCode: async (kind, code, now) => codes.take(kind, code, now),
  }
}
