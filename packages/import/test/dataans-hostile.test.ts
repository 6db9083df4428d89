/** [G18] Servers and exports that are broken, or want to do harm: typed errors, and what is here stays as it was. */
import { EngineError } from '@lockstep/engine/errors'
import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { addNote, findNote, listNotes } from '@lockstep/model/notes'
import type { LockstepVault } from '@lockstep/model/schema'
import { addSpace, listSpaces } from '@lockstep/model/spaces'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dataansKey, deriveDataansKey } from '#dataans/envelope'
import { importDataansFile } from '#dataans/file-import'
import { type DataansImportOptions, importDataansServer } from '#dataans/server-import'
import { ImportError } from '#errors'
import { WebSource } from '#web-source'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { forEachSeed } from '../../../tests/support/random.ts'
import {
  type DataansServer,
  dataansServer,
  type Interference,
  KEY,
  note,
  operation,
  PASSPHRASE,
  PASSWORD,
  seal,
  secretKeyHash,
  space,
  type WireOperation,
} from './support/dataans-server.ts'

const FILE = 'packages/import/test/dataans-hostile.test.ts'
const NOW = Date.UTC(2026, 5, 1)
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const WORK = id(1)
const createNote = (n: number, text: string) => operation('CreateNote', note(id(n), text, WORK, n), { at: n, id: id(1000 + n) })
const GOOD = [operation('CreateSpace', space(WORK, 'Work', id(9), 1), { at: 1 }), createNote(2, 'two'), createNote(3, 'three')]

async function serve(operations: WireOperation[] = [...GOOD]): Promise<DataansServer> {
  const server = await dataansServer(operations)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

type Options = Partial<DataansImportOptions> & { readonly token?: string }

function run(vault: LockstepVault, { url }: DataansServer, { token, ...options }: Options = {}) {
  const { http, close } = createNodeHttp()
  onTestFinished(close)
  const pass = token === undefined ? undefined : { accessToken: token }
  const web = new WebSource({ http, server: url, pass, now: () => NOW, signal: options.signal })
  return importDataansServer(vault, { web, deriveKey: () => dataansKey(KEY), now: () => NOW, ...options })
}

const TABLES = ['spaces', 'notes', 'diffs', 'stars', 'tldrs', 'profile', 'apiKeys']

/** A vault with a note of its own, and whether it is still as it was. */
function ownVault() {
  const { vault } = memoryVault()
  addNote(vault, { space: addSpace(vault, { name: 'Own', now: 1 }), title: 'own', text: 'own', now: 1 })
  const state = () => JSON.stringify(TABLES.map((table) => vault.query(`SELECT * FROM all_${table} ORDER BY id`)))
  const before = state()
  return { vault, untouched: () => expect(state()).toBe(before) }
}

/** Code of the error, which is one of ours. */
async function failure(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ImportError || error instanceof EngineError)) throw error
  return error.code
}

const answer =
  (path: string, status: number, body: string | Uint8Array, headers: Record<string, string> = {}): Interference =>
  ({ url }, response) =>
    url?.startsWith(path) === true && !!response.writeHead(status, headers).end(body)

const texts = (vault: LockstepVault) => listNotes(vault).map((one) => findNote(vault, one.id).text)
const jwt = (claims: object) =>
  ['{"alg":"RS256"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')

describe('a Dataans server that is not as it should be', () => {
  it('a wrong password or passphrase is told before any operation is asked for, at what clients make a hash cost', async () => {
    const server = await serve()
    const user = JSON.stringify({ id: id(5), secretKeyHash: secretKeyHash(KEY, 19_456) })
    server.interfere = answer('/user', 200, user)
    const { vault, untouched } = ownVault()
    for (const [password, passphrase] of [
      ['wrong', PASSPHRASE],
      [PASSWORD, `${PASSPHRASE} `],
    ] as const) {
      expect(await failure(run(vault, server, { deriveKey: () => deriveDataansKey(password, passphrase) }))).toBe('wrong-password')
    }
    untouched()
    expect(server.requests.map(({ line }) => line)).toEqual(['GET /user', 'GET /user'])
    expect(await run(vault, server, { deriveKey: () => deriveDataansKey(PASSWORD, PASSPHRASE) })).toMatchObject({ added: 2 })
  })

  it('where the hash cannot be checked, or would cost too much, the operations tell a wrong key', async () => {
    for (const hash of ['', 'x', secretKeyHash().replace('m=256', 'm=999999999'), secretKeyHash().replace('t=2', 't=4000000')]) {
      const server = await serve()
      server.interfere = answer('/user', 200, JSON.stringify({ id: id(5), secretKeyHash: hash }))
      const { vault, untouched } = ownVault()
      expect(await failure(run(vault, server, { deriveKey: () => dataansKey(new Uint8Array(32)) }))).toBe('wrong-password')
      untouched()
      expect(await run(vault, server)).toMatchObject({ added: 2, refused: [] })
    }
  })

  it('an operation that was altered, moved, or made with another key is told by its id, and the others are taken', async () => {
    const [space1, two, three] = GOOD as [WireOperation, WireOperation, WireOperation]
    const other = createNote(4, 'four')
    const plaintext = (value: unknown) => [
      ...seal(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), Buffer.alloc(12)),
    ]
    const changed = (from: WireOperation, more: Partial<WireOperation>, n: number) => ({ ...from, id: id(2000 + n), ...more })
    const body = note(id(70), 'x', WORK, 70)
    const bad: [WireOperation, RegExp][] = [
      [{ ...other, id: id(2000), data: other.data.with(20, (other.data[20] as number) ^ 1) }, /does not open/],
      [{ ...other, id: id(2001), data: other.data.slice(0, 59) }, /does not open/],
      [changed(operation('CreateNote', body, { at: 70, id: id(2002), key: new Uint8Array(32) }), {}, 2), /does not open/],
      [changed(other, {}, 3), /under the id of another/],
      [{ ...createNote(1004, 'x'), createdAt: '2026-01-01T00:00:01Z' }, /under another time/],
      [{ ...createNote(1005, 'x'), createdAt: 'soon' }, /under another time/],
      [{ ...createNote(1006, 'x'), checksum: other.checksum }, /does not match its checksum/],
      [{ ...createNote(1007, 'x'), checksum: [1] }, /does not match its checksum/],
      [changed(other, { data: plaintext('no json') }, 8), /of a kind that this release does not know/],
      [changed(other, { data: plaintext({ id: id(2009), created_at: other.createdAt, operation: { Drop: {} } }) }, 9), /of a kind/],
      [changed(other, { data: [...seal(Uint8Array.of(0xff, 0xfe), Buffer.alloc(12))] }, 10), /is not UTF-8/],
      [changed(other, { data: plaintext(`${'['.repeat(200_000)}`) }, 11), /of a kind/],
      [{ ...other, id: id(2012), data: ['x'] as unknown as number[] }, /not bytes/],
      [{ id: id(2013) } as WireOperation, /has no "createdAt"/],
    ]
    const server = await serve()
    server.interfere = answer('/data/operation', 200, JSON.stringify([space1, two, ...bad.map(([one]) => one), three]))
    const { vault } = memoryVault()
    const { refused, added } = await run(vault, server)
    expect(added).toBe(2)
    expect(refused).toHaveLength(bad.length)
    for (const [i, [one, reason]] of bad.entries()) {
      expect(refused[i]?.path).toBe(`operation ${one.id}`)
      expect(refused[i]?.reason).toMatch(reason)
    }
  })

  it('thousands of them are counted, and the first thousand named', async () => {
    const server = await serve()
    const bad = JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ ...GOOD[1], id: id(i), data: [i & 255] })))
    server.interfere = answer('/data/operation', 200, bad)
    const summary = await run(memoryVault().vault, server)
    expect([summary.refused.length, summary.moreRefused, summary.operations]).toEqual([1000, 2000, 3000])
  })

  it('answers that are none of the contract are typed errors, whatever is answered where', async () => {
    const list = JSON.stringify(GOOD)
    const cases: [string, Interference, string][] = [
      ['no user', answer('/user', 404, ''), 'source-refused'],
      ['user 500', answer('/user', 500, 'x'), 'source-refused'],
      ['user not JSON', answer('/user', 200, 'hello'), 'source-invalid'],
      ['user of another shape', answer('/user', 200, '{"id":7}'), 'source-invalid'],
      ['user without end', answer('/user', 200, Buffer.alloc(100_000, 0x20)), 'source-invalid'],
      ['deep user', answer('/user', 200, `${'['.repeat(30_000)}${']'.repeat(30_000)}`), 'source-invalid'],
      ['deep blocks', answer('/data/block', 200, '['.repeat(1_000_000)), 'source-invalid'],
      ['blocks 503', answer('/data/block', 503, ''), 'source-refused'],
      ['a broken proxy', answer('/user', 502, '<html>', { 'content-type': 'text/html' }), 'source-refused'],
      ['operations 500', answer('/data/operation', 500, ''), 'source-refused'],
      ['operations not a list', answer('/data/operation', 200, '{"error":"x"}'), 'source-invalid'],
      ['operations cut off', answer('/data/operation', 200, list.slice(0, -1)), 'source-invalid'],
      ['operations and more', answer('/data/operation', 200, `${list}[]`), 'source-invalid'],
      ['too many', answer('/data/operation', 200, `[${'{},'.repeat(20_000)}{}]`), 'source-invalid'],
      ['an operation without end', answer('/data/operation', 200, `[{"x":"${'x'.repeat(3_000_000)}`), 'source-invalid'],
      ['401', answer('/data/operation', 401, ''), 'gate-refused'],
      ['403', answer('/user', 403, '{}'), 'gate-refused'],
      ['a log-in page', answer('/user', 200, '<html>', { 'content-type': 'text/html' }), 'gate-refused'],
      [
        'broken off',
        ({ url }, response) => {
          if (url?.startsWith('/data/operation') !== true) return false
          response.writeHead(200, { 'content-length': String(list.length) }).write(list.slice(0, 100), () => response.destroy())
          return true
        },
        'offline',
      ],
      ['no answer', (_, response) => !!response.destroy(), 'offline'],
    ]
    const { vault, untouched } = ownVault()
    for (const [name, interfere, code] of cases) {
      const server = await serve()
      server.interfere = interfere
      expect(await failure(run(vault, server, { limits: { operations: 10_000, bytesBetween: 1_000_000 } })), name).toBe(code)
      untouched()
    }
  })

  it('the token goes to the one server only: no redirect is followed, and an expired one is not sent', async () => {
    const [server, elsewhere] = [await serve(), await serve()]
    const { vault, untouched } = ownVault()
    const token = jwt({ iss: 'https://team.cloudflareaccess.com', exp: NOW / 1000 + 60 })
    for (const status of [301, 302, 303, 307, 308]) {
      server.interfere = answer('/', status, '', { location: `${elsewhere.url}/user` })
      expect(await failure(run(vault, server, { token }))).toBe('gate-refused')
    }
    expect(elsewhere.requests).toEqual([])
    expect(server.requests.every(({ headers }) => headers.cookie === `CF_Authorization=${token}`)).toBe(true)
    server.requests.length = 0
    expect(await failure(run(vault, server, { token: jwt({ exp: NOW / 1000 }) }))).toBe('gate-refused')
    expect(server.requests).toEqual([])
    untouched()
    server.interfere = () => false
    expect(await run(vault, server, { token })).toMatchObject({ added: 2 })
  })

  it('notes over the limit are told; names cannot lead anywhere; times from the future are cut', async () => {
    const far = BigInt(Date.UTC(2200, 0, 1) - Date.UTC(2026, 0, 1)) * 1_000_000n
    const server = await serve([
      operation('CreateSpace', space(WORK, `../..\u0000\n/etc/${'x'.repeat(5000)}`, id(9), 1), { at: 1 }),
      createNote(2, 'x'.repeat(4 * 1024 * 1024 + 1)),
      createNote(3, 'ok\u0000\ud800'),
      createNote(4, 'y'.repeat(200_000)),
      operation('CreateNote', note(id(5), 'future', WORK, far), { at: far }),
    ])
    const { vault } = memoryVault()
    const summary = await run(vault, server, { limits: { sealedBytes: 4 * 1024 * 1024 + 2000 } })
    expect(summary.refused).toEqual([{ path: `note ${id(2)}`, reason: 'is over the limit of 4 MiB for one note' }])
    const [made] = listSpaces(vault)
    expect(made?.name).toHaveLength(200)
    expect(made?.name).toMatch(/^\.\.\/\.\. \/etc\/x+$/)
    expect(listNotes(vault).map(({ createdAt }) => createdAt <= NOW)).toEqual([true, true, true])
    server.operations[1] = createNote(2, 'x'.repeat(9000))
    const small = await run(memoryVault().vault, server, { limits: { sealedBytes: 5000 } })
    expect(small.refused.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      `operation ${server.operations[0]?.id} is larger than a note can be`,
      `operation ${id(1002)} is larger than a note can be`,
      `operation ${id(1004)} is larger than a note can be`,
    ])
  })

  it('texts that memory should not hold are read in a second pass, with the same outcome', async () => {
    const many = Array.from({ length: 700 }, (_, i) => createNote(10 + i, `note ${i} ${'x'.repeat(i % 50)}`))
    const server = await serve([...GOOD, ...many, operation('UpdateNote', note(id(20), 'newer', WORK, 5000), { at: 5000 })])
    const state = async (maxHeldText: number) => {
      const { vault } = memoryVault()
      const { added } = await run(vault, server, { maxHeldText })
      return { added, texts: texts(vault).sort() }
    }
    const whole = await state(1_000_000)
    expect(whole.added).toBe(702)
    expect(await state(0)).toEqual(whole)
    expect(await state(5000)).toEqual(whole)
    // Gone when it is read again: told, not silently left out.
    let asked = 0
    server.interfere = ({ url }) => {
      if (url?.startsWith('/data/operation') === true && ++asked === 2) server.operations.splice(2, 1)
      return false
    }
    const { refused, added } = await run(memoryVault().vault, server, { maxHeldText: 0 })
    expect(added).toBe(701)
    expect(refused).toEqual([{ path: `operation ${id(1003)}`, reason: 'was there at first and then no more: import again' }])
  })

  it('broken off in the second pass it says what came; a server that is silent about files spoils nothing', async () => {
    const server = await serve([...GOOD, operation('SetNoteFiles', [id(2), [id(50)]], { at: 9 })])
    const { vault } = memoryVault()
    let asked = 0
    server.interfere = (request, response) =>
      request.url?.startsWith('/data/operation') === true && ++asked === 2 ? answer('/', 500, '')(request, response) : false
    const broken = await run(vault, server, { maxHeldText: 3 }).catch((error: Error) => error)
    expect(broken).toMatchObject({
      code: 'source-refused',
      message: expect.stringMatching(/; 1 of 2 notes are imported, import again for the rest$/),
    })
    expect(texts(vault)).toEqual(['two'])
    server.interfere = answer('/file', 500, '')
    const { added, unchanged, files } = await run(vault, server)
    expect([added, unchanged, files]).toEqual([
      1,
      1,
      [{ id: id(50), name: '', notes: [listNotes(vault)[1]?.id], onServer: undefined }],
    ])
  })

  it('stopped while reading nothing is imported; stopped while writing a part is, and doing it again does the rest', async () => {
    const server = await serve([...GOOD, ...Array.from({ length: 1500 }, (_, i) => createNote(10 + i, `note ${i}`))])
    const { vault, untouched } = ownVault()
    const stopAt = (step: string) => {
      const controller = new AbortController()
      return { signal: controller.signal, onProgress: (at: string) => at === step && controller.abort() }
    }
    expect(await failure(run(vault, server, stopAt('Reading') as Options))).toBe('cancelled')
    untouched()
    const stopped = await run(vault, server, stopAt('Importing') as Options).catch((error: Error) => error.message)
    expect(stopped).toBe('the import was stopped after 500 of 1502 notes; import again for the rest')
    expect(listNotes(vault)).toHaveLength(501)
    expect(await run(vault, server)).toMatchObject({ added: 1002, unchanged: 500 })
  })
})

describe('a Dataans export that is not as it should be', () => {
  it('[G10] is imported in part or refused, and never an unexpected error', async () => {
    const at = '2026-01-01T00:00:00Z'
    const good = {
      version: 'V1',
      data: [
        {
          space: { id: WORK, name: 'Work', created_at: at, updated_at: at, avatar: {} },
          notes: [{ id: id(2), text: 'two', created_at: at, updated_at: at, space_id: WORK, files: [{ id: id(7), name: 'f' }] }],
        },
      ],
    }
    const text = JSON.stringify(good)
    for (const bad of ['', '[]', '{}', 'null', text.replace('V1', 'V2'), `${'['.repeat(100_000)}`, text.slice(0, -1)]) {
      const importing = importDataansFile(memoryVault().vault, bad, { now: () => NOW })
      await expect(importing, bad.slice(0, 50)).rejects.toThrow(ImportError)
    }
    const outcomes = { added: 0, refused: 0, invalid: 0 }
    await forEachSeed('broken exports', 120, FILE, async (random) => {
      const characters = [...text]
      for (let i = random.between(1, 3); i > 0; i--) {
        characters[random.below(characters.length)] = random.pick(['"', '{', ']', ':', '0', '-', '', 'z', '\u0000'])
      }
      try {
        const summary = await importDataansFile(memoryVault(random.seed).vault, characters.join(''), { now: () => NOW })
        outcomes.added += summary.added
        outcomes.refused += summary.refused.length
      } catch (error) {
        expect(error).toBeInstanceOf(ImportError)
        outcomes.invalid++
      }
    })
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0)
  })
})
