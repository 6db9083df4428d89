/** The rows of the contract's table, over real HTTP. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../running.ts'
import { blocksOf, errorOf, operation, served, timeAt, uuid } from './support.ts'

const ID = '7f5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6'
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaCBvZiB0aGUgMzIgYnl0ZXMgb2YgYSBrZXkgLi4'

const post = (body: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(body) })

test('GET /health is ok, GET /health/auth is auth_ok', async () => {
  const { send } = await served()
  for (const [path, text] of [
    ['/health', 'ok'],
    ['/health/auth', 'auth_ok'],
  ] as const) {
    const response = await send(path)
    expect([response.status, await response.text()]).toEqual([200, text])
    const head = await send(path, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  }
})

test('POST /user makes the user once; GET /user is that one; a second one is refused and changes nothing', async () => {
  const data = temporaryFolder()
  const { send, server } = await served({ data })
  for (const path of ['/user', '/user/']) {
    const absent = await send(path)
    expect([absent.status, await errorOf(absent)]).toEqual([404, expect.stringContaining('no user')])
  }
  const made = await send('/user', post({ id: ID.toUpperCase(), secretKeyHash: HASH }))
  expect([made.status, await made.text()]).toEqual([200, ''])
  for (const path of ['/user', '/user/']) {
    for (const body of [
      { id: ID, secretKeyHash: HASH },
      { id: uuid('other'), secretKeyHash: 'other' },
    ]) {
      const again = await send(path, post(body))
      expect([again.status, await errorOf(again)]).toEqual([409, expect.stringContaining('nothing was changed')])
    }
  }
  await server.close()
  const restarted = await served({ data })
  for (const path of ['/user', '/user/']) {
    const found = await restarted.send(path)
    expect([found.status, await found.json()]).toEqual([200, { id: ID, secretKeyHash: HASH }])
  }
})

test('of users that are made at the same time one is made', async () => {
  const { send } = await served()
  const paths = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? '/user' : '/user/'))
  const answers = await Promise.all(paths.map((path, i) => send(path, post({ id: uuid(`${i}`), secretKeyHash: `hash ${i}` }))))
  const made = answers.map(({ status }) => status)
  expect(made.toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 409)])
  const user = await (await send('/user')).json()
  const first = made.indexOf(200)
  expect(user).toEqual({ id: uuid(`${first}`), secretKeyHash: `hash ${first}` })
})

test('the operations and the block of the document', async () => {
  const { send, push, blocks, operations } = await served()
  const bytes = (hex: string) => [...Buffer.from(hex, 'hex')]
  const [create, remove] = [
    {
      id: ID,
      createdAt: '2025-07-31T10:20:30.123456789Z',
      data: [116, 98, 116],
      checksum: bytes('39652309b5082ebee1c71cc8b75fa4dbe0c3a03b19c44420eaff033adb1b3fef'),
    },
    {
      id: '0a0b0c0d-0e0f-4011-8213-141516171819',
      createdAt: '2025-07-31T10:20:31.123456789Z',
      data: [],
      checksum: bytes('940a4b41959f6875d48f2079c1ea4bbf6caf6021f2c8cc59a13c8b723eb08931'),
    },
  ]
  expect(await blocks()).toEqual([])
  expect(await operations()).toEqual([])
  await push([remove, create])
  expect(await blocks()).toEqual([bytes('ba14bb950b3b4793f059f790b43b69bda871f7148864f678fc9373d9b51e6342')])
  expect(await operations()).toEqual([create, remove])
  expect(await operations(1)).toEqual([remove])
  expect(await operations(2)).toEqual([])
  expect(await (await send('/data/operation')).json()).toEqual([create, remove])
  expect(await (await send('/data/block')).json()).toEqual(await blocks(16))
  expect(await blocks(1)).toEqual(blocksOf([create, remove], 1))
})

test('operations: an empty body of them, one that is known, one with another checksum', async () => {
  const { send, push, operations, blocks } = await served()
  const [one, two, three] = ['1', '2', '3'].map((name) => operation(name, timeAt(Number(name)))) as [
    ReturnType<typeof operation>,
    ReturnType<typeof operation>,
    ReturnType<typeof operation>,
  ]
  await push([])
  await push([two, two, one])
  await push([{ ...two, createdAt: timeAt(99), data: [] }, one])
  expect(await operations()).toEqual([one, two])
  for (const body of [
    [three, { ...one, checksum: two.checksum }],
    [three, { ...three, checksum: two.checksum }],
  ]) {
    const refused = await send('/data/operation', post(body))
    expect([refused.status, await errorOf(refused)]).toEqual([409, expect.stringContaining('another checksum')])
  }
  expect(await operations()).toEqual([one, two])
  expect(await blocks()).toEqual(blocksOf([one, two], 16))
  await push([three])
  expect(await operations()).toEqual([one, two, three])
})

test('times come back as they were sent, and are in order to the nanosecond, then by id', async () => {
  const { push, operations } = await served()
  const times = [
    '0000-01-01T00:00:00Z',
    '1969-12-31T23:59:59.999999999Z',
    '1970-01-01T00:00:00Z',
    '2016-12-31T23:59:59.999999999Z',
    '2016-12-31T23:59:60Z',
    '2017-01-01T01:59:60.5+02:00',
    '2017-01-01T00:00:00.000000000Z',
    '2025-07-31T10:20:30.123456788Z',
    '2025-07-31T12:20:30.123456789+02:00',
    '2025-07-31t10:20:30.12345679z',
    '2025-07-31T04:50:30.2-05:30',
    '2025-07-31T10:20:30.9-00:00',
    '9999-12-31T23:59:59.999999999Z',
  ]
  const all = times.map((createdAt, i) => operation(`time ${i}`, createdAt))
  const same = Array.from({ length: 9 }, (_, i) => operation(`same ${i}`, '2030-01-01T00:00:00.000000001Z'))
  await push([...same, ...all].reverse())
  const sorted = same.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  expect(await operations()).toEqual([...all.slice(0, -1), ...sorted, ...all.slice(-1)])
})

test('a file is stored, replaced, found and given back; one that is not there is 404', async () => {
  const data = temporaryFolder()
  const { send, upload, download, exists, server } = await served({ data })
  const bytes = randomBytes(700_001)
  for (const method of ['GET', 'HEAD']) expect((await send(`/file/${uuid('a')}`, { method })).status).toBe(404)
  expect(await errorOf(await send(`/file/${uuid('a')}`))).toContain('no file')
  expect(await exists('a')).toBe(false)
  await upload('a', bytes)
  await upload('b', new Uint8Array(0))
  expect([await exists('a'), await exists('b'), await exists('c')]).toEqual([true, true, false])
  const found = await send(`/file/${uuid('a').toUpperCase()}`)
  expect(found.headers.get('content-length')).toBe('700001')
  expect(Buffer.from(await found.arrayBuffer()).equals(bytes)).toBe(true)
  const head = await send(`/file/${uuid('a')}`, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '700001', ''])
  expect((await download('b')).length).toBe(0)
  await upload('a', 'another text')
  await server.close()
  const restarted = await served({ data })
  expect((await restarted.download('a')).toString()).toBe('another text')
})

test('what is not a route, a method or a path of the dialect is refused in its form', async () => {
  const { send } = await served()
  for (const path of [
    '/data',
    '/data/',
    '/data/block/',
    '/data/operations',
    '/health/',
    '/health/x',
    '/user/x',
    '/file',
    `/file/${ID}/x`,
  ]) {
    const answer = await send(path)
    expect([path, answer.status, typeof (await errorOf(answer))]).toEqual([path, 404, 'string'])
  }
  for (const [path, allow] of [
    ['/health', 'GET, HEAD'],
    ['/data/block', 'GET, HEAD'],
    ['/data/operation', 'GET, HEAD, POST'],
    ['/user', 'GET, HEAD, POST'],
    [`/file/${ID}/exists`, 'GET, HEAD'],
  ] as const) {
    const answer = await send(path, { method: 'DELETE' })
    expect([path, answer.status, answer.headers.get('allow')]).toEqual([path, 405, allow])
    await errorOf(answer)
  }
  for (const path of ['/file/%', '/data/%zz', '/user/%ff']) expect(await errorOf(await send(path))).toContain('encoded')
  for (const id of ['x', ID.slice(1), `${ID}0`, ID.replaceAll('-', ''), `{${ID}}`, '..%2f..', ID.replace('7', 'g')]) {
    for (const init of [{}, { method: 'POST', body: 'x' }]) {
      const answer = await send(`/file/${id}`, init)
      expect([id, answer.status, await errorOf(answer)]).toEqual([id, 400, expect.stringContaining('UUID')])
    }
    expect((await send(`/file/${id}/exists`)).status).toBe(400)
  }
})
