/** Sharing a profile with a password, and importing it elsewhere: the diff·log document's behaviours (docs/difflog-document.md). */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { PASSWORD, type ProfileHome, profileStage, typed } from './support/profiles.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

const API_KEY = 'sk-secret-api-key-0123456789'
const CONTENT = ['What the week brought', 'a paragraph about borrow checkers', 'Ada Lovelace', 'embroidery', API_KEY]

/** Two diffs, a star, a profile and an API key. */
async function fill(home: ProfileHome): Promise<{ readonly diff: string; readonly star: string }> {
  const diff = await home.addDiff('2026-03-01', 'What the week brought', 'intro\n\na paragraph about borrow checkers\n')
  await home.addDiff('2026-03-02', 'The day after')
  const star = await home.star(diff, 1)
  await home.json(['profile', 'set', '--name', 'Ada Lovelace', '--languages', 'rust,zig', '--topics', 'embroidery'])
  await home.json(['profile', 'set', '--api-key', 'anthropic'], { input: API_KEY })
  return { diff, star }
}

/** Every file below a folder, as one string of bytes. */
async function allBytes(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\0')
}

describe('Overview', () => {
  it('everything works with no server, and the profile is local only until it is shared', async () => {
    const { home, network } = await profileStage()
    const a = home('a')
    const { diff, star } = await fill(a)
    expect(await a.diffs()).toMatchObject([{ title: 'The day after' }, { id: diff, stars: 1 }])
    expect(await a.stars()).toEqual([star])
    expect(await a.status()).toMatchObject({ state: 'local', lastSyncedAt: null })
    expect(await a.failure(['sync'])).toMatchObject({ status: 3, code: 'not-signed-in' })
    expect(network.take()).toEqual([])
  })
})

describe('Two Types of Salt', () => {
  it('[KEY-5] a vault has one public salt, made for it alone: the same password elsewhere gives other keys', async () => {
    const { home, network } = await profileStage('open')
    const header = async (vault: string) =>
      (await fetch(`${network.url}/v1/vaults/${vault}`)).json() as Promise<{ salt: string; suite: string }>
    await home('a').signIn('--vault', 'first', '--new')
    await home('b').signIn('--vault', 'second', '--new')
    const authKeys = network
      .take()
      .filter(({ path, status }) => path === '/v1/vaults' && status === 201)
      .map(({ sent }) => JSON.parse(sent.toString()).authKey)
    expect(new Set(authKeys).size).toBe(2)
    const first = await header('first')
    expect(first).toMatchObject({ suite: 'argon2id-64m-3', salt: expect.stringMatching(/^[\w-]{22}$/) })
    expect(await header('first')).toEqual(first)
    expect((await header('second')).salt).not.toBe(first.salt)
  })
})

describe('Password Hashing', () => {
  it('[KEY-6] neither the password nor a plain hash of it travels, at sign-up, at sign-in or when it changes', async () => {
    const { home, network } = await profileStage()
    await home('a').signIn()
    await home('b').signIn()
    await home('a').json(['passwd', '--password-stdin'], { input: `${PASSWORD}\nthe next password\n` })
    const travelled = network.take().map(({ path, sent }) => path + sent.toString('latin1'))
    expect(travelled.filter((text) => text.includes('authKey')).length).toBeGreaterThanOrEqual(3)
    for (const password of [PASSWORD, 'the next password']) {
      const hash = createHash('sha256').update(password).digest()
      for (const form of [
        password,
        encodeURIComponent(password),
        hash.toString('hex'),
        hash.toString('base64'),
        hash.toString('base64url'),
      ]) {
        expect(travelled.filter((text) => text.includes(form))).toEqual([])
      }
    }
  })
})

describe('Initial Share', () => {
  it('all of a local-only profile goes up with the first sync', async () => {
    const { home } = await profileStage()
    const a = home('a')
    await fill(a)
    const { pending } = await a.status()
    expect(await a.signIn()).toMatchObject({ created: true })
    expect(await a.status()).toMatchObject({ state: 'pending', lastSyncedAt: null })
    expect((await a.status()).pending).toBeGreaterThanOrEqual(pending)
    expect((await a.sync()).uploaded.segments).toBeGreaterThan(0)
    expect(await a.status()).toMatchObject({ state: 'synced', pending: 0, lastSyncedAt: expect.any(Number) })
  })
})

describe('Import', () => {
  it('another device has everything, with the server, the name and the password alone', async () => {
    const { home } = await profileStage()
    const [a, b] = [home('a'), home('b')]
    await fill(a)
    await a.share()
    expect(await b.share()).toMatchObject({ created: false })
    expect(await b.everything()).toEqual(await a.everything())
    expect(await b.everything()).toMatchObject({
      profile: { name: 'Ada Lovelace', apiKeys: [{ provider: 'anthropic', key: API_KEY }] },
    })
  })

  it('what the other device held already is kept, and shared too', async () => {
    const { home } = await profileStage()
    const [a, b] = [home('a'), home('b')]
    await a.addDiff('2026-03-01', 'from a')
    await b.addDiff('2026-03-02', 'from b')
    await a.share()
    expect(await b.share()).toMatchObject({ created: false })
    await a.sync()
    expect(await a.titles()).toEqual(['from b', 'from a'])
    expect(await a.everything()).toEqual(await b.everything())
  })

  it('[KEY-10] many devices of one household import with the right password, and none is taken for a guesser', async () => {
    const { home } = await profileStage('open')
    await home('first').signIn()
    for (let i = 0; i < 7; i++) expect(await home(`device ${i}`).signIn()).toMatchObject({ created: false })
  })
})

describe('Password Caching', () => {
  it('[KEY-1] nothing is cached before a sign-in has succeeded', async () => {
    const { home, network } = await profileStage()
    await home('a').share()
    const b = home('b')
    expect(await b.failure(b.signInArgs(), typed('wrong'))).toMatchObject({ status: 1, code: 'wrong-credentials' })
    expect(await b.status()).toMatchObject({ state: 'local' })
    network.take()
    expect(await b.failure(['sync'])).toMatchObject({ status: 3, code: 'not-signed-in' })
    expect(network.take()).toEqual([])
  })

  it('afterwards no command asks for it, until sign-out; each home has its own', async () => {
    const { home } = await profileStage('open')
    const [a, b] = [home('a'), home('b')]
    await a.share('--vault', 'mine')
    await b.share('--vault', 'theirs')
    await a.addDiff('2026-03-01', 'mine')
    await a.sync()
    await b.sync()
    expect(await b.titles()).toEqual([])
    expect(await a.json(['sign-out'])).toMatchObject({ signedOut: true, serverTold: true })
    expect(await a.failure(['sync'])).toMatchObject({ status: 3, code: 'not-signed-in' })
    expect(await a.titles()).toEqual(['mine'])
    expect(await b.status()).toMatchObject({ state: 'synced' })
    // What is written meanwhile is shared when its person comes back.
    await a.addDiff('2026-03-02', 'while signed out')
    expect(await a.share('--vault', 'mine')).toMatchObject({ created: false })
    expect(await a.status()).toMatchObject({ state: 'synced', pending: 0 })
  })
})

describe('Remember Password', () => {
  it('[KEY-1] a home never holds the password, in any form, and its keys are for its owner alone', async () => {
    const { home } = await profileStage()
    const a = home('a')
    await fill(a)
    await a.share()
    const held = await allBytes(a.folder)
    // The scan does find what is there.
    expect(held).toContain('a paragraph about borrow checkers')
    const hash = createHash('sha256').update(PASSWORD).digest()
    for (const form of [PASSWORD, hash.toString('hex'), hash.toString('base64url'), hash.toString('latin1')])
      expect(held).not.toContain(form)
    for (const file of ['keys.json', 'profile.json', 'vault.db'])
      expect((await stat(join(a.folder, file))).mode & 0o777).toBe(0o600)
  })
})

describe('Security Considerations', () => {
  it('the server holds nothing that it can read, and any name has a salt, whether there is such a vault or not', async () => {
    const { home, data, network } = await profileStage()
    const a = home('a')
    await fill(a)
    await a.share()
    await home('b').share()
    const held = await allBytes(data)
    expect(held).toContain('main')
    const travelled = network.take().map(({ path, sent }) => path + sent.toString('latin1'))
    for (const text of [...CONTENT, PASSWORD]) {
      expect(held).not.toContain(text)
      expect(travelled.filter((piece) => piece.includes(text))).toEqual([])
    }
    const ask = async (name: string) => {
      const answer = await fetch(`${network.url}/v1/vaults/${name}`)
      return { status: answer.status, members: Object.keys((await answer.json()) as object) }
    }
    expect(await ask('nobody')).toEqual(await ask('main'))
  })
})
