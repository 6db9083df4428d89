/**
 * The access matrix: every route of the router × every kind of caller, and all of that × every kind of token at the gate. A route
 * without an entry fails, so nobody can add one without saying who may use it.
 */
import { expect, test } from 'vitest'
import { createAccessGate } from '#auth/access'
import type { Gate } from '#auth/gate'
import { openFolderBlobs } from '#blobs/fs/fs'
import { createDataans } from '#dialects/dataans/dataans'
import { createDifflog } from '#dialects/difflog/difflog'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import type { Storage, VaultKey } from '#storage/storage'
import type { WebFile } from '#web-app'
import { AUD, startIssuer, TEAM } from '../../../tests/support/issuer.ts'
import {
  DATAANS,
  DIFFLOG,
  type DifflogEntry,
  MATRIX,
  PASSWORD_HASHES,
  PRESENTED,
  type Presented,
  profile,
  push,
} from './access-entries.ts'
import { b64, bearer, jsonRequest, named, sha256, signInBody, signUpBody } from './client.ts'
import { hashOf } from './difflog/support.ts'
import { type InProcess, inProcess, random } from './in-process.ts'
import { temporaryFolder, type WireSession } from './running.ts'
import { webFiles } from './web-files.ts'

const CALLERS = ['none', 'garbage', 'ended', 'other vault', 'other device', 'revoked device', 'own'] as const
type Caller = (typeof CALLERS)[number]

interface Behind {
  readonly gate: Gate
  /** Headers that pass it. */
  readonly good: Readonly<Record<string, string>>
}

interface Stage extends InProcess {
  /** Without what the gate wants. */
  readonly outside: InProcess['request']
  /** How often the storage was asked anything. */
  readonly asked: () => number
}

let web: WebFile[] | undefined

/** Everything that a server can have. */
function stage(behind?: Behind): Stage {
  web ??= webFiles()
  const blobs = openFolderBlobs({ folder: temporaryFolder() })
  const dialects = [
    createDataans({ blobs, random, fileBytes: 1000, quotaBytes: 0 }),
    createDifflog({ slowHash: { iterations: 1 } }),
  ]
  let asked = 0
  const counted = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) return counted(value)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          asked += 1
          return value.apply(target, args)
        }
      },
    })
  const storage = counted(openSqliteStorage({ random }))
  const subject = inProcess({}, { dialects, storage, gate: behind?.gate, web })
  const request: InProcess['request'] = (path, init = {}, peer) => {
    return subject.request(path, { ...init, headers: { ...(init.headers as Record<string, string>), ...behind?.good } }, peer)
  }
  return { ...subject, request, outside: subject.request, asked: () => asked }
}

/** Two profiles, the first with a public diff. */
async function withProfiles(behind?: Behind): Promise<Stage> {
  const subject = stage(behind)
  const made = async (path: string, body: unknown) => {
    const { status } = await subject.request(path, jsonRequest('POST', body))
    if (status >= 300) throw new Error(`${path}: ${status}`)
  }
  await made('/api/profile/create', profile('p', hashOf('mine')))
  await made('/api/profile/create', profile('q', hashOf('theirs')))
  const diffs = [{ id: 'public', encrypted_data: '{"content":"x"}' }]
  await made('/api/profile/p/sync', { password_hash: hashOf('mine'), diffs })
  return subject
}

function difflogRequest(route: string, { path, body }: DifflogEntry, presented: Presented): readonly [string, RequestInit] {
  const method = route.split(' ')[0] as string
  const password = PASSWORD_HASHES[presented]
  const full = path.endsWith('?password_hash=')
    ? password === undefined
      ? path.split('?')[0]
      : path + encodeURIComponent(password)
    : path
  return [full as string, body === undefined ? { method } : jsonRequest(method, body(password))]
}

/** A server with two vaults and, in the first, a device of each kind. */
async function cast(behind?: Behind) {
  const subject = stage(behind)
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

/** What names a vault, or needs its password, is not for another vault's devices. */
const FOREIGN: Readonly<Record<string, number>> = {
  'PUT /v1/credentials': 401,
  'POST /v1/devices/:id/revocation': 401,
  'DELETE /v1/vaults/:name': 403,
  'POST /v1/codes': 403,
}

/** What is not as the matrix says, and how many requests that took. */
async function compare(behind?: Behind): Promise<{ wrong: string[]; requests: number }> {
  const wrong: string[] = []
  let requests = 0
  const check = (what: string, status: number, expected: number) => {
    requests += 1
    if (status !== expected) wrong.push(`${what}: ${status}, not ${expected}`)
  }
  for (const [route, entry] of Object.entries(MATRIX)) {
    const { path = route.split(' ')[1] as string, init = {}, signedIn, signedOut } = entry
    for (const caller of CALLERS) {
      const { request, tokens } = await cast(behind)
      const { status } = await request(path, withToken(init, tokens[caller]))
      const hasSession = caller === 'own' || caller === 'other vault' || caller === 'other device'
      // A token without a session behind it is no metrics token either.
      const metrics = route === 'GET /metrics' && caller !== 'none'
      const foreign = caller === 'other vault' ? FOREIGN[route] : undefined
      check(`${route} by ${caller}`, status, metrics ? 403 : (foreign ?? (hasSession ? signedIn : signedOut)))
    }
  }
  for (const [route, { path = route.split(' ')[1] as string, init = {}, status: expected }] of Object.entries(DATAANS)) {
    for (const token of [undefined, b64(named('garbage'))]) {
      const { request } = stage(behind)
      check(route, (await request(path, withToken(init, token))).status, expected)
    }
  }
  for (const [route, entry] of Object.entries(DIFFLOG)) {
    for (const presented of PRESENTED) {
      const { request } = await withProfiles(behind)
      const { status } = await request(...difflogRequest(route, entry, presented))
      const { own, none } = typeof entry.status === 'number' ? { own: entry.status, none: entry.status } : entry.status
      const isWrong = typeof entry.status !== 'number' && (presented === 'wrong password' || presented.startsWith('password of'))
      check(`${route} with ${presented}`, status, isWrong ? 401 : presented === 'no password' ? none : own)
    }
  }
  return { wrong, requests }
}

test('[HTTP-2] [G15] every route answers each kind of caller as the matrix says', async () => {
  const routes = stage().app.routes.map(({ method, path }) => `${method} ${path}`)
  expect(routes.sort()).toEqual([MATRIX, DATAANS, DIFFLOG].flatMap((entries) => Object.keys(entries)).sort())
  const { wrong, requests } = await compare()
  expect(wrong).toEqual([])
  console.log(`access matrix: ${routes.length} routes, ${requests} requests`)
})

/** Cloudflare Access, and the tokens that people come with. */
async function accessGate(): Promise<{ behind: Behind; tokens: Record<string, Readonly<Record<string, string>>> }> {
  const now = () => Date.UTC(2026, 0, 1)
  const issuer = await startIssuer(now)
  const gate = createAccessGate({ team: TEAM, audiences: [AUD], certsUrl: issuer.certsUrl, fetch, clock: now })
  const header = (token: string) => ({ 'cf-access-jwt-assertion': token })
  const good = header(issuer.accessToken())
  const tokens = {
    none: {},
    expired: header(issuer.accessToken({ iat: issuer.seconds(-7200), nbf: issuer.seconds(-7200), exp: issuer.seconds(-120) })),
    'wrong audience': header(issuer.accessToken({ aud: ['another application'] })),
  }
  return { behind: { gate, good }, tokens }
}

const UNGATED: Readonly<Record<string, number>> = {
  'GET /healthz': 200,
  'GET /metrics': 200,
  'GET /health': 200,
  'GET /s/:id': 200,
  'GET /v1/shares/:id': 404,
  'GET /assets/index-0a1b2c3d.js': 200,
  'GET /assets/sqlite3-0a1b2c3d.wasm': 200,
}

test('[HTTP-4] [G15] behind a gate nobody reaches a route without a good token, whoever they are, and nothing is looked up', async () => {
  const { behind, tokens: atGate } = await accessGate()
  const { outside, asked, tokens } = await cast(behind)
  const requests = [
    ...Object.entries(MATRIX).flatMap(([route, { path = route.split(' ')[1] as string, init = {} }]) =>
      CALLERS.map(
        (caller) => [route, caller, path, withToken({ method: route.split(' ')[0] as string, ...init }, tokens[caller])] as const,
      ),
    ),
    ...Object.entries(DATAANS).map(([route, { path = route.split(' ')[1] as string, init = {} }]) => {
      return [route, 'anybody', path, { method: route.split(' ')[0] as string, ...init }] as const
    }),
    ...Object.entries(DIFFLOG).flatMap(([route, entry]) =>
      PRESENTED.map((presented) => [route, presented, ...difflogRequest(route, entry, presented)] as const),
    ),
  ].filter(([route]) => !(route in UNGATED))
  const before = asked()
  const wrong: string[] = []
  for (const [name, headers] of Object.entries(atGate)) {
    const reason = name === 'none' ? 'missing' : name === 'expired' ? 'expired' : 'refused'
    for (const [route, caller, path, init] of requests) {
      const answer = await outside(path, { ...init, headers: { ...(init.headers as Record<string, string>), ...headers } })
      const body = (await answer.json()) as { code?: string; reason?: string; error?: string }
      const native = answer.status === 401 && body.code === 'gate-refused' && body.reason === reason
      const dialect = answer.status === (route in DATAANS ? 401 : 403) && typeof body.error === 'string'
      if (route in MATRIX ? !native : !dialect) wrong.push(`${route} by ${caller}, ${name} at the gate: ${answer.status}`)
    }
  }
  expect(wrong).toEqual([])
  expect(asked()).toBe(before)
  expect(requests.length).toBeGreaterThan(200)
  for (const [route, status] of Object.entries(UNGATED)) {
    const path = MATRIX[route]?.path ?? (route.split(' ')[1] as string)
    expect([route, (await outside(path)).status]).toEqual([route, status])
  }
  console.log(`access matrix: ${requests.length} requests × ${Object.keys(atGate).length} bad tokens at the gate`)
})

test('[HTTP-4] [G15] who passes the gate is answered as if there were none', async () => {
  const { behind } = await accessGate()
  expect((await compare(behind)).wrong).toEqual([])
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
