/** What a request may hold, and what is answered when it holds something else: point 4, and the paths and methods of the contract. */
import { describe, expect, test } from 'vitest'
import { createLogger } from '#log'
import { forEachSeed } from '../../../../tests/support/random.ts'
import { type Answer, type Client, difflogInProcess, hashOf, rowsOf, sealed } from './support.ts'

const FILE = 'packages/server/test/difflog/requests.test.ts'
const HOUR = 60 * 60_000
const right = { password_hash: hashOf('right') }

async function withProfile() {
  const subject = difflogInProcess()
  await subject.client.create('p')
  await subject.client.sync('p', { diffs: rowsOf('1'), diffs_hash: 'h' })
  return subject
}

describe('bad input', () => {
  /** Everything that anybody can see of the profile. */
  const seen = async (client: Client) => JSON.stringify([(await client.content('p')).body, (await client.status('p')).body])

  test('[HTTP-1] wrong types, null ids and the like: 400 that names the field, nothing is written, no value is repeated', async () => {
    const { client } = await withProfile()
    const before = await seen(client)
    const secret = 'this-is-a-secret'
    const good = rowsOf('2')
    const sync = (fields: Record<string, unknown>) => client.sync('p', { diffs: good, ...fields })
    const put = (fields: Record<string, unknown>) => client.ask('PUT', '/api/profile/p', { ...right, name: 'written', ...fields })
    const create = (fields: Record<string, unknown>) => client.create('p', { name: 'written', ...fields })
    const content = (fields: Record<string, unknown>) => client.content('p', fields)
    const password = (fields: Record<string, unknown>) =>
      client.post('/api/profile/p/password', {
        old_password_hash: right.password_hash,
        new_password_hash: hashOf('new'),
        new_encrypted_api_key: 'k',
        new_salt: 's',
        diffs: [],
        stars: [],
        ...fields,
      })
    const row = (id: unknown, data: unknown = secret) => [...good, { id, encrypted_data: data }]
    const cases: readonly (readonly [(fields: Record<string, unknown>) => Promise<Answer>, string, unknown])[] = [
      [sync, 'password_hash', 5],
      [sync, 'password_hash', [secret]],
      [sync, 'password_hash', 'x'.repeat(513)],
      [sync, 'password_hash', true],
      [sync, 'diffs', secret],
      [sync, 'diffs', null],
      [sync, 'diffs', {}],
      [sync, 'diffs', [null]],
      [sync, 'diffs', row(null)],
      [sync, 'diffs', row(7)],
      [sync, 'diffs', row('')],
      [sync, 'diffs', row('x'.repeat(257))],
      [sync, 'diffs', row('a\u0000b')],
      [sync, 'diffs', row('\ud800')],
      [sync, 'diffs', row('3', null)],
      [sync, 'diffs', row('3', 5)],
      [sync, 'diffs', row('3', { a: secret })],
      [sync, 'diffs', row('3', 'half a pair \ud83d')],
      [sync, 'stars', [{ id: '1:0' }]],
      [sync, 'tldrs', [[]]],
      [sync, 'deleted_diff_ids', '1'],
      [sync, 'deleted_diff_ids', ['1', null]],
      [sync, 'deleted_star_ids', [1]],
      [sync, 'deleted_tldr_ids', null],
      [sync, 'diffs_hash', 5],
      [sync, 'stars_hash', {}],
      [sync, 'tldrs_hash', 'x'.repeat(513)],
      [sync, 'keys_hash', []],
      [sync, 'encrypted_api_key', {}],
      [sync, 'profile', secret],
      [sync, 'profile', { languages: 'Rust' }],
      [sync, 'profile', { name: null }],
      [put, 'languages', 'Rust'],
      [put, 'frameworks', [1]],
      [put, 'tools', { 0: 'x' }],
      [put, 'topics', Array(501).fill('x')],
      [put, 'depth', 3],
      [put, 'custom_focus', ['x']],
      [put, 'name', ''],
      [put, 'name', null],
      [put, 'resolved_sources', JSON.parse('['.repeat(33) + ']'.repeat(33))],
      [sync, 'resolved_sources', JSON.parse(`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`)],
      [create, 'id', 5],
      [create, 'id', null],
      [create, 'id', ''],
      [create, 'id', 'x'.repeat(257)],
      [create, 'name', {}],
      [create, 'password_hash', 'no colon'],
      [create, 'salt', 5],
      [create, 'encrypted_api_key', []],
      [create, 'keys_hash', 5],
      [create, 'languages', 'Rust'],
      [content, 'diffs_hash', 5],
      [content, 'keys_hash', ['k']],
      [password, 'new_password_hash', 'no colon'],
      [password, 'new_salt', 5],
      [password, 'diffs', undefined],
      [password, 'stars', null],
      [password, 'tldrs', 'x'],
      [password, 'diffs', [{ id: null, encrypted_data: 'x' }]],
    ]
    for (const [ask, field, value] of cases) {
      const { status, body } = await ask({ [field]: value })
      expect([field, value, status, Object.keys(body)]).toEqual([field, value, 400, ['error']])
      expect(body.error).toContain(field)
      expect(JSON.stringify(body)).not.toContain(secret)
    }
    for (const [path, fields, field] of [
      ['/api/share-code', { profile_id: 5 }, 'profile_id'],
      ['/api/cli/auth/0123456789ab', { encrypted_session: 5, expires: 1 }, 'encrypted_session'],
      ['/api/cli/auth/0123456789ab', { encrypted_session: 'x'.repeat(16_385), expires: 1 }, 'encrypted_session'],
      ['/api/cli/auth/0123456789ab', { encrypted_session: 'x' }, 'expires'],
      ['/api/cli/auth/0123456789ab', { encrypted_session: 'x', expires: '2026' }, 'expires'],
    ] as const) {
      const { status, body } = await client.post(path, fields)
      expect([path, status, body.error]).toEqual([path, 400, expect.stringContaining(field)])
    }
    const query = await client.get(`/api/profile/p?password_hash=${'x'.repeat(513)}`)
    expect([query.status, query.body.error]).toEqual([400, expect.stringContaining('password_hash')])
    expect(await seen(client)).toBe(before)
  })

  test('[HTTP-1] what is no JSON object is 400; the type that a body says it has does not matter', async () => {
    const { client } = await withProfile()
    const post = (body: string | Uint8Array<ArrayBuffer>, type?: string) =>
      client.raw('/api/profile/p/content', { method: 'POST', body, headers: type === undefined ? {} : { 'content-type': type } })
    for (const body of ['', '{', 'nul', '{"a":1,}', '\u0000', new Uint8Array([0x22, 0xff, 0x22])]) {
      const answer = await post(body)
      expect([answer.status, await answer.json()]).toEqual([400, { error: 'The body is not JSON' }])
    }
    for (const body of ['null', '1', '"text"', '[]', '['.repeat(30_000) + ']'.repeat(30_000)]) {
      const answer = await post(body)
      expect([answer.status, await answer.json()]).toEqual([400, { error: 'The body is not a JSON object' }])
    }
    for (const type of [undefined, 'text/plain', 'application/json; charset=utf-8', 'application/x-www-form-urlencoded']) {
      expect((await post(JSON.stringify(right), type)).status).toBe(200)
    }
  })

  test('[HTTP-1] [G19] what is nested by the thousand is refused, and long lists before their entries are looked at', async () => {
    const { client } = await withProfile()
    const post = async (field: string, value: string) => {
      const body = `{"password_hash":${JSON.stringify(right.password_hash)},"${field}":${value}}`
      const response = await client.raw('/api/profile/p/sync', { method: 'POST', body })
      return [field, response.status, ((await response.json()) as { error: string }).error] as const
    }
    const deep = '['.repeat(40_000) + ']'.repeat(40_000)
    for (const [field, value, error] of [
      ['resolved_sources', deep, 'resolved_sources: must not be nested deeper than 32'],
      ['resolved_sources', `{"a":${deep}}`, 'resolved_sources: must not be nested deeper than 32'],
      ['diffs', deep, expect.stringContaining('diffs.0')],
      ['diffs', `[{"id":${deep},"encrypted_data":${deep}}]`, expect.stringContaining('diffs.0.id')],
      ['diffs', `[${'{},'.repeat(10_000)}{}]`, 'diffs: at most 10000 entries'],
      ['deleted_star_ids', `[${'0,'.repeat(10_000)}0]`, 'deleted_star_ids: at most 10000 entries'],
      ['profile', `{"languages":[${'0,'.repeat(10_000)}0]}`, 'profile.languages: at most 10000 entries'],
    ] as const) {
      expect(await post(field, value)).toEqual([field, 400, error])
    }
    const nested = `${'{"a":'.repeat(32)}1${'}'.repeat(32)}`
    expect((await client.sync('p', { resolved_sources: JSON.parse(nested) })).status).toBe(200)
    expect(await client.ids('p', 'diffs')).toEqual(['1'])
  })

  test('wildcards of LIKE, quotes and colons in ids are ids like any other', async () => {
    const { client } = await withProfile()
    const odd = [
      '%',
      '_',
      '%:%',
      "'; DROP TABLE difflog_rows; --",
      '"',
      '*',
      '[a-z]',
      '\\',
      '../..',
      'é\u{1f600}',
      '__proto__',
      ':',
    ]
    await client.create('%')
    await client.sync('p', { diffs: rowsOf(...odd), tldrs: rowsOf(...odd.map((id) => `${id}:0`), 'a:0', '1:0') })
    expect(await client.ids('p', 'diffs')).toEqual(['1', ...odd])
    expect((await client.ids('%25', 'diffs')).length).toBe(0)
    for (const [i, id] of odd.entries()) {
      await client.sync('p', { deleted_diff_ids: [id] })
      expect(await client.ids('p', 'diffs')).toEqual(['1', ...odd.slice(i + 1)])
      expect(await client.ids('p', 'tldrs')).toEqual([...odd.slice(i + 1).map((rest) => `${rest}:0`), 'a:0', '1:0'])
    }
  })

  test('unknown fields are ignored, known ones of the prototype too', async () => {
    const { client } = await withProfile()
    const raw = `{"password_hash":${JSON.stringify(right.password_hash)},"__proto__":{"diffs":5},"constructor":1,"x":{"y":[]}}`
    expect((await client.raw('/api/profile/p/sync', { method: 'POST', body: raw })).status).toBe(200)
    for (const id of ['__proto__', 'constructor', 'toString']) {
      expect((await client.status(id)).body).toEqual({ exists: false })
      expect((await client.create(id)).status).toBe(201)
      expect((await client.content(id)).status).toBe(200)
    }
  })

  test('[HTTP-1] mutated requests are never a 5xx, and what is refused says why in the dialect’s words', async () => {
    const { client, time } = difflogInProcess({ limits: { profilesAnHour: 1_000_000 } })
    await client.create('p')
    let refused = 0
    await forEachSeed('mutated diff·log requests', 400, FILE, async (random) => {
      time.now += HOUR
      const mutate = (value: string): string => {
        const out = [...value]
        for (let n = random.between(1, 4); n > 0; n--) {
          const at = random.below(out.length + 1)
          const kind = random.below(4)
          if (kind === 0) out.splice(at, random.between(1, 20))
          else if (kind === 1)
            out.splice(at, 0, random.pick(['"', '{', '[', 'null', '1e999', '\\ud800', '\u0000', ':', '%', '\u{1f600}']))
          else if (kind === 2) out[Math.min(at, out.length - 1)] = String.fromCharCode(random.below(300))
          else out.splice(at, 1, ...random.pick(['null', '-1', '[]', '{}', '""', 'true', '99999999999999999999']))
        }
        return out.join('')
      }
      const body = (fields: Record<string, unknown>): RequestInit => ({ method: 'POST', body: mutate(JSON.stringify(fields)) })
      const part = (text: string) => encodeURIComponent(mutate(text).toWellFormed())
      const rows = rowsOf(`${random.u32()}`, 'x:1')
      const [path, init] = random.pick<readonly [string, RequestInit]>([
        ['/api/profile/create', body({ id: 'p', name: 'n', ...right, encrypted_api_key: 'k', salt: 's', languages: ['a'] })],
        ['/api/profile/p/content', body({ ...right, diffs_hash: 'h', keys_hash: 'k' })],
        ['/api/profile/p/sync', body({ ...right, diffs: rows, stars: rows, deleted_tldr_ids: ['x:1'], diffs_hash: 'h' })],
        ['/api/profile/p/sync', body({ ...right, profile: { name: 'n', languages: [] }, resolved_sources: { a: [1] } })],
        ['/api/profile/p', { ...body({ ...right, name: 'n', tools: ['x'] }), method: 'PUT' }],
        [
          '/api/profile/p/password',
          body({ old_password_hash: hashOf('x'), new_password_hash: hashOf('right'), diffs: [], stars: [] }),
        ],
        [`/api/profile/${part('p')}?password_hash=${part(right.password_hash)}`, {}],
        [`/api/profile/${part('p')}/status`, {}],
        [`/api/profile/p/sync?diffs_hash=${part('h')}`, {}],
        [`/api/diff/${part('1')}/public`, { headers: { 'if-none-match': '"x"' } }],
        [`/api/share/${part('p')}`, {}],
        ['/api/share-code', body({ profile_id: 'p' })],
        [`/api/share-code/${part('ABCD')}`, {}],
        [`/api/cli/auth/${part('0123456789ab')}`, {}],
        ['/api/cli/auth/0123456789ab', body({ encrypted_session: 'x', expires: time.now + 1000 })],
      ])
      const response = await client.raw(path, init)
      const text = await response.text()
      if (response.status >= 500) throw new Error(`${response.status} for ${path}: ${text}`)
      if (response.status < 400) return
      refused += 1
      if (typeof JSON.parse(text).error !== 'string') throw new Error(`${response.status} for ${path} without an error: ${text}`)
    })
    expect(refused).toBeGreaterThan(50)
  })
})

describe('paths and methods', () => {
  test('[HTTP-1] a slash at the end is 308 to the bare path with its query', async () => {
    const { client } = await withProfile()
    for (const [path, location] of [
      ['/api/profile/p/status/', '/api/profile/p/status'],
      ['/api/profile/p/?password_hash=a%3Ab&include_data=true', '/api/profile/p?password_hash=a%3Ab&include_data=true'],
      ['/api/profile/a%20b/sync/', '/api/profile/a%20b/sync'],
      ['/api/share/p///', '/api/share/p'],
      ['/api/nowhere/', '/api/nowhere'],
    ] as const) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const { status, headers } = await client.raw(path, { method, redirect: 'manual' })
        expect([path, status, headers.get('location')]).toEqual([path, 308, location])
      }
    }
  })

  test('[HTTP-1] a wrong method is 405 with Allow, an unknown path 404, a broken one 400', async () => {
    const { client } = await withProfile()
    for (const [path, allow] of [
      ['/api/profile/create', 'POST'],
      ['/api/profile/p', 'GET, HEAD, PUT, DELETE'],
      ['/api/profile/p/content', 'POST'],
      ['/api/profile/p/sync', 'POST, GET, HEAD'],
      ['/api/profile/p/status', 'GET, HEAD'],
      ['/api/profile/p/password', 'POST'],
      ['/api/share/p', 'GET, HEAD'],
      ['/api/diff/1/public', 'GET, HEAD'],
      ['/api/share-code', 'POST'],
      ['/api/share-code/ABCD', 'GET, HEAD'],
      ['/api/cli/auth/0123456789ab', 'GET, HEAD, POST'],
    ] as const) {
      const wrong = await client.ask('PATCH', path)
      const listed = (text: string | null) => text?.split(', ').sort()
      expect([path, wrong.status, listed(wrong.headers.get('allow'))]).toEqual([path, 405, listed(allow)])
      expect(Object.keys(wrong.body)).toEqual(['error'])
      expect((await client.ask('OPTIONS', path)).status).toBe(405)
    }
    expect((await client.get('/api/profile/create')).status).toBe(405)
    for (const path of ['/api', '/api/profile', '/api/nowhere', '/api/profile/p/x', '/api/Profile/p']) {
      const { status, body } = await client.get(path)
      expect([path, status, Object.keys(body)]).toEqual([path, 404, ['error']])
    }
    for (const path of ['/api/profile/%', '/api/share/%ff']) {
      const { status, body } = await client.get(path)
      expect([path, status, Object.keys(body)]).toEqual([path, 400, ['error']])
    }
  })

  test('HEAD changes nothing where GET does', async () => {
    const { client, time } = await withProfile()
    const { code } = (await client.post('/api/share-code', { profile_id: 'p' })).body
    await client.post('/api/cli/auth/0123456789ab', { encrypted_session: 'x', expires: time.now + 60_000 })
    for (const path of [`/api/share-code/${code}`, '/api/cli/auth/0123456789ab']) {
      for (let i = 0; i < 3; i++) expect((await client.raw(path, { method: 'HEAD' })).status).toBe(200)
    }
    expect((await client.get(`/api/share-code/${code}`)).body).toEqual({ profile_id: 'p' })
    expect((await client.get('/api/cli/auth/0123456789ab')).body).toEqual({ session: 'x' })
  })
})

describe('other origins', () => {
  const from = (origin: string, method = 'GET') => ({ method, headers: { origin } })

  test('none may ask unless it is allowed; one that is may read answers and refusals alike', async () => {
    const origin = 'https://difflog.example'
    const { client } = difflogInProcess({ allowedOrigins: [origin] })
    await client.create('p')
    for (const path of ['/api/profile/p/status', '/api/share/nobody', '/api/profile/p/content']) {
      const allowed = await client.raw(path, from(origin))
      expect([path, allowed.headers.get('access-control-allow-origin')]).toEqual([path, origin])
      expect(allowed.headers.get('vary')).toContain('origin')
      const other = await client.raw(path, from('https://evil.example'))
      expect([path, other.headers.get('access-control-allow-origin')]).toEqual([path, null])
    }
    const asked = await client.raw('/api/profile/p/content', from(origin, 'OPTIONS'))
    expect([asked.status, asked.headers.get('access-control-allow-methods')]).toEqual([204, 'GET, HEAD, POST, PUT, DELETE'])
    expect(asked.headers.get('access-control-allow-headers')).toBe('content-type')
    expect((await client.raw('/api/profile/p/content', from('https://evil.example', 'OPTIONS'))).status).toBe(405)
  })
})

test('who does not pass the gate is told 403, never 401: clients would forget a password that is right', async () => {
  for (const [reason, expected] of [
    ['missing', 403],
    ['expired', 403],
    ['refused', 403],
    ['unavailable', 503],
  ] as const) {
    const gate = { check: async () => ({ passed: false, reason, detail: 'why it does not pass' }) as const }
    const { client } = difflogInProcess({}, {}, { gate })
    for (const answer of [await client.content('p'), await client.status('p'), await client.get('/api/nowhere')]) {
      expect([reason, answer.status, answer.headers.get('content-type')]).toEqual([reason, expected, 'application/json'])
      expect(typeof answer.body.error).toBe('string')
    }
  }
})

test('a password in a URL, or in a body, never reaches the log', async () => {
  const lines: string[] = []
  const { client } = difflogInProcess({}, {}, { logger: createLogger('debug', (line) => lines.push(line)) })
  const secret = hashOf('secret', 'c2VjcmV0LXNhbHQ=')
  await client.create('p', { password_hash: secret })
  for (const password of [secret, hashOf('wrong', 'c2VjcmV0LXNhbHQ=')]) {
    for (const path of ['p', 'p/', 'nobody', '%']) {
      await client.raw(`/api/profile/${path}?password_hash=${encodeURIComponent(password)}`, { redirect: 'manual' })
    }
    await client.content('p', { password_hash: password, diffs: sealed('x') })
  }
  await client.ask('DELETE', `/api/profile/p?password_hash=${encodeURIComponent(secret)}`)
  const log = lines.join('\n')
  expect(lines.length).toBeGreaterThanOrEqual(12)
  for (const part of [...secret.split(':'), encodeURIComponent(secret), 'password_hash']) expect(log).not.toContain(part)
})
