import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Driver, DriverError, type Row } from '#driver'
import { LiveQueries, tablesRead } from '#live'
import { openSqliteWasm } from '#platform/browser/sqlite'
import { openSqlite } from '#platform/node/sqlite'
import { forEachSeed } from '../../../tests/support/random.ts'

const SCHEMA = `
  CREATE TABLE a (id INTEGER PRIMARY KEY, x, b_id);
  CREATE TABLE b (id TEXT PRIMARY KEY, y) WITHOUT ROWID;
  CREATE TABLE c (z);
  CREATE INDEX a_by_x ON a (x);
  CREATE VIEW joined AS SELECT a.x, b.y FROM a JOIN b ON b.id = a.b_id;
  CREATE VIEW nested AS SELECT * FROM joined WHERE EXISTS (SELECT 1 FROM c WHERE z = x);
`

describe.each([
  ['node', async () => openSqlite()],
  ['wasm', openSqliteWasm],
] as const)('tables that a query reads, %s', (_, open) => {
  let driver: Driver
  beforeEach(async () => {
    driver = await open()
    driver.exec(SCHEMA)
  })
  afterEach(() => driver.close())
  const read = (sql: string): string[] => [...tablesRead(driver, sql)].sort()

  test('tables, also through an index alone, WITHOUT ROWID, and by count', () => {
    expect(read('SELECT * FROM a')).toEqual(['a'])
    expect(read('SELECT x FROM a WHERE x > 1 ORDER BY x')).toEqual(['a'])
    expect(read('SELECT y FROM b WHERE id = ?')).toEqual(['b'])
    expect(read('SELECT count(*) FROM c')).toEqual(['c'])
    expect(read('SELECT 1')).toEqual([])
  })

  test('views, views of views, subqueries, CTEs, unions', () => {
    expect(read('SELECT * FROM joined')).toEqual(['a', 'b'])
    expect(read('SELECT * FROM nested')).toEqual(['a', 'b', 'c'])
    expect(read('SELECT (SELECT max(z) FROM c) FROM b')).toEqual(['b', 'c'])
    expect(read('WITH t AS (SELECT z FROM c) SELECT * FROM t UNION ALL SELECT y FROM b')).toEqual(['b', 'c'])
    expect(read('SELECT x FROM a WHERE x IN (SELECT z FROM c)')).toEqual(['a', 'c'])
    expect(
      read('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT count(*) FROM c)) SELECT * FROM n'),
    ).toEqual(['c'])
  })

  test('the schema, attached databases, virtual tables', () => {
    expect(read('SELECT name FROM sqlite_schema')).toEqual(['sqlite_schema'])
    driver.exec("ATTACH ':memory:' AS other; CREATE TABLE other.d (a); CREATE TEMP TABLE e (a)")
    expect(read('SELECT * FROM d, c')).toEqual(['c', 'd'])
    expect(read('SELECT * FROM e')).toEqual(['e'])
    driver.exec('CREATE VIRTUAL TABLE f USING fts5(t)')
    expect(read("SELECT rowid FROM f WHERE f MATCH 'x'")).toEqual(['f'])
    expect(read("SELECT value FROM json_each('[1]'), c")).toEqual(['c', 'f'])
  })

  test('a changed schema is noticed', () => {
    expect(read('SELECT * FROM joined')).toEqual(['a', 'b'])
    driver.exec('DROP VIEW joined; CREATE VIEW joined AS SELECT z AS x FROM c')
    expect(read('SELECT * FROM joined')).toEqual(['c'])
  })

  test('wrong SQL is refused', () => {
    expect(() => read('SELECT * FROM nowhere')).toThrow(DriverError)
  })
})

describe('live queries', () => {
  let driver: Driver
  let pending: (() => void)[]
  let errors: unknown[]
  let live: LiveQueries
  beforeEach(() => {
    driver = openSqlite()
    driver.exec(SCHEMA)
    pending = []
    errors = []
    live = new LiveQueries({ driver, schedule: (run) => pending.push(run), onError: (error) => errors.push(error) })
  })
  afterEach(() => driver.close())
  /** Runs what is scheduled; returns how many runs that were. */
  const flush = (): number => {
    const runs = pending
    pending = []
    for (const run of runs) run()
    return runs.length
  }
  const collect = (sql: string, ...params: (string | number)[]): { heard: Row[][]; stop: () => void } => {
    const heard: Row[][] = []
    const { stop } = live.subscribe(sql, params, (rows) => heard.push([...rows]))
    return { heard, stop }
  }

  test('rows come first, then again when they changed, never inside a call', () => {
    const { heard } = collect('SELECT z FROM c')
    expect(heard).toEqual([])
    flush()
    expect(heard).toEqual([[]])
    driver.exec('INSERT INTO c VALUES (1)')
    live.notify(['c'])
    expect(heard).toHaveLength(1)
    flush()
    expect(heard).toEqual([[], [{ z: 1 }]])
  })

  test('many writes make one run; writes of other tables make none', () => {
    const { heard } = collect('SELECT z FROM c')
    flush()
    for (let i = 0; i < 10; i++) {
      driver.prepare('INSERT INTO c VALUES (?)').run(i)
      live.notify(['c'])
    }
    live.notify(['a', 'b'])
    expect(flush()).toBe(1)
    expect(heard).toHaveLength(2)
    live.notify(['a', 'b'])
    expect(flush()).toBe(0)
  })

  test('rows that are the same are not delivered again: numbers, texts, blobs, nulls, order of columns', () => {
    driver.exec("INSERT INTO c VALUES (1), ('1'), (x'01'), (NULL), (x'')")
    const { heard } = collect('SELECT z FROM c')
    flush()
    live.notify(['c'])
    flush()
    expect(heard).toHaveLength(1)
    driver.exec("UPDATE c SET z = x'02' WHERE z = x'01'")
    live.notify(['c'])
    flush()
    driver.exec("UPDATE c SET z = '' WHERE z = x''")
    live.notify(['c'])
    flush()
    expect(heard).toHaveLength(3)
  })

  test('a listener that throws disturbs nobody', () => {
    live.subscribe('SELECT z FROM c', [], () => {
      throw new Error('mine')
    })
    const { heard } = collect('SELECT z FROM c')
    const { heard: other } = collect('SELECT count(*) AS n FROM a')
    flush()
    expect(heard).toEqual([[]])
    expect(other).toEqual([[{ n: 0 }]])
    expect(errors).toEqual([new Error('mine')])
  })

  test('equal subscriptions share rows; a late one gets what is known; parameters of other types are other queries', () => {
    const first: (readonly Row[])[] = []
    const second: (readonly Row[])[] = []
    live.subscribe('SELECT ? AS p, typeof(?1) AS t', [1], (rows) => first.push(rows))
    flush()
    live.subscribe('SELECT ? AS p, typeof(?1) AS t', [1], (rows) => second.push(rows))
    const { heard } = collect('SELECT ? AS p, typeof(?1) AS t', '1')
    flush()
    expect(first).toHaveLength(1)
    expect(second[0]).toBe(first[0])
    expect(heard).toEqual([[{ p: '1', t: 'text' }]])
  })

  test('stop is at once, also from inside another listener, and before the first rows', () => {
    const early = collect('SELECT z FROM c')
    early.stop()
    flush()
    expect(early.heard).toEqual([])
    const heard: string[] = []
    const first = live.subscribe('SELECT z FROM c', [], () => {
      heard.push('first')
      second.stop()
    })
    const second = live.subscribe('SELECT z FROM c', [], () => heard.push('second'))
    flush()
    expect(heard).toEqual(['first'])
    first.stop()
    first.stop()
    driver.exec('INSERT INTO c VALUES (1)')
    live.notify(['c'])
    expect(flush()).toBe(0)
  })

  test('a listener may write, notify and subscribe', () => {
    const heard: unknown[] = []
    live.subscribe('SELECT count(*) AS n FROM c', [], ([row]) => {
      const n = Number(row?.['n'])
      heard.push(n)
      if (n === 3) live.subscribe('SELECT 1 AS one', [], (rows) => heard.push(rows.length))
      if (n >= 3) return
      driver.exec('INSERT INTO c VALUES (0)')
      live.notify(['c'])
    })
    for (let i = 0; i < 10; i++) flush()
    expect(heard).toEqual([0, 1, 2, 3, 1])
  })

  test('a query that a new schema broke is told once per run and lives again when it is mended', () => {
    const { heard } = collect('SELECT z FROM c')
    flush()
    driver.exec('ALTER TABLE c RENAME TO gone')
    live.notify(['c'])
    flush()
    expect(errors).toHaveLength(1)
    driver.exec('CREATE TABLE c (z); INSERT INTO c VALUES (5)')
    live.notify(['c'])
    flush()
    expect(heard).toEqual([[], [{ z: 5 }]])
  })

  test('wrong SQL is refused when subscribing', () => {
    expect(() => live.subscribe('SELECT nothing FROM nowhere', [], () => {})).toThrow(DriverError)
    expect(flush()).toBe(0)
  })

  test('whatever is written, every listener ends with the rows of its query', async () => {
    const queries = [
      'SELECT * FROM nested',
      'SELECT x, y FROM joined ORDER BY x',
      'SELECT count(*) AS n FROM a WHERE x < 3',
      'SELECT sum(z) AS s FROM c',
    ]
    await forEachSeed('live queries', 30, 'packages/engine/test/live.test.ts', (random) => {
      driver.exec('DELETE FROM a; DELETE FROM b; DELETE FROM c')
      live.notify(['a', 'b', 'c'])
      const last = new Map<string, readonly Row[]>()
      const subscriptions = queries.map((sql) => live.subscribe(sql, [], (rows) => last.set(sql, rows)))
      for (let i = 0; i < 60; i++) {
        const table = random.pick(['a', 'b', 'c'])
        const n = random.below(5)
        if (random.chance(0.3))
          driver.prepare(`DELETE FROM ${table} WHERE ${table === 'a' ? 'x' : table === 'b' ? 'id' : 'z'} = ?`).run(n)
        else if (table === 'a') driver.prepare('INSERT INTO a (x, b_id) VALUES (?, ?)').run(n, random.below(5))
        else if (table === 'b') driver.prepare('INSERT OR REPLACE INTO b VALUES (?, ?)').run(n, random.below(5))
        else driver.prepare('INSERT INTO c VALUES (?)').run(n)
        live.notify([table])
        if (random.chance(0.7)) flush()
      }
      flush()
      for (const sql of queries) expect(last.get(sql)).toEqual(driver.prepare(sql).all())
      for (const subscription of subscriptions) subscription.stop()
    })
    expect(errors).toEqual([])
  })
})
