/**
 * The tables of the SQLite storage and how they came to be. `user_version` counts the migrations that have run; a
 * database of a newer release is refused, never guessed at.
 *
 * A row of `segments` is one of
 *
 * | part | row |
 * | --- | --- |
 * | 0 | a segment as it was appended: `first` = `last` |
 * | 0, 1, … of kind 2 | a part of a merged run first … last; `chain` is the chain value at `last` |
 * | −1 | what is left of an appended segment that was merged away: identity and chain value, no bytes |
 *
 * The rows with part −1 answer late repetitions of a push and cursors inside of a run. They are dropped at a merge when they
 * have become older than {@link KEPT_IDENTITIES} sequence numbers, so that a log does not grow with its history.
 *
 * There is no index on ids: a segment is found by its author and counter, which are unique, and that index grows at its
 * end of each replica instead of at random places. `sealed` is the last column: what reads the others does not touch its pages.
 */
import type { DatabaseSync } from 'node:sqlite'
import { hasNoRoom } from '#storage/sqlite/connection'
import { DATAANS_TABLES } from '#storage/sqlite/dataans-tables'
import { DIFFLOG_TABLES } from '#storage/sqlite/difflog-tables'

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE server (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    generation BLOB NOT NULL,
    secret     BLOB NOT NULL
  ) STRICT;

  CREATE TABLE vaults (
    number         INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    id             BLOB NOT NULL,
    suite          TEXT NOT NULL,
    salt           BLOB NOT NULL,
    auth_hash      BLOB NOT NULL,
    bundle_version INTEGER NOT NULL,
    bundle         BLOB NOT NULL,
    created_at     INTEGER NOT NULL
  ) STRICT;

  -- Apart from vaults: this row is written by every push and must be small.
  CREATE TABLE logs (
    vault    INTEGER PRIMARY KEY REFERENCES vaults (number),
    head     INTEGER NOT NULL,
    chain    BLOB NOT NULL,
    segments INTEGER NOT NULL,
    bytes    INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE replicas (
    number  INTEGER PRIMARY KEY,
    vault   INTEGER NOT NULL REFERENCES vaults (number),
    id      BLOB NOT NULL,
    counter INTEGER NOT NULL,
    digest  BLOB NOT NULL,
    UNIQUE (vault, id)
  ) STRICT;

  CREATE TABLE segments (
    vault    INTEGER NOT NULL REFERENCES vaults (number),
    last     INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    replica  INTEGER NOT NULL REFERENCES replicas (number),
    counter  INTEGER NOT NULL,
    previous BLOB NOT NULL,
    id       BLOB NOT NULL,
    digest   BLOB NOT NULL,
    chain    BLOB NOT NULL,
    sealed   BLOB,
    PRIMARY KEY (vault, last),
    UNIQUE (replica, counter)
  ) STRICT;

  CREATE TABLE devices (
    vault        INTEGER NOT NULL REFERENCES vaults (number),
    id           BLOB NOT NULL,
    name         TEXT NOT NULL,
    cookie_hash  BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    revoked_at   INTEGER,
    PRIMARY KEY (vault, id)
  ) STRICT;

  CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    vault      INTEGER NOT NULL,
    device     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    FOREIGN KEY (vault, device) REFERENCES devices (vault, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_by_device ON sessions (vault, device);

  CREATE TABLE guesses (
    bucket     BLOB PRIMARY KEY,
    times      BLOB NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX guesses_by_expiry ON guesses (expires_at);
  `,
  // 2: merged segments in parts, seeds, epochs.
  `
  ALTER TABLE segments RENAME TO plain_segments;

  CREATE TABLE segments (
    vault    INTEGER NOT NULL REFERENCES vaults (number),
    last     INTEGER NOT NULL,
    part     INTEGER NOT NULL CHECK (part >= -1),
    first    INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    replica  INTEGER NOT NULL REFERENCES replicas (number),
    counter  INTEGER NOT NULL,
    previous BLOB NOT NULL,
    id       BLOB NOT NULL,
    digest   BLOB NOT NULL,
    chain    BLOB NOT NULL,
    sealed   BLOB CHECK ((sealed IS NULL) = (part = -1)),
    PRIMARY KEY (vault, last, part)
  ) STRICT;
  INSERT INTO segments (vault, last, part, first, kind, epoch, replica, counter, previous, id, digest, chain, sealed)
    SELECT vault, last, 0, first, kind, epoch, replica, counter, previous, id, digest, chain, sealed FROM plain_segments;
  DROP TABLE plain_segments;
  -- Delta and void: what a replica counts.
  CREATE UNIQUE INDEX segments_by_author ON segments (replica, counter) WHERE kind < 2;
  CREATE INDEX segments_merged_away ON segments (vault, last) WHERE part = -1;

  ALTER TABLE logs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;

  -- The records that opened epochs, sealed.
  CREATE TABLE rotations (
    vault  INTEGER NOT NULL REFERENCES vaults (number),
    epoch  INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (vault, epoch)
  ) STRICT;

  -- The right to merge, one for each vault, and what was uploaded for it. first and last are NULL for seeds, which go behind
  -- head; chain is the chain value before the run, or at head.
  CREATE TABLE merges (
    vault      INTEGER PRIMARY KEY REFERENCES vaults (number),
    name       TEXT NOT NULL,
    session    BLOB NOT NULL,
    first      INTEGER,
    last       INTEGER,
    run        BLOB,
    head       INTEGER NOT NULL,
    chain      BLOB NOT NULL,
    room       INTEGER NOT NULL,
    staged     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    committed  INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE merge_parts (
    vault    INTEGER NOT NULL REFERENCES vaults (number),
    part     INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    replica  BLOB NOT NULL,
    previous BLOB NOT NULL,
    id       BLOB NOT NULL,
    digest   BLOB NOT NULL,
    bytes    INTEGER NOT NULL,
    sealed   BLOB NOT NULL,
    PRIMARY KEY (vault, part)
  ) STRICT;
  `,
  // 3: the dialects.
  `${DATAANS_TABLES}${DIFFLOG_TABLES}`,
  // 4: shares, and the removal of vaults.
  `
  -- The number of the last vault that was made: a number is not given twice.
  ALTER TABLE server ADD COLUMN vaults_made INTEGER NOT NULL DEFAULT 0;
  -- 1 from the removal of a vault until nothing of it is left in free pages.
  ALTER TABLE server ADD COLUMN erasing INTEGER NOT NULL DEFAULT 0;
  UPDATE server SET vaults_made = (SELECT coalesce(max(number), 0) FROM vaults);

  ALTER TABLE logs ADD COLUMN share_bytes INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE shares (
    number     INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,
    vault      INTEGER NOT NULL REFERENCES vaults (number),
    created_at INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    sealed     BLOB NOT NULL
  ) STRICT;
  CREATE INDEX shares_by_vault ON shares (vault);

  -- Token digests of the devices of vaults that were removed.
  CREATE TABLE removed_sessions (
    token_hash BLOB PRIMARY KEY,
    removed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX removed_sessions_by_time ON removed_sessions (removed_at);
  `,
]

/** What `user_version` is in a database of this release. */
export const DATABASE_FORMAT: number = MIGRATIONS.length

/** A segment that was merged away keeps its identity and chain value while it is among the log's last ones [LOG-3] [LOG-4]. */
export const KEPT_IDENTITIES = 1024

/** The database was written by a release that is newer than this one. */
export class NewerDatabaseError extends Error {
  readonly code = 'newer-database'
  constructor(version: number) {
    super(`the database has format ${version}, this release knows up to ${MIGRATIONS.length}; run the newer release`)
    this.name = 'NewerDatabaseError'
  }
}

/**
 * Brings the database to this release's format. `random` makes the generation and the secret of a new one.
 *
 * @throws NewerDatabaseError
 */
export function migrate(
  db: DatabaseSync,
  random: (length: number) => Uint8Array,
  crashPoint: (name: string) => void = () => {},
): void {
  migrateTables(db, random)
  makeShrinkable(db, crashPoint)
}

/**
 * Databases of the first format cannot give pages back (shrinking.ts) until they have been written anew, once. A VACUUM
 * is no part of a transaction, so the file itself says whether it is still to come, not `user_version`: a process that dies before or
 * in it finds it to do again. Where the disk has no room for it the server runs all the same, and tries at its next start.
 */
function makeShrinkable(db: DatabaseSync, crashPoint: (name: string) => void): void {
  if (db.prepare('PRAGMA auto_vacuum').get()?.['auto_vacuum'] !== 0) return
  crashPoint('before-rewriting')
  try {
    db.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM')
  } catch (error) {
    if (!hasNoRoom(error)) throw error
  }
  crashPoint('after-rewriting')
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}

function migrateTables(db: DatabaseSync, random: (length: number) => Uint8Array): void {
  const version = db.prepare('PRAGMA user_version').get()?.['user_version'] as number
  if (version > MIGRATIONS.length) throw new NewerDatabaseError(version)
  if (version === MIGRATIONS.length) return
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration)
    db.prepare('INSERT INTO server (one, generation, secret) VALUES (1, ?, ?) ON CONFLICT DO NOTHING').run(random(16), random(32))
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
