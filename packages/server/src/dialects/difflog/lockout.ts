/**
 * How many wrong passwords are borne. A guess is counted before it is checked and taken back when it was right, so that a burst in
 * parallel gets no more checks than a slow one; counts are in the database, so a restart resets nothing.
 *
 * | bucket | rule |
 * | --- | --- |
 * | (profile, network) | 5, then 15 minutes of nothing; forgotten after 5 minutes without one, or with a right password |
 * | profile, all networks that were not right in the last 30 days | 100 an hour |
 * | (profile, network), a network that was | 100 an hour |
 *
 * The first is what clients are told of. It is counted by network so that a stranger locks out nobody but their own neighbours;
 * the others bound what many networks can do together, and what the resets of a busy owner give to somebody behind the same address.
 */
import { type Guesses, type GuessRule, nextAllowed } from '#guesses'
import type { GuessBucket, GuessTimes, Storage } from '#storage/storage'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const CEILING: GuessRule = { count: 100, window: 60 * MINUTE, burst: 0 }
const KNOWN_FOR = 30 * DAY

export interface LockoutRule {
  /** Wrong ones in a row until it locks. */
  readonly attempts: number
  readonly lockSeconds: number
  /** They are forgotten when none came for so long. */
  readonly idleSeconds: number
}

export const DEFAULT_LOCKOUT: LockoutRule = { attempts: 5, lockSeconds: 15 * 60, idleSeconds: 5 * 60 }

/** The wrong ones that still count. All of a rule's attempts: it is locked. */
export function standing(rule: LockoutRule, times: GuessTimes, now: number): GuessTimes {
  // What a clock that was set back finds in the future counts no more: it must not lock anybody out for longer than the rule says.
  const past = times.filter((time) => time <= now)
  const last = past.at(-1)
  if (last === undefined) return []
  const kept = past.length >= rule.attempts ? rule.lockSeconds : rule.idleSeconds
  return now - last >= kept * 1000 ? [] : past
}

/** When a locked one opens, Unix milliseconds; `now` when it is open. */
function opensAt(rule: LockoutRule, counted: GuessTimes, now: number): number {
  return counted.length >= rule.attempts ? (counted.at(-1) as number) + rule.lockSeconds * 1000 : now
}

export type Attempt =
  | { readonly allowed: false /** Seconds, at least 1. */; readonly retryAfter: number }
  | {
      readonly allowed: true
      /** Attempts left if this one is wrong. */
      readonly remaining: number
      right(): Promise<void>
      /** It could not be checked. */
      withdraw(): Promise<void>
    }

export interface Lockout {
  /** Counts an attempt, before it is checked. */
  attempt(profile: string, network: string): Promise<Attempt>
  /** A right password that did not have to be checked: earlier wrong ones are forgotten, unless it is locked. */
  forget(profile: string, network: string): Promise<void>
}

export interface LockoutOptions {
  readonly rule: LockoutRule
  readonly storage: Storage
  readonly guesses: Guesses
  readonly clock: () => number
}

export function createLockout({ rule, storage, guesses, clock }: LockoutOptions): Lockout {
  const keysOf = (profile: string, network: string) =>
    [
      guesses.key('difflog-password', profile, network),
      guesses.key('difflog-known', profile, network),
      guesses.key('difflog-strangers', profile),
      guesses.key('difflog-neighbours', profile, network),
    ] as const

  const wrongBucket = (key: Uint8Array, times: GuessTimes, now: number): GuessBucket => ({
    key,
    times,
    expiresAt: now + 1000 * Math.max(rule.lockSeconds, rule.idleSeconds),
  })
  const ceilingBucket = (key: Uint8Array, times: GuessTimes, now: number): GuessBucket => ({
    key,
    times: times.slice(-CEILING.count),
    expiresAt: now + CEILING.window,
  })

  const without = (times: GuessTimes, counted: number) =>
    times.toSpliced(times.lastIndexOf(counted), times.includes(counted) ? 1 : 0)

  function right(profile: string, network: string, counted: number): Promise<void> {
    const keys = keysOf(profile, network)
    const now = clock()
    return storage.changeGuesses(keys, now, ([, , strangers = [], neighbours = []]) => ({
      store: [
        wrongBucket(keys[0], [], now),
        { key: keys[1], times: [now], expiresAt: now + KNOWN_FOR },
        ceilingBucket(keys[2], without(strangers, counted), now),
        ceilingBucket(keys[3], without(neighbours, counted), now),
      ],
      result: undefined,
    }))
  }

  function withdraw(profile: string, network: string, counted: number): Promise<void> {
    const keys = keysOf(profile, network)
    const now = clock()
    return storage.changeGuesses(keys, now, ([wrong = [], , strangers = [], neighbours = []]) => ({
      store: [
        wrongBucket(keys[0], without(wrong, counted), now),
        ceilingBucket(keys[2], without(strangers, counted), now),
        ceilingBucket(keys[3], without(neighbours, counted), now),
      ],
      result: undefined,
    }))
  }

  return {
    attempt(profile, network) {
      const keys = keysOf(profile, network)
      const now = clock()
      return storage.changeGuesses<Attempt>(keys, now, ([times = [], known = [], strangers = [], neighbours = []]) => {
        const wrong = standing(rule, times, now)
        const [key, ceiling] = known.length > 0 ? ([keys[3], neighbours] as const) : ([keys[2], strangers] as const)
        const opens = Math.max(opensAt(rule, wrong, now), nextAllowed(CEILING, ceiling, now))
        if (opens > now) return { store: [], result: { allowed: false, retryAfter: Math.ceil((opens - now) / 1000) } }
        return {
          store: [wrongBucket(keys[0], [...wrong, now], now), ceilingBucket(key, [...ceiling, now], now)],
          result: {
            allowed: true,
            remaining: Math.max(0, rule.attempts - wrong.length - 1),
            right: () => right(profile, network, now),
            withdraw: () => withdraw(profile, network, now),
          },
        }
      })
    },
    forget(profile, network) {
      const key = keysOf(profile, network)[0]
      const now = clock()
      return storage.changeGuesses([key], now, ([times = []]) => {
        const wrong = standing(rule, times, now)
        const open = wrong.length < rule.attempts
        return { store: open && times.length > 0 ? [wrongBucket(key, [], now)] : [], result: undefined }
      })
    },
  }
}
