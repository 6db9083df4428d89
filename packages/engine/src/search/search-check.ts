/** Does the index of a vault that it has caught up with have every row, and no other, and find them by their words? */
import type { Driver } from '#driver'
import { type SearchSource, type SearchTable, SHARD_ROWS } from '#search/search-index'

/** Rows of each shard whose first word is looked up: the index holds no texts to compare. */
const SAMPLE = 64
/** A word that every tokenizer takes for one. */
const PLAIN_WORD = /(?<![\p{L}\p{M}\p{N}\p{Co}])[A-Za-z0-9]{2,40}(?![\p{L}\p{M}\p{N}\p{Co}])/u

/** What the two databases are called in the connection. */
export interface CheckedSchemas {
  readonly index: string
  readonly vault: string
}

/**
 * What is wrong, undefined where nothing is.
 * @throws DriverError where the index cannot be read
 */
export function checkIndex(
  driver: Driver,
  source: SearchSource,
  schemas: CheckedSchemas = { index: 'main', vault: 'vault' },
): string | undefined {
  const { index, vault } = schemas
  const complaints = driver.prepare(`PRAGMA ${index}.quick_check(1)`).values()
  if (complaints[0]?.[0] !== 'ok') return `the search index is damaged: ${complaints[0]?.[0]}`
  for (const table of source.tables) {
    const shards = driver.prepare(`SELECT shard FROM ${index}.search_shards WHERE tbl = ? ORDER BY shard`).values(table.table)
    const outside = shards.map(
      ([shard]) => `_n NOT BETWEEN ${Number(shard) * SHARD_ROWS} AND ${(Number(shard) + 1) * SHARD_ROWS - 1}`,
    )
    const where = outside.length === 0 ? '' : `WHERE ${outside.join(' AND ')}`
    const missing = driver.prepare(`SELECT count(*) FROM ${vault}."${table.table}" ${where}`).values()[0]?.[0]
    if (missing !== 0) return `the search index lacks ${missing} rows`
    for (const [shard] of shards) {
      const wrong = checkShard(driver, table, Number(shard), schemas)
      if (wrong !== undefined) return wrong
    }
  }
  return undefined
}

function checkShard(
  driver: Driver,
  { table, columns }: SearchTable,
  shard: number,
  { index, vault }: CheckedSchemas,
): string | undefined {
  const fts = `fts_${table}_${shard}`
  driver.exec(`INSERT INTO ${index}."${fts}" ("${fts}") VALUES ('integrity-check')`)
  const range = `BETWEEN ${shard * SHARD_ROWS} AND ${(shard + 1) * SHARD_ROWS - 1}`
  const differing = driver
    .prepare(
      `SELECT (SELECT count(*) FROM ${vault}."${table}" r WHERE r._n ${range} AND NOT EXISTS (SELECT 1 FROM ${index}."${fts}_docsize" d WHERE d.id = r._n)),
        (SELECT count(*) FROM ${index}."${fts}_docsize" d WHERE NOT EXISTS (SELECT 1 FROM ${vault}."${table}" r WHERE r._n = d.id))`,
    )
    .values()[0]
  if (differing?.[0] !== 0) return `the search index lacks ${differing?.[0]} rows`
  if (differing[1] !== 0) return `the search index has ${differing[1]} rows too many`
  const list = columns.map((column) => `"${column}"`).join(', ')
  const sample = driver
    .prepare(
      `SELECT _n, ${list} FROM ${vault}."${table}" WHERE _n IN (SELECT id FROM ${index}."${fts}_docsize" ORDER BY random() LIMIT ${SAMPLE})`,
    )
    .values()
  const find = driver.prepare(`SELECT 1 FROM ${index}."${fts}" WHERE "${fts}" MATCH ? AND rowid = ?`)
  for (const [n, ...texts] of sample) {
    const [word] = texts.flatMap((text) => (typeof text === 'string' ? (PLAIN_WORD.exec(text) ?? []) : []))
    if (word !== undefined && find.get(`"${word}"`, n as number) === undefined)
      return 'the search index does not find what is there'
  }
  return undefined
}
