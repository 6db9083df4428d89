/** The diff·log web app behind a gate: what the gate says is never taken for what the server says about a password. */
import { expect, test } from 'vitest'
import { AUD, OIDC_AUDIENCE, startIssuer, TEAM } from '../support/issuer.ts'
import { Client } from './difflog-client/client.ts'
import { Server } from './difflog-client/server.ts'
import { DifflogStage, diffOf, METADATA, PASSWORD } from './difflog-stage.ts'

test('a token that has run out costs neither the password that is kept nor what is pending', async () => {
  const issuer = await startIssuer()
  const stage = await DifflogStage.set({ accessTeam: TEAM, accessAud: [AUD], accessCertsUrl: issuer.certsUrl })
  let token = issuer.accessToken()
  // As the edge does it: the browser's cookie becomes the header.
  const edge: typeof fetch = (input, init) =>
    stage.wire.fetch(input, { ...init, headers: { ...init?.headers, 'cf-access-jwt-assertion': token } })
  const server = new Server(stage.url, edge)
  const a = Client.local({ id: 'profile-1', metadata: METADATA, apiKeys: {} }, { server })
  await a.share(PASSWORD)
  a.profile.put('diffs', diffOf('d1', 1))
  token = issuer.accessToken({ iat: issuer.seconds(-7200), nbf: issuer.seconds(-7200), exp: issuer.seconds(-120) })
  await expect(a.autoSync()).rejects.toMatchObject({ status: 403, body: { error: expect.any(String) } })
  expect(a.cachedPassword).toBe(PASSWORD)
  expect(a.profile.hasPending).toBe(true)
  token = issuer.accessToken()
  expect(await a.autoSync()).toBe(true)
  const b = await Client.import('profile-1', PASSWORD, { server })
  expect(b.profile.ids('diffs')).toEqual(['d1'])
})

test('with OpenID Connect the cookie of the same origin lets the web app in, and no wrong guess is counted for who has none', async () => {
  const issuer = await startIssuer()
  const oidc = { oidcIssuer: issuer.url, oidcAudience: OIDC_AUDIENCE, oidcAllow: ['owner@example.org'] }
  const stage = await DifflogStage.set(oidc)
  const withCookie = (token: string): Server =>
    new Server(stage.url, (input, init) =>
      fetch(input, { ...init, headers: { ...init?.headers, cookie: `lockstep_gate=${token}` } }),
    )
  const owner = withCookie(issuer.oidcToken())
  const a = Client.local({ id: 'profile-1', metadata: METADATA, apiKeys: {} }, { server: owner })
  await a.share(PASSWORD)
  const stranger = withCookie(issuer.oidcToken({ sub: 'somebody', email: 'somebody@example.org' }))
  for (let i = 0; i < 10; i++) {
    await expect(stranger.content('profile-1', 'wrong:hash', {})).rejects.toMatchObject({ status: 403 })
    await expect(stage.server.content('profile-1', 'wrong:hash', {})).rejects.toMatchObject({ status: 403 })
  }
  await expect(owner.content('profile-1', 'wrong:hash', {})).rejects.toMatchObject({ status: 401, body: { attempts_remaining: 4 } })
})
