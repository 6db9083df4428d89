/**
 * The tables of the SQLite storage and how they came to be. `user_version` counts the migrations that have run; a
 * database of a newer release is refused, never guessed at.
 *
 * A segment's row is its place in the log for ever: sequence number, identity and chain value stay when a merged
 * segment takes over its content (`sealed` is then NULL), so that a late repetition of a push still gets the answer
 * of the first. There is no index on ids: a segment is found by its author and counter, which are unique, and that
 * index grows at its end of each replica instead of at random places.
 */
import type { DatabaseSync } from 'node:sqlite'

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
]

/** The database was written by a release that is newer than this one. */
export class NewerDatabaseError extends Error {
  readonly code = 'newer-database'
  constructor(version: number) {
    super(`the database has format ${version}, this release knows up to ${MIGRATIONS.length}; run the newer release`)
    this.name = 'NewerDatabaseError'
  }
}

/** Brings the database to this release's format. `random` makes the generation and the secret of a new one. */
export function migrate(db: DatabaseSync, random: (length: number) => Uint8Array): void {
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
