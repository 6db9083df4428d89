/** Merges, seeds and revocations on a server that is killed: all of it is there afterwards, or nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import { mergeSchema, rotationsSchema, statusSchema } from '@lockstep/protocol/http'
import type { DeliveredSegment, SegmentRecord } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { Random, runs, seeds } from '../../../tests/support/random.ts'
import { spawnServer } from './child.ts'
import { b64, bearer, jsonRequest, named, push, ReplicaLog, sha256, signInBody } from './client.ts'
import { idHex, MergeClient, mergedRecord, seedRecords } from './merge-client.ts'
import { running, signUp, temporaryFolder, type WireSession } from './running.ts'

const POINTS = ['before-merge-commit', 'after-merge-commit', 'at random'] as const

/** What is expected of the log: the entries, and every chain value. */
class Expected {
  entries: { first: number; last: number; ids: string[] }[] = []
  readonly chains: Uint8Array[] = [CHAIN_START]

  get head(): number {
    return this.chains.length - 1
  }

  append(records: readonly SegmentRecord[]): void {
    for (const record of records) {
      this.chains.push(extendChain(sha256, this.chains[this.head] as Uint8Array, identifySegment(sha256, record)))
      this.entries.push({ first: this.head, last: this.head, ids: [idHex(record)] })
    }
  }

  withRun(first: number, last: number, records: readonly SegmentRecord[]): Expected['entries'] {
    const kept = this.entries.filter((entry) => entry.last < first || entry.first > last)
    return [...kept, { first, last, ids: records.map(idHex) }].sort((a, b) => a.first - b.first)
  }
}

function entriesOf(segments: readonly DeliveredSegment[]): Expected['entries'] {
  const entries: Expected['entries'] = []
  for (const segment of segments) {
    const { first, last } = segment
    const entry = entries.at(-1)
    if (entry?.last === last) entry.ids.push(idHex(segment))
    else entries.push({ first, last, ids: [idHex(segment)] })
  }
  return entries
}

async function checkSizes(client: MergeClient, segments: readonly DeliveredSegment[], expected: Expected): Promise<void> {
  const status = statusSchema.parse(await (await client.get('/v1/status')).json())
  const bytes = segments.reduce((sum, { sealed }) => sum + sealed.length, 0)
  expect([status.head, status.segments, status.bytes]).toEqual([expected.head, segments.length, bytes])
  expect(toHex(status.chain)).toBe(toHex(expected.chains[expected.head] as Uint8Array))
}

test('[LOG-10] [LOG-9] [SYNC-2] killed while it merges: the run or what replaces it, never both and never half', async () => {
  const kills = runs(6)
  const [seed = 1] = seeds('kill -9 of a merging server', 1)
  const random = new Random(seed)
  const data = temporaryFolder()
  const setUp = await running({ data })
  const { token } = await signUp(setUp.url)
  await setUp.close()
  const log = new ReplicaLog('a')
  const expected = new Expected()
  const died: Record<string, number> = {}
  const found = { before: 0, after: 0 }
  for (let kill = 0; kill < kills; kill++) {
    const point = POINTS[kill % POINTS.length] as (typeof POINTS)[number]
    const isRun = random.chance(0.7)
    const server = await spawnServer(data, point === 'at random' ? {} : { crashAt: `${point}:1` })
    const client = new MergeClient((path, init) => fetch(`${server.url}${path}`, init), token)
    const records = Array.from({ length: random.between(2, 6) }, () => log.next(random.bytes(random.between(20, 600))))
    await push(server.url, token, records)
    expected.append(records)

    const from = random.below(expected.entries.length)
    const first = expected.entries[from]?.first as number
    const last = expected.entries[random.between(from, expected.entries.length - 1)]?.last as number
    const sealed = Array.from({ length: random.between(1, 3) }, () => random.bytes(random.between(20, 2000)))
    const { head } = expected
    const chain = expected.chains[head] as Uint8Array
    const previous = expected.chains[first - 1] as Uint8Array
    const parts = isRun ? sealed.map((bytes) => mergedRecord(last, previous, bytes)) : seedRecords(head, chain, sealed)
    const reserved = await (isRun ? client.reserveRun(first, last) : client.reserveSeeds())
    const { merge } = mergeSchema.parse(await reserved.json())
    const upload = async (to: MergeClient) => {
      for (const [part, record] of parts.entries()) await to.put(merge, part, [record])
      return to.commit(merge, parts.length)
    }
    if (point === 'at random') void sleep(random.between(0, 15)).then(() => server.child.kill('SIGKILL'))
    await upload(client).catch(() => undefined)
    await server.exited
    const name = server.child.signalCode === 'SIGKILL' ? point : 'not at all'
    died[name] = (died[name] ?? 0) + 1

    const after = await spawnServer(data)
    const again = new MergeClient((path, init) => fetch(`${after.url}${path}`, init), token)
    const { segments } = await again.pull(0, CHAIN_START)
    const merged = new Expected()
    merged.entries = [...expected.entries]
    merged.chains.push(...expected.chains.slice(1))
    if (isRun) merged.entries = expected.withRun(first, last, parts)
    else merged.append(parts)
    const now = JSON.stringify(entriesOf(segments))
    const isDone = now === JSON.stringify(merged.entries)
    if (!isDone) expect(now).toBe(JSON.stringify(expected.entries))
    if (point === 'before-merge-commit') expect(isDone).toBe(false)
    if (point === 'after-merge-commit') expect(isDone).toBe(true)
    found[isDone ? 'after' : 'before'] += 1
    await checkSizes(again, segments, isDone ? merged : expected)
    // The device goes on where it was: its reservation and what it had uploaded survived.
    expect((await (isDone ? again.commit(merge, parts.length) : upload(again))).status).toBe(200)
    const finished = (await again.pull(0, CHAIN_START)).segments
    expect(JSON.stringify(entriesOf(finished))).toBe(JSON.stringify(merged.entries))
    await checkSizes(again, finished, merged)
    expected.entries = merged.entries
    expected.chains.splice(0, expected.chains.length, ...merged.chains)
    after.child.kill('SIGTERM')
    await after.exited
  }
  console.log(`kill -9 of a merging server: ${JSON.stringify(died)}, found ${JSON.stringify(found)}, seed ${seed}`)
  expect(died['not at all']).toBeUndefined()
  expect(expected.entries.some(({ first, last }) => last > first)).toBe(true)
})

test('[KEY-3] [SYNC-2] killed while it revokes: the device is out and the record is there, or neither', async () => {
  const data = temporaryFolder()
  const setUp = await running({ data })
  const { token } = await signUp(setUp.url)
  const signIn = await fetch(`${setUp.url}/v1/vaults/main/sessions`, jsonRequest('POST', signInBody()))
  const phone = ((await signIn.json()) as WireSession).token
  await setUp.close()
  const request = {
    currentAuthKey: b64(named('auth main')),
    suite: 'argon2id-64m-3',
    salt: b64(named('salt main', 16)),
    authKey: b64(named('auth main')),
    replaces: 1,
    bundle: { version: 2, sealed: b64(named('bundle')) },
    epoch: 2,
    rotation: b64(named('rotation record')),
    head: 0,
    chain: b64(CHAIN_START),
  }
  const path = `/v1/devices/${b64(named('device phone', 16))}/revocation`
  for (const [point, revoked] of [
    ['before-revocation-commit', false],
    ['after-revocation-commit', true],
  ] as const) {
    const server = await spawnServer(data, { crashAt: `${point}:1` })
    await expect(fetch(`${server.url}${path}`, jsonRequest('POST', request, token))).rejects.toThrow()
    await server.exited
    const after = await running({ data })
    expect((await fetch(`${after.url}/v1/status`, bearer(phone))).status).toBe(revoked ? 401 : 200)
    const rotations = rotationsSchema.parse(await (await fetch(`${after.url}/v1/rotations?after=0`, bearer(token))).json())
    expect(rotations.rotations).toEqual(revoked ? [{ epoch: 2, record: named('rotation record') }] : [])
    const status = await (await fetch(`${after.url}/v1/status`, bearer(token))).json()
    expect(status).toMatchObject({ epoch: revoked ? 2 : 1, bundleVersion: revoked ? 2 : 1 })
    await after.close()
  }
})
