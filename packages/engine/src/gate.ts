/**
 * Passing a gate: what stands in front of a server (Cloudflare Access, a proxy that signs people in, the server's own check of
 * such tokens) lets a request through only with a proof that has nothing to do with the vault or its password.
 *
 * | what the person has | what is sent |
 * | --- | --- |
 * | an access token of Cloudflare Access | cookie `CF_Authorization`, which both its edge and a server behind it take |
 * | an access token of anybody else | header `lockstep-gate-token` |
 * | a service token of Cloudflare Access | headers `CF-Access-Client-Id` and `CF-Access-Client-Secret`, which its edge takes |
 *
 * A token says itself when it runs out: after that nothing is sent. A refusal by the gate is told as `gate-refused`, never as a
 * wrong password or as a server of another kind, and ends no session: who is refused at the door keeps the key to the house.
 *
 * Gates do not speak our protocol. Cloudflare's answers are known by their marks. For others a redirect to another host, or a
 * 401 or 403 that is not ours, is a gate's where nobody on the way can forge it (HTTPS), or where a token was sent; otherwise
 * it may be a hotel's network, and is worth another try later.
 */
import { decodeUtf8, fromBase64Url } from '@lockstep/protocol/bytes'
import { z } from 'zod'
import { drain } from '#answers'
import { EngineError } from '#errors'
import type { HttpClient, HttpResponse } from '#http'

/** What a person has for the gate. */
export interface GatePass {
  /** A signed JWT. */
  readonly accessToken?: string | undefined
  /** A service token of Cloudflare Access. */
  readonly service?: { readonly clientId: string; readonly clientSecret: string } | undefined
}

const ACCESS_DOMAIN = '.cloudflareaccess.com'
const JWT = /^[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/
/** What can stand in a header. */
const VISIBLE = /^[\x21-\x7e]{1,1024}$/

const claimsSchema = z.object({ iss: z.string().optional().catch(undefined), exp: z.number().optional().catch(undefined) })

export interface ReadPass {
  readonly headers: Readonly<Record<string, string>>
  /** Unix milliseconds; undefined where it does not say. */
  readonly expiresAt: number | undefined
}

/** @throws EngineError `bad-value` */
export function readPass({ accessToken, service }: GatePass): ReadPass {
  const headers: Record<string, string> = {}
  let expiresAt: number | undefined
  if (service !== undefined) {
    if (!VISIBLE.test(service.clientId) || !VISIBLE.test(service.clientSecret)) {
      throw new EngineError('bad-value', 'a service token’s client id and secret are visible characters without spaces')
    }
    headers['cf-access-client-id'] = service.clientId
    headers['cf-access-client-secret'] = service.clientSecret
  }
  if (accessToken !== undefined) {
    const { iss, exp } = claimsOf(accessToken)
    expiresAt = exp === undefined ? undefined : exp * 1000
    if (isOfAccess(iss)) headers['cookie'] = `CF_Authorization=${accessToken}`
    else headers['lockstep-gate-token'] = accessToken
  }
  return { headers, expiresAt }
}

function claimsOf(token: string): z.output<typeof claimsSchema> {
  const [, payload] = JWT.exec(token) ?? []
  try {
    return claimsSchema.parse(JSON.parse(decodeUtf8(fromBase64Url(payload ?? ''))))
  } catch (error) {
    throw new EngineError('bad-value', 'this is no access token: it must be a signed JWT, three parts with dots between', {
      cause: error,
    })
  }
}

function isOfAccess(issuer: string | undefined): boolean {
  return issuer !== undefined && URL.canParse(issuer) && new URL(issuer).hostname.endsWith(ACCESS_DOMAIN)
}

export interface GatedOptions {
  readonly http: HttpClient
  /** Base URL of the server that the pass is for. */
  readonly server: string
  readonly pass: GatePass | undefined
  /** Unix milliseconds. */
  readonly now: () => number
  /** Called at the first answer that came past the gate with this pass. */
  readonly onPassed?: (() => Promise<void>) | undefined
}

/** The way to one server through its gate. */
export interface Gated {
  readonly http: HttpClient
  /** What a WebSocket's handshake needs. @throws EngineError `gate-refused` after the token has run out */
  readonly headers: () => Readonly<Record<string, string>>
}

export function gated({ http, server, pass, now, onPassed }: GatedOptions): Gated {
  const read = pass === undefined ? { headers: {}, expiresAt: undefined } : readPass(pass)
  let passing: Promise<void> | undefined

  function headers(): Readonly<Record<string, string>> {
    if (read.expiresAt !== undefined && read.expiresAt <= now()) throw expired(server, read.expiresAt)
    return read.headers
  }

  return {
    headers,
    async http(request) {
      const response = await http({ ...request, headers: { ...request.headers, ...headers() } })
      const refusal = refusalIn(response, server, pass !== undefined)
      if (refusal !== undefined) {
        await drain(response)
        throw new EngineError('gate-refused', refusal)
      }
      if (response.status < 300) passing ??= onPassed?.()
      // Also by answers that come meanwhile: what is done with them must not meet what is being written.
      await passing
      return response
    },
  }
}

function expired(server: string, at: number): EngineError {
  const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ')
  return new EngineError('gate-refused', `the access token for ${server} expired on ${when} UTC: get a new one`)
}

/** What the gate says with this answer, in a sentence; undefined where it is not the gate's. */
function refusalIn(response: HttpResponse, server: string, hasPass: boolean): string | undefined {
  const { status, header } = response
  if (header('content-type')?.startsWith('application/problem+json') === true) return undefined
  const isRedirect = [302, 303, 307].includes(status)
  const target = isRedirect ? redirectTarget(header('location'), server) : undefined
  const why = hasPass ? 'does not take what this device showed' : 'wants an access token or a service token'
  if (isCloudflares(response, target)) return `Cloudflare Access in front of ${server} ${why}`
  if (!hasPass && !server.startsWith('https:')) return undefined
  // Our servers redirect nothing, and a network that would show its log-in cannot speak HTTPS in a server's name.
  if (response.hidden === true) return `a gate in front of ${server} ${why}: it sends to a page of its own`
  if (target !== undefined && isSignIn(target, server)) return `a gate in front of ${server} ${why}: it sends to ${target.host}`
  if (status === 401 || status === 403) return `something in front of ${server} answered ${status} in its place: it ${why}`
  return undefined
}

function redirectTarget(location: string | undefined, server: string): URL | undefined {
  return location !== undefined && URL.canParse(location, server) ? new URL(location, server) : undefined
}

function isCloudflares({ status, header }: HttpResponse, target: URL | undefined): boolean {
  if (target !== undefined) return target.hostname.endsWith(ACCESS_DOMAIN) || target.pathname.startsWith('/cdn-cgi/access/')
  if (status !== 401 && status !== 403) return false
  return (
    /^cloudflare-access\b/i.test(header('www-authenticate') ?? '') ||
    header('cf-access-domain') !== undefined ||
    header('cf-access-aud') !== undefined ||
    header('cf-ray') !== undefined
  )
}

/** To another host, or to where proxies that sign people in have their pages. */
function isSignIn(target: URL, server: string): boolean {
  return target.host !== new URL(server).host || target.pathname.startsWith('/oauth2/')
}
