/**
 * Grants [KEY-2]: a new epoch's vault key, sealed by the device that made it to one that stays.
 *
 *     grant       = device 16 ‖ ephemeral public key 32 ‖ sealed vault key 337
 *     sealing key = HKDF-SHA-256(X25519(ephemeral, recipient) ‖ X25519(author's key, recipient), ∅, info, 32)
 *     info = AAD  = "lockstep/v1/grant" ‖ vault id 16 ‖ new epoch u32 ‖ recipient's device 16 ‖ author's device 16
 *                   ‖ ephemeral public key 32 ‖ recipient's public key 32
 *
 * The first secret keeps what was sealed from whoever learns the author's key later. The second can be made only by the author and by
 * the recipient: that the grant opens is the proof of who wrote it, for the recipient and for nobody else.
 *
 * Device 16 zero bytes stands for the recovery key, which follows from password and passphrase. Every other id must be that of the
 * public key beside it.
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, checkLength, concat, equalInConstantTime, u32, utf8 } from '#bytes'
import { DEVICE_ID_BYTES, DEVICE_KEY_BYTES, deviceIdOf, generateDeviceKey, type KeyPair, sharedSecret } from '#device-key'
import { ENVELOPE_BYTES, open, seal } from '#envelope'
import { CryptoError } from '#errors'
import { VAULT_ID_BYTES, VAULT_KEY_BYTES } from '#hierarchy'
import { paddedLength } from '#padding'
import type { RandomBytes } from '#random'

/** The device id of the recovery key. */
export const RECOVERY_DEVICE: Uint8Array = new Uint8Array(DEVICE_ID_BYTES)
const SEALED_KEY_BYTES = ENVELOPE_BYTES + paddedLength(VAULT_KEY_BYTES)
export const GRANT_BYTES: number = DEVICE_ID_BYTES + DEVICE_KEY_BYTES + SEALED_KEY_BYTES

export interface Grant {
  /** Who it is for, 16 bytes. */
  readonly device: Uint8Array
  /** 32 bytes. */
  readonly ephemeralKey: Uint8Array
  readonly sealed: Uint8Array
}

/** A recipient, as the author knows it. */
export interface GrantParty {
  /** 16 bytes. */
  readonly device: Uint8Array
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

/** A recipient, as it knows itself. */
export interface GrantOwner {
  /** 16 bytes. */
  readonly device: Uint8Array
  readonly keys: KeyPair
}

interface GrantPlace {
  readonly vaultId: Uint8Array
  /** The new epoch. */
  readonly epoch: number
}

const GRANT_LABEL = utf8('lockstep/v1/grant')

function checkParty({ device, publicKey }: GrantParty): void {
  checkLength(device, DEVICE_ID_BYTES, 'a device id')
  if (equalInConstantTime(device, RECOVERY_DEVICE)) return
  if (!equalInConstantTime(device, deviceIdOf(publicKey))) {
    throw new CryptoError('bad-public-key', 'a public key is not that of the device it is said to be of')
  }
}

function grantInfo({ vaultId, epoch }: GrantPlace, author: GrantParty, recipient: GrantParty, ephemeralKey: Uint8Array): Bytes {
  checkLength(vaultId, VAULT_ID_BYTES, 'a vault id')
  checkParty(author)
  checkParty(recipient)
  checkLength(ephemeralKey, DEVICE_KEY_BYTES, 'a public key')
  return concat(GRANT_LABEL, vaultId, u32(epoch, 'an epoch'), recipient.device, author.device, ephemeralKey, recipient.publicKey)
}

function sealingKey(ephemeralSecret: Uint8Array, authorSecret: Uint8Array, info: Uint8Array): Uint8Array {
  return hkdf(sha256, concat(ephemeralSecret, authorSecret), undefined, info, 32)
}

export interface SealGrantInput extends GrantPlace {
  /** The author's own keys; its device id follows from them. */
  readonly author: KeyPair
  readonly recipient: GrantParty
  /** 32 bytes. */
  readonly vaultKey: Uint8Array
  readonly random: RandomBytes
}

/** @throws CryptoError `bad-argument`, `bad-public-key`, `unavailable`. */
export async function sealGrant({ author, recipient, vaultKey, random, ...place }: SealGrantInput): Promise<Grant> {
  checkLength(vaultKey, VAULT_KEY_BYTES, 'a vault key')
  const ephemeral = generateDeviceKey(random)
  const writer = { device: deviceIdOf(author.publicKey), publicKey: author.publicKey }
  const info = grantInfo(place, writer, recipient, ephemeral.publicKey)
  const key = sealingKey(
    sharedSecret(ephemeral.privateKey, recipient.publicKey),
    sharedSecret(author.privateKey, recipient.publicKey),
    info,
  )
  return { device: recipient.device, ephemeralKey: ephemeral.publicKey, sealed: await seal(key, info, vaultKey, random) }
}

export interface OpenGrantInput extends GrantPlace {
  /** The author's public key, 32 bytes; who that is follows from it. */
  readonly authorKey: Uint8Array
  readonly recipient: GrantOwner
  readonly grant: Grant
}

/**
 * The new epoch's vault key, 32 bytes.
 *
 * @throws CryptoError `bad-commitment`: not sealed by this author to this recipient, or for another place. `bad-public-key`,
 *   `bad-ciphertext`, `bad-padding`, `truncated`, `unknown-version`, `malformed-rotation`, `bad-argument`, `unavailable`.
 */
export async function openGrant({ authorKey, recipient, grant, ...place }: OpenGrantInput): Promise<Uint8Array> {
  const author = { device: deviceIdOf(authorKey), publicKey: authorKey }
  const reader = { device: recipient.device, publicKey: recipient.keys.publicKey }
  const info = grantInfo(place, author, reader, grant.ephemeralKey)
  const key = sealingKey(
    sharedSecret(recipient.keys.privateKey, grant.ephemeralKey),
    sharedSecret(recipient.keys.privateKey, authorKey),
    info,
  )
  const vaultKey = await open(key, info, grant.sealed)
  if (vaultKey.length !== VAULT_KEY_BYTES) throw new CryptoError('malformed-rotation', 'a grant does not hold a vault key')
  return vaultKey
}
