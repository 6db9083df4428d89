import { describe, expect, test } from 'vitest'
import { nodeHashing } from '#auth/secrets'
import { nextAllowed, PASSWORD_RULE, SIGN_UP_RULE, VAULT_RULE } from '#guesses'
import { parseTrustedProxies } from '#network'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import { forEachSeed, runs } from '../../../tests/support/random.ts'
import { b64, jsonRequest, named, signInBody, signUpBody } from './client.ts'
import { type InProcess, inProcess, random } from './in-process.ts'
import { problem, running, signUp, temporaryFolder, type WireSession } from './running.ts'

const FILE = 'packages/server/test/guesses.test.ts'
const MINUTE = 60_000

describe('the rule', () => {
  test('[KEY-10] five within five minutes are followed by fifteen minutes of nothing', () => {
    const times = [0, 60_000, 120_000, 180_000, 240_000]
    expect(nextAllowed(PASSWORD_RULE, times.slice(0, 4), 180_000)).toBe(180_000)
    expect(nextAllowed(PASSWORD_RULE, times, 240_000)).toBe(240_000 + 15 * MINUTE)
    expect(nextAllowed(PASSWORD_RULE, [0, 0, 0, 0, 5 * MINUTE - 1], 6 * MINUTE)).toBe(20 * MINUTE - 1)
  })

  test('[KEY-10] five spread out are followed by the rest of the first one’s fifteen minutes', () => {
    expect(nextAllowed(PASSWORD_RULE, [0, 3 * MINUTE, 6 * MINUTE, 9 * MINUTE, 12 * MINUTE], 13 * MINUTE)).toBe(15 * MINUTE)
  })

  test('a clock that was set back locks nobody out for more than a window', () => {
    const future = Array.from({ length: 5 }, () => 1_000_000 * MINUTE)
    expect(nextAllowed(PASSWORD_RULE, future, 10)).toBe(10 + PASSWORD_RULE.window)
  })

  test('[KEY-10] no window of any length of guesses ever holds more than the count', async () => {
    await forEachSeed('guess rule', 200, FILE, (seeded) => {
      for (const rule of [PASSWORD_RULE, SIGN_UP_RULE, VAULT_RULE]) {
        const allowed: number[] = []
        for (let now = 0, i = 0; i < 400; i++) {
          now += seeded.below(seeded.pick([1, 1000, MINUTE, 10 * MINUTE]))
          if (nextAllowed(rule, allowed, now) <= now) allowed.push(now)
        }
        allowed.forEach((start, i) => {
          const within = allowed.slice(i).filter((time) => time < start + rule.window).length
          if (within > rule.count) throw new Error(`${within} guesses in a window of ${rule.count}`)
        })
      }
    })
  })
})

/** Counts what the server does with each guess: [KEY-10] is about work done, not about time taken. */
function countingHashing() {
  const counts = { sha256: 0, hmac: 0 }
  const hashing = {
    sha256(bytes: Uint8Array) {
      counts.sha256 += 1
      return nodeHashing.sha256(bytes)
    },
    hmacSha256(key: Uint8Array, bytes: Uint8Array) {
      counts.hmac += 1
      return nodeHashing.hmacSha256(key, bytes)
    },
  }
  return { counts, hashing }
}

async function withVault(subject: InProcess, name = 'main'): Promise<WireSession> {
  const response = await subject.request('/v1/vaults', jsonRequest('POST', signUpBody(name)), '203.0.113.77')
  if (response.status !== 201) throw new Error(`sign-up: ${response.status}`)
  return (await response.json()) as WireSession
}

const wrong = (name: string, guess: string, extra: Record<string, unknown> = {}) =>
  [
    `/v1/vaults/${name}/sessions`,
    jsonRequest('POST', { ...signInBody(name, 'thief'), authKey: b64(named(guess)), ...extra }),
  ] as const

describe('sign-in', () => {
  test('[KEY-10] [HTTP-1] the sixth wrong guess is 429 with Retry-After, for unknown names alike', async () => {
    const { hashing, counts } = countingHashing()
    const subject = inProcess({}, { hashing })
    await withVault(subject)
    const seen: Record<string, unknown[]> = { main: [], ghost: [] }
    for (const name of ['main', 'ghost']) {
      for (let i = 0; i < 8; i++) {
        const before = { ...counts }
        const response = await subject.request(...wrong(name, `guess ${i}`))
        const work = [counts.sha256 - before.sha256, counts.hmac - before.hmac]
        seen[name]?.push([response.status, [...response.headers], await response.text(), work])
      }
    }
    expect(seen['main']).toEqual(seen['ghost'])
    expect(seen['main']?.map((answer) => (answer as [number])[0])).toEqual([401, 401, 401, 401, 401, 429, 429, 429])
    const refused = await subject.request(...wrong('main', 'again'))
    expect(refused.headers.get('retry-after')).toBe('900')
    expect(await problem(refused)).toMatchObject({ code: 'too-many-attempts', retryAfter: 900 })
  })

  test('[KEY-10] headers of known and unknown names take the same steps, look alike and stay the same', async () => {
    const { hashing, counts } = countingHashing()
    const subject = inProcess({}, { hashing })
    await withVault(subject)
    const suites = new Set<string>()
    const ask = async (name: string) => {
      const before = { ...counts }
      const response = await subject.request(`/v1/vaults/${name}`)
      const work = [counts.sha256 - before.sha256, counts.hmac - before.hmac]
      const body = (await response.json()) as { vaultId: string; suite: string; salt: string }
      return { body, shape: [response.status, [...response.headers.keys()], Object.keys(body), body.vaultId.length, work] }
    }
    const known = await ask('main')
    for (let i = 0; i < 32; i++) {
      const first = await ask(`ghost-${i}`)
      expect(first.shape).toEqual(known.shape)
      expect((await ask(`ghost-${i}`)).body).toEqual(first.body)
      if (first.body.suite === 'pbkdf2-sha256-1200000') expect(first.body.salt).toBe(b64(new Uint8Array(16)))
      suites.add(first.body.suite)
    }
    expect(suites.size).toBe(2)
  })

  test('[KEY-4] a vault whose suite has no salt is told with zeros, whatever its client stored', async () => {
    const subject = inProcess()
    const body = signUpBody('main', 'laptop', { suite: 'pbkdf2-sha256-1200000', salt: b64(named('telling', 16)) })
    expect((await subject.request('/v1/vaults', jsonRequest('POST', body))).status).toBe(201)
    expect(await (await subject.request('/v1/vaults/main')).json()).toMatchObject({ salt: b64(new Uint8Array(16)) })
  })

  test('[KEY-10] right passwords are not counted, and wait like the others once it is locked', async () => {
    const subject = inProcess()
    await withVault(subject)
    const right = () => subject.request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody()))
    for (let i = 0; i < 20; i++) expect((await right()).status).toBe(201)
    for (let i = 0; i < 5; i++) expect((await subject.request(...wrong('main', `${i}`))).status).toBe(401)
    expect((await right()).status).toBe(429)
    subject.time.now += 15 * MINUTE - 1
    expect((await right()).status).toBe(429)
    subject.time.now += 1
    expect((await right()).status).toBe(201)
  })

  test('[KEY-10] networks are IPv4 /24 and IPv6 /56, and one does not lock out another', async () => {
    const subject = inProcess()
    await withVault(subject)
    const from = async (peer: string) => (await subject.request(...wrong('main', 'x'), peer)).status
    for (const last of [1, 2, 3, 4, 5]) expect(await from(`198.51.100.${last}`)).toBe(401)
    expect(await from('198.51.100.200')).toBe(429)
    expect(await from('::ffff:198.51.100.9')).toBe(429)
    expect(await from('198.51.101.1')).toBe(401)
    for (const last of [1, 2, 3, 4, 5]) expect(await from(`2001:db8:0:12${last}0::${last}`)).toBe(401)
    expect(await from('2001:0db8:0000:12ff:1::5')).toBe(429)
    expect(await from('2001:db8:0:1300::1')).toBe(401)
  })

  test('[KEY-10] X-Forwarded-For counts only from a trusted proxy, from its end', async () => {
    const subject = inProcess({ trustedProxies: parseTrustedProxies(['10.0.0.0/8']) })
    await withVault(subject)
    const from = async (peer: string, forwarded: string) => {
      const [path, init] = wrong('main', 'x')
      const headers = { ...(init.headers as Record<string, string>), 'x-forwarded-for': forwarded }
      return (await subject.request(path, { ...init, headers }, peer)).status
    }
    for (let i = 0; i < 5; i++) expect(await from('198.51.100.1', `203.0.113.${i}, 192.0.2.${i}`)).toBe(401)
    expect(await from('198.51.100.1', '1.2.3.4')).toBe(429)
    // Each client behind the proxy has a network of its own; what it wrote in front does not count.
    for (let i = 0; i < 5; i++) expect(await from('10.0.0.1', `${i}.${i}.${i}.${i}, 192.0.2.7, 10.9.9.9`)).toBe(401)
    expect(await from('10.0.0.1', '9.9.9.9, 192.0.2.8')).toBe(429)
    expect(await from('10.0.0.1', '192.0.3.7')).toBe(401)
    for (let i = 0; i < 5; i++) expect(await from('10.0.0.2', 'not an address')).toBe(401)
    expect(await from('10.0.0.3', '')).toBe(429)
  })

  test('[KEY-10] a device with its cookie has a bucket of its own; a wrong cookie is none', async () => {
    const subject = inProcess()
    const { deviceCookie } = await withVault(subject)
    for (let i = 0; i < 5; i++) await subject.request(...wrong('main', `${i}`))
    const mine = (extra: Record<string, unknown>) =>
      subject.request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody('main', 'laptop', extra)))
    expect((await mine({})).status).toBe(429)
    expect((await mine({ deviceCookie: b64(named('made up')) })).status).toBe(429)
    const again = await mine({ deviceCookie })
    expect(again.status).toBe(201)
    expect(await again.json()).toMatchObject({ deviceCookie })
    for (let i = 0; i < 5; i++) expect((await subject.request(...wrong('main', 'x', { deviceCookie }))).status).toBe(401)
    expect((await mine({ deviceCookie })).status).toBe(429)
  })

  test('[KEY-10] everyone without a cookie has 100 guesses an hour at one vault', async () => {
    const { hashing } = countingHashing()
    const subject = inProcess({}, { hashing })
    const { deviceCookie } = await withVault(subject)
    let checked = 0
    for (let i = 0; i < 300; i++) {
      const response = await subject.request(...wrong('main', `${i}`), `10.${i % 250}.${i >> 3}.1`)
      if (response.status === 401) checked += 1
    }
    expect(checked).toBe(100)
    const mine = jsonRequest('POST', signInBody('main', 'laptop', { deviceCookie }))
    expect((await subject.request('/v1/vaults/main/sessions', mine)).status).toBe(201)
    expect((await subject.request(...wrong('ghost', 'x'), '10.200.200.1')).status).toBe(401)
    subject.time.now += 60 * MINUTE
    expect((await subject.request(...wrong('main', 'later'), '10.250.250.1')).status).toBe(401)
  })

  test('[KEY-10] a password change is guess-limited by device, and signed-in devices sync on', async () => {
    const subject = inProcess()
    const { token } = await withVault(subject)
    const body = (key: string) => ({
      currentAuthKey: b64(named(key)),
      suite: 'argon2id-64m-3',
      salt: b64(named('s', 16)),
      authKey: b64(named('new')),
      replaces: 1,
      bundle: { version: 2, sealed: b64(named('b')) },
    })
    const put = (key: string) => subject.request('/v1/credentials', jsonRequest('PUT', body(key), token))
    for (let i = 0; i < 5; i++) expect(await problem(await put(`wrong ${i}`))).toMatchObject({ code: 'wrong-credentials' })
    expect(await problem(await put('auth main'))).toMatchObject({ code: 'too-many-attempts' })
    expect((await subject.request('/v1/status', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
    expect((await subject.request('/v1/vaults/main/sessions', jsonRequest('POST', signInBody()))).status).toBe(201)
  })

  test('[KEY-10] brute force from many networks, in bursts and over restarts: at most five checks each in 15 minutes', async () => {
    const tries = runs(600)
    const { hashing } = countingHashing()
    const folder = temporaryFolder()
    let storage = openSqliteStorage({ folder, random })
    let subject = inProcess({ trustedProxies: parseTrustedProxies(['127.0.0.1']) }, { hashing, storage })
    await withVault(subject)
    const names = ['main', 'ghost']
    const checks = new Map<string, number[]>()
    let refused = 0
    let restarts = 0
    const { now } = subject.time
    for (let done = 0; done < tries; ) {
      const burst = Array.from({ length: 20 }, (_, i) => ({ name: names[i % 2] as string, network: (done + (i >> 2)) % 10 }))
      await Promise.all(
        burst.map(async ({ name, network }, i) => {
          const [path, init] = wrong(name, `${done} ${i}`)
          const headers = { ...(init.headers as Record<string, string>), 'x-forwarded-for': `192.0.${network}.${i}` }
          const { status } = await subject.request(path, { ...init, headers })
          if (status === 429) refused += 1
          else if (status === 401) checks.set(`${name} ${network}`, [...(checks.get(`${name} ${network}`) ?? []), subject.time.now])
          else throw new Error(`status ${status}`)
        }),
      )
      done += burst.length
      const time = subject.time.now + 45_000
      if (done % 100 === 0) {
        await storage.close()
        storage = openSqliteStorage({ folder, random })
        subject = inProcess({ trustedProxies: parseTrustedProxies(['127.0.0.1']) }, { hashing, storage })
        restarts += 1
      }
      subject.time.now = time
    }
    await storage.close()
    console.log(
      `brute force: ${tries} tries over ${(subject.time.now - now) / MINUTE} minutes, ${refused} refused, ${restarts} restarts`,
    )
    expect(refused).toBeGreaterThan(tries / 3)
    expect(restarts).toBeGreaterThan(0)
    for (const times of checks.values()) {
      for (const start of times)
        expect(times.filter((time) => time >= start && time < start + 15 * MINUTE).length).toBeLessThanOrEqual(5)
    }
  })

  test('[KEY-10] a burst of 40 in parallel over real sockets gets five checks, also after a restart', async () => {
    const data = temporaryFolder()
    const first = await running({ data })
    await signUp(first.url)
    const burst = async (url: string) => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const [path, init] = wrong('main', `${i}`)
          return (await fetch(url + path, init)).status
        }),
      )
      return answers.filter((status) => status === 401).length
    }
    expect(await burst(first.url)).toBe(5)
    await first.close()
    const second = await running({ data })
    expect(await burst(second.url)).toBe(0)
  })
})

describe('sign-up', () => {
  test('[KEY-5] a taken name fails like a wrong password and is counted like one', async () => {
    const subject = inProcess()
    await withVault(subject)
    const taken = await subject.request('/v1/vaults', jsonRequest('POST', signUpBody()))
    const guess = await subject.request(...wrong('main', 'x'))
    expect([taken.status, await taken.text(), [...taken.headers]]).toEqual([guess.status, await guess.text(), [...guess.headers]])
    for (let i = 0; i < 3; i++) await subject.request('/v1/vaults', jsonRequest('POST', signUpBody()))
    expect((await subject.request(...wrong('main', 'x'))).status).toBe(429)
  })

  test('open sign-up takes ten an hour from one network', async () => {
    const subject = inProcess()
    for (let i = 0; i < 10; i++) {
      expect((await subject.request('/v1/vaults', jsonRequest('POST', signUpBody(`v${i}`)))).status).toBe(201)
    }
    const refused = await subject.request('/v1/vaults', jsonRequest('POST', signUpBody('v10')))
    expect(refused.headers.get('retry-after')).toBe('3600')
    expect(await problem(refused)).toMatchObject({ code: 'too-many-requests' })
    expect((await subject.request('/v1/vaults', jsonRequest('POST', signUpBody('v10')), '10.1.1.1')).status).toBe(201)
    subject.time.now += 60 * MINUTE
    expect((await subject.request('/v1/vaults', jsonRequest('POST', signUpBody('v11')))).status).toBe(201)
  })

  test('single: one vault, also when two arrive at once, then sign-up is closed', async () => {
    const subject = inProcess({ signUp: 'single' })
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) => subject.request('/v1/vaults', jsonRequest('POST', signUpBody(name)))),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403])
    expect(await problem(await subject.request('/v1/vaults', jsonRequest('POST', signUpBody('d'))))).toMatchObject({
      code: 'sign-up-closed',
    })
  })

  test('closed: nobody', async () => {
    const subject = inProcess({ signUp: 'closed' })
    const refused = await subject.request('/v1/vaults', jsonRequest('POST', signUpBody()))
    expect(await problem(refused)).toMatchObject({ code: 'sign-up-closed', status: 403 })
  })

  test('[KEY-10] the set-up token is asked for, checked and guess-limited', async () => {
    const subject = inProcess({ signUp: 'single', setupToken: 'the-printed-token' })
    const post = (extra: Record<string, unknown>) =>
      subject.request('/v1/vaults', jsonRequest('POST', signUpBody('main', 'laptop', extra)))
    expect(await (await subject.request('/v1/server')).json()).toMatchObject({ setupTokenRequired: true })
    expect(await problem(await post({}))).toMatchObject({ code: 'setup-token-required', status: 403 })
    for (let i = 0; i < 5; i++) {
      expect(await problem(await post({ setupToken: `guess ${i}` }))).toMatchObject({ code: 'setup-token-required' })
    }
    expect(await problem(await post({ setupToken: 'the-printed-token' }))).toMatchObject({ code: 'too-many-attempts' })
    subject.time.now += 15 * MINUTE
    expect((await post({ setupToken: 'the-printed-token' })).status).toBe(201)
  })

  test('a set-up token is made for a server that others can reach, and for no other', async () => {
    expect((await running()).setupToken).toBeUndefined()
    const reachable = await running({ host: '0.0.0.0' })
    expect(reachable.setupToken).toMatch(/^[A-Za-z0-9_-]{24}$/)
    const url = reachable.url.replace('0.0.0.0', '127.0.0.1')
    const without = await fetch(`${url}/v1/vaults`, jsonRequest('POST', signUpBody()))
    expect(await problem(without)).toMatchObject({ code: 'setup-token-required' })
    const body = signUpBody('main', 'laptop', { setupToken: reachable.setupToken })
    expect((await fetch(`${url}/v1/vaults`, jsonRequest('POST', body))).status).toBe(201)
    expect((await running({ publicUrl: 'https://notes.example' })).setupToken).toBeDefined()
    expect((await running({ trustedProxy: ['127.0.0.1'] })).setupToken).toBeDefined()
    expect((await running({ host: '0.0.0.0', signUp: 'open' })).setupToken).toBeUndefined()
  })
})
