/**
 * Tables of the diff·log dialect. A row of `difflog_rows` is found by its owner first; only public diffs are found by their id alone,
 * by an index that no other row is in. `number` is the order in which rows came first: an update keeps it. `data` is the last column,
 * so that what counts and compares rows does not read it.
 *
 * | collection | rows |
 * | --- | --- |
 * | 0 | diffs |
 * | 1 | stars |
 * | 2 | TLDRs |
 */
export const DIFFLOG_TABLES = `
  CREATE TABLE difflog_profiles (
    number             INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT NOT NULL UNIQUE,
    password           TEXT NOT NULL,
    password_salt      TEXT NOT NULL,
    salt               TEXT NOT NULL,
    diffs_hash         TEXT,
    stars_hash         TEXT,
    tldrs_hash         TEXT,
    keys_hash          TEXT,
    content_updated_at INTEGER,
    bytes              INTEGER NOT NULL DEFAULT 0,
    created_at         INTEGER NOT NULL,
    -- JSON: what the person set.
    settings           TEXT NOT NULL,
    keys               TEXT NOT NULL
  ) STRICT;

  CREATE TABLE difflog_rows (
    number     INTEGER PRIMARY KEY,
    profile    INTEGER NOT NULL REFERENCES difflog_profiles (number),
    collection INTEGER NOT NULL,
    id         TEXT NOT NULL,
    age        INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    public     INTEGER NOT NULL,
    data       TEXT NOT NULL,
    UNIQUE (profile, collection, id)
  ) STRICT;
  CREATE INDEX difflog_public_diffs ON difflog_rows (id, number) WHERE public = 1;

  CREATE TABLE difflog_codes (
    kind       TEXT NOT NULL,
    code       TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (kind, code)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX difflog_codes_by_expiry ON difflog_codes (expires_at);
`
