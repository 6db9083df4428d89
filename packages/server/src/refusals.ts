/** Refusals that more than one route gives: worded once, so that they cannot be told apart. */
import type { Guess } from '#guesses'
import { ProblemError } from '#problems'

export function wrongCredentials(): ProblemError {
  return new ProblemError('wrong-credentials', 'the name or the password is wrong')
}

/** @throws ProblemError with `Retry-After` unless the guess may be made. */
export function requireAllowed(
  guess: Guess,
  code: 'too-many-attempts' | 'too-many-requests' = 'too-many-attempts',
): Extract<Guess, { allowed: true }> {
  if (guess.allowed) return guess
  const { retryAfter } = guess
  throw new ProblemError(code, `too many attempts; wait ${retryAfter} seconds`, {
    headers: { 'retry-after': String(retryAfter) },
    extra: { retryAfter },
  })
}
