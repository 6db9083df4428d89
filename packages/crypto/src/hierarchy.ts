/**
 * What is derived from the root key and from vault keys [KEY-6, KEY-7]. Every step is HKDF-SHA-256 (RFC 5869) without salt; the
 * info names the purpose and the vault, so that no key of one vault or purpose is any other key.
 *
 *     root key ─ "lockstep/v1/auth"     ‖ vault id             → auth key      shown to the server, which keeps its hash
 *              ─ "lockstep/v1/wrap"     ‖ vault id             → wrap key      seals the key bundle
 *              ─ "lockstep/v1/recovery" ‖ vault id             → recovery key  X25519
 *     vault key ─ "lockstep/v1/segment" ‖ vault id ‖ epoch u32 → segment key   seals segments
 *               ─ "lockstep/v1/blob"    ‖ vault id ‖ epoch u32 → blob key
 *               ─ "lockstep/v1/id"      ‖ vault id ‖ epoch u32 → id key
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { checkLength, concat, u32, utf8 } from '#bytes'
import type { RootKey } from '#derivation'
import { type KeyPair, keyPairOf } from '#device-key'

export const VAULT_ID_BYTES = 16
export const VAULT_KEY_BYTES = 32
const KEY_BYTES = 32

function derive(key: Uint8Array, purpose: string, ...context: readonly Uint8Array[]): Uint8Array {
  checkLength(key, KEY_BYTES, 'the key to derive from')
  return hkdf(sha256, key, undefined, concat(utf8(`lockstep/v1/${purpose}`), ...context), KEY_BYTES)
}

function fromRoot(root: RootKey, purpose: string, vaultId: Uint8Array): Uint8Array {
  checkLength(vaultId, VAULT_ID_BYTES, 'a vault id')
  return derive(root, purpose, vaultId)
}

/** 32 bytes: what proves to the server that this person may have the vault. @throws CryptoError `bad-argument`. */
export function deriveAuthKey(root: RootKey, vaultId: Uint8Array): Uint8Array {
  return fromRoot(root, 'auth', vaultId)
}

/** 32 bytes: seals the key bundle; never leaves the device and is never stored. @throws CryptoError `bad-argument`. */
export function deriveWrapKey(root: RootKey, vaultId: Uint8Array): Uint8Array {
  return fromRoot(root, 'wrap', vaultId)
}

/** To its public key new epochs are sealed, so that whoever knows the password can always open them. @throws CryptoError `bad-argument`. */
export function deriveRecoveryKeyPair(root: RootKey, vaultId: Uint8Array): KeyPair {
  return keyPairOf(fromRoot(root, 'recovery', vaultId))
}

/** 32 bytes each. */
export interface EpochKeys {
  readonly segmentKey: Uint8Array
  readonly blobKey: Uint8Array
  readonly idKey: Uint8Array
}

/** @param epoch From 1. @throws CryptoError `bad-argument`. */
export function deriveEpochKeys(vaultKey: Uint8Array, vaultId: Uint8Array, epoch: number): EpochKeys {
  checkLength(vaultId, VAULT_ID_BYTES, 'a vault id')
  const epochBytes = u32(epoch, 'an epoch')
  return {
    segmentKey: derive(vaultKey, 'segment', vaultId, epochBytes),
    blobKey: derive(vaultKey, 'blob', vaultId, epochBytes),
    idKey: derive(vaultKey, 'id', vaultId, epochBytes),
  }
}
