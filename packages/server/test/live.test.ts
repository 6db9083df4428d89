import { request as httpRequest } from 'node:http'
import { CHAIN_START, identifySegment } from '@lockstep/protocol/chain'
import { expect, test } from 'vitest'
import { createLiveHub, LIVE_CLOSE, type LiveSocket } from '#live'
import { forEachSeed } from '../../../tests/support/random.ts'
import { b64, bearer, jsonRequest, named, push, ReplicaLog, sha256, signInBody, signUpBody } from './client.ts'
import { inProcess } from './in-process.ts'
import { hello, LiveDevice, LiveLog } from './live-device.ts'
import { running, signUp, type WireSession } from './running.ts'

const FILE = 'packages/server/test/live.test.ts'

test('[KEY-9] a device is told where it stands, then gets each new segment, its own and others’', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const phone = (await (await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody()))).json()) as WireSession
  const laptop = new LiveDevice(url, hello(token))
  const other = new LiveDevice(url, hello(phone.token))
  await laptop.until(() => laptop.messages === 1)
  await other.until(() => other.messages === 1)
  expect(laptop.cursor).toBe(0)
  const log = new ReplicaLog('a')
  await push(url, token, [log.next(named('one'))])
  await push(url, phone.token, [log.next(named('two')), log.next(named('three'))])
  for (const device of [laptop, other]) {
    await device.until(() => device.cursor === 3)
    expect(device.messages).toBe(3)
  }
})

test('[KEY-9] a device that comes back gets what is after its cursor, in pages, then the news', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const log = new ReplicaLog('a')
  const records = Array.from({ length: 30 }, (_, i) => log.next(new Uint8Array(200_000).fill(i)))
  await push(url, token, records)
  const device = new LiveDevice(url, hello(token))
  for (let i = 0; i < 5; i++) await push(url, token, [log.next(named(`new ${i}`))])
  await device.until(() => device.cursor === 35)
  expect(device.segments.length).toBe(35)
})

test('[KEY-9] the first message must be a hello of this log, within the time, and the only one', async () => {
  const { url } = await running({}, { helloMilliseconds: 50 })
  const { token } = await signUp(url)
  const log = new ReplicaLog('a')
  await push(url, token, [log.next(named('one'))])
  const close = (first: unknown) => new LiveDevice(url, first).closed
  expect(await close(undefined)).toBe(LIVE_CLOSE.helloTimeout)
  for (const bad of [
    '',
    '{',
    '[]',
    '{"token":"x"}',
    JSON.stringify({ ...hello(token), after: -1 }),
    JSON.stringify({ ...hello(token), chain: 'x' }),
  ]) {
    expect([bad, await close(bad)]).toEqual([bad, LIVE_CLOSE.badHello])
  }
  expect(await close('x'.repeat(5000))).toBe(1009)
  expect(await close(hello(b64(named('garbage'))))).toBe(LIVE_CLOSE.unauthorized)
  expect(await close(hello('short'))).toBe(LIVE_CLOSE.unauthorized)
  expect(await close(hello(token, 0, named('wrong')))).toBe(LIVE_CLOSE.cursorMismatch)
  expect(await close(hello(token, 1, CHAIN_START))).toBe(LIVE_CLOSE.cursorMismatch)
  expect(await close(hello(token, 2, CHAIN_START))).toBe(LIVE_CLOSE.cursorMismatch)
  const twice = new LiveDevice(url, hello(token))
  await twice.until(() => twice.cursor === 1)
  twice.socket.send(JSON.stringify(hello(token)))
  expect(await twice.closed).toBe(LIVE_CLOSE.badHello)
})

test('[KEY-9] a session that ends closes its sockets with 4401, by sign-out, password change and sign-in again', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const signIn = async (device: string) => {
    const answer = await fetch(`${url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody('main', device)))
    return ((await answer.json()) as WireSession).token
  }
  const live = async (session: string) => {
    const device = new LiveDevice(url, hello(session))
    await device.until(() => device.messages === 1)
    return device
  }
  const laptop = await live(token)
  const [phone, tablet] = [await signIn('phone'), await signIn('tablet')]
  const [phoneLive, tabletLive] = [await live(phone), await live(tablet)]
  await fetch(`${url}/v1/session`, { method: 'DELETE', ...bearer(phone) })
  expect(await phoneLive.closed).toBe(LIVE_CLOSE.unauthorized)
  const again = await live(await signIn('tablet'))
  expect(await tabletLive.closed).toBe(LIVE_CLOSE.unauthorized)
  const change = {
    currentAuthKey: b64(named('auth main')),
    suite: 'argon2id-64m-3',
    salt: b64(named('s', 16)),
    authKey: b64(named('n')),
    replaces: 1,
    bundle: { version: 2, sealed: b64(named('b')) },
  }
  expect((await fetch(`${url}/v1/credentials`, jsonRequest('PUT', change, token))).status).toBe(200)
  expect(await again.closed).toBe(LIVE_CLOSE.unauthorized)
  await push(url, token, [new ReplicaLog('a').next(named('x'))])
  await laptop.until(() => laptop.cursor === 1)
})

test('[KEY-9] pages of other origins may not connect', async () => {
  const { url } = await running({ allowedOrigin: ['https://app.example'], publicUrl: 'https://notes.example' })
  const status = (origin: string | undefined) =>
    new Promise<number>((resolve) => {
      const headers = { ...(origin === undefined ? {} : { origin }), connection: 'upgrade', upgrade: 'websocket' }
      const upgrade = { 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
      const request = httpRequest(`${url}/v1/live`, { headers: { ...headers, ...upgrade } })
      request.on('upgrade', (response, socket) => {
        socket.destroy()
        resolve(response.statusCode ?? 0)
      })
      request.on('response', (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      request.end()
    })
  for (const origin of [undefined, url, 'https://app.example', 'https://notes.example']) expect(await status(origin)).toBe(101)
  for (const origin of ['https://evil.example', 'null', url.replace('http', 'https'), 'http://127.0.0.1:1']) {
    expect([origin, await status(origin)]).toEqual([origin, 403])
  }
})

test('closing the server says 1001 to live devices', async () => {
  const server = await running()
  const { token } = await signUp(server.url)
  const device = new LiveDevice(server.url, hello(token))
  await device.until(() => device.messages === 1)
  await server.close()
  expect(await device.closed).toBe(1001)
})

/** A socket in the test's hands: it takes messages when it is told to. */
function stubbornSocket() {
  const received: Uint8Array[] = []
  const waiting: (() => void)[] = []
  let buffered = 0
  let largest = 0
  const socket: LiveSocket = {
    send(message) {
      buffered += message.length
      largest = Math.max(largest, buffered)
      return new Promise((resolve) => {
        waiting.push(() => {
          received.push(message)
          buffered -= message.length
          resolve()
        })
      })
    },
    close() {},
    get buffered() {
      return buffered
    },
  }
  return { socket, received, take: () => waiting.shift()?.(), pending: () => waiting.length, largest: () => largest }
}

test('[LOG-7] slow sockets hold little, lose nothing and get no segment twice', async () => {
  let bytes = 0
  await forEachSeed('slow live sockets', 30, FILE, async (random) => {
    const subject = inProcess()
    const made = await subject.request('/v1/vaults', jsonRequest('POST', signUpBody()))
    const { token } = (await made.json()) as WireSession
    const vault = (await subject.storage.vaultByName('main'))?.key
    if (vault === undefined) throw new Error('there is no vault')
    const session = { vault, deviceId: named('d', 16), tokenHash: named('t'), id: 't' }
    const errors: unknown[] = []
    const hub = createLiveHub({
      storage: subject.storage,
      authenticate: async () => session,
      onError: (error) => errors.push(error),
    })
    const slow = stubbornSocket()
    const connection = hub.open(slow.socket)
    const greeting = connection.receive(JSON.stringify(hello(token)))
    const log = new ReplicaLog('a')
    const sizes: number[] = []
    for (let step = 0; step < 60; step++) {
      if (random.chance(0.6)) {
        const record = log.next(new Uint8Array(random.pick([10, 1000, 300_000])).fill(step))
        sizes.push(record.sealed.length)
        const [outcome] = await subject.storage.append([
          { vault, quota: 0, segments: [{ ...identifySegment(sha256, record), record }] },
        ])
        if (outcome?.outcome !== 'appended') throw new Error('not appended')
        hub.announce({ vault, segments: outcome.added, position: outcome.position })
      } else slow.take()
      for (let i = random.below(4); i > 0; i--) await Promise.resolve()
    }
    const head = (await subject.storage.position(vault)).head
    for (let idle = 0; idle < 20; ) {
      if (slow.pending() === 0) idle += 1
      else idle = 0
      slow.take()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await greeting
    const device = new LiveLog()
    for (const message of slow.received) device.receive(message)
    if (errors.length > 0) throw errors[0]
    if (device.cursor !== head) throw new Error(`the socket got ${device.cursor} of ${head}`)
    bytes = Math.max(bytes, slow.largest())
  })
  console.log(`slow live sockets: at most ${bytes} bytes waiting`)
  // One page, one segment beyond it, and what made the socket count as slow.
  expect(bytes).toBeLessThan(2_200_000)
})

test('[HTTP-4] [KEY-9] a live connection ends with the token that passed the gate, and no other does', async () => {
  const DAY = 24 * 60 * 60_000
  const lasting: Readonly<Record<string, number | undefined>> = { short: 300, long: 100 * DAY, endless: undefined }
  const gate = {
    async check(header: (name: string) => string | undefined) {
      const lasts = lasting[header('lockstep-gate-token') ?? '']
      return { passed: true, until: lasts === undefined ? undefined : Date.now() + lasts } as const
    },
  }
  const { url } = await running({}, { gate })
  const { token } = await signUp(url)
  const device = (pass: string) => new LiveDevice(url, hello(token), { 'lockstep-gate-token': pass })
  const [long, endless] = [device('long'), device('endless')]
  for (const open of [long, endless]) await open.until(() => open.messages === 1)
  const short = device('short')
  expect(await short.closed).toBe(LIVE_CLOSE.gateExpired)
  await push(url, token, [new ReplicaLog('a').next(named('x'))])
  for (const open of [long, endless]) await open.until(() => open.cursor === 1)
})
