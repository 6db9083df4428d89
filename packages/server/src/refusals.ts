/** Refusals that more than one route gives: worded once, so that they cannot be told apart. */
import { toBase64Url } from '@lockstep/protocol/bytes'
import type { Coverage } from '@lockstep/protocol/http'
import { MAX_EPOCH_JUMP } from '@lockstep/protocol/limits'
import type { Guess } from '#guesses'
import type { Limits } from '#limits'
import { ProblemError } from '#problems'
import type { EpochAhead, EpochClosed } from '#storage/storage'

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

/** Its devices keep all they have and stop asking [VAULT-1]. */
export function vaultRemoved(): ProblemError {
  return new ProblemError('vault-removed', 'this vault was removed from this server; what its devices hold stays with them')
}

export function coverageToJson(coverage: Coverage): readonly unknown[] {
  return coverage.map(({ replica, ranges, digest }) => ({ replica: toBase64Url(replica), ranges, digest: toBase64Url(digest) }))
}

/** [KEY-4] */
export function epochClosed({ epoch, counter, previous }: EpochClosed): ProblemError {
  return new ProblemError('epoch-closed', 'a device was revoked and the key has changed: fetch the rotations', {
    extra: { epoch, counter, previous: toBase64Url(previous) },
  })
}

/** A device that makes up epochs would use them up for all others [KEY-4]. */
export function epochAhead({ epoch }: EpochAhead): ProblemError {
  const detail = `an epoch is more than ${MAX_EPOCH_JUMP} later than the vault's, which is ${epoch}: nothing was stored`
  return new ProblemError('bad-segment', detail)
}

/** What a device shows to its person, who can only ask whoever runs the server: emptying the trash would be a push, too. */
export function quotaExceeded({ quotaBytes }: Limits): ProblemError {
  const detail = `the vault would be larger than the ${quotaBytes} bytes that this server keeps for each: nothing was stored`
  return new ProblemError('quota-exceeded', detail, { extra: { quota: quotaBytes } })
}
