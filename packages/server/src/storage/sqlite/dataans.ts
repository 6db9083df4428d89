/** The Dataans dialect's part of the embedded storage; see storage/dataans.ts for what its methods promise. */
import type { DataansFile, DataansStore, DataansUser, PutFileOutcome } from '#storage/dataans'
import type { Connection } from '#storage/sqlite/connection'
import { createDataansBlocks } from '#storage/sqlite/dataans-blocks'
import { createDataansOperations } from '#storage/sqlite/dataans-operations'
import { createDataansTotals } from '#storage/sqlite/dataans-totals'
import { sha256 as nodeSha256 } from '#storage/sqlite/log-rows'

export interface DataansOptions {
  readonly connection: Connection
  readonly crashPoint: (name: string) => void
  /** A test counts by it. */
  readonly sha256?: (bytes: Uint8Array) => Uint8Array
}

function prepare({ db }: Connection) {
  return {
    user: db.prepare('SELECT id, secret_key_hash FROM dataans_user'),
    insertUser: db.prepare('INSERT INTO dataans_user (one, id, secret_key_hash) VALUES (1, ?, ?) ON CONFLICT DO NOTHING'),
    file: db.prepare('SELECT blob, bytes, digest FROM dataans_files WHERE id = ?'),
    putFile: db.prepare(
      `INSERT INTO dataans_files (id, blob, bytes, digest) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET blob = excluded.blob, bytes = excluded.bytes, digest = excluded.digest`,
    ),
    blobs: db.prepare('SELECT blob FROM dataans_files'),
  }
}

export function createDataansStore({ connection, crashPoint, sha256 = nodeSha256 }: DataansOptions): DataansStore {
  const sql = prepare(connection)
  const totals = createDataansTotals(connection)
  const blocks = createDataansBlocks({ connection, sha256 })
  const operations = createDataansOperations({ connection, blocks, totals, crashPoint })

  function user(): DataansUser | undefined {
    const row = sql.user.get()
    return row && { id: row['id'] as string, secretKeyHash: row['secret_key_hash'] as string }
  }

  function file(id: Uint8Array): DataansFile | undefined {
    const row = sql.file.get(id)
    return row && { blob: row['blob'] as string, bytes: row['bytes'] as number, digest: row['digest'] as Uint8Array }
  }

  function putFile(id: Uint8Array, { blob, bytes, digest }: DataansFile, quota: number): PutFileOutcome {
    return connection.transact(() => {
      const replaced = file(id)
      const { operationBytes, fileBytes } = totals.read()
      const growth = bytes - (replaced?.bytes ?? 0)
      const all = operationBytes + fileBytes + growth
      if (quota > 0 && all > quota && growth > 0) return { outcome: 'quota-exceeded', bytes: all }
      sql.putFile.run(id, blob, bytes, digest)
      totals.addFileBytes(growth)
      crashPoint('dataans-before-commit')
      return { outcome: 'stored', replaced: replaced?.blob }
    })
  }

  return {
    user: async () => user(),
    createUser: async ({ id, secretKeyHash }) =>
      connection.transact(() => (sql.insertUser.run(id, secretKeyHash).changes === 1 ? 'created' : 'exists')),
    addOperations: async (added, quota) => operations.add(added, quota),
    blocks: async (itemsPerBlock) => blocks.hashes(itemsPerBlock),
    operations: async (from, maxBytes) => operations.page(from, maxBytes),
    file: async (id) => file(id),
    putFile: async (id, stored, quota) => putFile(id, stored, quota),
    blobs: async () => sql.blobs.all().map((row) => row['blob'] as string),
    usage: async () => totals.read(),
  }
}
