/** Public links: who may put, read and take away, and what the server says beside it. */
import { SHARE_MEDIA_TYPE } from '@lockstep/protocol/http'
import { MAX_SHARE_BYTES } from '@lockstep/protocol/limits'
import { expect, test } from 'vitest'
import { limitsWith } from '#limits'
import { b64, bearer, jsonRequest, named, pushRequest, ReplicaLog, signUpBody } from './client.ts'
import { type InProcess, inProcess } from './in-process.ts'
import { problem, type WireSession } from './running.ts'
import { webFiles } from './web-files.ts'

const path = (name: string) => `/v1/shares/${b64(named(name, 16))}`

interface Owner {
  put(name: string, body: string | Uint8Array, headers?: Record<string, string>): Promise<Response>
  remove(name: string): Promise<Response>
  readonly token: string
}

async function owner({ request }: InProcess, name = 'main'): Promise<Owner> {
  const { token } = (await (await request('/v1/vaults', jsonRequest('POST', signUpBody(name)))).json()) as WireSession
  const authorization = `Bearer ${token}`
  return {
    token,
    put(share, body, headers = {}) {
      const init = {
        method: 'PUT',
        body: body as Uint8Array<ArrayBuffer>,
        headers: { authorization, 'content-type': SHARE_MEDIA_TYPE, ...headers },
      }
      return request(path(share), init)
    },
    remove: (share) => request(path(share), { method: 'DELETE', headers: { authorization } }),
  }
}

test('[SHR-1] a share is read by anybody until it is removed, and then is like one that never was', async () => {
  const server = inProcess()
  const { put, remove } = await owner(server)
  expect((await put('one', 'sealed bytes')).status).toBe(204)
  const read = await server.request(path('one'), {}, '198.51.100.7')
  expect([read.status, await read.text()]).toEqual([200, 'sealed bytes'])
  expect(Object.fromEntries(read.headers)).toEqual({
    'content-type': SHARE_MEDIA_TYPE,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
  expect((await remove('one')).status).toBe(204)
  const [gone, never] = [await server.request(path('one')), await server.request(path('never'))]
  expect(gone.headers.get('cache-control')).toBe('no-store')
  expect(await problem(gone)).toEqual(await problem(never))
  expect((await remove('one')).status).toBe(204)
})

test('[SHR-1] a share is its vault’s: another vault neither replaces nor removes it, and the owner may do both', async () => {
  const server = inProcess()
  const [mine, theirs] = [await owner(server), await owner(server, 'second')]
  await mine.put('one', 'first')
  expect(await problem(await theirs.put('one', 'other'))).toMatchObject({ status: 409, code: 'share-taken' })
  expect(await problem(await theirs.remove('one'))).toMatchObject({ status: 409, code: 'share-taken' })
  expect((await mine.put('one', 'first')).status).toBe(204)
  expect((await mine.put('one', 'second')).status).toBe(204)
  expect(await (await server.request(path('one'))).text()).toBe('second')
})

test('[SHR-1] size, number and quota are bounded, and the bounds are published', async () => {
  const limits = { ...limitsWith(1000), shareBytes: 600, shares: 2 }
  const server = inProcess({ limits })
  const published = (await (await server.request('/v1/server')).json()) as { limits: unknown }
  expect(published.limits).toMatchObject({ shareBytes: 600, shares: 2 })
  expect(limitsWith(0).shareBytes).toBe(MAX_SHARE_BYTES)
  const { put, remove, token } = await owner(server)
  expect(await problem(await put('one', new Uint8Array(601)))).toMatchObject({ status: 413, code: 'too-large' })
  expect((await put('one', new Uint8Array(600))).status).toBe(204)
  expect(await problem(await put('two', new Uint8Array(401)))).toMatchObject({ status: 507, code: 'quota-exceeded', quota: 1000 })
  expect((await put('two', new Uint8Array(300))).status).toBe(204)
  expect(await problem(await put('three', 'x'))).toMatchObject({ status: 409, code: 'too-many-shares' })
  const push = (bytes: number) =>
    server.request('/v1/segments', pushRequest(token, [new ReplicaLog(`${bytes}`).next(new Uint8Array(bytes))]))
  expect(await problem(await push(101))).toMatchObject({ status: 507, code: 'quota-exceeded' })
  const status = async () => (await (await server.request('/v1/status', bearer(token))).json()) as { bytes: number }
  expect((await status()).bytes).toBe(900)
  await remove('one')
  expect((await push(101)).status).toBe(200)
  expect((await status()).bytes).toBe(401)
})

test('[SHR-1] bad ids, bodies and media types are refused and change nothing', async () => {
  const server = inProcess()
  const { put, token } = await owner(server)
  for (const id of ['x', 'AAAA', 'A'.repeat(23), `${'A'.repeat(21)}B`, `${'A'.repeat(22)}=`, '%00'.repeat(5), '..%2f..']) {
    for (const method of ['PUT', 'DELETE', 'GET']) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': SHARE_MEDIA_TYPE }
      const init = { method, headers, ...(method === 'PUT' && { body: 'x' }) }
      expect([id, method, await problem(await server.request(`/v1/shares/${id}`, init))]).toMatchObject([
        id,
        method,
        { status: 400, code: 'bad-request' },
      ])
    }
  }
  expect(await problem(await put('one', ''))).toMatchObject({ status: 400, code: 'bad-request' })
  expect(await problem(await put('one', 'x', { 'content-type': 'text/html' }))).toMatchObject({ status: 415 })
  expect(await problem(await server.request(path('one'), { method: 'POST', body: 'x' }))).toMatchObject({ status: 405 })
  expect((await server.request(path('one'))).status).toBe(404)
  expect((await server.storage.sizes((await server.storage.vaultByName('main'))?.key ?? (0 as never))).bytes).toBe(0)
})

test('[SHR-1] neither metrics nor log lines name a share, a vault or a code', async () => {
  const lines: string[] = []
  const write = (event: string, fields = {}) => void lines.push(JSON.stringify({ event, ...fields }))
  const logger = { level: 'debug', debug: write, info: write, warn: write, error: write } as const
  const server = inProcess({}, { logger })
  const { put, remove, token } = await owner(server)
  await put('one', 'sealed')
  await server.request(path('one'))
  await remove('one')
  const made = await server.request('/v1/codes', jsonRequest('POST', { server: 'https://sync.example', vault: 'main' }, token))
  const { code } = (await made.json()) as { code: string }
  await server.request('/v1/codes/ZZZZZZ')
  await server.request(`/v1/vaults/main`, jsonRequest('DELETE', { currentAuthKey: b64(named('auth main')) }, token))
  const said = `${await (await server.request('/metrics')).text()}${lines.join('')}`
  expect(said).toContain('lockstep_shares_total{outcome="stored"} 1')
  expect(said).toContain('lockstep_shares_total{outcome="removed"} 1')
  expect(said).toContain('lockstep_codes_total{outcome="unknown"} 1')
  expect(said).toContain('lockstep_removals_total 1')
  expect(lines.length).toBeGreaterThan(5)
  for (const secret of [b64(named('one', 16)), 'main', 'sync.example', code, token]) expect(said).not.toContain(secret)
})

test('[SHR-1] the page of a link is served for any id, within the same walls as the app; without the app it is a 404', async () => {
  const server = inProcess({}, { web: webFiles() })
  for (const id of [b64(named('one', 16)), 'broken']) {
    const page = await server.request(`/s/${id}`)
    expect([page.status, await page.text()]).toEqual([200, '<!doctype html><title>Shared</title>'])
    expect(page.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
  }
  for (const other of ['/s/', '/s/a/b', '/share.html']) {
    expect([other, await problem(await server.request(other))]).toMatchObject([other, { status: 404, code: 'not-found' }])
  }
  expect(await problem(await inProcess().request('/s/x'))).toMatchObject({ status: 404, code: 'not-found' })
})

test('[SHR-1] [HTTP-4] behind a gate a link works for anybody, and nothing else that looks like one', async () => {
  const passes = 'let-me-in'
  const gate = {
    async check(header: (name: string) => string | undefined) {
      if (header('lockstep-gate-token') === passes) return { passed: true } as const
      return { passed: false, reason: 'missing', detail: 'sign in at the gate' } as const
    },
  }
  const server = inProcess({}, { web: webFiles(), gate })
  const inside = {
    ...server,
    request: (at: string, init: RequestInit = {}) =>
      server.request(at, { ...init, headers: { ...(init.headers as Record<string, string>), 'lockstep-gate-token': passes } }),
  }
  const { put, token } = await owner(inside)
  await put('one', 'sealed')
  const id = b64(named('one', 16))
  const open = [`/v1/shares/${id}`, `/s/${id}`, '/assets/index-0a1b2c3d.js']
  for (const at of open)
    for (const method of ['GET', 'HEAD'])
      expect([at, method, (await server.request(at, { method })).status]).toEqual([at, method, 200])
  const closed: readonly (readonly [string, string])[] = [
    ['PUT', `/v1/shares/${id}`],
    ['DELETE', `/v1/shares/${id}`],
    ['POST', `/s/${id}`],
    ['GET', '/'],
    ['GET', '/sw.js'],
    ['GET', '/v1/shares/'],
    ['GET', '/v1/shares'],
    ['GET', `/v1/shares/${id}/`],
    ['GET', `/v1/shares/../status`],
    ['GET', `/v1/shares/%2e%2e%2fstatus`],
    ['GET', `/v1/shares//${id}`],
    ['GET', `//v1/shares/${id}`],
    ['GET', `/V1/shares/${id}`],
    ['GET', `/x/v1/shares/${id}`],
    ['GET', '/v1/codes/ABCDEF'],
    ['POST', '/v1/codes'],
    ['GET', '/assets/a/b.js'],
    ['GET', '/s/a/b'],
  ]
  for (const [method, at] of closed) {
    const init = { method, headers: { authorization: `Bearer ${token}` }, ...(method === 'PUT' && { body: 'x' }) }
    expect([method, at, await problem(await server.request(at, init))]).toMatchObject([method, at, { code: 'gate-refused' }])
  }
  expect(await (await server.request(`/v1/shares/${id}`)).text()).toBe('sealed')
})
