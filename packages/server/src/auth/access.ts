/**
 * Cloudflare Access as the gate. Its edge signs in whom the team's policy lets in and passes a token on with each request;
 * this server verifies it, so that nobody who reaches it past the edge gets in. Who may pass is decided by that policy:
 * there is no list here.
 *
 * The token is in the header `cf-access-jwt-assertion`, which the edge sets, or, where that is absent, in the cookie
 * `CF_Authorization`, which a client sends that reaches the server without the edge.
 */
import { cookieOf } from '#auth/cookies'
import type { Gate } from '#auth/gate'
import { fetchDocument, type IssuerFetch, issuerUrl } from '#auth/issuer-documents'
import { createKeySet } from '#auth/key-set'
import { createTokenCheck, refuse } from '#auth/token-check'

const ALGORITHMS = ['RS256'] as const
const TEAM = /^(?:https:\/\/)?([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.cloudflareaccess\.com\/?)?$/i

export interface AccessGateOptions {
  /** The team's name, or its address `<team>.cloudflareaccess.com`. */
  readonly team: string
  /** Application audience (AUD) tags; a token must have one of them. */
  readonly audiences: readonly string[]
  /** Where the keys are, in place of the team's own address. */
  readonly certsUrl?: string | undefined
  readonly fetch: IssuerFetch
  /** Unix milliseconds. */
  readonly clock: () => number
  /** Told why keys could not be fetched, at most once a minute. */
  readonly report?: (trouble: string) => void
}

/** @throws RangeError for settings that cannot work, with a sentence */
export function createAccessGate({ team, audiences, certsUrl, fetch, clock, report = () => {} }: AccessGateOptions): Gate {
  const name = TEAM.exec(team)?.[1]?.toLowerCase()
  if (name === undefined) throw new RangeError('the Access team must be a name like "example", of example.cloudflareaccess.com')
  if (audiences.length === 0 || audiences.includes('')) throw new RangeError('Access needs the AUD tag of the application')
  const issuer = `https://${name}.cloudflareaccess.com`
  const certs = issuerUrl(certsUrl ?? `${issuer}/cdn-cgi/access/certs`, 'the address of the Access certs')
  const keySet = createKeySet({ load: () => fetchDocument(fetch, certs), algorithms: ALGORITHMS, clock, report })
  const check = createTokenCheck({ keySet, algorithms: ALGORITHMS, issuer, audiences, clock })

  return {
    async check(header) {
      const token = header('cf-access-jwt-assertion') ?? cookieOf(header('cookie'), 'CF_Authorization')
      if (token === undefined) return refuse('missing', 'this server is behind Cloudflare Access: sign in there first')
      return check(token)
    },
  }
}
