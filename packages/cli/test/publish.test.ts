/** Public links through the command line: what travels, who reads, and what is left on the server's disk [SHR-1]. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { profileStage } from './support/profiles.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

interface Published {
  readonly id: string
  readonly link: string
  readonly publishedAt: number
}

async function allBytes(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\0')
}

it('[SHR-1] [SHR-3] anyone with the link reads a diff until any device takes it back; nothing on the way or on the disk opens it', async () => {
  const stage = await profileStage('open')
  const [a, b, stranger] = [stage.home('a'), stage.home('b'), stage.home('stranger')]
  const text = '# Monday\n\nBorrow checkers, explained to embroiderers.\n'
  const diff = await a.addDiff('2026-03-01', 'What Monday brought', text)
  await a.share('--new')
  await b.share()
  stage.network.take()
  const { id, link } = await a.json<Published>(['diff', 'publish', diff])
  expect(link.startsWith(`${stage.network.url}/s/${id}#`)).toBe(true)
  expect(await a.text(['diff', 'publish', diff])).toBe(`${link}\n`)
  expect(await stranger.text(['diff', 'read', link])).toBe(text)
  expect(await stranger.json(['diff', 'read', link])).toEqual({ title: 'What Monday brought', date: '2026-03-01', text })
  await a.sync()
  const exchanged = stage.network.take()
  const sealed = exchanged.findLast(({ method, path }) => method === 'PUT' && path === `/v1/shares/${id}`)?.sent
  expect(sealed?.length).toBeGreaterThan(300)
  const key = Buffer.from(link.slice(link.indexOf('#') + 1), 'base64url')
  const traffic = exchanged.map(({ path, sent }) => `${path}\0${sent.toString('latin1')}`).join('\0')
  const disk = await allBytes(stage.data)
  expect(traffic).toContain(id)
  for (const secret of [
    key.toString('base64url'),
    key.toString('hex'),
    key.toString('latin1'),
    'embroiderers',
    'What Monday brought',
  ]) {
    expect(traffic).not.toContain(secret)
    expect(disk).not.toContain(secret)
  }
  const piece = (sealed as Buffer).subarray(100, 140).toString('latin1')
  expect(disk).toContain(piece)

  // The diff is gone, its link is not: it is on the list of the other device, which takes it back.
  await a.json(['diff', 'rm', diff])
  await a.sync()
  await b.sync()
  expect((await b.json<Published[]>(['diff', 'published'])).map((each) => each.link)).toEqual([link])
  expect(await b.json(['diff', 'unpublish', link])).toEqual({ unpublished: [id] })
  expect(await stranger.failure(['diff', 'read', link])).toMatchObject({ status: 1, code: 'share-gone' })
  expect(await allBytes(stage.data)).not.toContain(piece)
  await b.sync()
  await a.sync()
  expect(await a.json(['diff', 'published'])).toEqual([])
  expect(await a.failure(['diff', 'unpublish', link])).toMatchObject({ status: 1, code: 'no-such-publication' })
})

it('[SHR-1] signed out, and with no server there, nothing is published and nothing is said to be', async () => {
  const stage = await profileStage('open')
  const a = stage.home('a')
  const diff = await a.addDiff('2026-03-01', 'Monday')
  expect(await a.failure(['diff', 'publish', diff])).toMatchObject({ status: 3, code: 'not-signed-in' })
  expect(await a.failure(['diff', 'read', 'https://notes.example.org/s/x#y'])).toMatchObject({ status: 2, code: 'bad-link' })
  expect(await a.text(['diff', 'published'])).toContain('Nothing is published')
})

it('[VAULT-1] what was published is gone with the vault, and from the list', async () => {
  const stage = await profileStage('open')
  const [a, stranger] = [stage.home('a'), stage.home('stranger')]
  const diff = await a.addDiff('2026-03-01', 'Monday')
  await a.share('--new')
  const { link } = await a.json<Published>(['diff', 'publish', diff])
  await a.json(['profile', 'unshare', '--password-stdin'], { input: 'correct horse battery\n' })
  expect(await stranger.failure(['diff', 'read', link])).toMatchObject({ code: 'share-gone' })
  expect(await a.json(['diff', 'published'])).toEqual([])
})
