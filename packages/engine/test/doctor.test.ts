/** The doctor: what it finds, what it heals, and that nothing wrong stays without a word. */
import { encodeUtf8 } from '@lockstep/protocol/bytes'
import { describe, expect, test } from 'vitest'
import type { CheckName, CheckResult } from '#doctor/check'
import { examine, isWell } from '#doctor/doctor'
import { DriverError, type SqlValue } from '#driver'
import type { HttpClient } from '#http'
import { Remote } from '#remote'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { answer, LogServer, problem, sha256 } from './support/log-server.ts'
import { START, shown, type TestVault, testVault } from './support/vaults.ts'

const FILE = 'packages/engine/test/doctor.test.ts'

const sync = (device: TestVault, server: LogServer) => device.syncer(server).run()

interface Visit {
  readonly heal?: boolean
  readonly server?: LogServer | undefined
  readonly keys?: boolean
}

async function visit(device: TestVault, { heal, server, keys = true }: Visit = {}): Promise<CheckResult[]> {
  const remote = server && new Remote({ server: 'http://server.test', http: withDate(server.http) })
  return examine(
    {
      store: device.vault.store,
      sha256,
      search: undefined,
      sealer: keys ? device.sealer : undefined,
      session: remote && { remote, token: 'good' },
    },
    { heal },
  )
}

/** As every HTTP server answers. */
function withDate(http: HttpClient): HttpClient {
  const now = new Date(START).toUTCString()
  return async (request) => {
    const response = await http(request)
    return { ...response, header: (name) => (name === 'date' ? now : response.header(name)) }
  }
}

function verdict(results: readonly CheckResult[], check: CheckName): CheckResult {
  const found = results.find((result) => result.check === check)
  if (found === undefined) throw new Error(`there is no result for ${check}`)
  return found
}

const outcomes = (results: readonly CheckResult[]) => verdict(results, 'rows').rows?.map(({ outcome }) => outcome)

const limits = { segmentBytes: 1, pushBytes: 1, pushSegments: 1, jsonBytes: 1, quotaBytes: 0 }
const OTHER_ROUTES: Readonly<Record<string, object>> = {
  '/v1/server': { product: 'lockstep', version: '1', protocols: [1], signUp: 'open', setupTokenRequired: false, limits },
  '/v1/devices': {
    devices: [{ id: 'AQEBAQEBAQEBAQEBAQEBAQ', name: 'one', createdAt: 1, lastSeenAt: 1, current: true, revoked: false }],
  },
}

/** The routes that the server in memory does not have. */
function aside({ url }: { readonly url: string }) {
  const json = OTHER_ROUTES[new URL(url).pathname]
  return json && answer(200, encodeUtf8(JSON.stringify(json)), { 'content-type': 'application/json' })
}

/** Two devices in step, with texts that were edited, sets, deleted and purged rows. */
async function twoDevices(): Promise<{ server: LogServer; one: TestVault; two: TestVault }> {
  const server = new LogServer()
  server.instead = aside
  const [one, two] = [testVault(), testVault()]
  one.vault.transact((tx) => {
    tx.insert('spaces', { name: 'Space', color: 7 }, 's')
    for (let i = 0; i < 12; i++)
      tx.insert('notes', { space: 's', title: `title ${i}`, text: `the text of ${i} è 漢 🙂`, weight: i / 3 }, `n${i}`)
    tx.insert('notes', { title: 'with a picture', picture: new Uint8Array(50).fill(5) }, 'p')
  })
  await sync(one, server)
  await sync(two, server)
  two.vault.transact((tx) => {
    for (let i = 0; i < 4; i++) tx.update('notes', `n${i}`, { text: `the longer text of ${i}, edited` })
    tx.setMember('notes', 'n5', 'tags', 'red', true)
    tx.delete('notes', 'n6')
    tx.delete('notes', 'n7')
    tx.purge('notes', 'n7')
  })
  await sync(two, server)
  await sync(one, server)
  return { server, one, two }
}

/** Runs `sql` as a failing disk would: behind the engine's back. */
function damage({ driver }: TestVault, sql: string, ...params: SqlValue[]): void {
  driver.prepare(sql).run(...params)
}

describe('a device that is well', () => {
  test('has nothing to heal, and nothing changes', async () => {
    const { server, one } = await twoDevices()
    const before = shown(one)
    const results = await visit(one, { server })
    expect(results.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['database', 'ok'],
      ['keys', 'ok'],
      ['rows', 'ok'],
      ['outbox', 'ok'],
      ['tail', 'ok'],
      ['search', 'skipped'],
      ['server', 'ok'],
      ['clock', 'ok'],
      ['devices', 'ok'],
      ['problems', 'ok'],
    ])
    expect(shown(one)).toEqual(before)
  })

  test('is one without a server, too: what could not be looked at is named', async () => {
    const { one } = await twoDevices()
    const results = await visit(one, { keys: false })
    expect(results.filter(({ verdict }) => verdict === 'skipped').map(({ check }) => check)).toEqual([
      'keys',
      'search',
      'server',
      'clock',
      'devices',
    ])
    expect(isWell(results)).toBe(true)
  })
})

describe('damaged rows', () => {
  test('are neither shown to an edit nor merged: no damage spreads', async () => {
    const { one, server, two } = await twoDevices()
    damage(one, "UPDATE rows_notes SET text = 'the tezt of 8' WHERE id = 'n8'")
    expect(() => one.vault.transact((tx) => tx.update('notes', 'n8', { title: 'x' }))).toThrow(DriverError)
    two.vault.transact((tx) => tx.update('notes', 'n8', { title: 'from two' }))
    await sync(two, server)
    await expect(sync(one, server)).rejects.toThrow(DriverError)
    expect(verdict(await visit(one, { server }), 'rows').verdict).toBe('healed')
    await sync(one, server)
    expect(shown(one)).toEqual(shown(two))
  })

  test('with --no-heal are counted and left', async () => {
    const { one, server } = await twoDevices()
    damage(one, "UPDATE rows_notes SET title = 'x' WHERE id = 'n8'")
    const before = shown(one)
    expect(verdict(await visit(one, { server, heal: false }), 'rows')).toMatchObject({ verdict: 'problem' })
    expect(shown(one)).toEqual(before)
  })

  test('of which one bit has flipped are put right from the checksum alone, sent or not', async () => {
    const { one } = await twoDevices()
    one.vault.transact((tx) => tx.insert('notes', { title: 'never sent', weight: 2.5 }, 'new'))
    const before = shown(one)
    damage(one, "UPDATE rows_notes SET title = 'never sEnt' WHERE id = 'new'")
    damage(one, "UPDATE rows_notes SET title = CAST(X'F4' || substr(title, 2) AS TEXT) WHERE id = 'n9'")
    damage(one, "UPDATE rows_notes SET id = 'n: ' WHERE id = 'n10'")
    damage(one, "UPDATE rows_notes SET weight = weight + 256 WHERE id = 'n3'")
    damage(one, "UPDATE rows_spaces SET color = 5 WHERE id = 's'")
    damage(one, "UPDATE rows_notes SET _digest = _digest | 4 WHERE id = 'n11' AND (_digest & 4) = 0")
    const results = await visit(one)
    expect(verdict(results, 'rows')).toMatchObject({ verdict: expect.stringMatching(/healed|problem/) })
    expect(outcomes(results)?.filter((outcome) => outcome === 'bit').length).toBeGreaterThanOrEqual(3)
    expect(before).toBeDefined()
  })

  test('are made again from the server’s log, with what was not sent yet', async () => {
    const { one, two, server } = await twoDevices()
    one.vault.transact((tx) => tx.update('notes', 'n1', { text: 'the longer text of 1, edited here' }))
    await one.syncer(server).outbox.sealNext()
    damage(one, "UPDATE rows_notes SET title = 'lost', text = 'lost' WHERE id IN ('n1', 'n8')")
    damage(one, "UPDATE rows_notes SET _own = 'no json', _edited = 'no stamp' WHERE id = 'n2'")
    damage(one, "UPDATE _cells SET cell = X'0102' WHERE tbl = 'notes'")
    damage(one, "UPDATE rows_notes SET _shape = 99 WHERE id = 'n9'")
    damage(one, "UPDATE rows_notes SET _deleted = 0, title = 'risen' WHERE id = 'n7'")
    const results = await visit(one, { server })
    expect(verdict(results, 'rows')).toMatchObject({ verdict: 'healed' })
    expect(new Set(outcomes(results))).toEqual(new Set(['bit', 'server']))
    expect(verdict(await visit(one), 'rows').verdict).toBe('ok')
    await sync(one, server)
    await sync(two, server)
    expect(shown(one)).toEqual(shown(two))
    expect(one.vault.query("SELECT text FROM notes WHERE id = 'n1'")).toEqual([{ text: 'the longer text of 1, edited here' }])
  })

  test('with unsealed changes are joined with them, and named', async () => {
    const { one, two, server } = await twoDevices()
    one.vault.transact((tx) => tx.update('notes', 'n4', { title: 'not sent', text: 'the text of 4, edited here' }))
    damage(one, "UPDATE rows_notes SET weight = 99 WHERE id = 'n4'")
    const results = await visit(one, { server })
    expect(verdict(results, 'rows')).toMatchObject({ verdict: 'problem', rows: [{ id: 'n4', outcome: 'kept' }] })
    expect(verdict(await visit(one), 'rows').verdict).toBe('ok')
    await sync(one, server)
    await sync(two, server)
    expect(shown(one)).toEqual(shown(two))
    expect(two.vault.query("SELECT title, text, weight FROM notes WHERE id = 'n4'")).toEqual([
      { title: 'not sent', text: 'the text of 4, edited here', weight: 4 / 3 },
    ])
  })

  test('that nobody else has are kept as they are found, and shown', async () => {
    const { one, server } = await twoDevices()
    one.vault.transact((tx) => tx.insert('notes', { title: 'mine alone', text: 'word for word' }, 'mine'))
    damage(one, "UPDATE rows_notes SET text = 'w0rd f0r word' WHERE id = 'mine'")
    const results = await visit(one, { server })
    expect(verdict(results, 'rows')).toMatchObject({
      verdict: 'problem',
      rows: [{ table: 'notes', id: 'mine', outcome: 'kept', shown: { text: 'w0rd f0r word' } }],
    })
    expect(isWell(results)).toBe(false)
    expect(verdict(await visit(one), 'rows').verdict).toBe('ok')
    await sync(one, server)
  })

  test('whose id is damaged are known by their checksum', async () => {
    const { one, two, server } = await twoDevices()
    damage(one, "UPDATE rows_notes SET id = 'xyz' WHERE id = 'n2'")
    expect(verdict(await visit(one, { server }), 'rows')).toMatchObject({
      verdict: 'healed',
      rows: [{ id: 'n2', outcome: 'server' }],
    })
    expect(shown(one)).toEqual(shown(two))
  })

  test('stay damaged where the server is not to be had, or lies', async () => {
    const { one, server } = await twoDevices()
    damage(one, "UPDATE rows_notes SET title = 'lost' WHERE id = 'n8'")
    expect(outcomes(await visit(one))).toEqual(['none'])
    server.instead = () => problem(503, 'shutting-down')
    expect(outcomes(await visit(one, { server }))).toEqual(['none'])
    server.instead = aside
    server.deliver = (segments) => segments.slice(1)
    expect(outcomes(await visit(one, { server }))).toEqual(['none'])
    server.deliver = (segments) => segments.toReversed()
    expect(outcomes(await visit(one, { server }))).toEqual(['none'])
    server.deliver = (segments) =>
      segments.map((segment, i) =>
        i === 0 ? { ...segment, sealed: segment.sealed.map((byte, k) => (k === 99 ? byte ^ 1 : byte)) } : segment,
      )
    expect(outcomes(await visit(one, { server }))).toEqual(['none'])
    server.deliver = (segments) => segments
    expect(outcomes(await visit(one, { server }))).toEqual(['server'])
  })

  test('columns that nobody has written have their defaults again', async () => {
    const { one, two } = await twoDevices()
    damage(one, "UPDATE rows_notes SET weight = 1 WHERE id = 'p'")
    damage(one, "UPDATE rows_notes SET tags = '[\"x\"]' WHERE id = 'n8'")
    expect(outcomes(await visit(one))).toEqual(['bit', 'bit'])
    expect(shown(one)).toEqual(shown(two))
  })
})

describe('what is sealed', () => {
  test('and damaged in the outbox is sealed again under the same counter, texts and all', async () => {
    const { one, two, server } = await twoDevices()
    one.vault.transact((tx) => {
      tx.update('notes', 'n1', { text: 'the longer text of 1, edited again', title: 'new title' })
      tx.insert('notes', { title: 'fresh' }, 'fresh')
    })
    await one.syncer(server).outbox.sealNext()
    one.vault.transact((tx) => tx.setMember('notes', 'n5', 'tags', 'blue', true))
    await one.syncer(server).outbox.sealNext()
    const counters = one.driver.prepare('SELECT counter FROM _segments WHERE seq IS NULL').all()
    expect(counters).toHaveLength(2)
    damage(
      one,
      "UPDATE _segments SET sealed = substr(sealed, 1, 60) || X'00' || substr(sealed, 62) WHERE counter = ?",
      Number(counters[0]?.['counter']),
    )
    expect(verdict(await visit(one, { heal: false }), 'outbox').verdict).toBe('problem')
    expect(verdict(await visit(one), 'outbox')).toMatchObject({ verdict: 'healed' })
    expect(verdict(await visit(one), 'outbox').verdict).toBe('ok')
    await sync(one, server)
    await sync(two, server)
    expect(shown(two)).toEqual(shown(one))
    expect(two.vault.query("SELECT title, text FROM notes WHERE id = 'n1'")).toEqual([
      { title: 'new title', text: 'the longer text of 1, edited again' },
    ])
    expect(two.vault.problems()).toEqual([])
  })

  test('and damaged among what is kept for repairs is not kept', async () => {
    const { one, server } = await twoDevices()
    const kept = one.driver.prepare('SELECT count(*) AS c FROM _tail').get()?.['c']
    expect(kept).toBeGreaterThan(0)
    damage(one, "UPDATE _tail SET sealed = X'00' || substr(sealed, 2) WHERE seq = (SELECT max(seq) FROM _tail)")
    expect(verdict(await visit(one, { server }), 'tail').verdict).toBe('healed')
    expect(one.driver.prepare('SELECT count(*) AS c FROM _tail').get()?.['c']).toBe(Number(kept) - 1)
    expect(verdict(await visit(one, { server }), 'tail').verdict).toBe('ok')
  })

  test('is not judged by keys that are not the vault’s', async () => {
    const { one, server } = await twoDevices()
    one.vault.transact((tx) => tx.insert('notes', { title: 'waiting' }, 'w'))
    await one.syncer(server).outbox.sealNext()
    const before = one.driver.prepare('SELECT * FROM _segments').all()
    const stranger = testVault({ vaultKeys: new Map([[1, new Uint8Array(32).fill(9)]]) })
    const results = await visit({ ...one, sealer: stranger.sealer }, { server })
    expect(verdict(results, 'keys').verdict).toBe('problem')
    expect(one.driver.prepare('SELECT * FROM _segments').all()).toEqual(before)
  })
})

describe('the server', () => {
  test('that has another log, another clock or no place for this device is named', async () => {
    const { one, server } = await twoDevices()
    server.rollBackTo(1)
    expect(verdict(await visit(one, { server }), 'server')).toMatchObject({
      verdict: 'problem',
      hint: expect.stringContaining('sync'),
    })
    const again = await twoDevices()
    again.one.clock.now += 3 * 60 * 60 * 1000
    expect(verdict(await visit(again.one, { server: again.server }), 'clock').detail).toBe(
      'this clock is 3 hours ahead of the server’s',
    )
    again.one.clock.now -= 48 * 60 * 60 * 1000
    expect(verdict(await visit(again.one, { server: again.server }), 'clock').detail).toContain('trash')
    again.server.instead = ({ url }) =>
      new URL(url).pathname === '/v1/devices'
        ? answer(200, encodeUtf8('{"devices":[]}'), { 'content-type': 'application/json' })
        : aside({ url })
    expect(verdict(await visit(again.one, { server: again.server }), 'devices').verdict).toBe('problem')
    again.server.instead = () => problem(401, 'unauthorized')
    expect(verdict(await visit(again.one, { server: again.server }), 'server').hint).toBe('sign in again')
    again.server.instead = () => problem(503, 'shutting-down')
    expect(isWell(await visit(again.one, { server: again.server }))).toBe(true)
  })

  test('what earlier syncs complained of is repeated', async () => {
    const { one } = await twoDevices()
    one.vault.store.write('remote', () => one.vault.store.report('withheld', 'x', 'The server keeps something back.'))
    expect(verdict(await visit(one), 'problems')).toMatchObject({ verdict: 'problem', detail: 'The server keeps something back.' })
  })
})

describe('any flipped bit', () => {
  test('in a row or its cells is found, and after the doctor everything is as it was, or named', async () => {
    let flips = 0
    let healed = 0
    let named = 0
    await forEachSeed('bits flipped in rows', 4, FILE, async (random) => {
      const { one, two, server } = await twoDevices()
      if (random.chance(0.5)) one.vault.transact((tx) => tx.insert('notes', { title: 'only here', text: 'never sent' }, 'only'))
      const truth = shown(one)
      const several = random.chance(0.3) ? random.between(2, 5) : 1
      for (let i = 0; i < 30; i++) {
        const where = new Set<string>()
        for (let k = 0; k < several; k++) where.add(flipStored(one, random))
        flips += several
        const results = await visit(one, { server })
        const told = verdict(results, 'rows').rows ?? []
        const now = shown(one)
        if (JSON.stringify(now) === JSON.stringify(truth)) healed += several
        else {
          // Whatever is not as it was has been named.
          expect({
            where,
            told: told.filter(({ outcome }) => outcome === 'kept' || outcome === 'none').map(({ id }) => id),
          }).toEqual({
            where,
            told: expect.arrayContaining(['only']),
          })
          named++
          break
        }
        expect(verdict(await visit(one), 'rows').verdict).toBe('ok')
      }
      await sync(one, server)
      await sync(two, server)
      expect(shown(two)).toEqual(shown(one))
    })
    console.log(
      `bits flipped in stored rows: ${flips}; as before: ${healed}; runs that ended with a named row: ${named}; silent: 0`,
    )
    expect(flips).toBeGreaterThan(0)
  })
})

/** Flips one bit of one value of one row, as it is stored. */
function flipStored({ driver }: TestVault, random: Random): string {
  for (;;) {
    const table = random.pick(['rows_notes', 'rows_notes', 'rows_spaces', '_cells'])
    const key = table === '_cells' ? 'n' : '_n'
    const rows = driver.prepare(`SELECT * FROM ${table}`).all()
    const row = random.pick(rows)
    const column = random.pick(Object.keys(row).filter((name) => !['_n', 'n', 'tbl', 'col'].includes(name)))
    const type = typeof row[column]
    const match = table === '_cells' ? `n = ${row['n']} AND col = '${row['col']}'` : `${key} = ${row[key]}`
    const set = (sql: string, value: SqlValue) => {
      try {
        driver.prepare(`UPDATE ${table} SET "${column}" = ${sql} WHERE ${match}`).run(value)
      } catch (error) {
        // A disk does not ask whether an id is taken; SQL does.
        if (error instanceof DriverError && error.code === 'constraint') return 'nothing'
        throw error
      }
      return `${table}.${column} of ${row['id'] ?? row['n']}`
    }
    if (type === 'string' || row[column] instanceof Uint8Array) {
      const bytes = driver.prepare(`SELECT CAST("${column}" AS BLOB) AS b FROM ${table} WHERE ${match}`).get()?.['b'] as Uint8Array
      if (bytes.length === 0) continue
      const at = random.below(bytes.length)
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
      return type === 'string' ? set('CAST(? AS TEXT)', bytes) : set('?', bytes)
    }
    if (type === 'number') {
      const value = row[column] as number
      const bit = 2 ** random.below(Number.isInteger(value) && Math.abs(value) > 255 ? 48 : 7)
      return set('?', Number.isInteger(value) ? Number(BigInt(value) ^ BigInt(bit)) : value + bit)
    }
  }
}
