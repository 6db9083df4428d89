/** A dishonest or broken server, one that holds no keys: what it can try, and that it is found out. */
import { seal, segmentAad } from '@lockstep/crypto/envelope'
import { deriveEpochKeys } from '@lockstep/crypto/hierarchy'
import { extendChain, identifySegment } from '@lockstep/protocol/chain'
import type { DeliveredSegment } from '@lockstep/protocol/records'
import { describe, expect, test } from 'vitest'
import { type Cell, DELETED, lwwCell } from '#cell'
import { ContentEncoder } from '#content-encoder'
import { MAX_AHEAD_MILLIS, makeStamp, type ReplicaId } from '#hlc'
import { nodeCompression } from '#platform/node/compression'
import { packBody } from '#sealing'
import { LogServer, problem, sha256 } from './support/log-server.ts'
import { codeOf, START, shown, type TestVault, testVault, VAULT_ID } from './support/vaults.ts'

const sync = (device: TestVault, server: LogServer) => device.syncer(server).run()
const codes = ({ vault }: TestVault) => vault.problems().map(({ code }) => code)

/** A log of six segments by two devices; the second had seen what the first wrote. */
async function history(): Promise<{ server: LogServer; one: TestVault; two: TestVault }> {
  const server = new LogServer()
  const [one, two] = [testVault(), testVault()]
  for (let i = 0; i < 3; i++) {
    one.vault.transact((tx) => tx.insert('notes', { title: `one ${i}` }, `one-${i}`))
    await sync(one, server)
    await sync(two, server)
    two.vault.transact((tx) => tx.insert('notes', { title: `two ${i}` }, `two-${i}`))
    await sync(two, server)
    await sync(one, server)
  }
  expect(server.head).toBe(6)
  return { server, one, two }
}

/** Makes the server consistent with itself again after its log was changed. */
function rechain(server: LogServer): void {
  server.log.forEach((segment, i) => {
    const renumbered = { ...segment, first: i + 1, last: i + 1 }
    server.log[i] = renumbered
    server.chains[i + 1] = extendChain(sha256, server.chains[i] as Uint8Array, identifySegment(sha256, renumbered))
  })
  server.chains.length = server.log.length + 1
}

describe('segments that are not what they were', () => {
  const altered: [string, (log: DeliveredSegment[]) => void][] = [
    ['a flipped bit in the sealed bytes', (log) => flip(log, 2, 200)],
    ['a flipped bit in the commitment', (log) => flip(log, 2, 40)],
    ['another replica in the record', (log) => change(log, 2, { replica: new Uint8Array(16).fill(9) })],
    ['another counter in the record', (log) => change(log, 2, { counter: 9 })],
    ['another epoch in the record', (log) => change(log, 2, { epoch: 2 })],
    ['another kind in the record', (log) => change(log, 2, { kind: 1 })],
    ['another predecessor in the record', (log) => change(log, 2, { previous: new Uint8Array(32).fill(9) })],
    ['bytes of another segment', (log) => change(log, 2, { sealed: (log[4] as DeliveredSegment).sealed })],
    ['a segment that the server made itself', (log) => change(log, 2, { sealed: new Uint8Array(400).fill(1) })],
  ]
  function change(log: DeliveredSegment[], at: number, members: Partial<DeliveredSegment>): void {
    log[at] = { ...(log[at] as DeliveredSegment), ...members }
  }
  function flip(log: DeliveredSegment[], at: number, byte: number): void {
    const sealed = (log[at] as DeliveredSegment).sealed.slice()
    sealed[byte] = (sealed[byte] as number) ^ 1
    change(log, at, { sealed })
  }

  test.each(altered)('[LOG-8] [ENV-3] %s is set aside and told, the rest is read', async (_what, alter) => {
    const { server } = await history()
    alter(server.log)
    rechain(server)
    const reader = testVault()
    await sync(reader, server)
    expect(reader.vault.query('SELECT id FROM notes ORDER BY id').map(({ id }) => id)).toEqual([
      'one-0',
      'one-2',
      'two-0',
      'two-1',
      'two-2',
    ])
    expect(codes(reader)).toContain('unreadable')
    expect(reader.driver.prepare('SELECT seq FROM _quarantine').all()).toEqual([{ seq: 3 }])
  })

  test('[LOG-4] bytes changed on the way, without a chain to match, are refused', async () => {
    const { server } = await history()
    server.deliver = (segments) =>
      segments.map((segment, i) => (i === 3 ? { ...segment, sealed: segment.sealed.toReversed() } : segment))
    expect(await codeOf(() => sync(testVault(), server))).toBe('server-misbehaved')
  })

  test('[KEY-7] a segment of another vault, or under another key, opens nowhere', async () => {
    const { server } = await history()
    for (const options of [{ vaultId: new Uint8Array(16).fill(8) }, { vaultKeys: new Map([[1, new Uint8Array(32).fill(8)]]) }]) {
      const reader = testVault(options)
      await sync(reader, server)
      expect(reader.vault.query('SELECT id FROM notes')).toEqual([])
      expect(reader.driver.prepare('SELECT count(*) AS c FROM _quarantine').get()).toEqual({ c: 6 })
    }
  })
})

describe('segments that are left out, repeated or put in another order', () => {
  test('[LOG-4] [LOG-6] a hole in what is handed out is refused, and what came before it is kept', async () => {
    const { server } = await history()
    server.deliver = (segments) => segments.filter(({ last }) => last !== 4)
    const reader = testVault()
    expect(await codeOf(() => sync(reader, server))).toBe('server-misbehaved')
    server.deliver = (segments) => segments
    await sync(reader, server)
    expect(reader.vault.query('SELECT id FROM notes')).toHaveLength(6)
  })

  test('[LOG-4] an end that is kept back is refused: the server vouches for more', async () => {
    const { server } = await history()
    server.deliver = (segments) => segments.slice(0, -1)
    const reader = testVault()
    // A new device gets the log from its end: what is missing there is noticed at once.
    expect(await codeOf(() => sync(reader, server))).toBe('server-misbehaved')
    server.deliver = (segments) => segments
    await sync(reader, server)
    const writer = testVault()
    await sync(writer, server)
    for (let i = 0; i < 2; i++) {
      writer.vault.transact((tx) => tx.insert('notes', {}, `more-${i}`))
      await sync(writer, server)
    }
    server.deliver = (segments) => segments.slice(0, -1)
    // Once it may be a connection that broke off between two segments; without progress it is not.
    expect(await codeOf(() => sync(reader, server))).toBe('offline')
    expect(reader.syncer(server).inbox.position().cursor).toBe(7)
    expect(await codeOf(() => sync(reader, server))).toBe('server-misbehaved')
    expect(reader.syncer(server).inbox.position().cursor).toBe(7)
  })

  test('[LOG-4] segments in another order are refused', async () => {
    const { server } = await history()
    server.deliver = (segments) => segments.toReversed()
    const reader = testVault()
    expect(await codeOf(() => sync(reader, server))).toBe('server-misbehaved')
    expect(reader.vault.query('SELECT id FROM notes')).toEqual([])
  })

  test('[LOG-1] [LOG-8] a replica’s segment that is missing from the log is told when its next one arrives', async () => {
    const { server } = await history()
    server.log.splice(2, 1)
    rechain(server)
    const reader = testVault()
    await sync(reader, server)
    expect(codes(reader)).toContain('withheld')
    // Even to somebody who has seen it, through another device: what is missing is named by who misses it.
    const details = reader.vault.problems().map(({ detail }) => detail)
    expect(details.filter((detail) => detail.includes('segment 2'))).toHaveLength(1)
  })

  test('[LOG-8] a device whose whole log is withheld is known from what another one had seen', async () => {
    const { server, one } = await history()
    const hidden = one.vault.store.replicaBytes()
    server.log.splice(0, server.log.length, ...server.log.filter(({ replica }) => replica.toString() !== hidden.toString()))
    rechain(server)
    const reader = testVault()
    await sync(reader, server)
    expect(codes(reader)).toContain('withheld')
  })

  test('[LOG-1] a segment that is replayed changes nothing', async () => {
    const { server, one } = await history()
    one.vault.transact((tx) => tx.update('notes', 'one-0', { title: 'newer' }))
    await sync(one, server)
    server.log.push(server.log[0] as DeliveredSegment)
    rechain(server)
    const reader = testVault()
    await sync(reader, server)
    expect(reader.vault.query("SELECT title FROM notes WHERE id = 'one-0'")).toEqual([{ title: 'newer' }])
    expect(codes(reader)).toEqual([])
  })

  test('[LOG-3] [LOG-4] two histories of one device are told', async () => {
    const { server } = await history()
    const reader = testVault()
    server.deliver = (segments) => segments
    const whole = [...server.log]
    server.rollBackTo(3)
    await sync(reader, server)
    reader.driver.exec('UPDATE _replicas SET digest = zeroblob(32)')
    server.log.push(...whole.slice(3))
    rechain(server)
    await sync(reader, server)
    expect(codes(reader)).toContain('forked')
  })
})

describe('a server that went back', () => {
  const ids = (device: TestVault) => device.vault.query('SELECT id FROM notes ORDER BY id').map(({ id }) => id)

  test('[LOG-4] [LOG-9] a lost end is given back verbatim, by whoever comes first, in two round trips; the log is as it was', async () => {
    const { server, one, two } = await history()
    const chain = server.chains[6]
    server.rollBackTo(2)
    server.exchanges.length = 0
    const lost = 4
    const { repaired } = await sync(one, server)
    expect(repaired.segments).toBe(lost)
    // The pull that is refused, and the push, whose answer has the chain that proves it all.
    expect(server.exchanges.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/segments', 'POST /v1/segments'])
    expect(server.chains[6]).toEqual(chain)
    expect(codes(one)).toEqual(['server-rolled-back'])
    expect(one.vault.problems()[0]?.detail).toContain('the last 4 segments')
    server.exchanges.length = 0
    await sync(two, server)
    expect(server.exchanges).toHaveLength(1)
    expect(codes(two)).toEqual([])
    await sync(one, server)
    expect(codes(one)).toEqual([])
  })

  test('[LOG-4] [LOG-9] a restored backup that was written to is found, however far it has moved on, and gets back what it lost', async () => {
    const { server, one, two } = await history()
    server.rollBackTo(2)
    const stranger = testVault()
    for (let i = 0; i < 6; i++) {
      stranger.vault.transact((tx) => tx.insert('notes', { title: `stranger ${i}` }, `stranger-${i}`))
      await sync(stranger, server)
    }
    one.vault.transact((tx) => tx.insert('notes', { title: 'new' }, 'new'))
    for (const device of [one, two, stranger, one]) await sync(device, server)
    const all = [
      'new',
      'one-0',
      'one-1',
      'one-2',
      ...Array.from({ length: 6 }, (_, i) => `stranger-${i}`),
      'two-0',
      'two-1',
      'two-2',
    ]
    const fresh = testVault()
    await sync(fresh, server)
    for (const device of [one, two, stranger, fresh]) expect(ids(device)).toEqual(all)
    expect(codes(two)).toEqual(['server-forked'])
    for (const device of [one, two]) await sync(device, server)
    for (const device of [one, two, stranger, fresh]) expect(codes(device)).toEqual([])
    // Each replica's segments are there once.
    expect(server.log.length).toBe(6 + 6 + 1)
  })

  test('[LOG-4] one that says less than it has said before is told and repaired, also when it does not refuse', async () => {
    const { server, one } = await history()
    const honest = server.http
    const lying = new LogServer()
    lying.http = async (request) =>
      honest({ ...request, url: request.url.replace(/after=\d+&chain=\w+/, `after=0&chain=${'0'.repeat(64)}`) })
    server.rollBackTo(3)
    await sync(one, lying)
    expect(codes(one)).toContain('server-rolled-back')
    expect(server.head).toBe(6)
  })

  test('[LOG-9] an emptied server gets everything back once, and says nothing of it to the others', async () => {
    const { server, one, two } = await history()
    server.rollBackTo(0)
    server.generation = new Uint8Array(16).fill(9)
    await sync(one, server)
    expect(codes(one)).toEqual(['server-emptied'])
    expect(server.head).toBe(6)
    await sync(two, server)
    expect(codes(two)).toEqual([])
    const fresh = testVault()
    await sync(fresh, server)
    expect(ids(fresh)).toEqual(ids(one))
  })

  test('a server that has its data back by itself is in step again', async () => {
    const { server, one } = await history()
    const [log, chains] = [[...server.log], [...server.chains]]
    server.rollBackTo(2)
    server.instead = ({ method }) => (method === 'POST' ? problem(503, 'shutting-down') : undefined)
    expect(await codeOf(() => sync(one, server))).toBe('offline')
    server.instead = () => undefined
    server.log.splice(0, server.log.length, ...log)
    server.chains.splice(0, server.chains.length, ...chains)
    await sync(one, server)
    expect(codes(one)).toEqual([])
  })
})

describe('copies of a database', () => {
  async function copyOf(original: TestVault): Promise<TestVault> {
    const copy = testVault()
    const tables = original.driver
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
      .all()
      .map(({ name }) => String(name))
    copy.vault.store.write('remote', () => {
      for (const table of tables) {
        copy.driver.exec(`DELETE FROM "${table}"`)
        for (const row of original.driver.prepare(`SELECT * FROM "${table}"`).all()) {
          const columns = Object.keys(row)
          copy.driver
            .prepare(`INSERT INTO "${table}" (${columns.map((column) => `"${column}"`)}) VALUES (${columns.map(() => '?')})`)
            .run(...Object.values(row))
        }
      }
    })
    copy.vault.store.rows.forgetUncommitted()
    // The next transaction reads which replica it is.
    copy.vault.store.write('remote', () => {})
    return copy
  }

  test('[LOG-3] a clone that writes apart takes a replica id of its own, and both keep every edit', async () => {
    const { server, one, two } = await history()
    one.vault.transact((tx) => tx.insert('notes', { title: 'pending', text: 'base' }, 'pending'))
    const clone = await copyOf(one)
    expect(clone.vault.store.replica).toBe(one.vault.store.replica)
    one.vault.transact((tx) => {
      tx.update('notes', 'one-0', { title: 'by one' })
      tx.update('notes', 'pending', { text: 'base, one' })
    })
    clone.vault.transact((tx) => {
      tx.update('notes', 'one-1', { title: 'by the clone' })
      tx.update('notes', 'pending', { text: 'clone, base' })
      tx.setMember('notes', 'one-2', 'tags', 'clone', true)
      tx.delete('notes', 'two-0')
    })
    await sync(one, server)
    await sync(clone, server)
    expect(clone.vault.store.replica).not.toBe(one.vault.store.replica)
    for (let round = 0; round < 2; round++) for (const device of [one, clone, two]) await sync(device, server)
    for (const device of [clone, two]) expect(shown(device)).toEqual(shown(one))
    expect(
      two.vault.query("SELECT title, text, tags FROM notes WHERE id IN ('one-0', 'one-1', 'one-2', 'pending') ORDER BY id"),
    ).toEqual([
      { title: 'by one', text: '', tags: '[]' },
      { title: 'by the clone', text: '', tags: '[]' },
      { title: 'one 2', text: '', tags: '["clone"]' },
      { title: 'pending', text: 'clone, base, one', tags: '[]' },
    ])
    expect(two.vault.trash().map(({ id }) => id)).toEqual(['two-0'])
    expect(codes(two)).toEqual([])
  })

  test('[LOG-3] a restored backup gets back what it had sent itself, and sends on', async () => {
    const { server, one, two } = await history()
    const backup = await copyOf(one)
    one.vault.transact((tx) => tx.insert('notes', { title: 'after the backup' }, 'later'))
    await sync(one, server)
    backup.vault.transact((tx) => tx.insert('notes', { title: 'on the backup' }, 'backup'))
    await sync(backup, server)
    await sync(two, server)
    expect(shown(backup)).toEqual(shown(two))
    expect(backup.vault.query("SELECT id FROM notes WHERE id IN ('later', 'backup')")).toHaveLength(2)
    expect(codes(backup)).toEqual([])
    expect(codes(two)).toEqual([])
  })

  test('[LOG-3] [CELL-7] a move does not make a delete of another device younger than an edit that came after it', async () => {
    const { server, one, two } = await history()
    one.clock.now += 1000
    one.vault.transact((tx) => tx.update('notes', 'two-1', { weight: 1 }))
    const twin = await copyOf(one)
    two.clock.now += 2000
    two.vault.transact((tx) => tx.delete('notes', 'two-1'))
    await sync(two, server)
    // The twin hears of the delete before it sends its own, older edit.
    const pulled = twin.syncer(server)
    const opened = await Promise.all(server.log.slice(6).map((segment) => pulled.inbox.open(segment)))
    pulled.inbox.apply(opened, server.log.length)
    await sync(one, server)
    two.clock.now += 1000
    two.vault.transact((tx) => tx.restore('notes', 'two-1'))
    twin.clock.now += 60_000
    await sync(twin, server)
    for (let round = 0; round < 2; round++) for (const device of [one, two, twin]) await sync(device, server)
    for (const device of [one, two, twin]) expect(device.vault.query("SELECT id FROM notes WHERE id = 'two-1'")).toHaveLength(1)
  })

  test('[LOG-2] [LOG-3] what is sealed while a replica is being left is not lost', async () => {
    const { server, one } = await history()
    const clone = await copyOf(one)
    one.vault.transact((tx) => tx.insert('notes', { title: 'by one' }, 'x'))
    await sync(one, server)
    clone.vault.transact((tx) => tx.insert('notes', { title: 'first' }, 'a'))
    const syncer = clone.syncer(server)
    await syncer.outbox.sealNext()
    const open = clone.sealer.open.bind(clone.sealer)
    let once = true
    clone.sealer.open = async (place, sealed) => {
      if (once) {
        once = false
        clone.vault.transact((tx) => tx.insert('notes', { title: 'second' }, 'b'))
        await syncer.outbox.sealNext()
      }
      return open(place, sealed)
    }
    await syncer.run()
    await sync(one, server)
    expect(one.vault.query("SELECT id FROM notes WHERE id IN ('a', 'b', 'x') ORDER BY id")).toEqual([
      { id: 'a' },
      { id: 'b' },
      { id: 'x' },
    ])
  })
})

describe('clocks', () => {
  /** A segment as a device of this vault could have made it. */
  async function foreignSegment(server: LogServer, wallClock: number, cells: [string, Cell][], table = 'notes'): Promise<void> {
    const replica = '9'.repeat(32) as ReplicaId
    const header = {
      replica,
      counter: 1,
      previous: new Uint8Array(32),
      wallClock,
      epoch: 1,
      bundleVersion: 1,
      seen: [],
      covers: [],
      run: undefined,
    }
    const encoder = new ContentEncoder(header)
    encoder.add({ table, id: 'far', cells: new Map(cells) })
    const place = { kind: 0, epoch: 1, replica: new Uint8Array(16).fill(0x99), counter: 1 } as const
    const { segmentKey } = deriveEpochKeys(new Uint8Array(32).fill(2), VAULT_ID, 1)
    const body = await packBody(nodeCompression, encoder.finish(1, new Uint8Array(32)))
    const sealed = await seal(segmentKey, segmentAad({ ...place, vaultId: VAULT_ID }), body, (length) =>
      new Uint8Array(length).fill(5),
    )
    const sequence = server.head + 1
    server.log.push({ ...place, previous: new Uint8Array(32), sealed, first: sequence, last: sequence })
    rechain(server)
  }
  const stamp = (millis: number) => makeStamp(millis, 0, '9'.repeat(32) as ReplicaId)

  test('[CELL-9] an author whose clock is ahead is named, its edits are merged, and what is written after them stays after them', async () => {
    const { server, one } = await history()
    const ahead = START + 3 * 86_400_000
    await foreignSegment(server, ahead, [
      ['title', lwwCell(stamp(ahead), 'from the future')],
      [DELETED, lwwCell(stamp(ahead), 0)],
    ])
    await sync(one, server)
    expect(one.vault.problems()).toMatchObject([{ code: 'clock', detail: expect.stringContaining('3 days ahead') }])
    one.vault.transact((tx) => tx.update('notes', 'far', { title: 'edited here' }))
    expect(one.vault.query("SELECT title FROM notes WHERE id = 'far'")).toEqual([{ title: 'edited here' }])
    const edited = String(one.driver.prepare("SELECT _edited FROM rows_notes WHERE id = 'far'").get()?.['_edited'])
    expect(edited > stamp(ahead)).toBe(true)
  })

  const far = START + MAX_AHEAD_MILLIS + 86_400_000
  test.each<[string, [string, Cell][]]>([
    [
      'a row',
      [
        ['title', lwwCell(stamp(far), 'x')],
        [DELETED, lwwCell(stamp(far), 0)],
      ],
    ],
    [
      'an element of a set',
      [
        ['tags', { kind: 2, value: new Map([['x', { stamp: stamp(far), present: true }]]) }],
        [DELETED, lwwCell(stamp(START), 0)],
      ],
    ],
    [
      'a text',
      [
        ['text', { kind: 1, value: new Map([[1, { base: { stamp: stamp(far), tag: 't', text: '' }, updates: [] }]]) }],
        [DELETED, lwwCell(stamp(START), 0)],
      ],
    ],
  ])('[CELL-9] %s that is dated more than 100 years ahead is set aside and moves no clock', async (_what, cells) => {
    const { server, one } = await history()
    await foreignSegment(server, START, cells)
    const before = one.vault.store.clock.last
    await sync(one, server)
    expect(codes(one)).toEqual(['unreadable'])
    expect(one.vault.query("SELECT id FROM notes WHERE id = 'far'")).toEqual([])
    expect(one.vault.store.clock.last.millis).toBeLessThan(START + 1000)
    expect(before.millis).toBeLessThan(START + 1000)
  })

  test('[CELL-2] values of another type than the column’s stay as they came, and readable', async () => {
    const { server, one } = await history()
    const cells: [string, Cell][] = [
      ['name', lwwCell(stamp(START), 'x')],
      ['color', lwwCell(stamp(START), 1e18)],
      [DELETED, lwwCell(stamp(START), 0)],
    ]
    await foreignSegment(server, START, cells, 'spaces')
    await sync(one, server)
    expect(one.vault.query('SELECT name, color FROM spaces')).toEqual([{ name: 'x', color: 1e18 }])
    one.vault.transact((tx) => tx.update('spaces', 'far', { name: 'y' }))
    expect(one.vault.query('SELECT name, color FROM spaces')).toEqual([{ name: 'y', color: 1e18 }])
  })
})

describe('live messages', () => {
  test('[LOG-7] what continues the log is applied; a gap, or a chain that does not fit, only asks for a pull', async () => {
    const { server, one, two } = await history()
    const syncer = one.syncer(server)
    two.vault.transact((tx) => tx.insert('notes', { title: 'live' }, 'live'))
    await sync(two, server)
    two.vault.transact((tx) => tx.insert('notes', { title: 'next' }, 'next'))
    await sync(two, server)
    const [seventh, eighth] = server.log.slice(6) as [DeliveredSegment, DeliveredSegment]
    const at = (head: number) => ({ ...server.position(), head, chain: server.chains[head] as Uint8Array })
    const count = () => one.vault.query("SELECT id FROM notes WHERE id IN ('live', 'next')").length
    expect(await syncer.applyLive([eighth], at(8))).toBe(false)
    expect(await syncer.applyLive([seventh], { ...at(7), chain: new Uint8Array(32) })).toBe(false)
    expect(await syncer.applyLive([seventh], at(6))).toBe(false)
    expect(count()).toBe(0)
    expect(await syncer.applyLive([seventh], at(7))).toBe(true)
    expect(await syncer.applyLive([seventh], at(7))).toBe(true)
    expect(count()).toBe(1)
    expect(await syncer.applyLive([seventh, eighth], at(8))).toBe(true)
    expect(await syncer.applyLive([], at(8))).toBe(true)
    expect(await syncer.applyLive([], { ...at(8), head: 9 })).toBe(false)
    expect(count()).toBe(2)
  })
})

describe('much is deleted elsewhere', () => {
  test('[SYNC-3] a sync that takes more than a tenth of a vault away says so, for a day, and the trash has it all', async () => {
    const server = new LogServer()
    const [one, two] = [testVault(), testVault()]
    one.vault.transact((tx) => {
      for (let i = 0; i < 200; i++) tx.insert('notes', { title: `${i}` }, `n${i}`)
    })
    await sync(one, server)
    await sync(two, server)
    const remove = (from: number, to: number) =>
      one.vault.transact((tx) => {
        for (let i = from; i < to; i++) tx.delete('notes', `n${i}`)
      })
    remove(0, 20)
    await sync(one, server)
    await sync(two, server)
    expect(codes(two)).toEqual([])
    remove(20, 60)
    await sync(one, server)
    await sync(two, server)
    expect(codes(two)).toEqual(['many-deleted'])
    expect(two.vault.problems()[0]?.detail).toContain('40 of 180 rows')
    expect(two.vault.trash()).toHaveLength(60)
    two.clock.now += 25 * 3_600_000
    await sync(two, server)
    expect(codes(two)).toEqual([])
  })
})

describe('what was sent from beyond the cursor', () => {
  test('[LOG-9] is missed without anything new to send, also where another segment has its number', async () => {
    for (const others of [0, 1, 2]) {
      const { server, one, two } = await history()
      two.vault.transact((tx) => tx.insert('notes', {}, 'of-two'))
      await sync(two, server)
      one.vault.transact((tx) => tx.insert('notes', {}, 'of-one'))
      server.instead = ({ method }) => (method === 'GET' ? problem(503, 'shutting-down') : undefined)
      expect(await codeOf(() => sync(one, server))).toBe('offline')
      server.instead = () => undefined
      server.rollBackTo(7)
      for (let i = 0; i < others; i++) {
        two.vault.transact((tx) => tx.insert('notes', {}, `more-${i}`))
        await sync(two, server)
      }
      // Its chain value at the cursor is right: nothing but its own count tells.
      expect((await sync(one, server)).repaired.segments).toBe(1)
      await sync(two, server)
      expect(two.vault.query("SELECT id FROM notes WHERE id = 'of-one'")).toHaveLength(1)
      await sync(one, server)
      expect(codes(one)).toEqual([])
    }
  })

  test('[LOG-9] is given back, too', async () => {
    const { server, one, two } = await history()
    two.vault.transact((tx) => tx.insert('notes', {}, 'of-two'))
    await sync(two, server)
    // The push is answered and the pull after it is not: this device's own segment is above its cursor.
    one.vault.transact((tx) => tx.insert('notes', {}, 'of-one'))
    server.instead = ({ method }) => (method === 'GET' ? problem(503, 'shutting-down') : undefined)
    expect(await codeOf(() => sync(one, server))).toBe('offline')
    server.instead = () => undefined
    expect(one.vault.pending()).toBe(0)
    server.rollBackTo(6)
    one.vault.transact((tx) => tx.insert('notes', {}, 'of-one.later'))
    await sync(one, server)
    await sync(two, server)
    await sync(one, server)
    const ids = ({ vault }: TestVault) => vault.query("SELECT id FROM notes WHERE id LIKE 'of-%' ORDER BY id").map(({ id }) => id)
    for (const device of [one, two]) expect(ids(device)).toEqual(['of-one', 'of-one.later', 'of-two'])
  })
})
