/** The issuer's keys: rotation, outages, floods, and what an issuer may send in place of them. */
import { describe, expect, test, vi } from 'vitest'
import { type Answer, type Issuer, newKey, publicJwk, signToken, startIssuer } from '../../../../tests/support/issuer.ts'
import { forEachSeed } from '../../../../tests/support/random.ts'
import { accessStage, MINUTE, oidcStage } from './stage.ts'

const FILE = 'packages/server/test/gates/keys.test.ts'
const HOUR = 60 * MINUTE
const strange = newKey()
const unknownKey = (issuer: Issuer, kid: string) => signToken({ ...strange, kid }, issuer.accessClaims())
const broken: Answer = (_request, response) => {
  response.statusCode = 503
  response.end()
}

describe('rotation', () => {
  test('[G16] a token under a new key passes at once, one under the key before still does, a withdrawn key ends', async () => {
    const { check, issuer, clock } = await accessStage()
    const first = issuer.accessToken({ exp: issuer.seconds(86_400) })
    expect(await check(first)).toBe('passed')
    clock.now += MINUTE
    issuer.rotate()
    const second = issuer.accessToken({ exp: issuer.seconds(86_400) })
    expect(await check(second)).toBe('passed')
    expect(await check(first)).toBe('passed')
    expect(issuer.asked.keys).toBe(2)
    clock.now += MINUTE
    issuer.rotate()
    expect(await check(issuer.accessToken())).toBe('passed')
    // Remembered or not: its key is gone.
    expect(await check(first)).toBe('refused')
    expect(await check(second)).toBe('passed')
  })

  test('[G16] a withdrawn key is found out without any new token', async () => {
    const { check, issuer, clock } = await accessStage()
    const token = issuer.accessToken({ exp: issuer.seconds(86_400) })
    expect(await check(token)).toBe('passed')
    issuer.rotate()
    issuer.keys = [issuer.key]
    clock.now += 10 * MINUTE
    await vi.waitUntil(async () => (await check(token)) === 'refused')
    expect(issuer.asked.keys).toBe(2)
  })

  test('[G16] after an idle hour the first request waits for the keys as they are now', async () => {
    const { check, issuer, clock } = await accessStage()
    const token = issuer.accessToken({ exp: issuer.seconds(86_400) })
    expect(await check(token)).toBe('passed')
    issuer.rotate()
    issuer.keys = [issuer.key]
    clock.now += HOUR
    expect(await check(token)).toBe('refused')
  })

  test('[G16] keys rotate in the middle of a crowd', async () => {
    const { check, issuer, clock } = await accessStage()
    await forEachSeed('rotation', 10, FILE, async (random) => {
      for (let round = 0; round < 10; round++) {
        if (random.chance(0.3)) {
          clock.now += MINUTE
          issuer.rotate()
        }
        const outcomes = await Promise.all(Array.from({ length: 8 }, () => check(issuer.accessToken({ nonce: random.u32() }))))
        expect(new Set(outcomes)).toEqual(new Set(['passed']))
      }
    })
  })
})

describe('floods', () => {
  test('[G16] parallel first requests fetch once', async () => {
    const { check, issuer } = await accessStage()
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => check(issuer.accessToken({ nonce: i }))))
    expect(new Set(outcomes)).toEqual(new Set(['passed']))
    expect(issuer.asked.keys).toBe(1)
  })

  test('[G16] unknown key ids make at most one fetch a minute', async () => {
    const { check, issuer, clock } = await accessStage()
    const start = clock.now
    for (let second = 0; second < 600; second += 5) {
      clock.now = start + second * 1000
      const outcomes = await Promise.all([1, 2, 3].map((i) => check(unknownKey(issuer, `made-up-${second}-${i}`))))
      expect(new Set(outcomes)).toEqual(new Set(['refused']))
    }
    expect(issuer.asked.keys).toBe(10)
  })

  test('[G16] nor more when the issuer is down, and honest people pass all the while', async () => {
    const { check, issuer, clock, troubles } = await accessStage()
    const start = clock.now
    expect(await check(issuer.accessToken())).toBe('passed')
    issuer.answerKeys = broken
    for (let second = 0; second <= 600; second += 5) {
      clock.now = start + second * 1000
      const unknown = await check(unknownKey(issuer, `made-up-${second}`))
      // Within the first minute the keys are as new as can be; then nobody can tell.
      expect(unknown).toBe(second < 60 ? 'refused' : 'unavailable')
      expect(await check(issuer.accessToken())).toBe('passed')
    }
    expect(issuer.asked.keys).toBe(11)
    expect(troubles).toHaveLength(10)
  })

  test('[G16] tokens of other teams and applications ask nobody for keys', async () => {
    const { check, issuer } = await accessStage()
    for (const changes of [{ iss: 'https://other.cloudflareaccess.com' }, { aud: 'other' }, { exp: 1 }, { nbf: 1e12 }]) {
      expect(await check(signToken(strange, issuer.accessClaims(changes)))).not.toBe('passed')
    }
    expect(issuer.asked.keys).toBe(0)
  })

  test('[G16] an issuer that never had keys is asked once a minute', async () => {
    const { check, issuer, clock } = await oidcStage()
    issuer.answerDiscovery = broken
    for (let second = 0; second < 180; second += 10) {
      expect(await check(issuer.oidcToken())).toBe('unavailable')
      clock.now += 10_000
    }
    expect(issuer.asked).toEqual({ keys: 0, discovery: 3 })
    issuer.answerDiscovery = undefined
    expect(await check(issuer.oidcToken())).toBe('passed')
  })
})

describe('outages', () => {
  test('[G16] the last keys serve for a day, then nobody passes until the issuer answers again', async () => {
    const { check, issuer, clock } = await accessStage()
    expect(await check(issuer.accessToken())).toBe('passed')
    issuer.answerKeys = broken
    for (let hour = 1; hour < 24; hour++) {
      clock.now += HOUR
      expect(await check(issuer.accessToken()), `after ${hour} h`).toBe('passed')
    }
    const remembered = issuer.accessToken({ exp: issuer.seconds(86_400) })
    expect(await check(remembered)).toBe('passed')
    clock.now += HOUR
    expect(await check(issuer.accessToken())).toBe('unavailable')
    expect(await check(remembered)).toBe('unavailable')
    issuer.answerKeys = undefined
    clock.now += MINUTE
    expect(await check(remembered)).toBe('passed')
  })

  test('[G16] while the issuer is slow nobody waits whose key is known', async () => {
    const { check, issuer, clock } = await accessStage()
    expect(await check(issuer.accessToken())).toBe('passed')
    let answer: (() => void) | undefined
    issuer.answerKeys = (_request, response) => {
      answer = () => response.end(JSON.stringify({ keys: issuer.keys.map(publicJwk) }))
    }
    clock.now += 10 * MINUTE
    expect(await check(issuer.accessToken({ nonce: 2 }))).toBe('passed')
    await vi.waitUntil(() => answer !== undefined)
    answer?.()
  })

  test('[G16] an issuer that never ends its answer is given up', async () => {
    const timeouts: AbortSignal[] = []
    const { check, issuer, troubles } = await accessStage({
      fetch: (url, init) => {
        timeouts.push(init.signal)
        return fetch(url, { ...init, signal: AbortSignal.any([init.signal, AbortSignal.timeout(100)]) })
      },
    })
    issuer.answerKeys = (_request, response) => response.write('{"keys":[')
    expect(await check(issuer.accessToken())).toBe('unavailable')
    expect(timeouts[0]).toBeInstanceOf(AbortSignal)
    expect(troubles).toHaveLength(1)
  })

  test('[G16] a clock that is set back does not stop the fetching', async () => {
    const { check, issuer, clock } = await accessStage()
    expect(await check(issuer.accessToken())).toBe('passed')
    clock.now -= 30 * HOUR
    issuer.rotate()
    expect(await check(issuer.accessToken())).toBe('passed')
  })
})

describe('what an issuer sends', () => {
  const documents: readonly [what: string, answer: Answer][] = [
    ['a page', (_, response) => response.end('<html>')],
    ['nothing', (_, response) => response.end()],
    ['no list', (_, response) => response.end('{"keys":{}}')],
    ['an empty list', (_, response) => response.end('{"keys":[]}')],
    ['a list without objects', (_, response) => response.end('{"keys":[null,1,"key",[]]}')],
    ['no answer', (_, response) => response.destroy()],
    ['half an answer', (_, response) => response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy())],
    [
      'too many keys',
      (_, response) => response.end(JSON.stringify({ keys: Array.from({ length: 101 }, () => publicJwk(strange)) })),
    ],
    ['bytes that are no text', (_, response) => response.end(Buffer.from([0xff, 0xfe]))],
  ]
  test.each(documents)('[G16] %s: no keys, and the ones before stay', async (_what, answer) => {
    const { check, issuer, clock, troubles } = await accessStage()
    issuer.answerKeys = answer
    expect(await check(issuer.accessToken())).toBe('unavailable')
    issuer.answerKeys = undefined
    clock.now += MINUTE
    expect(await check(issuer.accessToken())).toBe('passed')
    issuer.answerKeys = answer
    clock.now += MINUTE
    expect(await check(unknownKey(issuer, 'made-up'))).toBe('unavailable')
    expect(await check(issuer.accessToken())).toBe('passed')
    expect(troubles).toHaveLength(2)
    expect(troubles.join()).not.toContain('eyJ')
  })

  test('[G16] a redirect is not followed, though the right keys were there', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const { check, issuer } = await accessStage()
      const other = await startIssuer()
      other.keys = issuer.keys
      issuer.answerKeys = (_request, response) => response.writeHead(status, { location: other.certsUrl }).end()
      expect(await check(issuer.accessToken()), `${status}`).toBe('unavailable')
      expect(other.asked.keys).toBe(0)
    }
  })

  test('[G16] more than a quarter of a megabyte is not read, though the right keys are in it', async () => {
    for (const [size, outcome] of [
      [200 * 1024, 'passed'],
      [256 * 1024, 'unavailable'],
    ] as const) {
      const { check, issuer } = await accessStage()
      issuer.answerKeys = (_request, response) =>
        response.end(JSON.stringify({ keys: issuer.keys.map(publicJwk), more: 'x'.repeat(size) }))
      expect(await check(issuer.accessToken())).toBe(outcome)
    }
  })

  const secret = Buffer.from('a shared secret that is thirty-two bytes').toString('base64url')
  const bad: readonly [
    what: string,
    key: () => { readonly key: ReturnType<typeof newKey>; readonly jwk: Record<string, unknown> },
  ][] = [
    [
      'an RSA key of 1024 bits',
      () => {
        const key = newKey('RS256', { bits: 1024 })
        return { key, jwk: publicJwk(key) }
      },
    ],
    ['a key for encryption', () => ({ key: strange, jwk: { ...publicJwk(strange), use: 'enc' } })],
    ['a key for something else', () => ({ key: strange, jwk: { ...publicJwk(strange), use: undefined, key_ops: ['wrapKey'] } })],
    ['a key for another algorithm', () => ({ key: strange, jwk: { ...publicJwk(strange), alg: 'RS512' } })],
    ['a shared secret', () => ({ key: strange, jwk: { kty: 'oct', k: secret, kid: strange.kid, alg: 'RS256' } })],
    ['a key with a secret beside it', () => ({ key: strange, jwk: { ...publicJwk(strange), k: secret } })],
    [
      'a key with its private half',
      () => ({ key: strange, jwk: { ...strange.privateKey.export({ format: 'jwk' }), kid: strange.kid, alg: 'RS256' } }),
    ],
    ['a key without its modulus', () => ({ key: strange, jwk: { ...publicJwk(strange), n: undefined } })],
    ['a modulus that is no number', () => ({ key: strange, jwk: { ...publicJwk(strange), n: '***' } })],
  ]
  test.each(bad)('[G16] %s is as if it were not there; the keys beside it serve', async (_what, make) => {
    const { check, issuer } = await accessStage()
    const { key, jwk } = make()
    issuer.extra = [jwk]
    expect(await check(issuer.accessToken())).toBe('passed')
    expect(await check(signToken(key, issuer.accessClaims()))).toBe('refused')
  })

  test('[G16] the discovery document must be the issuer’s own, and name keys at a safe address', async () => {
    const documents = (issuer: Issuer): Record<string, unknown>[] => [
      { issuer: 'https://other.example.org', jwks_uri: `${issuer.url}/keys` },
      { issuer: `${issuer.url}/`, jwks_uri: `${issuer.url}/keys` },
      { jwks_uri: `${issuer.url}/keys` },
      { issuer: issuer.url },
      { issuer: issuer.url, jwks_uri: 'keys' },
      { issuer: issuer.url, jwks_uri: 'http://keys.example.org/' },
      { issuer: issuer.url, jwks_uri: 'file:///etc/hostname' },
    ]
    for (let i = 0; i < 7; i++) {
      const asked: string[] = []
      // Whatever address it is: the right keys would be there.
      const { check, issuer, troubles } = await oidcStage({
        fetch: async (url, init) => {
          if (url.endsWith('openid-configuration')) return fetch(url, init)
          asked.push(url)
          return Response.json({ keys: issuer.keys.map(publicJwk) })
        },
      })
      issuer.answerDiscovery = (_request, response) => response.end(JSON.stringify(documents(issuer)[i]))
      expect(await check(issuer.oidcToken()), `document ${i}`).toBe('unavailable')
      expect(asked).toEqual([])
      expect(troubles).toHaveLength(1)
    }
  })

  test('[G16] an issuer that moves its keys is asked where they are', async () => {
    const { check, issuer, clock } = await oidcStage()
    expect(await check(issuer.oidcToken())).toBe('passed')
    issuer.answerKeys = (request, response) => {
      if (request.url === '/keys') broken(request, response)
      else response.end(JSON.stringify({ keys: issuer.keys.map(publicJwk) }))
    }
    issuer.answerDiscovery = (_request, response) => response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: issuer.certsUrl }))
    issuer.rotate()
    clock.now += MINUTE
    expect(await check(issuer.oidcToken())).toBe('unavailable')
    clock.now += MINUTE
    expect(await check(issuer.oidcToken())).toBe('passed')
    expect(issuer.asked).toEqual({ keys: 3, discovery: 2 })
  })
})
