import { toBase64Url } from '@lockstep/protocol/bytes'
import { CHAIN_START } from '@lockstep/protocol/chain'
import { commonSchema, credentialsSchema, deviceListSchema, rotationsSchema, SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { MAX_ROTATION_BYTES } from '@lockstep/protocol/limits'
import { expect, test } from 'vitest'
import { LIVE_CLOSE } from '#live'
import { b64, bearer, chainOf, jsonRequest, named, pushRequest, ReplicaLog, signInBody, signUpBody } from './client.ts'
import { inProcess } from './in-process.ts'
import { hello, LiveDevice } from './live-device.ts'
import { problem, running, signUp, type WireSession } from './running.ts'

const deviceId = (name: string) => b64(named(`device ${name}`, 16))

/** The request of a laptop that revokes a device and keeps the password. */
function revocation(head: number, chain: Uint8Array, extra: Record<string, unknown> = {}) {
  return {
    currentAuthKey: b64(named('auth main')),
    suite: 'argon2id-64m-3',
    salt: b64(named('salt main', 16)),
    authKey: b64(named('auth main')),
    replaces: 1,
    bundle: { version: 2, sealed: b64(named('bundle with a second key')) },
    epoch: 2,
    rotation: b64(named('rotation record')),
    head,
    chain: b64(chain),
    ...extra,
  }
}

/** A vault with a laptop (whose token is given), a phone and a tablet, and one segment. */
async function vault() {
  const subject = inProcess()
  const post = async (path: string, body: unknown) =>
    ((await (await subject.request(path, jsonRequest('POST', body))).json()) as WireSession).token
  const token = await post('/v1/vaults', signUpBody())
  const phone = await post('/v1/vaults/main/sessions', signInBody('main', 'phone'))
  const tablet = await post('/v1/vaults/main/sessions', signInBody('main', 'tablet'))
  const log = new ReplicaLog('a')
  const first = log.next(named('one'))
  expect((await subject.request('/v1/segments', pushRequest(token, [first]))).status).toBe(200)
  const chain = chainOf([first])
  const revoke = (device: string, extra: Record<string, unknown> = {}) =>
    subject.request(`/v1/devices/${device}/revocation`, jsonRequest('POST', revocation(1, chain, extra), token))
  const status = async (of: string) => (await subject.request('/v1/status', bearer(of))).status
  return { ...subject, token, phone, tablet, log, chain, revoke, status }
}

test('[KEY-3] [KEY-2] a revoked device is out at once; the others stay, find the rotation record and the new bundle', async () => {
  const { request, token, phone, tablet, log, revoke, status } = await vault()
  const answer = await revoke(deviceId('phone'))
  expect(answer.status).toBe(200)
  expect(credentialsSchema.parse(await answer.json()).bundle).toEqual({ version: 2, sealed: named('bundle with a second key') })
  expect([await status(token), await status(phone), await status(tablet)]).toEqual([200, 401, 200])
  const again = await request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody('main', 'phone')))
  expect(await problem(again)).toMatchObject({ code: 'forbidden', status: 403 })
  const { devices } = deviceListSchema.parse(await (await request('/v1/devices', bearer(tablet))).json())
  expect(devices.map(({ name, revoked }) => [name, revoked])).toEqual([
    ['laptop', false],
    ['phone', true],
    ['tablet', false],
  ])
  const rotations = async (after: number | string) => await request(`/v1/rotations?after=${after}`, bearer(tablet))
  expect(rotationsSchema.parse(await (await rotations(1)).json())).toEqual({
    rotations: [{ epoch: 2, record: named('rotation record') }],
  })
  expect(rotationsSchema.parse(await (await rotations(2)).json())).toEqual({ rotations: [] })
  for (const after of ['', 'x', '-1', '12345678901'])
    expect(await problem(await rotations(after))).toMatchObject({ code: 'bad-request' })

  // A record of the epoch before is refused with what a device needs to seal it anew under the same counter [KEY-4].
  const old = log.next(named('two'))
  const refused = await problem(await request('/v1/segments', pushRequest(tablet, [old])))
  expect(refused).toMatchObject({ code: 'epoch-closed', status: 409, epoch: 2, counter: 1, previous: b64(old.previous) })
  expect((await request('/v1/segments', pushRequest(tablet, [{ ...old, epoch: 2 }]))).status).toBe(200)
  const headers = { authorization: `Bearer ${tablet}`, 'content-type': SEGMENTS_MEDIA_TYPE }
  const common = await request('/v1/segments/common', { method: 'POST', headers, body: new Uint8Array(0) })
  expect(commonSchema.parse(await common.json())).toMatchObject({ epoch: 2, bundleVersion: 2, head: 2 })
})

test('[KEY-3] a revocation may change the password as well: every other session ends', async () => {
  const { request, token, phone, tablet, revoke, status } = await vault()
  expect((await revoke(deviceId('phone'), { authKey: b64(named('new auth')) })).status).toBe(200)
  expect([await status(token), await status(phone), await status(tablet)]).toEqual([200, 401, 401])
  const signIn = (key: string) =>
    request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody('main', 'tablet', { authKey: b64(named(key)) })))
  expect((await signIn('auth main')).status).toBe(401)
  expect((await signIn('new auth')).status).toBe(201)
})

test('[KEY-4] a revocation that does not fit the bundle or the log changes nothing', async () => {
  const { request, token, phone, revoke, status, log } = await vault()
  const code = async (device: string, extra: Record<string, unknown> = {}) => {
    const { code: problemCode, status: problemStatus } = await problem(await revoke(device, extra))
    return [problemStatus, problemCode]
  }
  expect(await code(deviceId('laptop'))).toEqual([400, 'bad-request'])
  expect(await code(deviceId('nobody'))).toEqual([404, 'not-found'])
  for (const id of ['x', toBase64Url(named('x', 15)), '%00']) expect(await code(id)).toEqual([400, 'bad-request'])
  expect(await code(deviceId('phone'), { replaces: 2, bundle: { version: 3, sealed: 'AAAA' } })).toEqual([409, 'bundle-conflict'])
  expect(await code(deviceId('phone'), { bundle: { version: 1, sealed: 'AAAA' } })).toEqual([400, 'bad-request'])
  expect(await code(deviceId('phone'), { head: 0, chain: b64(CHAIN_START) })).toEqual([409, 'run-changed'])
  expect(await code(deviceId('phone'), { chain: b64(named('other')) })).toEqual([409, 'run-changed'])
  expect(await code(deviceId('phone'), { epoch: 1 })).toEqual([409, 'run-changed'])
  expect(await code(deviceId('phone'), { epoch: 0 })).toEqual([400, 'bad-request'])
  expect(await code(deviceId('phone'), { epoch: 66 })).toEqual([400, 'bad-request'])
  expect(await code(deviceId('phone'), { rotation: b64(new Uint8Array(MAX_ROTATION_BYTES + 1)) })).toEqual([400, 'bad-request'])
  expect(await code(deviceId('phone'), { padding: 'x'.repeat(200_000) })).toEqual([413, 'too-large'])
  expect(await code(deviceId('phone'), { currentAuthKey: b64(named('wrong')) })).toEqual([401, 'wrong-credentials'])
  expect(await status(phone)).toBe(200)
  const next = log.next(named('still epoch 1'))
  const ahead = await problem(await request('/v1/segments', pushRequest(phone, [{ ...next, epoch: 66 }])))
  expect(ahead).toMatchObject({ code: 'bad-segment', status: 400, detail: expect.stringContaining('64 later than the vault') })
  expect((await request('/v1/segments', pushRequest(phone, [next]))).status).toBe(200)
  expect(await code(deviceId('phone'))).toEqual([409, 'run-changed'])
  expect(rotationsSchema.parse(await (await request('/v1/rotations?after=0', bearer(token))).json()).rotations).toEqual([])
})

test('[KEY-3] the largest rotation record fits, and a device that is revoked already is not found', async () => {
  const { revoke } = await vault()
  const largest = {
    rotation: b64(new Uint8Array(MAX_ROTATION_BYTES).fill(1)),
    bundle: { version: 7, sealed: b64(new Uint8Array(16 * 1024)) },
  }
  expect((await revoke(deviceId('phone'), largest)).status).toBe(200)
  const repeated = revoke(deviceId('phone'), { replaces: 7, bundle: { version: 8, sealed: 'AAAA' }, epoch: 3 })
  expect(await problem(await repeated)).toMatchObject({ code: 'not-found', status: 404 })
  const next = { replaces: 7, bundle: { version: 8, sealed: 'AAAA' }, epoch: 3 }
  expect((await revoke(deviceId('tablet'), next)).status).toBe(200)
})

test('[KEY-10] [KEY-3] a revocation counts guesses as a password change does', async () => {
  const { request, token, revoke, status } = await vault()
  for (let i = 0; i < 3; i++) {
    expect((await revoke(deviceId('phone'), { currentAuthKey: b64(named(`wrong ${i}`)) })).status).toBe(401)
  }
  const { head: _, chain: __, epoch: ___, rotation: ____, ...change } = revocation(1, CHAIN_START)
  for (let i = 0; i < 2; i++) {
    const wrong = { ...change, currentAuthKey: b64(named(`wrong too ${i}`)) }
    expect((await request('/v1/credentials', jsonRequest('PUT', wrong, token))).status).toBe(401)
  }
  const refused = await revoke(deviceId('phone'))
  expect(refused.headers.get('retry-after')).toBe('900')
  expect(await problem(refused)).toMatchObject({ code: 'too-many-attempts', status: 429 })
  expect(await status(token)).toBe(200)
})

test('[KEY-9] [KEY-3] revoking a device closes its live connection and leaves the others', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const phone = (await (await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody()))).json()) as WireSession
  const [mine, its] = [new LiveDevice(url, hello(token)), new LiveDevice(url, hello(phone.token))]
  await mine.until(() => mine.messages === 1)
  await its.until(() => its.messages === 1)
  const path = `${url}/v1/devices/${deviceId('phone')}/revocation`
  expect((await fetch(path, jsonRequest('POST', revocation(0, CHAIN_START), token))).status).toBe(200)
  expect(await its.closed).toBe(LIVE_CLOSE.unauthorized)
  const record = { ...new ReplicaLog('a').next(named('x')), epoch: 2 }
  expect((await fetch(`${url}/v1/segments`, pushRequest(token, [record]))).status).toBe(200)
  await mine.until(() => mine.cursor === 1)
})
