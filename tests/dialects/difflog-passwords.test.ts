/**
 * Passwords of the diff·log dialect, as its clients and those who are not its clients meet them: kept after a sync that went
 * well, forgotten when they are called wrong, changed on another device, guessed at by strangers.
 */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { makeSalt, transportHash } from './difflog-client/sealing.ts'
import { RefusedError } from './difflog-client/server.ts'
import { DifflogStage, diffOf, PASSWORD, starOf } from './difflog-stage.ts'
import { LostError } from './wire.ts'

const NEXT = 'another password altogether'
const ID = 'profile-1'

describe('a password', () => {
  test('is kept after a sync that went well, for the session or as long as the person likes', async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 1)
    expect(a.cachedPassword).toBe(PASSWORD)
    a.endSession()
    expect(a.cachedPassword).toBeUndefined()
    expect(await a.autoSync()).toBe(false)
    const b = await stage.import(ID, { remember: true })
    b.endSession()
    expect(b.cachedPassword).toBe(PASSWORD)
    expect(await b.autoSync()).toBe(true)
  })

  test('that was changed on another device: forgotten, asked for once, and everything is there under the new one', async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 2)
    const asked: string[] = []
    const ask = async () => {
      asked.push('password')
      return NEXT
    }
    const b = await stage.import(ID, { remember: true, ask })
    b.profile.put('diffs', diffOf('pending-on-b', 9))
    await a.changePassword(PASSWORD, NEXT)

    expect(await b.autoSync()).toBe(false)
    expect(b.cachedPassword).toBeUndefined()
    expect(b.state).toBe('pending')
    // Without a password it does not try again: no attempts are used up.
    const requests = stage.wire.requests.length
    expect(await b.autoSync()).toBe(false)
    expect(stage.wire.requests).toHaveLength(requests)
    expect(asked).toEqual([])

    expect(await b.sync()).toBe(true)
    expect(asked).toEqual(['password'])
    expect(b.state).toBe('synced')
    await a.autoSync()
    for (const { profile } of [a, b]) {
      expect(profile.ids('diffs')).toEqual(['d1', 'd2', 'pending-on-b'])
      expect(profile.ids('stars')).toEqual(['d1:0', 'd2:0'])
    }
    await expect(stage.import(ID)).rejects.toMatchObject({ status: 401 })
    const c = await stage.import(ID, {}, NEXT)
    expect(c.profile.all('diffs')).toHaveLength(3)
    expect(c.profile.apiKeys).toEqual({ anthropic: 'sk-secret' })
  })

  test('whose change was answered with nothing is the new one', async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 2)
    stage.wire.loseAnswerTo(`POST /api/profile/${ID}/password`)
    await expect(a.changePassword(PASSWORD, NEXT)).rejects.toThrow(LostError)
    expect(await a.autoSync()).toBe(false)
    const b = await stage.import(ID, {}, NEXT)
    expect(b.profile.ids('diffs')).toEqual(['d1', 'd2'])
  })

  test('that is not the old one changes nothing', async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 2)
    await expect(a.changePassword('wrong', NEXT)).rejects.toMatchObject({ status: 401 })
    expect((await stage.import(ID)).profile.ids('diffs')).toEqual(['d1', 'd2'])
  })
})

/** A guess, as another client would send it. */
async function guess(
  url: string,
  hash: string,
  from?: string,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${url}/api/profile/${ID}/content`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(from === undefined ? {} : { 'x-forwarded-for': from }) },
    body: JSON.stringify({ password_hash: hash }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function wrongHash(stage: DifflogStage): Promise<string> {
  const { password_salt } = await stage.server.shared(ID)
  return transportHash(randomBytes(8).toString('hex'), password_salt)
}

describe('guesses', () => {
  test('[G14] count down to a lockout of 15 minutes', async () => {
    const stage = await DifflogStage.set({ trustedProxy: ['127.0.0.1/32'] })
    await stage.devices(1, 1)
    const stranger = '203.0.113.7'
    const left: unknown[] = []
    for (let i = 0; i < 5; i++) {
      const { status, body } = await guess(stage.url, await wrongHash(stage), stranger)
      expect([status, body['error']]).toEqual([401, 'Invalid password'])
      left.push(body['attempts_remaining'])
      expect(body['retry_after_seconds']).toBe(i === 4 ? 900 : undefined)
    }
    expect(left).toEqual([4, 3, 2, 1, 0])
    const { status, body } = await guess(stage.url, await wrongHash(stage), stranger)
    expect(status).toBe(429)
    expect(body).toEqual({ error: 'Account locked. Try again later.', locked: true, retry_after_seconds: expect.any(Number) })
  })

  test('[G14] 100 at once: at most 5 are checked, and the right one is not let in among them', async () => {
    const stage = await DifflogStage.set({ trustedProxy: ['127.0.0.1/32'] })
    await stage.devices(1, 1)
    const hashes = await Promise.all(Array.from({ length: 100 }, () => wrongHash(stage)))
    const answers = await Promise.all(hashes.map((hash) => guess(stage.url, hash, '203.0.113.7')))
    const checked = answers.filter(({ status }) => status === 401)
    expect(checked.length).toBeGreaterThan(0)
    expect(checked.length).toBeLessThanOrEqual(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(100 - checked.length)
    const { password_salt } = await stage.server.shared(ID)
    const late = await guess(stage.url, transportHash(PASSWORD, password_salt), '203.0.113.7')
    expect(late.status).toBe(429)
  })

  test.each([
    ['from another address, where the owner was not seen before', '203.0.113.7', '198.51.100.9'],
    ['from another address of the same network family', '2001:db8:1::7', '198.51.100.9'],
  ])("[G14] of a stranger's do not lock the owner out: %s", async (_, stranger, owner) => {
    const stage = await DifflogStage.set({ trustedProxy: ['127.0.0.1/32'] })
    await stage.devices(1, 1)
    for (let i = 0; i < 20; i++) await guess(stage.url, await wrongHash(stage), stranger)
    const { password_salt } = await stage.server.shared(ID)
    const right = transportHash(PASSWORD, password_salt)
    for (let i = 0; i < 3; i++) expect((await guess(stage.url, right, owner)).status).toBe(200)
  })

  test("[G14] of a stranger's behind the same address leave the owner signed in, who was right from there a moment ago", async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 1)
    for (let i = 0; i < 20; i++) await guess(stage.url, await wrongHash(stage))
    a.profile.put('stars', starOf('d1', 5))
    expect(await a.autoSync()).toBe(true)
    expect(a.cachedPassword).toBe(PASSWORD)
    expect(a.state).toBe('synced')
  })

  test('with the salt of somebody who made it up are guesses like any other', async () => {
    const stage = await DifflogStage.set()
    await stage.devices(1, 1)
    await expect(stage.server.content(ID, transportHash(PASSWORD, makeSalt()), {})).rejects.toThrow(RefusedError)
  })

  test('at a profile that is not there, and requests without a password, cost nobody an attempt', async () => {
    const stage = await DifflogStage.set()
    await stage.devices(1, 1)
    for (let i = 0; i < 6; i++) {
      await expect(stage.server.content('nobody', 'x:y', {})).rejects.toMatchObject({ status: 404 })
      await expect(stage.server.content(ID, '', {})).rejects.toMatchObject({ status: 401, body: { error: 'Password required' } })
    }
    expect((await guess(stage.url, await wrongHash(stage))).body).toMatchObject({ attempts_remaining: 4 })
  })
})
