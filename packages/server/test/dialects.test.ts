/** What the app does for every dialect and behind every gate. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { Gate, GateOutcome } from '#auth/gate'
import { createLoopbackGate } from '#auth/loopback-gate'
import { createLogger } from '#log'
import { bearer, jsonRequest, named, pushRequest, ReplicaLog, signUpBody } from './client.ts'
import { inProcess } from './in-process.ts'
import { hello, LiveDevice } from './live-device.ts'
import { problem, running, type WireSession } from './running.ts'
import { stubDialect } from './stub-dialect.ts'

test('what goes wrong under a dialect’s paths is answered in its words, elsewhere in ours', async () => {
  const lines: string[] = []
  const logger = createLogger('error', (line) => lines.push(line))
  const { request } = inProcess({}, { dialects: [stubDialect().create], logger })
  for (const [method, path, code] of [
    ['GET', '/stub', 'not-found'],
    ['GET', '/stub/nowhere', 'not-found'],
    ['GET', '/%73tub/nowhere', 'not-found'],
    ['GET', '/stub/%ff', 'bad-request'],
    ['GET', '/stub/%', 'bad-request'],
    ['DELETE', '/stub/thing', 'method-not-allowed'],
    ['HEAD', '/stub/json', 'method-not-allowed'],
    ['POST', '/stub/throws/problem', 'forbidden'],
    ['POST', '/stub/throws/full', 'storage-full'],
    ['POST', '/stub/throws/bug', 'server-error'],
  ] as const) {
    const { headers, status } = await request(path, { method })
    expect([method, path, status, headers.get('x-stub')]).toEqual([method, path, 418, code])
  }
  expect((await request('/stub/throws/problem', { method: 'POST' })).headers.get('retry-after')).toBe('7')
  expect(await (await request('/stub/throws/bug', { method: 'POST' })).text()).not.toContain('secret')
  expect(lines).toHaveLength(2)
  for (const path of ['/', '/stubs', '/stu', '/v1/stub', '/%ff/stub']) {
    const answer = await request(path, { method: 'DELETE' })
    expect([path, answer.headers.get('x-stub'), (await problem(answer)).status]).toEqual([path, null, expect.any(Number)])
  }
})

test('a dialect’s path has its 405, its HEAD, and its routes for all methods beside them', async () => {
  const { request, app } = inProcess({}, { dialects: [stubDialect().create] })
  expect((await request('/stub/thing', { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD, PUT')
  const head = await request('/stub/thing', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  const slashed = await request('/stub/thing/', { method: 'DELETE', redirect: 'manual' })
  expect([slashed.status, slashed.headers.get('location')]).toEqual([308, '/stub/thing'])
  expect(app.routes.filter(({ method }) => method === 'ALL')).toEqual([])
  expect(app.routes).toContainEqual({ method: 'PUT', path: '/stub/thing' })
})

test('a server without dialects knows none of their paths', async () => {
  const { request, app } = inProcess()
  for (const path of ['/api/profile/x/status', '/health', '/user', '/data/block', '/file/x/exists']) {
    expect((await problem(await request(path))).code).toBe('not-found')
  }
  expect(app.terms('POST', '/file/x').upload).toBeUndefined()
})

test('[HTTP-4] the gate stands before every route but shares and those that say whether the server is up', async () => {
  let outcome: GateOutcome | Error = { passed: false, reason: 'expired', detail: 'the token has run out' }
  const gate = {
    check: async () => {
      if (outcome instanceof Error) throw outcome
      return outcome
    },
  }
  const { request, app } = inProcess({}, { dialects: [stubDialect().create], gate })
  const open = ['GET /healthz', 'GET /metrics', 'GET /stub-open', 'GET /v1/shares/:id']
  for (const { method, path } of app.routes) {
    const answer = await request(path.replace(/:\w+(\{.*\})?/g, 'x'), { method })
    const refused = path.startsWith('/stub') ? answer.headers.get('x-stub') === 'gate-refused' : answer.status === 401
    expect([method, path, refused]).toEqual([method, path, !open.includes(`${method} ${path}`)])
  }
  for (const path of ['/nowhere', '/%ff', '/v1/server/', '/health%7a', '/healthz/', '/metrics/x']) {
    expect(await problem(await request(path))).toMatchObject({
      code: 'gate-refused',
      reason: 'expired',
      detail: 'the token has run out',
    })
  }
  outcome = { passed: false, reason: 'unavailable', detail: 'no keys' }
  expect(await problem(await request('/v1/server'))).toMatchObject({ code: 'gate-unavailable', status: 503 })
  expect((await request('/stub/thing')).headers.get('x-stub')).toBe('gate-unavailable')
  outcome = new TypeError('a gate that fails lets nobody pass')
  expect(await problem(await request('/v1/server'))).toMatchObject({ code: 'server-error', status: 500 })
  expect((await request('/stub/thing')).headers.get('x-stub')).toBe('server-error')
  outcome = { passed: true }
  expect((await request('/v1/server')).status).toBe(200)
  expect((await request('/stub/thing')).status).toBe(200)
  const metrics = await (await request('/metrics')).text()
  expect(metrics).toMatch(/lockstep_gate_refusals_total\{reason="expired"\} \d+\n/)
})

test('[HTTP-4] [KEY-9] push, pull and the live connection stand behind the gate on sockets, too', async () => {
  const check: Gate['check'] = async (header) =>
    header('lockstep-gate-token') === 'good'
      ? { passed: true }
      : {
          passed: false,
          reason: header('lockstep-gate-token') === undefined ? 'missing' : 'refused',
          detail: 'sign in at the gate',
        }
  const { url } = await running({}, { gate: { check } })
  const gated = (init: RequestInit, token: string) => {
    return { ...init, headers: { ...(init.headers as Record<string, string>), 'lockstep-gate-token': token } }
  }
  const made = await fetch(`${url}/v1/vaults`, gated(jsonRequest('POST', signUpBody()), 'good'))
  const { token } = (await made.json()) as WireSession
  const records = [new ReplicaLog('a').next(named('x'))]
  const pull = `${url}/v1/segments?after=0&chain=${'0'.repeat(64)}`
  for (const [path, init] of [
    [`${url}/v1/segments`, pushRequest(token, records)],
    [pull, bearer(token)],
    [`${url}/v1/status`, bearer(token)],
  ] as const) {
    expect(await problem(await fetch(path, init))).toMatchObject({ code: 'gate-refused', reason: 'missing' })
    expect(await problem(await fetch(path, gated(init, 'bad')))).toMatchObject({ code: 'gate-refused', reason: 'refused' })
  }
  const status = await fetch(`${url}/v1/status`, gated(bearer(token), 'good'))
  expect(await status.json()).toMatchObject({ head: 0 })
  expect((await fetch(`${url}/v1/segments`, gated(pushRequest(token, records), 'good'))).status).toBe(200)
  for (const headers of [{}, { 'lockstep-gate-token': 'bad' }]) {
    const outside = new LiveDevice(url, hello(token), headers)
    const [answer] = (await once(outside.socket, 'unexpected-response').then((values) => values.slice(1))) as [IncomingMessage]
    expect([answer.statusCode, JSON.parse(await text(answer))]).toEqual([401, expect.objectContaining({ code: 'gate-refused' })])
  }
  const inside = new LiveDevice(url, hello(token), { 'lockstep-gate-token': 'good' })
  await inside.until(() => inside.cursor === 1)
})

test('without a gate, a page of somewhere else in this machine’s browser is refused', async () => {
  const gate = createLoopbackGate(['https://app.example'])
  const passes = async (headers: Record<string, string>) => (await gate.check((name) => headers[name])).passed
  for (const headers of [
    {},
    { host: '127.0.0.1:8787' },
    { host: 'localhost:8787', origin: 'http://localhost:8787' },
    { host: '[::1]:8787', origin: 'http://127.0.0.1:5173' },
    { host: '127.0.0.1', origin: 'https://app.example' },
  ]) {
    expect([headers, await passes(headers)]).toEqual([headers, true])
  }
  for (const headers of [
    { host: 'rebound.example:8787' },
    { host: '127.0.0.1.example' },
    { host: '127.0.0.1:8787', origin: 'https://example.com' },
    { host: '127.0.0.1:8787', origin: 'null' },
    { host: '127.0.0.1:8787', origin: 'http://localhost.example' },
    { host: 'a b' },
  ]) {
    expect([headers, await passes(headers)]).toEqual([headers, false])
  }
})
