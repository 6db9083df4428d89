import { describe, expect, it } from 'vitest'
import { dataansKey, deriveDataansKey } from '#dataans/envelope'
import { checksumOf, parseOperation } from '#dataans/operation'
import { OperationStream, type StreamedOperation } from '#dataans/operation-stream'
import { parseExportTime, parseTimestamp, toMillis } from '#dataans/timestamp'
import { ImportError } from '#errors'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'

const FILE = 'packages/import/test/dataans-format.test.ts'
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const utf8 = (text: string) => new TextEncoder().encode(text)

/** The contract's own vectors. */
const KEY = 'd0e1d7109b8a265064b6c2d346397b320c7a8aaf5f3c1653a2520efb963e4d59'
const ENVELOPE =
  '000102030405060708090a0b045744490f7807745cb173599bde0f81b62726c897ccd15351b19be83e4b18cb994905f2e5bcf49b1fc1e19c1238ae211e64e2'
const AT = '2025-07-31T10:20:30.123456789Z'
const NOTE = '11111111-2222-4333-8444-555555555555'
const CREATE = {
  id: '7f5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6',
  created_at: AT,
  operation: {
    CreateNote: {
      id: NOTE,
      text: '# hello\nworld',
      created_at: AT,
      updated_at: AT,
      space_id: '66666666-7777-4888-9999-aaaaaaaaaaaa',
      is_deleted: false,
    },
  },
}
const DELETE = {
  id: '0a0b0c0d-0e0f-4011-8213-141516171819',
  created_at: '2025-07-31T10:20:31.123456789Z',
  operation: { DeleteNote: NOTE },
}
const parsed = (value: unknown) => {
  const operation = parseOperation(JSON.stringify(value))
  if (operation === undefined) throw new Error('not an operation')
  return operation
}

describe('the formats of Dataans', () => {
  it('the key and the envelope of the vectors', async () => {
    const derived = await deriveDataansKey('correct horse battery staple', 'Lantern-Orchid-Basalt-Quiver-Meadow')
    for (const key of [derived, await dataansKey(unhex(KEY))]) {
      expect(new TextDecoder().decode(await key.open(unhex(ENVELOPE)))).toBe('tbt')
    }
  })

  it('an envelope with any one bit changed, cut short or made longer is not opened', async () => {
    const key = await dataansKey(unhex(KEY))
    const envelope = unhex(ENVELOPE)
    for (let bit = 0; bit < envelope.length * 8; bit++) {
      const changed = envelope.slice()
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await key.open(changed), `bit ${bit}`).toBe(undefined)
    }
    for (let length = 0; length < envelope.length; length++) expect(await key.open(envelope.subarray(0, length))).toBe(undefined)
    expect(await key.open(new Uint8Array([...envelope, 0]))).toBe(undefined)
    expect(await (await dataansKey(new Uint8Array(32))).open(envelope)).toBe(undefined)
  })

  it('the checksums of the vectors', () => {
    expect(hex(checksumOf(parsed(CREATE)))).toBe('39652309b5082ebee1c71cc8b75fa4dbe0c3a03b19c44420eaff033adb1b3fef')
    expect(hex(checksumOf(parsed(DELETE)))).toBe('940a4b41959f6875d48f2079c1ea4bbf6caf6021f2c8cc59a13c8b723eb08931')
  })

  it('every kind of operation is understood, and what is none is not', () => {
    const age = { created_at: AT, updated_at: AT, is_deleted: false }
    const file = { id: NOTE, name: 'a.png', path: '/../a.png', ...age }
    const space = { id: NOTE, name: 'S', avatar_id: NOTE, ...age }
    const note = CREATE.operation.CreateNote
    for (const operation of [
      { CreateNote: note },
      { UpdateNote: { ...note, more: 1 } },
      { DeleteNote: NOTE.toUpperCase() },
      { CreateFile: file },
      { DeleteFile: NOTE },
      { CreateSpace: space },
      { UpdateSpace: space },
      { DeleteSpace: NOTE },
      { SetNoteFiles: [NOTE, [NOTE, DELETE.id]] },
    ]) {
      expect(checksumOf(parsed({ ...DELETE, operation }))).toHaveLength(32)
    }
    for (const operation of [
      {},
      null,
      [],
      'CreateNote',
      { CreateNote: note, DeleteNote: NOTE },
      { CreateNote: { ...note, text: 1 } },
      { CreateNote: { ...note, created_at: 'yesterday' } },
      { CreateNote: { ...note, is_deleted: 'no' } },
      { CreateNote: { ...note, space_id: '../../etc' } },
      { DeleteNote: 7 },
      { SetNoteFiles: [NOTE] },
      { RenameNote: note },
      { constructor: NOTE },
      { __proto__: null, toString: NOTE },
    ]) {
      expect(parseOperation(JSON.stringify({ ...DELETE, operation })), JSON.stringify(operation)).toBe(undefined)
    }
    for (const text of ['', '{', 'null', '[]', '7', '{"id":1}', `${'['.repeat(100_000)}`])
      expect(parseOperation(text)).toBe(undefined)
  })

  it('times keep their nanoseconds, whatever way they are written', () => {
    const nanos = 1_753_957_230_123_456_789n
    for (const text of [
      AT,
      '2025-07-31T12:20:30.123456789+02:00',
      '2025-07-31t05:50:30.123456789-04:30',
      `${AT.slice(0, -1)}99Z`,
    ]) {
      expect(parseTimestamp(text), text).toBe(nanos)
    }
    expect(parseTimestamp('1969-12-31T23:59:59.999999999Z')).toBe(-1n)
    expect(parseTimestamp('0025-01-01T00:00:00Z')).toBe(-61_378_214_400_000_000_000n)
    expect([-1n, 0n, 999_999n, 1_000_000n, -1_000_000n, -1_000_001n].map(toMillis)).toEqual([-1, 0, 0, 1, -1, -2])
    for (const text of [
      '',
      'now',
      '2025-02-30T00:00:00Z',
      '2025-01-01T24:00:00Z',
      '2025-01-01T00:60:00Z',
      '2025-01-01',
      `${AT}Z`,
    ]) {
      expect(parseTimestamp(text), text).toBe(undefined)
    }
    for (const value of [AT, '2025-07-31 10:20:30.123456789 +00:00:00', [2025, 212, 10, 20, 30, 123_456_789, 0, 0, 0]]) {
      expect(parseExportTime(value), JSON.stringify(value)).toBe(nanos)
    }
    expect(parseExportTime([2024, 366, 0, 0, 0, 0, 0, 0, 0])).toBe(parseTimestamp('2024-12-31T00:00:00Z'))
    for (const value of [1, null, [], [2025, 366, 0, 0, 0, 0, 0, 0, 0], [2025, 1, 25, 0, 0, 0, 0, 0, 0], Array(9).fill('1')]) {
      expect(parseExportTime(value), JSON.stringify(value)).toBe(undefined)
    }
  })
})

function read(json: Uint8Array, cuts: (left: number) => number = (left) => left, limit = 1000): StreamedOperation[] {
  const stream = new OperationStream(limit)
  const found: StreamedOperation[] = []
  let at = 0
  while (at < json.length) {
    const length = cuts(json.length - at)
    found.push(...stream.push(json.subarray(at, at + length)))
    at += length
  }
  stream.end()
  return found
}

function sealedOperation(random: Random) {
  return {
    id: hex(random.bytes(16)),
    createdAt: AT,
    data: [...random.bytes(random.below(300))],
    checksum: [...random.bytes(32)],
  }
}

const asSealed = ({ data, checksum, ...rest }: ReturnType<typeof sealedOperation>) => ({
  sealed: { ...rest, data: Uint8Array.from(data), checksum: Uint8Array.from(checksum) },
})

describe('operations as they arrive', () => {
  it('[G10] whatever way the answer is cut and spaced, the same operations come out', async () => {
    await forEachSeed('operations in pieces', 200, FILE, (random) => {
      const operations = Array.from({ length: random.below(6) }, () => sealedOperation(random))
      const json = utf8(JSON.stringify(operations, null, random.pick([0, 1, '\t'])))
      expect(read(json, (left) => Math.min(left, random.between(1, random.pick([1, 3, 50, 5000]))))).toEqual(
        operations.map(asSealed),
      )
    })
  })

  it('members in any order, unknown ones of any shape, escapes', () => {
    const { data, checksum } = { data: [0, 255], checksum: Array(32).fill(9) }
    const more = { a: { b: [[{}], '}]"\\'] }, c: null, d: -1.5e9, data2: [256], e: '\\"', f: true }
    const json = JSON.stringify([{ checksum, more, ...more, data, createdAt: AT, id: 'x' }]).replace('"id"', '"\\u0069d"')
    expect(read(utf8(json))).toEqual([asSealed({ id: 'x', createdAt: AT, data, checksum })])
  })

  it('an element that is no operation is told with its id, and the next ones are read', () => {
    const good = { id: 'good', createdAt: AT, data: [1], checksum: Array(32).fill(1) }
    const bad: [object, string][] = [
      [{ ...good, data: undefined }, 'has no "data"'],
      [{ ...good, data: 'AQID' }, 'has a "data" of another type'],
      [{ ...good, data: [1, 256] }, 'has a "data" that is not bytes'],
      [{ ...good, data: [-1] }, 'has a "data" that is not bytes'],
      [{ ...good, data: [1.5] }, 'has a "data" that is not bytes'],
      [{ ...good, data: [[1]] }, 'has a "data" that is not bytes'],
      [{ ...good, data: ['1', { a: ']' }] }, 'has a "data" that is not bytes'],
      [{ ...good, data: Array(101).fill(1) }, 'is larger than a note can be'],
      [{ ...good, checksum: Array(33).fill(1) }, 'has a checksum that is too long'],
      [{ ...good, createdAt: 7 }, 'has a "createdAt" of another type'],
      [{ ...good, createdAt: 'x'.repeat(1000) }, 'has a "createdAt" that cannot be one'],
    ]
    const json = JSON.stringify([...bad.map(([element]) => element), {}, good])
    expect(read(utf8(json), undefined, 100)).toEqual([
      ...bad.map(([, reason]) => ({ id: 'good', reason })),
      { id: undefined, reason: 'has no "id"' },
      asSealed(good),
    ])
  })

  it('what is no list of objects, or was cut off, is refused', () => {
    const json = JSON.stringify([{ id: 'x', createdAt: AT, data: [1, 2], checksum: [3] }])
    for (let length = 0; length < json.length; length++) {
      expect(() => read(utf8(json.slice(0, length))), json.slice(0, length)).toThrow(ImportError)
    }
    for (const text of [
      '{}',
      'null',
      '<html>',
      '[1]',
      '[[]]',
      '[{}',
      '[{},]',
      '[{} {}]',
      '[{"id" 1}]',
      `${json}]`,
      '[,]',
      '[{,}]',
    ]) {
      expect(() => read(utf8(text)), text).toThrow(ImportError)
    }
  })

  it('[G10] random and broken bytes give operations or ImportErrors, and nothing else', async () => {
    let refused = 0
    let understood = 0
    await forEachSeed('broken operations', 3000, FILE, (random) => {
      const json = utf8(JSON.stringify([sealedOperation(random), sealedOperation(random)]))
      for (let i = random.between(1, 4); i > 0; i--) {
        json[random.below(json.length)] = random.chance(0.5)
          ? random.below(256)
          : (utf8(random.pick([...'[]{}",:0 9\\-t']))[0] as number)
      }
      try {
        understood += read(json, (left) => Math.min(left, random.between(1, 400))).length
      } catch (error) {
        expect(error).toBeInstanceOf(ImportError)
        refused++
      }
    })
    expect(refused).toBeGreaterThan(0)
    expect(understood).toBeGreaterThan(0)
  })

  it('[G10] a broken plaintext is an operation or none', async () => {
    let none = 0
    await forEachSeed('broken plaintexts', 3000, FILE, (random) => {
      const text = [...JSON.stringify(random.pick([CREATE, DELETE]))]
      for (let i = random.between(1, 3); i > 0; i--) {
        text[random.below(text.length)] = random.pick(['"', '{', '}', '\\', '0', 'e', '\u0000', '😀', ''])
      }
      const operation = parseOperation(text.join(''))
      if (operation === undefined) none++
      else expect(checksumOf(operation)).toHaveLength(32)
    })
    expect(none).toBeGreaterThan(0)
  })
})
