/**
 * Rotation records [KEY-2]: how an epoch ends and the next one begins.
 *
 *     content = format u8 = 1 ‖ author's public key 32 ‖ bundle version u32 ‖ head u64
 *               ‖ revoked count u16 ‖ revoked × device 16                      ascending
 *               ‖ closes count u32  ‖ closes × (replica 16 ‖ counter u64)      ascending
 *               ‖ grants count u16  ‖ grants × (grant.ts)                      by device, ascending
 *               ‖ proof 32
 *     key     = HKDF-SHA-256(vault key of the epoch before, ∅, "lockstep/v1/rotation" ‖ vault id ‖ new epoch u32, 32)
 *     AAD     = "lockstep/v1/rotation" ‖ vault id 16 ‖ new epoch u32
 *     proof   = HKDF-SHA-256(new vault key, ∅, "lockstep/v1/proof" ‖ vault id ‖ new epoch u32 ‖ SHA-256(content before the proof), 32)
 *
 * Three different things are proved, each by something else:
 * - that a device of the vault wrote it, by the key of the epoch before. A device that is being revoked has that key, too;
 * - that the device it names made the new key, by the reader's grant (grant.ts), which nobody can make in another's name;
 * - that the rest is what the author wrote, by `proof`. Without it a revoked device and the server could take a genuine record's grants
 *   and put other counters beside them, so that what it writes later under the old key would count. The proof also serves those who
 *   have the new key from elsewhere (the key bundle) and no grant.
 *
 * So {@link openRotation} hands out only what is needed to find the key; `confirm` gives the rest.
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, checkLength, compareBytes, concat, equalInConstantTime, u16, u32, u64, utf8 } from '#bytes'
import { DEVICE_ID_BYTES, DEVICE_KEY_BYTES } from '#device-key'
import { open, seal } from '#envelope'
import { CryptoError } from '#errors'
import { GRANT_BYTES, type Grant } from '#grant'
import { VAULT_ID_BYTES, VAULT_KEY_BYTES } from '#hierarchy'
import type { RandomBytes } from '#random'

const ROTATION_FORMAT = 1
const REPLICA_BYTES = 16
const CLOSE_BYTES = REPLICA_BYTES + 8
const PROOF_BYTES = 32

/** The last counter of a replica in the epoch that ends. */
export interface Closing {
  /** 16 bytes. */
  readonly replica: Uint8Array
  /** From 1. */
  readonly counter: number
}

export interface Rotation {
  /** Public key of the device that made it, 32 bytes; its id follows from that. */
  readonly authorKey: Uint8Array
  /** Of the key bundle that was written with it. */
  readonly bundleVersion: number
  /** Of the log when the epoch before ended. */
  readonly head: number
  /** All devices that were ever revoked, 16 bytes each. */
  readonly revoked: readonly Uint8Array[]
  /** A replica that is not listed wrote nothing in the epoch before. */
  readonly closes: readonly Closing[]
  readonly grants: readonly Grant[]
}

interface RotationPlace {
  readonly vaultId: Uint8Array
  /** The new epoch, from 2. */
  readonly epoch: number
}

const ROTATION_LABEL = utf8('lockstep/v1/rotation')
const PROOF_LABEL = utf8('lockstep/v1/proof')

function rotationAad({ vaultId, epoch }: RotationPlace): Bytes {
  checkLength(vaultId, VAULT_ID_BYTES, 'a vault id')
  return concat(ROTATION_LABEL, vaultId, u32(epoch, 'the epoch that a rotation opens', 2))
}

function recordKey(previousKey: Uint8Array, aad: Uint8Array): Uint8Array {
  checkLength(previousKey, VAULT_KEY_BYTES, 'a vault key')
  return hkdf(sha256, previousKey, undefined, aad, 32)
}

function proofOf({ vaultId, epoch }: RotationPlace, vaultKey: Uint8Array, claims: Uint8Array): Uint8Array {
  checkLength(vaultKey, VAULT_KEY_BYTES, 'a vault key')
  const info = concat(PROOF_LABEL, vaultId, u32(epoch, 'an epoch'), sha256(claims))
  return hkdf(sha256, vaultKey, undefined, info, PROOF_BYTES)
}

/** A copy in ascending order. @throws CryptoError `bad-argument` where two are the same or one is not 16 bytes. */
function ascending<T>(items: readonly T[], idOf: (item: T) => Uint8Array, name: string): T[] {
  for (const item of items) checkLength(idOf(item), 16, name)
  const sorted = [...items].sort((a, b) => compareBytes(idOf(a), idOf(b)))
  for (let i = 1; i < sorted.length; i++) {
    if (compareBytes(idOf(sorted[i - 1] as T), idOf(sorted[i] as T)) === 0) {
      throw new CryptoError('bad-argument', `a rotation names ${name} twice`)
    }
  }
  return sorted
}

function encodeClaims({ authorKey, bundleVersion, head, revoked, closes, grants }: Rotation): Bytes {
  checkLength(authorKey, DEVICE_KEY_BYTES, 'a public key')
  const parts: Uint8Array[] = [Uint8Array.of(ROTATION_FORMAT), authorKey, u32(bundleVersion, "a bundle's version")]
  parts.push(u64(head, "a log's head", 0), u16(revoked.length, 'the number of revoked devices'))
  parts.push(...ascending(revoked, (device) => device, 'a device id'))
  parts.push(u32(closes.length, 'the number of replicas', 0))
  for (const { replica, counter } of ascending(closes, (closing) => closing.replica, 'a replica id')) {
    parts.push(replica, u64(counter, 'a counter'))
  }
  parts.push(u16(grants.length, 'the number of grants'))
  for (const { device, ephemeralKey, sealed } of ascending(grants, (grant) => grant.device, 'a device id')) {
    checkLength(ephemeralKey, DEVICE_KEY_BYTES, 'a public key')
    checkLength(sealed, GRANT_BYTES - DEVICE_ID_BYTES - DEVICE_KEY_BYTES, 'a sealed vault key')
    parts.push(device, ephemeralKey, sealed)
  }
  return concat(...parts)
}

/** Reads fixed-size fields; every list is checked against what is left before it is read. */
class Reader {
  readonly #bytes: Bytes
  readonly #view: DataView
  #at = 0

  constructor(bytes: Bytes) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  #skip(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) throw malformed('it ends too early')
    this.#at = at + length
    return at
  }

  take(length: number): Bytes {
    const at = this.#skip(length)
    return this.#bytes.slice(at, at + length)
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4))
  }

  u64(): number {
    const value = this.#view.getBigUint64(this.#skip(8))
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number in it is too large')
    return Number(value)
  }

  list<T>(count: number, size: number, read: () => T, idOf: (item: T) => Uint8Array): T[] {
    if (count * size > this.#bytes.length - this.#at) throw malformed('it ends too early')
    const items = Array.from({ length: count }, read)
    for (let i = 1; i < items.length; i++) {
      if (compareBytes(idOf(items[i - 1] as T), idOf(items[i] as T)) >= 0) throw malformed('a list in it does not ascend')
    }
    return items
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed('something follows it')
  }
}

function malformed(what: string): CryptoError {
  return new CryptoError('malformed-rotation', `the rotation record is authentic, but ${what}`)
}

function decodeClaims(claims: Bytes): Rotation {
  const reader = new Reader(claims)
  const format = reader.take(1)[0]
  if (format !== ROTATION_FORMAT) {
    throw new CryptoError('unknown-version', `the rotation record has format ${format}, this release reads ${ROTATION_FORMAT}`)
  }
  const authorKey = reader.take(DEVICE_KEY_BYTES)
  const bundleVersion = reader.u32()
  const head = reader.u64()
  const device = () => reader.take(DEVICE_ID_BYTES)
  const revoked = reader.list(reader.u16(), DEVICE_ID_BYTES, device, (id) => id)
  const closing = () => ({ replica: reader.take(REPLICA_BYTES), counter: reader.u64() })
  const closes = reader.list(reader.u32(), CLOSE_BYTES, closing, ({ replica }) => replica)
  const grant = () => ({
    device: device(),
    ephemeralKey: reader.take(DEVICE_KEY_BYTES),
    sealed: reader.take(GRANT_BYTES - DEVICE_ID_BYTES - DEVICE_KEY_BYTES),
  })
  const grants = reader.list(reader.u16(), GRANT_BYTES, grant, (item) => item.device)
  reader.end()
  if (bundleVersion < 1 || closes.some(({ counter }) => counter < 1)) throw malformed('a number in it is too small')
  return { authorKey, bundleVersion, head, revoked, closes, grants }
}

export interface SealRotationInput extends RotationPlace {
  /** Of the epoch before, 32 bytes. */
  readonly previousKey: Uint8Array
  /** Of the new epoch, 32 bytes: what the grants hold. */
  readonly vaultKey: Uint8Array
  readonly rotation: Rotation
  readonly random: RandomBytes
}

/** @throws CryptoError `bad-argument`, `unavailable`. */
export async function sealRotation(input: SealRotationInput): Promise<Bytes> {
  const { previousKey, vaultKey, rotation, random, ...place } = input
  const aad = rotationAad(place)
  const claims = encodeClaims(rotation)
  return seal(recordKey(previousKey, aad), aad, concat(claims, proofOf(place, vaultKey, claims)), random)
}

export interface OpenedRotation {
  /** As the record says; that it is true follows when the reader's grant opens with it. */
  readonly authorKey: Uint8Array
  readonly grants: readonly Grant[]
  /**
   * All of the record, once the new vault key is known.
   *
   * @throws CryptoError `bad-proof`, `bad-argument`.
   */
  readonly confirm: (vaultKey: Uint8Array) => Rotation
}

export interface OpenRotationInput extends RotationPlace {
  /** Of the epoch before, 32 bytes. */
  readonly previousKey: Uint8Array
  readonly sealed: Uint8Array
}

/**
 * @throws CryptoError `bad-commitment`: it does not follow the epoch whose key was given. `bad-ciphertext`, `bad-padding`, `truncated`,
 *   `unknown-version`, `malformed-rotation`, `bad-argument`, `unavailable`.
 */
export async function openRotation({ previousKey, sealed, ...place }: OpenRotationInput): Promise<OpenedRotation> {
  const aad = rotationAad(place)
  const content = await open(recordKey(previousKey, aad), aad, sealed)
  if (content.length < PROOF_BYTES) throw malformed('it ends too early')
  const claims = content.slice(0, -PROOF_BYTES)
  const proof = content.slice(-PROOF_BYTES)
  const rotation = decodeClaims(claims)
  const { authorKey, grants } = rotation
  return {
    authorKey,
    grants,
    confirm(vaultKey) {
      if (!equalInConstantTime(proof, proofOf(place, vaultKey, claims))) {
        throw new CryptoError('bad-proof', 'the rotation record was not made by somebody who knew the new key')
      }
      return rotation
    },
  }
}
