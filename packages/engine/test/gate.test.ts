/** What a client shows a gate, and how it knows a gate's answer from a server's and from a hotel's. */
import { describe, expect, test } from 'vitest'
import { EngineError } from '#errors'
import { type GatePass, gated, readPass } from '#gate'
import type { HttpRequest } from '#http'
import { Remote } from '#remote'
import { answer } from './support/log-server.ts'
import { codeOf } from './support/vaults.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const SERVER = 'https://notes.example.org/sub'
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const token = (claims: unknown) => `${encode({ alg: 'RS256' })}.${encode(claims)}.c2ln`
const ACCESS = token({ iss: 'https://example.cloudflareaccess.com', exp: NOW / 1000 + 60 })
const OIDC = token({ iss: 'https://id.example.org', exp: NOW / 1000 + 60 })
const SERVICE = { clientId: 'abc.access', clientSecret: 'secret' }

interface Given {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly hidden?: boolean
}

/** A client whose server gives one answer to everything. */
function client({ status, headers = {}, body = '', hidden = false }: Given, pass?: GatePass, server = SERVER) {
  const requests: HttpRequest[] = []
  let passed = 0
  const gate = gated({
    http: async (request) => {
      requests.push(request)
      return { ...answer(status, Buffer.from(body)), hidden, header: (name) => headers[name] }
    },
    server,
    pass,
    now: () => NOW,
    onPassed: async () => {
      passed += 1
    },
  })
  const remote = new Remote({ server, http: gate.http })
  const failure = async () => {
    try {
      await remote.serverInfo()
    } catch (error) {
      if (error instanceof EngineError) return error
      throw error
    }
    throw new Error('it passed')
  }
  return { gate, remote, requests, failure, passed: () => passed }
}

describe('what is shown', () => {
  test('a token of Access as its cookie, others as a header, a service token as two', () => {
    expect(readPass({ accessToken: ACCESS })).toEqual({
      headers: { cookie: `CF_Authorization=${ACCESS}` },
      expiresAt: NOW + 60_000,
    })
    expect(readPass({ accessToken: OIDC }).headers).toEqual({ 'lockstep-gate-token': OIDC })
    expect(readPass({ service: SERVICE })).toEqual({
      headers: { 'cf-access-client-id': 'abc.access', 'cf-access-client-secret': 'secret' },
      expiresAt: undefined,
    })
    expect(Object.keys(readPass({ accessToken: ACCESS, service: SERVICE }).headers)).toHaveLength(3)
    expect(readPass({})).toEqual({ headers: {}, expiresAt: undefined })
  })

  test('an issuer that only looks like Access gets its token as any other', () => {
    const issuers = [
      'https://example.cloudflareaccess.com.evil.example',
      'https://evilcloudflareaccess.com',
      'example.cloudflareaccess.com',
      7,
      null,
    ]
    for (const iss of issuers) expect(readPass({ accessToken: token({ iss }) }).headers).toHaveProperty('lockstep-gate-token')
  })

  test('what cannot stand in a header is refused before it is used', () => {
    for (const accessToken of ['', 'a.b', 'a.b.c', 'opaque', `${OIDC}\r\nx: y`, `${OIDC} `, `${OIDC}.x`, token(null), token('x')]) {
      expect(() => readPass({ accessToken }), accessToken).toThrow(EngineError)
    }
    for (const part of ['', 'a b', 'a\nb', 'ä', 'x'.repeat(1025)]) {
      expect(() => readPass({ service: { ...SERVICE, clientId: part } }), part).toThrow(EngineError)
      expect(() => readPass({ service: { ...SERVICE, clientSecret: part } }), part).toThrow(EngineError)
    }
  })

  test('it goes with every request and with the handshake, beside the session', async () => {
    const { gate, remote, requests, passed } = client({ status: 204 }, { accessToken: OIDC, service: SERVICE })
    await remote.signOut('session-token')
    await remote.signOut('session-token')
    for (const { headers } of requests) {
      expect(headers).toEqual({
        authorization: 'Bearer session-token',
        'lockstep-gate-token': OIDC,
        'cf-access-client-id': 'abc.access',
        'cf-access-client-secret': 'secret',
      })
    }
    expect(gate.headers()).not.toHaveProperty('authorization')
    expect(requests).toHaveLength(2)
    expect(passed()).toBe(1)
  })

  test('answers that come while it is being kept wait for that', async () => {
    const kept = Promise.withResolvers<void>()
    const http = async () => answer(200, new Uint8Array(0))
    const gate = gated({ http, server: SERVER, pass: { accessToken: OIDC }, now: () => NOW, onPassed: () => kept.promise })
    let answered = 0
    const request = { method: 'GET', url: `${SERVER}/v1/server`, headers: {} } as const
    const both = [1, 2].map(async () => {
      await gate.http(request)
      answered += 1
    })
    await new Promise(setImmediate)
    expect(answered).toBe(0)
    kept.resolve()
    await Promise.all(both)
    expect(answered).toBe(2)
  })

  test('after its end nothing is sent any more', async () => {
    const accessToken = token({ iss: 'https://id.example.org', exp: NOW / 1000 })
    const { gate, failure, requests } = client({ status: 204 }, { accessToken })
    const { code, message } = await failure()
    expect(code).toBe('gate-refused')
    expect(message).toContain('expired on 2026-11-21 12:00 UTC')
    expect(message).not.toContain(accessToken)
    expect(() => gate.headers()).toThrow(EngineError)
    expect(requests).toEqual([])
  })
})

const html = { 'content-type': 'text/html; charset=utf-8' }
const LOGIN = 'https://example.cloudflareaccess.com/cdn-cgi/access/login/notes.example.org?kid=1&redirect_url=%2Fv1'
const problem = (code: string, extra = {}) => ({
  headers: { 'content-type': 'application/problem+json' },
  body: JSON.stringify({ type: `urn:lockstep:problem:${code}`, title: code, status: 401, code, detail: 'in a sentence', ...extra }),
})

/** Answers of Cloudflare's edge, which it gives with and without a token, over HTTP too. */
const CLOUDFLARE: readonly [what: string, answer: Given][] = [
  ['to its login page', { status: 302, headers: { location: LOGIN } }],
  ['to its login page on the application’s own host', { status: 302, headers: { location: '/cdn-cgi/access/login?x' } }],
  [
    '401 with its challenge',
    { status: 401, headers: { ...html, 'www-authenticate': 'Cloudflare-Access resource_metadata="https://x"' } },
  ],
  ['403 with its marks', { status: 403, headers: { ...html, 'cf-ray': '8f-AMS', 'cf-access-domain': 'notes.example.org' } }],
  [
    '403 of a service token that it does not know',
    { status: 403, headers: { ...html, 'cf-access-aud': 'aud', 'cf-ray': '8f-AMS' } },
  ],
]
/** Answers that may be a gate's. */
const PERHAPS: readonly [what: string, answer: Given][] = [
  ['to a login page elsewhere', { status: 302, headers: { location: 'https://login.example.org/?rd=x' } }],
  ['to a login page elsewhere, as a GET', { status: 303, headers: { location: '//login.example.org/' } }],
  ['to the pages of a proxy that signs in', { status: 307, headers: { location: '/oauth2/start?rd=%2F' } }],
  ['to where a browser does not tell', { status: 302, hidden: true }],
  ['a page with 403', { status: 403, headers: html }],
  ['401 and nothing else', { status: 401 }],
]
/** Answers that are none. */
const NEVER: readonly [what: string, code: string, answer: Given][] = [
  ['another address of the same server', 'server-refused', { status: 302, headers: { location: '/app/' } }],
  ['a server that has moved', 'server-refused', { status: 301, headers: { location: 'https://new.example.org/' } }],
  ['a redirect to nowhere', 'server-refused', { status: 302 }],
  ['a redirect to no address', 'server-refused', { status: 302, headers: { location: 'https://' } }],
  ['no such page', 'server-refused', { status: 404, headers: { ...html, 'cf-ray': '8f-AMS' } }],
  ['a page of Cloudflare while the server is down', 'offline', { status: 502, headers: { ...html, 'cf-ray': '8f-AMS' } }],
  ['a hotel’s page', 'server-refused', { status: 200, headers: html }],
  ['a session that has ended', 'needs-password', { status: 401, ...problem('unauthorized') }],
  ['a wrong password', 'wrong-credentials', { status: 403, ...problem('wrong-credentials') }],
  ['a gate that cannot check now', 'offline', { status: 503, ...problem('gate-unavailable') }],
]

describe('whose answer it is', () => {
  test.each(CLOUDFLARE)('Cloudflare’s: %s', async (_what, given) => {
    for (const server of [SERVER, 'http://notes.example.org']) {
      for (const pass of [undefined, { accessToken: ACCESS }]) {
        const { failure, passed } = client(given, pass, server)
        const { code, message } = await failure()
        expect(code).toBe('gate-refused')
        expect(message).toContain('Cloudflare Access')
        expect(message).toContain(pass === undefined ? 'wants an access token' : 'does not take')
        expect(passed()).toBe(0)
      }
    }
  })

  test.each(PERHAPS)(
    'a gate’s where it cannot be forged or was shown something, else perhaps a hotel’s: %s',
    async (_what, given) => {
      expect(await client(given).failure()).toMatchObject({ code: 'gate-refused' })
      expect(await client(given, { accessToken: OIDC }, 'http://notes.example.org').failure()).toMatchObject({
        code: 'gate-refused',
      })
      expect(await client(given, undefined, 'http://notes.example.org').failure()).toMatchObject({ code: 'server-refused' })
    },
  )

  test.each(NEVER)('not a gate’s: %s', async (_what, code, given) => {
    expect(await client(given).failure()).toMatchObject({ code })
    expect(await client(given, { accessToken: OIDC }).failure()).toMatchObject({ code })
  })

  test('our own server’s gate says why in its own words', async () => {
    for (const reason of ['missing', 'expired', 'refused']) {
      const { failure } = client({ status: 401, ...problem('gate-refused', { reason }) }, { accessToken: OIDC })
      expect(await failure()).toMatchObject({ code: 'gate-refused', message: 'in a sentence', members: { reason } })
    }
  })

  test('a pass is kept at the first answer of the server, not before', async () => {
    const refused = client({ status: 401, ...problem('gate-refused') }, { accessToken: OIDC })
    expect(await codeOf(() => refused.remote.serverInfo())).toBe('gate-refused')
    expect(refused.passed()).toBe(0)
  })
})
