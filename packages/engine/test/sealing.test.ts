import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { seal, segmentAad } from '@lockstep/crypto/envelope'
import { deriveEpochKeys } from '@lockstep/crypto/hierarchy'
import { encodeUtf8, equalBytes, FormatError } from '@lockstep/protocol/bytes'
import { MAX_SEGMENT_CONTENT } from '@lockstep/protocol/limits'
import { describe, expect, test } from 'vitest'
import { nodeCompression } from '#platform/node/compression'
import { createSealer, MissingEpochError, packBody, unpackBody } from '#sealing'
import { forEachSeed } from '../../../tests/support/random.ts'

const FILE = 'packages/engine/test/sealing.test.ts'
const random = (length: number) => new Uint8Array(randomBytes(length))
const vaultId = new Uint8Array(16).fill(1)
const key = (byte: number) => new Uint8Array(32).fill(byte)
const sealerOf = (keys: [number, Uint8Array][], id = vaultId) =>
  createSealer({ vaultId: id, vaultKeys: new Map(keys), compression: nodeCompression, random })
const place = { kind: 0, epoch: 1, replica: new Uint8Array(16).fill(3), counter: 5 } as const
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'opened',
    (error: { code?: string; name: string }) => error.code ?? error.name,
  )

describe('codecs', () => {
  test('[FMT-1] bodies of all sizes come back; what does not shrink is stored', async () => {
    await forEachSeed('pack and unpack', 60, FILE, async (seeded) => {
      const body = seeded.chance(0.5)
        ? seeded.bytes(seeded.below(40_000))
        : encodeUtf8('the same words again '.repeat(seeded.below(4000)))
      const packed = await packBody(nodeCompression, body)
      expect(packed.length).toBeLessThanOrEqual(body.length + 1)
      expect([0, 1]).toContain(packed[0])
      expect(equalBytes(await unpackBody(nodeCompression, packed), body)).toBe(true)
    })
    expect((await packBody(nodeCompression, random(1000)))[0]).toBe(0)
    expect((await packBody(nodeCompression, new Uint8Array(1000)))[0]).toBe(1)
  })

  test('[FMT-1] a bomb is stopped at the limit, in small and in large disguise', async () => {
    for (const length of [MAX_SEGMENT_CONTENT + 1, 64 * 1024 * 1024]) {
      const bomb = Uint8Array.from([1, ...deflateRawSync(new Uint8Array(length), { level: 9 })])
      await expect(unpackBody(nodeCompression, bomb)).rejects.toMatchObject({ name: 'FormatError', code: 'too-large' })
    }
    const most = Uint8Array.from([1, ...deflateRawSync(new Uint8Array(MAX_SEGMENT_CONTENT))])
    expect((await unpackBody(nodeCompression, most)).length).toBe(MAX_SEGMENT_CONTENT)
  })

  test('[FMT-1] what cannot be unpacked is a FormatError', async () => {
    expect(await codeOf(unpackBody(nodeCompression, new Uint8Array(0)))).toBe('truncated')
    expect(await codeOf(unpackBody(nodeCompression, Uint8Array.of(2, 1, 2)))).toBe('unsupported')
    expect(await codeOf(unpackBody(nodeCompression, Uint8Array.of(1, 255, 255)))).toBe('malformed')
    expect(await codeOf(unpackBody(nodeCompression, Uint8Array.from([1, ...deflateRawSync(random(9000)).subarray(0, 6000)])))).toBe(
      'malformed',
    )
    expect(await codeOf(unpackBody(nodeCompression, new Uint8Array(MAX_SEGMENT_CONTENT + 2)))).toBe('too-large')
    await expect(unpackBody(nodeCompression, Uint8Array.of(9))).rejects.toThrow(FormatError)
  })
})

describe('sealing', () => {
  test('[ENV-3] a segment opens at its own place only', async () => {
    const sealer = sealerOf([[1, key(2)]])
    const body = encodeUtf8('what one vault says')
    const sealed = await sealer.seal(place, body)
    expect(await sealer.open(place, sealed)).toEqual(body)
    const elsewhere = [
      { ...place, kind: 1 as const },
      { ...place, counter: 6 },
      { ...place, replica: new Uint8Array(16).fill(4) },
    ]
    for (const other of elsewhere) expect(await codeOf(sealer.open(other, sealed))).toBe('bad-ciphertext')
    expect(await codeOf(sealerOf([[1, key(2)]], new Uint8Array(16).fill(9)).open(place, sealed))).toBe('bad-commitment')
    expect(await codeOf(sealerOf([[1, key(3)]]).open(place, sealed))).toBe('bad-commitment')
  })

  test('[KEY-7] the newest epoch seals; older ones still open; an unknown one is told by name', async () => {
    const both = sealerOf([
      [1, key(2)],
      [2, key(5)],
    ])
    const old = await sealerOf([[1, key(2)]]).seal(place, encodeUtf8('old'))
    expect(both.epoch).toBe(2)
    expect(await both.open(place, old)).toEqual(encodeUtf8('old'))
    const now = await both.seal({ ...place, epoch: 2 }, encodeUtf8('new'))
    await expect(sealerOf([[1, key(2)]]).open({ ...place, epoch: 2 }, now)).rejects.toThrow(MissingEpochError)
  })

  test('[KEY-2] [KEY-4] new epochs come to a sealer that is in use; what it has of an epoch stays', async () => {
    const sealer = sealerOf([[1, key(2)]])
    const old = await sealer.seal(place, encodeUtf8('old'))
    const later = { ...place, epoch: 2 }
    const theirs = await sealerOf([[2, key(5)]]).seal(later, encodeUtf8('new'))
    await expect(sealer.open(later, theirs)).rejects.toThrow(MissingEpochError)
    sealer.add(
      new Map([
        [1, key(9)],
        [2, key(5)],
      ]),
    )
    expect(sealer.epoch).toBe(2)
    expect(await sealer.open(later, theirs)).toEqual(encodeUtf8('new'))
    expect(await sealer.open(place, old)).toEqual(encodeUtf8('old'))
    // Older epochs than the newest may come later.
    sealer.add(new Map([[1, key(2)]]))
    expect(sealer.epoch).toBe(2)
  })

  test('[FMT-1] what is authentic and of an unknown codec asks for an update', async () => {
    const { segmentKey } = deriveEpochKeys(key(2), vaultId, 1)
    const sealed = await seal(segmentKey, segmentAad({ ...place, vaultId }), Uint8Array.of(2, 1, 2, 3), random)
    await expect(sealerOf([[1, key(2)]]).open(place, sealed)).rejects.toThrow('please update')
  })
})
