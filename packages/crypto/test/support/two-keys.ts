/**
 * Builds what GCM alone cannot refuse: one ciphertext and tag that are authentic under two keys (Grubbs, Lu, Ristenpart, "Message
 * franking via committing authenticated encryption", 2017). A tag is a polynomial in the ciphertext blocks plus a mask; making both
 * keys' tags equal is one linear equation over GF(2^128), solved for one freely chosen block.
 */
import { createCipheriv } from 'node:crypto'

const BLOCK = 16
/** x^128 + x^7 + x^2 + x + 1 in GCM's reflected order of bits, without x^128. */
const REDUCTION = 0xe1n << 120n
/** The same polynomial in the usual order. */
const MODULUS = (1n << 128n) | 0x87n

const toBigInt = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const toBytes = (value: bigint): Uint8Array => new Uint8Array(Buffer.from(value.toString(16).padStart(BLOCK * 2, '0'), 'hex'))

function multiply(a: bigint, b: bigint): bigint {
  let product = 0n
  let shifted = b
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((a >> bit) & 1n) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ REDUCTION : shifted >> 1n
  }
  return product
}

const reflect = (value: bigint): bigint => BigInt(`0b${[...value.toString(2).padStart(128, '0')].reverse().join('')}`)
const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length)

/** Extended Euclid over GF(2)[x]. */
function invert(value: bigint): bigint {
  let [low, high] = [reflect(value), MODULUS]
  let [lowFactor, highFactor] = [1n, 0n]
  while (low !== 1n) {
    const shift = bitLength(high) - bitLength(low)
    if (shift < 0) {
      ;[low, high, lowFactor, highFactor] = [high, low, highFactor, lowFactor]
      continue
    }
    high ^= low << BigInt(shift)
    highFactor ^= lowFactor << BigInt(shift)
    if (high === 0n) throw new RangeError('zero has no inverse')
    if (high === 1n) [low, high, lowFactor, highFactor] = [high, low, highFactor, lowFactor]
  }
  // A factor can have grown past the modulus.
  while (bitLength(lowFactor) > 128) lowFactor ^= MODULUS << BigInt(bitLength(lowFactor) - 129)
  return reflect(lowFactor)
}

function encryptBlock(key: Uint8Array, block: Uint8Array): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  return toBigInt(new Uint8Array(cipher.update(block)))
}

function blocksOf(bytes: Uint8Array): bigint[] {
  const out: bigint[] = []
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const block = new Uint8Array(BLOCK)
    block.set(bytes.subarray(at, at + BLOCK))
    out.push(toBigInt(block))
  }
  return out
}

interface Side {
  /** GHASH key. */
  readonly h: bigint
  /** The block that masks GHASH's result: E(nonce ‖ 1), the nonce being zero. */
  readonly mask: bigint
}

function sideOf(key: Uint8Array): Side {
  const first = new Uint8Array(BLOCK)
  first[BLOCK - 1] = 1
  return { h: encryptBlock(key, new Uint8Array(BLOCK)), mask: encryptBlock(key, first) }
}

const tagOf = ({ h, mask }: Side, blocks: readonly bigint[]): bigint =>
  blocks.reduce((sum, block) => multiply(sum ^ block, h), 0n) ^ mask

function power(base: bigint, exponent: number): bigint {
  let result = base
  for (let i = 1; i < exponent; i++) result = multiply(result, base)
  return result
}

/**
 * Replaces block number `free` of `ciphertext` (whole blocks, without a tag) so that one tag fits both keys.
 *
 * @returns ciphertext ‖ tag, authentic under AES-256-GCM with 12 zero bytes as nonce, `aad`, and either key.
 */
export function fitTwoKeys(
  keys: readonly [Uint8Array, Uint8Array],
  aad: Uint8Array,
  ciphertext: Uint8Array,
  free: number,
): Uint8Array {
  const [one, two] = [sideOf(keys[0]), sideOf(keys[1])]
  const lengths = (BigInt(aad.length * 8) << 64n) | BigInt(ciphertext.length * 8)
  const head = blocksOf(aad)
  const body = blocksOf(ciphertext)
  body[free] = 0n
  const blocks = [...head, ...body, lengths]
  const difference = tagOf(one, blocks) ^ tagOf(two, blocks)
  const exponent = blocks.length - head.length - free
  const solved = multiply(difference, invert(power(one.h, exponent) ^ power(two.h, exponent)))
  blocks[head.length + free] = solved
  const out = new Uint8Array(ciphertext.length + BLOCK)
  out.set(ciphertext)
  out.set(toBytes(solved), free * BLOCK)
  out.set(toBytes(tagOf(one, blocks)), ciphertext.length)
  return out
}
