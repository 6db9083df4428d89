/**
 * Randomness is a parameter: the platform adapters pass the operating system's generator, tests pass a seeded one.
 */
import { checkLength } from '#bytes'

/** Returns `length` fresh, unpredictable bytes on each call. */
export type RandomBytes = (length: number) => Uint8Array

/**
 * A short answer would make a guessable key or a repeated salt, so it is refused.
 *
 * @throws CryptoError `bad-argument`.
 */
export function takeRandom(random: RandomBytes, length: number): Uint8Array {
  const bytes = random(length)
  checkLength(bytes, length, 'what the random source returned')
  return bytes
}
