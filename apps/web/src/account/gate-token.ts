/**
 * A gate's token that a person brings along, where the gate has no log-in that a browser could be sent to. It is kept as a cookie,
 * until it runs out: unlike a header that also goes with the live connection, and with the page.
 */
import { TOKEN_COOKIE } from '#account/gate'
import type { HostClient } from '#host/methods'

export type TokenOutcome = 'kept' | 'expired' | 'malformed'

interface TokenOptions {
  readonly accessToken: string
  /** Unix milliseconds. */
  readonly now: number
}

export async function keepGateToken(
  vault: Pick<HostClient, 'readGateToken'>,
  { accessToken, now }: TokenOptions,
): Promise<TokenOutcome> {
  const pass = await vault.readGateToken(accessToken)
  if (pass === undefined) return 'malformed'
  const { headers, expiresAt } = pass
  if (expiresAt !== undefined && expiresAt <= now) return 'expired'
  const cookie = headers['cookie'] ?? `${TOKEN_COOKIE}=${accessToken}`
  const until = expiresAt === undefined ? '' : `; expires=${new Date(expiresAt).toUTCString()}`
  const secure = location.protocol === 'https:' ? '; secure' : ''
  // biome-ignore lint/suspicious/noDocumentCookie: Safari and Firefox have no other way to it everywhere
  document.cookie = `${cookie}; path=/; samesite=strict${secure}${until}`
  return 'kept'
}
