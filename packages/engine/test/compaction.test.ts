import { identifySegment } from '@lockstep/protocol/chain'
import { type DeliveredSegment, type IndexEntry, SEGMENT_KIND } from '@lockstep/protocol/records'
import { describe, expect, test } from 'vitest'
import { type MergeResult, Merger } from '#compaction/merger'
import type { Run } from '#compaction/policy'
import type { ContentRow } from '#content'
import { decodeContent } from '#content-decoder'
import { Inbox } from '#inbox'
import { Remote } from '#remote'
import { column, defineSchema, table } from '#schema'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { sha256 } from './support/log-server.ts'
import { MergingServer } from './support/merging-server.ts'
import { rowStates } from './support/row-states.ts'
import { schema, type TestVault, testVault } from './support/vaults.ts'

const FILE = 'packages/engine/test/compaction.test.ts'

/** What a newer version of the app has besides. */
const newer = defineSchema({
  spaces: schema.tables.spaces,
  notes: table({
    ...schema.tables.notes.columns,
    mood: column.text({ default: '' }),
    body: column.collaborativeText(),
    labels: column.set(),
  }),
  stars: schema.tables.stars,
  files: table({ name: column.text({ default: '' }), size: column.integer() }),
})

type AnyVault = TestVault<any>

function merger(device: AnyVault, server: MergingServer, pick?: (entries: readonly IndexEntry[], head: number) => Run | undefined) {
  const remote = new Remote({ server: 'http://server.test', http: server.http })
  return new Merger({
    store: device.vault.store,
    sealer: device.sealer,
    sha256,
    remote,
    token: 'good',
    ...(pick && { pick }),
  })
}

/** Any entries that follow each other. */
function anyRun(random: Random) {
  return (entries: readonly IndexEntry[]): Run | undefined => {
    if (entries.length === 0) return undefined
    const from = random.chance(0.4) ? 0 : random.below(entries.length)
    const to = random.between(from + 1, entries.length)
    const chosen = entries.slice(from, to)
    return {
      first: (chosen[0] as IndexEntry).first,
      last: (chosen.at(-1) as IndexEntry).last,
      bytes: chosen.reduce((sum, { bytes }) => sum + bytes, 0),
      entries: chosen,
    }
  }
}

const all = (entries: readonly IndexEntry[]): Run => ({
  first: 1,
  last: (entries.at(-1) as IndexEntry).last,
  bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
  entries,
})

async function sync(device: AnyVault, server: MergingServer): Promise<void> {
  await device.syncer(server).run()
}

async function inStep(server: MergingServer, ...devices: readonly AnyVault[]): Promise<void> {
  for (let round = 0; round < 3; round++) for (const device of devices) await sync(device, server)
}

/** The rows of all segments, opened without a look at their order. */
async function rowsOf(device: AnyVault, segments: readonly DeliveredSegment[]): Promise<ContentRow[]> {
  const out: ContentRow[] = []
  for (const segment of segments) out.push(...decodeContent(await device.sealer.open(segment, segment.sealed)).rows)
  return out
}

/** A device that merges rows in the order given, and nothing else. */
function deviceOf(rows: readonly ContentRow[], device: AnyVault = testVault()): AnyVault {
  const inbox = new Inbox(device.vault.store, device.sealer, sha256)
  device.vault.store.write('remote', () => {
    for (const row of rows) inbox.applyRow(row)
  })
  return device
}

function anyWork(random: Random, device: AnyVault, step: number): void {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']
  const id = random.pick(ids)
  const word = ` ${step}`
  device.vault.transact((tx) => {
    const known = tx.get('notes', id)
    const isNewer = 'files' in device.vault.store.schema.tables
    const text = String(known?.['text'] ?? '')
    const cut = random.below(text.length + 1)
    switch (random.below(11)) {
      case 0:
      case 1:
      case 2:
        tx.put('notes', id, { text: text.slice(0, cut) + word + text.slice(cut) })
        break
      case 3:
        tx.put('notes', id, { text: text.slice(0, cut), weight: step / 3 })
        break
      case 4:
        tx.delete('notes', id)
        break
      case 5:
        if (known !== undefined) tx.setMember('notes', id, 'tags', random.pick(['x', 'y', 'z']), random.chance(0.5))
        break
      case 6:
        tx.put('spaces', id, { name: word, color: step })
        break
      case 7:
        if (known !== undefined && random.chance(0.5)) tx.purge('notes', id)
        break
      case 8:
        tx.put('notes', id, { space: random.pick(ids), picture: random.bytes(3) })
        break
      case 9:
        if (isNewer) {
          tx.put('files', id, { name: word, size: step })
          tx.put('notes', id, { mood: word, body: `${known?.['body'] ?? ''}${word}` })
          tx.setMember('notes', id, 'labels', random.pick(['p', 'q']), random.chance(0.6))
        }
        break
      default:
        tx.put('stars', id, { note: random.pick(ids), count: step })
    }
  })
}

describe('merging', () => {
  test('[LOG-6] [LOG-10] [CELL-2] [CELL-3] [CELL-8] whatever is merged whenever by whoever, every device and a fresh one end up with the same state, in any order of rows', async () => {
    const outcomes = new Map<string, number>()
    const note = (result: MergeResult | undefined) => {
      const key =
        result === undefined ? 'nothing' : result.merged ? (result.whole ? 'whole' : result.first === 1 ? 'from the beginning' : 'inside') : result.obstacle
      outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
    }
    await forEachSeed('merging', 8, FILE, async (random) => {
      const server = new MergingServer()
      const devices: AnyVault[] = [testVault(), testVault(), testVault({}, newer)]
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

      const oracle = deviceOf(await rowsOf(devices[0] as AnyVault, server.log), testVault({}, newer))
      const expected = rowStates(oracle.vault.store)
      const entries = server.entries().flat()
      expect(entries.length).toBeLessThan(server.log.length)
      const shuffled = deviceOf(random.shuffle(await rowsOf(devices[0] as AnyVault, entries)), testVault({}, newer))
      expect(rowStates(shuffled.vault.store)).toEqual(expected)
      const fresh = testVault({}, newer)
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
})
