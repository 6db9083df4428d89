import { ByteWriter, encodeUtf8, FormatError, fromHex, toHex } from '@lockstep/protocol/bytes'
import { MAX_SEGMENT_CONTENT } from '@lockstep/protocol/limits'
import { describe, expect, test } from 'vitest'
import {
  type Cell,
  type Cells,
  DELETED,
  fromRowId,
  GENERATED_ID,
  lwwCell,
  PURGED,
  type RowDelta,
  type TextUpdate,
  toRowId,
} from '#cell'
import { type ContentHeader, toDelta } from '#content'
import { decodeContent } from '#content-decoder'
import { ContentEncoder } from '#content-encoder'
import { makeStamp, type ReplicaId } from '#hlc'
import { KIND } from '#schema'
import { editText, textOf } from '#text'
import { expectFrozen } from '../../../tests/support/frozen.ts'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'
import { anyDelta, anyHeader, REPLICAS } from './support/arbitrary.ts'

const FILE = 'packages/engine/test/content.test.ts'

function encode(header: ContentHeader, deltas: readonly RowDelta[], packTexts = false): Uint8Array {
  const encoder = new ContentEncoder(header, { packTexts })
  for (const delta of deltas) encoder.add(delta)
  return encoder.finish(header.counter, header.previous)
}

const header: ContentHeader = {
  replica: '11'.repeat(16) as ReplicaId,
  counter: 3,
  previous: new Uint8Array(32).fill(0x22),
  wallClock: 1000,
  epoch: 1,
  bundleVersion: 2,
  seen: [['33'.repeat(16) as ReplicaId, 300]],
  covers: [],
  run: undefined,
}
const at = (millis: number, counter = 0, replica = '11') => makeStamp(millis, counter, replica.repeat(16) as ReplicaId)

describe('the format', () => {
  test('[FMT-2] a body read by hand', () => {
    const delta: RowDelta = {
      table: 'notes',
      id: 'n1',
      cells: new Map<string, Cell>([
        ['title', lwwCell(at(1001, 5), 'Hi')],
        ['text', { kind: KIND.text, value: textOf(at(1001, 5), 'é') }],
        [DELETED, lwwCell(at(1001, 5), 0)],
      ]),
    }
    const generated: RowDelta = {
      table: 'notes',
      id: toRowId(new Uint8Array(16).fill(0x44)),
      cells: new Map<string, Cell>([
        ['rank', lwwCell(at(990, 0, '33'), -3)],
        ['tags', { kind: KIND.set, value: new Map([['x', { stamp: at(991), present: true }]]) }],
        [DELETED, lwwCell(at(991), 1)],
      ]),
    }
    const expected = [
      '02', // version
      '11'.repeat(16), // replica
      '03', // counter
      '22'.repeat(32), // previous
      'e807', // wall clock 1000
      '01 02', // epoch, bundle version
      `01 ${'33'.repeat(16)} ac02`, // seen: one, counter 300
      '00', // covers
      '00', // no run
      `01 ${'33'.repeat(16)}`, // replicas: index 1
      '02', // shapes
      '05 6e6f746573 03  05 7469746c65 00  04 74657874 01  08 5f64656c65746564 00', // notes(title lww, text text, _deleted lww)
      '05 6e6f746573 03  04 72616e6b 00  04 74616773 02  08 5f64656c65746564 00', // notes(rank lww, tags set, _deleted lww)
      '02', // rows
      '00 00 02 6e31  00 02 05', // shape 0, no flags, id "n1", stamp: replica 0, +1 ms, counter 5
      '03 02 4869  03 02 c3a9  01 00', // "Hi", "é", 0
      `01 03 ${'44'.repeat(16)}  01 15 00`, // shape 1, own stamps and raw id, stamp: replica 1, −11 ms
      '01 00 00  01 05', // rank: its stamp (replica 1, +0), integer −3
      '01 00 00  06 01 01 78  00 02 00  01', // tags: row's stamp; one element "x" at replica 0, +1 ms, present
      '00 00 00  01 02', // _deleted: replica 0, +0, integer 1
    ]
    const bytes = fromHex(expected.join('').replaceAll(' ', ''))
    expect(toHex(encode(header, [delta, generated]))).toBe(toHex(bytes))
    const content = decodeContent(bytes)
    expect(content.header).toEqual(header)
    expect(content.rows.map(toDelta)).toEqual([delta, generated])
  })

  test('[FMT-2] [CELL-3] bytes of a sample with every value in it do not change', () => {
    const base = textOf(at(1000), 'base', 'tag')
    const edit = editText(base, 'base and more', 77) as { key: number; update: TextUpdate }
    const values = [null, 0, -1, 2 ** 52 - 1, -(2 ** 52), 2 ** 52, -0, 0.5, 'text', Uint8Array.of(0, 255)]
    const cells: Cells = new Map<string, Cell>([
      ...values.map((value, i): [string, Cell] => [`c${i}`, lwwCell(at(1000 + i, i, i % 2 === 0 ? '11' : '33'), value)]),
      ['text', { kind: KIND.text, value: new Map([[edit.key, { base: base.get(edit.key)?.base, updates: [edit.update] }]]) }],
      ['set', { kind: KIND.set, value: new Map([['x', { stamp: at(1010), present: false }]]) }],
      [DELETED, lwwCell(at(1010), 0)],
    ])
    const purged: Cells = new Map([[PURGED, lwwCell(at(1), 1)]])
    const merged: ContentHeader = {
      ...header,
      covers: [{ replica: '33'.repeat(16) as ReplicaId, first: 1, last: 300, digest: new Uint8Array(32).fill(0x44) }],
      run: { first: 7, part: 1, parts: 2, chain: new Uint8Array(32).fill(0x55) },
    }
    const body = encode(merged, [
      { table: 'notes', id: 'n', cells },
      { table: 'notes', id: 'p', cells: purged },
    ])
    expect(decodeContent(body).rows.map((row) => toDelta(row).cells)).toEqual([cells, purged])
    expectFrozen('segment body', body)
    const packed = encode(
      merged,
      [
        { table: 'notes', id: 'n', cells },
        { table: 'notes', id: 'p', cells: purged },
      ],
      true,
    )
    expect(decodeContent(packed)).toEqual(decodeContent(body))
    expectFrozen('segment body with packed texts', packed)
  })

  test('[FMT-2] [CELL-4] packed texts read by hand', () => {
    const base = textOf(at(1000), 'abcd')
    const [key] = base.keys() as unknown as [number]
    const edits = (by: number, after: string) => (editText(base, after, by) as { update: TextUpdate }).update
    // By client 2: "b" is taken out and "éx" written in its place; by client 1, which knows nothing of it: "x" at the end.
    const updates = [edits(2, 'aéxcd'), edits(1, 'abcdx')]
    const cells = new Map<string, Cell>([
      ['text', { kind: KIND.text, value: new Map([[key, { base: base.get(key)?.base, updates }]]) }],
      [DELETED, lwwCell(at(1000), 0)],
    ])
    const packed = toHex(encode(header, [{ table: 'notes', id: 'n', cells }], true))
    const streams = [
      `0e ${'00'.repeat(6)}02 ${'00'.repeat(6)}01`, // clients: 2, then 1
      '0c  01 00  00 01  01 00 01  01 00  00 01  00', // each: one of its own, none mentioned; from clock 0 one stretch; what is deleted besides
      '02 12 02', // flags: any on its left, of the first the next one on its right; of the second nothing on its right
      '02 02 01', // lengths
      '02 00 00', // on the left: the base
      '02 01 03', // its character 1, which was taken out, and its character 3
      '00 00', // on the right: follows
      '02 01 01', // deleted: of the base, from clock 1, one
      '06 03 c3a978 01 78', // texts: "éx", "x"
    ]
    const rows = [
      '01  00 00 01 6e  00 00 00', // one row: shape 0, no flags, id "n", stamp
      '05 03', // text in three parts
      '00  00 00 00  00  04 61626364', // the base: stamp, no tag, "abcd"
      '02 00  00 00 00  02 00  00 00 00', // two packed updates of the base before them, with its stamp
      '01 00', // _deleted
    ]
    expect(packed.slice(0, 2)).toBe('03')
    const expected = [...streams, ...rows].join('').replaceAll(' ', '')
    expect(packed.slice(-expected.length)).toBe(expected)
    expect(decodeContent(fromHex(packed)).rows.map((row) => toDelta(row).cells)).toEqual([cells])
  })

  test('[FMT-2] decode(encode(x)) = x', async () => {
    await forEachSeed('content round trip', 1000, FILE, (random) => {
      const head = anyHeader(random)
      const deltas = Array.from({ length: random.below(6) }, () => anyDelta(random))
      const body = encode(head, deltas)
      const content = decodeContent(body)
      expect(content.header).toEqual(head)
      expect(content.rows.map(toDelta)).toEqual(deltas)
      // One encoding for one content.
      expect(encode(content.header, content.rows.map(toDelta))).toEqual(body)
      expect(decodeContent(encode(head, deltas, true))).toEqual(content)
    })
  })

  test('[CELL-6] generated ids are 16 bytes, in both directions', async () => {
    await forEachSeed('row ids', 500, FILE, (random) => {
      const bytes = random.bytes(16)
      const id = toRowId(bytes)
      expect(id).toMatch(GENERATED_ID)
      expect(fromRowId(id)).toEqual(bytes)
    })
    // Ids that only look generated: stray bits in the last character would not come back.
    expect(`${'a'.repeat(25)}b`).not.toMatch(GENERATED_ID)
  })
})

describe('what does not follow the format', () => {
  const start = new ByteWriter()
    .u8(2)
    .raw(new Uint8Array(16))
    .varint(1)
    .raw(new Uint8Array(32))
    .varint(0)
    .varint(1)
    .varint(1)
    .varint(0)
    .varint(0)
    .varint(0)
    .varint(0)
    .finish()
  const body = (write: (out: ByteWriter) => void): Uint8Array => {
    const out = new ByteWriter().raw(start)
    write(out)
    return out.finish()
  }
  const shape = (out: ByteWriter, column = DELETED, kind = 0) => out.varint(1).text('notes').varint(1).text(column).u8(kind)
  const row = (out: ByteWriter) => shape(out).varint(1).varint(0)
  const cases: [string, FormatError['code'], Uint8Array][] = [
    ['nothing', 'truncated', new Uint8Array(0)],
    ['another version', 'unsupported', Uint8Array.of(1)],
    ['bytes after the end', 'malformed', body((out) => out.varint(0).varint(0).u8(0))],
    ['more shapes than bytes', 'truncated', body((out) => out.varint(2 ** 53 - 1))],
    ['more rows than bytes', 'truncated', body((out) => shape(out).varint(2 ** 40))],
    ['a table with a quote', 'malformed', body((out) => out.varint(1).text('no"tes').varint(1).text(DELETED).u8(0).varint(0))],
    ['a column kind of the future', 'unsupported', body((out) => shape(out, DELETED, 3).varint(0))],
    [
      'a column twice',
      'malformed',
      body((out) => out.varint(1).text('n').varint(2).text(DELETED).u8(0).text(DELETED).u8(0).varint(0)),
    ],
    ['a row that says nothing of its life', 'malformed', body((out) => shape(out, 'title').varint(0))],
    ['a life of another kind', 'malformed', body((out) => shape(out, DELETED, 1).varint(0))],
    [
      '257 columns',
      'malformed',
      body((out) => {
        out.varint(1).text('n').varint(257)
        for (let i = 0; i < 257; i++) out.text(`c${i}`).u8(0)
      }),
    ],
    [
      'a shape that is not there',
      'malformed',
      body((out) => shape(out).varint(1).varint(1).u8(0).text('a').raw(new Uint8Array(8))),
    ],
    ['flags of the future', 'unsupported', body((out) => row(out).u8(4).text('a').raw(new Uint8Array(8)))],
    ['an id with a slash', 'malformed', body((out) => row(out).u8(0).text('a/b').raw(new Uint8Array(8)))],
    ['a replica that is not there', 'malformed', body((out) => row(out).u8(0).text('a').varint(1).varint(0).varint(0).u8(0))],
    ['a time before 1970', 'malformed', body((out) => row(out).u8(0).text('a').varint(0).varint(1).varint(0).u8(0))],
    [
      'a time of 49 bits',
      'malformed',
      body((out) =>
        row(out)
          .u8(0)
          .text('a')
          .varint(0)
          .varint(2 ** 50)
          .varint(0)
          .u8(0),
      ),
    ],
    ['a counter of 17 bits', 'malformed', body((out) => row(out).u8(0).text('a').varint(0).varint(0).varint(0x10000).u8(0))],
    ['a value of the future', 'malformed', body((out) => row(out).u8(0).text('a').varint(0).varint(0).varint(0).u8(7))],
    ['not a number', 'malformed', body((out) => row(out).u8(0).text('a').varint(0).varint(0).varint(0).u8(2).f64(Number.NaN))],
    [
      'text that is not UTF-8',
      'malformed',
      body((out) => row(out).u8(0).text('a').varint(0).varint(0).varint(0).u8(3).varint(1).u8(0xff)),
    ],
    ['a body over the limit', 'too-large', new Uint8Array(MAX_SEGMENT_CONTENT + 1)],
  ]
  test.each(cases)('[FMT-2] %s is refused as %s', (_what, code, bytes) => {
    expect(() => decodeContent(bytes)).toThrow(FormatError)
    try {
      decodeContent(bytes)
    } catch (error) {
      expect((error as FormatError).code).toBe(code)
    }
  })

  /** Throws unless the decoder gave a content or a FormatError. */
  function decodes(bytes: Uint8Array): boolean {
    try {
      decodeContent(bytes).rows.map(toDelta)
      return true
    } catch (error) {
      if (error instanceof FormatError) return false
      throw error
    }
  }

  test('[FMT-2] random bytes and mutated bodies: a content or a FormatError, nothing else', async () => {
    let accepted = 0
    let refused = 0
    await forEachSeed('content fuzz', 4000, FILE, (random) => {
      const bytes = mutated(random)
      if (decodes(bytes)) accepted++
      else refused++
    })
    expect(accepted).toBeGreaterThan(50)
    expect(refused).toBeGreaterThan(1000)
  })

  function mutated(random: Random): Uint8Array {
    if (random.chance(0.1)) return Uint8Array.from([1, ...random.bytes(random.below(300))])
    const bytes = [
      ...encode(
        anyHeader(random),
        Array.from({ length: random.below(4) }, () => anyDelta(random)),
        random.chance(0.5),
      ),
    ]
    for (let i = random.between(1, 4); i > 0; i--) {
      const place = random.below(bytes.length)
      switch (random.below(5)) {
        case 0:
          bytes[place] = random.below(256)
          break
        case 1:
          bytes[place] = ((bytes[place] as number) + random.pick([1, 255])) & 255
          break
        case 2:
          bytes.splice(place, random.below(6))
          break
        case 3:
          bytes.splice(place, 0, ...bytes.slice(random.below(bytes.length)).slice(0, 20))
          break
        default:
          // A length or a count that claims the world.
          bytes.splice(place, 1, ...encodeUtf8('').values(), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)
      }
      if (bytes.length === 0) bytes.push(1)
    }
    return Uint8Array.from(bytes)
  }

  test('[FMT-2] what a body claims allocates nothing: giant counts in eight megabytes are refused at once', () => {
    const huge = new Uint8Array(MAX_SEGMENT_CONTENT)
    huge.set(start)
    // 2^21 rows are claimed, and the bytes for them are there, but they are of no shape.
    const claim = new ByteWriter()
      .varint(0)
      .varint(2 ** 20)
      .finish()
    huge.set(claim, start.length)
    expect(() => decodeContent(huge)).toThrow('shape 0 is not in the segment')
    expect(REPLICAS).toHaveLength(3)
  })
})
