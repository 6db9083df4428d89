/** The crypto and the protocol package do not know each other; where both state the same fact, it must be the same. */
import { MAX_BUNDLE_EPOCHS, sealBundle } from '@lockstep/crypto/bundle'
import { SUITES } from '@lockstep/crypto/derivation'
import { ENVELOPE_BYTES, segmentAad } from '@lockstep/crypto/envelope'
import { paddedLength } from '@lockstep/crypto/padding'
import { SUITES as SUITES_ON_THE_WIRE, vaultNameSchema } from '@lockstep/protocol/http'
import { MAX_BUNDLE_BYTES, MAX_SEGMENT_BYTES, MAX_SEGMENT_CONTENT } from '@lockstep/protocol/limits'
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import { describe, expect, test } from 'vitest'

describe('crypto and protocol agree', () => {
  test('[KEY-5] on the closed list of suites', () => {
    expect(SUITES).toEqual(SUITES_ON_THE_WIRE)
  })

  test('[KEY-4] on sizes: the largest bundle, under the longest name, fits a bundle on the wire', async () => {
    const name = 'n'.repeat(64)
    expect(vaultNameSchema.safeParse(name).success).toBe(true)
    const epochs = new Map(Array.from({ length: MAX_BUNDLE_EPOCHS }, (_, i) => [i + 1, new Uint8Array(32)] as const))
    const context = { suite: SUITES[0], salt: new Uint8Array(16), vaultId: new Uint8Array(16), name }
    const random = (length: number) => new Uint8Array(length)
    const sealed = await sealBundle({ wrapKey: new Uint8Array(32), context, bundle: { version: 1, epochs }, random })
    expect(sealed.length).toBeLessThanOrEqual(MAX_BUNDLE_BYTES)
  })

  test('[ENV-4] on sizes: the largest content of a segment, stored, sealed, fits a segment on the wire', () => {
    expect(ENVELOPE_BYTES + paddedLength(1 + MAX_SEGMENT_CONTENT)).toBeLessThanOrEqual(MAX_SEGMENT_BYTES)
  })

  test('[ENV-3] on segment kinds: each has an AAD of its own', () => {
    const common = { vaultId: new Uint8Array(16), replica: new Uint8Array(16), counter: 1, epoch: 1 }
    const aads = Object.values(SEGMENT_KIND).map((kind) => segmentAad({ ...common, kind }).join())
    expect(new Set(aads).size).toBe(4)
  })
})
