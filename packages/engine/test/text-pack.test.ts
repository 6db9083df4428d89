import { deflateRawSync } from 'node:zlib'
import { ByteReader, ByteWriter, FormatError } from '@lockstep/protocol/bytes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { TextBase, TextState } from '#cell'
import { makeStamp, type ReplicaId } from '#hlc'
import { baseClient, buildDoc, compactText, editText, isYjsUpdate, materialize, textOf } from '#text'
import { STREAM_COUNT, TextPacker, TextUnpacker } from '#text-pack'
import { takeApart } from '#text-update'
import { forEachSeed, Random } from '../../../tests/support/random.ts'

const FILE = 'packages/engine/test/text-pack.test.ts'
const STAMP = makeStamp(1, 0, '11'.repeat(16) as ReplicaId)
const ROOM = 2 ** 20

const client = (random: Random) => 1 + random.below(2 ** 26) * 2 ** 26 + random.below(2 ** 26)

function streamsOf(packer: TextPacker): Uint8Array[] {
  const out = new ByteWriter()
  packer.writeTo(out)
  const reader = new ByteReader(out.finish())
  return Array.from({ length: STREAM_COUNT }, () => reader.bytes())
}

/** A few edits, as a person makes them: a word in, a word out, somewhere. */
function edited(random: Random, text: string): string {
  const points = [...text]
  const at = random.below(points.length + 1)
  points.splice(at, random.chance(0.5) ? random.below(6) : 0, ...random.pick(['a', 'né', '🙂', 'some words', ' ', '']))
  return points.join('')
}

function applied(state: TextState, after: string, by: number): TextState {
  const edit = editText(state, after, by)
  if (edit === undefined) return state
  const entry = state.get(edit.key) as TextBase
  return new Map(state).set(edit.key, { base: entry.base, updates: [...entry.updates, edit.update] })
}

function join(a: TextState, b: TextState): TextState {
  return new Map(
    [...a].map(([key, { base, updates }]) => {
      const seen = new Set(updates.map(({ bytes }) => bytes.toString()))
      return [
        key,
        { base, updates: [...updates, ...(b.get(key)?.updates ?? []).filter(({ bytes }) => !seen.has(bytes.toString()))] },
      ]
    }),
  )
}

/** A text that three devices edited, now and then together. */
function anyEditedText(random: Random, edits: number): { readonly key: number; readonly entry: TextBase } {
  const state = textOf(STAMP, random.pick(['', 'x', 'a text 🙂 of some words', 'word '.repeat(40)]))
  const devices = [state, state, state]
  const clients = devices.map(() => client(random))
  for (let i = 0; i < edits; i++) {
    const d = random.below(3)
    const mine = devices[d] as TextState
    if (random.chance(0.2)) devices[d] = join(mine, random.pick(devices))
    else {
      if (random.chance(0.3)) clients[d] = client(random)
      devices[d] = applied(mine, edited(random, materialize(mine).text), clients[d] as number)
    }
  }
  const [[key, entry]] = [...devices.reduce(join)] as [[number, TextBase]]
  return { key, entry }
}

/** What is written of it: single edits, all of them as one, and what a document has from some point on. */
function updatesOf(random: Random, key: number, entry: TextBase): Uint8Array[] {
  const { doc } = buildDoc(key, entry)
  const known = Y.decodeStateVector(Y.encodeStateVector(doc))
  const part = new Map([...known].map(([id, clock]) => [id, id === key ? clock : random.below(clock + 1)]))
  const whole = [...compactText(new Map([[key, entry]])).values()].flatMap(({ updates }) => updates)
  const out = [...entry.updates, ...whole].map(({ bytes }) => bytes)
  out.push(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(part)), Y.mergeUpdates(entry.updates.map(({ bytes }) => bytes)))
  doc.destroy()
  return out
}

describe('packed texts', () => {
  test('[FMT-2] [CELL-4] updates come out as they went in, to the byte, and in their order', async () => {
    let packed = 0
    let left = 0
    await forEachSeed('packed texts', 150, FILE, (random) => {
      const packer = new TextPacker()
      const expected: { readonly key: number; readonly bytes: Uint8Array }[] = []
      for (let texts = random.between(1, 3); texts > 0; texts--) {
        const { key, entry } = anyEditedText(random, random.between(1, 25))
        if (entry.updates.length === 0) continue
        for (const bytes of updatesOf(random, key, entry)) {
          if (packer.pack(key, bytes)) expected.push({ key, bytes })
          else left++
        }
      }
      packed += expected.length
      const unpacker = new TextUnpacker(streamsOf(packer), ROOM)
      for (const { key, bytes } of expected) expect(unpacker.unpack(key)).toEqual(bytes)
      unpacker.end()
    })
    // Those that are left have a gap: Yjs writes what is missing between two edits of a client as such.
    expect(left).toBeLessThan(packed / 20)
  })

  test('[FMT-2] what is no edit of a text is not packed', () => {
    const made = (write: (doc: Y.Doc) => void): Uint8Array => {
      const doc = new Y.Doc({ gc: true, guid: 't' })
      doc.clientID = 7
      write(doc)
      const update = Y.encodeStateAsUpdate(doc)
      doc.destroy()
      return update
    }
    const plain = made((doc) => doc.getText('t').insert(0, 'text'))
    const withDeletions = (...numbers: number[]) => Uint8Array.of(...plain.slice(0, -1), ...numbers)
    const others = [
      made((doc) => doc.getText('another').insert(0, 'text')),
      made((doc) => doc.getText('t').insertEmbed(0, { image: 1 })),
      made((doc) => doc.getText('t').insert(0, 'bold', { bold: true })),
      made((doc) => void doc.getMap('t').set('key', 'value')),
      // Read by Yjs and written by nobody: a count in too many bytes, clients in another order, one without a deletion.
      withDeletions(0x80, 0),
      withDeletions(2, 3, 1, 0, 1, 7, 1, 0, 1),
      withDeletions(1, 3, 0),
      Uint8Array.of(...plain, 0),
      plain.slice(0, -1),
      new Uint8Array(0),
    ]
    const packer = new TextPacker()
    for (const update of others) expect(packer.pack(1, update)).toBe(false)
    expect(packer.used).toBe(false)
    expect(packer.pack(1, plain)).toBe(true)
    expect(packer.pack(1, withDeletions(2, 7, 1, 0, 1, 3, 1, 0, 1))).toBe(true)
    expect(takeApart(plain)).toEqual({
      clients: [{ client: 7, clock: 0, stretches: [{ length: 4, text: 'text', left: undefined, right: undefined }] }],
      deletions: [],
    })
  })

  test('[CELL-4] texts of many edits take two thirds of the room, compressed', () => {
    const random = new Random(3)
    const packer = new TextPacker()
    const plain: Uint8Array[] = []
    for (let i = 0; i < 20; i++) {
      let by = 0
      let state = textOf(STAMP, 'some words of a note that is edited '.repeat(10))
      for (let edit = 0; edit < 60; edit++) {
        if (edit % 4 === 0) by = client(random)
        state = applied(state, edited(random, materialize(state).text), by)
      }
      const [[key, { updates }]] = [...compactText(state)] as [[number, TextBase]]
      for (const { bytes } of updates) {
        plain.push(bytes)
        expect(packer.pack(key, bytes)).toBe(true)
      }
    }
    const out = new ByteWriter()
    packer.writeTo(out)
    const before = deflateRawSync(Buffer.concat(plain)).length
    const after = deflateRawSync(out.finish()).length
    console.log(`20 texts of 60 edits: ${before} bytes as updates, ${after} packed`)
    expect(after).toBeLessThan(0.667 * before)
  })
})

describe('hostile streams', () => {
  test('[FMT-2] whatever they hold: an update that Yjs can read, or a FormatError', async () => {
    let read = 0
    let refused = 0
    await forEachSeed('mutated streams', 2000, FILE, (random) => {
      const { key, entry } = anyEditedText(random, random.between(1, 6))
      const packer = new TextPacker()
      for (const { bytes } of entry.updates) packer.pack(key, bytes)
      const streams = streamsOf(packer).map((stream) => [...stream])
      for (let changes = random.between(1, 4); changes > 0; changes--) {
        const stream = random.pick(streams)
        if (random.chance(0.3)) stream.splice(random.below(stream.length + 1), random.below(3), ...random.bytes(random.below(3)))
        else if (stream.length > 0) stream[random.below(stream.length)] = random.below(256)
      }
      try {
        const unpacker = new TextUnpacker(
          streams.map((stream) => Uint8Array.from(stream)),
          ROOM,
        )
        for (let i = 0; i < entry.updates.length; i++) {
          const update = unpacker.unpack(key)
          expect(isYjsUpdate(update)).toBe(true)
          expect(update.length).toBeLessThanOrEqual(ROOM)
          expect(typeof materialize(new Map([[key, { base: entry.base, updates: [{ base: STAMP, bytes: update }] }]])).text).toBe(
            'string',
          )
        }
        read++
      } catch (error) {
        if (!(error instanceof FormatError)) throw error
        refused++
      }
    })
    expect(read).toBeGreaterThan(100)
    expect(refused).toBeGreaterThan(1000)
  })

  test('[FMT-2] no more is packed than a reader takes', () => {
    const [key, { updates }] = [...compactText(applied(textOf(STAMP, 'base'), 'base and more', 7))][0] as [number, TextBase]
    const { bytes } = updates[0] as TextBase['updates'][number]
    const packer = new TextPacker(2 * bytes.length)
    expect([1, 2, 3].map(() => packer.pack(key, bytes))).toEqual([true, true, false])
    const unpacker = new TextUnpacker(streamsOf(packer), 2 * bytes.length)
    for (let i = 0; i < 2; i++) expect(unpacker.unpack(key)).toEqual(bytes)
    unpacker.end()
  })

  test('[FMT-2] what comes out is limited, however small what goes in', () => {
    const stretches = 100_000
    const counts = new ByteWriter().varint(1).varint(0).varint(0).varint(stretches).varint(0).finish()
    const flags = new Uint8Array(stretches).fill(1 + 2 + 24)
    flags[0] = 1 + 2 + 8
    const ones = new Uint8Array(stretches).fill(1)
    const any = new Uint8Array(stretches)
    const streams = [
      new Uint8Array(7).fill(0x1f),
      counts,
      flags,
      ones,
      any,
      any,
      Uint8Array.of(1),
      Uint8Array.of(0),
      any,
      Uint8Array.of(0),
    ]
    const size = new TextUnpacker(streams, 2 ** 22).unpack(baseClient('', 'x')).length
    expect(size).toBeGreaterThan(10 * stretches)
    expect(() => new TextUnpacker(streams, size - 1).unpack(baseClient('', 'x'))).toThrow('over the limit')
  })
})
