/** Merged segments and seeds as they come from a server that may lie about them: what hangs on the order of the log. */
import { fromHex, toHex } from '@lockstep/protocol/bytes'
import { type DeliveredSegment, SEGMENT_KIND } from '@lockstep/protocol/records'
import { describe, expect, test } from 'vitest'
import { lwwCell } from '#cell'
import type { Cover } from '#content'
import { ContentEncoder } from '#content-encoder'
import { makeStamp, type ReplicaId } from '#hlc'
import { LogServer, sha256 } from './support/log-server.ts'
import { codeOf, START, type TestVault, testVault } from './support/vaults.ts'

const sync = (device: TestVault, server: LogServer) => device.syncer(server).run()
const codes = ({ vault }: TestVault) => vault.problems().map(({ code }) => code)
const titles = ({ vault }: TestVault) => vault.query('SELECT title FROM notes ORDER BY title').map(({ title }) => title)

interface MadeRun {
  readonly server: LogServer
  readonly first: number
  readonly last: number
  /** Who made it; any member of the vault could. */
  readonly by: TestVault
  readonly covers?: readonly Cover[]
  readonly previous?: Uint8Array
  readonly chain?: Uint8Array
  readonly parts?: number
  readonly kind?: typeof SEGMENT_KIND.merged | typeof SEGMENT_KIND.seed
}

/** What the server's log says of a run. */
function coversOf({ log }: LogServer, first: number, last: number): Cover[] {
  const covers = new Map<string, Cover>()
  for (const { replica, counter, sealed } of log.slice(first - 1, last)) {
    const id = toHex(replica) as ReplicaId
    covers.set(id, { replica: id, first: covers.get(id)?.first ?? counter, last: counter, digest: sha256(sealed) })
  }
  return [...covers.values()]
}

/** A merged segment of the server's log, in parts, each with a row of its own; it holds no rows of the run. */
async function madeRun({
  server,
  first,
  last,
  by,
  parts = 1,
  kind = SEGMENT_KIND.merged,
  ...made
}: MadeRun): Promise<DeliveredSegment[]> {
  const previous = made.previous ?? (server.chains[first - 1] as Uint8Array)
  const { replica } = by.vault.store
  const segments: DeliveredSegment[] = []
  for (let part = 0; part < parts; part++) {
    const encoder = new ContentEncoder({
      replica,
      wallClock: START,
      epoch: 1,
      bundleVersion: 1,
      seen: [],
      covers: part === parts - 1 ? (made.covers ?? coversOf(server, first, last)) : [],
      run:
        kind === SEGMENT_KIND.merged ? { first, part, parts, chain: made.chain ?? (server.chains[last] as Uint8Array) } : undefined,
    })
    const stamp = makeStamp(START + part, 0, replica)
    const cells = new Map([
      ['title', lwwCell(stamp, `part ${part}`)],
      ['_deleted', lwwCell(stamp, 0)],
    ])
    encoder.add({ table: 'notes', id: `part-${part}`, cells })
    const place = { kind, epoch: 1, replica: fromHex(replica), counter: last }
    const sealed = await by.sealer.seal(place, encoder.finish(last, previous))
    segments.push({ ...place, previous, sealed, first, last })
  }
  return segments
}

/** Six segments by two devices, and a third that has the first `read` of them. */
async function history(read: number) {
  const server = new LogServer()
  const [one, two, reader] = [testVault(), testVault(), testVault()]
  for (let i = 0; i < 6; i++) {
    const author = i % 2 === 0 ? one : two
    await sync(author, server)
    author.vault.transact((tx) => tx.insert('notes', { title: `${i}` }, `n${i}`))
    await sync(author, server)
    if (i + 1 === read) await sync(reader, server)
  }
  expect(server.head).toBe(6)
  return { server, one, two, reader }
}

/** The server hands out `merged` in place of the segments that it covers. */
function replaceRun(server: LogServer, merged: readonly DeliveredSegment[]): void {
  const { first, last } = merged[0] as DeliveredSegment
  server.deliver = (segments) => {
    const after = 6 - segments.length
    return [
      ...segments.filter(({ last: own }) => own < first && own > after),
      ...merged,
      ...segments.filter(({ last: own }) => own > last),
    ]
  }
  // From the end, parts come in their order all the same.
  server.newest = (segments) => [...segments].reverse().sort((a, b) => b.last - a.last || segments.indexOf(a) - segments.indexOf(b))
}

describe('a run that was merged', () => {
  for (const read of [0, 1, 2, 3]) {
    test(`[LOG-6] is taken by a device that has ${read} of its segments, and the log goes on from it`, async () => {
      const { server, one, reader } = await history(read)
      replaceRun(server, await madeRun({ server, first: 1, last: 4, by: one, parts: 3 }))
      await sync(reader, server)
      expect(reader.syncer(server).inbox.position()).toEqual({ cursor: 6, chain: server.chains[6] })
      expect(titles(reader)).toEqual(expect.arrayContaining(['part 0', 'part 1', 'part 2', '4', '5']))
      expect(codes(reader)).toEqual([])
      server.deliver = (segments) => segments
      one.vault.transact((tx) => tx.insert('notes', { title: 'later' }))
      await sync(one, server)
      await sync(reader, server)
      expect(codes(reader)).toEqual([])
    })
  }

  const lies: [string, number, (server: LogServer) => Partial<MadeRun>][] = [
    ['another log before it', 2, () => ({ first: 3, last: 5, previous: new Uint8Array(32).fill(1) })],
    ['a replica less than the device has of it', 4, (server) => ({ first: 3, last: 5, covers: coversOf(server, 3, 3) })],
    ['fewer counters than the device has', 4, (server) => ({ first: 1, last: 5, covers: coversOf(server, 1, 2) })],
    [
      'other contents under a counter that the device has',
      4,
      (server) => ({
        first: 3,
        last: 4 + 1,
        covers: coversOf(server, 3, 5).map((cover) => ({ ...cover, last: 2, digest: new Uint8Array(32) })),
      }),
    ],
  ]
  test.each(lies)('[LOG-6] of %s is refused, and nothing of what is here changes', async (_, read, lie) => {
    const { server, one, reader } = await history(read)
    const position = reader.syncer(server).inbox.position()
    replaceRun(server, await madeRun({ server, first: 1, last: 5, by: one, ...lie(server) }))
    expect(['server-misbehaved', 'server-diverged']).toContain(await codeOf(() => sync(reader, server)))
    expect(reader.syncer(server).inbox.position()).toEqual(position)
    server.deliver = (segments) => segments
    await sync(reader, server)
    expect(titles(reader)).toEqual(expect.arrayContaining(['0', '1', '2', '3', '4', '5']))
  })

  test('[LOG-4] [LOG-6] with another log after it than the server vouches for is told, and the next sync is in step', async () => {
    const { server, one, reader } = await history(4)
    replaceRun(server, await madeRun({ server, first: 3, last: 5, by: one, chain: new Uint8Array(32).fill(3) }))
    expect(await codeOf(() => sync(reader, server))).toBe('server-misbehaved')
    expect(codes(reader)).toEqual(['forked'])
    server.deliver = (segments) => segments
    await sync(reader, server)
    expect(reader.syncer(server).inbox.position()).toEqual({ cursor: 6, chain: server.chains[6] })
  })

  test('[LOG-6] [LOG-8] that leaves counters out before it is told', async () => {
    const { server, one, reader } = await history(0)
    const covers = coversOf(server, 1, 4).map((cover) => ({ ...cover, first: 2 }))
    replaceRun(server, await madeRun({ server, first: 1, last: 4, by: one, covers }))
    await sync(reader, server)
    expect(new Set(codes(reader))).toEqual(new Set(['withheld']))
  })

  test.each([
    ['left out at the end', (parts: DeliveredSegment[]) => parts.slice(0, 2)],
    ['left out in the middle', (parts: DeliveredSegment[]) => [parts[0], parts[2]]],
    ['left out at the beginning', (parts: DeliveredSegment[]) => parts.slice(1)],
    ['repeated', (parts: DeliveredSegment[]) => [parts[0], parts[1], parts[1], parts[2]]],
    ['in another order', (parts: DeliveredSegment[]) => [parts[0], parts[2], parts[1]]],
  ])('[LOG-6] with a part %s is refused, from either end of the log', async (_, change) => {
    for (const read of [0, 2]) {
      const { server, one, reader } = await history(read)
      const parts = await madeRun({ server, first: 1, last: 4, by: one, parts: 3 })
      replaceRun(server, change(parts) as DeliveredSegment[])
      expect(['server-misbehaved', 'offline']).toContain(await codeOf(() => sync(reader, server)))
      expect(reader.syncer(server).inbox.position().cursor).toBe(read)
      replaceRun(server, parts)
      await sync(reader, server)
      expect(reader.syncer(server).inbox.position().cursor).toBe(6)
    }
  })

  test('[LOG-6] [ENV-3] of another place, or that cannot be opened, is refused', async () => {
    const { server, one, reader } = await history(2)
    const [genuine] = (await madeRun({ server, first: 1, last: 4, by: one })) as [DeliveredSegment]
    for (const forged of [
      { ...genuine, last: 5 },
      { ...genuine, first: 2 },
      { ...genuine, sealed: new Uint8Array(400) },
      { ...genuine, counter: 5 },
    ]) {
      replaceRun(server, [forged])
      expect(await codeOf(() => sync(reader, server))).toBe('server-misbehaved')
    }
    expect(reader.syncer(server).inbox.position().cursor).toBe(2)
  })
})

describe('a seed', () => {
  test('[LOG-9] for another place in the log is refused', async () => {
    const { server, one, reader } = await history(6)
    const [seed] = (await madeRun({
      server,
      first: 7,
      last: 7,
      by: one,
      kind: SEGMENT_KIND.seed,
      covers: [],
      previous: new Uint8Array(32),
    })) as [DeliveredSegment]
    server.append(seed)
    expect(await codeOf(() => sync(reader, server))).toBe('server-misbehaved')
    expect(titles(reader)).not.toContain('part 0')
  })

  test('[LOG-9] tells what its device had: what follows goes on from there', async () => {
    const { server, one, two } = await history(0)
    const covers = coversOf(server, 1, 6)
    const after = new LogServer()
    const [seed] = (await madeRun({ server: after, first: 1, last: 1, by: one, kind: SEGMENT_KIND.seed, covers })) as [
      DeliveredSegment,
    ]
    after.append(seed)
    two.vault.transact((tx) => tx.insert('notes', { title: 'after the seed' }))
    // The real server has the counters from the commit; this one is told.
    after.continues(
      toHex(fromHex(two.vault.store.replica)),
      3,
      covers.find(({ replica }) => replica === two.vault.store.replica)?.digest,
    )
    await sync(two, after)
    const fresh = testVault()
    await sync(fresh, after)
    expect(titles(fresh)).toEqual(['after the seed', 'part 0'])
    expect(codes(fresh)).toEqual([])
  })
})
