/** The dialect's formats by themselves: times, lists of bytes, arrays that arrive in chunks. */
import { expect, test } from 'vitest'
import { bytesOfList, JsonWriter, listLength } from '#dialects/dataans/byte-lists'
import { parseInstant } from '#dialects/dataans/instants'
import { JsonElements } from '#dialects/dataans/json-elements'
import { readCount } from '#dialects/dataans/requests'
import { formatUuid, parseUuid } from '#dialects/dataans/uuids'
import { forEachSeed, type Random } from '../../../../tests/support/random.ts'

const FILE = 'packages/server/test/dataans/formats.test.ts'

test('a time of RFC 3339 is seconds and nanoseconds since 1970', () => {
  for (const [text, seconds, nanoseconds] of [
    ['1970-01-01T00:00:00Z', 0, 0],
    ['1970-01-01T00:00:00.000000001Z', 0, 1],
    ['1969-12-31T23:59:59.9Z', -1, 900_000_000],
    ['2025-07-31T10:20:30.123456789Z', 1_753_957_230, 123_456_789],
    ['2025-07-31T12:20:30.12+02:00', 1_753_957_230, 120_000_000],
    ['2025-07-31T04:50:30-05:30', 1_753_957_230, 0],
    ['2025-07-31t10:20:30z', 1_753_957_230, 0],
    ['2025-07-31T10:20:30-00:00', 1_753_957_230, 0],
    ['2024-02-29T00:00:00Z', 1_709_164_800, 0],
    ['2000-02-29T00:00:00Z', 951_782_400, 0],
    ['0000-01-01T00:00:00Z', -62_167_219_200, 0],
    ['0000-01-01T00:00:00+23:59', -62_167_305_540, 0],
    ['0099-12-31T23:59:59Z', -59_011_459_201, 0],
    ['9999-12-31T23:59:59.999999999Z', 253_402_300_799, 999_999_999],
    ['2016-12-31T23:59:60.5Z', 1_483_228_799, 1_500_000_000],
    ['2017-01-01T05:29:60+05:30', 1_483_228_799, 1_000_000_000],
  ] as const) {
    expect([text, parseInstant(text)]).toEqual([text, { seconds, nanoseconds }])
  }
})

test('what is no such time is refused', () => {
  for (const text of [
    '',
    '2025-07-31',
    '2025-07-31T10:20:30',
    '2025-07-31 10:20:30Z',
    '2025-7-31T10:20:30Z',
    '2025-07-31T10:20Z',
    '2025-07-31T10:20:30.Z',
    '2025-07-31T10:20:30,5Z',
    '2025-07-31T10:20:30.1234567890Z',
    '2025-07-31T10:20:30+0200',
    '2025-07-31T10:20:30+24:00',
    '2025-07-31T10:20:30+00:60',
    '2025-07-31T24:00:00Z',
    '2025-07-31T10:60:30Z',
    '2025-07-31T10:20:60Z',
    '2025-07-31T23:59:61Z',
    '2025-13-01T00:00:00Z',
    '2025-00-01T00:00:00Z',
    '2025-06-31T00:00:00Z',
    '2025-06-00T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '-2025-07-31T10:20:30Z',
    '+012025-07-31T10:20:30Z',
    ' 2025-07-31T10:20:30Z',
    '2025-07-31T10:20:30Z\n',
    '２025-07-31T10:20:30Z',
    '2025-07-31T10:20:30ZZ',
  ]) {
    expect([text, parseInstant(text)]).toEqual([text, undefined])
  }
})

test('the order of instants is the order of the moments', async () => {
  await forEachSeed('instants', 40, FILE, (random) => {
    const offset = random.between(-23 * 60, 23 * 60)
    const digits = random.between(0, 9)
    const write = (milliseconds: number, fraction: string) => {
      const local = new Date(milliseconds + offset * 60_000).toISOString().slice(0, 19)
      const [sign, minutes] = [offset < 0 ? '-' : '+', Math.abs(offset)]
      const zone = `${sign}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
      return `${local}${fraction === '' ? '' : `.${fraction}`}${zone}`
    }
    const milliseconds = 1000 * random.between(-60_000_000_000, 250_000_000_000)
    const fraction = Array.from({ length: digits }, () => random.below(10)).join('')
    const instant = parseInstant(write(milliseconds, fraction))
    expect(instant).toEqual({ seconds: milliseconds / 1000, nanoseconds: Number(fraction.padEnd(9, '0')) })
  })
})

test('UUIDs are 16 bytes, in lower case when they are written', () => {
  const text = '7F5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6'
  const bytes = parseUuid(text)
  expect(bytes?.length).toBe(16)
  expect(formatUuid(bytes ?? new Uint8Array(16))).toBe(text.toLowerCase())
  expect(formatUuid(new Uint8Array(16))).toBe('00000000-0000-0000-0000-000000000000')
  for (const wrong of [
    '',
    text.slice(1),
    `${text}0`,
    text.replaceAll('-', ''),
    `urn:uuid:${text}`,
    text.replace('a', 'g'),
    `${text}\n`,
  ]) {
    expect(parseUuid(wrong)).toBeUndefined()
  }
})

test('lists of bytes are written as JSON.stringify writes them, and read back', () => {
  const all = Uint8Array.from({ length: 256 }, (_, value) => value)
  for (const bytes of [new Uint8Array(0), all, all.toReversed(), ...Array.from(all, (value) => Uint8Array.of(value))]) {
    const text = Buffer.from(new JsonWriter(listLength(bytes.length)).list(bytes).finish()).toString()
    expect(text).toBe(JSON.stringify([...bytes]))
    expect([...(bytesOfList(JSON.parse(text)) ?? [])]).toEqual([...bytes])
  }
  const twice = new JsonWriter(2 * listLength(2) + 1).list(Uint8Array.of(255, 255)).text('!').list(Uint8Array.of(0, 255))
  expect(Buffer.from(twice.finish()).toString()).toBe('[255,255]![0,255]')
  for (const value of [-1, 256, 1.5, Number.NaN, '1', null, true, [1], {}, undefined, 1e300]) {
    expect(bytesOfList([0, value])).toBeUndefined()
  }
  expect([...(bytesOfList([-0, 1e2]) ?? [])]).toEqual([0, 100])
})

test('counts in a query: whole numbers up to 2^64 − 1', () => {
  const count = (text: string | undefined) => readCount(text, 'n', { least: 1, absent: 16 })
  expect([undefined, '1', '016', '9007199254740991'].map(count)).toEqual([16, 1, 16, Number.MAX_SAFE_INTEGER])
  for (const text of ['9007199254740993', '18446744073709551615']) expect(count(text)).toBe(Number.MAX_SAFE_INTEGER)
  for (const text of [
    '',
    '0',
    '-1',
    '+1',
    '1.0',
    '1e3',
    'NaN',
    '0x10',
    ' 1',
    '18446744073709551616',
    '9'.repeat(400),
    '１',
    'null',
  ]) {
    expect(() => count(text)).toThrow('expected a whole number from 1 on')
  }
})

function randomJson(random: Random, depth: number): unknown {
  const kind = random.below(depth === 0 ? 4 : 6)
  if (kind === 0) return random.pick([null, true, false, 0, -1.5e-7, 255])
  if (kind < 4) return random.pick(['', '"', '\\', '\\"', ',', ']', '[', '{}', 'é\u2028😀', '\n\t', 'a"],[b'])
  const items = Array.from({ length: random.below(4) }, () => randomJson(random, depth - 1))
  return kind === 4 ? items : Object.fromEntries(items.map((item, i) => [`"${i}],`, item]))
}

test('an array comes apart into its elements, however it is cut', async () => {
  await forEachSeed('json elements', 150, FILE, (random) => {
    const value = Array.from({ length: random.below(6) }, () => randomJson(random, 3))
    const bytes = Buffer.from(JSON.stringify(value, null, random.pick([0, 1, '\t'])) + random.pick(['', ' ', '\n']))
    const elements = new JsonElements({ depth: 3, bytes: 1000 })
    const found: unknown[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = random.between(1, random.pick([1, 3, 50]))
      found.push(...elements.push(bytes.subarray(at, at + length)).map((element) => JSON.parse(Buffer.from(element).toString())))
      at += length
    }
    elements.end()
    expect(found).toEqual(value)
  })
})

test('what is not one array is refused, and so is depth', () => {
  const read = (text: string, depth = 2) => {
    const elements = new JsonElements({ depth, bytes: 1e7 })
    const found = elements.push(Buffer.from(text)).map((element) => Buffer.from(element).toString())
    elements.end()
    return found
  }
  expect(read(' [ 1 , {"a":[]}, "x" ] \n')).toEqual(['1 ', '{"a":[]}', '"x" '])
  expect(read('[]')).toEqual([])
  for (const text of [
    '',
    ' ',
    '[',
    '1',
    '{}',
    '[1',
    '[1,',
    '[,]',
    '[1,]',
    '[1,,2]',
    '[]]',
    '[1]2',
    '[1][',
    '[}]',
    '["',
    '\ufeff[]',
  ]) {
    expect(() => read(text)).toThrow('not a JSON array')
  }
  expect(() => read('[[[[1]]]]')).toThrow('deeper')
  expect(() => read(`[${'['.repeat(1e6)}`)).toThrow('deeper')
  expect(() => read(`[${'{"a":'.repeat(1e5)}`)).toThrow('deeper')
})

test('an element may have so many bytes, in one chunk or in many', () => {
  const read = (element: string, size: number) => {
    const elements = new JsonElements({ depth: 1, bytes: 10 })
    const bytes = Buffer.from(`[1, ${element},22]`)
    let found = 0
    for (let at = 0; at < bytes.length; at += size) found += elements.push(bytes.subarray(at, at + size)).length
    return found
  }
  for (const size of [1, 3, 100]) {
    expect(read('"12345678"', size)).toBe(3)
    expect(() => read('"123456789"', size)).toThrow('limit of 10 bytes')
    expect(() => read(`[${'1,'.repeat(1000)}1]`, size)).toThrow('limit of 10 bytes')
  }
})
