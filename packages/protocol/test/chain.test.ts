import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { CHAIN_START, extendChain, identifySegment } from '#chain'
import type { SegmentRecord } from '#records'

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
const hash = (...parts: readonly Uint8Array[]): Uint8Array => sha256(Buffer.concat(parts))

const record: SegmentRecord = {
  kind: 0,
  epoch: 1,
  replica: new Uint8Array(16).fill(7),
  counter: 2,
  previous: new Uint8Array(32).fill(9),
  sealed: Uint8Array.of(1, 2, 3),
}
/** kind u8, epoch u32, replica 16, counter u64, previous 32. */
const header = Buffer.concat([
  Buffer.from('0000000001', 'hex'),
  record.replica,
  Buffer.from('0000000000000002', 'hex'),
  record.previous,
])

test('[SEG-2] digest and id are hashes of the bytes that the page names', () => {
  const { digest, id } = identifySegment(sha256, record)
  expect(digest).toEqual(sha256(record.sealed))
  expect(id).toEqual(hash(header, digest).slice(0, 16))
})

test('[LOG-4] the chain starts with zeros and binds the value before, id and digest', () => {
  const identity = identifySegment(sha256, record)
  const first = extendChain(sha256, CHAIN_START, identity)
  expect(first).toEqual(hash(new Uint8Array(32), identity.id, identity.digest))
  expect(extendChain(sha256, first, identity)).toEqual(hash(first, identity.id, identity.digest))
})
