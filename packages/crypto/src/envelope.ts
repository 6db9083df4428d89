/**
 * The envelope: how every piece of content is encrypted [ENV-1 to ENV-4].
 *
 *     sealed           = version u8 = 1 ‖ salt 32 ‖ commitment 32 ‖ AES-256-GCM ciphertext ‖ tag 16
 *     commitment ‖ key = HKDF-SHA-256(ikm = sealing key, salt = salt, info = "lockstep/v1/envelope", 64)
 *
 * Each message has a key of its own, from a fresh salt: there is no nonce to count or to repeat (it is 12 zero bytes), and
 * one sealing key may seal any number of messages. The commitment ties a message to one sealing key: without it, GCM lets
 * somebody who knows two keys make one ciphertext that opens under both, to different content. It is checked first, in constant time; then
 * the tag. The AAD says what the content is and where it stands, so that a sealed message moved elsewhere does not open.
 *
 * A message grows by 81 bytes and its padding. It costs one importKey and one encrypt or decrypt of WebCrypto, and one copy to
 * pad and one to join.
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, checkLength, concat, equalInConstantTime, u32, u64, utf8 } from '#bytes'
import { CryptoError } from '#errors'
import { MIN_PADDED_BYTES, pad, unpad } from '#padding'
import { type RandomBytes, takeRandom } from '#random'
import { decryptGcm, encryptGcm, GCM_TAG_BYTES } from '#webcrypto'

const ENVELOPE_VERSION = 1
const SEALING_KEY_BYTES = 32
const SALT_BYTES = 32
const COMMITMENT_BYTES = 32
const HEADER_BYTES = 1 + SALT_BYTES + COMMITMENT_BYTES
/** What sealing adds to the padded content. */
export const ENVELOPE_BYTES: number = HEADER_BYTES + GCM_TAG_BYTES
const MIN_SEALED_BYTES = ENVELOPE_BYTES + MIN_PADDED_BYTES

const ENVELOPE_INFO = utf8('lockstep/v1/envelope')
const NONCE = new Uint8Array(12)

interface MessageKey {
  readonly commitment: Uint8Array
  readonly key: Uint8Array
}

function deriveMessageKey(sealingKey: Uint8Array, salt: Uint8Array): MessageKey {
  checkLength(sealingKey, SEALING_KEY_BYTES, 'a sealing key')
  const bytes = hkdf(sha256, sealingKey, salt, ENVELOPE_INFO, COMMITMENT_BYTES + 32)
  return { commitment: bytes.subarray(0, COMMITMENT_BYTES), key: bytes.subarray(COMMITMENT_BYTES) }
}

/**
 * Pads and encrypts `content`.
 *
 * @param key Sealing key, 32 bytes.
 * @param aad What the message is bound to; `open` needs the same.
 * @throws CryptoError `bad-argument`, `unavailable`.
 */
export async function seal(key: Uint8Array, aad: Uint8Array, content: Uint8Array, random: RandomBytes): Promise<Bytes> {
  const salt = takeRandom(random, SALT_BYTES)
  const message = deriveMessageKey(key, salt)
  const ciphertext = await encryptGcm(message.key, NONCE, aad, pad(content))
  return concat(Uint8Array.of(ENVELOPE_VERSION), salt, message.commitment, ciphertext)
}

/**
 * Checks version, commitment and tag, in this order, and returns the content without its padding.
 *
 * @throws CryptoError `unknown-version`, `truncated`, `bad-commitment`, `bad-ciphertext`, `bad-padding`; `bad-argument` for a
 *   key of the wrong size, `unavailable`.
 */
export async function open(key: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Bytes> {
  const version = sealed[0]
  if (version === undefined) throw new CryptoError('truncated', 'a sealed message is empty')
  if (version !== ENVELOPE_VERSION) {
    throw new CryptoError('unknown-version', `a message is sealed in version ${version}, this release opens ${ENVELOPE_VERSION}`)
  }
  if (sealed.length < MIN_SEALED_BYTES) {
    throw new CryptoError('truncated', `a sealed message has ${sealed.length} bytes, the smallest has ${MIN_SEALED_BYTES}`)
  }
  const message = deriveMessageKey(key, sealed.subarray(1, 1 + SALT_BYTES))
  if (!equalInConstantTime(message.commitment, sealed.subarray(1 + SALT_BYTES, HEADER_BYTES))) {
    throw new CryptoError('bad-commitment', 'the message was not sealed with this key')
  }
  return unpad(await decryptGcm(message.key, NONCE, aad, sealed.subarray(HEADER_BYTES)))
}

export interface SegmentContext {
  /** 0 delta, 1 void, 2 merged. */
  readonly kind: number
  /** 16 bytes. */
  readonly vaultId: Uint8Array
  /** 16 bytes. */
  readonly replica: Uint8Array
  /** The replica's own count, from 1. */
  readonly counter: number
  /** Key epoch, from 1. */
  readonly epoch: number
}

const SEGMENT_LABEL = utf8('lockstep/v1/segment')

/**
 * `"lockstep/v1/segment" ‖ kind u8 ‖ vault id 16 ‖ replica 16 ‖ counter u64 ‖ epoch u32` [ENV-3]: 64 bytes.
 *
 * @throws CryptoError `bad-argument`.
 */
export function segmentAad({ kind, vaultId, replica, counter, epoch }: SegmentContext): Bytes {
  if (!Number.isInteger(kind) || kind < 0 || kind > 255) {
    throw new CryptoError('bad-argument', `a segment kind must be an integer from 0 to 255, is ${kind}`)
  }
  checkLength(vaultId, 16, 'a vault id')
  checkLength(replica, 16, 'a replica id')
  return concat(SEGMENT_LABEL, Uint8Array.of(kind), vaultId, replica, u64(counter, 'a counter'), u32(epoch, 'an epoch'))
}
