/** Why a sign-in is refused, as the person is told it. */
import { EngineError } from '#errors'
import type { ServerProblem } from '#server-problem'
import type { SignInRequest } from '#sign-in'

export function wrongCredentials(): EngineError {
  return new EngineError('wrong-credentials', 'wrong password or passphrase, or no such vault on this server')
}

/** A device comes back to a vault that it has been in. */
export function wrongOrGone(cause: EngineError): EngineError {
  const detail = 'wrong password or passphrase; or this server has lost the vault, and --new makes it there again'
  return new EngineError('wrong-credentials', detail, { cause })
}

/** A device of one vault signs in to another. `hasKeys`: it may still be in the one that it has. */
export function wrongVault(hasKeys: boolean): EngineError {
  const detail = hasKeys
    ? 'this device holds another vault: use another home, or sign out with --wipe first'
    : 'this device holds another vault: use another home; or, where this one was made of it, bring what is here into it with --merge'
  return new EngineError('wrong-vault', detail)
}

export function deviceRevoked(cause: ServerProblem): EngineError {
  return new EngineError(
    'device-revoked',
    'this device was revoked from another one, for good. What it holds stays readable here; to take part again, sign in from a new home, and import there what it had not sent',
    { cause },
  )
}

/** What a refused sign-up means for the person; other refusals say it themselves. */
export function explainSignUp(error: ServerProblem, request: SignInRequest): EngineError {
  if (error.problem === 'sign-up-closed' || error.problem === 'wrong-credentials') {
    return new EngineError(
      'sign-up-refused',
      `this server makes no new vault "${request.vault}". If it is yours already, sign in as another device with its passphrase (read it on a device that is signed in)`,
      { cause: error },
    )
  }
  return error
}
