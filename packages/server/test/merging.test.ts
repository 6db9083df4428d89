import { concatBytes, toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START } from '@lockstep/protocol/chain'
import { mergeSchema, positionSchema, statusSchema } from '@lockstep/protocol/http'
import { MAX_MARKS } from '@lockstep/protocol/limits'
import { DeliveryDecoder, encodePush, type SegmentRecord } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { limitsWith } from '#limits'
import { LIVE_CLOSE } from '#live'
import { b64, chainOf, jsonRequest, named, push, pushRequest, ReplicaLog, signInBody, signUpBody } from './client.ts'
import { inProcess } from './in-process.ts'
import { hello, LiveDevice } from './live-device.ts'
import { idHex, MergeClient, mergedRecord, seedRecords, shape } from './merge-client.ts'
import { problem, running, signUp, type WireSession } from './running.ts'

async function vaultWith(count: number, policy: Parameters<typeof inProcess>[0] = {}) {
  const subject = inProcess(policy)
  const session = (await (await subject.request('/v1/vaults', jsonRequest('POST', signUpBody()))).json()) as WireSession
  const client = new MergeClient(subject.request, session.token)
  const log = new ReplicaLog('a')
  const records = Array.from({ length: count }, (_, i) => log.next(named(`segment ${i + 1}`)))
  const send = async (more: readonly SegmentRecord[]) => {
    for (let at = 0; at < more.length; at += 1000) {
      expect((await subject.request('/v1/segments', pushRequest(session.token, more.slice(at, at + 1000)))).status).toBe(200)
    }
  }
  await send(records)
  const chainAt = (sequence: number) => chainOf(records.slice(0, sequence))
  return { ...subject, ...session, client, log, records, send, chainAt }
}

test('[LOG-10] [LOG-6] a run is merged by three requests; every pull has it whole, in the order that was asked for', async () => {
  const { client, records, chainAt } = await vaultWith(10)
  const before = await client.index()
  const [b0, b1, b2] = await client.mergeRun(3, 7, chainAt(2), [named('B0'), named('B1'), named('B2')])
  const after = await client.index()
  expect(after.position).toEqual(before.position)
  expect(after.entries.map(({ first, last, kind, bytes }) => [first, last, kind, bytes])).toEqual([
    [1, 1, 0, 32],
    [2, 2, 0, 32],
    [3, 7, 2, 96],
    [8, 8, 0, 32],
    [9, 9, 0, 32],
    [10, 10, 0, 32],
  ])
  const run = ['3-7:2', '3-7:2', '3-7:2']
  const all = await client.pull(0, CHAIN_START)
  expect(shape(all.segments)).toEqual(['1-1:0', '2-2:0', ...run, '8-8:0', '9-9:0', '10-10:0'])
  expect(all.segments.slice(2, 5)).toEqual([b0, b1, b2].map((record) => ({ ...record, first: 3, last: 7 })))
  expect(all.position).toEqual(before.position)
  expect(shape((await client.pull(5, chainAt(5))).segments)).toEqual([...run, '8-8:0', '9-9:0', '10-10:0'])
  expect(shape((await client.pull(5, chainAt(5), '&through=8')).segments)).toEqual([...run, '8-8:0'])
  expect(shape((await client.pull(1, chainAt(1), '&through=4')).segments)).toEqual(['2-2:0', ...run])
  expect(shape((await client.pull(1, chainAt(1), '&through=8&order=newest')).segments)).toEqual(['8-8:0', ...run, '2-2:0'])
  expect(shape((await client.pull(9, chainAt(9), '&through=9')).segments)).toEqual([])
  expect(shape((await client.pull(9, chainAt(9), '&through=3&order=newest')).segments)).toEqual([])
  expect(shape((await client.pull(8, chainAt(8), '&through=999999')).segments)).toEqual(['9-9:0', '10-10:0'])
  const resumed = await client.pull(1, chainAt(1), `&through=7&order=newest&resume=${idHex(b1 as SegmentRecord)}`)
  expect(resumed.segments.map(idHex)).toEqual([b2, records[1]].map((record) => idHex(record as SegmentRecord)))
  const status = statusSchema.parse(await (await client.get('/v1/status')).json())
  expect(status).toMatchObject({ head: 10, segments: 8, bytes: 5 * 32 + 96 })
})

test('[SYNC-1] answers to a pull say what time it is', async () => {
  const { client, time } = await vaultWith(1)
  const { response } = await client.pull(1, (await client.index()).position.chain)
  expect(Date.parse(response.headers.get('date') ?? '')).toBe(time.now)
  const { url } = await running()
  const { token } = await signUp(url)
  const real = await new MergeClient((path, init) => fetch(`${url}${path}`, init), token).pull(0, CHAIN_START)
  expect(Number.isNaN(Date.parse(real.response.headers.get('date') ?? ''))).toBe(false)
})

test('[LOG-4] a cursor inside of a merged run is checked where its chain value is kept and accepted where it is gone', async () => {
  const { client, chainAt } = await vaultWith(1200)
  await client.mergeRun(1, 1150, CHAIN_START, [named('merged')])
  expect(shape((await client.pull(100, named('whatever'), '&through=1150')).segments)).toEqual(['1-1150:2'])
  const kept = await client.get(`/v1/segments?after=1000&chain=${toHex(named('wrong'))}`)
  expect(await problem(kept)).toMatchObject({ code: 'chain-mismatch', head: 1200 })
  expect(shape((await client.pull(1000, chainAt(1000), '&through=1000')).segments)).toEqual([])
  expect(shape((await client.pull(1000, chainAt(1000), '&through=1100')).segments)).toEqual(['1-1150:2'])
  for (const after of [0, 1150, 1151]) {
    const refused = await client.get(`/v1/segments?after=${after}&chain=${toHex(named('wrong'))}`)
    expect(await problem(refused)).toMatchObject({ code: 'chain-mismatch' })
  }
})

test('[LOG-6] a pull that is merged under its hands still has everything, or breaks off where it cannot', async () => {
  for (const isBeyond of [false, true]) {
    const { client, log, records, send } = await vaultWith(0)
    records.push(...Array.from({ length: 4 }, (_, i) => log.next(new Uint8Array(600_000).fill(i))))
    await send(records)
    const { body } = await client.get(`/v1/segments?after=0&chain=${toHex(CHAIN_START)}`)
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    const chunks = [(await reader.read()).value as Uint8Array]
    const more = [log.next(named('5'))]
    await send(more)
    await client.mergeRun(2, isBeyond ? 5 : 4, chainOf(records.slice(0, 1)), [named('B0'), named('B1')])
    const rest = (async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) chunks.push(part.value)
    })()
    if (isBeyond) {
      await expect(rest).rejects.toThrow('merged beyond')
      expect(shape((await client.pull(1, chainOf(records.slice(0, 1)))).segments)).toEqual(['2-5:2', '2-5:2'])
    } else {
      await rest
      const decoder = new DeliveryDecoder()
      expect(shape(decoder.push(concatBytes(...chunks)))).toEqual(['1-1:0', '2-2:0', '2-4:2', '2-4:2'])
      decoder.end()
    }
  }
})

test('[LOG-9] the common point of two logs, from marks', async () => {
  const { client, chainAt, log } = await vaultWith(20)
  await client.mergeRun(1, 8, CHAIN_START, [named('merged')])
  const common = await client.common([
    { sequence: 8, chain: chainAt(8) },
    { sequence: 12, chain: chainAt(12) },
    { sequence: 15, chain: named('another log') },
    { sequence: 64, chain: named('further') },
  ])
  expect(common).toEqual({
    sequence: 12,
    head: 20,
    chain: chainAt(20),
    generation: common.generation,
    epoch: 1,
    bundleVersion: 1,
    coverage: [{ replica: log.replica, ranges: [[1, 20]], digest: log.previous }],
  })
  expect((await client.common([])).sequence).toBe(0)
  const head = chainAt(20)
  const many = Array.from({ length: MAX_MARKS }, (_, i) => ({ sequence: i + 1, chain: head }))
  expect((await client.common(many)).sequence).toBe(20)
})

test('[LOG-10] two devices: one merges, the other is told to wait, then that the run has changed', async () => {
  const { client, request, chainAt, time } = await vaultWith(6)
  const signIn = await request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody()))
  const phone = new MergeClient(request, ((await signIn.json()) as WireSession).token)
  const stale = await phone.index()
  const { merge, seconds } = mergeSchema.parse(await (await client.reserveRun(1, 4)).json())
  expect(seconds).toBe(120)
  expect(await problem(await phone.reserveRun(1, 4))).toMatchObject({ code: 'merge-busy', status: 409 })
  expect(await problem(await phone.reserveSeeds())).toMatchObject({ code: 'merge-busy' })
  expect(await problem(await phone.put(merge, 0, [mergedRecord(4, CHAIN_START, named('x'))]))).toMatchObject({ code: 'not-found' })
  time.now += 100_000
  expect((await client.put(merge, 0, [mergedRecord(4, CHAIN_START, named('x'))])).status).toBe(204)
  time.now += 100_000
  expect(await problem(await phone.reserveRun(1, 4))).toMatchObject({ code: 'merge-busy' })
  const position = positionSchema.parse(await (await client.commit(merge, 1)).json())
  expect([position.head, toHex(position.chain)]).toEqual([6, toHex(chainAt(6))])
  expect((await client.commit(merge, 1)).status).toBe(200)
  const run = { type: 'run', first: 1, last: 4, run: b64(named('of the index before')) }
  expect(await problem(await phone.post('/v1/segments/merged', run))).toMatchObject({ code: 'run-changed', status: 409 })
  expect((await phone.index()).entries.length).toBe(stale.entries.length - 3)
  const second = mergeSchema.parse(await (await phone.reserveRun(1, 6)).json())
  time.now += 120_001
  expect((await client.reserveRun(5, 6)).status).toBe(201)
  expect(await problem(await phone.commit(second.merge, 1))).toMatchObject({ code: 'not-found', status: 404 })
})

test('[LOG-9] [KEY-9] seeds are announced to live devices, merged runs are not; behind a merged run a device pulls', async () => {
  const { url } = await running()
  const { token } = await signUp(url)
  const client = new MergeClient((path, init) => fetch(`${url}${path}`, init), token)
  const log = new ReplicaLog('a')
  const records = Array.from({ length: 5 }, (_, i) => log.next(named(`${i}`)))
  await push(url, token, records)
  const live = new LiveDevice(url, hello(token))
  await live.until(() => live.cursor === 5)
  await client.mergeRun(1, 3, CHAIN_START, [named('merged')])
  // More than one message may hold.
  const sealed = Array.from({ length: 4 }, (_, i) => new Uint8Array(700_000).fill(i))
  const seeds = await client.seed(5, chainOf(records), sealed)
  await live.until(() => live.cursor === 9)
  await push(url, token, [log.next(named('after'))])
  await live.until(() => live.cursor === 10)
  expect(live.segments.map(idHex)).toEqual([...records, ...seeds].map(idHex).concat(idHex(live.segments[9] as SegmentRecord)))
  const old = new LiveDevice(url, hello(token))
  expect(await old.closed).toBe(LIVE_CLOSE.cursorMismatch)
  expect(old.segments).toEqual([])
  const inside = new LiveDevice(url, hello(token, 2, chainOf(records.slice(0, 2))))
  expect(await inside.closed).toBe(LIVE_CLOSE.cursorMismatch)
  const at = { cursor: 3, chain: chainOf(records.slice(0, 3)) }
  const fits = new LiveDevice(url, hello(token, 3, at.chain), {}, at)
  await fits.until(() => fits.cursor === 10)
})

test('[LOG-10] [HTTP-1] requests of a merge that are none are 4xx and change nothing', async () => {
  const { client, token, request, chainAt } = await vaultWith(4)
  const before = await client.index()
  const reserve = async (body: unknown) => (await problem(await client.post('/v1/segments/merged', body))).code
  const run = { type: 'run', first: 1, last: 2, run: b64(named('x')) }
  for (const body of [
    {},
    { ...run, type: 'other' },
    { ...run, first: 0 },
    { ...run, first: 1.5 },
    { ...run, last: -1 },
    { ...run, first: 3 },
    { ...run, run: b64(named('x', 31)) },
    { type: 'seed', head: -1, chain: b64(chainAt(4)) },
    { type: 'seed', head: 4, chain: 'x' },
  ]) {
    expect([body, await reserve(body)]).toEqual([body, 'bad-request'])
  }
  expect(await reserve(run)).toBe('run-changed')
  expect(await reserve({ ...run, last: Number.MAX_SAFE_INTEGER })).toBe('run-changed')
  const { merge } = mergeSchema.parse(await (await client.reserveRun(2, 3)).json())
  const good = mergedRecord(3, chainAt(1), named('good'))
  const put = async (part: number | string, records: readonly SegmentRecord[]) =>
    (await problem(await client.put(merge, part, records))).code
  for (const part of ['-1', '01', '1.0', 'x', '4096', '99999', '%00'])
    expect([part, await put(part, [good])]).toEqual([part, 'bad-request'])
  for (const records of [
    [],
    [good, good],
    [{ ...good, kind: 0 as const }],
    [{ ...good, counter: 4 }],
    seedRecords(4, chainAt(4), [named('x')]),
  ]) {
    expect(await put(0, records)).toBe('bad-segment')
  }
  expect(await problem(await client.put('nobodys', 0, [good]))).toMatchObject({ code: 'not-found', status: 404 })
  expect(await problem(await client.put(merge, 0, [{ ...good, sealed: new Uint8Array(1.25 * 64 + 2 ** 20 + 1) }]))).toMatchObject({
    code: 'too-large',
    status: 413,
  })
  expect((await client.put(merge, 0, [good])).status).toBe(204)
  const json = await request(`/v1/segments/merged/${merge}/0`, jsonRequest('PUT', {}, token))
  expect(await problem(json)).toMatchObject({ code: 'unsupported-media-type' })
  for (const body of [{}, { parts: 0 }, { parts: 2 }, { parts: 1, covers: [{}] }, { parts: 1, covers: [{ replica: 'x' }] }]) {
    expect(await problem(await client.post(`/v1/segments/merged/${merge}`, body))).toMatchObject({
      code: 'bad-request',
      status: 400,
    })
  }
  for (const query of ['', '?from=', '?from=-1', '?from=x', '?from=1e3']) {
    expect(await problem(await client.get(`/v1/segments/index${query}`))).toMatchObject({ code: 'bad-request' })
  }
  const marks = async (body: Uint8Array, type: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type }
    return problem(await request('/v1/segments/common', { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> }))
  }
  const segments = 'application/vnd.lockstep.segments'
  expect(await marks(new Uint8Array(39), segments)).toMatchObject({ code: 'bad-request' })
  expect(await marks(new Uint8Array(40).fill(255), segments)).toMatchObject({ code: 'bad-request' })
  expect(await marks(new Uint8Array(40), 'application/json')).toMatchObject({ code: 'unsupported-media-type' })
  expect(await marks(new Uint8Array(40 * (MAX_MARKS + 1)), segments)).toMatchObject({ code: 'too-large' })
  const pushed = await request('/v1/segments', { ...pushRequest(token, []), body: encodePush([good]) as Uint8Array<ArrayBuffer> })
  expect(await problem(pushed)).toMatchObject({ code: 'bad-segment' })
  for (const query of ['through=x', 'order=oldest', 'resume=00', 'through=-1', `resume=${'g'.repeat(32)}`]) {
    const refused = await client.get(`/v1/segments?after=0&chain=${toHex(CHAIN_START)}&${query}`)
    expect([query, (await problem(refused)).code]).toEqual([query, 'bad-request'])
  }
  expect(await client.index()).toEqual(before)
})

test('seeds over the quota are told 507; a merge that makes room is not counted', async () => {
  const limits = { ...limitsWith(100), segmentBytes: 1000, pushBytes: 1000, pushSegments: 10 }
  const { client, chainAt } = await vaultWith(3, { limits })
  const { merge } = mergeSchema.parse(await (await client.reserveSeeds()).json())
  const [seed] = seedRecords(3, chainAt(3), [named('seed')])
  expect(await problem(await client.put(merge, 0, [seed as SegmentRecord]))).toMatchObject({
    code: 'quota-exceeded',
    status: 507,
    quota: 100,
  })
  await client.mergeRun(1, 3, CHAIN_START, [named('merged')])
  expect(await (await client.get('/v1/status')).json()).toMatchObject({ bytes: 32 })
})

test('merges are counted by outcome', async () => {
  const { client, app } = await vaultWith(3)
  await client.mergeRun(1, 2, CHAIN_START, [named('merged')])
  await client.reserveRun(2, 3)
  const text = app.metrics.text()
  expect(text).toContain('lockstep_merges_total{outcome="merged"} 1')
  expect(text).toContain('lockstep_merges_total{outcome="run-changed"} 1')
})
