/** The Dataans app through Cloudflare Access, played by an issuer of this machine: its token lets it in, until it runs out. */
import { expect, test } from 'vitest'
import { ACCESS_ISSUER, AUD, type Issuer, OIDC_AUDIENCE, startIssuer, TEAM } from '../support/issuer.ts'
import { RefusedError, TokenExpiredError } from './dataans-client/server.ts'
import { DataansStage, PASSPHRASE, PASSWORD } from './dataans-stage.ts'

async function gated(): Promise<{ stage: DataansStage; issuer: Issuer }> {
  const issuer = await startIssuer()
  const stage = await DataansStage.set({ accessTeam: TEAM, accessAud: [AUD], accessCertsUrl: issuer.certsUrl })
  return { stage, issuer }
}

/** Every route that needs a token, asked for something that is there or would be done. */
const ROUTES: readonly (readonly [method: string, path: string, body?: string])[] = [
  ['GET', '/health/auth'],
  ['GET', '/health/authorize.html'],
  ['GET', '/user'],
  ['GET', '/user/'],
  ['POST', '/user', '{"id":"11111111-2222-4333-8444-555555555555","secretKeyHash":"x"}'],
  ['POST', '/user/', '{"id":"11111111-2222-4333-8444-555555555555","secretKeyHash":"x"}'],
  ['GET', '/data/block?items_per_block=16'],
  ['GET', '/data/operation?operations_to_skip=0'],
  ['POST', '/data/operation', '[]'],
  ['POST', '/file/11111111-2222-4333-8444-555555555555', 'content'],
  ['GET', '/file/11111111-2222-4333-8444-555555555555'],
  ['GET', '/file/11111111-2222-4333-8444-555555555555/exists'],
]

test('two devices sync through the gate, also after its keys have changed', async () => {
  const { stage, issuer } = await gated()
  const a = await stage.signedIn({ token: issuer.accessToken() })
  a.createNote(a.createSpace('s'), 'before')
  await a.sync()
  issuer.rotate()
  // The server looks for new keys at most once a minute.
  stage.ahead += 61_000
  const b = await stage.signedIn({ token: issuer.accessToken() })
  await b.sync()
  expect(b.view).toEqual(a.view)
  b.createSpace('after')
  await b.sync()
  // Its token was signed with the key before.
  await a.sync()
  expect(b.view).toEqual(a.view)
})

test('a token that has run out is told before anything is sent; the server would not take it either', async () => {
  const { stage, issuer } = await gated()
  const token = issuer.accessToken({ iat: issuer.seconds(-7200), nbf: issuer.seconds(-7200), exp: issuer.seconds(-120) })
  await expect(stage.device({ token }).signIn(PASSWORD, PASSPHRASE)).rejects.toThrow(TokenExpiredError)
  expect(stage.wire.requests).toEqual([])
  const late = stage.device({ token, clock: () => 0 })
  await expect(late.signIn(PASSWORD, PASSPHRASE)).rejects.toMatchObject({ status: 401 })
})

test('a token that runs out while the app is open: what was not sent yet stays, and goes up with the next token', async () => {
  const { stage, issuer } = await gated()
  let now = Date.now()
  const a = await stage.signedIn({ token: issuer.accessToken({ exp: issuer.seconds(60) }), clock: () => now })
  a.createSpace('s')
  now += 61_000
  await expect(a.sync()).rejects.toThrow('access token is expired')
  a.useToken(issuer.accessToken())
  expect(await a.sync()).toMatchObject({ pushed: 1 })
})

test.each([
  ['no token', () => ''],
  ['no token at all', () => 'none'],
  ['a token of another application', (issuer: Issuer) => issuer.accessToken({ aud: ['another'] })],
  ['a token of another team', (issuer: Issuer) => issuer.accessToken({ iss: ACCESS_ISSUER.replace(TEAM, 'other') })],
])('%s: every route but GET /health answers 401 with an error, and does nothing', async (_, tokenOf) => {
  const { stage, issuer } = await gated()
  const token = tokenOf(issuer)
  for (const [method, path, body] of ROUTES) {
    const headers = { ...(token === '' ? {} : { cookie: `CF_Authorization=${token}` }), 'content-type': 'application/json' }
    const response = await fetch(`${stage.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) })
    expect([method, path, response.status]).toEqual([method, path, 401])
    expect(await response.json()).toEqual({ error: expect.any(String) })
  }
  const health = await fetch(`${stage.url}/health`)
  expect([health.status, await health.text()]).toEqual([200, 'ok'])
  const good = stage.server(issuer.accessToken())
  expect(await good.user()).toBeUndefined()
  expect(await good.hasFile('11111111-2222-4333-8444-555555555555')).toBe(false)
})

test('the header stands for the cookie, and wins over it', async () => {
  const { stage, issuer } = await gated()
  const [good, bad] = [issuer.accessToken(), issuer.accessToken({ aud: ['another'] })]
  const status = async (headers: Record<string, string>) => (await fetch(`${stage.url}/health/auth`, { headers })).status
  expect(await status({ 'cf-access-jwt-assertion': good })).toBe(200)
  expect(await status({ 'cf-access-jwt-assertion': good, cookie: `CF_Authorization=${bad}` })).toBe(200)
  expect(await status({ 'cf-access-jwt-assertion': bad, cookie: `CF_Authorization=${good}` })).toBe(401)
  expect(await status({ cookie: `theme=dark; CF_Authorization=${good}; other=1` })).toBe(200)
})

test('a refusal is told as one, and not as an empty server', async () => {
  const { stage, issuer } = await gated()
  const server = stage.server(issuer.accessToken({ aud: ['another'] }))
  await expect(server.user()).rejects.toThrow(RefusedError)
  await expect(server.download('11111111-2222-4333-8444-555555555555')).rejects.toThrow(RefusedError)
})

test('behind a proxy that signs people in with OpenID Connect, the token that the proxy adds lets the app in', async () => {
  const issuer = await startIssuer()
  const stage = await DataansStage.set({ oidcIssuer: issuer.url, oidcAudience: OIDC_AUDIENCE, oidcAllow: ['owner@example.org'] })
  const proxied: typeof fetch = (input, init) =>
    fetch(input, { ...init, headers: { ...init?.headers, 'x-forwarded-access-token': issuer.oidcToken() } })
  const a = await stage.signedIn({ fetch: proxied })
  a.createSpace('s')
  expect(await a.sync()).toMatchObject({ pushed: 1 })
  await expect(stage.signedIn()).rejects.toMatchObject({ status: 401 })
  // Access's cookie is another gate's: this one does not look at it.
  await expect(stage.signedIn({ token: issuer.oidcToken() })).rejects.toMatchObject({ status: 401 })
})
