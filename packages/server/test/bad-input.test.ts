import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { MAX_JSON_BYTES, MAX_PUSH_BYTES, MAX_SEGMENT_BYTES } from '@lockstep/protocol/limits'
import { encodeMarks, encodePush } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { forEachSeed } from '../../../tests/support/random.ts'
import { b64, bearer, jsonRequest, named, pushRequest, ReplicaLog, signInBody, signUpBody } from './client.ts'
import { inProcess } from './in-process.ts'
import { rawSocket } from './raw-socket.ts'
import { problem, running, signUp, type WireSession } from './running.ts'

const FILE = 'packages/server/test/bad-input.test.ts'
const ZEROS = '0'.repeat(64)

async function signedIn() {
  const subject = inProcess()
  const response = await subject.request('/v1/vaults', jsonRequest('POST', signUpBody()))
  const { token } = (await response.json()) as WireSession
  const head = async () => ((await (await subject.request('/v1/status', bearer(token))).json()) as { head: number }).head
  return { ...subject, token, head }
}

test('[HTTP-1] unknown routes are 404, wrong methods 405 with Allow, HEAD answers where GET does', async () => {
  const { request } = await signedIn()
  for (const path of ['/nowhere', '/v1', '/v2/server', '/v1/vaults/a/b/c', '/V1/server', '/v1/server/']) {
    expect(await problem(await request(path))).toMatchObject({ code: 'not-found', status: 404 })
  }
  for (const [path, allow] of [
    ['/v1/server', 'GET, HEAD'],
    ['/v1/session', 'DELETE'],
    ['/v1/credentials', 'GET, HEAD, PUT'],
    ['/v1/segments', 'POST, GET, HEAD'],
  ] as const) {
    const refused = await request(path, { method: 'PATCH' })
    expect([refused.headers.get('allow'), (await problem(refused)).code]).toEqual([allow, 'method-not-allowed'])
    expect((await request(path, { method: 'OPTIONS' })).status).toBe(405)
  }
  const head = await request('/v1/server', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('[HTTP-1] a path that is not well encoded is 400', async () => {
  const { request } = await signedIn()
  for (const path of ['/v1/vaults/%', '/v1/vaults/%zz', '/v1/vaults/%ff', '/%c3%28', '/v1/vaults/%e0%a4%a/sessions']) {
    expect(await problem(await request(path))).toMatchObject({ code: 'bad-request', status: 400 })
  }
  for (const name of ['%20', '%00', '..%2f..', 'a%2fb', '-a', 'é', 'a'.repeat(65), '%F0%9F%98%80']) {
    expect((await request(`/v1/vaults/${name}`)).status).toBe(400)
  }
})

test('[HTTP-1] JSON bodies: type, syntax, encoding, size, depth', async () => {
  const { request } = await signedIn()
  const post = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
    request('/v1/vaults', { method: 'POST', body, headers: { 'content-type': type } })
  expect(await problem(await post('{}', 'text/plain'))).toMatchObject({ code: 'unsupported-media-type', status: 415 })
  expect(await problem(await post('{}', SEGMENTS_MEDIA_TYPE))).toMatchObject({ code: 'unsupported-media-type' })
  expect((await post(JSON.stringify(signUpBody('typed')), 'application/JSON; charset=utf-8')).status).toBe(201)
  for (const body of ['', '{', 'nul', '{"a":1,}', '\u0000', new Uint8Array([0x22, 0xff, 0x22])]) {
    expect(await problem(await post(body))).toMatchObject({ code: 'bad-json', status: 400 })
  }
  for (const body of ['null', '1', '"text"', '[]', '{}', '['.repeat(30_000) + ']'.repeat(30_000), '{"__proto__":{"name":"x"}}']) {
    expect(await problem(await post(body))).toMatchObject({ code: 'bad-request', status: 400 })
  }
  const full = JSON.stringify(signUpBody('full'))
  expect((await post(full + ' '.repeat(MAX_JSON_BYTES - full.length))).status).toBe(201)
  expect(await problem(await post(full + ' '.repeat(MAX_JSON_BYTES - full.length + 1)))).toMatchObject({
    code: 'too-large',
    status: 413,
  })
})

test('[HTTP-1] a wrong field is named and its value is not repeated', async () => {
  const { request } = await signedIn()
  const secret = 'this-is-a-secret'
  for (const [field, value] of [
    ['name', `${secret}!`],
    ['name', ''],
    ['vaultId', b64(named('x', 15))],
    ['suite', 'pbkdf2-sha256-1'],
    ['salt', `${secret}=`],
    ['authKey', b64(named('x', 31))],
    ['bundle', { version: 0, sealed: secret }],
    ['bundle', { version: 2, sealed: b64(named('x')) }],
    ['bundle', { version: 1.5, sealed: b64(named('x')) }],
    ['bundle', { version: 1, sealed: b64(new Uint8Array(16 * 1024 + 1)) }],
    ['device', { id: b64(named('d', 16)), name: `${secret}\n` }],
    ['device', null],
    ['setupToken', 5],
  ] as const) {
    const refused = await problem(await request('/v1/vaults', jsonRequest('POST', { ...signUpBody('new'), [field]: value })))
    expect(refused).toMatchObject({ code: 'bad-request', status: 400 })
    expect(refused['detail']).toContain(field)
    expect(JSON.stringify(refused)).not.toContain(secret)
  }
})

test('[HTTP-1] the numbers of a pull at their edges', async () => {
  const { request, token } = await signedIn()
  const pull = async (query: string) => (await problem(await request(`/v1/segments${query}`, bearer(token)))).code
  const bad = [
    '-1',
    '',
    '+1',
    '1.0',
    '1e9',
    'NaN',
    'Infinity',
    '0x1',
    ' 1',
    '9007199254740992',
    '99999999999999999999',
    '1n',
    '%00',
  ]
  for (const after of bad) expect([after, await pull(`?after=${after}&chain=${ZEROS}`)]).toEqual([after, 'bad-request'])
  for (const chain of ['', '0', ZEROS.slice(1), `${ZEROS}0`, ZEROS.replace('0', 'G'), `${'A'.repeat(64)}`]) {
    expect(await pull(`?after=0&chain=${chain}`)).toBe('bad-request')
  }
  for (const query of ['', '?', '?after=0', `?chain=${ZEROS}`, '?after&chain']) expect(await pull(query)).toBe('bad-request')
  for (const after of ['1', '4294967296', '9007199254740991'])
    expect(await pull(`?after=${after}&chain=${ZEROS}`)).toBe('chain-mismatch')
})

test('[SEG-1] [HTTP-1] pushes that are no pushes change nothing', async () => {
  const { request, token, head } = await signedIn()
  const post = async (body: Uint8Array) =>
    problem(await request('/v1/segments', { ...pushRequest(token, []), body: body as Uint8Array<ArrayBuffer> }))
  const good = encodePush([new ReplicaLog('a').next(named('x'))])
  const edit = (at: number, ...values: number[]) => {
    const bytes = good.slice()
    bytes.set(values, at)
    return bytes
  }
  for (const [what, body] of [
    ['empty', new Uint8Array(0)],
    ['cut in the length', good.slice(0, 3)],
    ['cut in the header', good.slice(0, 40)],
    ['cut in the bytes', good.slice(0, -1)],
    ['a byte too many', new Uint8Array([...good, 0])],
    ['no sealed bytes', new Uint8Array([0, 0, 0, 61, ...good.slice(4, 65)])],
    ['kind 2', edit(4, 2)],
    ['kind 3', edit(4, 3)],
    ['epoch 0', edit(5, 0, 0, 0, 0)],
    ['counter 0', edit(25, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['counter 2^53', edit(25, 0, 32, 0, 0, 0, 0, 0, 0)],
  ] as const) {
    expect([what, (await post(body)).code]).toEqual([what, 'bad-segment'])
  }
  expect((await post(edit(0, 255, 255, 255, 255))).code).toBe('too-large')
  const json = await request('/v1/segments', jsonRequest('POST', {}, token))
  expect((await problem(json)).code).toBe('unsupported-media-type')
  const log = new ReplicaLog('many')
  const many = encodePush(Array.from({ length: 1025 }, () => log.next(new Uint8Array(1))))
  expect((await post(many)).code).toBe('too-large')
  expect((await post(encodePush([new ReplicaLog('big').next(new Uint8Array(MAX_SEGMENT_BYTES + 1))]))).code).toBe('too-large')
  expect(await head()).toBe(0)
  expect(
    (await request('/v1/segments', pushRequest(token, [new ReplicaLog('big').next(new Uint8Array(MAX_SEGMENT_BYTES))]))).status,
  ).toBe(200)
})

test('[HTTP-1] mutated requests are never a 5xx, and what is refused is a problem', async () => {
  const cases = await forEachSeed('mutated requests', 400, FILE, async (random) => {
    const subject = random.chance(0.02) ? await signedIn() : await shared()
    const { request, token } = subject
    const mutate = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
      const out = [...bytes]
      for (let n = random.between(1, 4); n > 0; n--) {
        const at = random.below(out.length + 1)
        const kind = random.below(4)
        if (kind === 0) out.splice(at, random.between(1, 40))
        else if (kind === 1) out.splice(at, 0, ...random.bytes(random.between(1, 40)))
        else if (kind === 2) out[Math.min(at, out.length - 1)] = random.below(256)
        else
          out.splice(
            at,
            8,
            ...random.pick([
              [255, 255, 255, 255],
              [0, 0, 0, 0],
              [127, 255, 255, 255, 255, 255, 255, 255],
            ]),
          )
      }
      return new Uint8Array(out.map((byte) => byte & 0xff))
    }
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
    const json = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const [path, init] = random.pick<readonly [string, RequestInit]>([
      [
        '/v1/segments',
        { ...pushRequest(token, []), body: mutate(encodePush([new ReplicaLog(`${random.u32()}`).next(random.bytes(80))])) },
      ],
      ['/v1/vaults', { method: 'POST', headers: json, body: mutate(text(signUpBody(`m${random.u32()}`))) }],
      ['/v1/vaults/main/sessions', { method: 'POST', headers: json, body: mutate(text(signInBody())) }],
      ['/v1/credentials', { method: 'PUT', headers: json, body: mutate(text({ currentAuthKey: 'x', ...signUpBody() })) }],
      [
        `/v1/segments?${Buffer.from(mutate(text(`after=0&chain=${ZEROS}`)))
          .toString('latin1')
          .replace(/[^!-~]/g, '%80')}`,
        bearer(token),
      ],
      [
        `/v1/segments/merged`,
        { method: 'POST', headers: json, body: mutate(text({ type: 'run', first: 1, last: 2, run: ZEROS.slice(0, 43) })) },
      ],
      [`/v1/segments/merged/x`, { method: 'POST', headers: json, body: mutate(text({ parts: 1, covers: [] })) }],
      [
        `/v1/segments/merged/x/${random.below(5000)}`,
        { ...pushRequest(token, []), method: 'PUT', body: mutate(encodePush([new ReplicaLog('m').next(random.bytes(80), 2)])) },
      ],
      ['/v1/segments/common', { ...pushRequest(token, []), body: mutate(encodeMarks([{ sequence: 1, chain: named('x') }])) }],
      [
        `/v1/devices/${encodeURIComponent(Buffer.from(mutate(text(b64(named('d', 16))))).toString('latin1'))}/revocation`,
        { method: 'POST', headers: json, body: mutate(text({ currentAuthKey: 'x', epoch: 2, head: 0, ...signUpBody() })) },
      ],
      [`/v1/vaults/${encodeURIComponent(Buffer.from(mutate(text('some-name'))).toString('latin1'))}`, {}],
    ])
    const response = await request(path, init)
    if (response.status >= 500) throw new Error(`${response.status} for ${path}: ${await response.text()}`)
    if (response.status >= 400) await problem(response)
  })
  expect(cases).toBeGreaterThan(0)
})

let sharedSubject: ReturnType<typeof signedIn> | undefined
function shared() {
  sharedSubject ??= signedIn()
  return sharedSubject
}

const head = (token: string, extra: string) =>
  `POST /v1/segments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: ${SEGMENTS_MEDIA_TYPE}\r\n${extra}\r\n\r\n`

test('[HTTP-3] a declared length over the limit is refused before a byte of the body is sent', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const { socket, answer, closed } = await rawSocket(url)
  socket.write(head(token, `content-length: ${MAX_PUSH_BYTES + 1}`))
  await closed
  expect(answer()).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer()).toContain('"code":"too-large"')
})

test('[HTTP-3] who asks first whether to send is told 413, not 100', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const { socket, answer, closed } = await rawSocket(url)
  socket.write(head(token, `content-length: ${MAX_PUSH_BYTES + 1}\r\nexpect: 100-continue`))
  await closed
  expect(answer()).toMatch(/^HTTP\/1\.1 413 /)
})

test('[HTTP-3] a chunked body is cut off at the limit', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const { socket, answer, closed } = await rawSocket(url)
  socket.write(head(token, 'transfer-encoding: chunked'))
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000), Buffer.from('\r\n')])
  for (let sent = 0; sent < 40 && !answer().includes('\r\n\r\n') && !socket.destroyed; sent++) {
    await new Promise<void>((resolve) => {
      if (socket.write(chunk)) resolve()
      else {
        socket.once('drain', resolve)
        socket.once('close', () => resolve())
      }
    })
  }
  await closed
  expect(answer()).toMatch(/^HTTP\/1\.1 413 /)
})

test('[HTTP-3] an upload over the limit gets to read why', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const body = new Uint8Array(MAX_PUSH_BYTES + 1)
  const response = await fetch(`${url}/v1/segments`, { ...pushRequest(token, []), body })
  expect(await problem(response)).toMatchObject({ code: 'too-large' })
})

test('[HTTP-1] a body shorter than it says, or slower than allowed, ends in 408 and changes nothing', async () => {
  const { url } = await running({ requestTimeout: 1 })
  const { token } = await signUp(url)
  const body = encodePush([new ReplicaLog('a').next(named('x'))])
  const { socket, answer, closed } = await rawSocket(url)
  socket.write(head(token, `content-length: ${body.length}`))
  socket.write(body.slice(0, -1))
  await closed
  expect(answer()).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer()).toContain('"code":"request-timeout"')
  expect(await (await fetch(`${url}/v1/status`, bearer(token))).json()).toMatchObject({ head: 0 })
})

test('[HTTP-1] what is not HTTP is answered 400 or dropped, and the server goes on', async () => {
  const { url } = await running()
  for (const bytes of [
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n',
    'GET //x:y@z\\ HTTP/1.1\r\nhost: a b\r\n\r\n',
    'TRACE / HTTP/1.1\r\nhost: x\r\n\r\n',
    'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n',
    'POST /v1/segments HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
    'POST /v1/segments HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
  ]) {
    const { socket, answer, closed } = await rawSocket(url)
    socket.end(bytes)
    await closed
    expect([bytes.slice(0, 60), answer().slice(0, 13)]).toEqual([
      bytes.slice(0, 60),
      expect.stringMatching(/^(|HTTP\/1\.1 4..|HTTP\/1\.1 4.. )/),
    ])
    expect(answer()).not.toMatch(/^HTTP\/1\.1 [25]/)
  }
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

test('a vault over its quota is told 507 and keeps what it has', async () => {
  const { url } = await running({ quota: 100 })
  const { token } = await signUp(url)
  const log = new ReplicaLog('a')
  const first = log.next(new Uint8Array(60))
  expect((await fetch(`${url}/v1/segments`, pushRequest(token, [first]))).status).toBe(200)
  const over = await fetch(`${url}/v1/segments`, pushRequest(token, [log.next(new Uint8Array(60))]))
  expect(await problem(over)).toMatchObject({ code: 'quota-exceeded', status: 507, quota: 100 })
  expect(await (await fetch(`${url}/v1/status`, bearer(token))).json()).toMatchObject({ head: 1, bytes: 60, quota: 100 })
})
