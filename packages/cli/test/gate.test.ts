/**
 * Devices behind a gate, over real HTTP: our own server's (Access, OpenID Connect) and Cloudflare's edge in front of it. A
 * refusal there is never told as a wrong password, and costs neither the session nor what is on the device.
 */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  ACCESS_ISSUER,
  AUD,
  type Issuer,
  newKey,
  OIDC_AUDIENCE,
  signToken,
  startIssuer,
  TEAM,
} from '../../../tests/support/issuer.ts'
import { accessEdge, SERVICE } from './support/access-edge.ts'
import { countingProxy } from './support/counting-proxy.ts'
import { scratchFolder, TestHome, testHome } from './support/run.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

const PASSWORD = 'correct horse battery'
const password = (text = PASSWORD) => ({ input: `${text}\n` })
const signIn = (url: string, ...more: string[]) => ['sign-in', '--server', url, '--password-stdin', ...more]
/** As the first device, with a passphrase of its own: one that is made anew would have to be derived anew. */
const PASSPHRASE = 'able baker charlie delta echo foxtrot golf hotel india juliet kilo lima'
const signUp = (url: string, ...more: string[]) => signIn(url, '--new', '--passphrase', PASSPHRASE, ...more)
const withToken = (token: string) => ['--access-token', token]

const accessFlags = ({ certsUrl }: Issuer) => ['--access-team', TEAM, '--access-aud', AUD, '--access-certs-url', certsUrl]

/** `lockstep serve` in this process, until the test ends. */
async function serve(...flags: readonly string[]): Promise<{ readonly url: string }> {
  const folder = await scratchFolder()
  const stop = new AbortController()
  const ready = Promise.withResolvers<string>()
  const args = ['serve', '--port', '0', '--data', join(folder, 'data'), '--log-level', 'error', '--json', ...flags]
  const served = new TestHome(folder).try(args, { signal: stop.signal, onOutput: ready.resolve })
  served.then(({ err }) => ready.reject(new Error(err)), ready.reject)
  onTestFinished(async () => {
    stop.abort()
    await served
  })
  return JSON.parse(await ready.promise) as { url: string }
}

const keysOf = async ({ folder }: TestHome) =>
  JSON.parse(await readFile(join(folder, 'keys.json'), 'utf8')) as {
    token?: string
    gate?: { server: string; accessToken?: string }
  }

async function changeKeys(home: TestHome, change: (keys: Record<string, unknown>) => object): Promise<void> {
  await writeFile(join(home.folder, 'keys.json'), JSON.stringify(change({ ...(await keysOf(home)) })), { mode: 0o600 })
}

/** A server that is not there yet, and what it is told. */
async function listening() {
  const headers: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    headers.push(request.headers)
    response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { headers, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A server behind Access, seen through a proxy that counts, and a home that is signed in there. */
async function behindAccess() {
  const issuer = await startIssuer()
  const server = await serve(...accessFlags(issuer))
  const proxy = await countingProxy(() => server.url)
  const home = await testHome()
  await home.json(signUp(proxy.url, ...withToken(issuer.accessToken())), password())
  await home.json(['space', 'add', 'Work'])
  await home.json(['sync'])
  proxy.take()
  return { issuer, server, proxy, home }
}

describe('Cloudflare Access, checked by our server', () => {
  it('[G16] without a token nothing works, and nobody speaks of a password', async () => {
    const issuer = await startIssuer()
    const { url } = await serve(...accessFlags(issuer))
    const home = await testHome()
    const refused = await home.failure(signIn(url), password())
    expect(refused).toMatchObject({ status: 3, code: 'gate-refused' })
    expect(refused.message).toContain('--access-token')
    expect(refused.message).not.toContain('password')
    expect(await home.json(['status'])).toMatchObject({ state: 'local', server: null })
  })

  it('[G16] a wrong password behind an open gate is a wrong password', async () => {
    const { issuer, proxy } = await behindAccess()
    const phone = await testHome()
    const join = signIn(proxy.url, '--passphrase', PASSPHRASE, ...withToken(issuer.accessToken()))
    const wrong = await phone.failure(join, password('wrong'))
    expect(wrong).toMatchObject({ status: 1, code: 'wrong-credentials' })
    expect(wrong.message).toContain('password')
    // Nothing of a sign-in that failed is kept.
    expect((await keysOf(phone)).gate).toBeUndefined()
    expect(await phone.json(join, password())).toMatchObject({ created: false })
    await phone.json(['sync'])
    expect(await phone.json(['space', 'list'])).toMatchObject([{ name: 'Work' }])
  })

  it('[G16] the token is kept with the session, for its server alone, and goes at sign-out', async () => {
    const { issuer, proxy, home } = await behindAccess()
    const { gate } = await keysOf(home)
    expect(gate).toMatchObject({ server: proxy.url })
    expect((await stat(join(home.folder, 'keys.json'))).mode & 0o777).toBe(0o600)
    for (const args of [['sync'], ['device', 'list'], ['doctor']]) await home.json(args)
    await home.json(['passwd', '--password-stdin'], { input: `${PASSWORD}\n${PASSWORD}, new\n` })
    const elsewhere = await listening()
    expect(await home.failure(signIn(elsewhere.url, '--new'), password())).toMatchObject({ code: 'server-refused' })
    expect(elsewhere.headers).toHaveLength(1)
    expect(JSON.stringify(elsewhere.headers)).not.toContain(String(gate?.accessToken))
    expect((await keysOf(home)).gate).toEqual(gate)
    expect(await home.json(['sign-out'])).toMatchObject({ serverTold: true })
    expect((await keysOf(home)).gate).toBeUndefined()
    expect(await home.failure(signIn(proxy.url, ...withToken(issuer.accessToken({ exp: 1 }))), password())).toMatchObject({
      code: 'gate-refused',
    })
  })

  it('[G16] an expired token is told before anything is sent; a new one is given once', async () => {
    const { issuer, proxy, home } = await behindAccess()
    const expired = issuer.accessToken({ exp: issuer.seconds(-60) })
    for (const args of [['sync'], ['device', 'list'], ['sync', '--watch']]) {
      const refused = await home.failure([...args, ...withToken(expired)])
      expect(refused).toMatchObject({ status: 3, code: 'gate-refused' })
      expect(refused.message).toMatch(/expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC: get a new one; pass one with --access-token/)
    }
    expect(proxy.take()).toEqual([])
    // The good one is still there.
    await home.json(['sync'])
    expect(await home.json(['status'])).toMatchObject({ state: 'synced' })

    await changeKeys(home, (keys) => ({ ...keys, gate: { server: proxy.url, accessToken: expired } }))
    await home.json(['space', 'add', 'Written meanwhile'])
    expect(await home.json(['status'])).toMatchObject({ state: 'needs-gate', pending: 1 })
    expect(await home.text(['status'])).toContain('--access-token')
    proxy.take()
    expect(await home.failure(['sync'])).toMatchObject({ status: 3, code: 'gate-refused' })
    expect(proxy.take()).toEqual([])
    expect((await keysOf(home)).token).toEqual(expect.any(String))
    await home.json(['sync', ...withToken(issuer.accessToken())])
    expect(await home.json(['status'])).toMatchObject({ state: 'synced', pending: 0 })
    await home.json(['sync'])
  })

  it('[G16] a foreign token is refused, keeps session and data, and does not take the good one’s place', async () => {
    const { issuer, home } = await behindAccess()
    const foreign = [
      issuer.accessToken({ aud: ['another application'] }),
      issuer.accessToken({ iss: 'https://other.cloudflareaccess.com' }),
      signToken(newKey('RS256', { kid: issuer.key.kid }), issuer.accessClaims()),
      signToken(newKey(), { iss: 'https://id.example.org', exp: issuer.seconds(60) }),
    ]
    const before = await keysOf(home)
    for (const token of foreign) {
      const refused = await home.failure(['sync', ...withToken(token)])
      expect(refused).toMatchObject({ status: 3, code: 'gate-refused' })
      expect(refused.message).not.toContain(token)
      expect(await home.json(['status'])).toMatchObject({ state: 'needs-gate' })
    }
    expect(await keysOf(home)).toEqual(before)
    expect(await home.json(['space', 'list'])).toMatchObject([{ name: 'Work' }])
    await home.json(['sync'])
    expect(await home.json(['status'])).toMatchObject({ state: 'synced' })
  })

  it('[G16] a gate whose issuer is out of reach is a server that is offline', async () => {
    const issuer = await startIssuer()
    issuer.answerKeys = (_request, response) => response.writeHead(503).end()
    const { url } = await serve(...accessFlags(issuer))
    const home = await testHome()
    expect(await home.failure(signIn(url, ...withToken(issuer.accessToken())), password())).toMatchObject({
      status: 4,
      code: 'offline',
    })
  })

  it('[G16] keys rotate between two syncs', async () => {
    const { issuer, home } = await behindAccess()
    // Both are published; the token under the older one still counts.
    issuer.rotate()
    await home.json(['sync'])
  })

  it('[G16] live through the gate: what another device writes comes at once', async () => {
    const { issuer, proxy, server, home } = await behindAccess()
    const phone = await testHome()
    // The proxy passes no WebSocket on: the phone asks the server itself.
    await phone.json(signIn(server.url, '--passphrase', PASSPHRASE, ...withToken(issuer.accessToken())), password())
    const stop = new AbortController()
    let out = ''
    const watching = phone.try(['sync', '--watch', '--json'], {
      signal: stop.signal,
      onOutput: (text) => {
        out += text
      },
    })
    await vi.waitFor(() => expect(out).toContain('"connected"'), 30_000)
    await home.json(['space', 'add', 'From the laptop'])
    await home.json(['sync'])
    await vi.waitFor(() => expect(out).toContain('"changed"'), 30_000)
    stop.abort()
    expect(await watching).toMatchObject({ status: 0, err: '' })
    expect(proxy.take().length).toBeGreaterThan(0)
  })
})

describe('where a token may come from', () => {
  it('[G16] the environment or standard input, and never an argument that must be', async () => {
    const { issuer, proxy, home } = await behindAccess()
    await changeKeys(home, ({ gate: _gone, ...keys }) => keys)
    expect(await home.failure(['sync'])).toMatchObject({ code: 'gate-refused' })
    await home.json(['sync', '--access-token', '-'], { input: `${issuer.accessToken({ nonce: 1 })}\n` })
    await changeKeys(home, ({ gate: _gone, ...keys }) => keys)
    await home.json(['sync'], { env: { LOCKSTEP_ACCESS_TOKEN: issuer.accessToken({ nonce: 2 }) } })
    expect((await keysOf(home)).gate).toMatchObject({ server: proxy.url })
    // What is given on the command line wins.
    const env = { LOCKSTEP_ACCESS_TOKEN: issuer.accessToken({ exp: 1 }) }
    await home.json(['sync', ...withToken(issuer.accessToken())], { env })
    expect(await home.failure(['sync'], { env })).toMatchObject({ code: 'gate-refused' })
  })

  it('[G16] what is no token is bad usage', async () => {
    const home = await testHome()
    const cases: readonly (readonly string[])[] = [
      ['--access-token', 'opaque'],
      ['--access-token', 'a b.c.d'],
      ['--access-client-id', 'id'],
      ['--access-client-secret', 'secret'],
      ['--access-client-id', 'id', '--access-client-secret', 'two words'],
      ['--access-client-id', 'id', '--access-token', '-', '--access-client-secret', '-'],
    ]
    for (const args of cases) {
      expect(await home.failure(['sync', ...args]), args.join(' ')).toMatchObject({ status: 2, code: 'bad-usage' })
    }
    const both = signIn('http://127.0.0.1:1', '--access-token', '-')
    expect(await home.failure(both, password())).toMatchObject({ status: 2, code: 'bad-usage' })
  })
})

describe('OpenID Connect, checked by our server', () => {
  it('[G16] who is on the list signs in; others, and tokens of Access, do not', async () => {
    const issuer = await startIssuer()
    const { url } = await serve('--oidc-issuer', issuer.url, '--oidc-audience', OIDC_AUDIENCE, '--oidc-allow', 'owner@example.org')
    const home = await testHome()
    const strangers = [
      issuer.oidcToken({ sub: 'x', email: 'stranger@example.org' }),
      issuer.oidcToken({ email_verified: false }),
      issuer.oidcToken({ aud: 'notes' }),
      signToken(issuer.key, issuer.oidcClaims({ iss: ACCESS_ISSUER, aud: [AUD] })),
    ]
    for (const token of strangers) {
      expect(await home.failure(signIn(url, ...withToken(token)), password())).toMatchObject({ status: 3, code: 'gate-refused' })
    }
    await home.json(signUp(url, ...withToken(issuer.oidcToken())), password())
    // The session is in `authorization`, so the gate's token is not.
    await home.json(['space', 'add', 'Work'])
    await home.json(['sync'])
    expect(await home.json(['device', 'list'])).toHaveLength(1)
  })
})

describe('Cloudflare’s edge in front', () => {
  async function behindEdge() {
    const issuer = await startIssuer()
    const server = await serve(...accessFlags(issuer))
    const edge = await accessEdge(server.url, issuer)
    const home = new TestHome(join(await scratchFolder(), 'home'))
    return { issuer, edge, home }
  }

  it('[G16] its refusals in three forms are the gate’s', async () => {
    const { edge, home } = await behindEdge()
    for (const style of ['login', 'challenge', 'forbidden'] as const) {
      edge.style = style
      const refused = await home.failure(signIn(edge.url), password())
      expect(refused, style).toMatchObject({ status: 3, code: 'gate-refused' })
      expect(refused.message).toContain('Cloudflare Access')
    }
  })

  it('[G16] a service token signs in and syncs, its secret from the environment', async () => {
    const { edge, home } = await behindEdge()
    const env = { LOCKSTEP_ACCESS_CLIENT_SECRET: SERVICE.secret }
    const id = ['--access-client-id', SERVICE.id]
    const wrong = { LOCKSTEP_ACCESS_CLIENT_SECRET: 'wrong' }
    expect(await home.failure(signIn(edge.url, ...id), { ...password(), env: wrong })).toMatchObject({ code: 'gate-refused' })
    await home.json(signUp(edge.url, ...id), { ...password(), env })
    await home.json(['space', 'add', 'Work'])
    await home.json(['sync'])
    expect(await home.json(['status'])).toMatchObject({ state: 'synced' })
    expect(await home.json(['sign-out'])).toMatchObject({ serverTold: true })
    expect(await readFile(join(home.folder, 'keys.json'), 'utf8')).not.toContain(SERVICE.secret)
  })

  it('[G16] a watcher that the gate refuses ends and says so; session and data stay', async () => {
    const { issuer, edge, home } = await behindEdge()
    await home.json(signUp(edge.url, ...withToken(issuer.accessToken())), password())
    let out = ''
    const watching = home.try(['sync', '--watch', '--json'], {
      onOutput: (text) => {
        out += text
      },
    })
    await vi.waitFor(() => expect(out).toContain('"connected"'), 30_000)
    edge.refuses = () => true
    edge.cut()
    await home.json(['space', 'add', 'Written meanwhile'])
    const { status, err } = await watching
    expect(status).toBe(3)
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'gate-refused' } })
    const asked = edge.asked
    expect(await home.json(['status'])).toMatchObject({ state: 'needs-gate', pending: 1 })
    expect(edge.asked).toBe(asked)
    edge.refuses = () => false
    await home.json(['sync'])
    expect(await home.json(['status'])).toMatchObject({ state: 'synced', pending: 0 })
  })

  it('[G16] what the gate stops on its way is known not to be done: no vault is made, no password changed', async () => {
    const { issuer, edge, home } = await behindEdge()
    edge.refuses = (method, path) => method === 'POST' && path === '/v1/vaults'
    const first = signUp(edge.url, ...withToken(issuer.accessToken()))
    expect(await home.failure(first, password())).toMatchObject({ status: 3, code: 'gate-refused' })
    expect(await home.json(['status'])).toMatchObject({ state: 'local', server: null })
    expect(Object.keys(await keysOf(home)).sort()).toEqual(['deviceId', 'devicePrivateKey', 'format'])
    edge.refuses = (method) => method === 'PUT'
    expect(await home.json(first, password())).toMatchObject({ created: true })

    const change = { input: `${PASSWORD}\n${PASSWORD}, new\n` }
    expect(await home.failure(['passwd', '--password-stdin'], change)).toMatchObject({ status: 3, code: 'gate-refused' })
    expect(JSON.parse(await readFile(join(home.folder, 'profile.json'), 'utf8'))).not.toHaveProperty('change')
    edge.refuses = () => false
    await home.json(['passwd', '--password-stdin'], change)
  })
})
