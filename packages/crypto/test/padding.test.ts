import { describe, expect, test } from 'vitest'
import { MIN_PADDED_BYTES, pad, paddedLength, unpad } from '#padding'
import { forEachSeed } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'
import { hex, padded } from './support/reference.ts'

describe('padding', () => {
  test('[ENV-4] every length from 0 to 5000, and lengths around powers of two, agree with a second implementation', () => {
    const lengths = Array.from({ length: 5001 }, (_, i) => i)
    for (let exponent = 13; exponent <= 23; exponent++)
      lengths.push(2 ** exponent - 2, 2 ** exponent - 1, 2 ** exponent, 2 ** exponent + 1)
    for (const length of lengths) {
      if (padded(new Uint8Array(length)).length !== paddedLength(length)) expect.fail(`${length} bytes`)
    }
    // Past 2^32, where 32-bit operations would wrap: 2^33 − 1 bytes and the mark are exactly 2^33.
    expect(paddedLength(2 ** 33 - 1)).toBe(2 ** 33)
    expect(paddedLength(2 ** 33)).toBe(2 ** 33 + 2 ** 27)
  })

  test('[ENV-4] it is at least 256 bytes, always grows, never by more than 12 % over 256, and few lengths are left', () => {
    const lengths = new Set<number>()
    let previous = 0
    for (let length = 0; length <= 200_000; length++) {
      const result = paddedLength(length)
      const most = Math.max(MIN_PADDED_BYTES, (length + 1) * 1.12)
      if (result < MIN_PADDED_BYTES || result <= length || result < previous || result > most) expect.fail(`${length} → ${result}`)
      previous = result
      lengths.add(result)
    }
    expect(lengths.size).toBeLessThan(300)
  })

  test('[ENV-4] what is padded comes back, whatever the content ends with', async () => {
    await forEachSeed('padding', 2000, 'packages/crypto/test/padding.test.ts', (random) => {
      const content = random.bytes(random.below(random.pick([4, 300, 5000])))
      // Contents that end like padding themselves.
      const tail = random.below(Math.min(content.length, 40) + 1)
      if (random.chance(0.5)) content.fill(0, content.length - tail)
      if (random.chance(0.3) && tail > 0) content[content.length - tail] = 0x80
      const result = pad(content)
      expect(hex(result)).toBe(hex(padded(content)))
      expect(hex(unpad(result))).toBe(hex(content))
    })
  })

  test('[ENV-4] one content has one padded form: any other is refused', async () => {
    const cases: [string, Uint8Array<ArrayBuffer>][] = [
      ['nothing', new Uint8Array(0)],
      ['zeros only', new Uint8Array(256)],
      ['no mark', new Uint8Array(256).fill(1)],
      ['another mark', Uint8Array.from({ length: 256 }, (_, i) => (i === 3 ? 0x81 : 0))],
      ['below the floor', Uint8Array.of(1, 0x80)],
      ['one zero too few', pad(new Uint8Array(3)).slice(0, -1)],
      ['one zero too many', Uint8Array.from([...pad(new Uint8Array(3)), 0])],
      ['a step too many', Uint8Array.from({ length: 272 }, (_, i) => (i === 255 ? 0x80 : i < 255 ? 1 : 0))],
    ]
    for (const [name, bytes] of cases) expect(await codeOf(() => unpad(bytes)), name).toBe('bad-padding')
    const exact = Uint8Array.from({ length: 256 }, (_, i) => (i === 255 ? 0x80 : 1))
    expect(unpad(exact)).toHaveLength(255)
  })
})
