/**
 * A token issuer on this machine, over real HTTP: Cloudflare Access's certs and an OpenID Connect provider's discovery and
 * keys. It rotates its keys, counts who asks for them, fails in the ways that issuers do, and signs whatever it is told to,
 * so that a test can give it every defect. Made with node:crypto alone: it shares nothing with the code that verifies.
 */
import { createHmac, generateKeyPairSync, type KeyObject, sign, constants as signing } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export const TEAM = 'example'
export const ACCESS_ISSUER = `https://${TEAM}.cloudflareaccess.com`
/** The AUD tag of the Access application. */
export const AUD = '4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2'
export const OIDC_AUDIENCE = 'lockstep'

export type Algorithm = 'RS256' | 'RS384' | 'PS256' | 'ES256'

export interface SigningKey {
  readonly kid: string | undefined
  readonly algorithm: Algorithm
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

let made = 0
const nextId = () => `key-${++made}`

export interface KeyOptions {
  readonly bits?: number
  readonly kid?: string | undefined
}

/** Takes a tenth of a second. */
export function newKey(algorithm: Algorithm = 'RS256', options: KeyOptions = {}): SigningKey {
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: options.bits ?? 2048 })
  return { algorithm, kid: 'kid' in options ? options.kid : nextId(), ...pair }
}

const RING = 3
const ring: SigningKey[] = []

/** What issuers sign with: one of three keys in turn, under an id of its own. */
function issuerKey(): SigningKey {
  const kid = nextId()
  const key = ring.length < RING ? newKey() : (ring.shift() as SigningKey)
  ring.push(key)
  return { ...key, kid }
}

export type Json = Readonly<Record<string, unknown>>

/** As the issuer publishes it. */
export function publicJwk({ kid, algorithm, publicKey }: SigningKey): Json {
  return { ...publicKey.export({ format: 'jwk' }), alg: algorithm, use: 'sig', ...(kid !== undefined && { kid }) }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function signature({ algorithm, privateKey }: SigningKey, input: string): string {
  const bytes = Buffer.from(input)
  if (algorithm === 'ES256') return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')
  if (algorithm === 'PS256') {
    const pss = { key: privateKey, padding: signing.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    return sign('sha256', bytes, pss).toString('base64url')
  }
  return sign(algorithm === 'RS384' ? 'sha384' : 'sha256', bytes, privateKey).toString('base64url')
}

export function signToken(key: SigningKey, claims: unknown, header: Json = {}): string {
  const input = `${encode({ alg: key.algorithm, kid: key.kid, typ: 'JWT', ...header })}.${encode(claims)}`
  return `${input}.${signature(key, input)}`
}

/** Signed with a shared secret in place of a key: what happens when a public key is taken for one. */
export function hmacToken(secret: string | Buffer, claims: unknown, header: Json): string {
  const input = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** Not signed at all. */
export function unsignedToken(claims: unknown, header: Json): string {
  return `${encode({ alg: 'none', ...header })}.${encode(claims)}.`
}

/** Answers a request in place of the issuer. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export class Issuer {
  /** Base URL; the OIDC issuer's name. */
  readonly url: string
  readonly certsUrl: string
  /** What it publishes; the last one signs. */
  keys: SigningKey[] = [issuerKey()]
  /** Published beside them, whatever they are. */
  extra: Json[] = []
  /** Replaces the answers to one kind of request. */
  answerKeys: Answer | undefined
  answerDiscovery: Answer | undefined
  /** How often it was asked. */
  readonly asked = { keys: 0, discovery: 0 }
  readonly #now: () => number

  constructor(url: string, now: () => number) {
    this.url = url
    this.certsUrl = `${url}/cdn-cgi/access/certs`
    this.#now = now
  }

  get key(): SigningKey {
    return this.keys.at(-1) as SigningKey
  }

  /** A new key signs; the one before is published for a while, those before it are withdrawn. */
  rotate(key = issuerKey()): SigningKey {
    this.keys = [this.key, key]
    return key
  }

  /** Whole seconds, `offset` from now. */
  seconds(offset = 0): number {
    return Math.floor(this.#now() / 1000) + offset
  }

  /** Claims as Access makes them for a person. */
  accessClaims(changes: Json = {}): Json {
    const [iat, exp] = [this.seconds(), this.seconds(3600)]
    const person = { email: 'owner@example.org', sub: 'f174e90a-fafe-4643-bbbc-4a0ed4fc8415', identity_nonce: '6ei69kawdKzMIAPF' }
    return { aud: [AUD], iss: ACCESS_ISSUER, iat, nbf: iat, exp, type: 'app', country: 'NL', ...person, ...changes }
  }

  accessToken(changes: Json = {}): string {
    return signToken(this.key, this.accessClaims(changes))
  }

  /** Claims as an OpenID Connect provider makes them. */
  oidcClaims(changes: Json = {}): Json {
    const person = { sub: 'subject-1', email: 'owner@example.org', email_verified: true }
    return { iss: this.url, aud: OIDC_AUDIENCE, iat: this.seconds(), exp: this.seconds(3600), ...person, ...changes }
  }

  oidcToken(changes: Json = {}): string {
    return signToken(this.key, this.oidcClaims(changes))
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const json = (body: unknown) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    if (request.url === '/.well-known/openid-configuration') {
      this.asked.discovery += 1
      if (this.answerDiscovery !== undefined) this.answerDiscovery(request, response)
      else json({ issuer: this.url, jwks_uri: `${this.url}/keys`, response_types_supported: ['code'] })
    } else if (request.url === '/keys' || request.url === '/cdn-cgi/access/certs') {
      this.asked.keys += 1
      if (this.answerKeys !== undefined) this.answerKeys(request, response)
      else json({ keys: [...this.extra, ...this.keys.map(publicJwk)] })
    } else {
      response.statusCode = 404
      response.end()
    }
  }
}

/** Closed when the test ends. @param now the issuer's clock, Unix milliseconds */
export async function startIssuer(now: () => number = Date.now): Promise<Issuer> {
  let issuer: Issuer | undefined
  const server = createServer((request, response) => issuer?.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  issuer = new Issuer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, now)
  return issuer
}
