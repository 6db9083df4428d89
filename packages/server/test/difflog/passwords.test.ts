/** Refusals that all password routes share, how many wrong passwords are borne, and how passwords are stored. */
import { describe, expect, test } from 'vitest'
import { standing } from '#dialects/difflog/lockout'
import { BusyError, createSlowHash, ITERATIONS } from '#dialects/difflog/slow-hash'
import { parseTrustedProxies } from '#network'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import { runs } from '../../../../tests/support/random.ts'
import { random } from '../in-process.ts'
import { temporaryFolder } from '../running.ts'
import { type Answer, type Client, difflogInProcess, hashOf, rowsOf, sealed } from './support.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const RULE = { attempts: 5, lockSeconds: 900, idleSeconds: 300 }

/** Each route that takes a password, with the password it is given. */
const ROUTES: Readonly<Record<string, (client: Client, id: string, password: string | undefined) => Promise<Answer>>> = {
  'GET profile': (client, id, password) => client.get(`/api/profile/${id}${query(password)}`),
  'DELETE profile': (client, id, password) => client.ask('DELETE', `/api/profile/${id}${query(password)}`),
  'PUT profile': (client, id, password) => client.ask('PUT', `/api/profile/${id}`, { password_hash: password, name: 'x' }),
  content: (client, id, password) => client.post(`/api/profile/${id}/content`, { password_hash: password }),
  sync: (client, id, password) => client.post(`/api/profile/${id}/sync`, { password_hash: password, diffs: rowsOf('1') }),
}
const changePassword = (client: Client, id: string, password: string) =>
  client.post(`/api/profile/${id}/password`, {
    old_password_hash: password,
    new_password_hash: hashOf('new'),
    new_encrypted_api_key: sealed('k'),
    new_salt: 's',
    diffs: [],
    stars: [],
  })

function query(password: string | undefined): string {
  return password === undefined ? '' : `?password_hash=${encodeURIComponent(password)}`
}

const LOCKED = { error: 'Account locked. Try again later.', locked: true, retry_after_seconds: 900 }

describe('the order of refusals', () => {
  test('no password is 401 before anything is looked up', async () => {
    const { client } = difflogInProcess()
    await client.create('p')
    for (const [name, ask] of Object.entries(ROUTES)) {
      for (const id of ['p', 'nobody']) {
        for (const password of [undefined, '']) {
          const { status, body } = await ask(client, id, password)
          expect([name, id, status, body]).toEqual([name, id, 401, { error: 'Password required' }])
        }
      }
    }
  })

  test('an unknown profile is 404, and nothing is counted', async () => {
    const { client, derived } = difflogInProcess()
    for (const [name, ask] of Object.entries({ ...ROUTES, changePassword })) {
      for (let i = 0; i < 7; i++) {
        const { status, body } = await ask(client, 'nobody', hashOf('wrong'))
        expect([name, status, body]).toEqual([name, 404, { error: 'Profile not found' }])
      }
    }
    expect(derived.count).toBe(0)
    await client.create('nobody')
    expect((await client.wrong('nobody')).body.attempts_remaining).toBe(4)
  })

  test('wrong ones count down from 4 to 0 on every route, then the right one waits too, and not one from another network', async () => {
    for (const [name, ask] of Object.entries({ ...ROUTES, changePassword })) {
      const { client } = difflogInProcess()
      await client.create('p')
      for (const remaining of [4, 3, 2, 1, 0]) {
        const { status, headers, body } = await ask(client, 'p', hashOf('wrong'))
        const lock = remaining === 0 ? { retry_after_seconds: 900 } : {}
        const expected = { error: 'Invalid password', attempts_remaining: remaining, ...lock }
        expect([name, status, body, headers.get('retry-after')]).toEqual([name, 401, expected, null])
      }
      for (const password of ['wrong', 'right']) {
        const { status, headers, body } = await ask(client, 'p', hashOf(password))
        expect([name, status, headers.get('retry-after'), body]).toEqual([name, 429, '900', LOCKED])
      }
      expect((await client.from('10.0.0.1').content('p')).body.profile.name).toBe('Name of p')
    }
  })

  test('an existing id at create takes part in it', async () => {
    const { client } = difflogInProcess()
    await client.create('p')
    for (let i = 0; i < 5; i++) expect((await client.create('p', { password_hash: hashOf('wrong') })).status).toBe(401)
    const { status, body } = await client.create('p', { password_hash: hashOf('wrong') })
    expect([status, body]).toEqual([429, LOCKED])
  })
})

describe('the lockout', () => {
  test('it opens after fifteen minutes, and counts down while it is closed', async () => {
    const { client, time } = difflogInProcess()
    await client.create('p')
    for (let i = 0; i < 5; i++) await client.wrong('p')
    time.now += 15 * MINUTE - 1500
    const { status, headers, body } = await client.wrong('p')
    expect([status, headers.get('retry-after'), body.retry_after_seconds]).toEqual([429, '2', 2])
    time.now += 1500
    expect((await client.wrong('p')).body.attempts_remaining).toBe(4)
  })

  test('wrong ones are forgotten after five minutes without one, or with a right one', async () => {
    const { client, time } = difflogInProcess()
    await client.create('p')
    for (let i = 0; i < 4; i++) await client.wrong('p')
    time.now += 5 * MINUTE - 1
    expect((await client.wrong('p')).body.attempts_remaining).toBe(0)
    time.now += 15 * MINUTE
    for (let i = 0; i < 4; i++) await client.wrong('p')
    time.now += 5 * MINUTE
    expect((await client.wrong('p')).body.attempts_remaining).toBe(4)
    expect((await client.content('p')).status).toBe(200)
    expect((await client.wrong('p')).body.attempts_remaining).toBe(4)
  })

  test('the same where the right one has to be derived', async () => {
    const { client } = difflogInProcess()
    await client.create('p')
    const other = client.from('10.0.0.1')
    for (let i = 0; i < 4; i++) await other.wrong('p')
    expect((await other.content('p')).status).toBe(200)
    expect((await other.wrong('p')).body.attempts_remaining).toBe(4)
  })

  test('the numbers are settings', async () => {
    const { client, time } = difflogInProcess({ lockout: { attempts: 2, lockSeconds: 10, idleSeconds: 3 } })
    await client.create('p')
    const [first, second, third] = [await client.wrong('p'), await client.wrong('p'), await client.wrong('p')]
    expect([first.body.attempts_remaining, second.body.retry_after_seconds, third.status]).toEqual([1, 10, 429])
    time.now += 10_000
    expect((await client.wrong('p')).body.attempts_remaining).toBe(1)
    time.now += 3000
    expect((await client.wrong('p')).body.attempts_remaining).toBe(1)
  })

  test('[G14] 100 parallel wrong guesses: five are checked', async () => {
    const { client, derived } = difflogInProcess()
    await client.create('p')
    const before = derived.count
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => client.wrong('p', `guess ${i}`)))
    expect(derived.count - before).toBe(5)
    const wrong = answers.filter(({ status }) => status === 401)
    expect(wrong.map(({ body }) => body.attempts_remaining).sort()).toEqual([0, 1, 2, 3, 4])
    expect(answers.filter(({ status }) => status === 429).length).toBe(95)
  })

  test('100 times the same wrong one in parallel: one is checked, each counts', async () => {
    const { client, derived } = difflogInProcess()
    await client.create('p')
    const before = derived.count
    const answers = await Promise.all(Array.from({ length: 100 }, () => client.wrong('p')))
    expect(derived.count - before).toBe(1)
    expect(answers.filter(({ status }) => status === 401).length).toBe(5)
    expect(answers.filter(({ status }) => status === 429).length).toBe(95)
  })

  test('[G14] brute force from ten networks, in bursts and over restarts: at most five checks each in 15 minutes', async () => {
    const tries = runs(400)
    const folder = temporaryFolder()
    const counted = new Map<number, number[]>()
    let now = Date.UTC(2026, 0, 1)
    let refused = 0
    let restarts = 0
    for (let done = 0; done < tries; restarts++) {
      const storage = openSqliteStorage({ folder, random })
      const { client, time, derived } = difflogInProcess({}, {}, { storage })
      await client.create('p')
      const made = derived.count
      let wrong = 0
      for (const stop = Math.min(tries, done + 100); done < stop; ) {
        time.now = now
        const answers = await Promise.all(
          Array.from({ length: 20 }, async (_, i) => {
            const network = (done + (i >> 2)) % 10
            return { network, ...(await client.from(`172.16.${network}.${i}`).wrong('p', `guess ${done} ${i}`)) }
          }),
        )
        for (const { network, status } of answers) {
          if (status === 429) refused += 1
          else if (status === 401) counted.set(network, [...(counted.get(network) ?? []), now])
          else throw new Error(`status ${status}`)
        }
        wrong += answers.filter(({ status }) => status === 401).length
        done += answers.length
        now += 45_000
      }
      expect(derived.count - made).toBe(wrong)
      await storage.close()
    }
    expect(refused).toBeGreaterThan(tries / 3)
    expect(restarts).toBeGreaterThan(1)
    for (const times of counted.values()) {
      for (const start of times) {
        expect(times.filter((at) => at >= start && at < start + 15 * MINUTE).length).toBeLessThanOrEqual(5)
      }
    }
  })

  test('it is in the database: a restart resets nothing', async () => {
    const folder = temporaryFolder()
    const storage = openSqliteStorage({ folder, random })
    const before = difflogInProcess({}, {}, { storage })
    await before.client.create('p')
    for (let i = 0; i < 5; i++) await before.client.wrong('p')
    await storage.close()
    const again = openSqliteStorage({ folder, random })
    const after = difflogInProcess({}, {}, { storage: again })
    expect((await after.client.wrong('p')).status).toBe(429)
    await again.close()
  })

  test('a clock that was set back locks nobody out', () => {
    const future = Array.from({ length: 5 }, () => 1_000_000 * MINUTE)
    expect(standing(RULE, future, 10)).toEqual([])
  })
})

describe('strangers', () => {
  test('[G14] a stranger’s wrong guesses from another network do not lock out the owner, wherever the owner is', async () => {
    const { client } = difflogInProcess()
    await client.create('p')
    await client.content('p')
    const stranger = client.from('203.0.113.9')
    await Promise.all(Array.from({ length: 100 }, (_, i) => stranger.wrong('p', `junk ${i}`)))
    expect((await client.content('p')).status).toBe(200)
    expect((await client.from('198.51.100.1').content('p')).status).toBe(200)
    expect((await stranger.content('p')).status).toBe(429)
  })

  test('nor from the same network, where the owner was right a while ago; the lock stays for the stranger', async () => {
    const { client, time } = difflogInProcess()
    await client.from('10.0.0.1').create('p')
    await client.content('p')
    time.now += 20 * HOUR
    await Promise.all(Array.from({ length: 100 }, (_, i) => client.wrong('p', `junk ${i}`)))
    for (let i = 0; i < 5; i++) expect((await client.content('p')).status).toBe(200)
    expect((await client.wrong('p')).status).toBe(429)
  })

  test('being recognised ends after a day, after a new password, and after 500 wrong guesses', async () => {
    for (const end of ['day', 'password', 'guesses']) {
      const { client, time } = difflogInProcess()
      await client.create('p')
      const elsewhere = client.from('10.0.0.1')
      await elsewhere.content('p')
      if (end === 'day') time.now += 24 * HOUR
      if (end === 'password') {
        await client.content('p')
        await changePassword(client, 'p', hashOf('right'))
        await changePassword(client, 'p', hashOf('new'))
        expect((await elsewhere.content('p', { password_hash: hashOf('right') })).status).toBe(401)
      }
      for (let i = 0; i < (end === 'guesses' ? 500 : 5); i++) await elsewhere.wrong('p', `junk ${i}`)
      const password_hash = end === 'password' ? hashOf('new') : hashOf('right')
      expect([end, (await elsewhere.content('p', { password_hash })).status]).toEqual([end, 429])
    }
  })

  test('many networks together get a hundred checks an hour; a network that was right before has its own', async () => {
    const { client, time, derived } = difflogInProcess()
    await client.create('p')
    const owner = client.from('10.0.0.1')
    await owner.content('p')
    time.now += 25 * HOUR
    const before = derived.count
    for (let network = 0; network < 30; network++) {
      for (let i = 0; i < 5; i++) await client.from(`172.16.${network}.1`).wrong('p', `junk ${i}`)
    }
    expect(derived.count - before).toBe(100)
    const refused = await client.from('172.17.0.1').content('p')
    expect([refused.status, refused.body.locked]).toEqual([429, true])
    expect((await owner.content('p')).status).toBe(200)
    time.now += HOUR
    expect((await client.from('172.17.0.1').content('p')).status).toBe(200)
  })

  test('an owner who is busy gives a neighbour no more than a hundred checks an hour', async () => {
    const { client, derived } = difflogInProcess()
    await client.create('p')
    await client.from('10.0.0.1').content('p')
    const neighbour = client.from('10.0.0.2')
    const before = derived.count
    for (let i = 0; i < 400; i++) {
      await neighbour.wrong('p', `junk ${i}`)
      if (i % 4 === 3) await client.from('10.0.0.1').content('p')
    }
    expect(derived.count - before).toBeLessThanOrEqual(101)
  })

  test('behind a proxy the network is the client’s, as the trusted proxy says', async () => {
    const { request, client } = difflogInProcess({}, { trustedProxies: parseTrustedProxies(['10.0.0.0/8']) })
    await client.create('p')
    const from = async (forwarded: string, password: string) => {
      const body = JSON.stringify({ password_hash: hashOf(password) })
      const headers = { 'x-forwarded-for': forwarded }
      return (await request('/api/profile/p/content', { method: 'POST', body, headers }, '10.0.0.1')).status
    }
    for (let i = 0; i < 5; i++) expect(await from('203.0.113.9', `junk ${i}`)).toBe(401)
    expect(await from('203.0.113.9', 'right')).toBe(429)
    expect(await from('198.51.100.9', 'right')).toBe(200)
  })
})

describe('what a right password costs', () => {
  test('one derivation for each network and a while; who changes it has been right', async () => {
    const { client, derived } = difflogInProcess()
    await client.create('p')
    expect(derived.count).toBe(1)
    for (let i = 0; i < 10; i++) await client.content('p')
    expect(derived.count).toBe(2)
    for (let i = 0; i < 10; i++) await client.from('10.0.0.1').content('p')
    expect(derived.count).toBe(3)
    await changePassword(client, 'p', hashOf('right'))
    expect(derived.count).toBe(4)
    expect((await client.content('p', { password_hash: hashOf('new') })).status).toBe(200)
    expect(derived.count).toBe(4)
    expect((await client.content('p')).status).toBe(401)
    expect(derived.count).toBe(5)
  })

  test('a client that asks for several things at once is derived once and never locked out', async () => {
    const { client, derived } = difflogInProcess()
    await client.create('p')
    const other = client.from('10.0.0.1')
    const answers = await Promise.all(Array.from({ length: 30 }, () => other.content('p')))
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200))
    // One more was for making the profile.
    expect(derived.count).toBe(2)
  })

  test('a password that could not be checked for want of a turn is no wrong one', async () => {
    let full = false
    const derive = async () => {
      if (full) throw new BusyError()
      return new Uint8Array(32)
    }
    const { client } = difflogInProcess({ slowHash: { iterations: 1, derive } })
    await client.create('p')
    const other = client.from('10.0.0.1')
    full = true
    for (let i = 0; i < 7; i++) {
      const { status, headers, body } = await other.content('p')
      expect([status, headers.get('retry-after'), body.locked]).toEqual([429, '1', undefined])
    }
    full = false
    expect((await other.content('p')).status).toBe(200)
  })

  test('only so many wait for their turn; the others are told to come again', async () => {
    const derivations: (() => void)[] = []
    let most = 0
    const slow = createSlowHash({
      iterations: 1,
      derive: () => {
        most = Math.max(most, derivations.length + 1)
        return new Promise((resolve) => derivations.push(() => resolve(new Uint8Array(32))))
      },
    })
    const outcomes = Array.from({ length: 100 }, (_, i) =>
      slow.make(`${i}`).then(
        () => 'made',
        (error: Error) => error.name,
      ),
    )
    for (let turns = 0; turns < 200; turns++) {
      const next = derivations.shift()
      next?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const counted = Object.groupBy(await Promise.all(outcomes), (outcome) => outcome)
    expect([counted['made']?.length, counted['BusyError']?.length, most]).toEqual([66, 34, 2])
  })
})

describe('how passwords are stored', () => {
  test('PBKDF2 with 100 000 iterations in the v2 format, a salt of its own for each', async () => {
    const slow = createSlowHash()
    const [one, two] = [await slow.make(hashOf('right')), await slow.make(hashOf('right'))]
    expect(one).toMatch(/^v2:100000:[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]{43}=$/)
    expect(one).not.toBe(two)
    expect(ITERATIONS).toBe(100_000)
    expect(await slow.check(hashOf('right'), one)).toBe('right')
    expect(await slow.check(hashOf('right '), one)).toBe('wrong')
    const { status } = await difflogInProcess({ slowHash: {} }).client.create('p')
    expect(status).toBe(201)
  })

  test('a known answer: the format is what databases hold', async () => {
    const stored = 'v2:1000:AAECAwQFBgcICQoLDA0ODw==:qQdEBZ5oCPV1ILU+/7V8jYHIIsvOjcQfbubiyrGUyHs='
    expect(await createSlowHash({ iterations: 1000 }).check('c2FsdA==:hash', stored)).toBe('right')
    expect(await createSlowHash().check('c2FsdA==:hash', stored)).toBe('outdated')
    expect(await createSlowHash().check('c2FsdA==:Hash', stored)).toBe('wrong')
  })

  test('a hash of fewer iterations is made anew when the right password comes by', async () => {
    const storage = openSqliteStorage({ random })
    const before = difflogInProcess({ slowHash: { iterations: 1 } }, {}, { storage })
    await before.client.create('p')
    await before.client.sync('p', { diffs: rowsOf('1') })
    const after = difflogInProcess({ slowHash: { iterations: 7 } }, {}, { storage })
    await after.client.wrong('p')
    expect((await storage.difflog.profile('p'))?.access.password).toMatch(/^v2:1:/)
    expect(await after.client.ids('p', 'diffs')).toEqual(['1'])
    expect((await storage.difflog.profile('p'))?.access.password).toMatch(/^v2:7:/)
    const many = await Promise.all([1, 2, 3].map(() => before.client.content('p')))
    expect(many.map(({ status }) => status)).toEqual([200, 200, 200])
    await storage.close()
  })

  test('neither the transport hash nor anything fast is in the database', async () => {
    const folder = temporaryFolder()
    const storage = openSqliteStorage({ folder, random })
    const { client } = difflogInProcess({}, {}, { storage })
    const secret = hashOf('a password that is looked for')
    await client.create('p', { password_hash: secret })
    await client.content('p', { password_hash: secret })
    const image = Buffer.from(storage.image())
    await storage.close()
    expect(image.includes('v2:1:')).toBe(true)
    expect(image.includes(secret.split(':')[1] as string)).toBe(false)
  })
})
