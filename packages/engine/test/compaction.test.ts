import { toHex } from '@lockstep/protocol/bytes'
import { type DeliveredSegment, type IndexEntry, SEGMENT_KIND } from '@lockstep/protocol/records'
import { describe, expect, test } from 'vitest'
import type { MergeResult } from '#compaction/merger'
import { decodeContent } from '#content-decoder'
import { EngineError } from '#errors'
import { forEachSeed } from '../../../tests/support/random.ts'
import { sha256 } from './support/log-server.ts'
import {
  type AnyVault,
  anyRun,
  anyVault,
  anyWork,
  deviceOf,
  inStep,
  merger,
  newer,
  plainly,
  rowsOf,
  runOf,
  sync,
  written,
} from './support/merging.ts'
import { MergingServer } from './support/merging-server.ts'
import { rowStates } from './support/row-states.ts'
import { codeOf, testVault } from './support/vaults.ts'

const FILE = 'packages/engine/test/compaction.test.ts'

describe('merging', () => {
  test('[LOG-6] [LOG-10] [CELL-2] [CELL-3] [CELL-8] whatever is merged whenever by whoever, every device and a fresh one end up with the same state, in any order of rows', async () => {
    const outcomes = new Map<string, number>()
    const note = (result: MergeResult | undefined) => {
      const key =
        result === undefined
          ? 'nothing'
          : result.merged
            ? result.whole
              ? 'whole'
              : result.first === 1
                ? 'from the beginning'
                : 'inside'
            : result.obstacle
      outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
    }
    await forEachSeed('merging', 5, FILE, async (random) => {
      const server = new MergingServer()
      const devices: AnyVault[] = [anyVault(), anyVault(), anyVault(newer)]
      for (let step = 0; step < 120; step++) {
        const device = random.pick(devices)
        device.clock.now += random.pick([0, 1, 1000, -5000, 86_400_000])
        anyWork(random, device, step)
        if (random.chance(0.5)) await sync(device, server)
        if (random.chance(0.1)) {
          await sync(device, server)
          note(await merger(device, server, anyRun(random)).run())
        }
      }
      await inStep(server, ...devices)
      note(await merger(random.pick(devices), server, anyRun(random)).run())
      await inStep(server, ...devices)

      const oracle = deviceOf(await rowsOf(devices[0] as AnyVault, server.log), anyVault(newer))
      const expected = rowStates(oracle.vault.store)
      const entries = server.entries().flat()
      expect(entries.length).toBeLessThan(server.log.length)
      const shuffled = deviceOf(random.shuffle(await rowsOf(devices[0] as AnyVault, entries)), anyVault(newer))
      expect(rowStates(shuffled.vault.store)).toEqual(expected)
      const fresh = anyVault(newer)
      await sync(fresh, server)
      expect(rowStates(fresh.vault.store)).toEqual(expected)
      expect(rowStates((devices[2] as AnyVault).vault.store)).toEqual(expected)
      // Devices of the older version hold the same, the unknown as unknown.
      const older = rowStates(deviceOf(await rowsOf(devices[0] as AnyVault, server.log)).vault.store)
      for (const device of devices.slice(0, 2)) expect(rowStates(device.vault.store)).toEqual(older)
      for (const { vault } of [...devices, fresh])
        expect(vault.problems().filter(({ code }) => code !== 'clock' && code !== 'own-clock')).toEqual([])
    })
    console.log(`merging: ${[...outcomes].map(([key, count]) => `${key} ${count}`).join(', ')}`)
    for (const key of ['whole', 'from the beginning', 'inside']) expect(outcomes.get(key) ?? 0).toBeGreaterThan(0)
    for (const key of ['unreadable', 'not-held', 'too-large']) expect(outcomes.get(key) ?? 0).toBe(0)
  })

  test('[LOG-6] [SEG-1] a merged segment says what it stands for: its place, its parts, the chain and each replica’s counters', async () => {
    const server = new MergingServer()
    const [one] = await written(server, 6)
    const pick = (entries: readonly IndexEntry[]) => runOf(entries.slice(2, 9))
    const result = await merger(one, server, pick).run()
    expect(result).toMatchObject({ merged: true, first: 3, last: 9, entries: 7, parts: 1, whole: false })
    const [part] = server.runs.get(3) as [DeliveredSegment]
    expect(part).toMatchObject({ kind: SEGMENT_KIND.merged, counter: 9, previous: server.chains[2] })
    const { header } = decodeContent(await one.sealer.open(part, part.sealed))
    expect(header.run).toMatchObject({ first: 3, part: 0, parts: 1 })
    expect(toHex(header.run?.chain as Uint8Array)).toBe(toHex(server.chains[9] as Uint8Array))
    const replaced = server.log.slice(2, 9)
    const expected = new Map<string, string>()
    for (const replica of new Set(replaced.map((segment) => toHex(segment.replica)))) {
      const own = replaced.filter((segment) => toHex(segment.replica) === replica)
      expected.set(replica, `${own[0]?.counter} to ${own.at(-1)?.counter}, ${toHex(sha256(own.at(-1)?.sealed as Uint8Array))}`)
    }
    expect(plainly(header.covers)).toEqual(expected)
  })

  test('[LOG-6] everything but the end of the log is made of the whole state, without reading the run, and covers as much', async () => {
    const server = new MergingServer()
    const [one] = await written(server, 12)
    const before = server.exchanges.length
    const result = await merger(one, server, (entries) => runOf(entries.slice(0, -5))).run()
    expect(result).toMatchObject({ merged: true, first: 1, last: server.head - 5, whole: true, downloaded: 0 })
    expect(server.exchanges.slice(before).filter(({ path }) => path === '/v1/segments')).toEqual([])
    const [part] = server.runs.get(1) as [DeliveredSegment]
    const { covers } = decodeContent(await one.sealer.open(part, part.sealed)).header
    const expected = new Map<string, string>()
    for (const { replica, counter, sealed } of server.log.slice(0, -5)) {
      expected.set(toHex(replica), `1 to ${counter}, ${toHex(sha256(sealed))}`)
    }
    expect(plainly(covers)).toEqual(expected)
  })

  test('[LOG-6] [CELL-8] a merged state has its deletes, also those that many later writes came after', async () => {
    const server = new MergingServer()
    const [one, away] = [anyVault(), anyVault()]
    const [kept, gone] = one.vault.transact((tx) => ['kept', 'gone'].map((name) => tx.insert('spaces', { name })))
    await sync(one, server)
    await sync(away, server)
    one.vault.transact((tx) => tx.delete('spaces', gone as string))
    await sync(one, server)
    // More than the rows that come in the order of their last write.
    one.vault.transact((tx) => {
      for (let i = 0; i < 2100; i++) tx.insert('stars', { count: i })
    })
    await sync(one, server)
    expect(await merger(one, server, (entries) => runOf(entries)).run()).toMatchObject({ merged: true, whole: true })
    await sync(away, server)
    const fresh = anyVault()
    await sync(fresh, server)
    expect(away.vault.query('SELECT id FROM spaces')).toEqual([{ id: kept }])
    for (const device of [away, fresh]) expect(rowStates(device.vault.store)).toEqual(rowStates(one.vault.store))
  })

  test('[LOG-10] merging may break off at any request; the next try does it, and nothing else has happened', async () => {
    for (let failing = 0; ; failing++) {
      const server = new MergingServer()
      const [one, two] = await written(server, 40)
      const entries = server.index()
      let requests = 0
      server.beforeMerge = () => {
        if (requests++ === failing) throw new EngineError('offline', 'broken off')
        return undefined
      }
      const code = await codeOf(() => merger(one, server).run())
      if (code === undefined) {
        expect(requests).toBe(failing)
        expect(failing).toBeGreaterThanOrEqual(3)
        return
      }
      expect(server.index()).toEqual(entries)
      server.beforeMerge = () => undefined
      if (failing > 0) expect(await merger(two, server).run()).toMatchObject({ merged: false, obstacle: 'taken' })
      server.lapse()
      expect(await merger(two, server).run()).toMatchObject({ merged: true })
      const fresh = anyVault()
      await sync(fresh, server)
      expect(rowStates(fresh.vault.store)).toEqual(rowStates(one.vault.store))
    }
  })

  test('[LOG-10] of two devices at one run one merges, and the other finds it done', async () => {
    const server = new MergingServer()
    const [one, two] = await written(server, 40)
    server.beforeMerge = () => {
      server.beforeMerge = () => undefined
      const runs = merger(two, server).run()
      pending.push(runs)
      return undefined
    }
    const pending: Promise<MergeResult | undefined>[] = []
    const results = [await merger(one, server).run(), ...(await Promise.all(pending))]
    expect(results.map((result) => (result?.merged === true ? 'merged' : (result?.obstacle ?? 'nothing'))).sort()).toEqual([
      'merged',
      'taken',
    ])
  })

  test('[LOG-10] a device that is not in step, or waits to send, merges nothing', async () => {
    const server = new MergingServer()
    const [one, two] = await written(server, 40)
    one.vault.transact((tx) => tx.put('notes', 'n0', { title: 'unsent' }))
    expect(await merger(one, server).run()).toMatchObject({ merged: false, obstacle: 'behind' })
    await sync(one, server)
    expect(await merger(two, server).run()).toMatchObject({ merged: false, obstacle: 'behind' })
    await sync(two, server)
    expect(await merger(two, server).run()).toMatchObject({ merged: true })
  })

  test('[LOG-6] [LOG-10] a run of which something cannot be read, was set aside or is not in the database is not merged', async () => {
    const server = new MergingServer()
    const [one] = await written(server, 6)
    const inside = (entries: readonly IndexEntry[]) => runOf(entries.slice(1, 9))
    const uploads = () => server.exchanges.filter(({ method, path }) => method === 'PUT' || path.endsWith('/merged')).length
    const other = testVault({ vaultKeys: new Map([[1, new Uint8Array(32).fill(9)]]) })
    const keyless = Object.assign(Object.create(one), { sealer: other.sealer })
    expect(await merger(keyless, server, inside).run()).toMatchObject({ merged: false, obstacle: 'unreadable' })
    one.driver.exec("INSERT INTO _quarantine (seq, part, reason, delivery) VALUES (5, 0, 'test', x'')")
    expect(await merger(one, server, inside).run()).toMatchObject({ merged: false, obstacle: 'unreadable' })
    expect(await merger(one, server, (entries) => runOf(entries.slice(0, -1))).run()).toMatchObject({ obstacle: 'unreadable' })
    one.driver.exec('DELETE FROM _quarantine')
    one.driver.exec("UPDATE rows_notes SET title = 'flipped' WHERE id = 'n3'")
    expect(await merger(one, server, inside).run()).toMatchObject({ merged: false, obstacle: 'damaged' })
    one.driver.exec("DELETE FROM rows_notes WHERE id = 'n3'")
    expect(await merger(one, server, inside).run()).toMatchObject({ merged: false, obstacle: 'not-held' })
    expect(uploads()).toBe(0)
    expect(server.runs.size).toBe(0)
  })

  test('[LOG-10] a damaged row is not spread by merging the whole state either', async () => {
    const server = new MergingServer()
    const [one] = await written(server, 6)
    one.vault.transact((tx) => tx.put('spaces', 's', { name: 'plain' }))
    await sync(one, server)
    one.driver.exec("UPDATE rows_spaces SET name = 'flipped'")
    expect(await merger(one, server, (entries) => runOf(entries)).run()).toMatchObject({ merged: false, obstacle: 'damaged' })
    expect(server.runs.size).toBe(0)
  })

  test('[LOG-10] a server that hands out other segments than its index says is found out', async () => {
    const server = new MergingServer()
    const [one] = await written(server, 6)
    one.driver.exec('DELETE FROM _tail; UPDATE _segments SET sealed = NULL')
    const run = (entries: readonly IndexEntry[]) => runOf(entries.slice(1, 9))
    const wrong = (entries: readonly IndexEntry[]) =>
      runOf(entries.slice(1, 9).map((entry, i) => (i === 4 ? { ...entry, tag: new Uint8Array(16) } : entry)))
    expect(await merger(one, server, wrong).run()).toMatchObject({ merged: false, obstacle: 'taken' })
    server.deliver = (segments) => segments.filter(({ last }) => last !== 5)
    expect(await merger(one, server, run).run()).toMatchObject({ merged: false, obstacle: 'taken' })
    server.deliver = (segments) => segments
    expect(await merger(one, server, run).run()).toMatchObject({ merged: true, first: 2, last: 9 })
  })

  test('[LOG-6] what is written while a device merges is in the log or in the run: nothing that was acknowledged is missing', async () => {
    await forEachSeed('writing while merging', 12, FILE, async (random) => {
      const server = new MergingServer()
      const [one, two] = await written(server, 5)
      server.beforeMerge = (request) => {
        if (request.method !== 'PUT' && random.chance(0.7)) for (let i = 0; i < 5; i++) anyWork(random, one, 1000 + i)
        return undefined
      }
      const from = random.below(4)
      const pick = (entries: readonly IndexEntry[]) => runOf(entries.slice(from, random.between(from + 2, entries.length)))
      if (random.chance(0.3)) {
        // What was written cannot be sent before the run is put in place: then it is not.
        const alone = await merger(one, server, pick).run()
        if (alone?.merged === false) expect(alone.obstacle).toBe('taken')
        return
      }
      expect(await merger(one, server, pick, async () => void (await sync(one, server))).run()).toMatchObject({ merged: true })
      // The device is lost before it sends what it wrote: what it had overwritten must be there, or what it wrote.
      const fresh = anyVault()
      await sync(fresh, server)
      const now = rowStates(fresh.vault.store) as Record<string, Record<string, [string, unknown]>>
      const acknowledged = rowStates(two.vault.store) as typeof now
      for (const [key, cells] of Object.entries(acknowledged)) {
        if (now[key]?.['_purged'] !== undefined) continue
        for (const [name, cell] of Object.entries(cells)) {
          if (typeof cell[0] === 'string') expect((now[key]?.[name]?.[0] ?? '') >= cell[0]).toBe(true)
          else expect(now[key]?.[name]).toBeDefined()
        }
      }
      await inStep(server, one, two, fresh)
      expect(rowStates(two.vault.store)).toEqual(rowStates(one.vault.store))
      expect(rowStates(fresh.vault.store)).toEqual(rowStates(one.vault.store))
    })
  })
})
