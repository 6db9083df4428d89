/**
 * The story of Lockstep's first release, by the real programs: a server, two devices, real notes; both edit while apart, end up
 * the same, and the server can read none of it.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deriveRootKey } from '@lockstep/crypto/derivation'
import { deriveAuthKey, deriveEpochKeys, deriveWrapKey } from '@lockstep/crypto/hierarchy'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { fromBase64Url } from '@lockstep/protocol/bytes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedWindows, spelledOut, wholeWords } from './leak-scan.ts'
import { Home, type ServerProcess, serve } from './lockstep.ts'
import { filesBelow, notesSource } from './notes-source.ts'
import { type RecordingProxy, recordingProxy } from './recording-proxy.ts'

const PASSWORD = 'rather long winding password'
const NEXT_PASSWORD = 'another password altogether'

interface NoteRow {
  readonly id: string
  readonly space: string
  readonly path: string
  readonly title: string
  readonly text: string
}

/** What `export json` writes, but when. */
interface Everything extends Readonly<Record<string, unknown>> {
  readonly notes: readonly NoteRow[]
}

/** A server with its recording proxy, and what both have seen in the end. */
class Stage {
  readonly data: string
  readonly server: ServerProcess
  readonly proxy: RecordingProxy

  private constructor(data: string, server: ServerProcess, proxy: RecordingProxy) {
    this.data = data
    this.server = server
    this.proxy = proxy
  }

  static async set(data: string): Promise<Stage> {
    const server = await serve(data)
    return new Stage(data, server, await recordingProxy(server.url))
  }

  /** The data folder as it is now, each file on its own. */
  async files(): Promise<Uint8Array[]> {
    return [...(await filesBelow(this.data)).values()].map((content) => Buffer.from(content, 'latin1'))
  }
}

/** First and second device of a vault, signed in and in step. Returns the passphrase. */
async function signInBoth(url: string, a: Home, b: Home): Promise<string> {
  const first = await a.json<{ passphrase: string; created: boolean }>(
    ['sign-in', '--server', url, '--password-stdin', '--device-name', 'first'],
    `${PASSWORD}\n`,
  )
  expect(first.created).toBe(true)
  expect(first.passphrase.split(' ')).toHaveLength(12)
  const second = await b.json<{ created: boolean }>(
    ['sign-in', '--server', url, '--password-stdin', '--device-name', 'second', '--passphrase', first.passphrase],
    `${PASSWORD}\n`,
  )
  expect(second).toMatchObject({ created: false })
  expect(second).not.toHaveProperty('passphrase')
  return first.passphrase
}

/** The first device changes the password; the second one finds out, and signs in with the new one. */
async function changePassword(url: string, [first, second]: readonly [Home, Home], passphrase: string): Promise<void> {
  await first.text(['passwd', '--password-stdin'], `${PASSWORD}\n${NEXT_PASSWORD}\n`)
  expect(await second.try(['sync', '--json'])).toMatchObject({ status: 3, err: expect.stringContaining('"code":"needs-password"') })
  expect(await second.json(['status'])).toMatchObject({ state: 'needs-password' })
  await second.text(['sign-in', '--server', url, '--password-stdin', '--passphrase', passphrase], `${NEXT_PASSWORD}\n`)
}

let scratch: string
let source: string
let stage: Stage
let a: Home
let b: Home
let passphrase: string
/** Everything the server held, before and after it was stopped. */
const serverFiles: Uint8Array[] = []

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lockstep-story-'))
  source = await notesSource(scratch)
  stage = await Stage.set(join(scratch, 'server'))
  a = new Home(join(scratch, 'a'))
  b = new Home(join(scratch, 'b'))
})

afterAll(async () => {
  await stage.proxy.close()
  await stage.server.stop()
  await rm(scratch, { recursive: true, force: true })
})

async function everything(home: Home, name: string): Promise<Everything> {
  const folder = join(scratch, name)
  await home.text(['export', 'json', folder])
  const { exportedAt: _, ...rows } = JSON.parse(await readFile(join(folder, 'lockstep.json'), 'utf8')) as Everything
  return rows
}

/** Names of what is not the same in both; a diff of all notes would bury it. */
function differences(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter(
    (key) => JSON.stringify(one.get(key)) !== JSON.stringify(other.get(key)),
  )
}

function expectSame({ notes, ...rest }: Everything, { notes: others, ...otherRest }: Everything): void {
  const byId = (list: readonly NoteRow[]) => new Map(list.map((note) => [note.id, note]))
  expect(differences(byId(notes), byId(others))).toEqual([])
  expect(rest).toEqual(otherRest)
}

async function syncUntilEqual(): Promise<void> {
  // A sends, B sends and takes, A takes: nothing is left after that.
  for (const home of [a, b, a]) await home.text(['sync'])
  for (const home of [a, b]) {
    expect(await home.json(['sync'])).toMatchObject({
      state: 'synced',
      uploaded: { segments: 0 },
      downloaded: { segments: 0 },
      problems: [],
    })
  }
}

describe('two devices, one encrypted vault', () => {
  test('a first device signs in, imports a folder of notes and syncs', async () => {
    const files = await filesBelow(source)
    const notes = [...files.keys()].filter((path) => path.endsWith('.md')).length
    passphrase = await signInBoth(stage.proxy.url, a, b)
    expect(await a.json(['import', 'markdown', source])).toMatchObject({
      added: notes,
      otherFiles: files.size - notes,
      refused: [],
    })
    const { uploaded, state } = await a.json<{ state: string; uploaded: { segments: number; bytes: number } }>(['sync'])
    expect(state).toBe('synced')
    expect(uploaded.segments).toBeGreaterThan(0)
    console.log(`the story: ${notes} notes, ${uploaded.segments} segments, ${uploaded.bytes} bytes uploaded`)
  })

  test('[SYNC-2] a second device has every byte, and importing the same there changes nothing', async () => {
    await b.text(['sync'])
    const out = join(scratch, 'out')
    await b.text(['export', 'markdown', out])
    const expected = await filesBelow(source)
    for (const path of expected.keys()) if (!path.endsWith('.md')) expected.delete(path)
    expect(differences(await filesBelow(out), expected)).toEqual([])
    expect(await b.json(['import', 'markdown', source])).toMatchObject({ added: 0, updated: 0, unchanged: expected.size })
    expect(await b.json(['status'])).toMatchObject({ state: 'synced', pending: 0 })
  })

  test('[CELL-1] [CELL-3] [CELL-7] both edit while apart, and nothing is lost', async () => {
    const { notes } = await everything(a, 'before')
    const [both, onlyA, onlyB, deletedFirst, editedFirst, renamed] = notes as [NoteRow, NoteRow, NoteRow, NoteRow, NoteRow, NoteRow]
    const edit = async (home: Home, { id }: NoteRow, text: string) => {
      const file = join(scratch, 'edit.md')
      await writeFile(file, text)
      await home.text(['note', 'edit', id, '--file', file])
    }
    await edit(a, both, `added above by the first device\n${both.text}`)
    await edit(b, both, `${both.text}\nadded below by the second device`)
    await edit(a, onlyA, `${onlyA.text} first was here`)
    await edit(b, onlyB, `${onlyB.text} second was here`)
    // An edit that is later than a delete brings the note back; a delete that is later than an edit takes it along.
    await a.text(['note', 'rm', deletedFirst.id])
    await edit(b, deletedFirst, `${deletedFirst.text} still wanted`)
    await edit(b, editedFirst, `${editedFirst.text} edited before the delete`)
    await a.text(['note', 'rm', editedFirst.id])
    // Different fields of one note.
    await a.text(['note', 'edit', renamed.id, '--title', 'renamed by the first'])
    await edit(b, renamed, `${renamed.text} retouched by the second`)
    const fresh = [
      await a.json<{ id: string }>(['note', 'add', '--space', both.space, '--title', 'from a']),
      await b.json<{ id: string }>(['note', 'add', '--space', both.space, '--title', 'from b']),
    ]
    await b.text(['profile', 'set', '--languages', 'Rust'])
    await a.text(['profile', 'set', '--languages', 'Zig'])

    await syncUntilEqual()

    const ours = await everything(a, 'after-a')
    expectSame(await everything(b, 'after-b'), ours)
    const now = new Map(ours.notes.map((note) => [note.id, note]))
    expect(now.size).toBe(notes.length + 2 - 1)
    expect(now.get(both.id)?.text).toBe(`added above by the first device\n${both.text}\nadded below by the second device`)
    expect(now.get(onlyA.id)?.text).toBe(`${onlyA.text} first was here`)
    expect(now.get(onlyB.id)?.text).toBe(`${onlyB.text} second was here`)
    expect(now.get(deletedFirst.id)?.text).toBe(`${deletedFirst.text} still wanted`)
    expect(now.has(editedFirst.id)).toBe(false)
    expect(now.get(renamed.id)).toMatchObject({ title: 'renamed by the first', text: `${renamed.text} retouched by the second` })
    for (const { id } of fresh) expect(now.has(id)).toBe(true)
    expect(ours).toMatchObject({ profile: { languages: ['Rust', 'Zig'] } })
    const changed = new Set([both, onlyA, onlyB, deletedFirst, editedFirst, renamed].map(({ id }) => id))
    for (const note of notes) if (!changed.has(note.id)) expect(now.get(note.id)).toEqual(note)

    // What lost is not gone: it waits in the trash, on either device, with the edit that came before the delete.
    await b.text(['note', 'restore', editedFirst.id])
    await syncUntilEqual()
    const back = await a.json<NoteRow>(['note', 'show', editedFirst.id])
    expect(back.text).toBe(`${editedFirst.text} edited before the delete`)
  })

  test('[KEY-1] a password changed on one device is asked for on the other, which keeps everything', async () => {
    await changePassword(stage.proxy.url, [a, b], passphrase)
    const [space] = await b.json<{ id: string }[]>(['space', 'list'])
    await b.text(['note', 'add', '--space', space?.id ?? '', '--title', 'after the change'])
    await syncUntilEqual()
    expectSame(await everything(b, 'final-b'), await everything(a, 'final-a'))
  })

  test('the server stops cleanly; without it everything but sync works', async () => {
    serverFiles.push(...(await stage.files()))
    expect(await stage.server.stop()).toBe(0)
    serverFiles.push(...(await stage.files()))
    expect(await a.try(['sync', '--json'])).toMatchObject({ status: 4, out: '', err: expect.stringContaining('"code":"offline"') })
    await a.text(['note', 'list'])
  })

  test('[KEY-6] [KEY-7] [ENV-1] nothing readable is on the server or on the wire: no text, no title, no space, no passphrase, no key', async () => {
    // What an empty vault leaves there too is no leak.
    const empty = await Stage.set(join(scratch, 'empty-server'))
    const [emptyA, emptyB] = [new Home(join(scratch, 'empty-a')), new Home(join(scratch, 'empty-b'))]
    const emptyPassphrase = await signInBoth(empty.proxy.url, emptyA, emptyB)
    for (const home of [emptyA, emptyB]) await home.text(['sync'])
    await changePassword(empty.proxy.url, [emptyA, emptyB], emptyPassphrase)
    for (const home of [emptyA, emptyB]) await home.text(['sync'])
    const emptyHeaps = [...(await empty.files()), ...empty.proxy.bodies()]
    await empty.server.stop()
    emptyHeaps.push(...(await empty.files()))
    await empty.proxy.close()

    const wire = stage.proxy.bodies()
    const heaps = [...serverFiles, ...wire]
    const size = (list: readonly Uint8Array[]) => list.reduce((sum, { length }) => sum + length, 0)
    const before = JSON.parse(await readFile(join(scratch, 'before/lockstep.json'), 'utf8')) as {
      notes: NoteRow[]
      spaces: { name: string }[]
    }
    const after = JSON.parse(await readFile(join(scratch, 'final-a/lockstep.json'), 'utf8')) as { notes: NoteRow[] }
    const secrets = [...before.notes, ...after.notes].flatMap(({ text, title }) => [Buffer.from(text), Buffer.from(title)])
    console.log(`the story: scanned ${size(heaps)} bytes (${wire.length} bodies) for ${size(secrets)} bytes of notes`)
    // The scan saw what it is meant to see: the notes went through here, encrypted.
    expect(size(wire)).toBeGreaterThan(30_000)
    expect(size(serverFiles)).toBeGreaterThan(30_000)

    const usual = sharedWindows(secrets, emptyHeaps)
    expect([...sharedWindows(secrets, heaps)].filter((window) => !usual.has(window))).toEqual([])
    const names = before.spaces.map(({ name }) => name).filter((name) => Buffer.byteLength(name) >= 6)
    expect(names.length).toBeGreaterThan(0)
    const usualWords = wholeWords(names, emptyHeaps)
    expect([...wholeWords(names, heaps)].filter((name) => !usualWords.has(name))).toEqual([])
    const words = passphrase.split(' ')
    const pairs = words.slice(1).map((word, i) => Buffer.from(`${words[i]} ${word}`).toString())
    expect([...wholeWords(pairs, heaps)]).toEqual([])

    const { secret, sent } = await keysOf(a)
    expect([...spelledOut(secret, heaps)]).toEqual([])
    // What proves the session travels by design; in the server's folder there must be hashes only.
    expect([...spelledOut(sent, serverFiles)]).toEqual([])
    expect([...spelledOut(sent, wire)].sort()).toEqual([...sent.keys()].sort())
    for (const request of stage.proxy.requests())
      for (const key of sent.values()) expect(request).not.toContain(Buffer.from(key).toString('base64url'))
  })
})

/** All keys of a device's vault by name; `sent` are those that go to the server when signing in. */
async function keysOf(home: Home): Promise<{ secret: Map<string, Uint8Array>; sent: Map<string, Uint8Array> }> {
  const stored = JSON.parse(await readFile(join(home.folder, 'keys.json'), 'utf8')) as {
    vaultKeys: [number, string][]
    devicePrivateKey: string
    token: string
  }
  const driver = openSqlite({ path: join(home.folder, 'vault.db') })
  const vaultId = driver.prepare("SELECT value FROM _meta WHERE key = 'vaultId'").get()?.['value'] as Uint8Array
  driver.close()
  const secret = new Map([['device key', fromBase64Url(stored.devicePrivateKey)]])
  const sent = new Map<string, Uint8Array>()
  for (const [epoch, encoded] of stored.vaultKeys) {
    const key = fromBase64Url(encoded)
    secret.set(`vault key ${epoch}`, key)
    for (const [name, derived] of Object.entries(deriveEpochKeys(key, vaultId, epoch))) secret.set(`${name} ${epoch}`, derived)
  }
  for (const password of [PASSWORD, NEXT_PASSWORD]) {
    const root = await deriveRootKey({ suite: 'pbkdf2-sha256-1200000', password, passphrase })
    secret.set(`root of "${password}"`, root).set(`wrap key of "${password}"`, deriveWrapKey(root, vaultId))
    secret.set(`password "${password}"`, Buffer.from(password))
    sent.set(`auth key of "${password}"`, deriveAuthKey(root, vaultId))
  }
  return { secret, sent: sent.set('session token', fromBase64Url(stored.token)) }
}
