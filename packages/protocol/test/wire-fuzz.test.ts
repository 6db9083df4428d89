import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ByteReader, ByteWriter, equalBytes, FormatError, fromBase64Url, fromHex, toBase64Url, toHex } from '#bytes'
import { extendChain, identifySegment } from '#chain'
import * as http from '#http'
import {
  type DeliveredSegment,
  DeliveryDecoder,
  decodePosition,
  decodePush,
  decodePushAnswer,
  encodeDelivery,
  encodePosition,
  encodePush,
  encodePushAnswer,
  type SegmentRecord,
} from '#records'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'

const FILE = 'packages/protocol/test/wire-fuzz.test.ts'
const plain = (bytes: Uint8Array) => toHex(bytes)

function record(random: Random): SegmentRecord {
  return {
    kind: random.pick([0, 1, 2]),
    epoch: random.pick([1, 2, 2 ** 32 - 1, random.between(1, 1000)]),
    replica: random.bytes(16),
    counter: random.pick([1, 2 ** 32, Number.MAX_SAFE_INTEGER, random.between(1, 1e6)]),
    previous: random.bytes(32),
    sealed: random.bytes(random.between(1, 300)),
  }
}

function delivered(random: Random): DeliveredSegment {
  const first = random.between(1, 1e6)
  return { ...record(random), first, last: first + random.below(10) }
}

const position = (random: Random) => ({ head: random.between(0, 1e9), chain: random.bytes(32), generation: random.bytes(16) })

const comparable = ({ replica, previous, sealed, ...rest }: SegmentRecord) => ({
  ...rest,
  replica: plain(replica),
  previous: plain(previous),
  sealed: plain(sealed),
})

function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const out = [...bytes]
  for (let n = random.between(1, 4); n > 0; n--) {
    const at = random.below(out.length + 1)
    const kind = random.below(5)
    if (kind === 0) out.splice(at, random.between(1, 60))
    else if (kind === 1) out.splice(at, 0, ...random.bytes(random.between(1, 20)))
    else if (kind === 2) out[at] = random.below(256)
    else if (kind === 3)
      out.splice(
        at,
        4,
        ...random.pick([
          [0, 0, 0, 0],
          [255, 255, 255, 255],
          [0, 0, 1, 0],
          [127, 255, 255, 255],
        ]),
      )
    else out.length = at
  }
  return new Uint8Array(out)
}

/** Runs a decoder; only a FormatError may come out of it. */
function onlyFormatErrors(decode: () => void): 'decoded' | 'refused' {
  try {
    decode()
    return 'decoded'
  } catch (error) {
    if (error instanceof FormatError) return 'refused'
    throw error
  }
}

test('[SEG-1] pushes, answers, positions and deliveries survive encoding, in chunks of any size', async () => {
  await forEachSeed('wire round trip', 500, FILE, (random) => {
    const records = Array.from({ length: random.between(0, 5) }, () => record(random))
    expect(decodePush(encodePush(records)).map(comparable)).toEqual(records.map(comparable))
    const at = position(random)
    expect(decodePosition(encodePosition(at))).toEqual(at)
    const answer = { position: at, sequences: records.map(() => random.between(1, 1e9)) }
    expect(decodePushAnswer(encodePushAnswer(answer))).toEqual(answer)
    const segments = Array.from({ length: random.between(0, 5) }, () => delivered(random))
    const out = new ByteWriter().raw(encodePosition(at))
    for (const segment of segments) out.raw(encodeDelivery(segment))
    const bytes = out.finish()
    const decoder = new DeliveryDecoder()
    const decoded: DeliveredSegment[] = []
    for (let from = 0; from < bytes.length; ) {
      const to = from + random.pick([1, 3, 57, 200, bytes.length])
      // Copied at once: what the decoder hands out may be a view of a chunk.
      decoded.push(...decoder.push(bytes.slice(from, to)))
      from = to
    }
    decoder.end()
    expect(decoder.position).toEqual(at)
    expect(decoded.map((segment) => ({ ...comparable(segment) }))).toEqual(segments.map((segment) => ({ ...comparable(segment) })))
  })
})

test('[SEG-1] mutated bytes are decoded or refused with a typed error, and what is decoded encodes to the same bytes', async () => {
  const seen = { decoded: 0, refused: 0 }
  await forEachSeed('wire mutation', 4000, FILE, (random) => {
    const push = mutate(random, encodePush([record(random), record(random)]))
    seen[onlyFormatErrors(() => expect(plain(encodePush(decodePush(push)))).toBe(plain(push)))] += 1
    const stream = mutate(
      random,
      new ByteWriter()
        .raw(encodePosition(position(random)))
        .raw(encodeDelivery(delivered(random)))
        .finish(),
    )
    const outcome = onlyFormatErrors(() => {
      const decoder = new DeliveryDecoder()
      const segments = decoder.push(stream)
      decoder.end()
      const again = new ByteWriter().raw(encodePosition(decoder.position ?? position(random)))
      for (const segment of segments) again.raw(encodeDelivery(segment))
      expect(plain(again.finish())).toBe(plain(stream))
    })
    seen[outcome] += 1
    seen[
      onlyFormatErrors(() => decodePushAnswer(mutate(random, encodePushAnswer({ position: position(random), sequences: [1, 2] }))))
    ] += 1
  })
  console.log(`wire mutation: ${JSON.stringify(seen)}`)
  expect(seen.decoded).toBeGreaterThan(0)
  expect(seen.refused).toBeGreaterThan(0)
})

test('a claimed length never makes the decoder allocate what is not there', () => {
  expect(() => decodePush(new Uint8Array([255, 255, 255, 255]))).toThrow(FormatError)
  const decoder = new DeliveryDecoder()
  const start = new ByteWriter().raw(encodePosition({ head: 0, chain: new Uint8Array(32), generation: new Uint8Array(16) }))
  expect(() => decoder.push(start.u32(2 ** 32 - 1).finish())).toThrow(FormatError)
})

test('variable integers, base64url and hexadecimal have one encoding each', async () => {
  await forEachSeed('numbers and texts', 1000, FILE, (random) => {
    const value = random.pick([0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER, random.u32() * random.between(1, 2 ** 20)])
    expect(new ByteReader(new ByteWriter().varint(value).finish()).varint()).toBe(value)
    const bytes = random.bytes(random.below(12))
    const noise = mutate(random, bytes)
    onlyFormatErrors(() => {
      const reader = new ByteReader(noise)
      const read = reader.varint()
      expect(plain(new ByteWriter().varint(read).finish())).toBe(plain(noise.slice(0, reader.position)))
    })
    expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
    expect(equalBytes(fromBase64Url(toBase64Url(bytes)), bytes)).toBe(true)
    expect(equalBytes(fromHex(toHex(bytes)), bytes)).toBe(true)
    const text = Buffer.from(noise).toString(random.pick(['base64', 'base64url', 'latin1', 'hex'] as const))
    onlyFormatErrors(() => expect(toBase64Url(fromBase64Url(text))).toBe(text))
    onlyFormatErrors(() => expect(toHex(fromHex(text))).toBe(text.toLowerCase()))
  })
})

test('[LOG-4] ids and chain change with every byte of a segment', async () => {
  const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
  await forEachSeed('ids and chain', 100, FILE, (random) => {
    const one = record(random)
    const chain = random.bytes(32)
    const next = (segment: SegmentRecord) => plain(extendChain(sha256, chain, identifySegment(sha256, segment)))
    const flip = (bytes: Uint8Array) => {
      const out = bytes.slice()
      const at = random.below(out.length)
      out[at] = (out[at] as number) ^ (1 << random.below(8))
      return out
    }
    const others: SegmentRecord[] = [
      { ...one, kind: one.kind === 0 ? 1 : 0 },
      { ...one, epoch: one.epoch === 1 ? 2 : one.epoch - 1 },
      { ...one, counter: one.counter === 1 ? 2 : one.counter - 1 },
      { ...one, replica: flip(one.replica) },
      { ...one, previous: flip(one.previous) },
      { ...one, sealed: flip(one.sealed) },
    ]
    expect(new Set([one, ...others].map(next)).size).toBe(7)
    expect(next({ ...one })).toBe(next(one))
  })
})

test('[HTTP-1] JSON schemas take any value without throwing', async () => {
  const schemas = Object.entries(http).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && 'safeParse' in value ? [[name, value] as const] : [],
  )
  expect(schemas.length).toBeGreaterThan(10)
  const junk = (random: Random, depth: number): unknown => {
    const leaf = [null, true, 0, -1, 1.5, 1e300, '', 'text', 'AAAA', '=', '\u0000', '__proto__', 'x'.repeat(100)]
    const kind = depth > 3 ? 0 : random.below(3)
    if (kind === 0) return random.pick(leaf)
    const parts = Array.from({ length: random.below(5) }, () => junk(random, depth + 1))
    if (kind === 1) return parts
    const fields = [
      'name',
      'vaultId',
      'suite',
      'salt',
      'authKey',
      'bundle',
      'version',
      'sealed',
      'device',
      'id',
      'token',
      'after',
      'chain',
      '__proto__',
    ]
    return JSON.parse(JSON.stringify(Object.fromEntries(parts.map((part) => [random.pick(fields), part]))))
  }
  await forEachSeed('JSON schemas', 500, FILE, (random) => {
    const value = junk(random, 0)
    for (const [, schema] of schemas) schema.safeParse(value)
  })
})
