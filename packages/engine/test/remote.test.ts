import { encodeUtf8 } from '@lockstep/protocol/bytes'
import { describe, expect, test } from 'vitest'
import { EngineError } from '#errors'
import type { HttpResponse } from '#http'
import { Remote, serverUrl } from '#remote'
import { ServerProblem } from '#server-problem'
import { forEachSeed } from '../../../tests/support/random.ts'
import { answer, LogServer, problem } from './support/log-server.ts'
import { codeOf, testVault } from './support/vaults.ts'

const FILE = 'packages/engine/test/remote.test.ts'
const remote = (response: () => HttpResponse) => new Remote({ server: 'http://server.test', http: async () => response() })
const json = (value: unknown, status = 200) =>
  answer(status, encodeUtf8(JSON.stringify(value)), { 'content-type': 'application/json' })

describe('server addresses', () => {
  test('are made whole, or refused with what to write instead', async () => {
    expect(serverUrl('notes.example.org')).toBe('https://notes.example.org')
    expect(serverUrl('localhost:8787')).toBe('https://localhost:8787')
    expect(serverUrl('http://127.0.0.1:8787/')).toBe('http://127.0.0.1:8787')
    expect(serverUrl('HTTPS://Notes.Example.org:443/lockstep//')).toBe('https://notes.example.org/lockstep')
    for (const text of [
      '',
      'http://',
      'ftp://x',
      'file:///etc/passwd',
      'https://user:pass@x',
      'https://x/?q',
      'https://x/#f',
      'ht tp://x',
    ]) {
      expect([text, await codeOf(() => serverUrl(text))]).toEqual([text, 'server-refused'])
    }
  })
})

describe('answers that are not the protocol', () => {
  const cases: [string, string, () => HttpResponse][] = [
    ['a page of HTML', 'server-refused', () => answer(200, encodeUtf8('<!doctype html>'), { 'content-type': 'text/html' })],
    ['nothing', 'server-misbehaved', () => answer(200, new Uint8Array(0))],
    ['JSON of somebody else', 'server-misbehaved', () => json({ hello: 'world' })],
    ['a list', 'server-misbehaved', () => json([])],
    ['text that is not UTF-8', 'server-misbehaved', () => answer(200, Uint8Array.of(0x22, 0xff, 0x22))],
    ['an answer without end', 'server-misbehaved', () => ({ ...answer(200, new Uint8Array(0)), body: endless() })],
    ['a redirect', 'server-refused', () => answer(301, new Uint8Array(0), { location: 'https://elsewhere.test' })],
    ['a page that is not there', 'server-refused', () => answer(404, encodeUtf8('<html>'), { 'content-type': 'text/html' })],
    [
      'a problem that is none',
      'server-refused',
      () => answer(400, encodeUtf8('{}'), { 'content-type': 'application/problem+json' }),
    ],
    [
      'a problem without end',
      'server-refused',
      () => ({ ...answer(400, new Uint8Array(0)), header: () => 'application/problem+json', body: endless() }),
    ],
    ['a gateway that finds no server', 'offline', () => answer(502, encodeUtf8('Bad Gateway'))],
    ['an unknown problem', 'server-refused', () => problem(418, 'teapot')],
    ['an unknown problem of the server', 'offline', () => problem(599, 'teapot')],
  ]
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(1 << 20)
  }

  test.each(cases)('[HTTP-1] %s is %s', async (_what, code, response) => {
    const server = remote(response)
    const requests = [
      () => server.serverInfo(),
      () => server.vaultHeader('main'),
      () =>
        server.signIn('main', {
          authKey: new Uint8Array(32),
          device: { id: new Uint8Array(16), name: 'x' },
          deviceCookie: undefined,
        }),
      () => server.credentials('t'),
      () => server.devices('t'),
    ]
    for (const request of requests) expect(await codeOf(request)).toBe(code)
  })

  test('[HTTP-1] problems keep their code, their members and the time to wait', async () => {
    const members = { counter: 4 }
    const response = problem(429, 'too-many-attempts', members)
    const slow = { ...response, header: (name: string) => (name === 'retry-after' ? '90' : response.header(name)) }
    const error = await remote(() => slow)
      .credentials('t')
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ServerProblem)
    expect(error).toMatchObject({ code: 'too-many-attempts', problem: 'too-many-attempts', status: 429, retryAfter: 90, members })
  })

  test('[HTTP-2] the token travels in a header, never in an address', async () => {
    const seen: string[] = []
    const server = new Remote({
      server: 'http://server.test',
      http: async ({ url, headers }) => {
        seen.push(url)
        expect(headers['authorization']).toBe('Bearer secret-token')
        return problem(401, 'unauthorized')
      },
    })
    const pull = async () => {
      for await (const _ of server.pull('secret-token', { after: 0, chain: new Uint8Array(32) }));
    }
    for (const request of [
      () => server.credentials('secret-token'),
      () => server.push('secret-token', []),
      pull,
      () => server.signOut('secret-token'),
    ]) {
      expect(await codeOf(request)).toBe('needs-password')
    }
    expect(seen.join()).not.toContain('secret')
  })
})

test('[LOG-4] [SEG-1] mutated answers to a pull: the log as it was, or a typed error; never other rows, never a crash', async () => {
  const server = new LogServer()
  const author = testVault()
  for (let i = 0; i < 4; i++) {
    author.vault.transact((tx) => tx.insert('notes', { title: `note ${i}` }, `n${i}`))
    await author.syncer(server).run()
  }
  let refused = 0
  await forEachSeed('mutated pulls', 120, FILE, async (random) => {
    const reader = testVault()
    server.chunk = random.between(1, 500)
    server.tamper = (request, body) => {
      if (request.method !== 'GET') return body
      const bytes = [...body]
      for (let i = random.between(1, 3); i > 0; i--) {
        const at = random.below(bytes.length)
        if (random.chance(0.7)) bytes[at] = random.below(256)
        else if (random.chance(0.5)) bytes.splice(at, random.below(40))
        else bytes.splice(at, 0, ...random.bytes(random.below(40)))
      }
      return Uint8Array.from(bytes)
    }
    try {
      await reader.syncer(server).run()
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError)
      refused++
    }
    for (const { id, title } of reader.vault.query('SELECT id, title FROM notes')) expect(title).toBe(`note ${String(id).slice(1)}`)
  })
  expect(refused).toBeGreaterThan(60)
})
