/**
 * A gate's token that a person brings along, where the gate has no log-in that a browser could be sent to. It is kept as a cookie,
 * until it runs out: unlike a header that also goes with the live connection, and with the page.
 */
import { readPass } from '@lockstep/engine/gate'
import { TOKEN_COOKIE } from '#account/gate'

export type TokenOutcome = 'kept' | 'expired' | 'malformed'

/** @param now Unix milliseconds */
export function keepGateToken(accessToken: string, now: number): TokenOutcome {
  let pass: ReturnType<typeof readPass>
  try {
    pass = readPass({ accessToken })
  } catch {
    return 'malformed'
  }
  const { headers, expiresAt } = pass
  if (expiresAt !== undefined && expiresAt <= now) return 'expired'
  const cookie = headers['cookie'] ?? `${TOKEN_COOKIE}=${accessToken}`
  const until = expiresAt === undefined ? '' : `; expires=${new Date(expiresAt).toUTCString()}`
  const secure = location.protocol === 'https:' ? '; secure' : ''
  // biome-ignore lint/suspicious/noDocumentCookie: Safari and Firefox have no other way to it everywhere
  document.cookie = `${cookie}; path=/; samesite=strict${secure}${until}`
  return 'kept'
}
