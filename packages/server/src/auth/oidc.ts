/**
 * Any OpenID Connect provider as the gate: its keys are found through its discovery document, its tokens must be for this
 * server's audience, and the list says which of its people may pass.
 *
 * The token is in the first of these that is there:
 *
 * | where | who puts it there |
 * | --- | --- |
 * | header `lockstep-gate-token` | our own clients, whose `authorization` holds the session |
 * | header `x-forwarded-access-token` | a proxy that signs people in |
 * | header `authorization: Bearer`, in the shape of a JWT | other clients; a session token of ours has no dot |
 * | cookie `lockstep_gate` | a web app of the same origin |
 *
 * A token for several audiences is taken only where `azp` says that it was made for this one.
 */
import { z } from 'zod'
import { cookieOf } from '#auth/cookies'
import type { Gate } from '#auth/gate'
import { fetchDocument, IssuerError, type IssuerFetch, issuerUrl } from '#auth/issuer-documents'
import { createKeySet } from '#auth/key-set'
import { type Claims, createTokenCheck, refuse } from '#auth/token-check'

const ALGORITHMS = ['RS256', 'PS256', 'ES256'] as const
const BEARER_JWT = /^bearer +([^\s.]+\.[^\s.]+\.[^\s.]+) *$/i
/** How long a discovery document holds; after a failure it is asked for anew. */
const DISCOVERY_MILLISECONDS = 24 * 60 * 60_000

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string() })

export interface OidcGateOptions {
  /** Exactly as the provider writes it in its tokens. */
  readonly issuer: string
  readonly audience: string
  /**
   * Who may pass: subjects (`sub`), e-mail addresses (every entry with an @; only verified ones count), `sub:…` for a
   * subject that looks like an address, `*` for everybody to whom the provider gives a token for this audience.
   */
  readonly allow: readonly string[]
  readonly fetch: IssuerFetch
  /** Unix milliseconds. */
  readonly clock: () => number
  /** Told why keys could not be fetched, at most once a minute. */
  readonly report?: (trouble: string) => void
}

/** @throws RangeError for settings that cannot work, with a sentence */
export function createOidcGate({ issuer, audience, allow, fetch, clock, report = () => {} }: OidcGateOptions): Gate {
  issuerUrl(issuer, 'the OIDC issuer')
  if (audience === '') throw new RangeError('OIDC needs an audience')
  const admits = allowList(allow)
  const keySet = createKeySet({ load: keyLoader(issuer, fetch, clock), algorithms: ALGORITHMS, clock, report })
  const check = createTokenCheck({
    keySet,
    algorithms: ALGORITHMS,
    issuer,
    audiences: [audience],
    clock,
    judge: ({ aud, azp }) =>
      aud.length === 1 || azp === audience
        ? undefined
        : 'the access token is for several applications and was made for another one',
    admit: (claims) => (admits(claims) ? undefined : 'the access token is in order, but not of a person who may use this server'),
  })

  return {
    async check(header) {
      const token =
        header('lockstep-gate-token') ??
        header('x-forwarded-access-token') ??
        BEARER_JWT.exec(header('authorization') ?? '')?.[1] ??
        cookieOf(header('cookie'), 'lockstep_gate')
      if (token === undefined) {
        return refuse('missing', 'this server wants an access token of its identity provider: sign in there first')
      }
      return check(token)
    },
  }
}

/** Fetches the key set from where the discovery document says. */
function keyLoader(issuer: string, fetch: IssuerFetch, clock: () => number): () => Promise<unknown> {
  const discovery = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  let known: { readonly keys: URL; readonly since: number } | undefined

  async function discover(): Promise<URL> {
    const parsed = discoverySchema.safeParse(await fetchDocument(fetch, discovery))
    if (!parsed.success) throw new IssuerError(`${discovery.href} is not a discovery document`)
    // Otherwise one tenant's document could speak for another's tokens.
    if (parsed.data.issuer !== issuer) throw new IssuerError(`${discovery.href} is of another issuer than ${issuer}`)
    try {
      return issuerUrl(parsed.data.jwks_uri, 'the jwks_uri of the issuer')
    } catch (error) {
      throw new IssuerError((error as Error).message, { cause: error })
    }
  }

  return async () => {
    if (known === undefined || Math.abs(clock() - known.since) >= DISCOVERY_MILLISECONDS) {
      known = { keys: await discover(), since: clock() }
    }
    try {
      return await fetchDocument(fetch, known.keys)
    } catch (error) {
      known = undefined
      throw error
    }
  }
}

/** ASCII only: in Unicode, letters of another mailbox fold to those of this one. */
const foldCase = (address: string) => address.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** @throws RangeError for an empty list: a provider may give tokens to anybody */
function allowList(allow: readonly string[]): (claims: Claims) => boolean {
  if (allow.length === 0) {
    throw new RangeError('OIDC needs a list of who may pass: subjects, e-mail addresses, or * for everybody the issuer lets in')
  }
  const everybody = allow.includes('*')
  const subjects = new Set<string>()
  const addresses = new Set<string>()
  for (const entry of allow) {
    if (entry.startsWith('sub:')) subjects.add(entry.slice('sub:'.length))
    else if (entry.includes('@')) addresses.add(foldCase(entry))
    else subjects.add(entry)
  }
  return ({ sub, email, email_verified: verified }) =>
    everybody ||
    (sub !== undefined && subjects.has(sub)) ||
    (email !== undefined && verified === true && addresses.has(foldCase(email)))
}
