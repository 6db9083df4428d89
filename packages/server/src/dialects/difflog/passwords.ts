/**
 * Who may do something with a profile: the order of refusals that all password routes share, and what a right password costs.
 *
 * 1. unknown profile, 2. a password that was right from this network a while ago passes, 3. locked, 4. wrong. A password is derived
 * once when the same one arrives several times at once: the others wait for it, and pass if it was right. If it was wrong each of them
 * still counts as a guess.
 */
import type { Lockout } from '#dialects/difflog/lockout'
import type { RecentlyRight } from '#dialects/difflog/recently-right'
import { locked, profileNotFound, Refusal, tooMany, wrongPassword } from '#dialects/difflog/refusal'
import { BusyError, type SlowHash } from '#dialects/difflog/slow-hash'
import type { Access, DifflogStore, StoredProfile } from '#storage/difflog'

/** How often a step is tried anew whose password was changed, or stored anew, between check and step. */
const TRIES = 4

export interface Presented {
  /** The transport hash, as it was sent. */
  readonly password: string
  readonly network: string
}

export interface Passwords {
  /**
   * Checks the password and takes a step that it allows; both anew if the profile's password is another one by then.
   *
   * @throws Refusal
   */
  allow<T>(id: string, presented: Presented, step: (access: Access) => Promise<T | 'stale'>): Promise<T>
  /** The stored text for a new password. @throws Refusal */
  make(password: string): Promise<string>
  /** A password that somebody has just changed, who was right with the one before, is right without a check. */
  remember(id: string, presented: Presented, stored: string): void
}

export interface PasswordsOptions {
  readonly store: DifflogStore
  readonly slowHash: SlowHash
  readonly lockout: Lockout
  readonly recentlyRight: RecentlyRight
  readonly lockSeconds: number
}

function busy(error: unknown): never {
  if (error instanceof BusyError) throw tooMany('Too many requests', 1)
  throw error
}

export function createPasswords(options: PasswordsOptions): Passwords {
  const { store, slowHash, lockout, recentlyRight, lockSeconds } = options
  const underWay = new Map<string, Promise<'right' | 'wrong' | 'unchecked'>>()

  /** Not now if the server is busy: there will be another time. */
  async function storeAnew(access: Access, password: string): Promise<Access> {
    try {
      const stored = await slowHash.make(password)
      const outcome = await store.changeProfile(access, { password: stored })
      // Stale: somebody else did it, or changed the password; the step will find out.
      return outcome === 'stale' ? access : { key: access.key, password: stored }
    } catch (error) {
      if (error instanceof BusyError) return access
      throw error
    }
  }

  interface Guess extends Presented {
    readonly profile: StoredProfile
    readonly knownWrong: boolean
  }

  async function guess({ profile, password, network, knownWrong }: Guess): Promise<Access> {
    const { id, access } = profile
    const attempt = await lockout.attempt(id, network)
    if (!attempt.allowed) throw locked(attempt.retryAfter)
    const outcome = knownWrong
      ? 'wrong'
      : await slowHash.check(password, access.password).catch(async (error) => {
          await attempt.withdraw()
          return busy(error)
        })
    if (outcome === 'wrong') throw wrongPassword(attempt.remaining, lockSeconds)
    await attempt.right()
    const now = outcome === 'outdated' ? await storeAnew(access, password) : access
    recentlyRight.remember(id, network, recentlyRight.digest(password, now.password))
    return now
  }

  /** @throws Refusal */
  async function check(profile: StoredProfile, { password, network }: Presented): Promise<Access> {
    const { id, access } = profile
    const digest = recentlyRight.digest(password, access.password)
    if (recentlyRight.knows(id, network, digest)) {
      await lockout.forget(id, network)
      return access
    }
    const same = JSON.stringify([network, digest])
    const first = underWay.get(same)
    if (first !== undefined) {
      const outcome = await first
      if (outcome === 'right') return access
      return guess({ profile, password, network, knownWrong: outcome === 'wrong' })
    }
    const made = guess({ profile, password, network, knownWrong: false })
    const outcome = made.then(
      () => 'right' as const,
      (error) => (error instanceof Refusal && error.status === 401 ? ('wrong' as const) : ('unchecked' as const)),
    )
    underWay.set(same, outcome)
    try {
      return await made
    } finally {
      underWay.delete(same)
    }
  }

  return {
    async allow(id, presented, step) {
      for (let tries = 0; tries < TRIES; tries++) {
        const profile = await store.profile(id)
        if (profile === undefined) throw profileNotFound()
        const result = await step(await check(profile, presented))
        if (result !== 'stale') return result as Exclude<typeof result, 'stale'>
      }
      throw tooMany('Too many requests', 1)
    },
    make: (password) => slowHash.make(password).catch(busy),
    remember: (id, { password, network }, stored) => recentlyRight.remember(id, network, recentlyRight.digest(password, stored)),
  }
}
