/**
 * What every SQLite driver must do alike. An adapter proves itself by running this suite in its own test file; the suite
 * knows no platform, so it runs in Node and in a browser's worker.
 */
import { describe, expect, test } from 'vitest'
import { type Driver, DriverError, type DriverErrorCode, type SqlValue } from '#driver'

/** @param open a new, empty database for each call; the suite closes it */
export function driverContract(name: string, open: () => Promise<Driver>): void {
  const withDriver = (title: string, body: (driver: Driver) => void): void => {
    test(title, async () => {
      const driver = await open()
      try {
        body(driver)
      } finally {
        driver.close()
      }
    })
  }
  describe(`SQLite driver contract: ${name}`, () => {
    values(withDriver)
    statements(withDriver)
    transactions(withDriver)
    failures(withDriver)
    features(withDriver)
  })
}

type WithDriver = (title: string, body: (driver: Driver) => void) => void

/** The DriverError that `body` throws. */
function failure(body: () => unknown): DriverError {
  try {
    body()
  } catch (error) {
    expect(error).toBeInstanceOf(DriverError)
    return error as DriverError
  }
  throw new Error('expected a DriverError, nothing was thrown')
}

function expectCode(code: DriverErrorCode, body: () => unknown): void {
  expect(failure(body).code).toBe(code)
}

const roundTrip = (driver: Driver, value: SqlValue): unknown[] | undefined =>
  driver.prepare('SELECT ? AS value, typeof(?1) AS type').values(value)[0]

function values(withDriver: WithDriver): void {
  withDriver('values keep their type and every bit', (driver) => {
    const max = Number.MAX_SAFE_INTEGER
    const cases: [SqlValue, string][] = [
      [null, 'null'],
      [0, 'integer'],
      [-1, 'integer'],
      [2 ** 31, 'integer'],
      [-(2 ** 31) - 1, 'integer'],
      [max, 'integer'],
      [-max, 'integer'],
      [2 ** 53, 'real'],
      [0.1, 'real'],
      [Number.MAX_VALUE, 'real'],
      [Number.MIN_VALUE, 'real'],
      [Number.POSITIVE_INFINITY, 'real'],
      ['', 'text'],
      ['a\0b\0', 'text'],
      ['\ufeffmarked', 'text'],
      ['\u{1f600} \u{10ffff} żółć', 'text'],
      ["'); DROP TABLE t; --", 'text'],
      ['x'.repeat(100_000), 'text'],
      [new Uint8Array(0), 'blob'],
      [Uint8Array.of(0, 1, 0, 255), 'blob'],
      [new Uint8Array(300_000).fill(7), 'blob'],
    ]
    for (const [value, type] of cases) expect(roundTrip(driver, value)).toEqual([value, type])
  })

  withDriver('minus zero is the integer zero', (driver) => {
    expect(roundTrip(driver, -0)).toEqual([0, 'integer'])
  })

  withDriver('an unpaired surrogate becomes U+FFFD', (driver) => {
    expect(roundTrip(driver, 'a\ud800b\udc00')?.[0]).toBe('a\ufffdb\ufffd')
  })

  withDriver('invalid UTF-8 stored as text reads as U+FFFD', (driver) => {
    expect(driver.prepare("SELECT CAST(x'61ff62' AS TEXT)").values()).toEqual([['a\ufffdb']])
  })

  withDriver('a blob view binds its own bytes only, and what is read is a copy', (driver) => {
    const whole = Uint8Array.of(1, 2, 3, 4, 5)
    driver.exec('CREATE TABLE t (b BLOB)')
    driver.prepare('INSERT INTO t VALUES (?)').run(whole.subarray(1, 3))
    whole.fill(9)
    const read = driver.prepare('SELECT b FROM t').get()?.['b'] as Uint8Array
    expect(read).toEqual(Uint8Array.of(2, 3))
    read.fill(8)
    expect(driver.prepare('SELECT b FROM t').get()?.['b']).toEqual(Uint8Array.of(2, 3))
  })

  withDriver('many values of mixed sizes in one statement do not disturb each other', (driver) => {
    const row: SqlValue[] = Array.from({ length: 300 }, (_, i) =>
      i % 3 === 0 ? 'ü'.repeat(i * 17) : i % 3 === 1 ? new Uint8Array(i * 29).fill(i & 255) : i * 1e9,
    )
    expect(driver.prepare(`SELECT ${row.map(() => '?').join(', ')}`).values(...row)).toEqual([row])
  })

  withDriver('an INTEGER that JavaScript cannot hold, NaN and foreign types are refused', (driver) => {
    for (const sql of ['SELECT 9007199254740992', 'SELECT -9007199254740992', 'SELECT 9223372036854775807']) {
      expectCode('misuse', () => driver.prepare(sql).get())
      expectCode('misuse', () => driver.prepare(sql).values())
      expectCode('misuse', () => [...driver.prepare(sql).iterate()])
    }
    for (const value of [Number.NaN, undefined, true, 1n, {}, new Date(0)]) {
      expectCode('misuse', () => driver.prepare('SELECT ?').get(value as unknown as SqlValue))
    }
    expect(driver.prepare('SELECT 1 AS one').get()).toEqual({ one: 1 })
  })
}

function statements(withDriver: WithDriver): void {
  withDriver('get, all, values and iterate see the same rows', (driver) => {
    driver.exec("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, x'00')")
    const statement = driver.prepare('SELECT a, b FROM t WHERE a >= ? ORDER BY a')
    const expected = [
      { a: 2, b: null },
      { a: 3, b: Uint8Array.of(0) },
    ]
    expect(statement.all(2)).toEqual(expected)
    expect([...statement.iterate(2)]).toEqual(expected)
    expect(statement.get(2)).toEqual(expected[0])
    expect(statement.get(4)).toBeUndefined()
    expect(statement.values(2)).toEqual(expected.map(Object.values))
    expect(statement.all(9)).toEqual([])
  })

  withDriver('missing parameters are NULL, also after a use with all of them; too many are refused', (driver) => {
    const statement = driver.prepare('SELECT ? AS a, ? AS b')
    expect(statement.get(1, 2)).toEqual({ a: 1, b: 2 })
    expect(statement.get(3)).toEqual({ a: 3, b: null })
    expectCode('misuse', () => statement.get(1, 2, 3))
    expectCode('misuse', () => statement.get(1, 2, null))
    expect(statement.get(4, 5)).toEqual({ a: 4, b: 5 })
  })

  withDriver('a statement follows the schema', (driver) => {
    driver.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    expect(driver.prepare('SELECT * FROM t').all()).toEqual([{ a: 1 }])
    driver.exec('ALTER TABLE t ADD COLUMN b DEFAULT 2')
    expect(driver.prepare('SELECT * FROM t').all()).toEqual([{ a: 1, b: 2 }])
    expect(driver.prepare('SELECT * FROM t').values()).toEqual([[1, 2]])
    driver.exec('ALTER TABLE t RENAME COLUMN a TO c')
    expect(driver.prepare('SELECT * FROM t').get()).toEqual({ c: 1, b: 2 })
  })

  withDriver('a statement can be used again while it is being iterated', (driver) => {
    driver.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)')
    const sql = 'SELECT a FROM t ORDER BY a'
    const seen: unknown[] = []
    for (const outer of driver.prepare(sql).iterate()) {
      for (const inner of driver.prepare(sql).iterate()) seen.push([outer['a'], inner['a']])
      expect(driver.prepare(sql).all()).toHaveLength(3)
    }
    expect(seen).toHaveLength(9)
    expect(seen[5]).toEqual([2, 3])
  })

  withDriver('an iterator left early, or never begun, holds nothing', (driver) => {
    driver.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)')
    for (const row of driver.prepare('SELECT a FROM t').iterate()) {
      expect(row).toEqual({ a: 1 })
      break
    }
    driver.prepare('SELECT a FROM t').iterate()
    driver.exec('DROP TABLE t')
    expectCode('misuse', () => driver.prepare('SELECT a FROM t').all())
  })

  withDriver('thousands of different statements: the old ones still work', (driver) => {
    const first = driver.prepare('SELECT ? + 0 AS n')
    const open = first.iterate(5)
    expect(open.next().value).toEqual({ n: 5 })
    for (let i = 1; i <= 3000; i++) expect(driver.prepare(`SELECT ? + ${i} AS n`).get(1)).toEqual({ n: i + 1 })
    expect(first.get(7)).toEqual({ n: 7 })
    expect(open.next().done).toBe(true)
    expect(driver.prepare('SELECT ? + 2999 AS n').get(1)).toEqual({ n: 3000 })
  })

  withDriver('changes counts the rows of the last write', (driver) => {
    driver.exec('CREATE TABLE t (a)')
    driver.prepare('INSERT INTO t VALUES (?), (?), (?)').run(1, 2, 3)
    expect(driver.changes()).toBe(3)
    driver.prepare('UPDATE t SET a = 0 WHERE a > ?').run(1)
    driver.prepare('SELECT * FROM t').all()
    expect(driver.changes()).toBe(2)
    expect(driver.prepare('DELETE FROM t WHERE a = 0 RETURNING a').all()).toEqual([{ a: 0 }, { a: 0 }])
    expect(driver.changes()).toBe(2)
  })

  withDriver('a column named __proto__ is a column', (driver) => {
    const row = driver.prepare('SELECT 1 AS "__proto__"').get() as object
    expect(Object.entries(row)).toEqual([['__proto__', 1]])
  })
}

function transactions(withDriver: WithDriver): void {
  const count = (driver: Driver): unknown => driver.prepare('SELECT count(*) AS n FROM t').get()?.['n']

  withDriver('a transaction commits what its body did and returns its result', (driver) => {
    driver.exec('CREATE TABLE t (a)')
    const result = driver.transaction(() => {
      expect(driver.inTransaction).toBe(true)
      driver.prepare('INSERT INTO t VALUES (1)').run()
      return 'done'
    })
    expect(result).toBe('done')
    expect(driver.inTransaction).toBe(false)
    expect(count(driver)).toBe(1)
  })

  withDriver('a body that throws leaves nothing behind, and its own error is what one gets', (driver) => {
    driver.exec('CREATE TABLE t (a)')
    const mine = new Error('mine')
    let caught: unknown
    try {
      driver.transaction(() => {
        driver.prepare('INSERT INTO t VALUES (1)').run()
        driver.exec('CREATE TABLE u (a)')
        throw mine
      })
    } catch (error) {
      caught = error
    }
    expect(caught).toBe(mine)
    expect(driver.inTransaction).toBe(false)
    expect(count(driver)).toBe(0)
    expectCode('misuse', () => driver.prepare('SELECT * FROM u'))
  })

  withDriver('a failed statement that the body catches does not end the transaction', (driver) => {
    driver.exec('CREATE TABLE t (a UNIQUE)')
    driver.transaction(() => {
      driver.prepare('INSERT INTO t VALUES (?)').run(1)
      expectCode('constraint', () => driver.prepare('INSERT INTO t VALUES (?)').run(1))
      driver.prepare('INSERT INTO t VALUES (?)').run(2)
    })
    expect(count(driver)).toBe(2)
  })

  withDriver('transactions do not nest', (driver) => {
    driver.exec('CREATE TABLE t (a)')
    driver.transaction(() => {
      driver.prepare('INSERT INTO t VALUES (1)').run()
      expectCode('misuse', () => driver.transaction(() => 1))
      expect(driver.inTransaction).toBe(true)
    })
    expect(count(driver)).toBe(1)
  })

  withDriver('an asynchronous body is refused and rolled back', (driver) => {
    driver.exec('CREATE TABLE t (a)')
    expectCode('misuse', () =>
      driver.transaction(async () => {
        driver.prepare('INSERT INTO t VALUES (1)').run()
        await Promise.reject(new Error('late'))
      }),
    )
    expect(driver.inTransaction).toBe(false)
    expect(count(driver)).toBe(0)
  })

  withDriver('after SQLite rolled back by itself, the body cannot write outside of the transaction', (driver) => {
    driver.exec('CREATE TABLE t (a UNIQUE)')
    const error = failure(() =>
      driver.transaction(() => {
        driver.prepare('INSERT INTO t VALUES (1)').run()
        // OR ROLLBACK stands for every error that ends a transaction: a full disk, an I/O error, no memory.
        expectCode('constraint', () => driver.prepare('INSERT OR ROLLBACK INTO t VALUES (1)').run())
        expect(driver.inTransaction).toBe(false)
        expectCode('other', () => driver.prepare('INSERT INTO t VALUES (2)').run())
        expectCode('other', () => driver.exec('INSERT INTO t VALUES (3)'))
      }),
    )
    expect(error.code).toBe('other')
    expect(count(driver)).toBe(0)
    driver.transaction(() => driver.exec('INSERT INTO t VALUES (4)'))
    expect(count(driver)).toBe(1)
  })
}

function failures(withDriver: WithDriver): void {
  withDriver('errors carry a code, the SQL and the cause', (driver) => {
    driver.exec('CREATE TABLE t (a UNIQUE, b NOT NULL DEFAULT 0); INSERT INTO t (a) VALUES (1)')
    const error = failure(() => driver.prepare('INSERT INTO t (a) VALUES (?)').run(1))
    expect(error.code).toBe('constraint')
    expect(error.sql).toBe('INSERT INTO t (a) VALUES (?)')
    expect(error.message).toContain('UNIQUE constraint failed: t.a')
    expect(error.cause).toBeInstanceOf(Error)
    expectCode('constraint', () => driver.prepare('INSERT INTO t (b) VALUES (NULL)').run())
  })

  withDriver('wrong SQL is misuse: syntax, unknown names, no statement, strings in double quotes', (driver) => {
    for (const sql of ['SELEC 1', 'SELECT * FROM nowhere', '', '-- nothing', 'SELECT "text"']) {
      expectCode('misuse', () => driver.prepare(sql).get())
    }
    expectCode('misuse', () => driver.exec('SELECT * FROM nowhere'))
  })

  withDriver('a database that may not grow reports full, loses nothing and works again when there is room', (driver) => {
    driver.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    driver.exec('PRAGMA max_page_count = 10')
    expectCode('full', () =>
      driver.transaction(() => {
        for (let i = 0; i < 100; i++) driver.prepare('INSERT INTO t VALUES (?)').run(new Uint8Array(4000))
      }),
    )
    expect(driver.prepare('SELECT a FROM t').all()).toEqual([{ a: 1 }])
    driver.exec('PRAGMA max_page_count = 1000000')
    driver.prepare('INSERT INTO t VALUES (?)').run(new Uint8Array(400_000))
    expect(driver.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 2 })
  })

  withDriver('a closed driver refuses everything, closing twice is fine', (driver) => {
    const statement = driver.prepare('SELECT 1 AS one')
    const open = statement.iterate()
    expect(open.next().value).toEqual({ one: 1 })
    driver.close()
    driver.close()
    for (const use of [
      () => statement.get(),
      () => open.next(),
      () => driver.prepare('SELECT 1'),
      () => driver.exec('SELECT 1'),
      () => driver.transaction(() => 1),
      () => driver.changes(),
    ]) {
      expectCode('misuse', use)
    }
    expect(driver.inTransaction).toBe(false)
  })
}

function features(withDriver: WithDriver): void {
  withDriver('settings are the same everywhere', (driver) => {
    const setting = (name: string): unknown => driver.prepare(`PRAGMA ${name}`).values()[0]?.[0]
    expect(setting('foreign_keys')).toBe(0)
    expect(setting('recursive_triggers')).toBe(0)
    expect(setting('trusted_schema')).toBe(0)
    expect(setting('cell_size_check')).toBe(1)
    expect(setting('temp_store')).toBe(2)
  })

  withDriver('another database can be attached', (driver) => {
    driver.prepare('ATTACH ? AS other').run(':memory:')
    driver.exec('CREATE TABLE other.t (a); INSERT INTO other.t VALUES (1)')
    expect(driver.prepare('SELECT a FROM other.t').get()).toEqual({ a: 1 })
  })

  withDriver('json, RETURNING, upserts, window functions and FTS5 without content are there', (driver) => {
    expect(driver.prepare("SELECT json_extract(?, '$.a') AS a").get('{"a":[1]}')).toEqual({ a: '[1]' })
    driver.exec('CREATE TABLE t (k PRIMARY KEY, n) WITHOUT ROWID')
    const upsert = driver.prepare('INSERT INTO t VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1 RETURNING n')
    expect([upsert.get('a'), upsert.get('a')]).toEqual([{ n: 1 }, { n: 2 }])
    expect(driver.prepare('SELECT row_number() OVER (ORDER BY k) AS r FROM t').all()).toEqual([{ r: 1 }])
    driver.exec(`CREATE VIRTUAL TABLE f USING fts5(a, b, content='', contentless_delete=1, detail=none,
      tokenize='unicode61 remove_diacritics 2')`)
    driver.prepare('INSERT INTO f (rowid, a, b) VALUES (?, ?, ?)').run(7, 'Żółw', 'idzie')
    expect(driver.prepare('SELECT rowid FROM f WHERE f MATCH ?').all('zol*')).toEqual([])
    expect(driver.prepare('SELECT rowid FROM f WHERE f MATCH ?').all('zołw*')).toEqual([{ rowid: 7 }])
    driver.prepare('DELETE FROM f WHERE rowid = ?').run(7)
    expect(driver.prepare('SELECT rowid FROM f WHERE f MATCH ?').all('idzie')).toEqual([])
  })
}
