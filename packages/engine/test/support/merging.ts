/** Devices, merges of any run, and ways to look at what came of them. */
import { toHex } from '@lockstep/protocol/bytes'
import type { DeliveredSegment, IndexEntry } from '@lockstep/protocol/records'
import { Merger } from '#compaction/merger'
import type { Run } from '#compaction/policy'
import type { ContentRow, Cover } from '#content'
import { decodeContent } from '#content-decoder'
import type { HttpClient } from '#http'
import { Inbox } from '#inbox'
import { Remote } from '#remote'
import { column, defineSchema, type Schema, type Table, table } from '#schema'
import type { Random } from '../../../../tests/support/random.ts'
import { sha256 } from './log-server.ts'
import type { MergingServer } from './merging-server.ts'
import { schema, type TestVault, testVault } from './vaults.ts'

/** What a newer version of the app has besides. */
export const newer = defineSchema({
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

export type AnyVault = TestVault<Record<string, Table>>

export function anyVault(tables: Schema<Record<string, Table>> = schema): AnyVault {
  return testVault({}, tables)
}

export function merger(
  device: AnyVault,
  server: MergingServer,
  pick?: (entries: readonly IndexEntry[], head: number) => Run | undefined,
  flush?: () => Promise<void>,
) {
  const remote = new Remote({ server: 'http://server.test', http: server.http })
  return new Merger({
    store: device.vault.store,
    sealer: device.sealer,
    sha256,
    remote,
    token: 'good',
    ...(pick && { pick }),
    ...(flush && { flush }),
  })
}

/** Any entries that follow each other. */
export function anyRun(random: Random) {
  return (entries: readonly IndexEntry[]): Run | undefined => {
    if (entries.length === 0) return undefined
    const from = random.chance(0.4) ? 0 : random.below(entries.length)
    const to = random.between(from + 1, entries.length)
    return runOf(entries.slice(from, to))
  }
}

export const runOf = (entries: readonly IndexEntry[]): Run => ({
  first: (entries[0] as IndexEntry).first,
  last: (entries.at(-1) as IndexEntry).last,
  bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
  entries,
})

export async function sync(device: AnyVault, server: MergingServer): Promise<void> {
  await device.syncer(server).run()
}

export async function inStep(server: MergingServer, ...devices: readonly AnyVault[]): Promise<void> {
  for (let round = 0; round < 3; round++) for (const device of devices) await sync(device, server)
}

/** Replica → what is covered of it. */
export function plainly(covers: readonly Cover[]): Map<string, string> {
  return new Map(covers.map(({ replica, first, last, digest }) => [replica, `${first} to ${last}, ${toHex(digest)}`]))
}

/** The rows of all segments, opened without a look at their order. */
export async function rowsOf(device: AnyVault, segments: readonly DeliveredSegment[]): Promise<ContentRow[]> {
  const out: ContentRow[] = []
  for (const segment of segments) out.push(...decodeContent(await device.sealer.open(segment, segment.sealed)).rows)
  return out
}

/** A device that merges rows in the order given, and nothing else. */
export function deviceOf(rows: readonly ContentRow[], device: AnyVault = anyVault()): AnyVault {
  const inbox = new Inbox(device.vault.store, device.sealer, sha256)
  device.vault.store.write('remote', () => {
    for (const row of rows) inbox.applyRow(row)
  })
  return device
}

export function anyWork(random: Random, device: AnyVault, step: number): void {
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

/** Two devices that each wrote `count` segments, in step. */
export async function written(server: MergingServer, count: number): Promise<[AnyVault, AnyVault]> {
  const devices: [AnyVault, AnyVault] = [anyVault(), anyVault()]
  server.merging = false
  for (let i = 0; i < count; i++) {
    for (const [d, device] of devices.entries()) {
      device.clock.now += 1000
      device.vault.transact((tx) =>
        tx.put('notes', `n${(i + d) % 7}`, { title: `${d} ${i}`, text: `${'word '.repeat(d + 1)}${i}` }),
      )
      await sync(device, server)
    }
  }
  await inStep(server, ...devices)
  server.merging = true
  return devices
}

/** An HTTP client that is somebody's and remembers the session token that it was used with. */
export function sharedHttp(): {
  readonly use: (http: HttpClient) => HttpClient
  readonly http: HttpClient
  readonly token: () => string
} {
  let inner: HttpClient | undefined
  let token = ''
  const http: HttpClient = (request) => {
    if (inner === undefined) throw new Error('no device has been opened with it')
    token = request.headers['authorization']?.replace('Bearer ', '') ?? token
    return inner(request)
  }
  const use = (given: HttpClient) => {
    inner = given
    return http
  }
  return { use, http, token: () => token }
}
