/**
 * How passwords are stored: never as the transport hash that the client sends, which opens the profile, but as a slow hash of it.
 *
 *     v2:<iterations>:<base64 of 16 random bytes>:<base64 of 32 bytes>
 *
 * The 32 bytes are PBKDF2-HMAC-SHA-256 of the transport hash's UTF-8 under the 16 bytes as salt. 100 000 iterations are what the client
 * spends on the content key of the same password: who has the database can try passwords on the sealed rows at that price, so more
 * here would protect nothing. Hashes of fewer iterations than the server is set to are made anew when the right password comes by.
 *
 * PBKDF2 runs on Node's pool of threads. Few run at a time, and few wait: whoever sends passwords by the thousand is sent away, and
 * the pool stays free for others.
 */
import { pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const SALT_BYTES = 16
const HASH_BYTES = 32
const FORMAT = /^v2:(\d{1,9}):([A-Za-z0-9+/]{22}==):([A-Za-z0-9+/]{43}=)$/

/** At one time. Node's pool has four threads. */
const RUNNING = 2
const WAITING = 64

export const ITERATIONS = 100_000

/** 32 bytes. */
export type Derive = (password: string, salt: Uint8Array, iterations: number) => Promise<Uint8Array>

const derivePbkdf2: Derive = (password, salt, iterations) => promisify(pbkdf2)(password, salt, iterations, HASH_BYTES, 'sha256')

/** More passwords are waiting to be checked than the server will hold. */
export class BusyError extends Error {
  constructor() {
    super('too many passwords are being checked')
    this.name = 'BusyError'
  }
}

export interface SlowHash {
  /** A new stored text. @throws BusyError */
  make(password: string): Promise<string>
  /** `outdated`: right, and to be stored anew. @throws BusyError */
  check(password: string, stored: string): Promise<'right' | 'outdated' | 'wrong'>
}

export interface SlowHashOptions {
  readonly iterations?: number | undefined
  readonly derive?: Derive | undefined
}

export function createSlowHash({ iterations = ITERATIONS, derive = derivePbkdf2 }: SlowHashOptions = {}): SlowHash {
  let running = 0
  const waiting: (() => void)[] = []

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running < RUNNING) running += 1
    else {
      if (waiting.length >= WAITING) throw new BusyError()
      // Whoever ends hands its turn on.
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }

  return {
    async make(password) {
      const salt = randomBytes(SALT_BYTES)
      const hash = await inTurn(() => derive(password, salt, iterations))
      return `v2:${iterations}:${salt.toString('base64')}:${Buffer.from(hash).toString('base64')}`
    },
    async check(password, stored) {
      const [, count, salt, hash] = FORMAT.exec(stored) ?? []
      if (count === undefined || salt === undefined || hash === undefined)
        throw new Error('a stored password is in no known format')
      const made = await inTurn(() => derive(password, Buffer.from(salt, 'base64'), Number(count)))
      if (!timingSafeEqual(made, Buffer.from(hash, 'base64'))) return 'wrong'
      return Number(count) < iterations ? 'outdated' : 'right'
    },
  }
}
