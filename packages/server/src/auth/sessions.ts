/**
 * Who is asking. A session is looked up by the SHA-256 of its token, once in the database and then in memory; when it
 * ends, the memory forgets it and its live sockets close. The memory belongs to one process: the SQLite storage locks
 * its folder, so there is no second one.
 */
import { encodeUtf8, toBase64Url } from '@lockstep/protocol/bytes'
import type { Secrets } from '#auth/secrets'
import type { Storage, VaultKey } from '#storage/storage'

const MAX_REMEMBERED = 10_000
/** A device's "last seen" is this exact; every request would otherwise be a write. Milliseconds. */
const LAST_SEEN_STEP = 10 * 60_000
const TOKEN = /^[A-Za-z0-9_-]{43}$/
const BEARER = /^bearer +(\S+) *$/i

export interface Session {
  readonly vault: VaultKey
  readonly deviceId: Uint8Array
  readonly tokenHash: Uint8Array
  /** The same hash as text: the session's name in maps. */
  readonly id: string
}

/** Why a session is over: it was ended, or its vault is not on this server any more [VAULT-1]. */
export type SessionEnd = 'ended' | 'vault-removed'

export interface Sessions {
  /** The session of an `Authorization` header. */
  ofHeader(authorization: string | undefined): Promise<Session | 'vault-removed' | undefined>
  ofToken(token: string): Promise<Session | 'vault-removed' | undefined>
  /** To be called after the storage has ended these sessions. */
  ended(tokenHashes: readonly Uint8Array[], why?: SessionEnd): void
  onEnd(listener: (sessionId: string, why: SessionEnd) => void): void
}

export interface SessionsOptions {
  readonly storage: Storage
  readonly secrets: Secrets
  readonly clock: () => number
}

interface Remembered extends Session {
  seenAt: number
}

export function createSessions({ storage, secrets, clock }: SessionsOptions): Sessions {
  const remembered = new Map<string, Remembered>()
  const listeners: Parameters<Sessions['onEnd']>[0][] = []
  // Counts endings, so that a look-up that was under way when a session ended is not remembered.
  let endings = 0

  async function lookUp(tokenHash: Uint8Array, id: string): Promise<Remembered | 'vault-removed' | undefined> {
    const before = endings
    const stored = await storage.session(tokenHash)
    if (stored === undefined) return (await storage.isRemovedSession(tokenHash)) ? 'vault-removed' : undefined
    const session = { vault: stored.vault, deviceId: stored.deviceId, tokenHash, id, seenAt: stored.lastSeenAt }
    if (before !== endings) return session
    if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string)
    remembered.set(id, session)
    return session
  }

  async function ofToken(token: string): Promise<Session | 'vault-removed' | undefined> {
    if (!TOKEN.test(token)) return undefined
    const tokenHash = secrets.hash(encodeUtf8(token))
    const id = toBase64Url(tokenHash)
    const session = remembered.get(id) ?? (await lookUp(tokenHash, id))
    if (session === undefined || session === 'vault-removed') return session
    const now = clock()
    if (Math.abs(now - session.seenAt) >= LAST_SEEN_STEP) {
      session.seenAt = now
      await storage.touchDevice(session.vault, session.deviceId, now)
    }
    return session
  }

  return {
    async ofHeader(authorization) {
      const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
      return token === undefined ? undefined : ofToken(token)
    },
    ofToken,
    ended(tokenHashes, why = 'ended') {
      endings += 1
      for (const hash of tokenHashes) {
        const id = toBase64Url(hash)
        remembered.delete(id)
        for (const listener of listeners) listener(id, why)
      }
    },
    onEnd: (listener) => {
      listeners.push(listener)
    },
  }
}
