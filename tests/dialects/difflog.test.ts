/**
 * Two diff·log web apps against our server, over real HTTP: clients that were written from the documents alone share a profile,
 * import it, and keep in step by comparing hashes.
 */
import { describe, expect, test } from 'vitest'
import { Client } from './difflog-client/client.ts'
import { KINDS } from './difflog-client/profile.ts'
import { RefusedError } from './difflog-client/server.ts'
import { DifflogStage, diffOf, METADATA, PASSWORD, starOf, tldrOf } from './difflog-stage.ts'
import { LostError } from './wire.ts'

function expectAlike(...clients: readonly Client[]): void {
  const [first, ...others] = clients.map(({ profile }) => KINDS.map((kind) => profile.ids(kind)))
  for (const other of others) expect(other).toEqual(first)
}

describe('sharing and importing', () => {
  test('a shared profile is imported whole: settings, API keys, diffs, stars and TLDRs', async () => {
    const stage = await DifflogStage.set()
    const a = stage.local('profile-1')
    expect(a.state).toBe('local')
    a.profile.put('diffs', diffOf('1769414400000', 1))
    a.profile.put('diffs', diffOf('1769500800000', 2))
    a.profile.put('stars', starOf('1769414400000', 3))
    a.profile.put('tldrs', tldrOf('1769500800000', 0))
    await a.share(PASSWORD)
    expect(a.state).toBe('synced')
    const b = await stage.import('profile-1')
    expect(b.profile.metadata).toEqual(METADATA)
    expect(b.profile.apiKeys).toEqual({ anthropic: 'sk-secret' })
    for (const kind of KINDS) expect(b.profile.all(kind)).toEqual(a.profile.all(kind))
    expect(b.state).toBe('synced')
    expect(await b.isStale()).toBe(false)
  })

  test('by a share code, in whatever case, once', async () => {
    const stage = await DifflogStage.set()
    await stage.devices(1, 1)
    const code = await stage.server.makeShareCode('profile-1')
    expect(code).toMatch(/^[A-Z0-9]{4}$/)
    const options = { server: stage.server }
    const b = await Client.importByCode(code.toLowerCase(), PASSWORD, options)
    expect(b.profile.ids('diffs')).toEqual(['d1'])
    await expect(Client.importByCode(code, PASSWORD, options)).rejects.toMatchObject({
      status: 404,
      body: { error: 'Invalid or expired share code' },
    })
  })

  test('not with a wrong password, and not what is not there', async () => {
    const stage = await DifflogStage.set()
    await stage.devices(1, 1)
    await expect(stage.import('profile-1', {}, 'wrong')).rejects.toMatchObject({
      status: 401,
      body: { error: 'Invalid password', attempts_remaining: 4 },
    })
    await expect(stage.import('Profile-1')).rejects.toMatchObject({ status: 404, body: { error: 'Profile not found' } })
  })

  test('what is read of it without a password tells nothing but its settings', async () => {
    const stage = await DifflogStage.set()
    await stage.devices(1, 1)
    const { custom_focus: _, ...settings } = METADATA
    const { password_salt, ...shared } = await stage.server.shared('profile-1')
    expect(shared).toEqual({ id: 'profile-1', ...settings })
    expect(Buffer.from(password_salt, 'base64')).toHaveLength(16)
    expect(Object.keys(await stage.server.status('profile-1')).sort()).toEqual(
      ['exists', 'diffs_hash', 'stars_hash', 'tldrs_hash', 'keys_hash', 'content_updated_at'].sort(),
    )
  })

  test('two profiles with diffs of the same ids do not meet', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = [stage.local('one'), stage.local('two')]
    a.profile.put('diffs', { ...diffOf('1769414400000', 1), title: 'of one' })
    b.profile.put('diffs', { ...diffOf('1769414400000', 1), title: 'of two' })
    b.profile.put('stars', starOf('1769414400000', 0))
    await a.share(PASSWORD)
    await b.share('another password')
    b.profile.delete('diffs', '1769414400000')
    await b.autoSync()
    const again = await stage.import('one')
    expect(again.profile.all('diffs').map(({ title }) => title)).toEqual(['of one'])
    expect(again.profile.ids('stars')).toEqual([])
  })

  test('a profile that was removed is not on the server any more, and its owner keeps it', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 2)
    await b.removeFromServer(PASSWORD)
    expect(await a.isStale()).toBe(false)
    expect(a.state).toBe('not on server')
    expect(a.profile.ids('diffs')).toEqual(['d1', 'd2'])
    await a.share(PASSWORD)
    expect(a.state).toBe('synced')
    expectAlike(a, await stage.import('profile-1'))
  })
})

describe('what is transferred', () => {
  test('nothing is downloaded that the device has', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 3)
    expect(await b.download(PASSWORD)).toMatchObject({ skipped: ['diffs', 'stars', 'tldrs'], added: 0 })
    a.profile.put('stars', starOf('d1', 7))
    await a.autoSync()
    // The upload was of one star: the server does not know the hash of all of them.
    expect(await b.download(PASSWORD)).toMatchObject({ skipped: ['diffs', 'tldrs'], added: 1, removed: 0 })
    expectAlike(a, b)
  })

  test('only what changed is uploaded while nobody else uploads, and everything once somebody did', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 3)
    a.profile.put('stars', starOf('d2', 1))
    expect(await a.upload(PASSWORD)).toEqual({ sent: { diffs: 0, stars: 1, tldrs: 0 }, selective: true })
    b.profile.put('stars', starOf('d3', 1))
    await b.download(PASSWORD)
    expect(await b.upload(PASSWORD)).toEqual({ sent: { diffs: 3, stars: 5, tldrs: 0 }, selective: false })
    // The ids of that upload were all there is: from now on the hash is known again.
    a.profile.put('stars', starOf('d1', 2))
    await a.download(PASSWORD)
    expect(await a.upload(PASSWORD)).toMatchObject({ selective: false })
    await b.autoSync()
    expectAlike(a, b)
    expect(await a.download(PASSWORD)).toMatchObject({ skipped: ['diffs', 'stars', 'tldrs'] })
  })

  test('nothing is uploaded when nothing changed', async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 1)
    const before = stage.wire.requests.length
    expect(await a.upload(PASSWORD)).toEqual({ sent: undefined, selective: false })
    expect(stage.wire.requests.slice(before)).toEqual([])
  })
})

describe('deleting', () => {
  test('a deleted diff goes from the other device with its stars and TLDRs', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 3)
    a.profile.put('tldrs', tldrOf('d2', 4))
    await a.autoSync()
    await b.autoSync()
    expect(b.profile.ids('tldrs')).toEqual(['d2:4'])
    a.profile.delete('diffs', 'd2')
    await a.autoSync()
    await b.autoSync()
    expect(KINDS.map((kind) => b.profile.ids(kind))).toEqual([['d1', 'd3'], ['d1:0', 'd3:0'], []])
    expectAlike(a, b, await stage.import('profile-1'))
  })

  test('a deleted diff takes TLDRs along that the deleting device never saw', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 2)
    b.profile.put('tldrs', tldrOf('d1', 9))
    await b.autoSync()
    a.profile.delete('diffs', 'd1')
    await a.upload(PASSWORD)
    expect((await stage.import('profile-1')).profile.ids('tldrs')).toEqual([])
    await b.autoSync()
    expect(b.profile.ids('tldrs')).toEqual([])
  })

  test('a diff that is generated again on its day replaces the one before, everywhere', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 2)
    a.profile.generate(diffOf('d2-again', 2))
    await a.autoSync()
    await b.autoSync()
    expect(KINDS.map((kind) => b.profile.ids(kind))).toEqual([['d1', 'd2-again'], ['d1:0'], []])
    expectAlike(a, b)
  })

  test('a star that was taken back without a connection stays away, although another device uploads everything meanwhile', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 3)
    a.profile.delete('stars', 'd1:0')
    b.profile.put('diffs', diffOf('d4', 4))
    b.profile.put('stars', starOf('d4', 0))
    await b.autoSync()
    b.profile.edit({ name: 'Renamed' })
    expect(await b.upload(PASSWORD)).toMatchObject({ selective: false })
    await a.autoSync()
    await b.autoSync()
    for (const client of [a, b]) expect(client.profile.ids('stars')).toEqual(['d2:0', 'd3:0', 'd4:0'])
  })

  test('a deletion whose answer is lost is told again', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 2)
    a.profile.delete('diffs', 'd1')
    stage.wire.loseAnswerTo('POST /api/profile/profile-1/sync')
    await expect(a.autoSync()).rejects.toThrow(LostError)
    expect(a.state).toBe('pending')
    await a.autoSync()
    await b.autoSync()
    expect(a.state).toBe('synced')
    expectAlike(a, b)
    expect(b.profile.ids('diffs')).toEqual(['d2'])
  })
})

describe('two devices that did different things', () => {
  test('both upload without downloading first: their next syncs bring both everything', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 2)
    a.profile.put('diffs', diffOf('from-a', 10))
    a.profile.put('stars', starOf('from-a', 0))
    b.profile.put('diffs', diffOf('from-b', 11))
    b.profile.delete('stars', 'd1:0')
    await Promise.all([a.upload(PASSWORD), b.upload(PASSWORD)])
    for (const client of [a, b]) await client.autoSync()
    expectAlike(a, b)
    expect(a.profile.ids('diffs')).toEqual(['d1', 'd2', 'from-a', 'from-b'])
    expect(a.profile.ids('stars')).toEqual(['d2:0', 'from-a:0'])
  })

  test('a hash is never taken for the state of the server after another device added to it', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 1)
    a.profile.put('diffs', diffOf('from-a', 10))
    await a.upload(PASSWORD)
    // b lists all that it has, and sends the hash of that; the server has one diff more.
    b.profile.put('diffs', diffOf('from-b', 11))
    expect(await b.upload(PASSWORD)).toMatchObject({ selective: false })
    expect((await stage.server.status('profile-1')).diffs_hash).toBeNull()
    expect(await b.download(PASSWORD)).toMatchObject({ skipped: ['stars', 'tldrs'], added: 1 })
  })

  test('settings: what is pending here stands, what is not is taken', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 1)
    a.profile.edit({ name: 'Of a', topics: ['compilers'] })
    a.profile.setApiKeys({ anthropic: 'sk-new', openai: 'sk-2' })
    b.profile.edit({ name: 'Of b' })
    await a.autoSync()
    await b.autoSync()
    await a.autoSync()
    for (const { profile } of [a, b]) {
      expect(profile.metadata).toEqual({ ...METADATA, name: 'Of b' })
      expect(profile.apiKeys).toEqual({ anthropic: 'sk-new', openai: 'sk-2' })
    }
  })

  test('of more than 50 diffs the server keeps 50, and the devices agree on which', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 40)
    for (let i = 1; i <= 8; i++) a.profile.put('diffs', diffOf(`a${i}`, 100 + i))
    for (let i = 1; i <= 9; i++) b.profile.put('diffs', diffOf(`b${i}`, 200 + i))
    await a.autoSync()
    await b.autoSync()
    expect((await stage.server.status('profile-1')).diffs_hash).toBeNull()
    for (const client of [a, b, a, b]) await client.autoSync()
    expectAlike(a, b)
    expect(a.profile.ids('diffs')).toHaveLength(50)
    for (const id of ['b1', 'b9', 'a8']) expect(a.profile.ids('diffs')).toContain(id)
    expect(a.state).toBe('synced')
  })

  test('a server that is started anew knows everything, hashes and all', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 3)
    await stage.restart()
    expect(await a.download(PASSWORD)).toMatchObject({ skipped: ['diffs', 'stars', 'tldrs'] })
    b.profile.put('diffs', diffOf('after', 20))
    await b.autoSync()
    await stage.restart()
    await a.autoSync()
    expectAlike(a, b, await stage.import('profile-1'))
  })
})

describe('public diffs', () => {
  test('are read by anybody while they are public, and by nobody from then on', async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 2)
    await expect(stage.server.publicDiff('d1')).rejects.toMatchObject({ status: 404, body: { error: 'Diff not found' } })
    a.publish('d1')
    await a.autoSync()
    const { id, title, content, generated_at } = diffOf('d1', 1)
    expect(await stage.server.publicDiff('d1')).toEqual({ id, title, content, generated_at, profile_name: 'Work' })
    a.unpublish('d1')
    await a.autoSync()
    await expect(stage.server.publicDiff('d1')).rejects.toThrow(RefusedError)
    a.publish('d2')
    await a.autoSync()
    a.profile.delete('diffs', 'd2')
    await a.autoSync()
    await expect(stage.server.publicDiff('d2')).rejects.toThrow(RefusedError)
  })

  test('are the same diff for a device that imports the profile', async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 1)
    a.publish('d1')
    await a.autoSync()
    expect((await stage.import('profile-1')).profile.all('diffs')).toEqual(a.profile.all('diffs'))
  })
})
