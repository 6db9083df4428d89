/** Moving in from the apps whose dialects our own server speaks: filled over HTTP as their clients do, then imported. */
import { createCipheriv, createHash, pbkdf2Sync, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataansImportSummary } from '@lockstep/import/dataans/server-import'
import type { DifflogImportSummary } from '@lockstep/import/difflog/server-import'
import { expect, it } from 'vitest'
import { run } from '#cli'
import { ACCESS_ISSUER, AUD, newKey, signToken, startIssuer, TEAM } from '../../../tests/support/issuer.ts'
import { runningServer } from '../../../tests/support/running-server.ts'
import {
  file,
  note,
  operation,
  PASSPHRASE,
  PASSWORD,
  secretKeyHash,
  space,
  timestamp,
} from '../../import/test/support/dataans-server.ts'
import { fakeTerminal, scratchFolder, testHome } from './support/run.ts'

const [WORK, AVATAR, ONE, TWO, FILE] = Array.from({ length: 5 }, () => randomUUID()) as [string, string, string, string, string]

async function post(url: string, body: unknown, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const headers = { 'content-type': 'application/json', ...more }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${url} answered ${response.status} ${await response.text()}`)
}

it('a Dataans server: everything once, its changes later, its files listed; then its export', async () => {
  const { url } = await runningServer({ dialect: ['dataans'], insecureNoGate: true })
  await post(`${url}/user`, { id: randomUUID(), secretKeyHash: secretKeyHash(undefined, 19_456) })
  await post(`${url}/data/operation`, [
    operation('CreateSpace', space(WORK, 'Work', AVATAR, 1), { at: 1 }),
    operation('CreateNote', note(ONE, '# One\nfirst', WORK, 2), { at: 2 }),
    operation('CreateNote', note(TWO, 'two', WORK, 3), { at: 3 }),
    operation('CreateFile', file(FILE, 'plan.pdf', 4), { at: 4 }),
    operation('SetNoteFiles', [ONE, [FILE]], { at: 5 }),
  ])
  await fetch(`${url}/file/${FILE}`, { method: 'POST', body: 'sealed bytes' })

  const home = await testHome()
  const args = ['import', 'dataans', '--server', url, '--password-stdin']
  const secrets = { input: `${PASSWORD}\n${PASSPHRASE}\n` }
  expect(await home.failure(args, { input: `${PASSWORD}\nanother passphrase\n` })).toMatchObject({
    status: 1,
    code: 'wrong-password',
  })
  expect(await home.failure(args, { input: `${PASSWORD}\n` })).toMatchObject({ status: 2, code: 'bad-usage' })
  expect(await home.json(['note', 'list'])).toEqual([])

  const first = await home.json<DataansImportSummary>(args, secrets)
  expect(first).toMatchObject({ operations: 5, spaces: 1, added: 2, refused: [], moreRefused: 0 })
  expect(first.files).toMatchObject([{ id: FILE, name: 'plan.pdf', onServer: true }])
  await post(`${url}/data/operation`, [
    operation('UpdateNote', note(ONE, '# One\nchanged', WORK, 6), { at: 6 }),
    operation('DeleteNote', TWO, { at: 7 }),
  ])
  const text = await home.text([...args.slice(0, -1), '--passphrase', PASSPHRASE, '--password-stdin'], { input: `${PASSWORD}\n` })
  expect(text).toContain('0 notes added, 1 updated, 0 unchanged, 0 new spaces.')
  expect(text).toContain('Deleted there since, and in the trash now: 1 note or space.')
  expect(text).toContain('  plan.pdf (on the server)')
  const [kept, ...more] = await home.json<{ id: string; space: string }[]>(['note', 'list'])
  expect([kept?.space, more]).toEqual(['Work', []])
  expect(await home.text(['note', 'show', kept?.id ?? ''])).toBe('# One\nchanged')

  const at = timestamp(6)
  const exported = join(await scratchFolder(), 'dataans-backup.json')
  const times = { created_at: at, updated_at: at }
  const notes = [{ id: ONE, text: '# One\nchanged', ...times, space_id: WORK, files: [] }]
  await writeFile(exported, JSON.stringify({ version: 'V1', data: [{ space: { id: WORK, name: 'Work', ...times }, notes }] }))
  expect(await home.json(['import', 'dataans', exported])).toMatchObject({ spaces: 0, added: 0, updated: 0, unchanged: 1 })
  for (const wrong of [
    ['import', 'dataans'],
    ['import', 'dataans', exported, '--server', url],
  ]) {
    expect(await home.failure(wrong)).toMatchObject({ status: 2, code: 'bad-usage' })
  }
})

it('a diff·log server: a profile with its diffs, stars, TLDRs and keys; what is in the environment stays at home', async () => {
  const { url } = await runningServer({ dialect: ['difflog'] })
  const password = 'a password'
  const clientSalt = Buffer.alloc(16, 1).toString('base64')
  const password_hash = `${clientSalt}:${createHash('sha256')
    .update(clientSalt + password)
    .digest('base64')}`
  const salt = Buffer.alloc(16, 2)
  const key = pbkdf2Sync(password, salt, 100_000, 32, 'sha256')
  const seal = (value: unknown) => {
    const cipher = createCipheriv('aes-256-gcm', key, salt.subarray(4))
    return Buffer.concat([salt.subarray(4), cipher.update(JSON.stringify(value)), cipher.final(), cipher.getAuthTag()]).toString(
      'base64',
    )
  }
  await post(`${url}/api/profile/create`, {
    id: 'me',
    name: 'Me',
    password_hash,
    salt: salt.toString('base64'),
    encrypted_api_key: seal({ apiKeys: { anthropic: 'sk-1' } }),
    languages: ['Rust'],
  })
  await post(`${url}/api/profile/me/sync`, {
    password_hash,
    diffs: [{ id: '1', encrypted_data: seal({ id: '1', content: '- a\n- b', generated_at: '2026-02-01T12:00:00Z', title: 'T' }) }],
    stars: [{ id: '1:1', encrypted_data: seal({ diff_id: '1', p_index: 1, added_at: '2026-02-01T13:00:00Z' }) }],
    tldrs: [{ id: '1:0', encrypted_data: seal({ diff_id: '1', p_index: 0, summary: 'short', url: 'https://example.org' }) }],
  })

  const home = await testHome()
  const args = ['import', 'difflog', '--server', url, '--id', 'me', '--password-stdin']
  expect(await home.failure(args, { input: 'wrong\n' })).toMatchObject({ status: 1, code: 'wrong-password' })
  expect(await home.failure(args.with(5, 'you'), { input: 'wrong\n' })).toMatchObject({ status: 1, code: 'source-refused' })
  // Not even a token, so sending it would be an error.
  const env = { LOCKSTEP_ACCESS_TOKEN: 'of my own server' }
  const summary = await home.json<DifflogImportSummary>(args, { input: `${password}\n`, env })
  expect(summary).toMatchObject({
    diffs: { added: 1 },
    stars: { added: 1 },
    tldrs: { added: 1 },
    profileChanged: true,
    refused: [],
  })
  const [diff] = await home.json<{ id: string; date: string }[]>(['diff', 'list'])
  expect(diff?.date).toMatch(/^2026-02-0[12]$/)
  expect(await home.json(['star', 'list'])).toMatchObject([{ text: 'b', item: 1 }])
  expect(await home.text(['diff', 'show', diff?.id ?? '', '--paragraphs'])).toContain('TLDR of https://example.org: short')
  expect(await home.json(['profile', 'show', '--keys'])).toMatchObject({ languages: ['Rust'], apiKeys: [{ key: 'sk-1' }] })
  expect(await home.text(args, { input: `${password}\n` })).toBe(
    [
      'Diffs: 0 added, 0 updated, 1 unchanged.',
      'Stars: 0 added, 0 updated, 1 unchanged.',
      'TLDRs: 0 added, 0 updated, 1 unchanged.',
      'The profile is unchanged.\n',
    ].join('\n'),
  )
})

it('asks for password and passphrase without showing them, and draws a progress bar', async () => {
  const { url } = await runningServer({ dialect: ['dataans'], insecureNoGate: true })
  await post(`${url}/user`, { id: randomUUID(), secretKeyHash: secretKeyHash() })
  await post(`${url}/data/operation`, [operation('CreateNote', note(ONE, 'x', WORK, 2), { at: 2 })])
  const io = fakeTerminal([`${PASSWORD}\r`, `${PASSPHRASE}\r`])
  expect(await run(['--home', await scratchFolder(), 'import', 'dataans', '--server', url], io)).toBe(0)
  expect(io.raw).toEqual([true, false, true, false])
  expect(io.stderr.text).toContain('Reading [')
  expect(io.stderr.text + io.stdout.text).not.toContain(PASSPHRASE)
  expect(io.stdout.text).toContain('1 note added')
})

it('behind Cloudflare Access: the token is shown, and its lack is not a wrong password', async () => {
  const key = newKey()
  const issuer = await startIssuer()
  issuer.keys = [key]
  const { url } = await runningServer({ dialect: ['dataans'], accessTeam: TEAM, accessAud: [AUD], accessCertsUrl: issuer.certsUrl })
  const now = Math.floor(Date.now() / 1000)
  const token = signToken(key, { iss: ACCESS_ISSUER, aud: [AUD], sub: 'me', iat: now, exp: now + 600 })
  const headers = { cookie: `CF_Authorization=${token}` }
  await post(`${url}/user`, { id: randomUUID(), secretKeyHash: secretKeyHash() }, headers)
  await post(`${url}/data/operation`, [operation('CreateNote', note(ONE, 'x', WORK, 2), { at: 2 })], headers)
  const home = await testHome()
  const args = ['import', 'dataans', '--server', url, '--passphrase', PASSPHRASE, '--password-stdin']
  const input = `${PASSWORD}\n`
  expect(await home.failure(args, { input })).toMatchObject({ status: 3, code: 'gate-refused' })
  // The environment's token is for this device's own server.
  expect(await home.failure(args, { input, env: { LOCKSTEP_ACCESS_TOKEN: token } })).toMatchObject({
    status: 3,
    code: 'gate-refused',
  })
  expect(await home.failure([...args, '--access-token', 'x'], { input })).toMatchObject({ status: 2, code: 'bad-usage' })
  expect(await home.json([...args, '--access-token', token], { input })).toMatchObject({ added: 1 })
})

it('two devices of one vault that import apart have one of each note after a sync, and what one edited since stays', async () => {
  const source = await runningServer({ dialect: ['dataans'], insecureNoGate: true })
  await post(`${source.url}/user`, { id: randomUUID(), secretKeyHash: secretKeyHash() })
  await post(`${source.url}/data/operation`, [
    operation('CreateSpace', space(WORK, 'Work', AVATAR, 1), { at: 1 }),
    operation('CreateNote', note(ONE, 'one', WORK, 2), { at: 2 }),
    operation('CreateNote', note(TWO, 'two', WORK, 3), { at: 3 }),
  ])
  const { url } = await runningServer()
  const [first, second] = [await testHome(), await testHome()]
  const { passphrase } = await first.json<{ passphrase: string }>(['sign-in', '--server', url, '--password-stdin'], {
    input: 'pw\n',
  })
  await second.json(['sign-in', '--server', url, '--password-stdin', '--passphrase', passphrase], { input: 'pw\n' })
  const args = ['import', 'dataans', '--server', source.url, '--password-stdin']
  const secrets = { input: `${PASSWORD}\n${PASSPHRASE}\n` }
  for (const home of [first, second]) await home.json(args, secrets)
  const [listed] = await first.json<{ id: string }[]>(['note', 'list'])
  await first.json(['note', 'edit', listed?.id ?? '', '--file', '-'], { input: 'edited' })
  for (const home of [first, second, first]) await home.json(['sync'])
  for (const home of [first, second]) {
    const notes = await home.json<{ id: string }[]>(['note', 'list'])
    const shown = await Promise.all(notes.map(({ id }) => home.json<{ text: string; conflicts: string[] }>(['note', 'show', id])))
    expect(shown.map(({ text, conflicts }) => [text, conflicts])).toEqual([
      ['edited', []],
      ['two', []],
    ])
    expect(await home.json(args, secrets)).toMatchObject({ spaces: 0, added: 0, updated: 0, unchanged: 2 })
    expect(await home.json(['space', 'list'])).toHaveLength(1)
  }
})
