/**
 * Seeded randomness for tests: everything random in a test comes from one printed seed, so that a failure repeats.
 *
 * A run of the suite takes the same seeds each time, so that it fails for what was changed and not by luck. What looks for new
 * failures takes others: `LOCKSTEP_FROM=random` or `LOCKSTEP_FROM=<first seed>`, with `LOCKSTEP_RUNS` as many times as many.
 * `LOCKSTEP_SEED` replays one seed.
 */

/** xoshiro128** seeded by splitmix32: small, quick, good enough for tests; never used for secrets. */
export class Random {
  readonly seed: number
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number) {
    this.seed = seed >>> 0
    let state = this.seed
    const next = () => {
      state = (state + 0x9e3779b9) | 0
      let z = state ^ (state >>> 16)
      z = Math.imul(z, 0x21f0aaad)
      z ^= z >>> 15
      z = Math.imul(z, 0x735a2d97)
      return (z ^ (z >>> 15)) >>> 0
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next()
  }

  /** Unsigned 32-bit. */
  u32(): number {
    const rotated = Math.imul(this.#b, 5)
    const result = Math.imul((rotated << 7) | (rotated >>> 25), 9) >>> 0
    const t = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= t
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** In [0, 1). */
  float(): number {
    return this.u32() / 2 ** 32
  }

  /** Integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.float() * bound)
  }

  /** Integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.float() < probability
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('pick from an empty list')
    return items[this.below(items.length)] as T
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) out[i] = this.u32() & 0xff
    return out
  }

  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items]
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const swap = out[i] as T
      out[i] = out[j] as T
      out[j] = swap
    }
    return out
  }

  /** A generator of its own, so that what one part of a test draws does not shift what another draws. */
  fork(): Random {
    return new Random(this.u32())
  }
}

/** Number of runs for a randomised test: `base` times `LOCKSTEP_RUNS` (default 1), at least 1. */
export function runs(base: number): number {
  const factor = Number(process.env['LOCKSTEP_RUNS'] ?? '1')
  if (!Number.isFinite(factor) || factor <= 0) throw new RangeError('LOCKSTEP_RUNS must be a positive number')
  return Math.max(1, Math.round(base * factor))
}

function firstSeed(): number {
  const from = process.env['LOCKSTEP_FROM'] ?? '1'
  if (from === 'random') return Math.floor(Math.random() * 2 ** 32)
  if (!/^\d+$/.test(from)) throw new RangeError('LOCKSTEP_FROM must be "random" or the first seed')
  return Number(from) >>> 0
}

/** The seeds of a randomised test, printed: with `LOCKSTEP_SEED` just that one, else `runs(base)` of them. */
export function seeds(test: string, base: number): number[] {
  const replay = process.env['LOCKSTEP_SEED']
  if (replay !== undefined) return [Number(replay) >>> 0]
  const start = firstSeed()
  const count = runs(base)
  console.log(`${test}: ${count} runs, seeds ${start} to ${(start + count - 1) >>> 0}`)
  return Array.from({ length: count }, (_, i) => (start + i) >>> 0)
}

/** Runs `body` for each seed; a failure names the command that repeats it. */
export async function forEachSeed(
  test: string,
  base: number,
  file: string,
  body: (random: Random, seed: number) => void | Promise<void>,
): Promise<number> {
  const all = seeds(test, base)
  for (const seed of all) {
    try {
      await body(new Random(seed), seed)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new Error(`${test} failed: ${message}\n  repeat it: LOCKSTEP_SEED=${seed} npx vitest run ${file}`, { cause: error })
    }
  }
  return all.length
}
