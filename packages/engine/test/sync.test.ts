import { encodeUtf8 } from '@lockstep/protocol/bytes'
import { describe, expect, test } from 'vitest'
import { forEachSeed, Random } from '../../../tests/support/random.ts'
import { answer, LogServer, lostAnswer, problem } from './support/log-server.ts'
import { codeOf, shown, type TestVault, temporaryFolder, testVault } from './support/vaults.ts'

const FILE = 'packages/engine/test/sync.test.ts'
const sync = (device: TestVault, server: LogServer) => device.syncer(server).run()
async function inStep(server: LogServer, ...devices: TestVault[]): Promise<void> {
  for (let round = 0; round < 3; round++) for (const device of devices) await sync(device, server)
  for (const device of devices) {
    expect(shown(device)).toEqual(shown(devices[0] as TestVault))
    expect(device.vault.pending()).toBe(0)
  }
}

describe('the common cases', () => {
  test('[SYNC-1] nothing new is one round trip of at most 150 bytes each way, one edit is one round trip', async () => {
    const server = new LogServer()
    const device = testVault()
    device.vault.transact((tx) => {
      for (let i = 0; i < 500; i++) tx.insert('notes', { title: `note ${i}`, text: `text of ${i}` })
    })
    await sync(device, server)
    server.exchanges.length = 0
    await sync(device, server)
    expect(server.exchanges).toEqual([{ method: 'GET', path: '/v1/segments', sent: 0, received: 57 }])
    server.exchanges.length = 0
    device.vault.transact((tx) => tx.insert('notes', { title: 'one more', text: 'a short text' }, 'one'))
    const result = await sync(device, server)
    expect(server.exchanges).toEqual([{ method: 'POST', path: '/v1/segments', sent: 402, received: 59 }])
    expect(result).toMatchObject({ uploaded: { segments: 1 }, downloaded: { segments: 0 } })
    server.exchanges.length = 0
    await sync(device, server)
    expect(server.exchanges).toHaveLength(1)
  })

  test('[SYNC-1] an edit of a device that is behind is pushed, and then what it lacks is pulled', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => tx.insert('notes', { title: 'by a' }, 'a'))
    b.vault.transact((tx) => tx.insert('notes', { title: 'by b' }, 'b'))
    await sync(a, server)
    server.exchanges.length = 0
    await sync(b, server)
    expect(server.exchanges.map(({ method }) => method)).toEqual(['POST', 'GET'])
    await inStep(server, a, b)
  })

  test('progress counts up to its total, both ways', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => {
      for (let i = 0; i < 4000; i++) tx.insert('notes', { text: `${i} ${'word '.repeat(60)}` })
    })
    for (const [device, phase] of [
      [a, 'upload'],
      [b, 'download'],
    ] as const) {
      const seen: { phase: string; done: number; total: number }[] = []
      await device.syncer(server).run({ onProgress: (progress) => seen.push(progress) })
      expect(seen.length).toBeGreaterThan(0)
      expect(new Set(seen.map((progress) => progress.phase))).toEqual(new Set([phase]))
      expect(seen.at(-1)?.done).toBe(seen.at(-1)?.total)
      expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((x, y) => x - y))
    }
    expect(b.vault.query('SELECT count(*) AS c FROM notes')).toEqual([{ c: 4000 }])
  })

  test('[LOG-2] a hundred edits of one cell while offline travel as one', async () => {
    const server = new LogServer()
    const device = testVault()
    device.vault.transact((tx) => tx.insert('spaces', {}, 's'))
    for (let i = 0; i < 100; i++) device.vault.transact((tx) => tx.update('spaces', 's', { name: `name ${i}` }))
    await sync(device, server)
    expect(server.log).toHaveLength(1)
    expect(server.log[0]?.sealed.length).toBeLessThan(400)
  })
})

describe('devices', () => {
  test('[CELL-3] [CELL-5] what two devices do apart ends up the same on both, with both edits of one text', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    a.vault.transact((tx) => {
      tx.insert('spaces', { name: 's' }, 's')
      tx.insert('notes', { space: 's', title: 't', text: 'the middle' }, 'n')
    })
    await inStep(server, a, b)
    a.vault.transact((tx) => {
      tx.update('notes', 'n', { text: 'at the start, the middle', weight: 1 })
      tx.setMember('notes', 'n', 'tags', 'a', true)
    })
    b.vault.transact((tx) => {
      tx.update('notes', 'n', { text: 'the middle, at the end', title: 'u' })
      tx.setMember('notes', 'n', 'tags', 'b', true)
    })
    await inStep(server, a, b)
    expect(a.vault.query('SELECT text, title, weight, tags FROM notes')).toEqual([
      { text: 'at the start, the middle, at the end', title: 'u', weight: 1, tags: '["a","b"]' },
    ])
  })

  test('[CELL-1] [SYNC-3] random work on three devices with lost answers converges, and a fresh device agrees', async () => {
    await forEachSeed('devices converge', 12, FILE, async (random) => {
      const server = new LogServer()
      const devices = [testVault(), testVault(), testVault()]
      const ids = ['a', 'b', 'c', 'd', 'e']
      for (let step = 0; step < 60; step++) {
        const device = random.pick(devices)
        device.clock.now += random.pick([0, 1, 1000, -5000, 86_400_000])
        const id = random.pick(ids)
        device.vault.transact((tx) => {
          const known = tx.get('notes', id)
          const word = String(step)
          switch (random.below(6)) {
            case 0:
              tx.put('notes', id, { title: word, text: `${known?.text ?? ''} ${word}` })
              break
            case 1:
              tx.delete('notes', id)
              break
            case 2:
              if (known !== undefined) tx.setMember('notes', id, 'tags', random.pick(['x', 'y']), random.chance(0.5))
              break
            case 3:
              tx.put('spaces', id, { name: word })
              break
            case 4:
              tx.put('notes', id, { space: random.pick(ids) })
              break
            default:
              tx.put('stars', id, { note: random.pick(ids), count: step })
          }
        })
        if (!random.chance(0.4)) continue
        server.afterPush = random.chance(0.2) ? lostAnswer : () => {}
        const code = await codeOf(() => sync(device, server))
        expect([undefined, 'offline']).toContain(code)
        server.afterPush = () => {}
      }
      await inStep(server, ...devices, testVault())
      for (const { vault } of devices) expect(vault.problems().filter(({ code }) => code !== 'clock')).toEqual([])
    })
  })

  test('[FMT-1] rows that are larger than a segment travel in several and arrive whole', async () => {
    const server = new LogServer()
    const [a, b] = [testVault(), testVault()]
    const random = new Random(1)
    const noise = (length: number) => Buffer.from(Uint32Array.from({ length: length / 4 }, () => random.u32()).buffer)
    const letters = (length: number) => noise(length).toString('base64').slice(0, length)
    const large = 4 * 1024 * 1024 - 100
    a.vault.transact((tx) => {
      tx.insert('spaces', { name: 'small' }, 's')
      tx.insert('notes', { title: letters(large), text: letters(large), picture: new Uint8Array(noise(large)) }, 'n')
      tx.insert('notes', {}, 'tagged')
      for (let i = 0; i < 30; i++) tx.setMember('notes', 'tagged', 'tags', `${i}${letters(60_000)}`, true)
      tx.insert('stars', { note: 'n' }, 'x')
    })
    await inStep(server, a, b)
    // A text that is rewritten as a whole again and again, unsent: what was written and deleted again does not travel.
    for (let i = 0; i < 3; i++) a.vault.transact((tx) => tx.update('notes', 'n', { text: letters(large) }))
    await inStep(server, a, b)
    expect(b.vault.problems()).toEqual([])
    expect(b.vault.place('notes', 'n')).toEqual({ place: 'server', replicas: 0 })
  })
})

describe('failures', () => {
  const one = () => {
    const server = new LogServer()
    const device = testVault()
    device.vault.transact((tx) => tx.insert('notes', { title: 'kept' }, 'n'))
    return { server, device }
  }

  test('[LOG-2] [LOG-3] an answer that is lost costs nothing: the same bytes again get the stored answer', async () => {
    const { server, device } = one()
    server.afterPush = lostAnswer
    expect(await codeOf(() => sync(device, server))).toBe('offline')
    expect(device.vault.pending()).toBe(1)
    const sealed = server.log[0]?.sealed
    server.afterPush = () => {}
    // Edited before the answer is known: the first segment stays as it was sealed.
    device.vault.transact((tx) => tx.update('notes', 'n', { title: 'edited' }))
    await sync(device, server)
    expect(server.log.map(({ counter }) => counter)).toEqual([1, 2])
    expect(server.log[0]?.sealed).toEqual(sealed)
    const fresh = testVault()
    await inStep(server, device, fresh)
    expect(fresh.vault.query('SELECT title FROM notes')).toEqual([{ title: 'edited' }])
  })

  test('a sync that is cancelled says so and keeps what was done', async () => {
    const { server, device } = one()
    const controller = new AbortController()
    controller.abort()
    expect(await codeOf(() => device.syncer(server).run({ signal: controller.signal }))).toBe('cancelled')
    expect(device.vault.pending()).toBe(1)
    await sync(device, server)
    expect(device.vault.pending()).toBe(0)
  })

  test('[LOG-6] two processes that fill a new home at once, while others write, do no harm', async () => {
    const { server, device } = one()
    const writeSome = async (from: number) => {
      for (let i = from; i < from + 6; i++) {
        device.vault.transact((tx) => tx.insert('notes', { title: `${i}` }))
        await sync(device, server)
      }
    }
    await writeSome(0)
    server.chunk = 300
    for (const pause of [0, 1, 2, 5, 9, 14, 20]) {
      const reader = testVault()
      const first = reader.syncer(server).run()
      for (let i = 0; i < pause; i++) await new Promise((resolve) => setImmediate(resolve))
      if (pause % 2 === 1) await writeSome(100 + pause)
      await Promise.all([first, reader.syncer(server).run()])
      await inStep(server, device, reader)
      expect(reader.vault.problems()).toEqual([])
    }
  })

  test('[LOG-6] a download that breaks off keeps the whole segments that arrived, and goes on from there', async () => {
    const { server, device } = one()
    for (let i = 0; i < 10; i++) {
      device.vault.transact((tx) => tx.insert('notes', { title: `${i}` }))
      await sync(device, server)
    }
    const reader = testVault()
    server.chunk = 100
    server.tamper = (request, body) => (request.method === 'GET' ? body.subarray(0, Math.floor(body.length / 2)) : body)
    expect(await codeOf(() => sync(reader, server))).toBe('offline')
    // The log comes from its end: an interval of it is here, and nothing below.
    const { cursor } = reader.syncer(server).inbox.position()
    const held = reader.syncer(server).inbox.log.end.held()
    expect(cursor).toBe(0)
    expect(held?.last).toBe(10)
    expect(held?.first).toBeGreaterThan(1)
    expect(reader.vault.query('SELECT title FROM notes ORDER BY title DESC LIMIT 1')).toEqual([{ title: '9' }])
    server.tamper = (_request, body) => body
    await inStep(server, device, reader)
  })

  const refusals: [string, string, (server: LogServer) => void][] = [
    ['a session that has ended', 'needs-password', (server) => (server.instead = () => problem(401, 'unauthorized'))],
    ['a full vault', 'quota-exceeded', (server) => (server.instead = () => problem(507, 'quota-exceeded'))],
    ['a server in trouble', 'offline', (server) => (server.instead = () => problem(500, 'server-error'))],
    ['a server that shuts down', 'offline', (server) => (server.instead = () => problem(503, 'shutting-down'))],
    ['too many requests', 'too-many-attempts', (server) => (server.instead = () => problem(429, 'too-many-requests'))],
    [
      'a page of a proxy',
      'offline',
      (server) => (server.instead = () => answer(502, encodeUtf8('<html>'), { 'content-type': 'text/html' })),
    ],
    ['a login page', 'server-misbehaved', (server) => (server.instead = () => answer(200, encodeUtf8('<html>'), {}))],
    [
      'a redirect',
      'server-refused',
      (server) => (server.instead = () => answer(302, new Uint8Array(0), { location: 'http://elsewhere.test' })),
    ],
    ['an answer for other segments', 'server-misbehaved', (server) => (server.tamper = (_r, body) => body.subarray(0, 57))],
    ['an answer without end', 'server-misbehaved', (server) => (server.tamper = () => new Uint8Array(1 << 20))],
    ['half an answer', 'server-misbehaved', (server) => (server.tamper = (_r, body) => body.subarray(0, 58))],
    [
      'a server that refuses what it asks for',
      'server-misbehaved',
      (server) => (server.instead = () => problem(409, 'replica-conflict', { counter: 0, previous: 'A'.repeat(43) })),
    ],
    [
      'a server that always knows another history',
      'server-misbehaved',
      (server) => (server.instead = () => problem(409, 'replica-conflict', { counter: 7, previous: `${'B'.repeat(42)}A` })),
    ],
    ['a conflict without a reason', 'server-misbehaved', (server) => (server.instead = () => problem(409, 'replica-conflict'))],
    [
      'a conflict with a digest that is none',
      'server-misbehaved',
      (server) => (server.instead = () => problem(409, 'replica-conflict', { counter: 0, previous: '***' })),
    ],
  ]
  test.each(refusals)('%s is %s, and the edit is still there and goes up later', async (_what, code, break_) => {
    const { server, device } = one()
    break_(server)
    expect(await codeOf(() => sync(device, server))).toBe(code)
    expect(device.vault.pending()).toBe(1)
    server.instead = () => undefined
    server.tamper = (_request, body) => body
    await inStep(server, device, testVault())
  })

  test('a clock that is far from the server’s is told, and no longer once it is right', async () => {
    const { server, device } = one()
    server.date = () => new Date(device.clock.now - 3 * 3_600_000).toUTCString()
    await sync(device, server)
    expect(device.vault.problems()).toMatchObject([{ code: 'own-clock', detail: expect.stringContaining('3 hours ahead') }])
    server.date = () => new Date(device.clock.now).toUTCString()
    device.vault.transact((tx) => tx.update('notes', 'n', { title: 'x' }))
    await sync(device, server)
    expect(device.vault.problems()).toEqual([])
  })
})

describe('two processes on one home', () => {
  test('[LOG-1] write and sync at once: every edit arrives once, under one counter', async () => {
    const server = new LogServer()
    const path = `${temporaryFolder()}/vault.db`
    const [one, two] = [testVault({ path }), testVault({ path })]
    const work = async (device: TestVault, name: string) => {
      for (let i = 0; i < 15; i++) {
        device.vault.transact((tx) => tx.insert('notes', { title: `${name} ${i}`, text: `${name} ${i}` }, `${name}-${i}`))
        await sync(device, server)
        device.vault.transact((tx) => tx.put('notes', 'both', { text: `${tx.get('notes', 'both')?.text ?? ''}${name}${i};` }))
      }
    }
    await Promise.all([work(one, 'one'), work(two, 'two')])
    const fresh = testVault()
    await inStep(server, one, two, fresh)
    const text = String(fresh.vault.query("SELECT text FROM notes WHERE id = 'both'")[0]?.['text'])
    for (const name of ['one', 'two']) for (let i = 0; i < 15; i++) expect(text).toContain(`${name}${i};`)
    expect(fresh.vault.query('SELECT count(*) AS c FROM notes')).toEqual([{ c: 31 }])
    expect(server.log.map(({ counter }) => counter)).toEqual(server.log.map((_, i) => i + 1))
    expect(one.vault.problems()).toEqual([])
  })

  test('[LOG-3] when one of them leaves the replica, the other goes on with the new one', async () => {
    const server = new LogServer()
    const path = `${temporaryFolder()}/vault.db`
    const [one, two] = [testVault({ path }), testVault({ path })]
    one.vault.transact((tx) => tx.insert('notes', { title: 'first' }, 'a'))
    // Somebody else has written under this database's replica id: it is a copy.
    const twin = testVault()
    twin.vault.store.write('remote', () => twin.vault.store.meta.set('replica', one.vault.store.replica))
    twin.vault.transact((tx) => tx.insert('notes', { title: 'by the twin' }, 't'))
    await sync(twin, server)
    two.vault.transact((tx) => tx.insert('notes', { title: 'second' }, 'b'))
    const stale = two.syncer(server)
    await sync(one, server)
    two.vault.query('SELECT 1')
    one.vault.transact((tx) => tx.insert('notes', { title: 'third' }, 'c'))
    await one.syncer(server).outbox.sealNext()
    await stale.run()
    await inStep(server, one, two, twin)
    expect(one.vault.query('SELECT title FROM notes ORDER BY title')).toEqual(
      ['by the twin', 'first', 'second', 'third'].map((title) => ({ title })),
    )
  })
})
