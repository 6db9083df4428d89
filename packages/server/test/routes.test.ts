import { fromHex, toHex } from '@lockstep/protocol/bytes'
import {
  credentialsSchema,
  deviceListSchema,
  serverInfoSchema,
  sessionSchema,
  statusSchema,
  vaultHeaderSchema,
} from '@lockstep/protocol/http'
import { DeliveryDecoder } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { b64, bearer, chainOf, jsonRequest, named, push, pushRequest, ReplicaLog, signInBody, signUpBody } from './client.ts'
import { problem, running, signUp, type WireSession } from './running.ts'

const ZEROS = '0'.repeat(64)

async function pull(url: string, token: string, after: number, chain: string) {
  const response = await fetch(`${url}/v1/segments?after=${after}&chain=${chain}`, bearer(token))
  expect(response.status).toBe(200)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const decoder = new DeliveryDecoder()
  const segments = decoder.push(bytes)
  decoder.end()
  return { response, bytes, segments, position: decoder.position }
}

test('[HTTP-1] the server describes itself and says nothing about names', async () => {
  const { url } = await running()
  const info = serverInfoSchema.parse(await (await fetch(`${url}/v1/server`)).json())
  expect(info).toMatchObject({ product: 'lockstep', protocols: [1], signUp: 'single', setupTokenRequired: false })
  const page = await fetch(url)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(await page.text()).toContain(info.version)
  expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n')
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('lockstep_requests_total{status="200"} ')
})

test('[KEY-6] sign-up, header, sign-in and sign-out', async () => {
  const { url } = await running()
  const first = sessionSchema.parse(await (await fetch(`${url}/v1/vaults`, jsonRequest('POST', signUpBody()))).json())
  expect(first.vaultId).toEqual(named('vault main', 16))
  const header = vaultHeaderSchema.parse(await (await fetch(`${url}/v1/vaults/main`)).json())
  expect(header).toEqual({ vaultId: named('vault main', 16), suite: 'argon2id-64m-3', salt: named('salt main', 16) })

  const signIn = await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody()))
  expect(signIn.status).toBe(201)
  const second = sessionSchema.parse(await signIn.json())
  expect(second.bundle).toEqual({ version: 1, sealed: named('bundle main') })
  expect(second.token).not.toBe(first.token)

  const list = deviceListSchema.parse(await (await fetch(`${url}/v1/devices`, bearer(second.token))).json())
  expect(list.devices.map(({ name, current, revoked }) => ({ name, current, revoked }))).toEqual([
    { name: 'laptop', current: false, revoked: false },
    { name: 'phone', current: true, revoked: false },
  ])

  const out = await fetch(`${url}/v1/session`, { method: 'DELETE', ...bearer(second.token) })
  expect(out.status).toBe(204)
  expect(await problem(await fetch(`${url}/v1/status`, bearer(second.token)))).toMatchObject({ code: 'unauthorized', status: 401 })
  expect((await fetch(`${url}/v1/status`, bearer(first.token))).status).toBe(200)
})

test('[KEY-6] a device that signs in again has one session: the last', async () => {
  const { url } = await running()
  const first = await signUp(url)
  const again = await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody('main', 'laptop')))
  const second = (await again.json()) as WireSession
  expect((await fetch(`${url}/v1/status`, bearer(first.token))).status).toBe(401)
  expect((await fetch(`${url}/v1/status`, bearer(second.token))).status).toBe(200)
})

test('[LOG-5] [SYNC-2] pushed segments are numbered from head + 1 and come back as they were', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const a = new ReplicaLog('a')
  const b = new ReplicaLog('b')
  const records = [a.next(named('one')), b.next(named('two')), a.next(named('three'))]
  const answer = await push(url, token, records)
  expect(answer.sequences).toEqual([1, 2, 3])
  expect(answer.position.head).toBe(3)
  expect(toHex(answer.position.chain)).toBe(toHex(chainOf(records)))

  const all = await pull(url, token, 0, ZEROS)
  expect(all.segments).toEqual(records.map((record, i) => ({ ...record, first: i + 1, last: i + 1 })))
  expect(all.position).toEqual(answer.position)
  const rest = await pull(url, token, 2, toHex(chainOf(records.slice(0, 2))))
  expect(rest.segments.map((segment) => segment.last)).toEqual([3])

  const status = statusSchema.parse(await (await fetch(`${url}/v1/status`, bearer(token))).json())
  expect(status).toMatchObject({ head: 3, segments: 3, bytes: 96, quota: 0, bundleVersion: 1 })
  expect(status.chain).toEqual(answer.position.chain)
  expect(status.generation).toEqual(answer.position.generation)
})

test('[SYNC-1] an up-to-date pull is one answer of 57 bytes of body', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const log = new ReplicaLog('a')
  const records = Array.from({ length: 50 }, (_, i) => log.next(named(`segment ${i}`)))
  await push(url, token, records)
  const { bytes, response } = await pull(url, token, 50, toHex(chainOf(records)))
  expect(bytes.length).toBe(57)
  expect(response.headers.get('content-length')).toBe('57')
})

test('[LOG-3] a repeated push gets the answer of the first; one that does not continue is refused whole', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const log = new ReplicaLog('a')
  const [one, two, three] = [log.next(named('one')), log.next(named('two')), log.next(named('three'))]
  await push(url, token, [one, two])
  const again = await push(url, token, [one, two, three])
  expect(again.sequences).toEqual([1, 2, 3])
  expect(again.position.head).toBe(3)

  const clone = { ...three, sealed: named('another three') }
  const fresh = new ReplicaLog('b').next(named('fresh'))
  const refused = await problem(await fetch(`${url}/v1/segments`, pushRequest(token, [fresh, clone])))
  expect(refused).toMatchObject({ status: 409, code: 'replica-conflict', counter: 3 })
  expect(refused['previous']).toBe(b64(log.previous))
  const gap = { ...new ReplicaLog('c').next(named('x')), counter: 2 }
  const unknown = await problem(await fetch(`${url}/v1/segments`, pushRequest(token, [gap])))
  expect(unknown).toMatchObject({ code: 'replica-conflict', counter: 0, previous: b64(new Uint8Array(32)) })
  expect((await pull(url, token, 0, ZEROS)).segments.length).toBe(3)
})

test('[LOG-4] a cursor of another log is told head, chain, generation and coverage', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const log = new ReplicaLog('a')
  const answer = await push(url, token, [log.next(named('one')), log.next(named('two'))])
  for (const [after, chain] of [
    [2, toHex(named('wrong'))],
    [1, ZEROS],
    [0, toHex(named('wrong'))],
    [3, toHex(answer.position.chain)],
    [9_007_199_254_740_991, ZEROS],
  ] as const) {
    const refused = await problem(await fetch(`${url}/v1/segments?after=${after}&chain=${chain}`, bearer(token)))
    expect(refused).toMatchObject({
      code: 'chain-mismatch',
      status: 409,
      head: 2,
      chain: b64(answer.position.chain),
      generation: b64(answer.position.generation),
      coverage: [{ replica: b64(log.replica), ranges: [[1, 2]], digest: b64(log.previous) }],
    })
  }
})

test('[KEY-4] changing the password is compare-and-set, needs the present one and ends all other sessions', async () => {
  const { url } = await running()
  const first = await signUp(url)
  const second = (await (await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody()))).json()) as WireSession
  const change = (version: number, currentAuthKey = named('auth main'), replaces = 1) => ({
    currentAuthKey: b64(currentAuthKey),
    replaces,
    suite: 'argon2id-64m-3',
    salt: b64(named('new salt', 16)),
    authKey: b64(named('new auth')),
    bundle: { version, sealed: b64(named('new bundle')) },
  })
  const put = (body: unknown) => fetch(`${url}/v1/credentials`, jsonRequest('PUT', body, first.token))
  expect(await problem(await put(change(2, named('wrong'))))).toMatchObject({ code: 'wrong-credentials', status: 401 })
  expect(await problem(await put(change(1)))).toMatchObject({ code: 'bad-request', status: 400 })
  expect(await problem(await put(change(3, named('auth main'), 2)))).toMatchObject({ code: 'bundle-conflict', status: 409 })
  expect((await fetch(`${url}/v1/status`, bearer(second.token))).status).toBe(200)

  const changed = await put(change(2))
  expect(changed.status).toBe(200)
  const now = credentialsSchema.parse(await changed.json())
  expect(now.bundle).toEqual({ version: 2, sealed: named('new bundle') })
  expect((await fetch(`${url}/v1/status`, bearer(second.token))).status).toBe(401)
  expect(credentialsSchema.parse(await (await fetch(`${url}/v1/credentials`, bearer(first.token))).json())).toEqual(now)
  const old = await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody()))
  expect(await problem(old)).toMatchObject({ code: 'wrong-credentials' })
  const fresh = signInBody('main', 'phone', { authKey: b64(named('new auth')) })
  expect((await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', fresh))).status).toBe(201)
})

test('[LOG-6] a pull larger than a page streams every segment', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const log = new ReplicaLog('a')
  const records = Array.from({ length: 12 }, (_, i) => log.next(new Uint8Array(400_000).fill(i + 1)))
  await push(url, token, records)
  const { segments, position } = await pull(url, token, 0, ZEROS)
  expect(segments.length).toBe(12)
  expect(toHex(chainOf(segments))).toBe(toHex(position?.chain ?? fromHex('')))
})
