/**
 * The Dataans desktop app against our server, over real HTTP: a client that was written from the contract alone signs in,
 * syncs with others through blocks and operations, and keeps its files in step.
 */
import { describe, expect, test } from 'vitest'
import { type Device, WrongSecretError } from './dataans-client/device.ts'
import { seal } from './dataans-client/envelope.ts'
import { checksumOf, type Note } from './dataans-client/operation.ts'
import { RefusedError, type WireOperation } from './dataans-client/server.ts'
import { nanosOf, textOf } from './dataans-client/time.ts'
import { DataansStage, PASSPHRASE, PASSWORD } from './dataans-stage.ts'
import { LostError } from './wire.ts'

const DAY = 86_400_000_000_000n
const START = nanosOf('2026-03-01T08:00:00.000000001Z')

/** A clock that a test sets, in nanoseconds; every look at it moves it by one. */
function clockAt(start: bigint): { now: () => bigint; set: (nanos: bigint) => void } {
  let nanos = start
  return {
    now: () => nanos++,
    set: (to) => {
      nanos = to
    },
  }
}

async function syncAll(...devices: readonly Device[]): Promise<void> {
  for (const device of [...devices, ...devices]) await device.sync()
}

const noteOf = (device: Device, id: string) => device.view.notes.find((note) => note.id === id) as Note

describe('signing in', () => {
  test('the first device makes the user and gets a passphrase; the next one needs both secrets', async () => {
    const stage = await DataansStage.set()
    const first = await stage.device().signIn(PASSWORD)
    expect(first.created).toBe(true)
    expect(first.passphrase).not.toBe('')
    await expect(stage.device().signIn(PASSWORD)).rejects.toThrow(WrongSecretError)
    await expect(stage.device().signIn('another', first.passphrase)).rejects.toThrow(WrongSecretError)
    await expect(stage.device().signIn(PASSWORD, `${first.passphrase}x`)).rejects.toThrow(WrongSecretError)
    expect(await stage.device().signIn(PASSWORD, first.passphrase)).toMatchObject({ created: false })
  })

  test('of two first devices at once one makes the user, and the other is refused', async () => {
    const stage = await DataansStage.set()
    const attempts = await Promise.allSettled([stage.device().signIn(PASSWORD, 'a'), stage.device().signIn(PASSWORD, 'b')])
    const refused = attempts.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(1)
    expect(refused[0]).toMatchObject({ reason: { status: 409 } })
    const passphrase = attempts[0]?.status === 'fulfilled' ? 'a' : 'b'
    expect(await stage.device().signIn(PASSWORD, passphrase)).toMatchObject({ created: false })
  })
})

describe('two devices', () => {
  test('get what the other did, and fetch nothing when they are in step', async () => {
    const stage = await DataansStage.set()
    const [a, b] = [await stage.signedIn(), await stage.signedIn()]
    const space = a.createSpace('Today I learned')
    const note = a.createNote(space, '# hello\nworld')
    expect(await a.sync()).toEqual({ fetched: 0, applied: 0, pushed: 2 })
    expect(await b.sync()).toEqual({ fetched: 2, applied: 2, pushed: 0 })
    expect(b.view).toEqual(a.view)
    expect(noteOf(b, note).text).toBe('# hello\nworld')
    for (const device of [a, b]) expect(await device.sync()).toEqual({ fetched: 0, applied: 0, pushed: 0 })
  })

  test.each([
    ['the later edit is synced last', [0, 1]],
    ['the later edit is synced first', [1, 0]],
  ] as const)('both edit one note while apart, %s: the later edit stands', async (_, order) => {
    const stage = await DataansStage.set()
    const clocks = [clockAt(START), clockAt(START)] as const
    const devices = [await stage.signedIn({ now: clocks[0].now }), await stage.signedIn({ now: clocks[1].now })] as const
    const [a, b] = devices
    const note = a.createNote(a.createSpace('s'), 'first')
    await syncAll(a, b)
    clocks[0].set(START + DAY)
    a.editNote(noteOf(a, note), 'earlier')
    clocks[1].set(START + DAY + 1n)
    b.editNote(noteOf(b, note), 'later by a nanosecond')
    for (const i of order) await devices[i].sync()
    await syncAll(a, b)
    for (const device of devices) expect(noteOf(device, note).text).toBe('later by a nanosecond')
    expect(a.operations).toEqual(b.operations)
  })

  test.each([
    ['before', 'deleted', 0],
    ['after', 'edited', 1],
  ] as const)('one edits a note %s the other deletes it: it is %s, on both', async (_, outcome, moved) => {
    const stage = await DataansStage.set()
    const clock = clockAt(START)
    const [a, b] = [await stage.signedIn({ now: clock.now }), await stage.signedIn({ now: clock.now })]
    const note = a.createNote(a.createSpace('s'), 'first')
    await syncAll(a, b)
    const { ...seen } = noteOf(b, note)
    clock.set(START + DAY)
    a.record(() => ({ DeleteNote: note }))
    clock.set(START + DAY + (moved === 1 ? 1n : -1n))
    b.editNote(seen, 'edited')
    await syncAll(b, a)
    for (const device of [a, b]) expect(noteOf(device, note)?.text).toBe(outcome === 'edited' ? 'edited' : undefined)
  })

  test('an operation that lands in the middle is fetched with what follows it, from its block on', async () => {
    const stage = await DataansStage.set()
    const [clockA, clockB] = [clockAt(START), clockAt(START)]
    const a = await stage.signedIn({ now: clockA.now })
    const b = await stage.signedIn({ now: clockB.now })
    const space = a.createSpace('s')
    for (let i = 1; i < 40; i++) {
      clockA.set(START + BigInt(i) * DAY)
      a.createNote(space, `note ${i}`)
    }
    await syncAll(a, b)
    // Between the 21st and the 22nd: in the second block of 16.
    clockB.set(START + 20n * DAY + 5n)
    b.createNote(space, 'from the past')
    // Its second and third block differ: b fetches those, and sends its own.
    expect(await b.sync()).toEqual({ fetched: 24, applied: 0, pushed: 1 })
    expect(await a.sync()).toEqual({ fetched: 25, applied: 1, pushed: 0 })
    expect(a.operations).toEqual(b.operations)
    expect(a.operations[21]?.operation).toMatchObject({ CreateNote: { text: 'from the past' } })
    expect(await a.sync()).toEqual({ fetched: 0, applied: 0, pushed: 0 })
  })

  test('operations of the same nanosecond stand in the order of their ids, whoever sends them first', async () => {
    const stage = await DataansStage.set()
    const times = { now: () => START }
    const [a, b] = [await stage.signedIn(times), await stage.signedIn(times)]
    for (let i = 0; i < 20; i++) (i % 2 === 0 ? a : b).createSpace(`space ${i}`)
    await syncAll(b, a)
    expect(a.operations.map(({ id }) => id)).toEqual(a.operations.map(({ id }) => id).sort())
    expect(a.operations).toEqual(b.operations)
    expect(await a.sync()).toEqual({ fetched: 0, applied: 0, pushed: 0 })
  })

  test('times come back exactly as they were sent, in the order of what they mean', async () => {
    const stage = await DataansStage.set()
    const a = await stage.signedIn({ now: clockAt(nanosOf('1969-12-31T23:59:59.999999999Z')).now })
    const later = clockAt(0n)
    const b = await stage.signedIn({ now: later.now })
    a.createSpace('the last nanosecond before 1970')
    a.createSpace('1970')
    // Written with 0, 3, 6 and 9 digits: in the order of texts they would stand otherwise.
    const offsets = [1_000_000_000n, 1_000_000_001n, 1_001_000_000n, 1_001_001_000n, 1_010_000_000n, 253_402_300_799_999_999_999n]
    for (const nanos of offsets.toReversed()) {
      later.set(nanos)
      b.createSpace(String(nanos))
    }
    await syncAll(b, a)
    expect(a.operations.map(({ created_at }) => created_at)).toEqual([
      '1969-12-31T23:59:59.999999999Z',
      '1970-01-01T00:00:00Z',
      ...offsets.map(textOf),
    ])
  })

  test('an answer that is lost changes nothing: what was sent is sent again and is there once', async () => {
    const stage = await DataansStage.set()
    const [a, b] = [await stage.signedIn(), await stage.signedIn()]
    a.createNote(a.createSpace('s'), 'once')
    stage.wire.loseAnswerTo('POST /data/operation')
    await expect(a.sync()).rejects.toThrow(LostError)
    expect(await a.sync()).toMatchObject({ pushed: 0 })
    expect(await b.sync()).toEqual({ fetched: 2, applied: 2, pushed: 0 })
  })

  test('a server that is started anew goes on where it was', async () => {
    const stage = await DataansStage.set()
    const [a, b] = [await stage.signedIn(), await stage.signedIn()]
    const space = a.createSpace('s')
    for (let i = 0; i < 20; i++) a.createNote(space, `note ${i}`)
    const file = a.attach(a.view.notes[0]?.id as string, 'x.bin', Buffer.from('kept'))
    await a.sync()
    await stage.restart()
    expect(await a.sync()).toEqual({ fetched: 0, applied: 0, pushed: 0 })
    b.createNote(space, 'after')
    await syncAll(b, a)
    expect(a.operations).toEqual(b.operations)
    expect(b.fileContent(file)?.toString()).toBe('kept')
    await expect(stage.device().signIn(PASSWORD, 'another')).rejects.toThrow(WrongSecretError)
  })
})

describe('what the server refuses', () => {
  function made(key: Buffer, text: string, id = '7f5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6'): WireOperation {
    const created_at = '2026-03-01T08:00:00.123456789Z'
    const space = { id, name: text, avatar_id: id, created_at, updated_at: created_at, is_deleted: false }
    const operation = { id, created_at, operation: { CreateSpace: space } }
    const data = Uint8Array.from(seal(key, Buffer.from(JSON.stringify(operation))))
    return { id, createdAt: created_at, data, checksum: Uint8Array.from(checksumOf(operation)) }
  }

  test('another operation under an id that is taken, and everything that comes with it', async () => {
    const stage = await DataansStage.set()
    const server = stage.server()
    const key = Buffer.alloc(32, 7)
    const stored = made(key, 'first')
    await server.push([stored])
    // The same once more, sealed anew: nothing changes.
    await server.push([made(key, 'first'), made(key, 'first')])
    const other = '00000000-0000-4000-8000-000000000000'
    await expect(server.push([made(key, 'new', other), made(key, 'second')])).rejects.toMatchObject({ status: 409 })
    const [only, ...more] = await server.operations(0)
    expect(more).toEqual([])
    expect(only).toEqual(stored)
  })

  test('a second user, who changes nothing', async () => {
    const stage = await DataansStage.set()
    const server = stage.server()
    expect(await server.user()).toBeUndefined()
    const user = { id: '7f5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6', secretKeyHash: 'opaque to the server' }
    await server.initialise(user)
    await expect(server.initialise({ ...user, secretKeyHash: 'mine' })).rejects.toThrow(RefusedError)
    expect(await server.user()).toEqual(user)
  })

  test('a device with another key: its operations do not open, and it says so', async () => {
    const stage = await DataansStage.set()
    const [a, b] = [stage.device(), stage.device({ deriveKey: async () => Buffer.alloc(32, 1) })]
    await a.signIn(PASSWORD, PASSPHRASE)
    a.createSpace('s')
    await a.sync()
    await expect(b.signIn(PASSWORD, PASSPHRASE)).rejects.toThrow(WrongSecretError)
  })
})

describe('files', () => {
  test('go up before the operation that names them and come down sealed as they were', async () => {
    const stage = await DataansStage.set()
    const [a, b] = [await stage.signedIn(), await stage.signedIn()]
    const note = a.createNote(a.createSpace('s'), 'with a picture')
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251))
    const file = a.attach(note, 'picture.png', content)
    const empty = a.attach(note, 'empty.txt', new Uint8Array(0))
    await a.sync()
    await b.sync()
    expect(b.view.attached[note]).toEqual([file, empty])
    expect(b.fileContent(file)?.equals(content)).toBe(true)
    expect(b.fileContent(empty)).toHaveLength(0)
    const sealed = await stage.server().download(file)
    expect(sealed).toHaveLength(content.length + 60)
    const requests = stage.wire.requests
    expect(requests.indexOf(`POST /file/${file}`)).toBeLessThan(requests.indexOf('POST /data/operation'))
  })

  test('that are there are not sent again, and those that are missing come with a later sync', async () => {
    const stage = await DataansStage.set()
    const [a, b] = [await stage.signedIn(), await stage.signedIn()]
    const note = a.createNote(a.createSpace('s'), 'n')
    const file = a.attach(note, 'a', Buffer.from('content'))
    stage.wire.loseAnswerTo(`POST /file/${file}`)
    await expect(a.sync()).rejects.toThrow(LostError)
    await a.sync()
    expect(stage.wire.requests.filter((request) => request === `POST /file/${file}`)).toHaveLength(1)
    await b.sync()
    expect(b.fileContent(file)?.toString()).toBe('content')
  })

  test('sent without their length, piece by piece, are the same; the bytes of an unfinished one are nowhere', async () => {
    const stage = await DataansStage.set()
    const id = '11111111-2222-4333-8444-555555555555'
    const url = `${stage.url}/file/${id}`
    const pieces = Array.from({ length: 50 }, (_, i) => Buffer.alloc(10_000, i))
    const upload = (body: AsyncIterable<Uint8Array>) =>
      fetch(url, { method: 'POST', body: ReadableStream.from(body) as ReadableStream<Uint8Array>, duplex: 'half' })
    async function* broken() {
      yield* pieces
      throw new Error('the connection ends')
    }
    await expect(upload(broken())).rejects.toThrow()
    expect(await stage.server().hasFile(id)).toBe(false)
    async function* whole() {
      yield* pieces
    }
    expect((await upload(whole())).status).toBe(200)
    await expect(upload(broken())).rejects.toThrow()
    expect(Buffer.concat(pieces).equals((await stage.server().download(id)) as Uint8Array)).toBe(true)
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '500000'])
  })

  test('that nobody sent are not there; one that is sent again is replaced', async () => {
    const stage = await DataansStage.set()
    const server = stage.server()
    const id = '11111111-2222-4333-8444-555555555555'
    expect(await server.hasFile(id)).toBe(false)
    expect(await server.download(id)).toBeUndefined()
    await server.upload(id, Buffer.from('long first content'))
    await server.upload(id, Buffer.from('second'))
    expect(await server.hasFile(id)).toBe(true)
    expect(Buffer.from((await server.download(id)) as Uint8Array).toString()).toBe('second')
  })
})
