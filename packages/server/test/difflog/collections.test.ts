/** What a stored hash promises, whose a row is, and what a delete is worth: points 1, 3, 6 and 8 of what the dialect does better. */
import { describe, expect, test } from 'vitest'
import { ageOf, hashAfter, isTldrOf } from '#storage/difflog-rules'
import { forEachSeed, type Random } from '../../../../tests/support/random.ts'
import { type Client, difflogInProcess, hashOf, rowsOf, sealed } from './support.ts'

const FILE = 'packages/server/test/difflog/collections.test.ts'
const plain = (fields: Record<string, unknown>) => JSON.stringify(fields)

describe('the rules', () => {
  test('a hash is stored for an exact listing, kept without a change, else forgotten', () => {
    const stored = 'before'
    for (const [sent, changed, exact, expected] of [
      ['sent', true, true, 'sent'],
      ['sent', false, true, 'sent'],
      ['sent', true, false, null],
      ['sent', false, false, 'before'],
      [undefined, true, true, null],
      [undefined, false, true, 'before'],
      [undefined, true, false, null],
      [undefined, false, false, 'before'],
    ] as const) {
      expect([sent, changed, exact, hashAfter({ stored, sent, changed, exact })]).toEqual([sent, changed, exact, expected])
    }
  })

  test('a diff’s age is the time in its id where that can be one, else when it came', () => {
    const now = Date.UTC(2026, 0, 1)
    for (const [id, age] of [
      [String(now - 5), now - 5],
      [String(now + 23 * 60 * 60_000), now + 23 * 60 * 60_000],
      [String(now + 25 * 60 * 60_000), now],
      ['0000000000001', now],
      ['17356896000000', now],
      ['1735689600.00', now],
      ['', now],
    ] as const) {
      expect([id, ageOf(id, now)]).toEqual([id, age])
    }
  })

  test('a TLDR belongs to the diff before its last colon', () => {
    expect(['d:0', 'd:', 'd:0:1', 'd', 'dd:0', 'D:0', ':d'].filter((id) => isTldrOf('d', id))).toEqual(['d:0', 'd:'])
    expect(isTldrOf('', ':0')).toBe(true)
    expect(isTldrOf('%', 'x:0')).toBe(false)
  })
})

describe('rows belong to their profile', () => {
  test('[G15] two profiles have diffs, stars and TLDRs of the same ids, and neither sees or changes the other’s', async () => {
    const { client } = difflogInProcess()
    for (const id of ['p', 'q']) {
      await client.create(id)
      const rows = ['1', '2'].map((row) => ({ id: row, encrypted_data: sealed(`${row} of ${id}`) }))
      await client.sync(id, { diffs: rows, stars: rows, tldrs: rowsOf('1:0', '2:0') })
    }
    await client.sync('q', { deleted_diff_ids: ['1'], deleted_star_ids: ['1', '2'] })
    const { diffs, stars, tldrs } = (await client.content('p')).body
    expect(diffs).toEqual(['1', '2'].map((id) => ({ id, encrypted_data: sealed(`${id} of p`) })))
    expect(stars).toEqual(diffs)
    expect(tldrs).toEqual(rowsOf('1:0', '2:0'))
    await client.ask('DELETE', `/api/profile/q?password_hash=${encodeURIComponent(hashOf('right'))}`)
    expect((await client.ids('p', 'diffs')).length).toBe(2)
  })

  test('[G15] another profile can neither take over, hide, publish nor block a public diff', async () => {
    const { client } = difflogInProcess()
    for (const id of ['owner', 'thief']) await client.create(id)
    const shown = async () => {
      const { status, body } = await client.get('/api/diff/1/public')
      return status === 200 ? body.content : status
    }
    const put = (id: string, encrypted_data: string) => client.sync(id, { diffs: [{ id: '1', encrypted_data }] })
    await put('owner', sealed('private'))
    await put('thief', plain({ content: 'of the thief' }))
    expect(await shown()).toBe('of the thief')
    await put('owner', plain({ content: 'of the owner' }))
    expect(await shown()).toBe('of the owner')
    await put('thief', plain({ content: 'of the thief again' }))
    expect(await shown()).toBe('of the owner')
    await put('thief', sealed('private'))
    await client.sync('thief', { deleted_diff_ids: ['1'] })
    expect(await shown()).toBe('of the owner')
    await put('owner', sealed('private again'))
    expect(await shown()).toBe(404)
    await put('thief', plain({ content: 'copied' }))
    await put('owner', plain({ content: 'of the owner' }))
    expect(await shown()).toBe('of the owner')
  })
})

describe('public diffs', () => {
  async function published() {
    const subject = difflogInProcess()
    await subject.client.create('p')
    const publish = (content: string) => subject.client.sync('p', { diffs: [{ id: '1', encrypted_data: plain({ content }) }] })
    await publish('one')
    return { ...subject, publish }
  }
  const conditional = (client: Client, etag: string) => client.raw('/api/diff/1/public', { headers: { 'if-none-match': etag } })

  test('a cache asks each time, and is told 304 while nothing changed', async () => {
    const { client, publish } = await published()
    const first = await client.get('/api/diff/1/public')
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]+"$/)
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const same = await conditional(client, given)
      const { status, headers } = same
      expect([given, status, await same.text()]).toEqual([given, 304, ''])
      expect([headers.get('etag'), headers.get('cache-control'), headers.get('cache-tag')]).toEqual([etag, 'no-cache', 'diff-1'])
    }
    for (const given of ['"other"', '', etag.replaceAll('"', '')]) expect((await conditional(client, given)).status).toBe(200)
    await publish('two')
    const changed = await conditional(client, etag)
    expect([changed.status, changed.headers.get('etag') === etag]).toEqual([200, false])
  })

  test('one that is made private or deleted is gone at once, also for who had it', async () => {
    for (const fields of [{ diffs: rowsOf('1') }, { deleted_diff_ids: ['1'] }]) {
      const { client } = await published()
      const etag = (await client.get('/api/diff/1/public')).headers.get('etag') ?? ''
      await client.sync('p', fields)
      expect((await conditional(client, etag)).status).toBe(404)
    }
  })

  test('a tag of an id that no header takes is encoded', async () => {
    const { client } = await published()
    const id = 'a,b\nß\u{1f600}'
    await client.sync('p', { diffs: [{ id, encrypted_data: plain({ content: 'x' }) }] })
    const { headers, body } = await client.get(`/api/diff/${encodeURIComponent(id)}/public`)
    expect([headers.get('cache-tag'), body.id]).toEqual([`diff-${encodeURIComponent(id)}`, id])
  })
})

describe('deletes', () => {
  test('a delete stands whatever else is uploaded, until that id is uploaded again', async () => {
    const { client } = difflogInProcess()
    await client.create('p')
    await client.sync('p', { diffs: rowsOf('1', '2'), stars: rowsOf('1:0', '2:0'), diffs_hash: 'd', stars_hash: 's' })
    // One device un-stars offline; meanwhile another changes something else.
    await client.sync('p', { stars: rowsOf('2:1'), profile: { name: 'Renamed' }, stars_hash: 'of the other' })
    await client.sync('p', { deleted_star_ids: ['1:0'], stars_hash: 'of the first' })
    await client.sync('p', { diffs: rowsOf('3'), stars: rowsOf('2:0', '2:1'), profile: { depth: 'deep' } })
    expect(await client.ids('p', 'stars')).toEqual(['2:0', '2:1'])
    await client.sync('p', { stars: rowsOf('1:0') })
    expect(await client.ids('p', 'stars')).toEqual(['2:0', '2:1', '1:0'])
  })

  test('a device that still has what another deleted is not told to skip, so it sees that it is gone', async () => {
    const { client } = difflogInProcess()
    await client.create('p')
    await client.sync('p', { stars: rowsOf('1:0', '2:0'), stars_hash: 'both' })
    await client.sync('p', { deleted_star_ids: ['1:0'], stars_hash: 'one' })
    const { body } = await client.content('p', { stars_hash: 'both' })
    expect([body.stars_skipped, body.stars]).toEqual([undefined, rowsOf('2:0')])
    expect((await client.status('p')).body.stars_hash).toBeNull()
  })
})

test('two devices that upload without downloading first converge at their next syncs', async () => {
  const { client } = difflogInProcess()
  await client.create('p')
  const devices = [new Device(client, 'a'), new Device(client, 'b')]
  for (const device of devices) {
    device.put('diffs', `from ${device.name}`)
    await device.upload('all')
  }
  expect((await client.status('p')).body.diffs_hash).toBeNull()
  for (const device of [...devices, ...devices]) await device.sync()
  for (const device of devices) expect([...device.items.diffs.keys()].sort()).toEqual(['from a', 'from b'])
  expect((await client.status('p')).body.diffs_hash).toBe(devices[0]?.hash('diffs'))
})

/** A client as the document describes one; a hash is the text of everything that it is made of. */
class Device {
  readonly client: Client
  readonly name: string
  readonly items = { diffs: new Map<string, string>(), stars: new Map<string, string>() }
  readonly modified = { diffs: new Set<string>(), stars: new Set<string>() }
  readonly deleted = { diffs: new Set<string>(), stars: new Set<string>() }
  /** Its hashes when it was last in touch with the server. */
  #base = ''
  #edits = 0

  constructor(client: Client, name: string) {
    this.client = client
    this.name = name
  }

  put(collection: 'diffs' | 'stars', id: string): void {
    this.#edits += 1
    this.items[collection].set(id, `${this.name} ${this.#edits}`)
    this.modified[collection].add(id)
    this.deleted[collection].delete(id)
  }

  remove(collection: 'diffs' | 'stars', id: string): void {
    if (!this.items[collection].delete(id)) return
    this.modified[collection].delete(id)
    this.deleted[collection].add(id)
  }

  hash(collection: 'diffs' | 'stars'): string {
    const items = [...this.items[collection]].sort()
    return Buffer.from(JSON.stringify(items)).toString('base64')
  }

  /** Uploads everything, or what it knows to have changed. */
  async upload(what: 'all' | 'modified'): Promise<void> {
    const rows = (collection: 'diffs' | 'stars') =>
      [...this.items[collection]]
        .filter(([id]) => what === 'all' || this.modified[collection].has(id))
        .map(([id, text]) => ({ id, encrypted_data: sealed(text) }))
    const { status } = await this.client.sync('p', {
      diffs: rows('diffs'),
      stars: rows('stars'),
      deleted_diff_ids: [...this.deleted.diffs],
      deleted_star_ids: [...this.deleted.stars],
      diffs_hash: this.hash('diffs'),
      stars_hash: this.hash('stars'),
    })
    if (status !== 200) throw new Error(`sync: ${status}`)
    for (const collection of ['diffs', 'stars'] as const) {
      this.modified[collection].clear()
      this.deleted[collection].clear()
    }
    this.#base = this.#hashes()
  }

  #hashes = (): string => `${this.hash('diffs')} ${this.hash('stars')}`

  /** Only what changed where the server is as this device left it. */
  async uploadSelectively(): Promise<void> {
    const { diffs_hash, stars_hash } = (await this.client.status('p')).body
    await this.upload(`${diffs_hash} ${stars_hash}` === this.#base ? 'modified' : 'all')
  }

  /** What is skipped stays; else what the server has is taken, and what it has not goes unless it is still to be uploaded. */
  async download(): Promise<void> {
    const { body } = await this.client.content('p', { diffs_hash: this.hash('diffs'), stars_hash: this.hash('stars') })
    for (const collection of ['diffs', 'stars'] as const) {
      if (body[`${collection}_skipped`]) continue
      const rows: { id: string; encrypted_data: string }[] = body[collection]
      const here = new Map(rows.map(({ id, encrypted_data }) => [id, Buffer.from(encrypted_data, 'base64').toString().slice(7)]))
      for (const id of this.items[collection].keys()) {
        if (!here.has(id) && !this.modified[collection].has(id)) this.items[collection].delete(id)
      }
      for (const [id, text] of here) {
        const mine = this.modified[collection].has(id) || this.deleted[collection].has(id)
        if (!mine) this.items[collection].set(id, text)
      }
    }
    this.#base = this.#hashes()
  }

  /** Download, then upload everything where the server's hashes are not its own. */
  async sync(): Promise<void> {
    await this.download()
    const { diffs_hash, stars_hash } = (await this.client.status('p')).body
    if (diffs_hash !== this.hash('diffs') || stars_hash !== this.hash('stars')) await this.upload('all')
  }
}

/** What the server has, by the rule as the contract words it. */
class Model {
  rows = new Map<string, string>()
  hash: string | null = null

  sync(rows: readonly { id: string; encrypted_data: string }[] | undefined, deleted: readonly string[], hash: string | undefined) {
    const before = plain({ rows: [...this.rows].sort() })
    for (const { id, encrypted_data } of rows ?? []) this.rows.set(id, encrypted_data)
    for (const id of deleted) this.rows.delete(id)
    const listed = new Set(rows?.map(({ id }) => id))
    const changed = plain({ rows: [...this.rows].sort() }) !== before
    const exact = listed.size === this.rows.size && [...listed].every((id) => this.rows.has(id))
    if (exact && hash !== undefined && (rows !== undefined || changed)) this.hash = hash
    else if (changed) this.hash = null
  }
}

test('any requests: the stored hash is the one of the model, and no client that is told to skip lacks a row or has one too many', async () => {
  let skipped = 0
  let stored = 0
  await forEachSeed('collection hashes', 40, FILE, async (random) => {
    const { client } = difflogInProcess()
    await client.create('p')
    const model = new Model()
    const ids = ['1', '2', '3', '4']
    const some = (): string[] => random.shuffle(ids).slice(0, random.below(4))
    for (let step = 0; step < 30; step++) {
      const listed = random.chance(0.8) ? some() : undefined
      const rows = listed?.map((id) => ({ id, encrypted_data: sealed(`${id} ${random.below(2)}`) }))
      const deleted = random.chance(0.4) ? some() : []
      const hash = random.chance(0.8) ? `h${step}` : undefined
      await client.sync('p', { diffs: rows, deleted_diff_ids: deleted, diffs_hash: hash })
      model.sync(rows, deleted, hash)
      expect((await client.status('p')).body.diffs_hash).toBe(model.hash)
      if (model.hash !== null) stored += 1
      const asked = random.pick([model.hash ?? 'none', hash ?? 'none', `h${random.below(step + 1)}`])
      const { body } = await client.content('p', { diffs_hash: asked })
      if (body.diffs_skipped === true) {
        skipped += 1
        expect(asked).toBe(model.hash)
      } else {
        expect(body.diffs.map((row: { id: string }) => row.id).sort()).toEqual([...model.rows.keys()].sort())
      }
    }
  })
  expect(skipped).toBeGreaterThan(20)
  expect(stored).toBeGreaterThan(20)
})

test('two or three real clients in any order: who is told to skip has exactly the server’s rows, and all converge', async () => {
  let skips = 0
  await forEachSeed('diff·log clients', 15, FILE, async (random) => {
    const { client } = difflogInProcess()
    await client.create('p')
    const devices = ['a', 'b', 'c'].slice(0, random.between(2, 3)).map((name) => new Device(client, name))
    const server = async (collection: 'diffs' | 'stars') => {
      const rows: { id: string; encrypted_data: string }[] = (await client.content('p')).body[collection]
      return rows.map(({ id, encrypted_data }) => [id, Buffer.from(encrypted_data, 'base64').toString().slice(7)]).sort()
    }
    for (let step = 0; step < 25; step++) {
      const device = random.pick(devices)
      await act(random, device)
      for (const other of devices) {
        // A hash that is stored was sent by a client that had listed all there is: nobody's rows have this hash and are others.
        const { body } = await client.content('p', { diffs_hash: other.hash('diffs') })
        if (body.diffs_skipped !== true) continue
        skips += 1
        expect([...other.items.diffs].sort()).toEqual(await server('diffs'))
      }
    }
    for (let round = 0; round < 3; round++) for (const device of devices) await device.sync()
    for (const collection of ['diffs', 'stars'] as const) {
      const rows = await server(collection)
      for (const device of devices) expect([...device.items[collection]].sort()).toEqual(rows)
      expect((await client.status('p')).body[`${collection}_hash`]).toBe(devices[0]?.hash(collection))
    }
  })
  expect(skips).toBeGreaterThan(10)
})

async function act(random: Random, device: Device): Promise<void> {
  const collection = random.pick(['diffs', 'stars'] as const)
  const id = `${random.below(5)}`
  const kind = random.below(7)
  if (kind < 2) device.put(collection, id)
  else if (kind === 2) device.remove(collection, id)
  else if (kind === 3) await device.sync()
  else if (kind === 4) await device.upload('all')
  else if (kind === 5) await device.uploadSelectively()
  else await device.download()
}
