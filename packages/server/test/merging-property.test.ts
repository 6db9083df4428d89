/**
 * Random pushes, merges and seeds against a model. Whatever is asked of the storage, it answers what the model has; and an answer
 * that was begun before a merge and ended after it still covers all that was wanted.
 */
import { equalBytes, toHex } from '@lockstep/protocol/bytes'
import { type DeliveredSegment, SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import type { Interval, MergeTarget, Storage, VaultKey } from '#storage/storage'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { named, ReplicaLog, sha256 } from './client.ts'
import { idOf, LogModel, nameOf } from './log-model.ts'
import { identified, makeVault } from './vault.ts'

const FILE = 'packages/server/test/merging-property.test.ts'
const ACTIONS = 40

class World {
  readonly model = new LogModel()
  readonly authors = ['a', 'b', 'c'].map((name) => new ReplicaLog(name))
  readonly counts = { push: 0, merge: 0, seeds: 0, refused: 0, read: 0, readOverMerge: 0, resumed: 0 }
  readonly storage: Storage
  readonly key: VaultKey
  readonly random: Random
  #merges = 0

  constructor(storage: Storage, key: VaultKey, random: Random) {
    this.storage = storage
    this.key = key
    this.random = random
  }

  async push(): Promise<void> {
    const author = this.random.pick(this.authors)
    const records = Array.from({ length: this.random.between(1, 6) }, () =>
      author.next(this.random.bytes(this.random.between(1, 40))),
    )
    const [outcome] = await this.storage.append([{ vault: this.key, quota: 0, segments: records.map(identified) }])
    expect(outcome?.outcome).toBe('appended')
    for (const record of records) {
      this.model.append(record)
      this.model.count(record.replica, record.counter, sha256(record.sealed))
    }
    this.counts.push += 1
  }

  async #upload(target: MergeTarget, records: readonly SegmentRecord[], covers: Parameters<Storage['commitMerge']>[0]['covers']) {
    this.#merges += 1
    const { storage, key: vault } = this
    const session = named('token')
    const name = `merge ${this.#merges}`
    const expiresAt = 1000
    if ((await storage.openMerge({ vault, name, session, target, now: 0, expiresAt })) !== 'opened') return 'refused'
    for (const part of this.random.shuffle(records.map((_, i) => i))) {
      const segment = identified(records[part] as SegmentRecord)
      const { outcome } = await storage.putMergePart({ vault, name, session, part, segment, expiresAt, quota: 0 })
      expect(outcome).toBe('stored')
    }
    const { outcome } = await storage.commitMerge({ vault, name, session, parts: records.length, covers, quota: 0 })
    expect(outcome).toBe('merged')
    return 'merged'
  }

  /** A merge of entries that lie side by side, or of what is none. */
  async merge(): Promise<void> {
    const { model, random } = this
    if (model.entries.length === 0) return
    const from = random.below(model.entries.length)
    const to = random.between(from, Math.min(model.entries.length - 1, from + random.pick([0, 2, 8, 30])))
    const first = model.entries[from]?.first as number
    const last = model.entries[to]?.last as number
    const shift = random.chance(0.1) ? random.between(-1, 1) : 0
    const previous = model.chains[first - 1] as Uint8Array
    const replica = random.pick(this.authors).replica
    const parts = Array.from({ length: random.between(1, 4) }, (): SegmentRecord => {
      return { kind: SEGMENT_KIND.merged, epoch: 1, replica, counter: last, previous, sealed: random.bytes(random.between(1, 60)) }
    })
    const run = random.chance(0.05) ? named('wrong') : model.runDigest(first, last)
    const target = { type: 'run' as const, first, last: last + shift, run }
    const right = shift === 0 && equalBytes(run, model.runDigest(first, last))
    if (!right) {
      const { storage, key: vault } = this
      const opened = await storage.openMerge({ vault, name: 'no', session: named('token'), target, now: 0, expiresAt: 1 })
      if (opened !== 'run-changed') throw new Error(`a merge of ${first} to ${last + shift} was reserved`)
      this.counts.refused += 1
      return
    }
    expect(await this.#upload(target, parts, [])).toBe('merged')
    model.merge(first, last, parts)
    this.counts.merge += 1
  }

  async seed(): Promise<void> {
    const { model, random } = this
    const author = random.pick(this.authors)
    // The server has lost some of this author's segments: nobody pushes them again.
    for (let lost = random.below(3); lost > 0; lost--) author.next(random.bytes(10))
    const covers = this.authors
      .filter(({ counter }) => counter > 0)
      .map(({ replica, counter, previous }) => ({ replica, counter, digest: previous }))
    const target = { type: 'seed' as const, head: model.head, chain: model.chains[model.head] as Uint8Array }
    const records: SegmentRecord[] = []
    const shadow = new LogModel()
    shadow.chains.push(...model.chains.slice(1))
    for (let n = random.between(1, 3); n > 0; n--) {
      const previous = shadow.chains[shadow.head] as Uint8Array
      const counter = shadow.head + 1
      const sealed = random.bytes(random.between(1, 60))
      const record = { kind: SEGMENT_KIND.seed, epoch: 1, replica: author.replica, counter, previous, sealed }
      records.push(record)
      shadow.append(record)
    }
    expect(await this.#upload(target, records, covers)).toBe('merged')
    for (const record of records) model.append(record)
    for (const { replica, counter, digest } of covers) model.count(replica, counter, digest)
    this.counts.seeds += 1
  }

  /** Any interval, sometimes one that goes on behind a part of the entry at its end. */
  interval(): Interval {
    const { random, model } = this
    const after = random.below(model.head + 1)
    const newest = random.chance(0.5)
    if (!random.chance(0.3)) return { after, through: random.between(after, model.head), newest }
    const entry = random.pick(model.entries)
    const part = random.chance(0.9) ? idOf(random.pick(entry.parts)) : named('gone', 16)
    this.counts.resumed += 1
    return { after: Math.min(after, entry.first - 1), through: entry.last, newest, resume: { at: entry.last, id: part } }
  }

  /** Reads an interval in pages and says what came; `between` runs between two of them. */
  async read(interval: Interval, between: () => Promise<void> = async () => {}): Promise<DeliveredSegment[]> {
    const { storage, key, model, random } = this
    const segments: DeliveredSegment[] = []
    for (let rest: Interval | undefined = interval; rest !== undefined; ) {
      const page = await storage.read(key, rest, random.pick([1, 30, 100, 1e9]))
      const last = page.segments.at(-1)
      if (last !== undefined) expect(toHex(page.chain ?? named('none'))).toBe(toHex(model.chains[last.last] as Uint8Array))
      segments.push(...page.segments)
      rest = page.rest
      if (rest !== undefined) await between()
    }
    return segments
  }

  async checkRead(): Promise<void> {
    const interval = this.interval()
    const segments = await this.read(interval)
    expect(segments.map(nameOf)).toEqual(this.model.read(interval))
    this.counts.read += 1
  }

  /** While it is read, the log is merged: what came whole covers the interval. */
  async checkReadOverMerges(): Promise<void> {
    const { resume: _, ...interval } = this.interval()
    const segments = await this.read(interval, async () => {
      await this.merge()
      this.remember()
    })
    const held = new Set<number>()
    for (let at = 0; at < segments.length; ) {
      const { first, last, kind } = segments[at] as DeliveredSegment
      let end = at + 1
      if (kind === SEGMENT_KIND.merged) while (segments[end]?.first === first && segments[end]?.last === last) end++
      // Behind parts of one run there may be another with the same span, whole.
      const ids = segments.slice(at, end).map(idOf).map(toHex).join()
      const whole = this.everMerged(first, last).some((parts) => ids.endsWith(parts.map(idOf).map(toHex).join()))
      if (kind !== SEGMENT_KIND.merged || whole) for (let n = first; n <= last; n++) held.add(n)
      at = end
    }
    for (let n = interval.after + 1; n <= interval.through; n++) expect([n, held.has(n)]).toEqual([n, true])
    this.counts.readOverMerge += 1
  }

  readonly #history = new Map<string, (readonly SegmentRecord[])[]>()

  /** All that ever stood for this span. */
  everMerged(first: number, last: number): readonly (readonly SegmentRecord[])[] {
    return this.#history.get(`${first}-${last}`) ?? []
  }

  remember(): void {
    for (const { first, last, parts } of this.model.entries) {
      const span = `${first}-${last}`
      const known = this.#history.get(span) ?? []
      if (!known.includes(parts)) this.#history.set(span, [...known, parts])
    }
  }

  async checkRest(): Promise<void> {
    const { storage, key, model, random } = this
    const position = await storage.position(key)
    expect([position.head, toHex(position.chain)]).toEqual([model.head, toHex(model.chains[model.head] as Uint8Array)])
    const sizes = await storage.sizes(key)
    const segments = model.entries.reduce((sum, { parts }) => sum + parts.length, 0)
    const bytes = model.entries.reduce((sum, entry) => sum + model.bytes(entry), 0)
    expect([sizes.segments, sizes.bytes]).toEqual([segments, bytes])
    const from = random.below(model.head + 2)
    const limit = random.pick([0, 1, 3, 1000])
    expect((await storage.index(key, from, limit)).map(({ tag, ...entry }) => ({ ...entry, tag: toHex(tag) }))).toEqual(
      model.entries
        .filter(({ last }) => last >= from)
        .slice(0, limit)
        .map((entry) => {
          const { first, last, parts } = entry
          return { first, last, kind: parts[0]?.kind, bytes: model.bytes(entry), tag: toHex(model.tag(entry)) }
        }),
    )
    const coverage = (await storage.coverage(key)).map(({ replica, ranges, digest }) => [toHex(replica), ranges, toHex(digest)])
    expect(coverage.sort()).toEqual(
      [...model.replicas].map(([replica, { counter, digest }]) => [replica, [[1, counter]], toHex(digest)]).sort(),
    )
    for (let at = 0; at <= model.head; at++) {
      expect(toHex((await storage.chainAt(key, at)) ?? named('none'))).toBe(toHex(model.chains[at] as Uint8Array))
    }
  }
}

test('[LOG-4] [LOG-6] [LOG-9] [LOG-10] random pushes, merges and seeds: every answer is the model’s', async () => {
  const total: Record<string, number> = {}
  await forEachSeed('log against its model', 20, FILE, async (random) => {
    const storage = openSqliteStorage({ random: (length) => random.bytes(length) })
    const world = new World(storage, await makeVault(storage), random)
    for (let action = 0; action < ACTIONS; action++) {
      const dice = random.float()
      if (dice < 0.5) await world.push()
      else if (dice < 0.9) await world.merge()
      else await world.seed()
      world.remember()
      for (let n = 0; n < 3 && world.model.head > 0; n++) await world.checkRead()
    }
    await world.checkRest()
    for (let n = 0; n < 5 && world.model.head > 0; n++) await world.checkReadOverMerges()
    await world.checkRest()
    await storage.close()
    for (const [name, count] of Object.entries(world.counts)) total[name] = (total[name] ?? 0) + count
  })
  console.log(`log against its model: ${JSON.stringify(total)}`)
  for (const name of ['push', 'merge', 'seeds', 'refused', 'read', 'readOverMerge', 'resumed']) {
    if (process.env['LOCKSTEP_SEED'] === undefined) expect([name, (total[name] ?? 0) > 10]).toEqual([name, true])
  }
})
