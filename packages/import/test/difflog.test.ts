import { createCipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { addDiff, listDiffs, removeDiff } from '@lockstep/model/diffs'
import { editProfile, readProfile } from '@lockstep/model/profile'
import type { LockstepVault } from '@lockstep/model/schema'
import { listStars, removeStar } from '@lockstep/model/stars'
import { listTldrs } from '@lockstep/model/tldrs'
import { emptyTrash, listTrash } from '@lockstep/model/trash'
import { describe, expect, it, onTestFinished } from 'vitest'
import { difflogOpener, parseDiff, parseKeys, parseStar, parseTldr, transportHash } from '#difflog/content'
import { difflogParagraphs } from '#difflog/paragraphs'
import { importDifflog } from '#difflog/server-import'
import { importJson } from '#json-import'
import { WebSource } from '#web-source'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { forEachSeed } from '../../../tests/support/random.ts'
import { exportedJson } from './support/exported.ts'

const NOW = Date.UTC(2026, 5, 1)
const PASSWORD = 'pässword'
const CLIENT_SALT = Buffer.alloc(16, 1).toString('base64')
const SALT = Buffer.alloc(16, 2).toString('base64')
const KEY = pbkdf2Sync(PASSWORD, Buffer.alloc(16, 2), 100_000, 32, 'sha256')

function seal(value: unknown): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', KEY, iv)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64')
}

const diff = (id: string, content: string, day: string, more: object = {}) => ({
  id,
  encrypted_data: seal({
    id,
    content,
    title: `Diff ${id}`,
    generated_at: `${day}T08:00:00.000Z`,
    window_days: 7,
    cost: 0.1,
    ...more,
  }),
})
const star = (diffId: string, index: number, added = '2026-02-01T00:00:00Z') => ({
  id: `${diffId}:${index}`,
  encrypted_data: seal({ diff_id: diffId, p_index: index, added_at: added }),
})
const tldr = (diffId: string, index: number, summary: string) => ({
  id: `${diffId}:${index}`,
  encrypted_data: seal({
    diff_id: diffId,
    p_index: index,
    summary,
    url: 'https://example.org/a',
    created_at: '2026-02-02T00:00:00Z',
  }),
})

const TEXT = '# Head\n\nFirst para\ngoes on.\n\n- item one\n  more of it\n- item two\n\n---\n\nLast.'

interface Site {
  url: string
  requests: string[]
  content: Record<string, unknown>
  interfere: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** A server from the contract: the three requests of a log-in. */
async function serve(content: Record<string, unknown> = {}): Promise<Site> {
  const site: Site = { url: '', requests: [], content, interfere: () => false }
  const server = createServer(async (request, response) => {
    site.requests.push(`${request.method} ${request.url}`)
    let body = ''
    for await (const chunk of request) body += chunk
    if (site.interfere(request, response)) return
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (request.url === '/api/share/me') return json(200, { id: 'me', name: 'Me', password_salt: CLIENT_SALT, languages: [] })
    if (request.url !== '/api/profile/me/content') return json(404, { error: 'Profile not found' })
    const expected = createHash('sha256')
      .update(CLIENT_SALT + PASSWORD)
      .digest('base64')
    if (JSON.parse(body).password_hash !== `${CLIENT_SALT}:${expected}`) {
      return json(401, { error: 'Invalid password', attempts_remaining: 3 })
    }
    return json(200, {
      diffs: [],
      stars: [],
      tldrs: [],
      encrypted_api_key: seal({ apiKeys: {} }),
      salt: SALT,
      profile: {},
      ...site.content,
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  site.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return site
}

function run(vault: LockstepVault, site: Site, { password = PASSWORD, profile = 'me' } = {}) {
  const { http, close } = createNodeHttp()
  onTestFinished(close)
  const web = new WebSource({ http, server: site.url, now: () => NOW })
  return importDifflog(vault, {
    web,
    profile,
    password,
    now: () => NOW,
    dayOf: (millis) => new Date(millis).toISOString().slice(0, 10),
  })
}

const pending = (vault: LockstepVault) => vault.query('SELECT tbl, n, since FROM _pending ORDER BY tbl, n')
const one = { added: 1, updated: 0, unchanged: 0, inTrash: 0, removed: 0 }
const same = { added: 0, updated: 0, unchanged: 1, inTrash: 0, removed: 0 }

describe('an import from a diff·log server', () => {
  it('brings diffs, stars, TLDRs, interests and keys, and again nothing', async () => {
    const site = await serve({
      diffs: [diff('1770000000000', TEXT, '2026-02-01')],
      stars: [star('1770000000000', 2)],
      tldrs: [tldr('1770000000000', 1, 'In short.')],
      encrypted_api_key: seal({ apiKeys: { anthropic: 'sk-1', serper: '' }, providerSelections: { search: 'serper' } }),
      profile: { name: 'Me', languages: ['Rust', ' Go '], topics: [], depth: 'deep', custom_focus: 'wasm', frameworks: null },
    })
    const { vault } = memoryVault()
    const summary = await run(vault, site)
    expect(summary).toEqual({
      diffs: one,
      stars: one,
      tldrs: one,
      profileChanged: true,
      withoutDay: [],
      refused: [],
      moreRefused: 0,
    })
    const [found] = listDiffs(vault)
    expect(found).toMatchObject({
      title: 'Diff 1770000000000',
      date: '2026-02-01',
      windowDays: 7,
      createdAt: Date.UTC(2026, 1, 1, 8),
    })
    expect(listStars(vault)).toMatchObject([{ paragraph: 2, item: 2, text: 'item two Last.', createdAt: Date.UTC(2026, 1, 1) }])
    expect(listTldrs(vault)).toMatchObject([{ paragraph: 2, item: 1, text: 'In short.', url: 'https://example.org/a' }])
    expect(readProfile(vault)).toMatchObject({ name: 'Me', languages: ['Go', 'Rust'], depth: 'deep', customFocus: 'wasm' })
    expect(readProfile(vault).apiKeys).toMatchObject([{ provider: 'anthropic', key: 'sk-1' }])
    const before = pending(vault)
    expect(await run(vault, site)).toMatchObject({ diffs: same, stars: same, tldrs: same, profileChanged: false })
    expect(pending(vault)).toEqual(before)
    expect(site.requests.join()).not.toContain('password')
    const { vault: copy } = memoryVault(2)
    await importJson(copy, await exportedJson(vault, { now: NOW }))
    expect(await run(copy, site)).toMatchObject({ diffs: same, stars: same, tldrs: same, profileChanged: false })
  })

  it('what changed there is updated; what is no longer there stays, but for stars; what was taken away here stays away', async () => {
    const site = await serve({
      diffs: [diff('a', TEXT, '2026-02-01'), diff('b', TEXT, '2026-02-02')],
      stars: [star('a', 0), star('a', 1), star('b', 0)],
    })
    const { vault } = memoryVault()
    await run(vault, site)
    const [b, a] = listDiffs(vault)
    removeStar(vault, listStars(vault).find(({ diffId, item }) => diffId === a?.id && item === 0)?.id ?? '')
    site.content = { diffs: [diff('a', `${TEXT}\n\nMore.`, '2026-02-01')], stars: [star('a', 0)] }
    expect(await run(vault, site)).toMatchObject({
      diffs: { added: 0, updated: 1, unchanged: 0, removed: 0 },
      stars: { added: 0, updated: 0, unchanged: 1, inTrash: 1, removed: 1 },
    })
    expect(listStars(vault).map(({ diffId }) => diffId)).toEqual([b?.id])
    site.content = { ...site.content, stars: [star('a', 0, '2026-03-01T00:00:00Z')] }
    expect(await run(vault, site)).toMatchObject({ stars: { updated: 1 } })
    removeDiff(vault, a?.id ?? '')
    expect(await run(vault, site)).toMatchObject({ diffs: { unchanged: 1, inTrash: 1 }, stars: { unchanged: 1, inTrash: 1 } })
    site.content = { diffs: [diff('a', 'new', '2026-02-01')] }
    expect(await run(vault, site)).toMatchObject({ diffs: { updated: 1 }, withoutDay: [] })
    expect(listDiffs(vault)).toHaveLength(2)
  })

  it('[CELL-6] a day has one diff: the newest, one that was made here stays, and none is lost', async () => {
    const { vault } = memoryVault()
    addDiff(vault, { title: 'own', date: '2026-02-03', text: 'own', now: NOW })
    const site = await serve({
      diffs: [
        diff('older', 'x', '2026-02-01', { generated_at: '2026-02-01T01:00:00Z' }),
        diff('newer', 'y', '2026-02-01', { generated_at: '2026-02-01T09:00:00Z' }),
        diff('taken', 'z', '2026-02-03'),
      ],
    })
    const { withoutDay } = await run(vault, site)
    expect(withoutDay).toHaveLength(2)
    const days = () => listDiffs(vault).map(({ title, date }) => `${title} ${date}`)
    expect(days().sort()).toEqual(['Diff newer 2026-02-01', 'Diff older ', 'Diff taken ', 'own 2026-02-03'])
    // Made again there: the one that is gone makes room.
    site.content = { diffs: [diff('again', 'new', '2026-02-01', { generated_at: '2026-02-01T20:00:00Z' })] }
    expect(await run(vault, site)).toMatchObject({ diffs: { added: 1, removed: 1 }, withoutDay: [] })
    expect(days().sort()).toEqual(['Diff again 2026-02-01', 'Diff older ', 'Diff taken ', 'own 2026-02-03'])
    expect(listTrash(vault).map(({ title }) => title)).toEqual(['Diff newer'])
    emptyTrash(vault)
    expect(listTrash(vault)).toEqual([])
  })

  it('two profiles with the same ids keep apart, and two devices make the same rows', async () => {
    const site = await serve({ diffs: [diff('a', TEXT, '2026-02-01')] })
    const { vault } = memoryVault()
    const { vault: other } = memoryVault(2)
    await run(vault, site)
    await run(other, site)
    expect(listDiffs(vault)).toEqual(listDiffs(other))
    site.interfere = (request) => {
      request.url = request.url?.replace('/you', '/me') ?? ''
      return false
    }
    site.content = { diffs: [diff('a', 'of you', '2026-02-02')] }
    expect(await run(vault, site, { profile: 'you' })).toMatchObject({ diffs: one })
    expect(listDiffs(vault)).toHaveLength(2)
  })

  it('a profile is merged: what was changed here stays, what changed there comes', async () => {
    const { vault } = memoryVault()
    editProfile(vault, { name: 'Here', languages: ['Zig'], apiKeys: { openai: 'mine', serper: 'mine' }, now: 1 })
    const site = await serve({
      profile: { name: 'There', languages: ['Rust', 'Go'], depth: 'deep' },
      encrypted_api_key: seal({ apiKeys: { openai: 'theirs', gemini: 'g1', deepseek: 'd1' } }),
    })
    const keys = () => Object.fromEntries(readProfile(vault).apiKeys.map(({ provider, key }) => [provider, key]))
    const { refused } = await run(vault, site)
    expect(refused).toEqual([{ path: 'API key of openai', reason: 'is another one here, which stays' }])
    expect(readProfile(vault)).toMatchObject({ name: 'Here', languages: ['Go', 'Rust', 'Zig'], depth: 'deep' })
    expect(keys()).toEqual({ openai: 'mine', serper: 'mine', gemini: 'g1', deepseek: 'd1' })
    editProfile(vault, { languages: ['Go', 'Zig', 'C'], depth: 'quick', apiKeys: { gemini: 'g-mine' }, now: 2 })
    expect(await run(vault, site)).toMatchObject({ profileChanged: false })
    site.content = {
      profile: { name: 'There', languages: ['Rust', 'OCaml'], depth: 'deep', tools: ['git'] },
      encrypted_api_key: seal({ apiKeys: { gemini: 'g1' } }),
    }
    await run(vault, site)
    expect(readProfile(vault)).toMatchObject({ name: 'Here', languages: ['C', 'OCaml', 'Zig'], depth: 'quick', tools: ['git'] })
    site.content = { profile: { languages: 7, tools: Array(2000).fill('x') }, encrypted_api_key: 'AAAA' }
    expect((await run(vault, site)).refused).toHaveLength(3)
    expect(readProfile(vault)).toMatchObject({ name: 'Here', languages: ['C', 'OCaml', 'Zig'], depth: 'quick', tools: ['git'] })
    expect(keys()).toEqual({ openai: 'mine', serper: 'mine', gemini: 'g-mine' })
  })

  it('what cannot be read is told by its id, and the rest comes', async () => {
    const sealed = seal({ content: 'x' })
    const site = await serve({
      diffs: [
        diff('good', TEXT, '2026-02-01'),
        { id: 'public', encrypted_data: JSON.stringify({ content: '# Public', generated_at: '2026-02-02T00:00:00Z' }) },
        { id: 'altered', encrypted_data: `${sealed.slice(0, -8)}AAAAAAA=` },
        { id: 'short', encrypted_data: '' },
        { id: 'no base64', encrypted_data: '*' },
        { id: 'no text', encrypted_data: seal({ generated_at: 1 }) },
        { id: 'no json', encrypted_data: seal('{') },
        { id: 'large', encrypted_data: seal({ content: 'x'.repeat(4 * 1024 * 1024 + 1) }) },
        { encrypted_data: sealed },
        7,
      ],
      stars: [star('good', 99), star('gone', 0), { id: 'good:1', encrypted_data: seal({}) }, { id: 'x', encrypted_data: seal([]) }],
      tldrs: [{ id: 'good:0', encrypted_data: seal({ url: 'x' }) }],
      encrypted_api_key: 'AAAA',
      profile: { languages: 'Rust', name: 7 },
    })
    const { vault } = memoryVault()
    const summary = await run(vault, site)
    expect(summary).toMatchObject({ diffs: { added: 2 }, stars: { added: 1 }, tldrs: { added: 0 } })
    expect(summary.refused.map(({ path }) => path)).toEqual([
      'diff altered',
      'diff short',
      'diff no base64',
      'diff no text',
      'diff no json',
      'diff number 9',
      'diff number 10',
      'star x',
      'TLDR good:0',
      "the profile's languages",
      "the profile's name",
      'the API keys',
      'diff large',
      'star good:99',
      'star gone:0',
    ])
    expect(listStars(vault).map(({ text }) => text)).toEqual(['item one more of it'])
  })

  it('a wrong password, a locked profile, an unknown one and a gate are told apart, and nothing is written', async () => {
    const site = await serve({ diffs: [diff('a', TEXT, '2026-02-01')] })
    const { vault } = memoryVault()
    const failure = (options = {}) =>
      run(vault, site, options).then(
        () => undefined,
        (error) => `${error.code}: ${error.message}`,
      )
    expect(await failure({ password: 'wrong' })).toBe('wrong-password: this is not the password of this profile; 3 more tries')
    expect(await failure({ profile: '../../x' })).toMatch(/^source-refused: .* has no profile "\.\.\/\.\.\/x"$/)
    const answer = (status: number, body: unknown, headers = {}) => {
      site.interfere = (_, response) =>
        !!response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    const locked = { error: 'Account locked. Try again later.', locked: true, retry_after_seconds: 600 }
    answer(429, locked)
    expect(await failure()).toBe('source-refused: too many wrong passwords were tried for this profile: try again in 600 s')
    for (const [status, body, headers] of [
      [302, '', { location: 'https://example.org/login' }],
      [200, '<html>log in</html>', { 'content-type': 'text/html; charset=utf-8' }],
      [403, { error: 'no' }, {}],
    ] as const) {
      answer(status, body, headers)
      expect(await failure(), String(status)).toMatch(/^gate-refused/)
    }
    for (const [status, body] of [
      [500, { error: 'x' }],
      [404, 'x'],
      [200, 'no json'],
      [200, []],
      [200, { password_salt: 7 }],
      [200, { password_salt: 'x', salt: '*' }],
    ] as const) {
      answer(status, body)
      expect(await failure(), JSON.stringify(body)).toMatch(/^source-(?:refused|invalid)/)
    }
    expect(listDiffs(vault)).toEqual([])
  })
})

describe('the formats of diff·log', () => {
  it('paragraphs are counted as its client does', () => {
    const counted = (text: string) => difflogParagraphs(text).map((one) => `${one.run} ${one.text}`)
    expect(counted(TEXT)).toEqual(['1 First para goes on.', '2 item one more of it', '2 item two Last.'])
    expect(counted('')).toEqual([])
    expect(counted('# a\n## b\n### c\n#### d\n#e')).toEqual(['0 #### d #e'])
    expect(counted('one\n* two\n• three\n-four')).toEqual(['0 one', '0 two', '0 three -four'])
    expect(counted('- a\n\n\nstill a\n\n- b\n___\nnot b')).toEqual(['0 a still a', '2 b', '2 not b'])
    expect(counted('a\n---\nb\n...\n***\nc')).toEqual(['0 a b c'])
    expect(counted('a\r\nb\r\n\r\nc')).toEqual(['0 a b', '1 c'])
  })

  it('shapes that clients wrote over time are read', () => {
    expect(parseDiff('{"content":"x","title":7,"generated_at":"no"}', '1770000000000')).toEqual({
      text: 'x',
      title: undefined,
      generatedAt: 1_770_000_000_000,
      windowDays: undefined,
    })
    expect(parseStar('{}', 'a:b:7')).toEqual({ diff: 'a:b', index: 7, createdAt: undefined })
    expect(parseStar('{"diff_id":1770000000000,"p_index":1}', 'x')).toMatchObject({ diff: '1770000000000', index: 1 })
    expect(parseTldr('{"summary":"s"}', 'a:1')).toMatchObject({ text: 's', url: '' })
    expect([...parseKeys('{"anthropic":"a","more":{"x":1}}')]).toEqual([['anthropic', 'a']])
    expect([...parseKeys('sk-ant-1')]).toEqual([['anthropic', 'sk-ant-1']])
    expect([...parseKeys('')]).toEqual([])
    expect(transportHash('p', 's')).toBe(`s:${createHash('sha256').update('sp').digest('base64')}`)
  })

  it('[G10] broken items are something or nothing, and never an error', async () => {
    const open = await difflogOpener(PASSWORD, SALT)
    let nothing = 0
    await forEachSeed('broken diff·log items', 1000, 'packages/import/test/difflog.test.ts', async (random) => {
      const text = [
        ...JSON.stringify({
          content: 'c',
          diff_id: 'd',
          p_index: 1,
          summary: 's',
          generated_at: '2026-01-01',
          apiKeys: { a: 'b' },
        }),
      ]
      for (let i = random.between(1, 4); i > 0; i--)
        text[random.below(text.length)] = random.pick(['"', '{', '}', '[', ':', '0', '', '\u0000', '-'])
      const json = text.join('')
      const read = [parseDiff(json, 'x'), parseStar(json, 'x'), parseTldr(json, 'x')]
      nothing += read.filter((one) => one === undefined).length
      for (const key of parseKeys(json).values()) expect(typeof key).toBe('string')
      const sealed = seal(json)
      const broken = sealed.slice(0, random.below(sealed.length - 4))
      expect(await open?.(broken)).toBe(undefined)
      expect(await open?.(sealed)).toBe(json)
      for (const { run, text: paragraph } of difflogParagraphs(json)) expect(paragraph.length > 0 && run >= 0).toBe(true)
    })
    expect(nothing).toBeGreaterThan(0)
    expect(await difflogOpener(PASSWORD, '*')).toBe(undefined)
  })
})
