/** What a failure means for the person and what to do, from its stable code: the engine's own sentences speak of commands. */
import { toFailure } from '#link/messages'
import { t } from '#strings/strings'
import { failureText } from '#text/failure-text'

export interface Trouble {
  readonly text: string
  /** What the interface can do about it. */
  readonly remedy?: 'gate' | 'passphrase'
}

export interface TroubleContext {
  /** As typed, or the device's. */
  readonly server: string
  /** Where the page came from. */
  readonly origin: string
  readonly vault: string
}

export function isElsewhere(server: string, origin: string): boolean {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `https://${server}`
  return !URL.canParse(url) || new URL(url).origin !== origin
}

/** @param failure what was thrown, here or in the host */
export function explain(failure: unknown, context: TroubleContext): Trouble {
  const { name, code, retryAfter } = toFailure(failure)
  const { server, origin, vault } = context
  const w = t.account.trouble
  switch (code) {
    case 'offline':
      return { text: isElsewhere(server, origin) ? w.elsewhere(server, origin) : w.offline(server) }
    case 'server-refused':
      return { text: isElsewhere(server, origin) ? w.elsewhere(server, origin) : failureText(failure) }
    case 'gate-refused':
      return { text: w.gate(server), remedy: 'gate' }
    case 'wrong-credentials':
      return { text: w.wrong(vault), remedy: 'passphrase' }
    case 'too-many-attempts':
      return { text: retryAfter === undefined ? w.lockedOut : w.lockedOutFor(Math.ceil(retryAfter / 60)) }
    case 'sign-up-refused':
      // The engine explains a closed sign-up itself; of a set-up token it hands on what the server said.
      return { text: name === 'ServerProblem' ? w.setupToken : w.noSignUp(vault) }
    case 'wrong-vault':
      return { text: w.wrongVault }
    case 'device-revoked':
      return { text: w.revoked }
    case 'already-signed-in':
      return { text: w.already }
    case 'code-unknown':
      return { text: t.profiles.trouble.code }
    case 'vault-removed':
      return { text: t.profiles.trouble.removed }
    case 'quota-exceeded':
      return { text: w.full }
    case 'storage-failed':
      return { text: w.storage }
    default:
      return { text: failureText(failure) }
  }
}
