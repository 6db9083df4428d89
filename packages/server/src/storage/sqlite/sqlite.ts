/**
 * The embedded storage: `node:sqlite`, one file in a folder. SQLite runs on the calling thread, so each method is done
 * when it returns; the promises only fit the interface. That costs the event loop the time of an fsync and saves a
 * hop to another thread for every read.
 */
import { createAccounts } from '#storage/sqlite/accounts'
import { type Connection, openConnection } from '#storage/sqlite/connection'
import { createCredentials } from '#storage/sqlite/credentials'
import { createDataansStore } from '#storage/sqlite/dataans'
import { createDifflogStore } from '#storage/sqlite/difflog'
import { createGuessTable } from '#storage/sqlite/guess-table'
import { createSegmentLog } from '#storage/sqlite/log'
import { createLogRows } from '#storage/sqlite/log-rows'
import { createMerges } from '#storage/sqlite/merges'
import { createLogReader } from '#storage/sqlite/reading'
import { createRemovals } from '#storage/sqlite/removals'
import { migrate } from '#storage/sqlite/schema'
import { createShares } from '#storage/sqlite/shares'
import { createShrinking } from '#storage/sqlite/shrinking'
import type { Storage } from '#storage/storage'

export interface SqliteOptions {
  /** The data folder, made if missing. Without it the database is in memory. */
  readonly folder?: string | undefined
  /** What a database in memory begins with: the whole of another one, as its `image()` was. */
  readonly image?: Uint8Array | undefined
  readonly random: (length: number) => Uint8Array
  /** Called at named points of the commit, for tests that kill the process there. */
  readonly crashPoint?: ((name: string) => void) | undefined
}

export interface SqliteStorage extends Storage {
  /** The whole database as it is now: a backup for a storage that is opened with it. */
  image(): Uint8Array
}

/** The storage on a connection, which it closes in the end. @throws NewerDatabaseError */
export function createSqliteStorage(connection: Connection, options: Pick<SqliteOptions, 'random' | 'crashPoint'>): SqliteStorage {
  const { crashPoint = () => {} } = options
  migrate(connection.db, options.random, crashPoint)
  const server = connection.db.prepare('SELECT generation, secret FROM server').get()
  const generation = server?.['generation'] as Uint8Array
  const accounts = createAccounts(connection)
  const rows = createLogRows(connection.db)
  const credentials = createCredentials({ connection, rows, crashPoint })
  const log = createSegmentLog({ connection, rows, generation, crashPoint })
  const reader = createLogReader(connection.db)
  const merges = createMerges({ connection, rows, reader, generation, crashPoint })
  const guesses = createGuessTable(connection)
  const shrinking = createShrinking(connection, crashPoint)
  const shares = createShares({ connection, rows, crashPoint })
  const removals = createRemovals(connection, crashPoint)
  return {
    generation,
    secret: server?.['secret'] as Uint8Array,
    difflog: createDifflogStore(connection),
    dataans: createDataansStore({ connection, crashPoint }),
    shares: {
      async put(share) {
        const outcome = shares.put(share)
        shrinking.erased()
        return outcome
      },
      get: async (id) => shares.get(id),
      async remove(vault, id) {
        const outcome = shares.remove(vault, id)
        shrinking.erased()
        return outcome
      },
    },
    createVault: async (vault, session, onlyFirst) => accounts.createVault(vault, session, onlyFirst),
    hasVaults: async () => accounts.hasVaults(),
    vaultByName: async (name) => accounts.vaultByName(name),
    vaultByKey: async (vault) => accounts.vaultByKey(vault),
    async removeVault(removal) {
      const outcome = removals.remove(removal)
      shrinking.erased()
      return outcome
    },
    openSession: async (vault, session) => accounts.openSession(vault, session),
    session: async (tokenHash) => accounts.session(tokenHash),
    isRemovedSession: async (tokenHash) => removals.isRemoved(tokenHash),
    endSession: async (tokenHash) => accounts.endSession(tokenHash),
    knowsCookie: async (vault, cookieHash) => accounts.knowsCookie(vault, cookieHash),
    updateCredentials: async (update) => credentials.update(update),
    devices: async (vault) => accounts.devices(vault),
    touchDevice: async (vault, deviceId, now) => accounts.touchDevice(vault, deviceId, now),
    revokeDevice: async (revocation) => credentials.revoke(revocation),
    rotations: async (vault, after) => credentials.rotations(vault, after),
    append: async (pushes) => log.append(pushes),
    position: async (vault) => log.position(vault),
    sizes: async (vault) => ({ ...log.sizes(vault), bundleVersion: accounts.vaultByKey(vault).bundle.version }),
    chainAt: async (vault, sequence) => reader.chainAt(vault, sequence),
    isInsideRun: async (vault, sequence) => reader.isInsideRun(vault, sequence),
    async read(vault, interval, maxBytes) {
      // Nothing at all would pass for the end of the log.
      rows.log(vault)
      return reader.read(vault, interval, maxBytes)
    },
    index: async (vault, from, limit) => reader.index(vault, from, limit),
    coverage: async (vault) => reader.coverage(vault),
    common: async (vault, marks) => ({
      sequence: reader.greatestCommon(vault, marks),
      position: log.position(vault),
      epoch: log.sizes(vault).epoch,
      bundleVersion: accounts.vaultByKey(vault).bundle.version,
      coverage: reader.coverage(vault),
    }),
    openMerge: async (merge) => merges.open(merge),
    putMergePart: async (part) => merges.putPart(part),
    commitMerge: async (commit) => merges.commit(commit),
    changeGuesses: async (keys, now, change) => guesses.change(keys, now, change),
    async maintain(now) {
      if (!connection.db.isOpen) return false
      removals.forgetOld(now)
      return shrinking.step()
    },
    image: () => connection.db.serialize(),
    close: async () => connection.close(),
  }
}

/** @throws FolderInUseError, NewerDatabaseError */
export function openSqliteStorage(options: SqliteOptions): SqliteStorage {
  const connection = openConnection(options.folder, options.image)
  try {
    return createSqliteStorage(connection, options)
  } catch (error) {
    connection.close()
    throw error
  }
}
