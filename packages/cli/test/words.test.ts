/** What people are told: names stay as they are, and each sentence says what to do. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '#cli'
import { sentence } from '#output'
import { fakeIo, scratchFolder, testHome } from './support/run.ts'

/** What a person sees of a failure. */
async function said(args: readonly string[], input?: string | Uint8Array): Promise<string> {
  const io = fakeIo(input === undefined ? {} : { input })
  expect(await run(args, io)).not.toBe(0)
  return io.stderr.text
}

describe('names and addresses', () => {
  it.each([
    ['bin.dat is no text', 'bin.dat is no text.'],
    ['http://127.0.0.1:1 has no profile "x"', 'http://127.0.0.1:1 has no profile "x".'],
    ['notes/top.md is no folder', 'notes/top.md is no folder.'],
    ['"notes" is no folder', '"notes" is no folder.'],
    ['there is no note "x"', 'There is no note "x".'],
    ['stopped; what was done is kept', 'Stopped; what was done is kept.'],
    ['passphrase', 'Passphrase.'],
  ])('%s', (message, shown) => expect(sentence(message)).toBe(shown))

  it('of files and folders that cannot be used are told as they were given, with the reason in words', async () => {
    const home = join(await scratchFolder(), 'home')
    const folder = await scratchFolder()
    await writeFile(join(folder, 'latin'), Uint8Array.of(0xe9))
    expect(await run(['--home', home, 'space', 'add', 'A'], fakeIo())).toBe(0)
    const add = (file: string) => said(['--home', home, 'note', 'add', '--space', 'A', '--file', file])
    expect(await add('nowhere')).toBe('"nowhere" cannot be read: there is no such file.\n')
    expect(await add(folder)).toBe(`"${folder}" cannot be read: it is a folder.\n`)
    expect(await add(join(folder, 'latin'))).toBe(`"${join(folder, 'latin')}" is not UTF-8 text.\n`)
    expect(await said(['--home', home, 'note', 'add', '--space', 'A', '--file', '-'], Uint8Array.of(0xe9))).toBe(
      'Standard input is not UTF-8 text.\n',
    )
    expect(await said(['--home', home, 'import', 'markdown', 'nowhere'])).toMatch(/^"nowhere" cannot be read as a folder/)
    await mkdir(join(folder, 'out'))
    await writeFile(join(folder, 'out', 'mine'), '')
    expect(await said(['--home', home, 'export', 'markdown', join(folder, 'out')])).toMatch(/out" is not empty: name an empty/)
  })
})

it('a beginning of an id that is too short is said to be', async () => {
  const home = await testHome()
  await home.json(['space', 'add', 'A'])
  const { id } = await home.json<{ id: string }>(['note', 'add', '--space', 'A', '--title', 'T'])
  const { message } = await home.failure(['note', 'show', id.slice(0, 3)])
  expect(message).toBe(`there is no note "${id.slice(0, 3)}": give at least 4 characters of its id`)
})

it('an address that is none is told before anybody is asked for a password', async () => {
  const home = await testHome()
  for (const args of [['sign-in'], ['profile', 'share'], ['profile', 'import', '--vault', 'x']]) {
    // There is no terminal to ask on, and that would be said.
    const { code, message } = await home.failure([...args, '--server', 'ftp://notes.example'])
    expect([args.join(' '), code, message]).toEqual([
      args.join(' '),
      'server-refused',
      '"ftp://notes.example" is not an http or https address',
    ])
  }
})

it('a server that cannot be reached is told in words that fit whoever was not signed in yet', async () => {
  const home = await testHome()
  const nowhere = ['sign-in', '--server', 'http://127.0.0.1:1', '--password-stdin']
  const { message, status } = await home.failure(nowhere, { input: 'a long enough password' })
  expect(status).toBe(4)
  expect(message).toMatch(
    /^cannot reach http:\/\/127\.0\.0\.1:1\b.*; check the address and the network: what is on this device stays as it is$/,
  )
})

it('a search that finds more than it shows says so', async () => {
  const home = await testHome()
  await home.json(['space', 'add', 'A'])
  for (let i = 0; i < 3; i++) await home.json(['note', 'add', '--space', 'A', '--title', `same ${i}`])
  const search = async (limit: number) => {
    const { out, err } = await home.try(['search', 'same', '--limit', String(limit)])
    return { shown: out.trimEnd().split('\n').length - 1, err }
  }
  expect(await search(3)).toEqual({ shown: 3, err: '' })
  expect(await search(2)).toEqual({ shown: 2, err: 'There are more than these 2: see them with --limit.\n' })
})

it('an export that leaves diffs out says where they would be', async () => {
  const home = await testHome()
  const out = async () => (await home.try(['export', 'markdown', join(await scratchFolder(), 'out')])).err
  expect(await out()).toBe('')
  await home.json(['diff', 'add', '--title', 'T', '--date', '2026-01-01', '--file', '-'], { input: 'text' })
  expect(await out()).toBe('Diffs, stars and the profile are not in it: they come with lockstep export json.\n')
})
