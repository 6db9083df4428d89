/** What fuzz tests share: mutations, and a count of what they led to. */
import { expect } from 'vitest'
import { CryptoError } from '#errors'
import type { Random } from '../../../../tests/support/random.ts'

/** Counts outcomes: a fuzzer that only ever meets the first check proves little. */
export class Tally {
  readonly counts = new Map<string, number>()

  async run(action: () => unknown): Promise<unknown> {
    try {
      const result = await action()
      this.#add('accepted')
      return result
    } catch (error) {
      if (!(error instanceof CryptoError)) throw new Error(`not a CryptoError: ${error}`, { cause: error })
      this.#add(error.code)
      return undefined
    }
  }

  #add(outcome: string): void {
    this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + 1)
  }

  /** Nothing but `outcomes` came up and, unless the run is a small one, each did, for one input in 200 or more. */
  report(name: string, inputs: number, outcomes: readonly string[]): void {
    console.log(`${name}: ${inputs} inputs; ${[...this.counts].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`)
    expect([...this.counts.keys()].filter((outcome) => !outcomes.includes(outcome))).toEqual([])
    if (inputs < 1000) return
    for (const outcome of outcomes) expect(this.counts.get(outcome) ?? 0, outcome).toBeGreaterThan(inputs / 200)
  }
}

/** Cut, longer, itself, a piece moved, or some bytes changed. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes)
  switch (random.below(6)) {
    case 0:
      return out.subarray(0, random.below(out.length + 1))
    case 1:
      return Uint8Array.from([...out, ...random.bytes(random.below(40))])
    case 2:
      return out
    case 3: {
      const from = random.below(out.length + 1)
      return out.copyWithin(random.below(out.length + 1), from, from + random.below(64))
    }
    default:
      for (let i = random.between(1, 4); i > 0 && out.length > 0; i--) out[random.below(out.length)] = random.below(256)
      return out
  }
}
