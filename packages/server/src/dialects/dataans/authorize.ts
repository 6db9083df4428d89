/**
 * The page that a signed-in browser window of the Dataans app is on: it takes password and passphrase and hands them, with the gate's
 * token, to the app around it. Nothing of it is sent anywhere.
 *
 * The token is the one that came with this very request: it goes back to who sent it. A script cannot read it by itself, the gate's
 * cookie is closed to scripts; so this page is given only to a window that shows it, not to a script that fetches it, as far as the
 * browser tells the two apart.
 */
import { encodeUtf8, toBase64Url } from '@lockstep/protocol/bytes'
import { AUTHORIZE_SCRIPT, AUTHORIZE_STYLE, authorizePage } from '#dialects/dataans/authorize-page'
import { ProblemError } from '#problems'
import type { App, Services } from '#services'

const TOKEN_HEADERS = ['cf-access-jwt-assertion', 'lockstep-gate-token', 'x-forwarded-access-token'] as const
const TOKEN_COOKIES = ['CF_Authorization', 'lockstep_gate'] as const
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/
const YEAR_SECONDS = 365 * 86_400

type Header = (name: string) => string | undefined

function cookie(header: Header, name: string): string | undefined {
  for (const pair of (header('cookie') ?? '').split(';')) {
    const [key, value] = pair.trim().split('=', 2)
    if (key === name) return value
  }
  return undefined
}

/** What the gate was shown. */
function tokenOf(header: Header): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(header('authorization') ?? '')?.[1]
  const [access, own, forwarded] = TOKEN_HEADERS.map(header)
  const [accessCookie, ownCookie] = TOKEN_COOKIES.map((name) => cookie(header, name))
  return [access, accessCookie, own, forwarded, bearer, ownCookie].find((token) => token !== undefined && JWT.test(token))
}

/** Without a gate there is none, but the app reads from it until when it may go on: one that opens nothing, for a year. */
function placeholder(now: number): string {
  const seconds = Math.floor(now / 1000)
  const parts = [
    { alg: 'RS256', typ: 'JWT' },
    {
      aud: ['lockstep'],
      email: 'nobody@localhost',
      exp: seconds + YEAR_SECONDS,
      iat: seconds,
      iss: 'lockstep',
      nbf: seconds,
      sub: '',
    },
    'no gate',
  ]
  return parts.map((part) => toBase64Url(encodeUtf8(typeof part === 'string' ? part : JSON.stringify(part)))).join('.')
}

export function addAuthorizeRoute(app: App, { clock, secrets }: Services): void {
  const source = (text: string) => `'sha256-${Buffer.from(secrets.hash(encodeUtf8(text))).toString('base64')}'`
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    // `ipc:` is how a page in the app calls the app, http://ipc.localhost where a system knows no such scheme.
    'content-security-policy': `default-src 'none'; script-src ${source(AUTHORIZE_SCRIPT)}; style-src ${source(AUTHORIZE_STYLE)}; connect-src ipc: http://ipc.localhost; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }

  app.get('/health/authorize.html', (context) => {
    const header: Header = (name) => context.req.header(name)
    if ((header('sec-fetch-dest') ?? 'document') !== 'document') {
      throw new ProblemError('forbidden', 'this page is for a window of the Dataans app')
    }
    return new Response(authorizePage(tokenOf(header) ?? placeholder(clock())), { headers })
  })
}
