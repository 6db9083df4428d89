/** What a failure means for whoever is looking at it, in their language: from its stable code where that says all, else its own words. */
import { toFailure } from '#link/messages'
import { t } from '#strings/strings'

/** @param failure what was thrown, here or in the host */
export function failureText(failure: unknown): string {
  const { name, code, message } = toFailure(failure)
  const { failures } = t
  // The browser's own, as a clipboard's that is not to be written to.
  if (name === 'NotAllowedError') return failures.notAllowed
  switch (code) {
    case 'no-such-row':
      return failures.gone
    case 'value-too-large':
      return failures.tooLarge
    case 'no-such-device':
      return failures.noSuchDevice
    case 'busy':
      return failures.busy
    case 'full':
      return t.account.trouble.storage
    case 'io':
      return failures.unusable
    case 'corrupt':
      return failures.corrupt
    default:
      return t.said(message)
  }
}
