/** The removal of a vault, as its devices and everybody else see it. */

import { SEGMENTS_MEDIA_TYPE, SHARE_MEDIA_TYPE } from '@lockstep/protocol/http'
import { encodeMarks } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { createDifflog } from '#dialects/difflog/difflog'
import { LIVE_CLOSE } from '#live'
import { b64, bearer, jsonRequest, named, push, pushRequest, ReplicaLog, signInBody, signUpBody } from './client.ts'
import { hashOf } from './difflog/support.ts'
import { type InProcess, inProcess } from './in-process.ts'
import { hello, LiveDevice } from './live-device.ts'
import { problem, running, signUp, temporaryFolder, type WireSession } from './running.ts'

const DAY = 24 * 60 * 60_000
const ZEROS = '0'.repeat(64)

const removal = (token: string, password = 'auth main') => jsonRequest('DELETE', { currentAuthKey: b64(named(password)) }, token)

async function signIn({ request }: InProcess, name: string, device: string): Promise<string> {
  const answer = await request(`/v1/vaults/${name}/sessions`, jsonRequest('POST', signInBody(name, device)))
  return ((await answer.json()) as WireSession).token
}

async function signedUp({ request }: InProcess, name = 'main'): Promise<string> {
  return ((await (await request('/v1/vaults', jsonRequest('POST', signUpBody(name)))).json()) as WireSession).token
}

test('[VAULT-1] [KEY-9] a removed vault: its live devices are told, its tokens are answered 410, its name is free', async () => {
  const { url } = await running({ signUp: 'open' })
  const { token } = await signUp(url)
  const phone = (await (await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody()))).json()) as WireSession
  const stranger = await signUp(url, 'second')
  const record = new ReplicaLog('a').next(named('x'))
  await push(url, token, [record])
  const devices = [token, phone.token].map((of) => new LiveDevice(url, hello(of)))
  const other = new LiveDevice(url, hello(stranger.token))
  for (const device of devices) await device.until(() => device.cursor === 1)
  await other.until(() => other.messages === 1)

  expect((await fetch(`${url}/v1/vaults/main`, removal(token))).status).toBe(204)
  for (const device of devices) expect(await device.closed).toBe(LIVE_CLOSE.vaultRemoved)
  expect(other.socket.readyState).toBe(other.socket.OPEN)
  expect(await new LiveDevice(url, hello(phone.token)).closed).toBe(LIVE_CLOSE.vaultRemoved)

  const again = await signUp(url)
  expect((await fetch(`${url}/v1/status`, bearer(again.token))).status).toBe(200)
  for (const of of [token, phone.token]) {
    expect(await problem(await fetch(`${url}/v1/status`, bearer(of)))).toMatchObject({ status: 410, code: 'vault-removed' })
  }
  // A name that was made again is not what the old token removes.
  expect(await problem(await fetch(`${url}/v1/vaults/main`, removal(token)))).toMatchObject({ code: 'vault-removed' })
  const pulled = await fetch(`${url}/v1/segments?after=0&chain=${ZEROS}`, bearer(again.token))
  expect((await pulled.arrayBuffer()).byteLength).toBe(57)
})

test('[VAULT-1] every route of a signed-in device answers 410, and 401 to a token that never was', async () => {
  const server = inProcess()
  const token = await signedUp(server)
  expect((await server.request('/v1/vaults/main', removal(token))).status).toBe(204)
  const share = `/v1/shares/${b64(named('s', 16))}`
  const segments = (method: string, body: Uint8Array) => ({
    method,
    headers: { 'content-type': SEGMENTS_MEDIA_TYPE },
    body: body as Uint8Array<ArrayBuffer>,
  })
  const requests: readonly (readonly [string, RequestInit])[] = [
    ['/v1/session', { method: 'DELETE' }],
    ['/v1/vaults/main', removal(token)],
    ['/v1/credentials', {}],
    ['/v1/credentials', jsonRequest('PUT', {})],
    ['/v1/devices', {}],
    [`/v1/devices/${b64(named('d', 16))}/revocation`, jsonRequest('POST', {})],
    ['/v1/rotations?after=0', {}],
    ['/v1/segments', pushRequest(token, [new ReplicaLog('a').next(named('x'))])],
    [`/v1/segments?after=0&chain=${ZEROS}`, {}],
    ['/v1/segments/index?from=1', {}],
    ['/v1/segments/common', segments('POST', encodeMarks([]))],
    ['/v1/segments/merged', jsonRequest('POST', {})],
    ['/v1/segments/merged/m/0', segments('PUT', new Uint8Array(1))],
    ['/v1/segments/merged/m', jsonRequest('POST', {})],
    ['/v1/status', {}],
    ['/v1/codes', jsonRequest('POST', {})],
    [share, { method: 'PUT', headers: { 'content-type': SHARE_MEDIA_TYPE }, body: 'x' }],
    [share, { method: 'DELETE' }],
  ]
  for (const [path, init] of requests) {
    const as = (of: string) =>
      server.request(path, { ...init, headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${of}` } })
    expect([path, await problem(await as(token))]).toMatchObject([path, { status: 410, code: 'vault-removed' }])
    expect([path, await problem(await as(b64(named('never'))))]).toMatchObject([path, { status: 401, code: 'unauthorized' }])
  }
})

test('[VAULT-1] [KEY-3] a stolen token removes nothing: the auth key is asked for, and guesses at it are bounded', async () => {
  const server = inProcess()
  const [token, second] = [await signedUp(server), await signedUp(server, 'second')]
  const remove = async (path: string, init: RequestInit) => problem(await server.request(path, init))
  expect(await remove('/v1/vaults/main', jsonRequest('DELETE', {}, token))).toMatchObject({ status: 400, code: 'bad-request' })
  expect(await remove('/v1/vaults/main', { method: 'DELETE', ...bearer(token) })).toMatchObject({ status: 415 })
  // Other names are answered alike, whether or not there is such a vault.
  for (const name of ['second', 'nobody', 'MAIN', 'x%20y']) {
    expect(await remove(`/v1/vaults/${name}`, removal(token))).toMatchObject({ status: 403, code: 'forbidden' })
  }
  for (let n = 0; n < 5; n++)
    expect(await remove('/v1/vaults/main', removal(token, 'wrong'))).toMatchObject({ status: 401, code: 'wrong-credentials' })
  expect(await remove('/v1/vaults/main', removal(token))).toMatchObject({ status: 429, code: 'too-many-attempts', retryAfter: 900 })
  expect((await server.request('/v1/status', bearer(token))).status).toBe(200)
  // Another vault's devices are not held up, and their vault is their own.
  expect((await server.request('/v1/vaults/second', removal(second, 'auth second'))).status).toBe(204)
  expect((await server.request('/v1/status', bearer(token))).status).toBe(200)
  server.time.now += 15 * 60_000
  expect((await server.request('/v1/vaults/main', removal(token))).status).toBe(204)
})

test('[VAULT-1] [KEY-5] after a removal the name is as one that never was: a made-up header, a wrong password', async () => {
  const server = inProcess()
  const header = async (name: string) => (await (await server.request(`/v1/vaults/${name}`)).json()) as { vaultId: string }
  const before = await header('main')
  const token = await signedUp(server)
  expect(await header('main')).not.toEqual(before)
  // Four wrong ones: the fifth would be refused from here on.
  for (let n = 0; n < 4; n++)
    await server.request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody('main', 'x', { authKey: b64(named('no')) })))
  await server.request('/v1/vaults/main', removal(token))
  expect(await header('main')).toEqual(before)
  const signInAgain = () => server.request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody()))
  for (let n = 0; n < 5; n++) expect(await problem(await signInAgain())).toMatchObject({ status: 401, code: 'wrong-credentials' })
  expect(await problem(await signInAgain())).toMatchObject({ status: 429 })
})

test('[VAULT-1] its shares and codes end with it; dialects and other vaults keep all', async () => {
  const server = inProcess({}, { dialects: [createDifflog({ slowHash: { iterations: 1 } })] })
  const [token, other] = [await signedUp(server), await signedUp(server, 'second')]
  const paths = { main: `/v1/shares/${b64(named('one', 16))}`, second: `/v1/shares/${b64(named('two', 16))}` }
  const codes: Record<string, string> = {}
  for (const [name, of] of [
    ['main', token],
    ['second', other],
  ] as const) {
    const headers = { authorization: `Bearer ${of}`, 'content-type': SHARE_MEDIA_TYPE }
    await server.request(paths[name], { method: 'PUT', body: name, headers })
    const made = await server.request('/v1/codes', jsonRequest('POST', { server: 'https://a.example', vault: name }, of))
    codes[name] = ((await made.json()) as { code: string }).code
  }
  const profile = { id: 'p', name: 'p', password_hash: hashOf('mine'), encrypted_api_key: 'a2V5cw==', salt: 'salt' }
  expect((await server.request('/api/profile/create', jsonRequest('POST', profile))).status).toBe(201)
  await server.request('/v1/vaults/main', removal(token))
  const statuses = async (...asked: string[]) => Promise.all(asked.map(async (path) => (await server.request(path)).status))
  expect(await statuses(paths.main, `/v1/codes/${codes['main']}`)).toEqual([404, 404])
  expect(await statuses(paths.second, `/v1/codes/${codes['second']}`, '/api/share/p')).toEqual([200, 200, 200])
})

test('[VAULT-1] requests under way with a removal are answered 200 or 410, and reach no vault that is made after it', async () => {
  const server = inProcess()
  for (let round = 0; round < 10; round++) {
    // A network makes no more than ten vaults an hour.
    server.time.now += 60 * 60_000
    const token = await signedUp(server)
    const phone = await signIn(server, 'main', 'phone')
    const pushes = Array.from({ length: 6 }, (_, n) =>
      server.request('/v1/segments', pushRequest(n % 2 ? token : phone, [new ReplicaLog(`${n}`).next(named('x'))])),
    )
    const [removed, ...answers] = await Promise.all([
      server.request('/v1/vaults/main', removal(token)),
      ...pushes,
      server.request('/v1/status', bearer(phone)),
      server.request('/v1/devices', bearer(phone)),
      server.request(`/v1/segments?after=0&chain=${ZEROS}`, bearer(phone)),
    ])
    expect(removed.status).toBe(204)
    for (const answer of answers) expect([200, 410]).toContain(answer.status)
    const next = await signedUp(server)
    expect(await (await server.request('/v1/status', bearer(next))).json()).toMatchObject({ head: 0, segments: 0, bytes: 0 })
    expect((await server.request('/v1/vaults/main', removal(next))).status).toBe(204)
  }
  expect(await (await server.request('/metrics')).text()).toMatch(
    /lockstep_errors_total Unexpected errors\.\n# TYPE lockstep_errors_total counter\n#/,
  )
})

test('[VAULT-1] a pull that is on its way breaks off, and is not taken for a whole one', async () => {
  const server = inProcess()
  const token = await signedUp(server)
  const log = new ReplicaLog('a')
  const records = Array.from({ length: 12 }, (_, n) => log.next(new Uint8Array(400_000).fill(n)))
  expect((await server.request('/v1/segments', pushRequest(token, records))).status).toBe(200)
  const pull = await server.request(`/v1/segments?after=0&chain=${ZEROS}`, bearer(token))
  const reader = (pull.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  await server.request('/v1/vaults/main', removal(token))
  const rest = async () => {
    for (;;) if ((await reader.read()).done) return
  }
  await expect(rest()).rejects.toThrow('removed')
})

test('[VAULT-1] [KEY-7] a single server takes a first sign-up again; off loopback with the set-up token, which it prints when it starts', async () => {
  const loopback = inProcess({ signUp: 'single' })
  const token = await signedUp(loopback)
  const signUpAgain = (server: InProcess) => server.request('/v1/vaults', jsonRequest('POST', signUpBody('next')))
  expect(await problem(await signUpAgain(loopback))).toMatchObject({ code: 'sign-up-closed' })
  await loopback.request('/v1/vaults/main', removal(token))
  expect((await signUpAgain(loopback)).status).toBe(201)

  const data = temporaryFolder()
  const first = await running({ data, publicUrl: 'https://sync.example' })
  const post = ({ url }: { url: string }, setupToken: string | undefined) =>
    fetch(`${url}/v1/vaults`, jsonRequest('POST', { ...signUpBody(), setupToken }))
  expect((await post(first, first.setupToken)).status).toBe(201)
  await first.close()
  const second = await running({ data, publicUrl: 'https://sync.example' })
  expect(second.setupToken).toBeUndefined()
  const { token: own } = (await (
    await fetch(`${second.url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody()))
  ).json()) as WireSession
  expect((await fetch(`${second.url}/v1/vaults/main`, removal(own))).status).toBe(204)
  for (const guess of [undefined, first.setupToken])
    expect(await problem(await post(second, guess))).toMatchObject({ code: 'setup-token-required' })
  await second.close()
  const third = await running({ data, publicUrl: 'https://sync.example' })
  expect(third.setupToken).toBeDefined()
  expect((await post(third, third.setupToken)).status).toBe(201)
})

test('[VAULT-1] a device that stayed away is told for at least 180 days, over restarts, and is then a stranger', async () => {
  const data = temporaryFolder()
  let now = Date.UTC(2026, 0, 1)
  const first = await running({ data }, { clock: () => now })
  const { token } = await signUp(first.url)
  expect((await fetch(`${first.url}/v1/vaults/main`, removal(token))).status).toBe(204)
  await first.close()
  for (const [days, code] of [
    [180 - 1, 'vault-removed'],
    [180 + 1, 'unauthorized'],
  ] as const) {
    now = Date.UTC(2026, 0, 1) + days * DAY
    const again = await running({ data }, { clock: () => now })
    expect(await problem(await fetch(`${again.url}/v1/status`, bearer(token)))).toMatchObject({ code })
    await again.close()
  }
})
