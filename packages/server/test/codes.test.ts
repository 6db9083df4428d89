/** Short codes: how they look, how long and how often they stand, and what guessing gets. */
import { CODE_ALPHABET, codeSchema, invitationSchema } from '@lockstep/protocol/http'
import { expect, test } from 'vitest'
import { createCodes } from '#codes'
import { parseTrustedProxies } from '#network'
import type { VaultKey } from '#storage/storage'
import { forEachSeed } from '../../../tests/support/random.ts'
import { jsonRequest, signUpBody } from './client.ts'
import { type InProcess, inProcess, random } from './in-process.ts'
import { problem, type WireSession } from './running.ts'

const FILE = 'packages/server/test/codes.test.ts'
const INVITATION = { server: 'https://sync.example', vault: 'main' }
const SECOND = 1000
const MINUTE = 60 * SECOND

async function signedUp({ request }: InProcess, name = 'main'): Promise<string> {
  return ((await (await request('/v1/vaults', jsonRequest('POST', signUpBody(name)))).json()) as WireSession).token
}

async function stage(): Promise<
  InProcess & {
    make(body?: unknown): Promise<Response>
    newCode(): Promise<string>
    take(code: string, peer?: string): Promise<Response>
  }
> {
  const server = inProcess()
  const token = await signedUp(server)
  const make = (body: unknown = INVITATION) => server.request('/v1/codes', jsonRequest('POST', body, token))
  return {
    ...server,
    make,
    newCode: async () => codeSchema.parse(await (await make()).json()).code,
    take: (code, peer) => server.request(`/v1/codes/${code}`, {}, peer),
  }
}

test('[SHR-2] a code is taken once, by whoever has it, in small letters too', async () => {
  const { make, take, time } = await stage()
  const made = await make()
  expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
  const { code, expiresAt } = codeSchema.parse(await made.json())
  expect(expiresAt).toBe(time.now + 120 * SECOND)
  const taken = await take(code.toLowerCase(), '198.51.100.7')
  expect([taken.status, taken.headers.get('cache-control')]).toEqual([200, 'no-store'])
  expect(invitationSchema.parse(await taken.json())).toEqual(INVITATION)
  expect(await problem(await take(code))).toMatchObject({ status: 404, code: 'code-unknown' })
})

test('[SHR-2] of two that ask at the same moment one gets it', async () => {
  const { newCode, take } = await stage()
  for (let round = 0; round < 5; round++) {
    const code = await newCode()
    const answers = await Promise.all([take(code), take(code, '198.51.100.7'), take(code, '203.0.113.7')])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404])
  }
})

test('[SHR-2] a code stands for 120 seconds; used, expired and made up are answered alike', async () => {
  const { newCode, take, time } = await stage()
  const [kept, expired, used] = [await newCode(), await newCode(), await newCode()]
  await take(used)
  time.now += 120 * SECOND - 1
  expect((await take(kept)).status).toBe(200)
  time.now += 1
  const answers = []
  for (const code of [expired, used, 'ZZZZZZ', 'toolongacode', 'A', '000000', '%E2%98%83']) {
    const answer = await take(code)
    answers.push([answer.status, Object.fromEntries(answer.headers), await answer.text()])
  }
  expect(answers[0]?.[0]).toBe(404)
  for (const answer of answers) expect(answer).toEqual(answers[0])
})

test('[SHR-2] HEAD does not use a code up', async () => {
  const { newCode, take, request } = await stage()
  const code = await newCode()
  const head = await request(`/v1/codes/${code}`, { method: 'HEAD' })
  expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET'])
  expect((await take(code)).status).toBe(200)
})

test('[SHR-2] 100 wrong guesses meet a wall with Retry-After, and nobody elsewhere does', async () => {
  const { newCode, take, time } = await stage()
  const code = await newCode()
  const statuses: number[] = []
  for (let n = 0; n < 100; n++) {
    // All over one /24.
    const answer = await take(`${CODE_ALPHABET[n % 31]}ZZZZZ`, `203.0.113.${n}`)
    statuses.push(answer.status)
    if (answer.status === 429) {
      expect(await problem(answer.clone())).toMatchObject({ code: 'too-many-attempts', retryAfter: 15 * 60 })
      expect(answer.headers.get('retry-after')).toBe(String(15 * 60))
    }
  }
  expect(statuses.slice(0, 10)).toEqual(Array(10).fill(404))
  expect(statuses.slice(10)).toEqual(Array(90).fill(429))
  // The wall stands before the right one as well.
  expect((await take(code, '203.0.113.200')).status).toBe(429)
  expect((await take(code, '203.0.112.200')).status).toBe(200)
  time.now += 15 * MINUTE
  expect((await take('ZZZZZZ', '203.0.113.1')).status).toBe(404)
})

test('[SHR-2] from everybody together there are 1 000 wrong guesses an hour, and right ones do not count', async () => {
  const server = inProcess({ trustedProxies: parseTrustedProxies(['127.0.0.1']) })
  const token = await signedUp(server)
  const take = (code: string, n: number) =>
    server.request(`/v1/codes/${code}`, { headers: { 'x-forwarded-for': `10.${n >> 8}.${n & 255}.1` } })
  const newCode = async () =>
    codeSchema.parse(await (await server.request('/v1/codes', jsonRequest('POST', INVITATION, token))).json()).code
  for (let n = 0; n < 50; n++) expect((await take(await newCode(), 5000)).status).toBe(200)
  for (let n = 0; n < 1000; n++) expect((await take('ZZZZZZ', n)).status).toBe(404)
  const refused = await take(await newCode(), 2000)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '3600'])
  server.time.now += 60 * MINUTE
  expect((await take(await newCode(), 2000)).status).toBe(200)
})

test('[SHR-2] under a code is an address and the own vault’s name, in at most 512 bytes, and nothing else', async () => {
  const { make, take } = await stage()
  expect(await problem(await make({ ...INVITATION, vault: 'second' }))).toMatchObject({ status: 403, code: 'forbidden' })
  const wrong = [
    'sync.example',
    'ftp://sync.example',
    'javascript:alert(1)',
    'https://user:secret@sync.example',
    'https://sync.example/?token=x',
    'https://sync.example/#secret',
    `https://sync.example/${'x'.repeat(320)}`,
    '',
  ]
  for (const server of wrong) {
    expect([server, await problem(await make({ server, vault: 'main' }))]).toMatchObject([
      server,
      { status: 400, code: 'bad-request' },
    ])
  }
  expect(await problem(await make({ ...INVITATION, padding: 'x'.repeat(512) }))).toMatchObject({ status: 413, code: 'too-large' })
  expect(await problem(await make([]))).toMatchObject({ status: 400 })
  const longest = { server: `https://${'x'.repeat(60)}.example/${'y'.repeat(240)}`, vault: 'main' }
  const { code } = codeSchema.parse(await (await make({ ...longest, password: 'not kept' })).json())
  expect(await (await take(code)).json()).toEqual(longest)
})

test('[SHR-2] a vault has five codes at a time: one more ends its oldest, and no other vault’s', async () => {
  const server = inProcess()
  const [own, other] = [await signedUp(server), await signedUp(server, 'second')]
  const make = async (token: string, vault: string) =>
    codeSchema.parse(await (await server.request('/v1/codes', jsonRequest('POST', { ...INVITATION, vault }, token))).json()).code
  const theirs = await make(other, 'second')
  const codes: string[] = []
  for (let n = 0; n < 6; n++) codes.push(await make(own, 'main'))
  const statuses = await Promise.all([...codes, theirs].map(async (code) => (await server.request(`/v1/codes/${code}`)).status))
  expect(statuses).toEqual([404, 200, 200, 200, 200, 200, 200])
})

test('[SHR-2] a server holds a bounded number of codes, and expired ones make room', () => {
  let now = 0
  const codes = createCodes({ clock: () => now, random })
  for (let n = 0; n < 10_000; n++) expect(codes.make(n as VaultKey, INVITATION)).toBeDefined()
  expect(codes.make(10_000 as VaultKey, INVITATION)).toBeUndefined()
  // A vault that has one may have another in its place only when its five are used up.
  expect([codes.size, codes.make(0 as VaultKey, INVITATION)]).toEqual([10_000, undefined])
  now += 120 * SECOND
  expect(codes.make(10_000 as VaultKey, INVITATION)).toBeDefined()
  expect(codes.size).toBe(1)
})

test('[SHR-2] codes are drawn evenly from the alphabet, without characters that look alike', () => {
  expect(CODE_ALPHABET).toMatch(/^[^0O1IL]{31}$/)
  const codes = createCodes({ clock: () => 0, random })
  const counts = new Map<string, number>()
  for (let n = 0; n < 9000; n++) {
    const made = codes.make(n as VaultKey, INVITATION)
    for (const letter of codeSchema.parse(made).code) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  }
  const expected = (9000 * 6) / 31
  // Seven standard deviations.
  for (const letter of CODE_ALPHABET) expect(Math.abs((counts.get(letter) ?? 0) - expected)).toBeLessThan(7 * Math.sqrt(expected))
  expect(counts.size).toBe(31)
})

/** What is to be expected of codes, with nothing of how they are kept. */
test('[SHR-2] made, taken, expired and dropped in any order, codes do as a list of them would', async () => {
  const seen = { taken: 0, unknown: 0, dropped: 0 }
  await forEachSeed('codes against a list', 40, FILE, (chance) => {
    let now = 0
    const codes = createCodes({
      clock: () => now,
      random: (length) => new Uint8Array(Array.from({ length }, () => chance.below(256))),
    })
    let list: { code: string; vault: number; expiresAt: number }[] = []
    const known: string[] = ['ZZZZZZ']
    for (let step = 0; step < 200; step++) {
      list = list.filter(({ expiresAt }) => expiresAt > now)
      const vault = chance.below(3)
      const choice = chance.below(10)
      if (choice < 4) {
        const made = codes.make(vault as VaultKey, { ...INVITATION, vault: `v${vault}` })
        if (made === undefined) throw new Error('there is room')
        const own = list.filter((entry) => entry.vault === vault)
        if (own.length === 5) {
          list = list.filter((entry) => entry !== own[0])
          seen.dropped += 1
        }
        list.push({ ...made, vault })
        known.push(made.code)
      } else if (choice < 8) {
        const code = chance.pick(known)
        const found = list.find((entry) => entry.code === code)
        expect(codes.take(code)?.vault).toBe(found && `v${found.vault}`)
        list = list.filter((entry) => entry !== found)
        seen[found ? 'taken' : 'unknown'] += 1
      } else if (choice < 9) {
        now += chance.below(60 * SECOND)
      } else if (chance.below(4) === 0) {
        codes.endAll(vault as VaultKey)
        list = list.filter((entry) => entry.vault !== vault)
      }
      expect(codes.size).toBe(list.filter(({ expiresAt }) => expiresAt > now).length)
    }
  })
  for (const [what, count] of Object.entries(seen)) expect([what, count > 50]).toEqual([what, true])
})
