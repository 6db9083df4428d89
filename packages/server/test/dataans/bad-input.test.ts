/** [G19] Requests that are wrong: refused with a sentence, nothing stored, never an error of ours. */
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { forEachSeed, type Random } from '../../../../tests/support/random.ts'
import { errorOf, type Inside, inside, operation, timeAt, uuid, type WireOperation } from './support.ts'

const FILE = 'packages/server/test/dataans/bad-input.test.ts'
const GOOD = operation('good', timeAt(1))

async function refused(subject: Inside, path: string, init: RequestInit, status: number): Promise<string> {
  const response = await subject.request(path, init)
  const error = await errorOf(response)
  expect([path, response.status, error]).toEqual([path, status, error])
  return error
}

const post = (body: RequestInit['body'], headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: body ?? null,
  headers,
  duplex: 'half',
})

test('[G19] numbers in a query at their edges', async () => {
  const subject = inside()
  const all = Array.from({ length: 20 }, (_, i) => operation(`${i}`, timeAt(i)))
  await subject.push(all)
  const wrong = [
    '',
    '-1',
    '-0',
    '+1',
    '1.5',
    '1e2',
    'NaN',
    'Infinity',
    '0x1',
    '%00',
    '1%20',
    '١',
    '18446744073709551616',
    '9'.repeat(100),
  ]
  for (const text of ['0', ...wrong]) {
    expect(await refused(subject, `/data/block?items_per_block=${text}`, {}, 400)).toContain('items_per_block')
  }
  for (const text of wrong) {
    expect(await refused(subject, `/data/operation?operations_to_skip=${text}`, {}, 400)).toContain('operations_to_skip')
  }
  for (const text of ['20', '21', '9007199254740993', '18446744073709551615', '00000000000000000020']) {
    expect((await (await subject.request(`/data/block?items_per_block=${text}`)).json()) as unknown[]).toHaveLength(1)
    expect(await (await subject.request(`/data/operation?operations_to_skip=${text}`)).json()).toEqual([])
  }
  expect(await subject.operations(19)).toEqual(all.slice(19))
  const twice = await subject.request('/data/operation?operations_to_skip=19&operations_to_skip=x')
  expect(await twice.json()).toEqual(all.slice(19))
})

test('a wrong operation is named by its number and its field; nothing of its body is stored', async () => {
  const subject = inside()
  for (const [field, value] of [
    ['id', undefined],
    ['id', 'x'],
    ['id', 5],
    ['id', GOOD.id.replaceAll('-', '')],
    ['createdAt', undefined],
    ['createdAt', ''],
    ['createdAt', 1_753_957_230],
    ['createdAt', '2025-02-30T00:00:00Z'],
    ['createdAt', `2025-01-01T00:00:00.${'0'.repeat(1000)}Z`],
    ['data', undefined],
    ['data', 'AAAA'],
    ['data', { 0: 1, length: 1 }],
    ['data', [256]],
    ['data', [-1]],
    ['data', [0.5]],
    ['data', [null]],
    ['checksum', undefined],
    ['checksum', GOOD.checksum.slice(1)],
    ['checksum', [...GOOD.checksum, 0]],
    ['checksum', [...GOOD.checksum.slice(1), '0']],
  ] as const) {
    const body = JSON.stringify([operation('before', timeAt(0)), { ...GOOD, [field]: value }])
    const error = await refused(subject, '/data/operation', post(body), 400)
    expect(error).toContain(`operation 1: ${field}`)
  }
  for (const element of ['null', '1', '"x"', '[]', 'nul', '{"id":}', '{"a":1}}', "{'a':1}", '\u0000']) {
    expect(await refused(subject, '/data/operation', post(`[${element}]`), 400)).toMatch(/operation 0|not a JSON array/)
  }
  const invalid = Buffer.concat([Buffer.from('["'), Buffer.from([0xff]), Buffer.from('"]')])
  expect(await refused(subject, '/data/operation', post(invalid), 400)).toContain('operation 0')
  for (const body of ['', '{}', 'null', '[', '[[[[[[', '['.repeat(1e6), `[{"a":${'['.repeat(1e5)}`]) {
    await refused(subject, '/data/operation', post(body), 400)
  }
  expect(await subject.operations()).toEqual([])
  const more = { __proto__: null, ...GOOD, note: 'of a later client', nested: { constructor: [] } }
  expect((await subject.request('/data/operation', post(JSON.stringify([more])))).status).toBe(200)
  expect(await subject.operations()).toEqual([GOOD])
})

test('a wrong user is refused', async () => {
  const subject = inside()
  const user = { id: uuid('user'), secretKeyHash: 'hash' }
  for (const body of [
    '',
    '{',
    'null',
    '[]',
    '1',
    '['.repeat(8000),
    JSON.stringify({ ...user, id: 'x' }),
    JSON.stringify({ id: user.id }),
  ]) {
    await refused(subject, '/user', post(body), 400)
  }
  for (const secretKeyHash of ['', 'x'.repeat(1025), 5, null]) {
    expect(await refused(subject, '/user', post(JSON.stringify({ ...user, secretKeyHash })), 400)).toContain('secretKeyHash')
  }
  await refused(subject, '/user', post(JSON.stringify({ ...user, more: 'x'.repeat(17_000) })), 413)
  await refused(subject, '/user', {}, 404)
  expect((await subject.request('/user', post(JSON.stringify({ ...user, secretKeyHash: '€'.repeat(1024) })))).status).toBe(200)
})

/** A body that says nothing of its length and how much of it was taken. */
function endless(chunk: Buffer): { readonly body: ReadableStream; readonly taken: () => number } {
  let taken = 0
  const body = new ReadableStream({
    pull(controller) {
      taken += chunk.length
      controller.enqueue(chunk)
    },
  })
  return { body, taken: () => taken }
}

test('[G19] a body over its limit is refused before it is read, or as soon as it is', async () => {
  const subject = inside({ operationsBytes: 5000, fileBytes: 5000 })
  const name = uuid('file')
  const long = Buffer.alloc(5001, ' ')
  for (const path of ['/data/operation', `/file/${name}`]) {
    const { body, taken } = endless(Buffer.alloc(1000, ' '))
    expect(await refused(subject, path, post(body, { 'content-length': '5001' }), 413)).toContain('5000')
    expect(taken()).toBeLessThanOrEqual(1000)
    await refused(subject, path, post(long), 413)
    const more = endless(Buffer.alloc(1000, ' '))
    await refused(subject, path, post(more.body), 413)
    expect(more.taken()).toBeLessThan(9000)
  }
  await refused(subject, `/file/${name}`, {}, 404)
  const body = JSON.stringify([GOOD])
  expect((await subject.request('/data/operation', post(body + ' '.repeat(5000 - body.length)))).status).toBe(200)
  expect((await subject.request(`/file/${name}`, post(long.subarray(1)))).status).toBe(200)
})

test('a body that breaks off stores nothing', async () => {
  const subject = inside()
  const breaking = () =>
    Readable.toWeb(
      Readable.from(
        (async function* () {
          yield Buffer.from(`[${JSON.stringify(GOOD)}`)
          throw new Error('gone')
        })(),
      ),
    ) as ReadableStream
  for (const path of ['/data/operation', `/file/${uuid('file')}`]) {
    expect(await refused(subject, path, post(breaking()), 400)).toContain('broke off')
  }
  expect(await subject.operations()).toEqual([])
  expect(await subject.exists('file')).toBe(false)
})

test('a page of another site may change nothing, whatever cookie goes along with it', async () => {
  const subject = inside()
  const body = JSON.stringify([GOOD])
  const user = JSON.stringify({ id: uuid('user'), secretKeyHash: 'hash' })
  for (const site of ['cross-site', 'same-site']) {
    for (const [path, text] of [
      ['/data/operation', body],
      ['/user', user],
      ['/user/', user],
      [`/file/${uuid('f')}`, 'text'],
    ] as const) {
      expect(await refused(subject, path, post(text, { 'sec-fetch-site': site }), 403)).toContain('another site')
    }
  }
  expect(await subject.operations()).toEqual([])
  for (const site of ['same-origin', 'none']) {
    expect((await subject.request('/data/operation', post(body, { 'sec-fetch-site': site }))).status).toBe(200)
  }
})

function mutate(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text)
  for (let changes = random.between(1, 3); changes > 0; changes--) {
    const at = random.below(bytes.length)
    const kind = random.below(4)
    if (kind === 0) bytes[at] = random.below(256)
    else if (kind === 1) bytes[at] = random.pick([...Buffer.from('[]{}",:0-9.eE\\n ')])
    else if (kind === 2) bytes.copyWithin(at, random.below(bytes.length))
    else bytes.fill(random.pick([0x20, 0x5b, 0x39]), at, Math.min(bytes.length, at + random.below(20)))
  }
  return random.chance(0.2) ? bytes.subarray(0, random.below(bytes.length)) : bytes
}

test('[G10] [G19] mutated requests are answered, and what was stored stays', async () => {
  const subject = inside()
  const kept: WireOperation[] = Array.from({ length: 5 }, (_, i) => operation(`kept ${i}`, timeAt(i)))
  await subject.push(kept)
  await subject.upload('kept', 'text')
  const statuses: Record<number, number> = {}
  await forEachSeed('mutated Dataans requests', 400, FILE, async (random) => {
    const operations = Array.from({ length: random.between(1, 3) }, () =>
      operation(`${random.u32()}`, timeAt(random.below(1000), '5')),
    )
    const [path, body] = random.pick([
      ['/data/operation', mutate(random, JSON.stringify(operations))],
      ['/user', mutate(random, JSON.stringify({ id: uuid('user'), secretKeyHash: 'x'.repeat(random.below(9)) }))],
      [
        `/file/${mutate(random, uuid('other'))
          .toString('latin1')
          .replace(/[^\w-]/g, encodeURIComponent)}`,
        Buffer.from('text'),
      ],
      [`/data/block?items_per_block=${encodeURIComponent(mutate(random, '16000').toString())}`, undefined],
      [`/data/operation?operations_to_skip=${encodeURIComponent(mutate(random, '16000').toString())}`, undefined],
    ] as const)
    const response = await subject.request(path, body === undefined ? {} : post(body))
    statuses[response.status] = (statuses[response.status] ?? 0) + 1
    if (response.status === 200) await response.arrayBuffer()
    else await errorOf(response)
  })
  console.log(`mutated requests: ${JSON.stringify(statuses)}`)
  expect(Object.keys(statuses).filter((status) => Number(status) >= 500)).toEqual([])
  const after = await subject.operations()
  for (const operation of kept) expect(after).toContainEqual(operation)
  expect((await subject.download('kept')).toString()).toBe('text')
})
