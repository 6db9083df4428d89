/**
 * Tables of the Dataans dialect.
 *
 * A place is 8 bytes of seconds (2^40 added), 4 of nanoseconds, 16 of the operation's id, big-endian: its bytes sort as
 * the operations do. `number` counts them as they came. The index has all that a block hash needs; `data` is the last
 * column: what reads the others does not touch its pages.
 */
export const DATAANS_TABLES = `
  CREATE TABLE dataans_user (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    id              TEXT NOT NULL,
    secret_key_hash TEXT NOT NULL
  ) STRICT;

  CREATE TABLE dataans_usage (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    operations      INTEGER NOT NULL,
    operation_bytes INTEGER NOT NULL,
    file_bytes      INTEGER NOT NULL
  ) STRICT;
  INSERT INTO dataans_usage (one, operations, operation_bytes, file_bytes) VALUES (1, 0, 0, 0);

  CREATE TABLE dataans_operations (
    number     INTEGER PRIMARY KEY,
    place      BLOB NOT NULL,
    id         BLOB NOT NULL UNIQUE,
    checksum   BLOB NOT NULL,
    created_at TEXT NOT NULL,
    data       BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX dataans_operations_in_order ON dataans_operations (place, checksum);

  -- Runs of 16 operations, numbered from 0; first is the place of the run's first one.
  CREATE TABLE dataans_blocks (
    number INTEGER PRIMARY KEY,
    first  BLOB NOT NULL,
    hash   BLOB NOT NULL
  ) STRICT;

  CREATE TABLE dataans_files (
    id     BLOB PRIMARY KEY,
    blob   TEXT NOT NULL UNIQUE,
    bytes  INTEGER NOT NULL,
    digest BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`
