/**
 * Random web apps of diff·log with random work, two profiles that use the same ids on one server, syncs in random order, requests
 * and answers that are lost, a server that is started anew.
 *
 * As long as a device's download and upload are not torn apart by another's sync, what is there in the end follows from the
 * uploads that went well: an item is there if the last of them that meant it (and did not only list it along with everything
 * else) put it, and is not if that one deleted it. Torn apart, all devices still agree and nothing is lost that nobody deleted;
 * but what was deleted in between can come back (difflog-limits.test.ts says why). Crowded, there are more diffs than the server
 * keeps: the newest are there.
 */
import { expect, test } from 'vitest'
import { forEachSeed, type Random } from '../support/random.ts'
import type { Client } from './difflog-client/client.ts'
import { KINDS, type Kind } from './difflog-client/profile.ts'
import { DifflogStage, diffOf, PASSWORD, starOf, tldrOf } from './difflog-stage.ts'
import { LostError } from './wire.ts'

const STEPS = 70
const FILE = 'tests/dialects/difflog-convergence.test.ts'
/** The server keeps so many of a profile's diffs. */
const KEPT_DIFFS = 50
/** Of one device's view: so few that none goes by itself. */
const FEW_DIFFS = 10
const FIRST_ID = 1_769_414_400_000

type Mode = 'whole syncs' | 'torn syncs' | 'crowded'

/** What the uploads of a profile that went well have said. */
class Ledger {
  readonly #there = new Map<string, boolean>()
  readonly #everDeleted = new Set<string>()

  put(kind: Kind, id: string): void {
    this.#there.set(`${kind} ${id}`, true)
  }

  /** The server takes a diff's TLDRs along, also those that the deleting device did not know. */
  delete(kind: Kind, id: string): void {
    const gone = [
      `${kind} ${id}`,
      ...(kind === 'diffs' ? [...this.#there.keys()].filter((key) => key.startsWith(`tldrs ${id}:`)) : []),
    ]
    for (const key of gone) {
      this.#there.set(key, false)
      this.#everDeleted.add(key)
    }
  }

  get there(): readonly string[] {
    return [...this.#there]
      .filter(([, there]) => there)
      .map(([key]) => key)
      .sort()
  }

  get neverDeleted(): readonly string[] {
    return this.there.filter((key) => !this.#everDeleted.has(key))
  }

  /** Of these no device has deleted any, and nothing that is newer has pushed them out. */
  get newest(): readonly string[] {
    const diffs = [...this.#there.keys()].filter((key) => key.startsWith('diffs ')).sort()
    return diffs.slice(-KEPT_DIFFS).filter((key) => !this.#everDeleted.has(key))
  }
}

const totals = { acknowledged: 0, deleted: 0, lost: 0, torn: 0, evicted: 0, selective: 0, full: 0, skipped: 0 }

const held = ({ profile }: Client) => KINDS.flatMap((kind) => profile.ids(kind).map((id) => `${kind} ${id}`)).sort()

/** One profile and the devices that hold it. */
class Family {
  readonly ledger = new Ledger()
  readonly devices: Client[] = []
  readonly #stage: DifflogStage
  readonly #id: string
  readonly #mode: Mode
  #made = 0

  constructor(stage: DifflogStage, id: string, mode: Mode) {
    this.#stage = stage
    this.#id = id
    this.#mode = mode
  }

  async start(count: number): Promise<void> {
    const first = this.#stage.local(this.#id)
    const already = this.#mode === 'crowded' ? KEPT_DIFFS - 5 : 1
    while (this.#made < already) this.#makeDiff(first)
    const ids = first.profile.ids('diffs')
    await first.share(PASSWORD)
    for (const id of ids) this.ledger.put('diffs', id)
    this.devices.push(first)
    while (this.devices.length < count) this.devices.push(await this.#stage.import(this.#id))
  }

  #makeDiff({ profile }: Client, random?: Random): void {
    this.#made += 1
    const diff = diffOf(`${FIRST_ID + this.#made}`, random?.between(1, 25) ?? 1)
    if (this.#mode !== 'crowded' && random?.chance(0.5)) profile.generate(diff)
    else profile.put('diffs', diff)
  }

  work(client: Client, random: Random): void {
    const { profile } = client
    const diffs = profile.ids('diffs')
    const roll = random.float()
    const any = (kind: Kind) => random.pick(profile.ids(kind))
    if (diffs.length === 0 || (roll < 0.3 && diffs.length < FEW_DIFFS)) this.#makeDiff(client, random)
    else if (roll < 0.3 && this.#mode === 'crowded') for (let i = random.between(5, 15); i > 0; i--) this.#makeDiff(client, random)
    else if (roll < 0.6) profile.put('stars', starOf(any('diffs'), random.below(6)))
    else if (roll < 0.7) profile.put('tldrs', tldrOf(any('diffs'), random.below(6)))
    else if (roll < 0.85 && profile.ids('stars').length > 0) profile.delete('stars', any('stars'))
    else if (roll < 0.9 && profile.ids('tldrs').length > 0) profile.delete('tldrs', any('tldrs'))
    else if (roll < (this.#mode === 'crowded' ? 0.91 : 0.96)) profile.delete('diffs', any('diffs'))
    else profile.edit({ name: `name ${random.u32()}` })
  }

  /** @returns whether both halves went well. @param between what happens after the download */
  async sync(client: Client, between: () => Promise<void> = async () => {}): Promise<boolean> {
    try {
      const { skipped } = await client.download(PASSWORD)
      totals.skipped += skipped.length
      await between()
      const { modified, deleted } = client.profile.pending
      const said = KINDS.map((kind) => [kind, [...modified[kind]], [...deleted[kind]]] as const)
      const { sent, selective } = await client.upload(PASSWORD)
      if (sent !== undefined) totals[selective ? 'selective' : 'full'] += 1
      for (const [kind, put] of said) for (const id of put) this.ledger.put(kind, id)
      for (const [kind, , gone] of said) for (const id of gone) this.ledger.delete(kind, id)
      totals.acknowledged += said.reduce((sum, [, put]) => sum + put.length, 0)
      totals.deleted += said.reduce((sum, [, , gone]) => sum + gone.length, 0)
      return true
    } catch (error) {
      if (!(error instanceof LostError)) throw error
      totals.lost += 1
      return false
    }
  }

  /** Everybody says what is left, everybody hears it. */
  async settle(): Promise<void> {
    for (const client of [...this.devices, ...this.devices]) expect(await this.sync(client)).toBe(true)
  }

  async check(): Promise<void> {
    const everything = await this.#stage.import(this.#id)
    for (const client of this.devices) expect(held(client)).toEqual(held(everything))
    // What was made once and never changes is the same everywhere.
    for (const { profile } of this.devices) {
      const byId = (client: Client) => [...client.profile.all('diffs')].sort((a, b) => (a.id < b.id ? -1 : 1))
      expect([...profile.all('diffs')].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(byId(everything))
      expect(profile.metadata).toEqual(everything.profile.metadata)
    }
    const there = new Set(held(everything))
    if (this.#mode === 'whole syncs') expect([...there]).toEqual(this.ledger.there)
    else
      for (const key of this.#mode === 'crowded' ? this.ledger.newest : this.ledger.neverDeleted) expect(there, key).toContain(key)
    expect(everything.profile.ids('diffs').length).toBeLessThanOrEqual(KEPT_DIFFS)
    totals.evicted += this.ledger.neverDeleted.filter((key) => key.startsWith('diffs ') && !there.has(key)).length
  }
}

async function step(mode: Mode, stage: DifflogStage, families: readonly Family[], random: Random): Promise<void> {
  const family = random.pick(families)
  const client = random.pick(family.devices)
  const other = random.pick(family.devices)
  const roll = random.float()
  if (roll < 0.5) for (let i = random.between(1, 5); i > 0; i--) family.work(client, random)
  else if (roll < 0.54) await stage.restart()
  else if (mode !== 'torn syncs' || other === client || roll < 0.8) await family.sync(client)
  else {
    totals.torn += 1
    await family.sync(client, async () => {
      family.work(other, random)
      await family.sync(other)
      if (random.chance(0.5)) family.work(client, random)
    })
  }
}

test.each([
  ['whole syncs', 3],
  ['torn syncs', 3],
  ['crowded', 2],
] as const)('random devices of two profiles with the same ids end up the same: %s', async (mode, count) => {
  await forEachSeed(`diff·log devices, ${mode}`, count, FILE, async (random) => {
    const stage = await DifflogStage.set()
    const families = ['one', 'two'].map((id) => new Family(stage, id, mode))
    for (const family of families) await family.start(random.between(2, 4))
    stage.wire.loseSome(random.fork(), 0.08)
    for (let i = 0; i < STEPS; i++) await step(mode, stage, families, random)
    stage.wire.loseNone()
    for (const family of families) {
      await family.settle()
      await family.check()
    }
    await stage.close()
  })
  const { torn, evicted, ...others } = totals
  for (const [what, number] of Object.entries(others)) expect(number, what).toBeGreaterThan(0)
  if (mode === 'torn syncs') expect(torn).toBeGreaterThan(0)
  if (mode === 'crowded') expect(evicted).toBeGreaterThan(0)
})
