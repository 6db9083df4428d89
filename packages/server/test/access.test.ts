/**
 * The access matrix: every route of the router × every kind of caller. A route without an entry fails, so nobody can
 * add one without saying who may use it.
 */
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { encodeMarks, encodePush } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import type { Storage, VaultKey } from '#storage/storage'
import { b64, bearer, jsonRequest, named, ReplicaLog, sha256, signInBody, signUpBody } from './client.ts'
import { inProcess } from './in-process.ts'
import type { WireSession } from './running.ts'

const CALLERS = ['none', 'garbage', 'ended', 'other vault', 'other device', 'revoked device', 'own'] as const
type Caller = (typeof CALLERS)[number]

interface Entry {
  readonly path?: string
  readonly init?: RequestInit
  /** Status for a caller with a session, and for one without. */
  readonly signedIn: number
  readonly signedOut: number
}

const change = {
  currentAuthKey: b64(named('auth main')),
  suite: 'argon2id-64m-3',
  salt: b64(named('s', 16)),
  authKey: b64(named('new')),
  replaces: 2,
  bundle: { version: 3, sealed: b64(named('b')) },
}
/** Of the device that is called "tablet". */
const revocation = { ...change, epoch: 3, rotation: b64(named('rotation')), head: 0, chain: b64(new Uint8Array(32)) }
const push: RequestInit = {
  method: 'POST',
  // The epoch that revoking a device opens below.
  body: encodePush([{ ...new ReplicaLog('a').next(named('x')), epoch: 2 }]),
  headers: { 'content-type': SEGMENTS_MEDIA_TYPE },
}
const seeds = { type: 'seed', head: 0, chain: b64(new Uint8Array(32)) }

const MATRIX: Record<string, Entry> = {
  'GET /': { signedIn: 200, signedOut: 200 },
  'GET /healthz': { signedIn: 200, signedOut: 200 },
  // From this machine anybody may read metrics, but a token that is not the metrics token is refused.
  'GET /metrics': { signedIn: 403, signedOut: 200 },
  'GET /v1/server': { signedIn: 200, signedOut: 200 },
  'POST /v1/vaults': { init: jsonRequest('POST', signUpBody('third')), signedIn: 201, signedOut: 201 },
  'GET /v1/vaults/:name': { path: '/v1/vaults/main', signedIn: 200, signedOut: 200 },
  'POST /v1/vaults/:name/sessions': {
    path: '/v1/vaults/main/sessions',
    init: jsonRequest('POST', signInBody('main', 'new')),
    signedIn: 201,
    signedOut: 201,
  },
  'DELETE /v1/session': { init: { method: 'DELETE' }, signedIn: 204, signedOut: 401 },
  'GET /v1/credentials': { signedIn: 200, signedOut: 401 },
  'PUT /v1/credentials': { init: jsonRequest('PUT', change), signedIn: 200, signedOut: 401 },
  'POST /v1/devices/:id/revocation': {
    path: `/v1/devices/${b64(named('device tablet', 16))}/revocation`,
    init: jsonRequest('POST', revocation),
    signedIn: 200,
    signedOut: 401,
  },
  'GET /v1/rotations': { path: '/v1/rotations?after=0', signedIn: 200, signedOut: 401 },
  'GET /v1/devices': { signedIn: 200, signedOut: 401 },
  'POST /v1/segments': { init: push, signedIn: 200, signedOut: 401 },
  'GET /v1/segments': { path: `/v1/segments?after=0&chain=${'0'.repeat(64)}`, signedIn: 200, signedOut: 401 },
  'GET /v1/segments/index': { path: '/v1/segments/index?from=1', signedIn: 200, signedOut: 401 },
  'POST /v1/segments/common': {
    init: { method: 'POST', headers: { 'content-type': SEGMENTS_MEDIA_TYPE }, body: encodeMarks([]) },
    signedIn: 200,
    signedOut: 401,
  },
  'POST /v1/segments/merged': { init: jsonRequest('POST', seeds), signedIn: 201, signedOut: 401 },
  // Somebody's merge: nobody else has it.
  'PUT /v1/segments/merged/:merge/:part': {
    path: '/v1/segments/merged/some-merge/0',
    init: { ...push, method: 'PUT' },
    signedIn: 404,
    signedOut: 401,
  },
  'POST /v1/segments/merged/:merge': {
    path: '/v1/segments/merged/some-merge',
    init: jsonRequest('POST', { parts: 1 }),
    signedIn: 404,
    signedOut: 401,
  },
  'GET /v1/status': { signedIn: 200, signedOut: 401 },
  // The token of a live connection is in its first message.
  'GET /v1/live': { signedIn: 400, signedOut: 400 },
}

/** A server with two vaults and, in the first, a device of each kind. */
async function cast() {
  const subject = inProcess()
  const make = async (path: string, body: unknown) => {
    const response = await subject.request(path, jsonRequest('POST', body), '203.0.113.9')
    if (response.status !== 201) throw new Error(`${path}: ${response.status}`)
    return ((await response.json()) as WireSession).token
  }
  /** Through the storage: the vault's epoch is 2 afterwards, its bundle's version 2. */
  const revokeDevice = async (storage: Storage, vault: VaultKey, deviceId: Uint8Array) => {
    const stored = await storage.vaultByKey(vault)
    const position = await storage.position(vault)
    const outcome = await storage.revokeDevice({
      ...stored,
      ...position,
      vault,
      replaces: 1,
      bundle: { version: 2, sealed: named('after') },
      keep: named('nobody'),
      deviceId,
      epoch: 2,
      rotation: named('rotation'),
      now: subject.time.now,
    })
    expect(outcome.outcome).toBe('revoked')
  }
  const signIn = (device: string) => make('/v1/vaults/main/sessions', signInBody('main', device))
  const own = await make('/v1/vaults', signUpBody('main', 'laptop'))
  const otherVault = await make('/v1/vaults', signUpBody('second', 'laptop'))
  const otherDevice = await signIn('phone')
  await signIn('tablet')
  const revoked = await signIn('stolen')
  const ended = await signIn('gone')
  expect((await subject.request('/v1/session', { method: 'DELETE', ...bearer(ended) })).status).toBe(204)
  const session = await subject.storage.session(sha256(new TextEncoder().encode(revoked)))
  if (session === undefined) throw new Error('there is no session to revoke')
  await revokeDevice(subject.storage, session.vault, session.deviceId)
  const garbage = b64(named('garbage'))
  const tokens: Record<Caller, string | undefined> = {
    none: undefined,
    garbage,
    ended,
    'other vault': otherVault,
    'other device': otherDevice,
    'revoked device': revoked,
    own,
  }
  return { ...subject, tokens }
}

function withToken(init: RequestInit, token: string | undefined): RequestInit {
  if (token === undefined) return init
  return { ...init, headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` } }
}

test('[HTTP-2] every route answers each kind of caller as the matrix says', async () => {
  const { app } = inProcess()
  const routes = app.routes.map(({ method, path }) => `${method} ${path}`)
  expect(routes.sort()).toEqual(Object.keys(MATRIX).sort())
  const wrong: string[] = []
  for (const route of routes) {
    const { path = route.split(' ')[1] as string, init = {}, signedIn, signedOut } = MATRIX[route] as Entry
    for (const caller of CALLERS) {
      const { request, tokens } = await cast()
      const { status } = await request(path, withToken(init, tokens[caller]))
      const hasSession = caller === 'own' || caller === 'other vault' || caller === 'other device'
      // A token without a session behind it is no metrics token either; a password change needs the vault's own password.
      const metrics = route === 'GET /metrics' && caller !== 'none'
      const foreign = (route === 'PUT /v1/credentials' || route.endsWith('/revocation')) && caller === 'other vault'
      const expected = metrics ? 403 : foreign ? 401 : hasSession ? signedIn : signedOut
      if (status !== expected) wrong.push(`${route} by ${caller}: ${status}, not ${expected}`)
    }
  }
  expect(wrong).toEqual([])
  console.log(`access matrix: ${routes.length} routes × ${CALLERS.length} callers`)
})

test('[HTTP-2] what one vault pushes, no other vault sees', async () => {
  const { request, tokens } = await cast()
  const token = (caller: Caller) => bearer(tokens[caller] as string)
  expect((await request('/v1/segments', withToken(push, tokens.own))).status).toBe(200)
  const status = async (caller: Caller) => (await (await request('/v1/status', token(caller))).json()) as { head: number }
  expect([(await status('own')).head, (await status('other device')).head, (await status('other vault')).head]).toEqual([1, 1, 0])
  const devices = (await (await request('/v1/devices', token('other vault'))).json()) as { devices: { name: string }[] }
  expect(devices.devices.map(({ name }) => name)).toEqual(['laptop'])
})

test('a revoked device that knows the password still gets no session', async () => {
  const { request } = await cast()
  const refused = await request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody('main', 'stolen')))
  expect(refused.status).toBe(403)
})

test('metrics are for this machine, the metrics token, and nobody behind a proxy', async () => {
  const { request } = inProcess({ metricsToken: 'a-token-for-prometheus' })
  const status = async (init: RequestInit, peer?: string) => (await request('/metrics', init, peer)).status
  expect(await status({})).toBe(200)
  expect(await status({}, '192.0.2.1')).toBe(403)
  expect(await status({ headers: { 'x-forwarded-for': '127.0.0.1' } })).toBe(403)
  expect(await status(bearer('a-token-for-prometheus'), '192.0.2.1')).toBe(200)
  expect(await status(bearer('another-token'), '192.0.2.1')).toBe(403)
})
