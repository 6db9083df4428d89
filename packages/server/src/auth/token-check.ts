/**
 * A gate's tokens: signed JWTs (RFC 7519) in compact form. What is checked, in this order, the cheap before the costly:
 *
 * 1. at most 8 KiB of three base64url parts, with a header and claims that are JSON objects
 * 2. a header of a closed list of algorithms, which brings no key or address of a key of its own (`jwk`, `jku`, `x5c`,
 *    `x5u`) and asks for no extension (`crit`), of the type JWT or access token
 * 3. what the claims alone decide: issuer, audience, `exp` (must be there), `nbf` and `iat` with a minute for clocks that differ
 * 4. the signature, with the issuer's key of that id and algorithm
 * 5. who it is about
 *
 * Steps 1 to 3 may refuse on the word of a token that nobody has verified; they tell a forger nothing, and a token of
 * another team never makes this server ask the issuer for keys. Nothing passes without step 4, and who may pass (step 5)
 * is told to nobody without it.
 *
 * A token that passed is remembered by its SHA-256 until it runs out or the issuer's keys change.
 */
import { hash } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import { z } from 'zod'
import type { GateOutcome, GateRefusal } from '#auth/gate'
import type { KeySet, SignatureAlgorithm } from '#auth/key-set'

/** Node takes 16 KiB for all headers of a request together. */
const MAX_TOKEN_LENGTH = 8 * 1024
const MAX_REMEMBERED = 10_000
/** Seconds that another clock may be ahead of ours. A token that has run out has: there is none for `exp`. */
const LEEWAY = 60

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/

export function refuse(reason: GateRefusal, detail: string): GateOutcome & { readonly passed: false } {
  return { passed: false, reason, detail }
}

const absent = z.undefined().optional()
const headerSchema = z.object({
  alg: z.string(),
  kid: z.string().max(256).optional(),
  typ: z
    .string()
    .regex(/^(?:application\/)?(?:at\+)?jwt$/i)
    .optional(),
  crit: absent,
  jwk: absent,
  jku: absent,
  x5c: absent,
  x5u: absent,
})

/** Seconds since 1970, with fractions where the issuer likes. */
const moment = z.number().min(0)
const claimsSchema = z.object({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string())]).transform((audience) => (typeof audience === 'string' ? [audience] : audience)),
  exp: moment,
  nbf: moment.optional(),
  iat: moment.optional(),
  // What is not a text names nobody.
  sub: z.string().optional().catch(undefined),
  azp: z.string().optional().catch(undefined),
  email: z.string().optional().catch(undefined),
  email_verified: z.unknown().optional(),
})
export type Claims = z.output<typeof claimsSchema>

export interface TokenCheckOptions {
  readonly keySet: KeySet
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly issuer: string
  /** One of these must be among the token's. */
  readonly audiences: readonly string[]
  /** Unix milliseconds. */
  readonly clock: () => number
  /** What else the claims alone decide: why they are refused, undefined when they are not. */
  readonly judge?: (claims: Claims) => string | undefined
  /** The same of who it is about; asked only once the signature holds. */
  readonly admit?: (claims: Claims) => string | undefined
}

export type TokenCheck = (token: string) => Promise<GateOutcome>

export function createTokenCheck(options: TokenCheckOptions): TokenCheck {
  const { keySet, algorithms, clock, admit = () => undefined } = options
  const remembered = new Map<string, { readonly until: number; readonly generation: number }>()

  /** Until when a token that was good before is. */
  async function recall(id: string): Promise<number | undefined> {
    const known = remembered.get(id)
    if (known === undefined) return undefined
    if (clock() < known.until && (await keySet.generation()) === known.generation) return known.until
    remembered.delete(id)
    return undefined
  }

  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) return refuse('refused', `the access token is longer than ${MAX_TOKEN_LENGTH} characters`)
    const id = hash('sha256', token, 'base64url')
    const known = await recall(id)
    if (known !== undefined) return { passed: true, until: known }

    const parts = COMPACT.exec(token)
    const header = headerSchema.safeParse(parseJson(parts?.[1]))
    const claims = claimsSchema.safeParse(parseJson(parts?.[2]))
    if (!header.success) return refuse('refused', refusedHeader(parseJson(parts?.[1])))
    if (!claims.success) return refuse('refused', refusedClaims(claims.error))
    const algorithm = algorithms.find((name) => name === header.data.alg)
    if (algorithm === undefined) {
      return refuse('refused', `the access token is not signed in a way that this server takes (${algorithms.join(', ')})`)
    }
    const refusal = judgeClaims(claims.data, options)
    if (refusal !== undefined) return refusal

    const answer = await keySet.find(header.data.kid, algorithm)
    if (answer === 'unavailable') return refuse('unavailable', 'the keys of the token’s issuer cannot be fetched: try again later')
    if (answer === 'unknown') {
      return refuse('refused', 'the access token is signed with a key that its issuer does not publish: get a new one')
    }
    if (!(await isSigned(token, answer.key, algorithm))) return refuse('refused', 'the signature of the access token is wrong')
    const stranger = admit(claims.data)
    if (stranger !== undefined) return refuse('refused', stranger)

    if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string)
    const until = claims.data.exp * 1000
    remembered.set(id, { until, generation: answer.generation })
    return { passed: true, until }
  }
}

function parseJson(part: string | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part ?? '', 'base64url')))
  } catch {
    return undefined
  }
}

function refusedHeader(header: unknown): string {
  if (typeof header !== 'object' || header === null) return 'the access token is not a signed JWT'
  const own = ['crit', 'jwk', 'jku', 'x5c', 'x5u'].find((name) => Object.hasOwn(header, name))
  return own === undefined
    ? 'the access token’s header is not one of a signed JWT'
    : `the access token’s header has "${own}", which is never taken`
}

function refusedClaims({ issues }: z.ZodError): string {
  const names = [...new Set(issues.map(({ path }) => path[0]).filter((name) => name !== undefined))]
  return names.length === 0 ? 'the access token holds no claims' : `the access token lacks a valid ${names.map(String).join(', ')}`
}

function judgeClaims(claims: Claims, { issuer, audiences, clock, judge }: TokenCheckOptions) {
  const now = clock() / 1000
  if (claims.iss !== issuer) return refuse('refused', 'the access token is from another issuer than the one this server trusts')
  if (!claims.aud.some((audience) => audiences.includes(audience))) {
    return refuse('refused', 'the access token is for another application than this one')
  }
  if (claims.exp <= now) return refuse('expired', 'the access token has expired: get a new one')
  if ((claims.nbf ?? 0) > now + LEEWAY || (claims.iat ?? 0) > now + LEEWAY) {
    return refuse('refused', 'the access token is not valid yet: check the clocks of both machines')
  }
  const reason = judge?.(claims)
  return reason === undefined ? undefined : refuse('refused', reason)
}

async function isSigned(token: string, key: CryptoKey, algorithm: SignatureAlgorithm): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}
