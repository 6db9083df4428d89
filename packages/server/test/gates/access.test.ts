import { describe, expect, test } from 'vitest'
import { createAccessGate } from '#auth/access'
import {
  ACCESS_ISSUER,
  AUD,
  hmacToken,
  type Issuer,
  newKey,
  publicJwk,
  signToken,
  TEAM,
  unsignedToken,
} from '../../../../tests/support/issuer.ts'
import { forEachSeed } from '../../../../tests/support/random.ts'
import { accessStage, headers, PASSED } from './stage.ts'

const FILE = 'packages/server/test/gates/access.test.ts'
const OTHER_AUD = 'a'.repeat(64)
const stranger = newKey()
const strangerOf = ({ key }: Issuer) => ({ ...stranger, kid: key.kid })

/** Each token has one defect. */
const DEFECTS: readonly [defect: string, reason: 'refused' | 'expired', token: (issuer: Issuer) => string][] = [
  ['alg none, unsigned', 'refused', (i) => unsignedToken(i.accessClaims(), { kid: i.key.kid })],
  ['alg none in other letters', 'refused', (i) => unsignedToken(i.accessClaims(), { alg: 'NonE', kid: i.key.kid })],
  ['alg none over a valid signature', 'refused', (i) => signToken(i.key, i.accessClaims(), { alg: 'none' })],
  [
    'HS256 with the public key as the secret',
    'refused',
    (i) => {
      const pem = i.key.publicKey.export({ type: 'spki', format: 'pem' })
      return hmacToken(pem, i.accessClaims(), { kid: i.key.kid })
    },
  ],
  [
    'HS256 with the modulus as the secret',
    'refused',
    (i) => hmacToken(String(publicJwk(i.key)['n']), i.accessClaims(), { kid: i.key.kid }),
  ],
  ['RS384', 'refused', (i) => signToken({ ...i.key, algorithm: 'RS384' }, i.accessClaims())],
  ['PS256', 'refused', (i) => signToken({ ...i.key, algorithm: 'PS256' }, i.accessClaims())],
  [
    'a PS256 signature that says RS256',
    'refused',
    (i) => signToken({ ...i.key, algorithm: 'PS256' }, i.accessClaims(), { alg: 'RS256' }),
  ],
  ['no alg', 'refused', (i) => signToken(i.key, i.accessClaims(), { alg: undefined })],
  ['alg is a list', 'refused', (i) => signToken(i.key, i.accessClaims(), { alg: ['RS256'] })],
  ['signed with another key under a known id', 'refused', (i) => signToken(strangerOf(i), i.accessClaims())],
  ['an unknown key id', 'refused', (i) => signToken(stranger, i.accessClaims())],
  ['no key id, while there are several keys', 'refused', (i) => signToken(i.key, i.accessClaims(), { kid: undefined })],
  ['a key id that is no text', 'refused', (i) => signToken(i.key, i.accessClaims(), { kid: 1 })],
  ['a key id that escapes a path', 'refused', (i) => signToken(i.key, i.accessClaims(), { kid: '../../dev/null' })],
  ['its own key in jwk', 'refused', (i) => signToken(strangerOf(i), i.accessClaims(), { jwk: publicJwk(stranger) })],
  ['jwk beside a right signature', 'refused', (i) => signToken(i.key, i.accessClaims(), { jwk: publicJwk(i.key) })],
  ['jku', 'refused', (i) => signToken(i.key, i.accessClaims(), { jku: i.certsUrl })],
  ['x5u', 'refused', (i) => signToken(i.key, i.accessClaims(), { x5u: i.certsUrl })],
  ['x5c', 'refused', (i) => signToken(i.key, i.accessClaims(), { x5c: ['MIIB'] })],
  ['crit', 'refused', (i) => signToken(i.key, i.accessClaims(), { crit: ['b64'], b64: true })],
  ['crit is null', 'refused', (i) => signToken(i.key, i.accessClaims(), { crit: null })],
  ['a logout token', 'refused', (i) => signToken(i.key, i.accessClaims(), { typ: 'logout+jwt' })],
  ['another team', 'refused', (i) => i.accessToken({ iss: 'https://other.cloudflareaccess.com' })],
  ['a team whose name begins like ours', 'refused', (i) => i.accessToken({ iss: `${ACCESS_ISSUER}.evil.example` })],
  ['an issuer with a slash at its end', 'refused', (i) => i.accessToken({ iss: `${ACCESS_ISSUER}/` })],
  ['no issuer', 'refused', (i) => i.accessToken({ iss: undefined })],
  ['another audience', 'refused', (i) => i.accessToken({ aud: [OTHER_AUD] })],
  ['another audience as a text', 'refused', (i) => i.accessToken({ aud: OTHER_AUD })],
  ['our audience as a part of a longer one', 'refused', (i) => i.accessToken({ aud: `${AUD}0` })],
  ['our audience in a nested list', 'refused', (i) => i.accessToken({ aud: [[AUD]] })],
  ['no audience', 'refused', (i) => i.accessToken({ aud: undefined })],
  ['an empty list of audiences', 'refused', (i) => i.accessToken({ aud: [] })],
  ['no exp', 'refused', (i) => i.accessToken({ exp: undefined })],
  ['exp as a text', 'refused', (i) => i.accessToken({ exp: String(i.seconds(3600)) })],
  ['exp beyond every number', 'refused', (i) => rawClaims(i, `{"iss":"${ACCESS_ISSUER}","aud":"${AUD}","exp":1e999}`)],
  ['expired a second ago', 'expired', (i) => i.accessToken({ exp: i.seconds(-1) })],
  ['expired this second', 'expired', (i) => i.accessToken({ exp: i.seconds() })],
  ['expired a year ago', 'expired', (i) => i.accessToken({ exp: i.seconds(-31_536_000) })],
  ['not valid for two minutes yet', 'refused', (i) => i.accessToken({ nbf: i.seconds(120) })],
  ['made two minutes from now', 'refused', (i) => i.accessToken({ iat: i.seconds(120) })],
  ['nbf as a text', 'refused', (i) => i.accessToken({ nbf: 'now' })],
  [
    'one changed bit in the claims',
    'refused',
    (i) => withPart(i.accessToken(), 1, encodeClaims(i, { email: 'other@example.org' })),
  ],
  [
    'the signature of another token',
    'refused',
    (i) => withPart(i.accessToken(), 2, i.accessToken({ sub: 'x' }).split('.')[2] ?? ''),
  ],
  ['no signature', 'refused', (i) => withPart(i.accessToken(), 2, '')],
  ['two parts', 'refused', (i) => i.accessToken().split('.').slice(0, 2).join('.')],
  ['four parts', 'refused', (i) => `${i.accessToken()}.AAAA`],
  ['five parts, as if encrypted', 'refused', (i) => `${i.accessToken()}.AAAA.AAAA`],
  ['claims that are a list', 'refused', (i) => signToken(i.key, [i.accessClaims()])],
  ['claims that are null', 'refused', (i) => signToken(i.key, null)],
  ['claims that are no JSON', 'refused', (i) => rawClaims(i, 'email=owner')],
  ['claims that are no UTF-8', 'refused', (i) => rawClaims(i, Buffer.from('{"iss":"\xff"}', 'latin1'))],
  ['a space in front', 'refused', (i) => ` ${i.accessToken()}`],
  ['two tokens in two headers, joined', 'refused', (i) => `${i.accessToken()}, ${i.accessToken()}`],
  ['longer than 8 KiB', 'refused', (i) => i.accessToken({ groups: 'g'.repeat(8 * 1024) })],
  ['nothing', 'refused', () => ''],
  ['dots alone', 'refused', () => '..'],
]

const encodeClaims = (issuer: Issuer, changes: Record<string, unknown>) =>
  Buffer.from(JSON.stringify(issuer.accessClaims(changes))).toString('base64url')

function withPart(token: string, at: number, part: string): string {
  const parts = token.split('.')
  parts[at] = part
  return parts.join('.')
}

/** Signed over claims that JSON.stringify would not make. */
function rawClaims({ key }: Issuer, claims: string | Buffer): string {
  const raw = Buffer.from(claims).toString('base64url')
  return signToken(key, null).replace(/\.[^.]*\./, `.${raw}.`)
}

describe('tokens of Cloudflare Access', () => {
  test('[G16] one without a defect passes', async () => {
    const { check, issuer } = await accessStage()
    expect(await check(issuer.accessToken())).toBe('passed')
    expect(await check(issuer.accessToken({ aud: AUD }))).toBe('passed')
    expect(await check(issuer.accessToken({ aud: [OTHER_AUD, AUD] }))).toBe('passed')
    expect(await check(signToken(issuer.key, issuer.accessClaims(), { typ: undefined }))).toBe('passed')
  })

  test('[G16] a service token’s passes, which is of nobody', async () => {
    const { check, issuer } = await accessStage()
    const claims = { sub: '', email: undefined, identity_nonce: undefined, common_name: 'e367826f93b8d71185e03fe518aff3b4.access' }
    expect(await check(issuer.accessToken(claims))).toBe('passed')
  })

  test('[G16] clocks may differ by a minute, but a token that has run out has', async () => {
    const { check, issuer } = await accessStage()
    expect(await check(issuer.accessToken({ nbf: issuer.seconds(59), iat: issuer.seconds(59) }))).toBe('passed')
    expect(await check(issuer.accessToken({ nbf: issuer.seconds(61) }))).toBe('refused')
    expect(await check(issuer.accessToken({ exp: issuer.seconds(1) }))).toBe('passed')
  })

  test.each(DEFECTS)('[G16] %s: %s', async (_defect, reason, make) => {
    const { check, issuer, gate } = await accessStage()
    issuer.rotate()
    const token = make(issuer)
    expect(await check(token)).toBe(reason)
    // Neither is it taken once a good one has been seen, nor is it told what is in it.
    expect(await check(issuer.accessToken())).toBe('passed')
    const outcome = await gate.check(headers({ 'cf-access-jwt-assertion': token }))
    if (outcome.passed) throw new Error('passed the second time')
    for (const part of token.split('.')) if (part.length > 8) expect(outcome.detail).not.toContain(part)
  })

  test('[G16] a token of before its end is refused after it, remembered or not', async () => {
    const { check, issuer, clock } = await accessStage()
    const token = issuer.accessToken({ exp: issuer.seconds(30) })
    expect(await check(token)).toBe('passed')
    clock.now += 29_999
    expect(await check(token)).toBe('passed')
    clock.now += 1
    expect(await check(token)).toBe('expired')
  })

  test('[G16] any of several audiences is enough', async () => {
    const { check, issuer } = await accessStage({ audiences: [AUD, OTHER_AUD] })
    expect(await check(issuer.accessToken({ aud: [OTHER_AUD] }))).toBe('passed')
    expect(await check(issuer.accessToken({ aud: ['b'.repeat(64)] }))).toBe('refused')
  })

  test('[G16] no bit of a token can be changed', async () => {
    const { check, issuer } = await accessStage()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
    await forEachSeed('changed tokens', 300, FILE, async (random) => {
      const token = issuer.accessToken()
      // The last letter of 2048 bits has four that say nothing.
      const at = random.below(token.length - 1)
      const other = random.pick([...alphabet].filter((letter) => letter !== token[at]))
      expect(await check(token.slice(0, at) + other + token.slice(at + 1)), `${at} of ${token}`).not.toBe('passed')
    })
  })
})

describe('where the token is', () => {
  test('[G16] in the header, or in the cookie where the header is absent', async () => {
    const { gate, issuer } = await accessStage()
    const good = issuer.accessToken()
    const bad = issuer.accessToken({ aud: [OTHER_AUD] })
    const cookie = (token: string) => `theme=dark; CF_Authorization=${token}; CF_AppSession=1`
    const check = (values: Record<string, string>) => gate.check(headers(values))
    expect(await check({ 'cf-access-jwt-assertion': good })).toEqual(PASSED)
    expect(await check({ cookie: cookie(good) })).toEqual(PASSED)
    expect(await check({ 'cf-access-jwt-assertion': good, cookie: cookie(bad) })).toEqual(PASSED)
    expect(await check({ 'cf-access-jwt-assertion': bad, cookie: cookie(good) })).toMatchObject({ reason: 'refused' })
    expect(await check({ 'cf-access-jwt-assertion': '', cookie: cookie(good) })).toMatchObject({ reason: 'refused' })
  })

  test('[G16] nowhere else', async () => {
    const { gate, issuer } = await accessStage()
    const token = issuer.accessToken()
    const elsewhere: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${token}` },
      { 'lockstep-gate-token': token },
      { 'x-forwarded-access-token': token },
      { 'cf-access-token': token },
      { cookie: `lockstep_gate=${token}` },
      { cookie: `cf_authorization=${token}` },
      { cookie: `XCF_Authorization=${token}` },
      { cookie: 'CF_Authorization' },
    ]
    for (const values of elsewhere) expect(await gate.check(headers(values))).toMatchObject({ passed: false, reason: 'missing' })
    expect(issuer.asked.keys).toBe(0)
  })
})

describe('settings', () => {
  const options = { team: TEAM, audiences: [AUD], fetch: globalThis.fetch, clock: Date.now }

  test('the team is a name or its address', () => {
    for (const team of ['example', 'my-team', 'example.cloudflareaccess.com', 'https://example.cloudflareaccess.com/']) {
      expect(createAccessGate({ ...options, team })).toBeDefined()
    }
    for (const team of ['', '-a', 'a.b', 'a/b', 'a@b', 'example.cloudflareaccess.com.evil.example', 'http://example', 'a b']) {
      expect(() => createAccessGate({ ...options, team }), team).toThrow(RangeError)
    }
  })

  test('[G16] keys come from this machine or over HTTPS', () => {
    for (const certsUrl of ['https://certs.example.org/keys', 'http://127.0.0.1:1/', 'http://localhost/', 'http://[::1]/']) {
      expect(createAccessGate({ ...options, certsUrl })).toBeDefined()
    }
    const bad = [
      'http://certs.example.org',
      'http://127.0.0.1.example.org',
      'file:///etc/passwd',
      'certs',
      '',
      'https://a:b@c.example',
    ]
    for (const certsUrl of bad) expect(() => createAccessGate({ ...options, certsUrl }), certsUrl).toThrow(RangeError)
  })

  test('there is an audience', () => {
    for (const audiences of [[], [''], [AUD, '']]) expect(() => createAccessGate({ ...options, audiences })).toThrow(RangeError)
  })

  test('without an address of its own the gate asks the team’s', async () => {
    const asked: string[] = []
    const fetch = async (url: string) => {
      asked.push(url)
      return new Response('{}')
    }
    const gate = createAccessGate({ ...options, fetch })
    const token = signToken(stranger, { iss: ACCESS_ISSUER, aud: AUD, exp: Date.now() / 1000 + 60 })
    expect(await gate.check(headers({ 'cf-access-jwt-assertion': token }))).toMatchObject({ reason: 'unavailable' })
    expect(asked).toEqual([`${ACCESS_ISSUER}/cdn-cgi/access/certs`])
  })
})
