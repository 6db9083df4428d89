/** G16 for session tokens: what somebody copied is of no use once the session is over, in another vault, or in another place of a request. */
import { toBase64Url } from '@lockstep/protocol/bytes'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { describe, expect, test, vi } from 'vitest'
import { fromRowId } from '#cell'
import { parseSecrets } from '#secrets'
import { type RunningServer, runningServer } from '../../../tests/support/running-server.ts'
import { signIn, testDevice } from './support/devices.ts'
import { homeFile } from './support/homes.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

const PASSWORD = 'correct horse'
type TestDevice = Awaited<ReturnType<typeof testDevice>>
const tokenOf = ({ home }: TestDevice) => parseSecrets(homeFile(home, 'keys.json')).token as string

const zeros = '0'.repeat(64)
const json = { 'content-type': 'application/json' }
const binary = { 'content-type': SEGMENTS_MEDIA_TYPE }
/** Every request that needs a session, with a body that is of no use: who gets past the session is told so by another status. */
const requests = (deviceId: string): [string, string, RequestInit][] => [
  ['GET', '/v1/credentials', {}],
  ['GET', '/v1/devices', {}],
  ['GET', '/v1/rotations?after=0', {}],
  ['GET', `/v1/segments?after=0&chain=${zeros}`, {}],
  ['GET', '/v1/segments/index?from=1', {}],
  ['GET', '/v1/status', {}],
  ['PUT', '/v1/credentials', { headers: json, body: '{}' }],
  ['POST', `/v1/devices/${deviceId}/revocation`, { headers: json, body: '{}' }],
  ['POST', '/v1/segments', { headers: binary, body: new Uint8Array(3) }],
  ['POST', '/v1/segments/common', { headers: binary, body: new Uint8Array(3) }],
  ['POST', '/v1/segments/merged', { headers: json, body: '{}' }],
  ['PUT', '/v1/segments/merged/x/0', { headers: binary, body: new Uint8Array(3) }],
  ['POST', '/v1/segments/merged/x', { headers: json, body: '{}' }],
  ['DELETE', '/v1/session', {}],
]

async function statuses({ url }: RunningServer, victim: TestDevice, headers: Record<string, string>): Promise<number[]> {
  const out: number[] = []
  for (const [method, path, init] of requests(toBase64Url(fromRowId(victim.id)))) {
    const response = await fetch(url + path, { ...init, method, headers: { ...init.headers, ...headers } })
    await response.arrayBuffer()
    out.push(response.status)
  }
  return out
}

/** The close code of a live connection that says hello with `token`; 0 where it is let in. */
function hello({ url }: RunningServer, token: string, path = '/v1/live'): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url.replace('http', 'ws') + path)
    socket.addEventListener('open', () => socket.send(JSON.stringify({ token, after: 0, chain: toBase64Url(new Uint8Array(32)) })))
    socket.addEventListener('message', () => {
      resolve(0)
      socket.close()
    })
    socket.addEventListener('close', ({ code }) => resolve(code))
  })
}

const REFUSED = requests('').map(() => 401)

async function pair(server: RunningServer, vault = 'main'): Promise<[TestDevice, TestDevice]> {
  const laptop = await testDevice()
  await laptop.signIn(signIn(server, { vault }))
  await laptop.sync()
  const tablet = await testDevice()
  await tablet.signIn(signIn(server, { vault, intent: 'join', deviceName: 'tablet' }))
  await tablet.sync()
  await laptop.sync()
  return [laptop, tablet]
}

describe('a stolen session token', () => {
  test('[KEY-3] [KEY-9] [HTTP-2] is let in while the session lasts, and by no route after its end', async () => {
    const ends: [string, (laptop: TestDevice, tablet: TestDevice, server: RunningServer) => Promise<unknown>][] = [
      ['signing out', (_, tablet) => tablet.signOut({ wipe: false })],
      ['revoking the device', (laptop, tablet) => laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })],
      ['a change of the password', (laptop) => laptop.changePassword({ currentPassword: PASSWORD, newPassword: 'next' })],
      [
        'a change of the passphrase',
        (laptop) => laptop.changePassword({ currentPassword: PASSWORD, newPassword: PASSWORD, newPassphrase: 'another one' }),
      ],
      [
        'signing in again',
        async (_, tablet, server) => {
          await tablet.signOut({ wipe: false })
          await tablet.signIn(signIn(server, { intent: 'join', deviceName: 'tablet' }))
        },
      ],
    ]
    let tries = 0
    for (const [what, end] of ends) {
      const server = await runningServer()
      const [laptop, tablet] = await pair(server)
      const token = tokenOf(tablet)
      const before = (await fetch(`${server.url}/v1/status`, { headers: { authorization: `Bearer ${token}` } })).status
      expect(before, what).toBe(200)
      expect(await hello(server, token), what).toBe(0)
      await end(laptop, tablet, server)
      const after = await statuses(server, laptop, { authorization: `Bearer ${token}` })
      expect(after, what).toEqual(REFUSED)
      expect(await hello(server, token), what).toBe(4401)
      tries += after.length + 1
      // It has ended nothing of the others either.
      if (what !== 'signing out') await laptop.sync()
    }
    console.log(`token replay: ${tries} uses of ended sessions refused`)
  })

  test('[KEY-3] of one vault says nothing of another one, not even that a device is there', async () => {
    const server = await runningServer()
    const [laptop] = await pair(server)
    const stranger = await testDevice()
    await stranger.signIn(signIn(server, { vault: 'other' }))
    stranger.vault.transact((tx) => tx.insert('notes', { title: 'elsewhere' }))
    await stranger.sync()
    const headers = { authorization: `Bearer ${tokenOf(stranger)}` }
    const get = async (path: string) => (await fetch(server.url + path, { headers })).json() as Promise<Record<string, unknown>>
    const text = JSON.stringify([await get('/v1/credentials'), await get('/v1/devices'), await get('/v1/rotations?after=0')])
    expect(text).not.toContain(toBase64Url(fromRowId(laptop.id)))
    const pulled = await fetch(`${server.url}/v1/segments?after=0&chain=${zeros}`, { headers })
    const replica = Buffer.from(laptop.vault.store.replica, 'hex')
    expect(Buffer.from(await pulled.arrayBuffer()).includes(replica)).toBe(false)
  })

  test('[HTTP-2] [KEY-9] in a URL, a cookie, a body or another scheme it is no session', async () => {
    const server = await runningServer()
    const [laptop] = await pair(server)
    const token = tokenOf(laptop)
    for (const query of ['token', 'access_token', 'authorization', 'auth', 'bearer', 'session']) {
      expect((await fetch(`${server.url}/v1/status?${query}=${token}`)).status, query).toBe(401)
      expect(await hello(server, 'x', `/v1/live?${query}=${token}`), query).toBe(4401)
    }
    const elsewhere: Record<string, string>[] = [
      { cookie: `token=${token}; session=${token}; authorization=Bearer ${token}` },
      { 'x-auth-token': token, 'x-api-key': token, 'proxy-authorization': `Bearer ${token}` },
      { authorization: token },
      { authorization: `Basic ${Buffer.from(`token:${token}`).toString('base64')}` },
      { authorization: `Token ${token}` },
      { authorization: `Bearer ${token} ${token}` },
      { authorization: `Bearer ${token}, Bearer ${token}` },
      { authorization: `Bearer "${token}"` },
      { authorization: `Bearer ${token.slice(0, -1)}` },
      { authorization: `Bearer ${token}A` },
      { authorization: `Bearer ${token.toLowerCase()}` },
      { authorization: `Bearer ${Buffer.from(token, 'base64url').toString('hex')}` },
      { authorization: 'Bearer' },
      { authorization: `Bearer ${encodeURIComponent(`${token}\u0000`)}` },
    ]
    for (const headers of elsewhere) {
      expect(await statuses(server, laptop, headers), JSON.stringify(Object.keys(headers))).toEqual(REFUSED)
    }
    // A URL with user and password is a scheme of its own.
    const basic = await fetch(`${server.url}/v1/status`, {
      headers: { authorization: `Basic ${Buffer.from(`${token}:`).toString('base64')}` },
    })
    expect(basic.status).toBe(401)
    await laptop.sync()
  })
})
