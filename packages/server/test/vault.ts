/** A vault made straight in a storage, for tests that need no routes. Its session has the token hash `named('token')`. */
import { identifySegment } from '@lockstep/protocol/chain'
import type { SegmentRecord } from '@lockstep/protocol/records'
import type { IdentifiedSegment, Storage, VaultKey } from '#storage/storage'
import { named, sha256 } from './client.ts'

export async function makeVault(storage: Storage, name = 'main'): Promise<VaultKey> {
  const vault = {
    name,
    vaultId: named(`vault ${name}`, 16),
    suite: 'argon2id-64m-3' as const,
    salt: named('salt', 16),
    authHash: named('auth'),
    bundle: { version: 1, sealed: named('bundle') },
  }
  const session = {
    deviceId: named('device', 16),
    deviceName: 'laptop',
    tokenHash: named('token'),
    cookieHash: named('cookie'),
    now: 1,
  }
  await storage.createVault(vault, session, false)
  const key = (await storage.vaultByName(name))?.key
  if (key === undefined) throw new Error('the vault was not made')
  return key
}

export function identified(record: SegmentRecord): IdentifiedSegment {
  return { ...identifySegment(sha256, record), record }
}
