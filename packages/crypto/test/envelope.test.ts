import { describe, expect, test, vi } from 'vitest'
import { ENVELOPE_BYTES, open, seal, segmentAad } from '#envelope'
import type { CryptoErrorCode } from '#errors'
import { paddedLength } from '#padding'
import { forEachSeed, Random } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'
import { hex, sealed as sealedByReference, sealPadded } from './support/reference.ts'

const FILE = 'packages/crypto/test/envelope.test.ts'
const key = new Uint8Array(32).fill(9)
const segment = { kind: 0, vaultId: new Uint8Array(16).fill(1), replica: new Uint8Array(16).fill(2), counter: 7, epoch: 3 }
const aad = segmentAad(segment)
const content = new TextEncoder().encode('a note')

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const out = Uint8Array.from(bytes)
  out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7))
  return out
}

describe('envelope', () => {
  test('[ENV-1] [ENV-4] sealing and opening gives the content back: every size from 0 to 5000, and large ones', async () => {
    const random = new Random(1)
    const source = random.bytes(5000)
    const sizes = Array.from({ length: 5001 }, (_, i) => i)
    for (const size of sizes) {
      const plain = source.subarray(0, size)
      const sealed = await seal(key, aad, plain, (length) => random.bytes(length))
      if (sealed.length !== ENVELOPE_BYTES + paddedLength(size)) expect.fail(`${size} bytes became ${sealed.length}`)
      const opened = await open(key, aad, sealed)
      if (Buffer.compare(opened, plain) !== 0) expect.fail(`${size} bytes came back otherwise`)
    }
    for (const size of [65_535, 65_536, 500_000, 1_048_577, 8 * 1024 * 1024 + 1]) {
      const plain = new Uint8Array(size).fill(size & 0xff)
      const sealed = await seal(key, aad, plain, (length) => random.bytes(length))
      expect(Buffer.compare(await open(key, aad, sealed), plain), `${size}`).toBe(0)
    }
  })

  test('[ENV-1] agrees with a second implementation on random keys, AADs and contents, both ways', async () => {
    await forEachSeed('envelope', 300, FILE, async (random) => {
      const [ownKey, salt, ownAad] = [random.bytes(32), random.bytes(32), random.bytes(random.below(200))]
      const plain = random.bytes(random.below(3000))
      const sealed = await seal(ownKey, ownAad, plain, () => salt)
      expect(hex(sealed)).toBe(hex(sealedByReference(ownKey, salt, ownAad, plain)))
      expect(hex(await open(ownKey, ownAad, sealed))).toBe(hex(plain))
    })
  })

  test('[ENV-1] G11: each message has a salt, and so a key, of its own; a random source that falls short is refused', async () => {
    const random = new Random(2)
    const seen = new Set<string>()
    const asked: number[] = []
    for (let i = 0; i < 500; i++) {
      const sealed = await seal(key, aad, content, (length) => {
        asked.push(length)
        return random.bytes(length)
      })
      seen.add(hex(sealed.subarray(1, 33)))
      seen.add(hex(sealed.subarray(33, 65)))
      seen.add(hex(sealed.subarray(65)))
    }
    expect(seen.size).toBe(1500)
    expect(asked).toEqual(new Array(500).fill(32))
    for (const length of [0, 16, 31, 33]) {
      expect(await codeOf(() => seal(key, aad, content, () => new Uint8Array(length)))).toBe('bad-argument')
    }
  })

  test('[ENV-2] G11: every single flipped bit of a sealed message is refused, each by the check that should', async () => {
    const sealed = await seal(key, aad, content, (length) => new Uint8Array(length).fill(5))
    expect(sealed.length).toBe(337)
    const counts: Partial<Record<CryptoErrorCode, number>> = {}
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const code = await codeOf(() => open(key, aad, flipped(sealed, bit)))
      const byte = bit >> 3
      const expected = byte === 0 ? 'unknown-version' : byte < 65 ? 'bad-commitment' : 'bad-ciphertext'
      if (code !== expected) expect.fail(`bit ${bit}: ${code}, expected ${expected}`)
      counts[code] = (counts[code] ?? 0) + 1
    }
    expect(counts).toEqual({ 'unknown-version': 8, 'bad-commitment': 512, 'bad-ciphertext': 2176 })
  })

  test('[ENV-2] a message cut anywhere, or with bytes added, is refused', async () => {
    const sealed = await seal(key, aad, new Uint8Array(300), (length) => new Uint8Array(length).fill(5))
    for (let length = 0; length < sealed.length; length++) {
      const code = await codeOf(() => open(key, aad, sealed.subarray(0, length)))
      expect(code, `${length} bytes`).toBe(length < 337 ? 'truncated' : 'bad-ciphertext')
    }
    for (const extra of [1, 15, 16, 17, 256]) {
      const longer = new Uint8Array(sealed.length + extra)
      longer.set(sealed)
      expect(await codeOf(() => open(key, aad, longer)), `${extra} more`).toBe('bad-ciphertext')
    }
  })

  test('[ENV-2] the order of checks: version, then length, then commitment, then tag; no decryption before the commitment holds', async () => {
    const sealed = await seal(key, aad, content, (length) => new Uint8Array(length).fill(5))
    const decrypt = vi.spyOn(globalThis.crypto.subtle, 'decrypt')
    const otherVersion = Uint8Array.from(sealed).fill(2, 0, 1)
    expect(await codeOf(() => open(key, aad, otherVersion.subarray(0, 1)))).toBe('unknown-version')
    expect(await codeOf(() => open(new Uint8Array(32), aad, otherVersion))).toBe('unknown-version')
    expect(await codeOf(() => open(new Uint8Array(32), aad, sealed.subarray(0, 336)))).toBe('truncated')
    expect(await codeOf(() => open(new Uint8Array(32), new Uint8Array(0), sealed))).toBe('bad-commitment')
    expect(decrypt).not.toHaveBeenCalled()
    expect(await codeOf(() => open(key, new Uint8Array(0), sealed))).toBe('bad-ciphertext')
    expect(decrypt).toHaveBeenCalledTimes(1)
    decrypt.mockRestore()
  })

  test('[ENV-3] G11: every field of the AAD counts, one by one, and every bit of it', async () => {
    const sealed = await seal(key, aad, content, (length) => new Uint8Array(length).fill(5))
    expect(hex(await open(key, segmentAad(segment), sealed))).toBe(hex(content))
    const others = [
      { kind: 1 },
      { kind: 2 },
      { vaultId: flipped(segment.vaultId, 127) },
      { vaultId: segment.replica, replica: segment.vaultId },
      { replica: flipped(segment.replica, 0) },
      { counter: 6 },
      { counter: 8 },
      { counter: 7 + 2 ** 32 },
      { epoch: 2 },
      { epoch: 4 },
      { counter: 3, epoch: 7 },
    ]
    for (const other of others) {
      const code = await codeOf(() => open(key, segmentAad({ ...segment, ...other }), sealed))
      expect(code, JSON.stringify(other)).toBe('bad-ciphertext')
    }
    expect(aad).toHaveLength(64)
    for (let bit = 0; bit < aad.length * 8; bit++) {
      expect(await codeOf(() => open(key, flipped(aad, bit), sealed)), `bit ${bit}`).toBe('bad-ciphertext')
    }
    for (const other of [new Uint8Array(0), aad.subarray(0, -1), Uint8Array.from([...aad, 0])]) {
      expect(await codeOf(() => open(key, other, sealed))).toBe('bad-ciphertext')
    }
  })

  test('[ENV-3] fields that cannot be a segment are refused', async () => {
    const wrong = [
      { kind: -1 },
      { kind: 256 },
      { kind: 0.5 },
      { counter: 0 },
      { counter: 2 ** 53 },
      { counter: Number.NaN },
      { epoch: 0 },
      { epoch: 2 ** 32 },
      { vaultId: new Uint8Array(15) },
      { replica: new Uint8Array(17) },
    ]
    for (const fields of wrong) {
      expect(await codeOf(() => segmentAad({ ...segment, ...fields })), JSON.stringify(fields)).toBe('bad-argument')
    }
  })

  test('[ENV-4] authentic content with wrong padding is refused', async () => {
    const salt = new Uint8Array(32).fill(4)
    for (const plaintext of [new Uint8Array(256), new Uint8Array(256).fill(1), new Uint8Array(300).fill(0x80, 0, 1)]) {
      expect(await codeOf(() => open(key, aad, sealPadded(key, salt, aad, plaintext)))).toBe('bad-padding')
    }
  })

  test('[ENV-1] keys of the wrong size are refused', async () => {
    const sealed = await seal(key, aad, content, (length) => new Uint8Array(length))
    for (const length of [0, 16, 31, 33, 64]) {
      const wrong = new Uint8Array(length)
      expect(await codeOf(() => seal(wrong, aad, content, (n) => new Uint8Array(n)))).toBe('bad-argument')
      expect(await codeOf(() => open(wrong, aad, sealed))).toBe('bad-argument')
    }
  })

  test('[ENV-2] only the key it was sealed with opens a message', async () => {
    await forEachSeed('other keys', 500, FILE, async (random) => {
      const [ownKey, ownAad] = [random.bytes(32), random.bytes(64)]
      const sealed = await seal(ownKey, ownAad, random.bytes(random.below(500)), (length) => random.bytes(length))
      const other = random.chance(0.5) ? random.bytes(32) : flipped(ownKey, random.below(256))
      expect(await codeOf(() => open(other, ownAad, sealed))).toBe('bad-commitment')
    })
  })

  test('[ENV-1] inputs are neither changed nor kept, and may be views into larger or shared memory', async () => {
    const random = new Random(3)
    const memory = new Uint8Array(new SharedArrayBuffer(4096))
    memory.set(random.bytes(4096))
    const before = hex(memory)
    const [viewKey, viewAad, viewContent] = [memory.subarray(1, 33), memory.subarray(40, 104), memory.subarray(200, 1200)]
    const sealed = await seal(viewKey, viewAad, viewContent, () => memory.subarray(2000, 2032))
    const shared = new Uint8Array(new SharedArrayBuffer(sealed.length + 3))
    shared.set(sealed, 3)
    expect(hex(await open(viewKey, viewAad, shared.subarray(3)))).toBe(hex(viewContent))
    expect(hex(memory)).toBe(before)
    memory.fill(0)
    expect(hex(sealed)).toBe(hex(shared.subarray(3)))
  })
})
