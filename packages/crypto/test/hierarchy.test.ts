import { describe, expect, test } from 'vitest'
import type { RootKey } from '#derivation'
import { generateDeviceKey, keyPairOf } from '#device-key'
import { deriveAuthKey, deriveEpochKeys, deriveRecoveryKeyPair, deriveWrapKey } from '#hierarchy'
import { forEachSeed } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'
import { hex, subkey, x25519PublicKey } from './support/reference.ts'

const root = new Uint8Array(32).fill(1) as Uint8Array as RootKey
const vaultId = new Uint8Array(16).fill(2)
const vaultKey = new Uint8Array(32).fill(3)

describe('key hierarchy', () => {
  test('[KEY-6] [KEY-7] agrees with a second implementation on random keys', async () => {
    await forEachSeed('hierarchy', 200, 'packages/crypto/test/hierarchy.test.ts', (random) => {
      const [key, id, epoch] = [random.bytes(32), random.bytes(16), random.between(1, 2 ** 32 - 1)]
      expect(hex(deriveAuthKey(key as RootKey, id))).toBe(hex(subkey(key, 'auth', id)))
      expect(hex(deriveWrapKey(key as RootKey, id))).toBe(hex(subkey(key, 'wrap', id)))
      const recovery = subkey(key, 'recovery', id)
      expect(hex(deriveRecoveryKeyPair(key as RootKey, id).publicKey)).toBe(hex(x25519PublicKey(recovery)))
      const keys = deriveEpochKeys(key, id, epoch)
      expect(hex(keys.segmentKey)).toBe(hex(subkey(key, 'segment', id, epoch)))
      expect(hex(keys.blobKey)).toBe(hex(subkey(key, 'blob', id, epoch)))
      expect(hex(keys.idKey)).toBe(hex(subkey(key, 'id', id, epoch)))
    })
  })

  test('[KEY-6] [KEY-7] no two purposes, vaults or epochs share a key', () => {
    const keys = new Set<string>()
    let count = 0
    const add = (key: Uint8Array) => {
      keys.add(hex(key))
      count++
    }
    for (const id of [vaultId, new Uint8Array(16)]) {
      for (const key of [deriveAuthKey(root, id), deriveWrapKey(root, id), deriveRecoveryKeyPair(root, id).privateKey]) add(key)
      for (const epoch of [1, 2, 256, 65_536]) for (const key of Object.values(deriveEpochKeys(root, id, epoch))) add(key)
    }
    expect(count).toBe(30)
    expect(keys.size).toBe(count)
  })

  test('[KEY-7] keys, ids and epochs of the wrong size are refused', async () => {
    for (const epoch of [0, -1, 1.5, Number.NaN, 2 ** 32]) {
      expect(await codeOf(() => deriveEpochKeys(vaultKey, vaultId, epoch)), `${epoch}`).toBe('bad-argument')
    }
    for (const length of [0, 15, 17, 32]) {
      const wrong = new Uint8Array(length)
      expect(await codeOf(() => deriveEpochKeys(vaultKey, wrong, 1))).toBe('bad-argument')
      expect(await codeOf(() => deriveAuthKey(root, wrong))).toBe('bad-argument')
    }
    for (const length of [0, 31, 33]) {
      const wrong = new Uint8Array(length)
      expect(await codeOf(() => deriveEpochKeys(wrong, vaultId, 1))).toBe('bad-argument')
      expect(await codeOf(() => deriveWrapKey(wrong as Uint8Array as RootKey, vaultId))).toBe('bad-argument')
    }
  })
})

describe('device keys', () => {
  test('[KEY-2] a device key is 32 bytes of the random source, and its public key is X25519', async () => {
    await forEachSeed('device keys', 100, 'packages/crypto/test/hierarchy.test.ts', (random) => {
      const bytes = random.bytes(32)
      const pair = generateDeviceKey((length) => bytes.slice(0, length))
      expect(hex(pair.privateKey)).toBe(hex(bytes))
      expect(hex(pair.publicKey)).toBe(hex(x25519PublicKey(bytes)))
    })
  })

  test('[KEY-2] a random source that falls short is refused', async () => {
    expect(await codeOf(() => generateDeviceKey(() => new Uint8Array(31)))).toBe('bad-argument')
    expect(await codeOf(() => generateDeviceKey(() => new Uint8Array(0)))).toBe('bad-argument')
    expect(await codeOf(() => keyPairOf(new Uint8Array(33)))).toBe('bad-argument')
  })
})
