/**
 * Who was right a while ago. A client sends its password with every request; where it was right from that network before, the
 * request costs one HMAC instead of a PBKDF2 and is not counted as a guess, so that nobody else's wrong guesses keep it out.
 *
 * Kept in memory alone, as an HMAC under a key that is made at the start and never leaves the process: the database holds nothing
 * that a password can be tried on at less than PBKDF2's price. The stored slow hash is part of what is signed, so a changed password,
 * a deleted profile and one that took its name are forgotten by themselves.
 *
 * A guess from the same network is compared with it too, which would be a guess without a limit: after {@link MISSES} wrong ones the
 * entry is dropped, and everyone there is one to be counted again.
 */
import { createHmac, randomBytes } from 'node:crypto'

const HOUR = 60 * 60_000
const KEPT = 24 * HOUR
const MOST = 10_000
const MISSES = 500

interface Entry {
  readonly digest: string
  readonly until: number
  misses: number
}

export interface RecentlyRight {
  /** What stands for a password in memory. */
  digest(password: string, stored: string): string
  knows(profile: string, network: string, digest: string): boolean
  remember(profile: string, network: string, digest: string): void
}

/** @param clock Unix milliseconds */
export function createRecentlyRight(clock: () => number): RecentlyRight {
  const secret = randomBytes(32)
  // In the order of their last use.
  const entries = new Map<string, Entry>()
  const name = (profile: string, network: string) => JSON.stringify([profile, network])

  function put(key: string, digest: string): void {
    entries.delete(key)
    entries.set(key, { digest, until: clock() + KEPT, misses: 0 })
    if (entries.size > MOST) entries.delete(entries.keys().next().value as string)
  }

  return {
    digest: (password, stored) =>
      createHmac('sha256', secret)
        .update(JSON.stringify([stored, password]))
        .digest('base64'),
    knows(profile, network, digest) {
      const key = name(profile, network)
      const entry = entries.get(key)
      if (entry === undefined) return false
      if (entry.until <= clock()) {
        entries.delete(key)
        return false
      }
      // Compared as HMACs under a key that nobody knows: how long it takes tells nothing.
      if (entry.digest === digest) {
        entries.delete(key)
        entries.set(key, entry)
        return true
      }
      entry.misses += 1
      if (entry.misses >= MISSES) entries.delete(key)
      return false
    },
    remember: (profile, network, digest) => put(name(profile, network), digest),
  }
}
