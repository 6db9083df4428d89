/** How much a request, a profile and a network may have: point 5. */
import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '#dialects/difflog/limits'
import { MAX_DIFFS } from '#storage/difflog-rules'
import { difflogInProcess, hashOf, rowsOf } from './support.ts'

const HOUR = 60 * 60_000
const right = { password_hash: hashOf('right') }

describe('limits', () => {
  test('an item of the limit is taken, one byte more is 413, and nothing of its request is stored', async () => {
    const { client } = difflogInProcess({ limits: { itemBytes: 1000 } })
    await client.create('p')
    for (const [name, fields] of [
      ['diffs.1.encrypted_data', { diffs: [...rowsOf('1'), { id: '2', encrypted_data: 'x'.repeat(1001) }] }],
      ['stars.0.encrypted_data', { stars: [{ id: '2', encrypted_data: `${'é'.repeat(500)}x` }] }],
      ['encrypted_api_key', { encrypted_api_key: 'x'.repeat(1001) }],
      ['resolved_sources', { resolved_sources: { a: 'x'.repeat(1000) } }],
    ] as const) {
      const { status, body } = await client.sync('p', { diffs: rowsOf('1'), ...fields })
      expect([name, status, body.error]).toEqual([name, 413, expect.stringContaining(name)])
    }
    expect((await client.create('q', { encrypted_api_key: 'x'.repeat(1001) })).status).toBe(413)
    expect(await client.ids('p', 'diffs')).toEqual([])
    const largest = [{ id: '1', encrypted_data: 'é'.repeat(500) }]
    expect((await client.sync('p', { stars: largest })).status).toBe(200)
  })

  test('a body of the limit is taken, one byte more is 413', async () => {
    const { client } = difflogInProcess({ limits: { itemBytes: 1000, bodyBytes: 5000 } })
    await client.create('p')
    const body = JSON.stringify({ ...right, diffs: rowsOf('1') })
    const post = (length: number) =>
      client.raw('/api/profile/p/sync', { method: 'POST', body: body + ' '.repeat(length - body.length) })
    expect((await post(5000)).status).toBe(200)
    const refused = await post(5001)
    expect([refused.status, Object.keys((await refused.json()) as object)]).toEqual([413, ['error']])
  })

  test('fifty diffs of 20 kB fit in one request many times over', async () => {
    const { client } = difflogInProcess()
    await client.create('p')
    const diffs = Array.from({ length: MAX_DIFFS }, (_, i) => ({ id: `${i}`, encrypted_data: 'x'.repeat(100_000) }))
    expect((await client.sync('p', { diffs })).status).toBe(200)
    expect(DEFAULT_LIMITS.bodyBytes).toBeGreaterThan(MAX_DIFFS * 20_000 * 10)
  })

  test('a list has so many rows at most', async () => {
    const { client } = difflogInProcess()
    await client.create('p')
    const many = (length: number) => Array.from({ length }, (_, i) => `${i}`)
    expect((await client.sync('p', { deleted_star_ids: many(10_000) })).status).toBe(200)
    const { status, body } = await client.sync('p', { deleted_star_ids: many(10_001) })
    expect([status, body.error]).toEqual([400, expect.stringContaining('deleted_star_ids')])
  })

  test('a profile over its quota is 507 and stored nothing; deleting makes room', async () => {
    const { client } = difflogInProcess({ limits: { quotaBytes: 2000 } })
    await client.create('p')
    const large = (id: string) => ({ id, encrypted_data: 'x'.repeat(1000) })
    expect((await client.sync('p', { diffs: [large('1')] })).status).toBe(200)
    const refused = await client.sync('p', { diffs: [large('2')], profile: { name: 'written' } })
    expect([refused.status, refused.body]).toEqual([507, { error: expect.stringContaining('2000 bytes') }])
    expect((await client.content('p')).body).toMatchObject({ diffs: [large('1')], profile: { name: 'Name of p' } })
    expect((await client.sync('p', { diffs: [large('2')], deleted_diff_ids: ['1'] })).status).toBe(200)
    const anew = await client.post('/api/profile/p/password', {
      old_password_hash: right.password_hash,
      new_password_hash: hashOf('new'),
      new_encrypted_api_key: 'k',
      new_salt: 's',
      diffs: [large('1'), large('2')],
      stars: [],
    })
    expect(anew.status).toBe(507)
    expect(await client.ids('p', 'diffs')).toEqual(['2'])
  })

  test('new profiles are limited by network; updates and refused ones do not count', async () => {
    const { client, time } = difflogInProcess({ limits: { profilesAnHour: 3 } })
    for (const id of ['a', 'b', 'a', 'a']) expect((await client.create(id)).status).toBe(201)
    expect((await client.create('x', { name: '' })).status).toBe(400)
    expect((await client.create('c')).status).toBe(201)
    const { status, headers, body } = await client.create('d')
    expect([status, headers.get('retry-after'), body.retry_after_seconds]).toEqual([429, '3600', 3600])
    expect((await client.create('a')).status).toBe(201)
    expect((await client.from('10.0.0.1').create('d')).status).toBe(201)
    time.now += HOUR
    expect((await client.create('e')).status).toBe(201)
  })

  test('of many that make one profile at once one does; the others need its password', async () => {
    const { client } = difflogInProcess()
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => client.create('p', { name, password_hash: hashOf(name) })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401])
  })
})
