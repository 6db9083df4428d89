/**
 * The program is killed again and again while both apps work with it [G3]. What it answered is there when it is started anew, before
 * any client has the chance to send it a second time.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type ServerProcess, serve } from '../story/lockstep.ts'
import { forEachSeed, type Random } from '../support/random.ts'
import { Device } from './dataans-client/device.ts'
import { open } from './dataans-client/envelope.ts'
import { deriveKey } from './dataans-client/keys.ts'
import { SyncServer } from './dataans-client/server.ts'
import { PASSPHRASE } from './dataans-stage.ts'
import { Client } from './difflog-client/client.ts'
import { Server } from './difflog-client/server.ts'
import { diffOf, METADATA, PASSWORD, starOf } from './difflog-stage.ts'
import { LostError, Wire } from './wire.ts'

const KILLS = 3
const FLAGS = ['--dialect', 'difflog', '--dialect', 'dataans', '--insecure-no-gate']

/** A client that works until the server is gone, and keeps what was answered. */
interface Worker {
  readonly acknowledged: Set<string>
  /** Once: does something and syncs. */
  turn(random: Random): Promise<void>
}

class Desktop implements Worker {
  readonly acknowledged = new Set<string>()
  readonly files = new Map<string, Buffer>()
  readonly device: Device

  constructor(device: Device) {
    this.device = device
  }

  async turn(random: Random): Promise<void> {
    const { device } = this
    const space = device.view.spaces[0]?.id ?? device.createSpace('s')
    const note = device.createNote(space, `text ${random.u32()}`)
    const content = Buffer.from(random.bytes(random.below(100_000)))
    const file = random.chance(0.3) ? device.attach(note, 'f', content) : undefined
    const sent = device.operations.map(({ id }) => id)
    await device.sync()
    for (const id of sent) this.acknowledged.add(id)
    if (file !== undefined) this.files.set(file, content)
  }
}

class Web implements Worker {
  readonly acknowledged = new Set<string>()
  readonly client: Client
  readonly #prefix: string
  #made = 0

  constructor(client: Client, prefix: string) {
    this.client = client
    this.#prefix = prefix
  }

  async turn(random: Random): Promise<void> {
    const { profile } = this.client
    this.#made += 1
    if (this.#made <= 20) profile.put('diffs', diffOf(`${this.#prefix}${this.#made}`, this.#made))
    profile.put('stars', starOf(`${this.#prefix}${random.between(1, 20)}`, this.#made))
    const sent = [...profile.pending.modified.stars, ...profile.pending.modified.diffs]
    await this.client.autoSync()
    for (const id of sent) this.acknowledged.add(id)
  }
}

async function untilGone(worker: Worker, random: Random): Promise<void> {
  try {
    for (;;) await worker.turn(random)
  } catch (error) {
    if (!(error instanceof LostError)) throw error
  }
}

async function checkDesktops(url: string, key: Buffer, desktops: readonly Desktop[]): Promise<void> {
  const server = new SyncServer({ url, token: 'none' })
  const stored = new Set((await server.operations(0)).map(({ id }) => id))
  for (const { acknowledged, files } of desktops) {
    for (const id of acknowledged) expect(stored.has(id), `operation ${id}`).toBe(true)
    for (const [id, content] of files) {
      const envelope = await server.download(id)
      expect(envelope !== undefined && open(key, envelope).equals(content), `file ${id}`).toBe(true)
    }
  }
}

async function checkWebs(url: string, webs: readonly Web[]): Promise<void> {
  const { profile } = await Client.import('profile-1', PASSWORD, { server: new Server(url) })
  const stored = new Set([...profile.ids('diffs'), ...profile.ids('stars')])
  for (const { acknowledged } of webs) for (const id of acknowledged) expect(stored.has(id), `item ${id}`).toBe(true)
}

interface Totals {
  readonly operations: number
  readonly files: number
  readonly items: number
}

/** What has been answered. */
function totalsOf(desktops: readonly Desktop[], webs: readonly Web[]): Totals {
  const sum = (sizes: readonly number[]) => sizes.reduce((all, size) => all + size, 0)
  return {
    operations: sum(desktops.map(({ acknowledged }) => acknowledged.size)),
    files: sum(desktops.map(({ files }) => files.size)),
    items: sum(webs.map(({ acknowledged }) => acknowledged.size)),
  }
}

test('[G3] what was answered before a kill is there after it, for both apps', async () => {
  const key = await deriveKey(PASSWORD, PASSPHRASE)
  await forEachSeed('kills with dialects', 1, 'tests/dialects/kill.test.ts', async (random) => {
    const data = await mkdtemp(join(tmpdir(), 'lockstep-kill-'))
    let program: ServerProcess = await serve(data, FLAGS)
    onTestFinished(async () => {
      await program.kill()
      await rm(data, { recursive: true, force: true })
    })
    const wire = new Wire(program.url)
    const options = { server: new Server(program.url, wire.fetch) }
    const desktop = () => new Device({ url: wire.url, token: 'none', fetch: wire.fetch, deriveKey: async () => key })
    const desktops = [new Desktop(desktop()), new Desktop(desktop())]
    for (const { device } of desktops) await device.signIn(PASSWORD, PASSPHRASE)
    const first = Client.local({ id: 'profile-1', metadata: METADATA, apiKeys: {} }, options)
    await first.share(PASSWORD)
    const webs = [new Web(first, 'a'), new Web(await Client.import('profile-1', PASSWORD, options), 'b')]
    for (let kills = 0; kills < KILLS; kills++) {
      const working = Promise.all([...desktops, ...webs].map((worker) => untilGone(worker, random.fork())))
      await sleep(random.between(150, 600))
      // However slow the machine is, there is something of each kind to lose.
      const isAnswered = () => Object.values(totalsOf(desktops, webs)).every((count) => count > 0)
      for (let ended = false; !isAnswered() && !ended; ) {
        ended = await Promise.race([sleep(10, false), working.then(() => true)])
      }
      await program.kill()
      await working
      program = await serve(data, FLAGS)
      wire.url = program.url
      await checkDesktops(program.url, key, desktops)
      await checkWebs(program.url, webs)
    }
    for (const { device } of [...desktops, ...desktops]) await device.sync()
    expect(desktops[0]?.device.operations).toEqual(desktops[1]?.device.operations)
    for (const { client } of [...webs, ...webs]) await client.autoSync()
    for (const kind of ['diffs', 'stars'] as const)
      expect(webs[0]?.client.profile.ids(kind)).toEqual(webs[1]?.client.profile.ids(kind))
    const totals = totalsOf(desktops, webs)
    console.log(`answered before kills: ${JSON.stringify(totals)}`)
    for (const [what, count] of Object.entries(totals)) expect(count, what).toBeGreaterThan(0)
  })
})
