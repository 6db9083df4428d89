/** The storage contract's cases about the diff·log dialect. */
import assert from 'node:assert/strict'
import type { Cases } from '#storage/contract/support'
import type { Access, CollectionSync, Content, NewProfile, Row, Settings, StoredProfile, Sync } from '#storage/difflog'
import { MAX_DIFFS, rowBytes } from '#storage/difflog-rules'
import type { Storage } from '#storage/storage'

const SETTINGS: Settings = {
  name: 'Ada',
  languages: ['Rust'],
  frameworks: null,
  tools: [],
  topics: null,
  depth: null,
  custom_focus: 'a\u{1f600}b',
  resolved_sources: { a: [1, null] },
}

function newProfile(id: string, extra: Partial<NewProfile> = {}): NewProfile {
  const keys = { sealed: `keys of ${id}`, hash: 'k' }
  return { id, password: `hash of ${id}`, passwordSalt: 'ps', salt: 's', keys, settings: SETTINGS, now: 1000, ...extra }
}

async function stored(storage: Storage, id: string): Promise<StoredProfile> {
  const profile = await storage.difflog.profile(id)
  assert.ok(profile)
  return profile
}

async function made(storage: Storage, id: string): Promise<Access> {
  assert.equal(await storage.difflog.createProfile(newProfile(id)), 'created')
  return (await stored(storage, id)).access
}

const row = (id: string, data = `sealed ${id}`): Row => ({ id, data })
const NOTHING: CollectionSync = { rows: undefined, deleted: [], hash: undefined }

type Parts = { readonly [K in 'diffs' | 'stars' | 'tldrs']?: Partial<CollectionSync> } & Partial<Omit<Sync, 'collections'>>

function sync({ diffs, stars, tldrs, ...rest }: Parts): Sync {
  const collections = {
    diffs: { ...NOTHING, ...diffs },
    stars: { ...NOTHING, ...stars },
    tldrs: { ...NOTHING, ...tldrs },
  }
  return { collections, change: {}, now: 2000, quota: 0, ...rest }
}

async function content(storage: Storage, access: Access): Promise<Content> {
  const all = await storage.difflog.content(access, { diffs: undefined, stars: undefined, tldrs: undefined })
  assert.ok(all !== 'stale')
  return all
}

async function ids(storage: Storage, access: Access, collection: 'diffs' | 'stars' | 'tldrs'): Promise<string[]> {
  const rows = (await content(storage, access))[collection]
  assert.ok(rows !== 'same')
  return rows.map(({ id }) => id)
}

export const DIFFLOG_CASES: Cases = [
  [
    'diff·log: a profile is made once for each id, found as it was made, and ids differ by case',
    async (storage, subject) => {
      const { difflog } = storage
      const outcomes = await Promise.all([1, 2, 3].map(() => difflog.createProfile(newProfile('p'))))
      assert.deepEqual(outcomes.sort(), ['created', 'taken', 'taken'])
      assert.equal(await difflog.createProfile(newProfile('P', { keys: { sealed: 'x', hash: null } })), 'created')
      const again = await subject.reopen()
      const { access, ...found } = await stored(again, 'p')
      const hashes = { diffs: null, stars: null, tldrs: null }
      const { password: _password, now: _now, ...told } = newProfile('p')
      assert.deepEqual(found, { ...told, hashes, contentUpdatedAt: null })
      assert.equal(access.password, 'hash of p')
      assert.equal((await stored(again, 'P')).keys.hash, null)
      assert.equal(await again.difflog.profile('q'), undefined)
    },
  ],
  [
    'diff·log: a change sets what is present; other sealed keys without a hash have none',
    async (storage) => {
      const access = await made(storage, 'p')
      const { difflog } = storage
      assert.equal(await difflog.changeProfile(access, { settings: { name: 'Bo', tools: null }, salt: 's2' }), 'done')
      const { settings, salt, keys } = await stored(storage, 'p')
      assert.deepEqual([settings, salt], [{ ...SETTINGS, name: 'Bo', tools: null }, 's2'])
      assert.deepEqual(keys, { sealed: 'keys of p', hash: 'k' })
      await difflog.changeProfile(access, { keys: { sealed: 'keys of p', hash: null } })
      assert.deepEqual((await stored(storage, 'p')).keys, { sealed: 'keys of p', hash: 'k' })
      await difflog.changeProfile(access, { keys: { sealed: 'other', hash: null } })
      assert.deepEqual((await stored(storage, 'p')).keys, { sealed: 'other', hash: null })
    },
  ],
  [
    'diff·log: an access is stale once the password is another one, or the profile another of the same id',
    async (storage) => {
      const { difflog } = storage
      const first = await made(storage, 'p')
      assert.equal(await difflog.changeProfile(first, { password: 'slower' }), 'done')
      const none = { diffs: undefined, stars: undefined, tldrs: undefined }
      const rekey = {
        password: 'x',
        passwordSalt: 'x',
        salt: 'x',
        sealedKeys: 'x',
        rows: { diffs: [], stars: [], tldrs: [] },
        now: 1,
        quota: 0,
      }
      const steps = async (access: Access) => [
        await difflog.changeProfile(access, { salt: 'x' }),
        await difflog.profileFor(access),
        await difflog.content(access, none),
        await difflog.sync(access, sync({ diffs: { rows: [row('1')] } })),
        await difflog.rekey(access, rekey),
        await difflog.removeProfile(access),
      ]
      assert.deepEqual(await steps(first), Array(6).fill('stale'))
      const second = (await stored(storage, 'p')).access
      assert.equal(second.password, 'slower')
      assert.deepEqual(await difflog.profileFor(second), await stored(storage, 'p'))
      assert.deepEqual(await ids(storage, second, 'diffs'), [])
      assert.equal(await difflog.removeProfile(second), 'done')
      await difflog.createProfile(newProfile('p', { password: 'slower' }))
      assert.deepEqual(await steps(second), Array(6).fill('stale'))
      assert.equal((await stored(storage, 'p')).salt, 's')
    },
  ],
  [
    'diff·log: rows are kept per profile and collection, in the order they came, and an update keeps its place',
    async (storage, subject) => {
      const [p, q] = [await made(storage, 'p'), await made(storage, 'q')]
      await storage.difflog.sync(p, sync({ diffs: { rows: [row('b'), row('a')] }, stars: { rows: [row('b', 'star')] } }))
      await storage.difflog.sync(q, sync({ diffs: { rows: [row('b', 'of q')] } }))
      await storage.difflog.sync(p, sync({ diffs: { rows: [row('c'), row('b', 'new')] }, tldrs: { rows: [row('')] } }))
      await storage.difflog.sync(q, sync({ diffs: { deleted: ['a', 'c'] }, stars: { deleted: ['b'] } }))
      const again = await subject.reopen()
      const { profile, ...rows } = await content(again, p)
      assert.deepEqual(rows, {
        diffs: [row('b', 'new'), row('a'), row('c')],
        stars: [row('b', 'star')],
        tldrs: [row('')],
      })
      assert.equal(profile.contentUpdatedAt, 2000)
      assert.deepEqual((await content(again, q)).diffs, [row('b', 'of q')])
    },
  ],
  [
    'diff·log: a delete wins over a row of the same request, and takes the TLDRs of its diff with it, no others',
    async (storage) => {
      const access = await made(storage, 'p')
      const near = ['d:0', 'd:12', 'd:e:0', 'dd:0', 'd', ':0', '%:0', '_:0', 'D:0']
      await storage.difflog.sync(
        access,
        sync({ diffs: { rows: ['d', '%', '_'].map((id) => row(id)) }, tldrs: { rows: near.map((id) => row(id)) } }),
      )
      await storage.difflog.sync(access, sync({ diffs: { deleted: ['_'] } }))
      assert.deepEqual(await ids(storage, access, 'tldrs'), ['d:0', 'd:12', 'd:e:0', 'dd:0', 'd', ':0', '%:0', 'D:0'])
      await storage.difflog.sync(access, sync({ diffs: { rows: [row('d')], deleted: ['d', '%'] }, tldrs: { rows: [row('d:1')] } }))
      assert.deepEqual(await ids(storage, access, 'diffs'), [])
      assert.deepEqual(await ids(storage, access, 'tldrs'), ['d:e:0', 'dd:0', 'd', ':0', 'D:0'])
    },
  ],
  [
    'diff·log: diffs beyond the most are dropped, the oldest first, and their TLDRs with them',
    async (storage) => {
      const access = await made(storage, 'p')
      const now = Date.UTC(2026, 0, 2)
      const time = (minutes: number) => String(now - minutes * 60_000)
      const first = Array.from({ length: MAX_DIFFS }, (_, i) => row(i === 7 ? time(60) : `d${i}`))
      await storage.difflog.sync(
        access,
        sync({ diffs: { rows: first }, tldrs: { rows: [row('d0:0'), row(`${time(60)}:0`)] }, now }),
      )
      await storage.difflog.sync(access, sync({ diffs: { rows: [row('new')] }, now: now + 1 }))
      assert.deepEqual(await ids(storage, access, 'tldrs'), ['d0:0'])
      // Older than all that are there: it goes at once.
      await storage.difflog.sync(access, sync({ diffs: { rows: [row(time(120))] }, now: now + 2 }))
      const left = await ids(storage, access, 'diffs')
      assert.deepEqual([left.length, left.includes(time(60)), left.includes(time(120))], [MAX_DIFFS, false, false])
      await storage.difflog.sync(access, sync({ diffs: { rows: [row('newer'), row('newest')] }, now: now + 3 }))
      assert.deepEqual((await ids(storage, access, 'diffs')).slice(0, 2), ['d2', 'd3'])
      assert.deepEqual(await ids(storage, access, 'tldrs'), [])
    },
  ],
  [
    'diff·log: the hash of a collection is stored when its listed rows are all there are, kept when nothing changed, else forgotten',
    async (storage) => {
      const access = await made(storage, 'p')
      const after = async (parts: Parts) => {
        assert.equal(await storage.difflog.sync(access, sync(parts)), 'done')
        return (await stored(storage, 'p')).hashes
      }
      assert.deepEqual(await after({ diffs: { rows: [row('1')], hash: 'h1' }, stars: { rows: [], hash: 'empty' } }), {
        diffs: 'h1',
        stars: 'empty',
        tldrs: null,
      })
      assert.equal((await after({})).diffs, 'h1')
      assert.equal((await after({ diffs: { hash: 'of another view' } })).diffs, 'h1')
      assert.equal((await after({ diffs: { rows: [row('1')], deleted: ['never there'] } })).diffs, 'h1')
      assert.equal((await after({ diffs: { rows: [row('2')], hash: 'h12' } })).diffs, null)
      assert.equal((await after({ diffs: { rows: [row('2'), row('1'), row('2')], hash: 'h12' } })).diffs, 'h12')
      assert.equal((await after({ diffs: { rows: [row('1'), row('2')], deleted: ['2'], hash: 'with a deleted one' } })).diffs, null)
      assert.equal((await after({ diffs: { rows: [row('1')], hash: 'h1' } })).diffs, 'h1')
      assert.equal((await after({ diffs: { rows: [row('1', 'changed')] } })).diffs, null)
      assert.equal((await after({ diffs: { deleted: ['1'], hash: 'none' } })).diffs, 'none')
      assert.equal((await after({ tldrs: { hash: 'of rows it did not list' } })).tldrs, null)
      // What a diff took with it changed the TLDRs.
      await after({ diffs: { rows: [row('1')] }, tldrs: { rows: [row('1:0'), row('2:0')], hash: 't' } })
      assert.equal((await after({ diffs: { deleted: ['1'] }, tldrs: { hash: 't2' } })).tldrs, null)
      const many = Array.from({ length: MAX_DIFFS + 1 }, (_, i) => row(`d${i}`))
      assert.equal((await after({ diffs: { rows: many, hash: 'with one that was dropped' } })).diffs, null)
      assert.equal((await after({ diffs: { rows: many.slice(1), hash: 'all' } })).diffs, 'all')
    },
  ],
  [
    'diff·log: rows that a client has by their hash are not given',
    async (storage) => {
      const access = await made(storage, 'p')
      await storage.difflog.sync(access, sync({ diffs: { rows: [row('1')], hash: 'h' }, stars: { rows: [row('1:0')] } }))
      const { diffs, stars, tldrs } = (await storage.difflog.content(access, {
        diffs: 'h',
        stars: 'h',
        tldrs: undefined,
      })) as Content
      assert.deepEqual([diffs, stars, tldrs], ['same', [row('1:0')], []])
    },
  ],
  [
    'diff·log: what would put a profile over its quota changes nothing; what makes it smaller is welcome at any size',
    async (storage) => {
      const access = await made(storage, 'p')
      const quota = rowBytes(row('1')) + rowBytes(row('2'))
      const put = (...rows: Row[]) =>
        storage.difflog.sync(access, sync({ diffs: { rows, hash: 'h' }, change: { salt: 'x' }, quota }))
      assert.equal(await put(row('1'), row('2'), row('3')), 'quota-exceeded')
      const { salt, hashes, contentUpdatedAt } = await stored(storage, 'p')
      assert.deepEqual([salt, hashes.diffs, contentUpdatedAt], ['s', null, null])
      assert.equal(await put(row('1'), row('2')), 'done')
      assert.equal(await put(row('2', 'sealed 2+')), 'quota-exceeded')
      assert.equal(await put(row('2', 'less')), 'done')
      await storage.difflog.sync(access, sync({ stars: { rows: [row('s'), row('t')] } }))
      assert.equal(await storage.difflog.sync(access, sync({ stars: { deleted: ['t'] }, quota: 1 })), 'done')
      assert.equal(await storage.difflog.sync(access, sync({ stars: { rows: [row('u')] }, quota: 1 })), 'quota-exceeded')
      assert.deepEqual(await ids(storage, access, 'stars'), ['s'])
    },
  ],
  [
    'diff·log: a new password comes with all rows there are from then on, in one step',
    async (storage) => {
      const access = await made(storage, 'p')
      const before = sync({
        diffs: { rows: [row('1'), row('2')], hash: 'd' },
        stars: { rows: [row('1:0')], hash: 's' },
        tldrs: { rows: [row('1:0')] },
      })
      await storage.difflog.sync(access, before)
      const rows = { diffs: [row('3'), row('2', 'anew')], stars: [], tldrs: [row('2:0')] }
      const rekey = { password: 'new', passwordSalt: 'nps', salt: 'ns', sealedKeys: 'nk', rows, now: 3000, quota: 0 }
      assert.equal(await storage.difflog.rekey(access, { ...rekey, quota: 10 }), 'done')
      const { profile, ...left } = await content(storage, { key: access.key, password: 'new' })
      assert.deepEqual(left, { diffs: [row('2', 'anew'), row('3')], stars: [], tldrs: [row('2:0')] })
      assert.deepEqual([profile.passwordSalt, profile.salt, profile.keys], ['nps', 'ns', { sealed: 'nk', hash: null }])
      assert.deepEqual([profile.hashes, profile.contentUpdatedAt], [{ diffs: null, stars: null, tldrs: null }, 3000])
      const large = { ...rekey, password: 'newer', rows: { ...rows, stars: [row('x', 'x'.repeat(500))] }, quota: 10 }
      assert.equal(await storage.difflog.rekey(profile.access, large), 'quota-exceeded')
      assert.equal((await stored(storage, 'p')).access.password, 'new')
    },
  ],
  [
    'diff·log: a public diff is found by its id; of several the first stored; never a private row, a star or a TLDR',
    async (storage, subject) => {
      const [p, q, r] = [await made(storage, 'p'), await made(storage, 'q'), await made(storage, 'r')]
      const put = (access: Access, data: string, collection: 'diffs' | 'stars' | 'tldrs' = 'diffs') =>
        storage.difflog.sync(access, sync({ [collection]: { rows: [row('1', data)] } }))
      await put(p, 'private')
      await put(q, '{"of":"q"}')
      await put(r, '{"of":"r"}')
      await put(r, '{"a":"star"}', 'stars')
      assert.equal(await storage.difflog.publicDiff('1'), '{"of":"q"}')
      assert.equal(await storage.difflog.publicDiff('2'), undefined)
      await put(p, '{"of":"p"}')
      assert.equal(await (await subject.reopen()).difflog.publicDiff('1'), '{"of":"p"}')
    },
  ],
  [
    'diff·log: a public diff that is made private, deleted, dropped or whose profile goes is gone',
    async (storage) => {
      const { difflog } = storage
      const access = await made(storage, 'p')
      const publish = () => difflog.sync(access, sync({ diffs: { rows: [row('1', '{}')] } }))
      const many = Array.from({ length: MAX_DIFFS }, (_, i) => row(`d${i}`))
      for (const parts of [{ rows: [row('1', 'sealed')] }, { deleted: ['1'] }, { rows: many }]) {
        await publish()
        assert.equal(await difflog.publicDiff('1'), '{}')
        await difflog.sync(access, sync({ diffs: parts }))
        assert.equal(await difflog.publicDiff('1'), undefined)
      }
      await publish()
      assert.equal(await difflog.removeProfile(access), 'done')
      assert.equal(await difflog.publicDiff('1'), undefined)
    },
  ],
  [
    'diff·log: a removed profile leaves nothing, and others as they are',
    async (storage, subject) => {
      const [p, q] = [await made(storage, 'p'), await made(storage, 'q')]
      for (const access of [p, q]) await storage.difflog.sync(access, sync({ stars: { rows: [row('1:0')] } }))
      const code = { kind: 'share', expiresAt: 9000, now: 1000, most: 9 } as const
      for (const id of ['p', 'q']) await storage.difflog.putCode({ ...code, code: id, value: id }, true)
      assert.equal(await storage.difflog.removeProfile(p), 'done')
      const again = await subject.reopen()
      assert.equal(await again.difflog.profile('p'), undefined)
      assert.equal(await again.difflog.code('share', 'p', 1000), undefined)
      assert.equal(await again.difflog.code('share', 'q', 1000), 'q')
      assert.deepEqual(await ids(again, q, 'stars'), ['1:0'])
      assert.deepEqual(await ids(again, await made(again, 'p'), 'stars'), [])
    },
  ],
  [
    'diff·log: a code is taken once, by its kind, until it expires, and there are no more than the most',
    async (storage) => {
      const { difflog } = storage
      const code = { kind: 'share', code: 'a', value: 'v', expiresAt: 2000, now: 1000, most: 2 } as const
      assert.equal(await difflog.putCode(code, true), 'stored')
      assert.equal(await difflog.putCode({ ...code, value: 'w' }, true), 'taken')
      assert.equal(await difflog.code('share', 'a', 1999), 'v')
      assert.equal(await difflog.code('login', 'a', 1999), undefined)
      assert.equal(await difflog.code('share', 'a', 2000), undefined)
      assert.equal(await difflog.putCode({ ...code, code: 'b' }, true), 'stored')
      assert.equal(await difflog.putCode({ ...code, code: 'c' }, true), 'full')
      assert.equal(await difflog.putCode({ ...code, code: 'b', value: 'w' }, false), 'stored')
      assert.equal(await difflog.putCode({ ...code, kind: 'login', code: 'c' }, true), 'stored')
      const takers = await Promise.all([1, 2, 3].map(() => difflog.takeCode('share', 'b', 1500)))
      assert.deepEqual(
        takers.filter((value) => value !== undefined),
        ['w'],
      )
      assert.equal(await difflog.takeCode('share', 'a', 2000), undefined)
      assert.equal(await difflog.putCode({ ...code, code: 'd', now: 2000, expiresAt: 3000 }, true), 'stored')
      assert.equal(await difflog.putCode({ ...code, code: 'e', now: 2000, expiresAt: 3000 }, true), 'stored')
    },
  ],
]
