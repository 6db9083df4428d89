/** Each row of the contract's table, in its order, over HTTP. */
import { describe, expect, test } from 'vitest'
import { type Client, difflogOverHttp, hashOf, rowsOf, sealed } from './support.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const LISTS = { languages: ['Rust'], frameworks: ['Axum'], tools: ['Docker'], topics: ['CRDTs'] }
const SETTINGS = { ...LISTS, depth: 'deep', custom_focus: 'storage engines' }

async function withProfile(extra: Record<string, unknown> = {}): Promise<Client> {
  const { client } = await difflogOverHttp()
  expect((await client.create('p', extra)).status).toBe(201)
  return client
}

describe('POST /api/profile/create', () => {
  test('makes a profile; without an id one with a new UUID', async () => {
    const { client } = await difflogOverHttp()
    const { status, headers, body } = await client.create('p')
    expect([status, headers.get('content-type'), body]).toEqual([201, 'application/json', { id: 'p', name: 'Name of p' }])
    const [one, two] = [await client.create('x', { id: undefined }), await client.create('x', { id: undefined })]
    expect(one.body.id).toMatch(UUID)
    expect(two.body.id).not.toBe(one.body.id)
    expect((await client.status(one.body.id)).body.exists).toBe(true)
  })

  test('a required field that is missing or empty is 400', async () => {
    const { client } = await difflogOverHttp()
    for (const field of ['name', 'password_hash', 'encrypted_api_key', 'salt']) {
      for (const value of [undefined, '', null]) {
        const { status, body } = await client.create('p', { [field]: value })
        expect([field, value, status, body]).toEqual([field, value, 400, { error: 'Missing required fields' }])
      }
    }
    expect((await client.status('p')).body).toEqual({ exists: false })
  })

  test('an existing id with its right password is updated; what is absent stays', async () => {
    const client = await withProfile({ ...SETTINGS, keys_hash: 'k1' })
    const again = await client.create('p', { name: 'New', encrypted_api_key: sealed('new keys'), salt: 'new salt', topics: [] })
    expect([again.status, again.body]).toEqual([201, { id: 'p', name: 'New' }])
    const { body } = await client.content('p', { keys_hash: 'k1' })
    expect(body).toMatchObject({ encrypted_api_key: sealed('new keys'), salt: 'new salt' })
    expect(body.profile).toEqual({ name: 'New', ...SETTINGS, topics: [] })
    expect((await client.status('p')).body.keys_hash).toBeNull()
  })

  test('an existing id with a wrong password is a wrong password, and changes nothing', async () => {
    const client = await withProfile()
    const taken = await client.create('p', { name: 'Thief', password_hash: hashOf('wrong') })
    expect([taken.status, taken.body]).toEqual([401, { error: 'Invalid password', attempts_remaining: 4 }])
    expect((await client.content('p')).body.profile.name).toBe('Name of p')
  })
})

describe('GET /api/share/{id}', () => {
  test('tells what an import needs, with defaults, without a password', async () => {
    const client = await withProfile()
    const { status, headers, body } = await client.get('/api/share/p')
    expect([status, headers.get('cache-control'), headers.get('content-type')]).toEqual([200, 'no-cache', 'application/json'])
    const empty = { languages: [], frameworks: [], tools: [], topics: [], depth: 'standard' }
    expect(body).toEqual({ id: 'p', name: 'Name of p', ...empty, password_salt: 'c2FsdA==' })
    await client.create('q', SETTINGS)
    expect((await client.get('/api/share/q')).body).toEqual({
      id: 'q',
      name: 'Name of q',
      ...LISTS,
      depth: 'deep',
      password_salt: 'c2FsdA==',
    })
  })

  test('ids are case-sensitive; an unknown one is 404', async () => {
    const client = await withProfile()
    for (const id of ['P', 'q', 'p%20']) {
      const { status, body } = await client.get(`/api/share/${id}`)
      expect([id, status, body]).toEqual([id, 404, { error: 'Profile not found' }])
    }
  })
})

describe('GET /api/profile/{id}/status', () => {
  test('hashes and the time of the last sync, null until there are any', async () => {
    const { client, time } = await difflogOverHttp()
    await client.create('p')
    const nothing = { diffs_hash: null, stars_hash: null, tldrs_hash: null, keys_hash: null, content_updated_at: null }
    expect((await client.status('p')).body).toEqual({ exists: true, ...nothing })
    time.now = Date.UTC(2026, 1, 3, 4, 5, 6, 789)
    await client.sync('p', { diffs: rowsOf('1'), diffs_hash: 'h' })
    expect((await client.status('p')).body).toEqual({
      exists: true,
      ...nothing,
      diffs_hash: 'h',
      content_updated_at: '2026-02-03T04:05:06Z',
    })
  })

  test('an unknown profile is 200 with exists false', async () => {
    const { client } = await difflogOverHttp()
    const { status, body } = await client.status('nobody')
    expect([status, body]).toEqual([200, { exists: false }])
  })
})

describe('GET /api/profile/{id}', () => {
  const query = `password_hash=${encodeURIComponent(hashOf('right'))}`

  test('the profile, absent fields null', async () => {
    const client = await withProfile()
    const { status, body } = await client.get(`/api/profile/p?${query}`)
    expect(status).toBe(200)
    expect(body).toEqual({
      id: 'p',
      name: 'Name of p',
      encrypted_api_key: sealed('keys of p'),
      salt: 'salt of p',
      languages: null,
      frameworks: null,
      tools: null,
      topics: null,
      depth: null,
      custom_focus: null,
      resolved_sources: null,
      content_updated_at: null,
    })
  })

  test('with include_data=true also diffs and stars as they are sealed', async () => {
    const client = await withProfile()
    await client.sync('p', { diffs: rowsOf('1', '2'), stars: rowsOf('1:0'), tldrs: rowsOf('1:0') })
    const { body } = await client.get(`/api/profile/p?${query}&include_data=true`)
    expect(body).toMatchObject({ encrypted_diffs: [sealed('1'), sealed('2')], encrypted_stars: [sealed('1:0')] })
    expect((await client.get(`/api/profile/p?${query}&include_data=1`)).body).not.toHaveProperty('encrypted_diffs')
  })
})

describe('PUT /api/profile/{id}', () => {
  test('changes what is present and nothing else; the time of the content stays', async () => {
    const { client, time } = await difflogOverHttp()
    await client.create('p', SETTINGS)
    await client.sync('p', { diffs: rowsOf('1'), diffs_hash: 'h' })
    const before = (await client.status('p')).body
    time.now += 60_000
    const sources = { Homelab: { subreddits: ['selfhosted'] } }
    const put = await client.ask('PUT', '/api/profile/p', {
      password_hash: hashOf('right'),
      name: 'Renamed',
      custom_focus: null,
      resolved_sources: sources,
      unknown: 1,
    })
    expect([put.status, put.body]).toEqual([200, { success: true }])
    const { body } = await client.get(`/api/profile/p?password_hash=${encodeURIComponent(hashOf('right'))}`)
    expect(body).toMatchObject({ name: 'Renamed', ...LISTS, depth: 'deep', custom_focus: null, resolved_sources: sources })
    expect((await client.status('p')).body).toEqual(before)
  })
})

describe('DELETE /api/profile/{id}', () => {
  test('everything of the profile goes', async () => {
    const client = await withProfile()
    await client.sync('p', { diffs: [{ id: '1', encrypted_data: '{"content":"x"}' }], stars: rowsOf('1:0') })
    const { code } = (await client.post('/api/share-code', { profile_id: 'p' })).body
    const gone = await client.ask('DELETE', `/api/profile/p?password_hash=${encodeURIComponent(hashOf('right'))}`)
    expect([gone.status, gone.body]).toEqual([200, { success: true }])
    expect((await client.status('p')).body).toEqual({ exists: false })
    expect((await client.get('/api/diff/1/public')).status).toBe(404)
    expect((await client.get(`/api/share-code/${code}`)).status).toBe(404)
    await client.create('p')
    expect((await client.content('p')).body).toMatchObject({ diffs: [], stars: [], tldrs: [] })
  })
})

describe('POST /api/profile/{id}/content', () => {
  test('all rows, keys and settings to a client that has nothing', async () => {
    const client = await withProfile()
    await client.sync('p', { diffs: rowsOf('1', '2'), stars: rowsOf('1:0'), tldrs: rowsOf('2:1'), diffs_hash: 'd' })
    const { status, body } = await client.content('p', { diffs_hash: '', stars_hash: null, tldrs_hash: 'other' })
    expect(status).toBe(200)
    expect(body).toEqual({
      diffs: rowsOf('1', '2'),
      stars: rowsOf('1:0'),
      tldrs: rowsOf('2:1'),
      encrypted_api_key: sealed('keys of p'),
      salt: 'salt of p',
      profile: {
        name: 'Name of p',
        languages: [],
        frameworks: [],
        tools: [],
        topics: [],
        depth: 'standard',
        custom_focus: null,
      },
    })
  })

  test('a collection whose hash is the stored one is skipped, and said to be', async () => {
    const client = await withProfile({ keys_hash: 'k' })
    const rows = { diffs: rowsOf('1'), stars: rowsOf('1:0'), tldrs: rowsOf('1:0') }
    await client.sync('p', { ...rows, diffs_hash: 'd', stars_hash: 's', tldrs_hash: 't' })
    const all = { diffs_hash: 'd', stars_hash: 's', tldrs_hash: 't', keys_hash: 'k' }
    const { body } = await client.content('p', all)
    expect(body).toMatchObject({ diffs: [], stars: [], tldrs: [] })
    expect(body).toMatchObject({ diffs_skipped: true, stars_skipped: true, tldrs_skipped: true, keys_skipped: true })
    expect(body).not.toHaveProperty('encrypted_api_key')
    for (const [field, flag] of Object.entries({
      diffs_hash: 'diffs_skipped',
      stars_hash: 'stars_skipped',
      keys_hash: 'keys_skipped',
    })) {
      const other = (await client.content('p', { ...all, [field]: 'other' })).body
      expect(other).not.toHaveProperty(flag)
      expect(Object.keys(other).filter((key) => key.endsWith('_skipped')).length).toBe(3)
    }
  })
})

describe('POST /api/profile/{id}/sync', () => {
  test('counts what was listed and echoes the hashes that were sent', async () => {
    const client = await withProfile()
    const { status, body } = await client.sync('p', {
      diffs: rowsOf('1', '2', '2'),
      stars: rowsOf('1:0'),
      deleted_diff_ids: ['2', 'never there'],
      deleted_star_ids: ['x:1'],
      deleted_tldr_ids: [],
      diffs_hash: 'not stored',
      stars_hash: 's',
    })
    expect([status, body]).toEqual([
      200,
      {
        success: true,
        diffs_hash: 'not stored',
        stars_hash: 's',
        synced: { diffs: 3, stars: 1, tldrs: 0, deleted_diffs: 2, deleted_stars: 1, deleted_tldrs: 0 },
      },
    ])
    expect(await client.ids('p', 'diffs')).toEqual(['1'])
  })

  test('an empty one still moves the time', async () => {
    const { client, time } = await difflogOverHttp()
    await client.create('p')
    time.now = Date.UTC(2026, 5, 1)
    const { body } = await client.sync('p')
    const none = { diffs: 0, stars: 0, tldrs: 0, deleted_diffs: 0, deleted_stars: 0, deleted_tldrs: 0 }
    expect(body).toEqual({ success: true, synced: none })
    expect((await client.status('p')).body.content_updated_at).toBe('2026-06-01T00:00:00Z')
  })

  test('a row that is put and deleted in one request is deleted; a deleted diff takes its TLDRs with it', async () => {
    const client = await withProfile()
    await client.sync('p', { diffs: rowsOf('1', '1:2', '2'), stars: rowsOf('1:0'), tldrs: rowsOf('1:0', '1:11', '1:2:0', '11:0') })
    await client.sync('p', { diffs: rowsOf('3'), tldrs: rowsOf('1:5'), deleted_diff_ids: ['1', '3'] })
    expect(await client.ids('p', 'diffs')).toEqual(['1:2', '2'])
    expect(await client.ids('p', 'tldrs')).toEqual(['1:2:0', '11:0'])
    expect(await client.ids('p', 'stars')).toEqual(['1:0'])
  })

  test('settings, sources and keys come with it', async () => {
    const client = await withProfile({ keys_hash: 'k1' })
    const synced = await client.sync('p', {
      profile: { name: 'Renamed', languages: ['Go'], depth: 'quick', unknown: 1 },
      resolved_sources: { a: 1 },
      encrypted_api_key: sealed('new keys'),
      keys_hash: 'k2',
    })
    expect(synced.status).toBe(200)
    const { body } = await client.get(`/api/profile/p?password_hash=${encodeURIComponent(hashOf('right'))}`)
    expect(body).toMatchObject({ name: 'Renamed', languages: ['Go'], depth: 'quick', tools: null, resolved_sources: { a: 1 } })
    expect(body.encrypted_api_key).toBe(sealed('new keys'))
    expect((await client.status('p')).body.keys_hash).toBe('k2')
    expect((await client.sync('p', { keys_hash: 'of keys the server does not have' })).status).toBe(200)
    expect((await client.status('p')).body.keys_hash).toBe('k2')
    expect((await client.sync('p', { encrypted_api_key: sealed('newer keys') })).status).toBe(200)
    expect((await client.status('p')).body.keys_hash).toBeNull()
  })

  test('fifty diffs are kept: by the time in their ids, else by when they came', async () => {
    const { client, time } = await difflogOverHttp()
    await client.create('p')
    const old = String(time.now - 1_000_000)
    const named = Array.from({ length: 49 }, (_, i) => `diff-${i}`)
    await client.sync('p', { diffs: rowsOf(...named) })
    time.now += 1000
    await client.sync('p', { diffs: rowsOf(String(time.now - 10), old), tldrs: rowsOf(`${old}:0`, 'diff-0:0') })
    expect((await client.ids('p', 'diffs')).sort()).toEqual([...named, String(time.now - 10)].sort())
    expect(await client.ids('p', 'tldrs')).toEqual(['diff-0:0'])
    time.now += 1000
    await client.sync('p', { diffs: rowsOf('new-1', 'new-2') })
    expect((await client.ids('p', 'diffs')).slice(0, 2)).toEqual(['diff-2', 'diff-3'])
    expect((await client.ids('p', 'diffs')).length).toBe(50)
  })
})

describe('GET /api/profile/{id}/sync', () => {
  test('which collections differ, without a password', async () => {
    const { client, time } = await difflogOverHttp()
    await client.create('p')
    time.now = Date.UTC(2026, 5, 1)
    await client.sync('p', { diffs: rowsOf('1'), stars: rowsOf('1:0'), diffs_hash: 'd+/=', stars_hash: 's' })
    const { status, body } = await client.get(`/api/profile/p/sync?diffs_hash=${encodeURIComponent('d+/=')}&stars_hash=other`)
    expect([status, body]).toEqual([
      200,
      {
        needs_sync: true,
        diffs_sync_needed: false,
        stars_sync_needed: true,
        tldrs_sync_needed: true,
        server_diffs_hash: 'd+/=',
        server_stars_hash: 's',
        server_tldrs_hash: null,
        server_updated_at: '2026-06-01T00:00:00Z',
      },
    ])
    await client.sync('p', { tldrs: [], tldrs_hash: 't' })
    const same = await client.get(`/api/profile/p/sync?diffs_hash=${encodeURIComponent('d+/=')}&stars_hash=s&tldrs_hash=t`)
    expect(same.body.needs_sync).toBe(false)
    const unknown = await client.get('/api/profile/q/sync')
    expect([unknown.status, unknown.body]).toEqual([404, { error: 'Profile not found' }])
  })
})

describe('POST /api/profile/{id}/password', () => {
  const change = (extra: Record<string, unknown> = {}) => ({
    old_password_hash: hashOf('right'),
    new_password_hash: hashOf('new', 'bmV3'),
    new_encrypted_api_key: sealed('keys under new'),
    new_salt: 'new salt',
    diffs: [],
    stars: [],
    ...extra,
  })

  test('everything is under the new password, and nothing is left under the old one', async () => {
    const { client, time } = await difflogOverHttp()
    await client.create('p', { keys_hash: 'k' })
    await client.sync('p', { diffs: rowsOf('1', '2'), stars: rowsOf('1:0'), tldrs: rowsOf('1:0'), diffs_hash: 'd' })
    time.now = Date.UTC(2026, 5, 1)
    const anew = [{ id: '2', encrypted_data: sealed('2 under new') }]
    const { status, body } = await client.post('/api/profile/p/password', change({ diffs: anew }))
    expect([status, body]).toEqual([200, { success: true, message: 'Password updated successfully' }])
    expect((await client.content('p')).status).toBe(401)
    const content = await client.content('p', { password_hash: hashOf('new', 'bmV3') })
    expect(content.body).toMatchObject({ diffs: anew, stars: [], tldrs: [], salt: 'new salt' })
    expect(content.body.encrypted_api_key).toBe(sealed('keys under new'))
    expect((await client.get('/api/share/p')).body.password_salt).toBe('bmV3')
    expect((await client.status('p')).body).toEqual({
      exists: true,
      diffs_hash: null,
      stars_hash: null,
      tldrs_hash: null,
      keys_hash: null,
      content_updated_at: '2026-06-01T00:00:00Z',
    })
  })

  test('what is missing is told before anything is looked up', async () => {
    const client = await withProfile()
    for (const id of ['p', 'nobody']) {
      for (const [field, error] of [
        ['old_password_hash', 'Both old and new passwords required'],
        ['new_password_hash', 'Both old and new passwords required'],
        ['new_encrypted_api_key', 'New encrypted API key and salt required'],
        ['new_salt', 'New encrypted API key and salt required'],
      ] as const) {
        for (const value of [undefined, '']) {
          const answer = await client.post(`/api/profile/${id}/password`, change({ [field]: value }))
          expect([field, answer.status, answer.body]).toEqual([field, 400, { error }])
        }
      }
    }
    expect((await client.content('p')).status).toBe(200)
  })

  test('of two that change it at once one does, and the other has a wrong password', async () => {
    const client = await withProfile()
    const answers = await Promise.all(
      ['one', 'two'].map((name) => client.post('/api/profile/p/password', change({ new_password_hash: hashOf(name) }))),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
    const right = await Promise.all(['one', 'two'].map((name) => client.content('p', { password_hash: hashOf(name) })))
    expect(right.map(({ status }) => status)).toEqual(answers.map(({ status }) => status))
  })
})

describe('GET /api/diff/{id}/public', () => {
  const publish = (fields: Record<string, unknown>) => [{ id: '1', encrypted_data: JSON.stringify(fields) }]
  const fields = { id: '1', content: '# News', title: 'Week 3', generated_at: '2026-01-28T10:00:00Z', profile_name: 'Ada', cost: 1 }

  test('what a public diff says, from its plain JSON', async () => {
    const client = await withProfile()
    await client.sync('p', { diffs: publish(fields) })
    const { status, headers, body } = await client.get('/api/diff/1/public')
    expect([status, headers.get('cache-tag')]).toEqual([200, 'diff-1'])
    const { cost: _, ...told } = fields
    expect(body).toEqual(told)
    await client.sync('p', { diffs: publish({ ...fields, profile_name: undefined, window_days: 7 }) })
    expect((await client.get('/api/diff/1/public')).body).toEqual({ ...told, profile_name: 'Anonymous', window_days: 7 })
  })

  test('private or unknown is 404, and so is what only looks like JSON', async () => {
    const client = await withProfile()
    await client.sync('p', {
      diffs: [...rowsOf('1'), { id: '2', encrypted_data: '{not json' }],
      stars: [{ id: '3', encrypted_data: '{"content":"a star"}' }],
    })
    for (const id of ['1', '2', '3', '4', '%25', 'a%2Fb']) {
      const { status, body } = await client.get(`/api/diff/${id}/public`)
      expect([id, status, body]).toEqual([id, 404, { error: 'Diff not found' }])
    }
  })
})
