/**
 * Guess limits [KEY-10]. A guess is counted before it is checked and taken back when it was right, so a burst in
 * parallel gets no more checks than a slow one; the counts are in the database, so a restart resets nothing.
 *
 * A rule has one form: at most `count` guesses in any `window`; and when `count` of them fall into `burst`, the window
 * starts again at the last one. With 5, 15 minutes and 5 minutes that is "5 wrong ones within 5 minutes → 15 minutes
 * of 429", and never more than 5 checks in any 15 minutes.
 *
 * | bucket | rule |
 * | --- | --- |
 * | (vault name, network), sign-in without a known cookie | 5, 15 min, 5 min |
 * | vault name, everyone without a known cookie | 100 an hour |
 * | (vault name, device cookie) | 5, 15 min, 5 min |
 * | (vault, device), password change | 5, 15 min, 5 min |
 * | network, set-up token | 5, 15 min, 5 min |
 * | network, sign-up under `open` | 10 an hour |
 * | network, code [SHR-2] | 10, 15 min, 5 min |
 * | everybody, code | 1000 an hour |
 *
 * Dialects keep buckets of their own kinds in the same table.
 *
 * A bucket's key is an HMAC: the table tells nobody which names were tried from where. Those of one name begin alike, so that they
 * go with the vault.
 */
import { concatBytes, encodeUtf8 } from '@lockstep/protocol/bytes'
import type { GuessBucket, GuessTimes, Storage } from '#storage/storage'

const MINUTE = 60_000

export interface GuessRule {
  readonly count: number
  /** Milliseconds. */
  readonly window: number
  /** Milliseconds; 0 where a burst is no worse than the same number spread out. */
  readonly burst: number
}

export const PASSWORD_RULE: GuessRule = { count: 5, window: 15 * MINUTE, burst: 5 * MINUTE }
export const VAULT_RULE: GuessRule = { count: 100, window: 60 * MINUTE, burst: 0 }
export const SIGN_UP_RULE: GuessRule = { count: 10, window: 60 * MINUTE, burst: 0 }
/** Codes are typed by hand: a person errs more often than with a password that they know. */
const CODE_RULE: GuessRule = { count: 10, window: 15 * MINUTE, burst: 5 * MINUTE }
/** Finds a code that is always open in a hundred years; one of 10 000, all that there can be, in four days: an address and a name. */
const ALL_CODES_RULE: GuessRule = { count: 1000, window: 60 * MINUTE, burst: 0 }

/** When the next guess is allowed: `now` or earlier when it is allowed now. Unix milliseconds. */
export function nextAllowed(rule: GuessRule, times: GuessTimes, now: number): number {
  if (times.length < rule.count) return now
  // A clock that was set back must not lock anybody out for longer than a window.
  const first = Math.min(times[times.length - rule.count] as number, now)
  const last = Math.min(times[times.length - 1] as number, now)
  return (last - first < rule.burst ? last : first) + rule.window
}

/** Where a guess is counted. */
export interface GuessPlace {
  readonly rule: GuessRule
  readonly key: Uint8Array
}

export type Guess =
  | { readonly allowed: false /** Seconds, at least 1. */; readonly retryAfter: number }
  | { readonly allowed: true /** Takes the guess back: it was right. */; withdraw(): Promise<void> }

/** Names a bucket by its kind and the parts that tell it from others of that kind. 16 bytes. */
export type BucketKey = (kind: string, ...parts: readonly (string | Uint8Array)[]) => Uint8Array

export interface Guesses {
  /** A sign-in, or a sign-up with a name that may be taken. `cookieHash`: of a cookie that the vault knows. */
  signIn(name: string, network: string, cookieHash: Uint8Array | undefined): Promise<Guess>
  passwordChange(name: string, deviceId: Uint8Array): Promise<Guess>
  setupToken(network: string): Promise<Guess>
  signUp(network: string): Promise<Guess>
  code(network: string): Promise<Guess>
  /** What the keys of all buckets of a vault's name begin with. */
  prefixOf(name: string): Uint8Array
  /** A guess that counts in buckets which the caller names by `key`. */
  at(places: readonly GuessPlace[]): Promise<Guess>
  readonly key: BucketKey
}

export interface GuessesOptions {
  readonly storage: Storage
  readonly clock: () => number
  readonly hmac: (message: Uint8Array) => Uint8Array
}

export function createGuesses({ storage, clock, hmac }: GuessesOptions): Guesses {
  const key: BucketKey = (kind, ...parts) => {
    const bytes = parts.map((part) => (typeof part === 'string' ? encodeUtf8(part) : part))
    // Each part is hashed on its own, so that no two lists of parts run together to the same bytes.
    return hmac(concatBytes(encodeUtf8(`guess/${kind}`), ...bytes.map((part) => hmac(part)))).slice(0, 16)
  }

  const prefixOf = (name: string) => key('name', name)
  const ofName = (name: string, kind: string, ...parts: readonly (string | Uint8Array)[]) =>
    concatBytes(prefixOf(name), key(kind, ...parts))

  const bucket = ({ rule, key }: GuessPlace, times: GuessTimes, now: number): GuessBucket => ({
    key,
    times: times.slice(-rule.count),
    expiresAt: Math.max(now, ...times) + rule.window,
  })

  async function count(places: readonly GuessPlace[]): Promise<Guess> {
    const now = clock()
    const keys = places.map((place) => place.key)
    const allowedAt = await storage.changeGuesses(keys, now, (stored) => {
      const next = Math.max(...places.map(({ rule }, i) => nextAllowed(rule, stored[i] ?? [], now)))
      if (next > now) return { store: [], result: next }
      return { store: places.map((place, i) => bucket(place, [...(stored[i] ?? []), now], now)), result: next }
    })
    if (allowedAt > now) return { allowed: false, retryAfter: Math.max(1, Math.ceil((allowedAt - now) / 1000)) }
    return {
      allowed: true,
      withdraw: () =>
        storage.changeGuesses(keys, now, (stored) => ({
          store: places.map((place, i) => {
            const times = [...(stored[i] ?? [])]
            const at = times.lastIndexOf(now)
            if (at !== -1) times.splice(at, 1)
            return bucket(place, times, now)
          }),
          result: undefined,
        })),
    }
  }

  return {
    signIn(name, network, cookieHash) {
      if (cookieHash !== undefined) return count([{ rule: PASSWORD_RULE, key: ofName(name, 'cookie', cookieHash) }])
      return count([
        { rule: PASSWORD_RULE, key: ofName(name, 'network', network) },
        { rule: VAULT_RULE, key: ofName(name, 'vault') },
      ])
    },
    passwordChange: (name, deviceId) => count([{ rule: PASSWORD_RULE, key: ofName(name, 'device', deviceId) }]),
    setupToken: (network) => count([{ rule: PASSWORD_RULE, key: key('setup', network) }]),
    signUp: (network) => count([{ rule: SIGN_UP_RULE, key: key('sign-up', network) }]),
    code: (network) =>
      count([
        { rule: CODE_RULE, key: key('code', network) },
        { rule: ALL_CODES_RULE, key: key('codes') },
      ]),
    prefixOf,
    at: count,
    key,
  }
}
