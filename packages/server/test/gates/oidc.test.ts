import { describe, expect, test } from 'vitest'
import { createOidcGate } from '#auth/oidc'
import {
  ACCESS_ISSUER,
  AUD,
  hmacToken,
  type Issuer,
  newKey,
  OIDC_AUDIENCE,
  publicJwk,
  signToken,
  unsignedToken,
} from '../../../../tests/support/issuer.ts'
import { accessStage, headers, oidcStage, PASSED } from './stage.ts'

const DEFECTS: readonly [defect: string, reason: 'refused' | 'expired', token: (issuer: Issuer) => string][] = [
  ['alg none', 'refused', (i) => unsignedToken(i.oidcClaims(), { kid: i.key.kid })],
  ['HS256', 'refused', (i) => hmacToken(String(publicJwk(i.key)['n']), i.oidcClaims(), { kid: i.key.kid })],
  ['RS384', 'refused', (i) => signToken({ ...i.key, algorithm: 'RS384' }, i.oidcClaims())],
  ['an algorithm that the key is not for', 'refused', (i) => signToken({ ...i.key, algorithm: 'PS256' }, i.oidcClaims())],
  ['ES256 under the id of an RSA key', 'refused', (i) => signToken(newKey('ES256', { kid: i.key.kid }), i.oidcClaims())],
  ['its own key in jwk', 'refused', (i) => signToken(i.key, i.oidcClaims(), { jwk: publicJwk(i.key) })],
  ['another issuer', 'refused', (i) => i.oidcToken({ iss: 'https://accounts.example.org' })],
  ['the issuer with a slash more', 'refused', (i) => i.oidcToken({ iss: `${i.url}/` })],
  ['another audience', 'refused', (i) => i.oidcToken({ aud: 'notes' })],
  ['several audiences and no azp', 'refused', (i) => i.oidcToken({ aud: [OIDC_AUDIENCE, 'notes'] })],
  ['several audiences, made for another', 'refused', (i) => i.oidcToken({ aud: [OIDC_AUDIENCE, 'notes'], azp: 'notes' })],
  ['an audience in other letters', 'refused', (i) => i.oidcToken({ aud: 'Lockstep' })],
  ['no exp', 'refused', (i) => i.oidcToken({ exp: undefined })],
  ['expired', 'expired', (i) => i.oidcToken({ exp: i.seconds(-1) })],
  ['made in an hour', 'refused', (i) => i.oidcToken({ iat: i.seconds(3600) })],
  ['not valid for an hour yet', 'refused', (i) => i.oidcToken({ nbf: i.seconds(3600) })],
  ['nobody', 'refused', (i) => i.oidcToken({ sub: undefined, email: undefined })],
  ['another person', 'refused', (i) => i.oidcToken({ sub: 'subject-2', email: 'stranger@example.org' })],
  ['a subject in other letters', 'refused', (i) => i.oidcToken({ sub: 'Subject-1', email: undefined })],
  ['a subject that is a list', 'refused', (i) => i.oidcToken({ sub: ['subject-1'], email: undefined })],
]

describe('tokens of an OpenID Connect provider', () => {
  test('[G16] one without a defect passes', async () => {
    const { check, issuer } = await oidcStage()
    expect(await check(issuer.oidcToken())).toBe('passed')
    expect(await check(issuer.oidcToken({ aud: [OIDC_AUDIENCE] }))).toBe('passed')
    expect(await check(issuer.oidcToken({ aud: [OIDC_AUDIENCE, 'notes'], azp: OIDC_AUDIENCE }))).toBe('passed')
    expect(await check(signToken(issuer.key, issuer.oidcClaims(), { typ: 'at+jwt' }))).toBe('passed')
    expect(issuer.asked).toEqual({ keys: 1, discovery: 1 })
  })

  test.each(DEFECTS)('[G16] %s: %s', async (_defect, reason, make) => {
    const { check, issuer } = await oidcStage()
    expect(await check(make(issuer))).toBe(reason)
    expect(await check(issuer.oidcToken())).toBe('passed')
  })

  test('[G16] RS256, PS256 and ES256 are taken', async () => {
    const { check, issuer } = await oidcStage()
    issuer.keys = [newKey('RS256'), newKey('PS256'), newKey('ES256')]
    for (const key of issuer.keys) expect(await check(signToken(key, issuer.oidcClaims())), key.algorithm).toBe('passed')
  })

  test('[G16] a token without a key id passes where there is one key only', async () => {
    const { check, issuer } = await oidcStage()
    issuer.keys = [newKey('RS256', { kid: undefined })]
    expect(await check(issuer.oidcToken())).toBe('passed')
    const two = await oidcStage()
    two.issuer.keys = [newKey('RS256', { kid: undefined }), newKey('RS256', { kid: undefined })]
    for (const key of two.issuer.keys) expect(await two.check(signToken(key, two.issuer.oidcClaims()))).toBe('refused')
  })

  test('[G16] a token of Access is refused here, and one of the provider there', async () => {
    const oidc = await oidcStage({ allow: ['*'] })
    const access = await accessStage()
    // Even where both had the same keys.
    oidc.issuer.keys = access.issuer.keys
    expect(await access.check(access.issuer.accessToken())).toBe('passed')
    expect(await oidc.check(oidc.issuer.oidcToken())).toBe('passed')
    expect(await oidc.check(access.issuer.accessToken())).toBe('refused')
    expect(await access.check(oidc.issuer.oidcToken())).toBe('refused')
    expect(await oidc.check(oidc.issuer.oidcToken({ iss: ACCESS_ISSUER, aud: [AUD] }))).toBe('refused')
    expect(await access.check(access.issuer.accessToken({ iss: oidc.issuer.url, aud: OIDC_AUDIENCE }))).toBe('refused')
  })
})

describe('who may pass', () => {
  const KELVIN = '\u212a'
  const people: readonly [who: string, allow: string, claims: Record<string, unknown>, passes: boolean][] = [
    ['a subject', 'subject-1', { email: undefined }, true],
    ['an address', 'owner@example.org', {}, true],
    ['an address in other letters', 'Owner@Example.ORG', { email: 'oWNER@example.org' }, true],
    ['an address that nobody verified', 'owner@example.org', { email_verified: false }, false],
    ['an address verified in words', 'owner@example.org', { email_verified: 'true' }, false],
    ['an address of unknown standing', 'owner@example.org', { email_verified: undefined }, false],
    ['a letter that folds to another', 'kim@example.org', { email: `${KELVIN}im@example.org` }, false],
    ['an address inside another', 'owner@example.org', { email: 'owner@example.org.evil.example' }, false],
    ['a subject that looks like the address', 'owner@example.org', { sub: 'owner@example.org', email: undefined }, false],
    ['a subject that is an address', 'sub:owner@example.org', { sub: 'owner@example.org', email: undefined }, true],
    ['an address in place of that subject', 'sub:owner@example.org', {}, false],
    ['everybody', '*', { sub: 'anyone', email: undefined }, true],
    ['a subject called *', 'subject-1', { sub: '*', email: undefined }, false],
    ['an empty subject', 'subject-1', { sub: '', email: undefined }, false],
  ]
  test.each(people)('[G16] %s', async (_who, allow, claims, passes) => {
    const { check, issuer } = await oidcStage({ allow: [allow, 'somebody-else'] })
    expect(await check(issuer.oidcToken(claims))).toBe(passes ? 'passed' : 'refused')
  })

  test('[G16] who it is about is not judged before the signature is', async () => {
    const { gate, issuer } = await oidcStage()
    const forged = (sub: string) =>
      signToken(newKey('RS256', { kid: issuer.key.kid }), issuer.oidcClaims({ sub, email: undefined }))
    const [listed, unlisted] = await Promise.all(
      ['subject-1', 'subject-2'].map((sub) => gate.check(headers({ 'lockstep-gate-token': forged(sub) }))),
    )
    expect(listed).toMatchObject({ reason: 'refused' })
    expect(unlisted).toEqual(listed)
  })

  test('a list without anybody is a mistake', () => {
    const options = { issuer: 'https://id.example.org', audience: 'lockstep', fetch: globalThis.fetch, clock: Date.now }
    expect(() => createOidcGate({ ...options, allow: [] })).toThrow(RangeError)
    expect(() => createOidcGate({ ...options, allow: ['a'], audience: '' })).toThrow(RangeError)
    expect(() => createOidcGate({ ...options, allow: ['a'], issuer: 'http://id.example.org' })).toThrow(RangeError)
    expect(() => createOidcGate({ ...options, allow: ['a'], issuer: 'id.example.org' })).toThrow(RangeError)
    expect(createOidcGate({ ...options, allow: ['a'] })).toBeDefined()
  })
})

describe('where the token is', () => {
  test('[G16] in the first of four places', async () => {
    const { gate, issuer } = await oidcStage()
    const good = issuer.oidcToken()
    const bad = issuer.oidcToken({ aud: 'notes' })
    const places: readonly ((token: string) => Record<string, string>)[] = [
      (token) => ({ 'lockstep-gate-token': token }),
      (token) => ({ 'x-forwarded-access-token': token }),
      (token) => ({ authorization: `Bearer ${token}` }),
      (token) => ({ cookie: `a=b; lockstep_gate=${token}` }),
    ]
    for (const [at, place] of places.entries()) {
      const before = Object.assign({}, ...places.slice(0, at).map((each) => each(bad)))
      const after = Object.assign({}, ...places.slice(at + 1).map((each) => each(bad)))
      expect(await gate.check(headers({ ...after, ...place(good) })), `place ${at}`).toEqual(PASSED)
      if (at > 0) expect(await gate.check(headers({ ...before, ...place(good) }))).toMatchObject({ reason: 'refused' })
    }
  })

  test('[G16] a session token is no token of the gate, and leaves the cookie to be read', async () => {
    const { gate, issuer } = await oidcStage()
    const session = { authorization: `Bearer ${'s'.repeat(43)}` }
    expect(await gate.check(headers(session))).toMatchObject({ passed: false, reason: 'missing' })
    expect(await gate.check(headers({ ...session, cookie: `lockstep_gate=${issuer.oidcToken()}` }))).toEqual(PASSED)
    expect(await gate.check(headers({ ...session, 'lockstep-gate-token': issuer.oidcToken() }))).toEqual(PASSED)
    expect(await gate.check(headers({ 'cf-access-jwt-assertion': issuer.oidcToken() }))).toMatchObject({ reason: 'missing' })
  })
})
