/** Rows of diff·log profiles on SQLite. Every function runs inside its caller's transaction and keeps the profile's count of bytes. */
import type { DatabaseSync } from 'node:sqlite'
import { COLLECTIONS, type Collection, type ProfileKey, type Row } from '#storage/difflog'
import { ageOf, isPublic, isTldrOf, MAX_DIFFS, rowBytes } from '#storage/difflog-rules'

type Found = Record<string, unknown>

const numberOf = (collection: Collection) => COLLECTIONS.indexOf(collection)

export function createDifflogRows(db: DatabaseSync) {
  const sql = {
    get: db.prepare('SELECT number, bytes, data FROM difflog_rows WHERE profile = ? AND collection = ? AND id = ?'),
    insert: db.prepare('INSERT INTO difflog_rows (profile, collection, id, age, bytes, public, data) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    update: db.prepare('UPDATE difflog_rows SET bytes = ?, public = ?, data = ? WHERE number = ?'),
    remove: db.prepare('DELETE FROM difflog_rows WHERE profile = ? AND collection = ? AND id = ? RETURNING bytes'),
    all: db.prepare('SELECT id, data FROM difflog_rows WHERE profile = ? AND collection = ? ORDER BY number'),
    ids: db.prepare('SELECT id FROM difflog_rows WHERE profile = ? AND collection = ?'),
    // By bytes, as `<` compares texts: from `diffId:` up to the first text that begins with something greater.
    idsFrom: db.prepare('SELECT id FROM difflog_rows WHERE profile = ? AND collection = ? AND id >= ? AND id < ?'),
    count: db.prepare('SELECT count(*) AS n FROM difflog_rows WHERE profile = ? AND collection = ?'),
    surplus: db.prepare(
      'SELECT id FROM difflog_rows WHERE profile = ? AND collection = ? ORDER BY age DESC, number DESC LIMIT -1 OFFSET ?',
    ),
    clear: db.prepare('DELETE FROM difflog_rows WHERE profile = ?'),
    addBytes: db.prepare('UPDATE difflog_profiles SET bytes = bytes + ? WHERE number = ?'),
    bytes: db.prepare('SELECT bytes FROM difflog_profiles WHERE number = ?'),
    publicDiff: db.prepare('SELECT data FROM difflog_rows WHERE id = ? AND public = 1 ORDER BY number LIMIT 1'),
  }
  const idsOf = (rows: readonly Found[]) => rows.map((row) => row['id'] as string)

  function put(profile: ProfileKey, collection: Collection, row: Row, now: number): 'added' | 'changed' | 'same' {
    const { id, data } = row
    const bytes = rowBytes(row)
    const open = collection === 'diffs' && isPublic(data) ? 1 : 0
    const before = sql.get.get(profile, numberOf(collection), id)
    if (before === undefined) {
      const age = collection === 'diffs' ? ageOf(id, now) : now
      sql.insert.run(profile, numberOf(collection), id, age, bytes, open, data)
      sql.addBytes.run(bytes, profile)
      return 'added'
    }
    if (before['data'] === data) return 'same'
    sql.update.run(bytes, open, data, before['number'] as number)
    sql.addBytes.run(bytes - (before['bytes'] as number), profile)
    return 'changed'
  }

  /** Whether it was there. */
  function remove(profile: ProfileKey, collection: Collection, id: string): boolean {
    const removed = sql.remove.get(profile, numberOf(collection), id)
    if (removed === undefined) return false
    sql.addBytes.run(-(removed['bytes'] as number), profile)
    return true
  }

  return {
    put,
    remove,
    all(profile: ProfileKey, collection: Collection): Row[] {
      const found = sql.all.all(profile, numberOf(collection))
      return found.map((row) => ({ id: row['id'] as string, data: row['data'] as string }))
    },
    ids: (profile: ProfileKey, collection: Collection) => idsOf(sql.ids.all(profile, numberOf(collection))),
    count: (profile: ProfileKey, collection: Collection) => sql.count.get(profile, numberOf(collection))?.['n'] as number,
    bytes: (profile: ProfileKey) => sql.bytes.get(profile)?.['bytes'] as number,

    tldrsOf(profile: ProfileKey, diffId: string): string[] {
      const near = idsOf(sql.idsFrom.all(profile, numberOf('tldrs'), `${diffId}:`, `${diffId};`))
      return near.filter((id) => isTldrOf(diffId, id))
    },

    /** The oldest diffs beyond the most that a profile may have. */
    surplus: (profile: ProfileKey) => idsOf(sql.surplus.all(profile, numberOf('diffs'), MAX_DIFFS)),

    /** All rows of a profile that goes. */
    clear(profile: ProfileKey): void {
      sql.clear.run(profile)
    },

    publicDiff: (id: string) => sql.publicDiff.get(id)?.['data'] as string | undefined,
  }
}
