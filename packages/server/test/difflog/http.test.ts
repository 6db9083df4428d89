/** What only a real server shows: bodies that are refused before they are read, the log it writes, passwords at their price. */
import { expect, test } from 'vitest'
import { rawSocket } from '../raw-socket.ts'
import { running, temporaryFolder } from '../running.ts'
import { difflogOverHttp, hashOf, rowsOf } from './support.ts'

test('[HTTP-3] a body over the limit is refused by its declared length, before a byte of it is sent', async () => {
  const { url } = await difflogOverHttp({ limits: { bodyBytes: 100_000, itemBytes: 10_000 } })
  for (const path of ['/api/profile/p/sync', '/api/profile/p/password', '/api/profile/p/content', '/api/profile/create']) {
    for (const expect100 of ['', '\r\nexpect: 100-continue']) {
      const { closed } = await rawSocket(url, `POST ${path} HTTP/1.1\r\ncontent-length: 100001${expect100}\r\nhost: x\r\n\r\n`)
      const answer = await closed
      expect(answer).toMatch(/^HTTP\/1\.1 413 /)
      expect(answer).toContain('{"error":')
    }
  }
})

test('[HTTP-3] an upload over the limit gets to read why', async () => {
  const { client } = await difflogOverHttp({ limits: { bodyBytes: 100_000 } })
  await client.create('p')
  const { status, body } = await client.sync('p', { diffs: [{ id: '1', encrypted_data: 'x'.repeat(200_000) }] })
  expect([status, Object.keys(body)]).toEqual([413, ['error']])
})

test('a password in a URL never reaches the log of a server', async () => {
  const lines: string[] = []
  const { client, close } = await difflogOverHttp({}, { logLevel: 'debug' }, { log: (line) => lines.push(line) })
  const secret = hashOf('secret', 'c2VjcmV0LXNhbHQ=')
  await client.create('p', { password_hash: secret })
  for (const path of ['p', 'p/', 'nobody', '%']) {
    await client.raw(`/api/profile/${path}?password_hash=${encodeURIComponent(secret)}`, { redirect: 'manual' })
  }
  await client.raw(`/api/profile/p?password_hash=${encodeURIComponent(secret)}`, { method: 'PATCH' })
  await close()
  const log = lines.join('')
  expect(lines.length).toBeGreaterThanOrEqual(6)
  for (const part of [...secret.split(':'), encodeURIComponent(secret), 'password_hash']) expect(log).not.toContain(part)
})

test('[G14] 100 parallel wrong guesses over sockets: five are checked, the owner stays signed in, also after a restart', async () => {
  const data = temporaryFolder()
  const first = await difflogOverHttp({}, { data })
  await first.client.create('p')
  await first.client.content('p')
  const stranger = first.client.from('203.0.113.9')
  const before = first.derived.count
  const guesses = [...Array(100).keys()].map((i) => (i % 2 === 0 ? first.client : stranger).wrong('p', `guess ${i}`))
  const answers = await Promise.all(guesses)
  // Five from each of two networks.
  expect(first.derived.count - before).toBe(10)
  expect(answers.filter(({ status }) => status === 401).length).toBe(10)
  expect((await first.client.content('p')).status).toBe(200)
  expect((await first.client.from('198.51.100.1').content('p')).status).toBe(200)
  await first.close()
  const second = await difflogOverHttp({}, { data })
  expect((await second.client.wrong('p')).status).toBe(429)
  expect((await second.client.from('198.51.100.1').content('p')).status).toBe(200)
})

test('switched on by its name, with passwords at their price', async () => {
  const server = await running({ dialect: ['difflog'] })
  const post = async (path: string, fields: Record<string, unknown>) => {
    const response = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(fields) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const right = { password_hash: hashOf('right') }
  const created = await post('/api/profile/create', { id: 'p', name: 'n', encrypted_api_key: 'k', salt: 's', ...right })
  expect(created.status).toBe(201)
  expect((await post('/api/profile/p/sync', { ...right, diffs: rowsOf('1') })).body['success']).toBe(true)
  expect((await post('/api/profile/p/content', { password_hash: hashOf('wrong') })).body['attempts_remaining']).toBe(4)
  expect((await post('/api/profile/p/content', right)).body['diffs']).toEqual(rowsOf('1'))
  // Without it there is no such path.
  expect((await fetch(`${(await running()).url}/api/profile/p/status`)).status).toBe(404)
})
