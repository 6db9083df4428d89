/** Share codes and login codes: the contract's rows, over HTTP, and how many there may be. */
import { describe, expect, test } from 'vitest'
import { type Client, difflogInProcess, difflogOverHttp } from './support.ts'

const HOUR = 60 * 60_000

describe('share codes', () => {
  test('four characters, taken once, in either case', async () => {
    const { client } = await difflogOverHttp()
    const { status, body } = await client.post('/api/share-code', { profile_id: 'p' })
    expect(status).toBe(201)
    expect(Object.keys(body)).toEqual(['code'])
    expect(body.code).toMatch(/^[A-Z2-9]{4}$/)
    const head = await client.raw(`/api/share-code/${body.code}`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const taken = await client.get(`/api/share-code/${body.code.toLowerCase()}`)
    expect([taken.status, taken.body]).toEqual([200, { profile_id: 'p' }])
    const again = await client.get(`/api/share-code/${body.code}`)
    expect([again.status, again.body]).toEqual([404, { error: 'Invalid or expired share code' }])
    expect((await client.raw(`/api/share-code/${body.code}`, { method: 'HEAD' })).status).toBe(404)
  })

  test('it lives for 120 seconds', async () => {
    const { client, time } = await difflogOverHttp()
    const { code } = (await client.post('/api/share-code', { profile_id: 'p' })).body
    time.now += 119_999
    expect((await client.raw(`/api/share-code/${code}`, { method: 'HEAD' })).status).toBe(200)
    time.now += 1
    expect((await client.get(`/api/share-code/${code}`)).status).toBe(404)
  })

  test('a missing profile_id is 400', async () => {
    const { client } = await difflogOverHttp()
    for (const body of [{}, { profile_id: '' }, { profile_id: null }]) {
      const answer = await client.post('/api/share-code', body)
      expect([answer.status, answer.body]).toEqual([400, { error: 'Missing profile_id' }])
    }
  })
})

describe('login codes', () => {
  test('pending until the browser has sent a session, which is told once', async () => {
    const { client, time } = await difflogOverHttp()
    const path = '/api/cli/auth/0123456789ab'
    expect((await client.get(path)).body).toEqual({ pending: true })
    const sent = await client.post(path, { encrypted_session: 'blob', expires: time.now + 60_000 })
    expect([sent.status, sent.body]).toEqual([200, { ok: true }])
    expect((await client.raw(path, { method: 'HEAD' })).status).toBe(200)
    const got = await client.get(path)
    expect([got.status, got.body]).toEqual([200, { session: 'blob' }])
    expect((await client.get(path)).body).toEqual({ pending: true })
  })

  test('kept until it expires, at most 300 seconds', async () => {
    const { client, time } = await difflogOverHttp()
    for (const [seconds, kept] of [
      [60, 60],
      [3600, 300],
    ] as const) {
      for (const [after, answer] of [
        [kept * 1000 - 1, { session: 'blob' }],
        [kept * 1000, { pending: true }],
      ] as const) {
        await client.post('/api/cli/auth/0123456789ab', { encrypted_session: 'blob', expires: time.now + seconds * 1000 })
        time.now += after
        expect([seconds, after, (await client.get('/api/cli/auth/0123456789ab')).body]).toEqual([seconds, after, answer])
      }
    }
  })

  test('a code that is none, and a session that is missing, are 400', async () => {
    const { client, time } = await difflogOverHttp()
    for (const code of ['0123456789a', '0123456789abc', '0123456789ag', '..']) {
      const path = `/api/cli/auth/${encodeURIComponent(code)}`
      if (code === '..') continue
      expect((await client.get(path)).body).toEqual({ error: 'Invalid code' })
      const sent = await client.post(path, { encrypted_session: 'blob', expires: time.now + 1000 })
      expect([sent.status, sent.body]).toEqual([400, { error: 'Invalid code' }])
    }
    const missing = await client.post('/api/cli/auth/0123456789ab', { expires: time.now + 1000 })
    expect([missing.status, missing.body]).toEqual([400, { error: 'Missing encrypted_session' }])
    const late = await client.post('/api/cli/auth/0123456789ab', { encrypted_session: 'blob', expires: time.now })
    expect([late.status, late.body.error]).toEqual([400, expect.stringContaining('expires')])
  })
})

describe('limits', () => {
  test('share codes: wrong ones are counted by network, right ones are not, and there are only so many', async () => {
    const { client, time } = difflogInProcess()
    const fresh = async (from: Client) => (await from.post('/api/share-code', { profile_id: 'p' })).body.code
    for (let i = 0; i < 30; i++) {
      const response = await client.raw(`/api/share-code/${await fresh(client)}`, { method: i % 2 === 0 ? 'HEAD' : 'GET' })
      expect(response.status).toBe(200)
    }
    const code = await fresh(client)
    for (let i = 0; i < 20; i++) expect((await client.get('/api/share-code/none')).status).toBe(404)
    const refused = await client.get(`/api/share-code/${code}`)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '900'])
    expect((await client.from('10.0.0.1').get(`/api/share-code/${code}`)).status).toBe(200)
    time.now += HOUR
    let stored = 0
    for (let network = 0; network < 18; network++) {
      for (let i = 0; i < 60; i++) if ((await fresh(client.from(`10.1.${network}.1`))) !== undefined) stored += 1
    }
    expect(stored).toBe(1000)
    time.now += 121_000
    expect(await fresh(client.from('10.2.0.1'))).toMatch(/^[A-Z2-9]{4}$/)
  })

  test('login codes: so many from one network', async () => {
    const { client, time } = difflogInProcess()
    const send = (i: number) =>
      client.post(`/api/cli/auth/${String(i).padStart(12, '0')}`, { encrypted_session: 'x', expires: time.now + 60_000 })
    for (let i = 0; i < 60; i++) expect((await send(i)).status).toBe(200)
    expect((await send(60)).status).toBe(429)
    for (let i = 0; i < 200; i++) expect((await client.get('/api/cli/auth/ffffffffffff')).body).toEqual({ pending: true })
  })
})
